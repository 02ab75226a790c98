package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// A check value made with another program: SHA1 of "example-secret" + "1" + "1451200147".
func TestCheckSum(t *testing.T) {
	w := newWorld(t)
	w.now = time.Unix(1451200147, 0)
	r := w.request(base, "muteRoom", "roomid=123&operator=zhangsan&mute=true")
	r.Header.Set("CheckSum", "ac74f53aab2aecea095f1a7049103c4152c1f5bc")
	assert.Equal(t, `{"desc":{"success":true},"code":200}`, w.send(r))
}

func TestHeaders(t *testing.T) {
	const done = `{"desc":{"success":true},"code":200}`
	for _, tt := range []struct {
		name  string
		spoil func(r *http.Request)
		want  string
	}{
		{"in order", func(*http.Request) {}, done},
		{"AppKey left out", func(r *http.Request) { r.Header.Del("AppKey") }, `{"code":414,"desc":"appkey"}`},
		{"AppKey of another", func(r *http.Request) { r.Header.Set("AppKey", "app-keys") }, `{"code":414,"desc":"appkey"}`},
		{"Nonce left out", func(r *http.Request) { sign(r, "", noon) }, `{"code":414,"desc":"Nonce is empty"}`},
		{"Nonce of 128", func(r *http.Request) { sign(r, strings.Repeat("n", 128), noon) }, done},
		{"Nonce of 129", func(r *http.Request) { sign(r, strings.Repeat("n", 129), noon) }, `{"code":414,"desc":"Nonce is illegal"}`},
		{"CurTime left out", func(r *http.Request) { r.Header.Del("CurTime") }, `{"code":414,"desc":"CurTime is illegal"}`},
		{"CurTime no number", func(r *http.Request) { r.Header.Set("CurTime", "noon") }, `{"code":414,"desc":"CurTime is illegal"}`},
		{"CurTime in ms", func(r *http.Request) { r.Header.Set("CurTime", "1795348800000") }, `{"code":414,"desc":"CurTime is expired"}`},
		{"five minutes slow", func(r *http.Request) { sign(r, "1", noon.Add(-5*time.Minute)) }, done},
		{"five minutes fast", func(r *http.Request) { sign(r, "1", noon.Add(5*time.Minute)) }, done},
		{"slower", func(r *http.Request) { sign(r, "1", noon.Add(-5*time.Minute-time.Second)) }, `{"code":414,"desc":"CurTime is expired"}`},
		{"faster", func(r *http.Request) { sign(r, "1", noon.Add(5*time.Minute+time.Second)) }, `{"code":414,"desc":"CurTime is expired"}`},
		{"CheckSum left out", func(r *http.Request) { r.Header.Del("CheckSum") }, `{"code":414,"desc":"checksum"}`},
		{"CheckSum in capitals", func(r *http.Request) {
			r.Header.Set("CheckSum", strings.ToUpper(r.Header.Get("CheckSum")))
		}, `{"code":414,"desc":"checksum"}`},
		{"CheckSum of another nonce", func(r *http.Request) { r.Header.Set("Nonce", "2") }, `{"code":414,"desc":"checksum"}`},
		{"CheckSum of another time", func(r *http.Request) { r.Header.Set("CurTime", "1795348801") }, `{"code":414,"desc":"checksum"}`},
		{"RequestId of 128", func(r *http.Request) { r.Header.Set("RequestId", strings.Repeat("r", 128)) }, done},
		{"RequestId of 129", func(r *http.Request) { r.Header.Set("RequestId", strings.Repeat("r", 129)) }, `{"code":414,"desc":"RequestId is illegal"}`},
		{"signature before form", func(r *http.Request) { r.Header.Del("CheckSum"); r.Header.Del("Content-Type") }, `{"code":414,"desc":"checksum"}`},

		{"type left out", func(r *http.Request) { r.Header.Del("Content-Type") }, `{"code":414,"desc":"Content-Type is illegal"}`},
		{"type without charset", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, `{"code":414,"desc":"Content-Type is illegal"}`},
		{"type as others write it", func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		}, done},
		{"type JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json;charset=utf-8") }, `{"code":414,"desc":"Content-Type is illegal"}`},
		{"query string", func(r *http.Request) { r.URL.RawQuery = "roomid=123" }, `{"code":414,"desc":"query string is illegal"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.request(base, "muteRoom", "roomid=123&operator=zhangsan&mute=true")
			tt.spoil(r)
			assert.Equal(t, tt.want, w.send(r))
			assert.Equal(t, tt.want == done, w.state(123).Muted)
			assert.Equal(t, tt.want == done, w.lastCall().Applied)
		})
	}
}

func TestForms(t *testing.T) {
	const mute = "roomid=123&operator=zhangsan&target=lisi&muteDuration=300"
	fill := strings.Repeat("a", 64<<10-len(mute+"&x="))
	for _, tt := range []struct{ name, form, want string }{
		{"percent-encoded", "%72oomid=123&operator=zhang%73an&target=lisi&muteDuration=300&notifyExt=%7B%22%E5%8E%9F%22%3A1%7D", `{"desc":{"muteDuration":300},"code":200}`},
		{"twice the same", mute + "&roomid=123", `{"code":414,"desc":"roomid is illegal"}`},
		{"broken escape", mute + "&notifyExt=%2", `{"code":414,"desc":"body is illegal"}`},
		{"semicolon", mute + ";notifyExt=1", `{"code":414,"desc":"body is illegal"}`},
		{"not UTF-8", mute + "&notifyExt=%FF", `{"code":414,"desc":"notifyExt is illegal"}`},
		{"64 KiB", mute + "&x=" + fill, `{"code":414,"desc":"x is unknown"}`},
		{"more than 64 KiB", mute + "&x=" + fill + "a", `{"code":414,"desc":"body is illegal"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			assert.Equal(t, tt.want, w.post("temporaryMute", tt.form))
			assert.Equal(t, sandbox.Call{Op: netease.OpTemporaryMute, Code: codeOf(t, tt.want), Applied: codeOf(t, tt.want) == 200}, w.lastCall())
		})
	}
}

// Whatever a caller who knows the secret posts: an answer in the documented form, and a change only with code 200.
func FuzzForm(f *testing.F) {
	ops := []string{"temporaryMute", "muteRoom", "updateDelayClosePolicy", "get", "queryMembers"}
	f.Add(uint8(0), "roomid=123&operator=zhangsan&target=lisi&muteDuration=300&notifyExt={}")
	f.Add(uint8(1), "roomid=123&operator=zhangsan&mute=true&needNotify=false")
	f.Add(uint8(2), "roomid=123&delayClosePolicy=2&delaySeconds=60")
	f.Add(uint8(3), "roomid=123&needOnlineUserCount=true")
	f.Add(uint8(4), `roomid=123&accids=["lisi","WangWu"]`)
	f.Add(uint8(0), "%zz=%ff&roomid=9223372036854775808&;")
	f.Fuzz(func(t *testing.T, op uint8, form string) {
		w := newWorld(t)
		before := []sandbox.State{w.state(123), w.state(456), w.state(789)}
		r := w.request(base, ops[int(op)%len(ops)], "")
		r.Body = io.NopCloser(strings.NewReader(form))

		code := codeOf(t, w.send(r))

		assert.Contains(t, []int{200, 403, 404, 414, 417, 13002, 13009}, code)
		assert.Equal(t, code == 200, w.lastCall().Applied)
		if code != 200 {
			assert.Equal(t, before, []sandbox.State{w.state(123), w.state(456), w.state(789)})
		}
	})
}
