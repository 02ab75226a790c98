package slack

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

func TestObserve(t *testing.T) {
	event := func(kind commands.EventKind, took time.Duration) commands.Event {
		return commands.Event{Platform: permissions.Slack, Kind: kind, Took: took}
	}
	command := func() *http.Request { return signed(form("/mute", "123 lisi 5m").Encode()) }
	for _, test := range []struct {
		name    string
		in      func() *http.Request
		took    time.Duration
		stopped bool
		want    []commands.Event
	}{
		{"answered in time", command, time.Second, false,
			[]commands.Event{event(commands.Signed, 0), event(commands.FirstAnswer, time.Second), event(commands.FinalAnswer, time.Second)}},
		{"answered late", command, 5 * time.Second, false,
			[]commands.Event{event(commands.Signed, 0), event(commands.FirstAnswer, 2*time.Second), event(commands.FinalAnswer, 5*time.Second)}},
		{"turned away", command, 0, true,
			[]commands.Event{event(commands.Signed, 0), event(commands.FinalAnswer, 0), event(commands.FirstAnswer, 0)}},
		{"not Slack's", func() *http.Request {
			return httptest.NewRequest(http.MethodPost, "/slack/commands", strings.NewReader(form("/mute", "123 lisi 5m").Encode()))
		}, 0, false, []commands.Event{event(commands.Unsigned, 0)}},
		{"no command", func() *http.Request { return signed("ssl_check=1") }, 0, false, []commands.Event{event(commands.Signed, 0)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := newAdapter(t, after(test.took, told("lisi is muted")))
				a.HTTP = newHooks(t).client()
				var mu sync.Mutex
				var got []commands.Event
				a.Observe = func(e commands.Event) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, e)
				}
				if test.stopped {
					require.NoError(t, a.Stop(t.Context()))
				}
				a.Commands().ServeHTTP(httptest.NewRecorder(), test.in())
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, test.want, got)
			})
		})
	}
}

// Anybody can send what Slack has not signed; the log does not grow with it.
func TestRefusalsAreLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, log := newAdapter(t, func(context.Context, commands.Request) commands.Reply { return told("") })
		for _, step := range []struct {
			name  string
			later time.Duration
			times int
			log   string
		}{
			{"the first", 0, 1, `level=WARN msg="slack: request refused" reason="no signature" held_back=0` + "\n"},
			{"a thousand at once", 0, 1000, ""},
			{"ten seconds, nearly", refusalsEvery - 1, 1, ""},
			{"ten seconds", 1, 1, `level=WARN msg="slack: request refused" reason="no signature" held_back=1001` + "\n"},
			{"after a quiet time", time.Hour, 2, `level=WARN msg="slack: request refused" reason="no signature" held_back=0` + "\n"},
		} {
			before := log.String()
			time.Sleep(step.later)
			for range step.times {
				w := httptest.NewRecorder()
				a.Commands().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/slack/commands", strings.NewReader("")))
				assert.Equal(t, http.StatusUnauthorized, w.Code)
			}
			assert.Equal(t, step.log, log.String()[len(before):], step.name)
		}
	})
}
