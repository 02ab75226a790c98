package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

const tooFast = `{"code":416,"desc":"query too fast"}`

// 100 calls in any second; one more, and that interface rests for 10 s, no longer for those who go on calling.
func TestRateLimit(t *testing.T) {
	w := newWorld(t)
	get := func() int { return codeOf(t, w.post("get", "roomid=123")) }

	for range 50 {
		assert.Equal(t, 200, get())
	}
	w.pass(600 * time.Millisecond)
	for range 50 {
		assert.Equal(t, 200, get())
	}
	w.pass(400 * time.Millisecond)
	for i := range 50 {
		assert.Equal(t, 200, get(), "call %d of the first 50 again: a second has passed since them", i)
	}
	assert.Equal(t, tooFast, w.post("get", "roomid=123"))
	assert.Equal(t, sandbox.Call{Op: netease.OpGet, Code: 416}, w.lastCall())

	assert.Equal(t, `{"desc":{"data":[]},"code":200}`, w.post("queryMembers", `roomid=123&accids=["x"]`), "another interface")
	w.pass(9 * time.Second)
	assert.Equal(t, 416, get())
	w.pass(time.Second - time.Nanosecond)
	assert.Equal(t, 416, get())
	w.pass(time.Nanosecond)
	for range 100 {
		assert.Equal(t, 200, get())
	}
	assert.Equal(t, 416, get())
}

// Who cannot sign cannot use up the quota of those who can.
func TestRateLimitCountsSignedCalls(t *testing.T) {
	w := newWorld(t)
	for range 101 {
		r := w.request(base, "get", "roomid=123")
		r.Header.Del("CheckSum")
		assert.Equal(t, `{"code":414,"desc":"checksum"}`, w.send(r))
	}
	assert.Equal(t, 200, codeOf(t, w.post("get", "roomid=123")))
}

// A RequestId acts once, in the whole app, for ten minutes, whatever the first call was answered.
func TestRequestID(t *testing.T) {
	w := newWorld(t)
	const mute = "roomid=123&operator=zhangsan&mute=true"
	const seen = `{"code":431}`

	assert.Equal(t, `{"desc":{"success":true},"code":200}`, w.postAs("a", "muteRoom", mute))
	w.post("muteRoom", "roomid=123&operator=zhangsan&mute=false")
	assert.Equal(t, seen, w.postAs("a", "muteRoom", mute))
	assert.Equal(t, sandbox.Call{Op: netease.OpMuteRoom, RequestID: "a", Code: 431}, w.lastCall())
	assert.False(t, w.state(123).Muted, "not applied again")
	assert.Equal(t, seen, w.postAs("a", "get", "roomid=123"), "another interface")

	assert.Equal(t, `{"code":404}`, w.postAs("b", "get", "roomid=404"))
	assert.Equal(t, seen, w.postAs("b", "get", "roomid=123"), "the first was refused")

	w.pass(10*time.Minute - time.Nanosecond)
	assert.Equal(t, seen, w.postAs("a", "muteRoom", mute))
	w.pass(time.Nanosecond)
	assert.Equal(t, `{"desc":{"success":true},"code":200}`, w.postAs("a", "muteRoom", mute), "forgotten")
	assert.Equal(t, seen, w.postAs("a", "muteRoom", mute), "known anew")
}

// What the rate limit or a signature stops has not used up its id.
func TestRequestIDOfACallThatDidNotGetThrough(t *testing.T) {
	w := newWorld(t)
	r := w.request(base, "get", "roomid=123")
	r.Header.Set("RequestId", "a")
	r.Header.Del("CheckSum")
	w.send(r)
	for i := range 100 {
		assert.Equal(t, 200, codeOf(t, w.postAs(fmt.Sprint(i), "get", "roomid=123")))
	}
	assert.Equal(t, tooFast, w.postAs("a", "get", "roomid=123"))
	w.pass(10 * time.Second)
	assert.Equal(t, 200, codeOf(t, w.postAs("a", "get", "roomid=123")))
}
