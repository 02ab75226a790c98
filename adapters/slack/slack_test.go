package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

func TestAnswerInTime(t *testing.T) {
	for _, took := range []time.Duration{0, 1999 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			reply := told("lisi is muted")
			reply.Public = true
			a, log := newAdapter(t, after(took, reply))
			hooks := newHooks(t)
			a.HTTP = hooks.client()
			began := time.Now()

			m := say(t, a, "/mute", "123 lisi 5m")
			assert.Equal(t, took, time.Since(began))
			assert.Equal(t, "in_channel", m.ResponseType)
			assert.Equal(t, "lisi is muted\n#41", m.Text)
			assert.Nil(t, m.ReplaceOriginal)

			require.NoError(t, a.Stop(t.Context()))
			assert.Empty(t, hooks.texts(), "answered once")
			assert.Contains(t, log.String(), `msg="slack: command received" team=T0123 user=U0456 command=mute`)
			assert.Contains(t, log.String(), `command=mute answered="in time" tone=done number=41 ms=`)
		})
	}
}

func TestAnswerThatComesLateIsAcknowledgedAndPosted(t *testing.T) {
	for _, took := range []time.Duration{2001 * time.Millisecond, 29 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			a, log := newAdapter(t, after(took, told("lisi is muted")))
			hooks := newHooks(t)
			a.HTTP, a.Language = hooks.client(), commands.Chinese
			began := time.Now()

			m := say(t, a, "/mute", "123 lisi 5m")
			assert.Equal(t, 2*time.Second, time.Since(began))
			assert.Equal(t, "ephemeral", m.ResponseType)
			assert.Equal(t, commands.Acknowledgement(commands.Chinese, 0).Text.String(), m.Text)

			require.NoError(t, a.Stop(t.Context()))
			assert.Equal(t, took, time.Since(began))
			assert.Equal(t, []string{"ephemeral: lisi is muted\n#41"}, hooks.texts())
			assert.Contains(t, log.String(), "answered=late tone=done number=41")
		})
	}
}

func TestRedeliveryIsAnsweredInTimeOrByItsFirstDelivery(t *testing.T) {
	again := told("lisi is muted")
	again.Repeat = true
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, after(time.Second, again))
		assert.Equal(t, "lisi is muted\n#41", say(t, a, "/mute", "123 lisi 5m").Text)
	})
	synctest.Test(t, func(t *testing.T) {
		a, log := newAdapter(t, after(3*time.Second, again))
		hooks := newHooks(t)
		a.HTTP = hooks.client()
		assert.Equal(t, commands.Acknowledgement("", 0).Text.String(), say(t, a, "/mute", "123 lisi 5m").Text)
		require.NoError(t, a.Stop(t.Context()))
		assert.Empty(t, hooks.texts())
		assert.Contains(t, log.String(), `answered="by its first delivery"`)
	})
}

func TestLateAnswerWithNowhereToGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, log := newAdapter(t, after(3*time.Second, told("lisi is muted")))
		f := form("/mute", "123 lisi 5m")
		f.Set("response_url", "https://evil.example/96rGlfmibIGlgcZRskXaIFfN")
		first(t, a, signed(f.Encode()))
		require.NoError(t, a.Stop(t.Context()))
		assert.Contains(t, log.String(), `msg="slack: late answer not delivered yet"`)
		assert.Contains(t, log.String(), `answered="not at all"`)
	})
}

// Over real sockets: the acknowledgement comes by itself, the answer later, to the response_url.
func TestSlowCommandOverSockets(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
		<-release
		return told("lisi is muted")
	})
	hooks, bot := overSockets(t, a)

	res, err := http.DefaultClient.Do(toSocket(t.Context(), t, bot, hooks.url))
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Contains(t, string(body), "nothing is promised")

	close(release)
	<-hooks.posted
	assert.Equal(t, []string{"ephemeral: lisi is muted\n#41"}, hooks.texts())
	require.NoError(t, a.Stop(t.Context()))
}

// Slack hangs up before the answer is there; the work goes on and its answer is posted, though it took no 2 s.
func TestSlackHangsUp(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	a, _ := newAdapter(t, func(ctx context.Context, _ commands.Request) commands.Reply {
		close(begun)
		<-release
		assert.NoError(t, ctx.Err(), "the work does not end with the connection")
		return told("lisi is muted")
	})
	hooks, bot := overSockets(t, a)

	ctx, hangUp := context.WithCancel(t.Context())
	go func() { <-begun; hangUp() }()
	_, err := http.DefaultClient.Do(toSocket(ctx, t, bot, hooks.url))
	require.ErrorIs(t, err, context.Canceled)
	<-bot.gone

	close(release)
	<-hooks.posted
	assert.Equal(t, []string{"ephemeral: lisi is muted\n#41"}, hooks.texts())
	require.NoError(t, a.Stop(t.Context()))
}

