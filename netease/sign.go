package netease

import (
	"crypto/rand"
	"crypto/sha1" // NetEase's choice
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// sign sets the headers that NetEase knows a caller by. Each attempt needs its own.
//
// https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server
func sign(h http.Header, appKey, appSecret string, now time.Time) {
	nonce := rand.Text()
	curTime := strconv.FormatInt(now.Unix(), 10)
	h.Set("AppKey", appKey)
	h.Set("Nonce", nonce)
	h.Set("CurTime", curTime)
	h.Set("CheckSum", checkSum(appSecret, nonce, curTime))
}

func checkSum(appSecret, nonce, curTime string) string {
	sum := sha1.Sum([]byte(appSecret + nonce + curTime))
	return hex.EncodeToString(sum[:])
}

// NewRequestID makes a RequestId: a random UUID without dashes. One effect keeps its id over all attempts.
func NewRequestID() string {
	return strings.ReplaceAll(uuid.NewString(), "-", "")
}
