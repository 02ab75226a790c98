package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease/sandbox"
)

// Paths and methods, in process and over a socket.
func TestPaths(t *testing.T) {
	const (
		notFound   = "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"
		notAllowed = "<html><head><title>405 Method Not Allowed</title></head><body><h1>405 Method Not Allowed</h1></body></html>"
		unsigned   = `{"code":414,"desc":"appkey"}` // it got as far as the signature
		json       = "application/json; charset=utf-8"
		html       = "text/html; charset=utf-8"
	)
	for _, tt := range []struct {
		method, path       string
		status             int
		allow, media, body string
	}{
		{"GET", "/nimserver/health/liveness.action", 200, "", "", ""},
		{"GET", "/proxy/nimserver/health/liveness.action", 200, "", "", ""},
		{"POST", "/nimserver/health/liveness.action", 405, "GET", html, notAllowed},
		{"POST", "/nimserver/chatroom/temporaryMute.action", 200, "", json, unsigned},
		{"POST", "/nimserver/chatroom/muteRoom.action", 200, "", json, unsigned},
		{"POST", "/nimserver/chatroom/updateDelayClosePolicy.action", 200, "", json, unsigned},
		{"POST", "/nimserver/chatroom/get.action", 200, "", json, unsigned},
		{"POST", "/proxy/nimserver/chatroom/queryMembers.action", 200, "", json, unsigned},
		{"POST", "/nimserver/nimserver/chatroom/get.action", 200, "", json, unsigned},
		{"GET", "/nimserver/chatroom/get.action", 405, "POST", html, notAllowed},
		{"PUT", "/nimserver/chatroom/muteRoom.action", 405, "POST", html, notAllowed},
		{"POST", "/nimserver/chatroom/kickMember.action", 404, "", html, notFound},
		{"POST", "/nimserver/chatroom/muteroom.action", 404, "", html, notFound},
		{"POST", "/nimserver/chatroom/muteRoom.action HTTP/1.1", 404, "", html, notFound},
		{"POST", "/nimserver/chatroom/muteRoom", 404, "", html, notFound},
		{"POST", "/nimserver/muteRoom.action", 404, "", html, notFound},
		{"POST", "/nimserver/chatroom/.action", 404, "", html, notFound},
		{"POST", "/chatroom/muteRoom.action", 404, "", html, notFound},
		{"GET", "/", 404, "", html, notFound},
	} {
		for how, over := range map[string]func(t *testing.T, w *world) (http.RoundTripper, string){"in process": inProcess, "socket": socket} {
			t.Run(tt.method+" "+tt.path+"/"+how, func(t *testing.T) {
				w := newWorld(t)
				transport, root := over(t, w)
				r, err := http.NewRequestWithContext(t.Context(), tt.method, strings.TrimSuffix(root, "/nimserver"), nil)
				require.NoError(t, err)
				r.URL.Path = tt.path

				resp, err := transport.RoundTrip(r)

				require.NoError(t, err)
				assert.Equal(t, tt.status, resp.StatusCode)
				assert.Equal(t, tt.allow, resp.Header.Get("Allow"))
				assert.Equal(t, tt.media, resp.Header.Get("Content-Type"))
				assert.Equal(t, "Sun, 22 Nov 2026 12:00:00 GMT", resp.Header.Get("Date"))
				assert.Equal(t, int64(len(tt.body)), resp.ContentLength)
				assert.Equal(t, tt.body, w.read(resp))
				assert.Equal(t, tt.body == unsigned, len(w.nim.Calls()) == 1, "only calls are written down")
			})
		}
	}
}

// One call over a real socket, in the time of the real world.
func TestOverASocket(t *testing.T) {
	w := newWorld(t)
	w.now = time.Now()
	nim := sandbox.New(appKey, appSecret, nil)
	nim.AddRoom(sandbox.Room{ID: 123, Name: "room", Creator: "zhangsan"})
	server := httptest.NewServer(nim)
	defer server.Close()

	resp, err := server.Client().Do(w.request(server.URL+"/nimserver", "muteRoom", "roomid=123&operator=zhangsan&mute=true"))

	require.NoError(t, err)
	assert.Equal(t, `{"desc":{"success":true},"code":200}`, w.read(resp))
	state, _ := nim.State(123)
	assert.True(t, state.Muted)
}

// What an http.Client relies on in a transport.
func TestRoundTripContract(t *testing.T) {
	w := newWorld(t)
	body := &closer{Reader: strings.NewReader("roomid=404")}
	r := w.request(base, "get", "")
	r.Body = body
	header := r.Header.Clone()
	resp, err := w.nim.RoundTrip(r)
	require.NoError(t, err)
	assert.Same(t, r, resp.Request)
	assert.Equal(t, "200 OK", resp.Status)
	assert.Equal(t, `{"code":404}`, w.read(resp))
	assert.True(t, body.closed)
	assert.Equal(t, header, r.Header)

	broken := errors.New("broken")
	body = &closer{Reader: iotest.ErrReader(broken)}
	r = w.request(base, "get", "")
	r.Body = body
	_, err = w.nim.RoundTrip(r)
	assert.ErrorIs(t, err, broken)
	assert.True(t, body.closed)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.nim.RoundTrip(w.request(base, "muteRoom", "roomid=123&operator=zhangsan&mute=true").WithContext(ctx))
	assert.Equal(t, context.Canceled, err)
	assert.False(t, w.state(123).Muted)
	assert.Len(t, w.nim.Calls(), 1, "the broken and the cancelled one did not arrive")
}

type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }
