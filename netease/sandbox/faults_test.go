package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// Each fault, in process and over a socket: what comes back, what was done, and what a retry under the same RequestId
// is told.
func TestFaults(t *testing.T) {
	const (
		json = "application/json; charset=utf-8"
		html = "text/html; charset=utf-8"
		done = `{"desc":{"success":true},"code":200}`
		seen = `{"code":431}`
		page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
	)
	for _, tt := range []struct {
		name        string
		fault       sandbox.Fault
		status      int // 0: hung up
		contentType string
		body        string
		code        int // in Calls
		applied     bool
		retry       string
	}{
		{"nothing", sandbox.Fault{}, 200, json, done, 200, true, seen},
		{"slow", sandbox.Fault{Delay: time.Millisecond}, 200, json, done, 200, true, seen},
		{"hang up before", sandbox.Fault{Hangup: sandbox.BeforeApplying}, 0, "", "", 0, false, done},
		{"hang up after", sandbox.Fault{Hangup: sandbox.AfterApplying}, 0, "", "", 0, true, seen},
		{"hang up before, slowly", sandbox.Fault{Hangup: sandbox.BeforeApplying, Delay: time.Millisecond}, 0, "", "", 0, false, done},
		{"hang up wins", sandbox.Fault{Hangup: sandbox.BeforeApplying, Applied: true, Code: 500, Status: 502}, 0, "", "", 0, false, done},
		{"gateway", sandbox.Fault{Status: 502}, 502, html, page, 0, false, done},
		{"gateway, applied", sandbox.Fault{Status: 502, Applied: true}, 502, html, page, 0, true, seen},
		{"gateway in its own words", sandbox.Fault{Status: 503, Body: "<p>busy</p>"}, 503, html, "<p>busy</p>", 0, false, done},
		{"page beats code", sandbox.Fault{Status: 502, Code: 500}, 502, html, page, 0, false, done},
		{"garbage", sandbox.Fault{Body: `{"desc":{"succ`}, 200, json, `{"desc":{"succ`, 0, false, done},
		{"garbage, applied", sandbox.Fault{Body: `{"desc":{"succ`, Applied: true}, 200, json, `{"desc":{"succ`, 0, true, seen},
		{"code", sandbox.Fault{Code: 500}, 200, json, `{"code":500}`, 500, false, done},
		{"code with words", sandbox.Fault{Code: 403, Desc: "func not enable"}, 200, json, `{"code":403,"desc":"func not enable"}`, 403, false, done},
		{"code, applied", sandbox.Fault{Code: 500, Applied: true}, 200, json, `{"code":500}`, 500, true, seen},
	} {
		for how, over := range map[string]func(t *testing.T, w *world) (http.RoundTripper, string){"in process": inProcess, "socket": socket} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				w := newWorld(t)
				transport, root := over(t, w)
				w.nim.Inject(netease.OpMuteRoom, tt.fault)
				r := w.request(root, "muteRoom", "roomid=123&operator=zhangsan&mute=true")
				r.Header.Set("RequestId", "a")

				resp, err := transport.RoundTrip(r)

				if tt.status == 0 {
					require.Error(t, err)
					assert.ErrorIs(t, err, map[string]error{"in process": io.ErrUnexpectedEOF, "socket": io.EOF}[how])
				} else {
					require.NoError(t, err)
					assert.Equal(t, tt.status, resp.StatusCode)
					assert.Equal(t, tt.contentType, resp.Header.Get("Content-Type"))
					assert.Equal(t, tt.body, w.read(resp))
				}
				assert.Equal(t, tt.applied, w.state(123).Muted)
				assert.Equal(t, sandbox.Call{Op: netease.OpMuteRoom, RequestID: "a", Code: tt.code, Applied: tt.applied}, w.lastCall())
				assert.Equal(t, tt.retry, w.postAs("a", "muteRoom", "roomid=123&operator=zhangsan&mute=true"))
			})
		}
	}
}

func inProcess(_ *testing.T, w *world) (http.RoundTripper, string) { return w.nim, base }

func socket(t *testing.T, w *world) (http.RoundTripper, string) {
	server := httptest.NewServer(w.nim)
	t.Cleanup(server.Close)
	return server.Client().Transport, server.URL + "/nimserver"
}

// Faults wait in a queue for each interface.
func TestFaultsInTurn(t *testing.T) {
	w := newWorld(t)
	w.nim.Inject(netease.OpGet, sandbox.Fault{Code: 500, Times: 2})
	w.nim.Inject(netease.OpGet, sandbox.Fault{})
	w.nim.Inject(netease.OpGet, sandbox.Fault{Code: 503, Times: 1})
	assert.Equal(t, 404, codeOf(t, w.post("queryMembers", `roomid=404&accids=["x"]`)), "another interface")
	var codes []int
	for range 5 {
		codes = append(codes, codeOf(t, w.post("get", "roomid=123")))
	}
	assert.Equal(t, []int{500, 500, 200, 503, 200}, codes)
}

// A fault does not soften the checks of a call that it lets through.
func TestFaultOnABadCall(t *testing.T) {
	w := newWorld(t)
	w.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Code: 500, Applied: true})
	assert.Equal(t, `{"code":500}`, w.post("muteRoom", "roomid=123&operator=lisi&mute=true"))
	assert.Equal(t, sandbox.Call{Op: netease.OpMuteRoom, Code: 500}, w.lastCall())
	assert.False(t, w.state(123).Muted)
}

// A caller who gives up during a delay hears from its own clock; what was done stays done.
func TestDelayOutlastsTheCaller(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   sandbox.Fault
		applied bool
	}{
		{"applied", sandbox.Fault{Delay: time.Minute}, true},
		{"not applied", sandbox.Fault{Delay: time.Minute, Hangup: sandbox.BeforeApplying}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.nim.Inject(netease.OpMuteRoom, tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()

				_, err := w.nim.RoundTrip(w.request(base, "muteRoom", "roomid=123&operator=zhangsan&mute=true").WithContext(ctx))

				assert.Equal(t, context.DeadlineExceeded, err)
				assert.Equal(t, 5*time.Second, time.Since(start))
				assert.Equal(t, tt.applied, w.state(123).Muted)
			})
		})
	}
}

func TestDelayPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.nim.Inject(netease.OpGet, sandbox.Fault{Delay: time.Minute})
		start := time.Now()
		assert.Equal(t, `{"code":404}`, w.post("get", "roomid=404"))
		assert.Equal(t, time.Minute, time.Since(start))
	})
}
