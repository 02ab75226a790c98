package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

const flood = 10_000

// On a fake clock: 10 000 commands in the same instant, and a handler that is slow. Each has its first response within Slack's 3 s.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("10 000 commands")
	}
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		a, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			req.Accepted(41)
			raise(&most, now.Add(1))
			defer now.Add(-1)
			time.Sleep(25 * time.Second)
			return told("lisi is muted")
		})
		hooks := newHooks(t)
		a.HTTP = hooks.client()
		began := time.Now()
		var mu sync.Mutex
		heard := map[string]int{}
		var all sync.WaitGroup
		for n := range flood {
			all.Go(func() {
				m := first(t, a, numbered(n, testHook))
				assert.LessOrEqual(t, time.Since(began), firstAnswer)
				mu.Lock()
				defer mu.Unlock()
				heard[m.Text]++
			})
		}
		all.Wait()
		assert.Equal(t, map[string]int{
			draw(commands.Acknowledgement("", 41)).Text: maxRunning,
			draw(commands.Busy("")).Text:                flood - maxRunning,
		}, heard)
		assert.EqualValues(t, maxRunning, most.Load())
		require.NoError(t, a.Stop(t.Context()))
		assert.Len(t, hooks.texts(), maxRunning, "who was promised an answer has one")
	})
}

// Deliveries of a command that runs are never told that nothing was done, however many come.
func TestFloodOfRedeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled atomic.Int64
		a, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			reply := told("lisi is muted")
			reply.Repeat = handled.Add(1) > 1
			time.Sleep(25 * time.Second)
			return reply
		})
		hooks := newHooks(t)
		a.HTTP = hooks.client()
		var all sync.WaitGroup
		for range 3000 {
			all.Go(func() {
				assert.Equal(t, draw(commands.Acknowledgement("", 0)), first(t, a, numbered(1, testHook)))
			})
		}
		all.Wait()
		assert.EqualValues(t, 1+maxAgain, handled.Load())
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"ephemeral: lisi is muted\n#41"}, hooks.texts())
	})
}

// numbered is another command for each n, with a response_url of its own.
func numbered(n int, hook string) *http.Request {
	f := form("/mute", "123 lisi 5m")
	f.Set("trigger_id", fmt.Sprint("trigger-", n))
	f.Set("user_id", fmt.Sprint("U", n/8))
	f.Set("response_url", fmt.Sprint(hook, n))
	return signed(f.Encode())
}

// Over sockets: 10 000 commands as fast as clients can send them, to a handler that is slow and to one that is busy. None goes without a first
// response, and what they take does not grow with their number. The time is told and not asserted tightly: the clients share the machine.
func TestFloodOverSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("10 000 commands")
	}
	const clients = maxRunning + 256 // more than are taken on at once
	for _, test := range []struct {
		name string
		slow bool
	}{
		{"a slow handler", true},
		{"a handler that is busy", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			release := make(chan struct{})
			var now, most, answered atomic.Int64
			a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
				raise(&most, now.Add(1))
				defer now.Add(-1)
				if !test.slow {
					return commands.Busy("")
				}
				<-release
				return told("lisi is muted")
			})
			a.Answered = func(_ int64, delivered bool) {
				if delivered {
					answered.Add(1)
				}
			}
			hooks := newHooks(t)
			slack := httptest.NewServer(hooks)
			defer slack.Close()
			a.APIURL = slack.URL + "/api/"
			bot := httptest.NewServer(a.Commands())
			defer bot.Close()
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}}
			defer client.CloseIdleConnections()

			took := make([]time.Duration, flood)
			words := make([]string, flood)
			var next atomic.Int64
			var all sync.WaitGroup
			stop, peak := watchMemory()
			for range clients {
				all.Go(func() {
					for {
						n := int(next.Add(1)) - 1
						if n >= flood {
							return
						}
						began := time.Now()
						words[n] = ask(t, client, bot.URL, numbered(n, slack.URL+"/commands/T0123/1/96rGlfmibIGlgcZRskXaIFfN/"))
						took[n] = time.Since(began)
					}
				})
			}
			all.Wait()
			close(release)
			require.NoError(t, a.Stop(t.Context()))
			stop()

			acknowledged := 0
			for _, said := range words {
				if said == draw(commands.Acknowledgement("", 0)).Text {
					acknowledged++
					continue
				}
				require.Equal(t, draw(commands.Busy("")).Text, said)
			}
			slices.Sort(took)
			t.Logf("first response: median %v, 99 %% %v, longest %v; acknowledged %d, busy %d; at once %d; memory %d MiB at most, clients included",
				took[flood/2], took[flood*99/100], took[flood-1], acknowledged, flood-acknowledged, most.Load(), peak()>>20)
			assert.LessOrEqual(t, most.Load(), int64(maxRunning))
			assert.Less(t, peak(), uint64(384<<20))
			assert.GreaterOrEqual(t, len(hooks.texts()), acknowledged, "who was promised an answer has one")
			if test.slow {
				assert.EqualValues(t, acknowledged, answered.Load())
				assert.GreaterOrEqual(t, acknowledged, maxRunning)
			} else {
				assert.Zero(t, answered.Load(), "what is not written down has no number")
			}
		})
	}
}

// raise makes most n if that is more.
func raise(most *atomic.Int64, n int64) {
	for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
	}
}

// ask sends a command and returns what its first response says.
func ask(t *testing.T, client *http.Client, url string, r *http.Request) string {
	out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/slack/commands", r.Body)
	if !assert.NoError(t, err) {
		return ""
	}
	out.Header = r.Header
	res, err := client.Do(out)
	if !assert.NoError(t, err) {
		return ""
	}
	defer res.Body.Close()
	assert.Equal(t, http.StatusOK, res.StatusCode)
	var m message
	assert.NoError(t, json.NewDecoder(res.Body).Decode(&m))
	return strings.TrimSpace(m.Text)
}

// watchMemory looks at what heap and stacks take, until stop; peak is the most that was seen.
func watchMemory() (stop func(), peak func() uint64) {
	var most uint64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse+m.StackInuse)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }, func() uint64 { return most }
}