func TestHungUpOnIsAnsweredAtTheResponseURL(t *testing.T) {
	for _, test := range []struct {
		name         string
		hangUp, took time.Duration
	}{
		{"before the answer", time.Second, 1500 * time.Millisecond},
		{"at once, and the answer is there at once", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 20 { // who comes first must not decide
				synctest.Test(t, func(t *testing.T) {
					a, _ := newAdapter(t, after(test.took, told("lisi is muted")))
					hooks := newHooks(t)
					a.HTTP = hooks.client()
					ctx, cancel := context.WithTimeout(t.Context(), test.hangUp)
					defer cancel()
					a.Commands().ServeHTTP(httptest.NewRecorder(), signed(form("/mute", "123 lisi 5m").Encode()).WithContext(ctx))
					require.NoError(t, a.Stop(t.Context()))
					assert.Equal(t, []string{"ephemeral: lisi is muted\n#41"}, hooks.texts())
				})
			}
		})
	}
}

type socketHooks struct {
	*hooks
	url string
}

type socketBot struct {
	url  string
	gone chan struct{} // closed when the bot has noticed that the first client went away, or is answered
}

func overSockets(t *testing.T, a *Adapter) (socketHooks, socketBot) {
	h := newHooks(t)
	hooksServer := httptest.NewServer(h)
	t.Cleanup(hooksServer.Close)
	a.APIURL = hooksServer.URL + "/api/"
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.Commands().ServeHTTP(w, r)
		close(gone)
	}))
	t.Cleanup(server.Close)
	return socketHooks{h, hooksServer.URL + "/commands/T0123/1/96rGlfmibIGlgcZRskXaIFfN"}, socketBot{server.URL, gone}
}

func toSocket(ctx context.Context, t *testing.T, bot socketBot, responseURL string) *http.Request {
	f := form("/mute", "123 lisi 5m")
	f.Set("response_url", responseURL)
	r := signed(f.Encode())
	out, err := http.NewRequestWithContext(ctx, http.MethodPost, bot.url+"/slack/commands", strings.NewReader(f.Encode()))
	require.NoError(t, err)
	out.Header = r.Header
	return out
}

func TestStop(t *testing.T) {
	t.Run("nothing runs, then commands are turned away", func(t *testing.T) {
		a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
			t.Error("handled after Stop")
			return commands.Reply{}
		})
		require.NoError(t, a.Stop(t.Context()))
		require.NoError(t, a.Stop(t.Context()), "again")
		m := say(t, a, "/mute", "123 lisi 5m")
		assert.Equal(t, message{"ephemeral", nil, restarting.English, []block{section("⛔ *Not done*\n" + restarting.English)}}, m)
		a.Language = commands.Chinese
		assert.Equal(t, restarting.Chinese, say(t, a, "/mute", "123 lisi 5m").Text)
	})
	t.Run("a command is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, _ := newAdapter(t, after(5*time.Second, told("lisi is muted")))
			hooks := newHooks(t, status(503))
			a.HTTP = hooks.client()
			say(t, a, "/mute", "123 lisi 5m")
			require.NoError(t, a.Stop(t.Context()))
			assert.Len(t, hooks.texts(), 2, "the late answer too")
		})
	})
	t.Run("patience ends: the work is cancelled and its last words are posted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, _ := newAdapter(t, after(20*time.Second, told("lisi is muted")))
			hooks := newHooks(t)
			a.HTTP = hooks.client()
			say(t, a, "/mute", "123 lisi 5m")
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
			defer cancel()
			began := time.Now()
			err := a.Stop(ctx)
			assert.EqualError(t, err, "stop slack: commands cut short: 1: context deadline exceeded")
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, 8*time.Second, time.Since(began))
			assert.Equal(t, []string{"ephemeral: cancelled\n#41"}, hooks.texts())
		})
	})
	t.Run("patience ends: a post that finds nobody is given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, log := newAdapter(t, after(3*time.Second, told("lisi is muted")))
			a.HTTP = newHooks(t, silent).client()
			say(t, a, "/mute", "123 lisi 5m")
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			require.Error(t, a.Stop(ctx))
			assert.Equal(t, 4*time.Second, time.Since(began))
			assert.Contains(t, log.String(), `answered="not at all"`)
		})
	})
	t.Run("a handler without end is left behind", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply { <-release; return told("") })
			a.HTTP = newHooks(t).client()
			say(t, a, "/mute", "123 lisi 5m")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			require.Error(t, a.Stop(ctx))
			assert.Equal(t, 3*time.Second, time.Since(began))
			close(release)
		})
	})
}

// One person's flood leaves room for the others.
func TestTooManyOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, after(10*time.Second, told("lisi is muted")))
		a.HTTP = newHooks(t).client()
		for n := range maxOfOne {
			f := form("/mute", "123 lisi 5m")
			f.Set("trigger_id", fmt.Sprint("trigger-", n))
			f.Set("response_url", testHook+fmt.Sprint(n))
			go first(t, a, signed(f.Encode()))
		}
		synctest.Wait()
		assert.Equal(t, draw(commands.Busy(commands.English)), say(t, a, "/mute", "123 lisi 5m"))
		other := form("/mute", "123 lisi 5m")
		other.Set("user_id", "U0789")
		other.Set("trigger_id", "trigger-of-another")
		assert.Equal(t, commands.Acknowledgement("", 0).Text.String(), first(t, a, signed(other.Encode())).Text)
		require.NoError(t, a.Stop(t.Context()))
		assert.Empty(t, a.running.persons, "nobody is kept")
	})
}

