package sandbox_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

const (
	appKey    = "app-key"
	appSecret = "example-secret"
	base      = "https://nim.example/nimserver"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A world is a sandbox with a driven clock, and somebody who signs and posts.
//
//	room 123: zhangsan made it, wangwu and zhaoliu are managers, lisi is a common member; test100 and test101 are
//	          accounts without a tie to it
//	room 404: there is none
//	room 456: the same people, closed
//	room 789: the same people, made before timed closing
type world struct {
	t   *testing.T
	nim *sandbox.Sandbox

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: noon}
	w.nim = sandbox.New(appKey, appSecret, w.clock)
	room := sandbox.Room{ID: 123, Name: "room", Creator: "zhangsan",
		Managers: []netease.AccID{"wangwu", "zhaoliu"}, Common: []netease.AccID{"lisi"}}
	w.nim.AddRoom(room)
	room.ID, room.Closed = 456, true
	w.nim.AddRoom(room)
	room.ID, room.Closed, room.NoTimedClose = 789, false, true
	w.nim.AddRoom(room)
	w.nim.AddAccounts("test100", "TEST101")
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) enter(room netease.RoomID, who ...netease.AccID) {
	w.t.Helper()
	require.NoError(w.t, w.nim.Enter(room, who...))
}

func (w *world) leave(room netease.RoomID, who ...netease.AccID) {
	w.t.Helper()
	require.NoError(w.t, w.nim.Leave(room, who...))
}

func (w *world) state(room netease.RoomID) sandbox.State {
	w.t.Helper()
	state, ok := w.nim.State(room)
	require.True(w.t, ok, "room %d", room)
	return state
}

// request is a call as a good client makes it, to be spoilt by whoever wants.
func (w *world) request(root, op, form string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, root+"/chatroom/"+op+".action", strings.NewReader(form))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
	sign(r, "1", w.clock())
	return r
}

func sign(r *http.Request, nonce string, at time.Time) {
	curTime := fmt.Sprint(at.Unix())
	sum := sha1.Sum([]byte(appSecret + nonce + curTime))
	r.Header.Set("AppKey", appKey)
	r.Header.Set("Nonce", nonce)
	r.Header.Set("CurTime", curTime)
	r.Header.Set("CheckSum", hex.EncodeToString(sum[:]))
}

// post makes a call in process and returns the body of the answer.
func (w *world) post(op, form string) string {
	w.t.Helper()
	return w.send(w.request(base, op, form))
}

// postAs is post with a RequestId.
func (w *world) postAs(id, op, form string) string {
	w.t.Helper()
	r := w.request(base, op, form)
	r.Header.Set("RequestId", id)
	return w.send(r)
}

// send is for answers of NetEase's own, which are HTTP 200 and JSON whatever they say.
func (w *world) send(r *http.Request) string {
	w.t.Helper()
	resp, err := w.nim.RoundTrip(r)
	require.NoError(w.t, err)
	assert.Equal(w.t, http.StatusOK, resp.StatusCode)
	assert.Equal(w.t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
	return w.read(resp)
}

func (w *world) read(resp *http.Response) string {
	w.t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return string(body)
}

// lastCall is the call that arrived last, without its form and time.
func (w *world) lastCall() sandbox.Call {
	w.t.Helper()
	calls := w.nim.Calls()
	require.NotEmpty(w.t, calls)
	c := calls[len(calls)-1]
	c.Form, c.At = nil, time.Time{}
	return c
}
