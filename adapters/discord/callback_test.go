package discord

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

const callbackOf = "POST /interactions/1200000000000000007/TOKEN/callback"

// takeOne has the gateway bring an interaction.
func takeOne(a *Adapter, p map[string]any) {
	body, _ := encode(p)
	a.take(context.Background(), body, time.Now())
}

// The first answer to the gateway is a call: tried twice, in time, and what became of it is told once.
func TestCallback(t *testing.T) {
	for _, test := range []struct {
		name   string
		script []http.HandlerFunc
		tries  int
		taken  bool
		logged string
	}{
		{"taken", nil, 1, true, ""},
		{"500", []http.HandlerFunc{problem(500, 0)}, 2, true, ""},
		{"HTML of somebody in front", []http.HandlerFunc{says(502, "<html>")}, 2, true, ""},
		{"429", []http.HandlerFunc{says(429, `{"retry_after":0.4}`)}, 2, true, ""},
		{"429, and answered elsewhere meanwhile", []http.HandlerFunc{says(429, `{"retry_after":0.4}`), problem(400, 40060)}, 2, false, "another process that has the same token"},
		{"429 for too long", []http.HandlerFunc{says(429, `{"retry_after":30}`)}, 1, false, "HTTP 429"},
		{"cut, and taken all the same", []http.HandlerFunc{hangsUp, problem(400, 40060)}, 2, true, ""},
		{"answered elsewhere", []http.HandlerFunc{problem(400, 40060)}, 1, false, "another process that has the same token"},
		{"too late", []http.HandlerFunc{problem(404, 10062)}, 1, false, "code 10062"},
		{"never answered", []http.HandlerFunc{silent, silent}, 2, false, "deadline exceeded"},
		{"500 twice", []http.HandlerFunc{problem(500, 0), problem(500, 0)}, 2, false, "HTTP 500"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				a, fake, log := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
					runs++
					req.Accepted(41)
					return numbered(told("lisi is muted"))
				})
				fake.script = test.script
				began := time.Now()
				takeOne(a, payload("mute"))
				assert.Less(t, time.Since(began), 3*time.Second)
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, 1, runs, "nothing is done again because an answer failed")
				assert.Len(t, fake.requests, test.tries)
				for _, r := range fake.requests {
					assert.Equal(t, callbackOf, r)
				}
				assert.Equal(t, []string{map[bool]string{true: "#41 true", false: "#41 false"}[test.taken]}, fake.reports)
				if test.logged == "" {
					assert.NotContains(t, log.String(), "level=WARN")
				}
				assert.Contains(t, log.String(), test.logged)
			})
		})
	}
}

// Acknowledgements go out well within three seconds, however slow NetEase is, and the answer follows.
func TestSlowThroughTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(10*time.Second, &yes, publicly(numbered(told("lisi is muted")))))
		began := time.Now()
		takeOne(a, payload("mute"))
		assert.Equal(t, 1500*time.Millisecond, time.Since(began))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{callbackOf, "PATCH " + original}, fake.requests)
		assert.Equal(t, []string{"everyone: ✅ **Done**\nlisi is muted\n-# #41"}, fake.seen())
	})
}

// Where Discord has taken another first answer, what stands there is looked at before anything is said: nobody's answer is written over, and nothing
// private becomes public.
func TestAnsweredElsewhere(t *testing.T) {
	const there = "everyone: ✅ **Done**\nlisi is muted\n-# #41"
	for _, test := range []struct {
		name   string
		change func(a *Adapter)
		in     map[string]any
		handle commands.Handler
		seen   []string
	}{
		{"by a bot with other servers", func(a *Adapter) { a.GuildIDs = []string{"1"} }, payload("mute"), nil, []string{there}},
		{"a button that only the other one knows", func(*Adapter) {}, pressed("v1#7:0123456789abcdef", false), nil, []string{there}},
		{"while this one stops", func(a *Adapter) { _ = a.Stop(context.Background()) }, payload("mute"), nil, []string{there}},
		{"an answer without a number", func(*Adapter) {}, payload("help"), after(0, nil, told("help")), []string{there}},
		{"the same answer, late", func(*Adapter) {}, payload("mute"), after(3*time.Second, &yes, publicly(numbered(told("lisi is muted")))), []string{there}},
		{"a private answer, late", func(*Adapter) {}, payload("mute"), after(3*time.Second, &yes, numbered(told("no"))), []string{there, "the person: ✅ **Done**\nno\n-# #41"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, _ := newAdapter(t, test.handle)
				a.Guide = &guide{}
				test.change(a)
				fake.original = &shownMessage{public: true, content: strings.TrimPrefix(there, "everyone: ")}
				fake.view = append(fake.view, fake.original)
				fake.script = []http.HandlerFunc{problem(400, 40060)}
				takeOne(a, test.in)
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, test.seen, fake.seen())
			})
		})
	}
	// The other one has said "thinking…" to the person alone: everyone hears of it all the same.
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(3*time.Second, &yes, publicly(numbered(told("lisi is muted")))))
		fake.original, fake.loading = &shownMessage{}, true
		fake.view = append(fake.view, fake.original)
		fake.script = []http.HandlerFunc{problem(400, 40060)}
		takeOne(a, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"the person: " + strings.TrimPrefix(there, "everyone: "), there}, fake.seen())
	})
}

// An answer never overtakes the acknowledgement that it is to replace.
func TestAnswerWaitsForTheCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(1600*time.Millisecond, &yes, publicly(numbered(told("lisi is muted")))))
		fake.script = []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(500 * time.Millisecond)
			fake.mu.Lock()
			defer fake.mu.Unlock()
			fake.original, fake.loading = &shownMessage{public: true}, true
			fake.view = append(fake.view, fake.original)
			w.WriteHeader(204)
		}}
		takeOne(a, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{callbackOf, "PATCH " + original}, fake.requests, "no 10015 in between")
	})
}

// What came through the gateway and cannot be read is not answered, and hurts nobody.
func TestUnreadablePackets(t *testing.T) {
	a, fake, log := newAdapter(t, nil)
	for _, body := range []string{"", "[]", "{", `{"type":2}`, `{"type":77}`, `{"type":2,"guild_id":"1","member":{}}`, `{"type":1}`} {
		a.take(t.Context(), []byte(body), time.Now())
	}
	assert.Empty(t, strings.Join(fake.requests, "\n"))
	assert.Contains(t, log.String(), "unreadable")
	assert.NotContains(t, log.String(), "panic")
}