// A second delivery of a command that is written down and runs is not told that it is not.
func TestRedeliveryKnowsTheNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var deliveries atomic.Int64
		a, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			if deliveries.Add(1) == 1 { // of two deliveries at once the dispatcher tells the first
				req.Accepted(41)
			}
			time.Sleep(10 * time.Second)
			return told("lisi is muted")
		})
		a.HTTP = newHooks(t).client()
		go say(t, a, "/mute", "123 lisi 5m")
		time.Sleep(time.Second)
		f := form("/mute", "123 lisi 5m")
		assert.Equal(t, draw(commands.Acknowledgement("", 41)), first(t, a, signed(f.Encode())))
		require.NoError(t, a.Stop(t.Context()))
	})
}

func TestTooManyCommandsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, after(10*time.Second, told("lisi is muted")))
		hooks := newHooks(t)
		a.HTTP = hooks.client()
		for n := range maxRunning {
			f := form("/mute", "123 lisi 5m")
			f.Set("trigger_id", fmt.Sprint("trigger-", n))
			f.Set("user_id", fmt.Sprint("U", n/8))
			f.Set("response_url", testHook+fmt.Sprint(n))
			go first(t, a, signed(f.Encode()))
		}
		synctest.Wait()
		began := time.Now()
		m := say(t, a, "/mute", "123 lisi 5m")
		assert.Zero(t, time.Since(began))
		assert.Equal(t, draw(commands.Busy(commands.English)), m)

		again := form("/mute", "123 lisi 5m") // nobody may tell this one that nothing was done
		again.Set("trigger_id", "trigger-1")
		assert.Equal(t, commands.Acknowledgement("", 0).Text.String(), first(t, a, signed(again.Encode())).Text)

		time.Sleep(11 * time.Second) // all is answered, and there is room again
		assert.Equal(t, maxRunning+1, len(hooks.texts()))
		assert.Equal(t, commands.Acknowledgement("", 0).Text.String(), say(t, a, "/mute", "123 lisi 5m").Text)
		require.NoError(t, a.Stop(t.Context()))
	})
}

func TestPanicBecomesAnAnswer(t *testing.T) {
	broken := commands.Broken(commands.English).Text.String()
	boom := func(context.Context, commands.Request) commands.Reply { panic("boom") }
	t.Run("in the handler", func(t *testing.T) {
		a, log := newAdapter(t, boom)
		assert.Equal(t, broken, say(t, a, "/mute", "123 lisi 5m").Text)
		require.NoError(t, a.Stop(t.Context()))
		assert.Contains(t, log.String(), `level=ERROR msg="slack: panic" panic=boom stack=`)
		assert.Contains(t, log.String(), `answered="in time" tone=unknown`)
	})
	t.Run("in the handler, late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, _ := newAdapter(t, func(ctx context.Context, r commands.Request) commands.Reply {
				time.Sleep(3 * time.Second)
				return boom(ctx, r)
			})
			hooks := newHooks(t)
			a.HTTP = hooks.client()
			say(t, a, "/mute", "123 lisi 5m")
			require.NoError(t, a.Stop(t.Context()))
			assert.Equal(t, []string{"ephemeral: " + broken}, hooks.texts())
		})
	})
	t.Run("where there is no handler", func(t *testing.T) {
		a, _ := newAdapter(t, nil)
		assert.Equal(t, broken, say(t, a, "/mute", "123 lisi 5m").Text)
		require.NoError(t, a.Stop(t.Context()))
	})
	t.Run("before the handler", func(t *testing.T) {
		a, _ := newAdapter(t, after(0, told("")))
		a.Log = slog.New(panicsOnDebug{a.Log.Handler()})
		assert.Equal(t, broken, say(t, a, "/mute", "123 lisi 5m").Text)
	})
	t.Run("while posting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, log := newAdapter(t, after(3*time.Second, told("lisi is muted")))
			a.HTTP = &http.Client{Transport: panics{}}
			say(t, a, "/mute", "123 lisi 5m")
			require.NoError(t, a.Stop(t.Context()))
			assert.Contains(t, log.String(), `answered="not at all"`)
		})
	})
}

type panicsOnDebug struct{ slog.Handler }

func (p panicsOnDebug) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelDebug {
		panic("boom")
	}
	return p.Handler.Handle(ctx, r)
}

func (p panicsOnDebug) WithAttrs(attrs []slog.Attr) slog.Handler {
	return panicsOnDebug{p.Handler.WithAttrs(attrs)}
}

type panics struct{}

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic(errors.New("boom")) }
