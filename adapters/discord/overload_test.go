package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

// edits counts late answers, by path.
type edits struct {
	mu  sync.Mutex
	all map[string]int
}

func (e *edits) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all[r.Method+" "+r.URL.Path]++
}

// flood hands n interactions over at the same moment, and counts what the first answers say. which is the interaction's number.
func flood(t *testing.T, a *Adapter, n int, which func(int) int) (heard map[string]int) {
	heard = map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for i := range n {
		all.Go(func() {
			w := httptest.NewRecorder()
			a.Interactions().ServeHTTP(w, signed(with(with(by(fmt.Sprint(80351110224678912+i/8), payload("mute")), "id", fmt.Sprint(which(i))), "token", fmt.Sprint(testToken, which(i)))))
			assert.LessOrEqual(t, time.Since(began), firstAnswer)
			var got first
			assert.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			mu.Lock()
			defer mu.Unlock()
			heard[fmt.Sprintf("%d %d %s", got.Type, got.Data.Flags, got.Data.Content)]++
		})
	}
	all.Wait()
	return heard
}

// 10 000 commands in the same instant, and a handler that is slow: each has its first answer in time, as many as are taken on have their
// own, and the others know that nothing was done.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("10 000 commands")
	}
	synctest.Test(t, func(t *testing.T) {
		var now, most, handled atomic.Int64
		a, _, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			handled.Add(1)
			n := now.Add(1)
			defer now.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			req.Accepted(41)
			time.Sleep(25 * time.Second)
			return numbered(told("x"))
		})
		var reported atomic.Int64
		a.Answered = func(_ int64, delivered bool) {
			if delivered {
				reported.Add(1)
			}
		}
		late := &edits{all: map[string]int{}}
		a.Client.HTTP = &http.Client{Transport: inProcess{late}}
		heard := flood(t, a, 10_000, func(i int) int { return i })
		assert.Equal(t, map[string]int{
			"5 64 ": maxRunning,
			"4 68 ⛔ **Not done**\n" + commands.Busy(commands.English).Text.String(): 10_000 - maxRunning,
		}, heard)
		require.NoError(t, a.Stop(t.Context()))
		assert.EqualValues(t, maxRunning, most.Load())
		assert.EqualValues(t, maxRunning, handled.Load(), "who was told that nothing was done is right")
		assert.EqualValues(t, maxRunning, reported.Load())
		assert.Len(t, late.all, maxRunning, "each has an answer")
	})
}

// Deliveries of a command that runs are never told that nothing was done, however many come, and all are told the same.
func TestFloodOfRedeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled atomic.Int64
		a, _, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
			reply := numbered(told("x"))
			reply.Repeat = handled.Add(1) > 1
			time.Sleep(25 * time.Second)
			return reply
		})
		late := &edits{all: map[string]int{}}
		a.Client.HTTP = &http.Client{Transport: inProcess{late}}
		heard := flood(t, a, 3000, func(int) int { return 7 })
		assert.Equal(t, map[string]int{"4 68 ⏳ **In progress**\n" + commands.Acknowledgement(commands.English, 0).Text.String(): 3000}, heard)
		assert.EqualValues(t, 1+maxAgain, handled.Load())
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, map[string]int{"PATCH /api/v10/webhooks/" + testApp + "/" + testToken + "7/messages/@original": 1}, late.all)
	})
}
