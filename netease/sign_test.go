package netease

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCheckSum(t *testing.T) {
	assert.Equal(t, "ac74f53aab2aecea095f1a7049103c4152c1f5bc", checkSum("example-secret", "1", "1451200147"))
}

func TestSign(t *testing.T) {
	now := time.Unix(1451200147, 999).In(time.FixedZone("UTC+8", 8*3600))
	a, b := http.Header{}, http.Header{}
	sign(a, "app-key", "example-secret", now)
	sign(b, "app-key", "example-secret", now)
	assert.Equal(t, "app-key", a.Get("AppKey"))
	assert.Equal(t, "1451200147", a.Get("CurTime"))
	assert.Equal(t, checkSum("example-secret", a.Get("Nonce"), "1451200147"), a.Get("CheckSum"))
	assert.NotEmpty(t, a.Get("Nonce"))
	assert.LessOrEqual(t, len(a.Get("Nonce")), 128)
	assert.NotEqual(t, a.Get("Nonce"), b.Get("Nonce"))
}
