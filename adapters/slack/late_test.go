package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// A pen writes first responses, in its way.
type pen struct {
	*httptest.ResponseRecorder
	write func([]byte) error // before it is written; nil: nothing
	flush error
}

func (p pen) Write(b []byte) (int, error) {
	if p.write != nil {
		if err := p.write(b); err != nil {
			return 0, err
		}
	}
	return p.ResponseRecorder.Write(b)
}

func (p pen) FlushError() error { return p.flush }

// What Slack may not have read is posted, and only what Slack has taken for certain is told to be given.
func TestAnsweredIsCertain(t *testing.T) {
	broken := errors.New("broken pipe")
	type meets = []func(http.ResponseWriter, *http.Request)
	down := meets{status(500), status(500), status(500)}
	for _, test := range []struct {
		name   string
		took   time.Duration
		write  func(hangUp func()) func([]byte) error
		flush  error
		hooks  meets
		posts  int
		want   bool
		logged string
	}{
		{"written", 0, nil, nil, nil, 0, true, `answered="in time"`},
		{"not written", 0, func(func()) func([]byte) error { return func([]byte) error { return broken } }, nil, nil, 1, true, `answered=late`},
		{"not flushed", 0, nil, broken, nil, 1, true, `answered=late`},
		{"flushed after Slack's 3 s", time.Second, func(func()) func([]byte) error {
			return func([]byte) error { time.Sleep(2001 * time.Millisecond); return nil }
		}, nil, nil, 1, true, `answered=late`},
		{"flushed within Slack's 3 s", time.Second, func(func()) func([]byte) error {
			return func([]byte) error { time.Sleep(2 * time.Second); return nil }
		}, nil, nil, 0, true, `answered="in time"`},
		{"Slack hangs up once it has read it", 0, func(hangUp func()) func([]byte) error { return func([]byte) error { hangUp(); return nil } }, nil, nil, 0, true, `answered="in time"`},
		{"neither written nor posted", 0, func(func()) func([]byte) error { return func([]byte) error { return broken } }, nil, down, 3, false, `answered="not at all"`},
		{"acknowledgement not written, posted", 3 * time.Second, func(func()) func([]byte) error { return func([]byte) error { return broken } }, nil, nil, 1, true, `answered=late`},
		{"acknowledgement written, not posted", 3 * time.Second, nil, nil, down, 3, false, `answered="not at all"`},
		{"response_url used up", 3 * time.Second, nil, nil, meets{says(404, `{"ok":false,"error":"used_url"}`)}, 1, false, `answered="not at all"`},
		{"the writer panics", 0, func(func()) func([]byte) error { return func([]byte) error { panic(http.ErrAbortHandler) } }, nil, nil, 1, true, `answered=late`},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, log := newAdapter(t, after(test.took, told("lisi is muted")))
				hooks := newHooks(t, test.hooks...)
				a.HTTP = hooks.client()
				var got []string
				a.Answered = func(number int64, delivered bool) { got = append(got, fmt.Sprint(number, delivered)) }
				ctx, hangUp := context.WithCancel(t.Context())
				defer hangUp()
				w := pen{httptest.NewRecorder(), nil, test.flush}
				if test.write != nil {
					w.write = test.write(hangUp)
				}
				func() {
					defer func() { recover() }() // net/http's
					a.Commands().ServeHTTP(w, signed(form("/mute", "123 lisi 5m").Encode()).WithContext(ctx))
				}()
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, []string{fmt.Sprint(41, test.want)}, got)
				assert.Len(t, hooks.texts(), test.posts)
				assert.Contains(t, log.String(), test.logged)
			})
		})
	}
}

// Over real sockets: net/http's writer can flush, and the answer goes out whole.
func TestAnsweredOverSockets(t *testing.T) {
	t.Parallel()
	reply := told(strings.Repeat("word ", 4000)) // more than net/http's buffers hold
	a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply { return reply })
	told := make(chan bool, 2)
	a.Answered = func(_ int64, delivered bool) { told <- delivered }
	hooks, bot := overSockets(t, a)
	res, err := http.DefaultClient.Do(toSocket(t.Context(), t, bot, hooks.url))
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Positive(t, res.ContentLength)
	assert.True(t, <-told)
	require.NoError(t, a.Stop(t.Context()))
	assert.Empty(t, hooks.texts())
}

func TestAnsweredThatPanics(t *testing.T) {
	a, log := newAdapter(t, after(0, told("lisi is muted")))
	a.Answered = func(int64, bool) { panic("boom") }
	assert.Equal(t, "lisi is muted\n#41", say(t, a, "/mute", "123 lisi 5m").Text)
	require.NoError(t, a.Stop(t.Context()))
	assert.Contains(t, log.String(), `level=ERROR msg="slack: panic" panic=boom`)
}

func TestAcknowledgementTellsTheNumber(t *testing.T) {
	for _, test := range []struct {
		name     string
		accepted time.Duration
		number   int64
	}{
		{"written down", time.Second, 41},
		{"written down when it is too late to say so", 2001 * time.Millisecond, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
					time.Sleep(test.accepted)
					req.Accepted(41)
					time.Sleep(5 * time.Second)
					return told("lisi is muted")
				})
				a.HTTP = newHooks(t).client()
				assert.Equal(t, draw(commands.Acknowledgement("", test.number)), say(t, a, "/mute", "123 lisi 5m"))
				require.NoError(t, a.Stop(t.Context()))
			})
		})
	}
}

func TestDeliver(t *testing.T) {
	type meets = func(http.ResponseWriter, *http.Request)
	public, private := told("lisi is muted"), told("lisi is not muted")
	public.Public = true
	const nowhere = "there is nowhere left to give the answer"
	for _, test := range []struct {
		name   string
		reply  commands.Reply
		change func(*Adapter, *commands.Late)
		hook   meets // nil: not called
		post   meets // nil: not called
		want   string
		direct meets // what a message in the bot's own conversation with the person meets; nil: there is none
	}{
		{"to everyone", public, nil, says(200, "ok"), nil, "", nil},
		{"to one", private, nil, says(200, "ok"), nil, "", nil},
		{"in the last second", public, func(_ *Adapter, l *commands.Late) { l.By = time.Now().Add(time.Second) }, says(200, "ok"), nil, "", nil},
		{"to nobody for now", public, nil, status(503), nil, "post to response_url: HTTP 503", nil},
		{"to nobody, silently", public, nil, silent, nil, "post to response_url: context deadline exceeded", nil},
		{"to nobody, cut off", public, nil, hangsUp, nil, "post to response_url: connection reset by peer", nil},
		{"not so fast", public, nil, status(429, "Retry-After", "30"), nil, "post to response_url: HTTP 429: retry after 30s", nil},
		{"Slack's own trouble", public, nil, says(200, `{"ok":false,"error":"service_unavailable"}`), nil, "post to response_url: HTTP 200 service_unavailable", nil},

		{"expired", public, nil, says(404, `{"ok":false,"error":"expired_url"}`), says(200, `{"ok":true}`), "", nil},
		{"gone", private, nil, status(410), says(200, `{"ok":true}`), "", nil},
		{"refused", public, nil, says(403, "invalid_token"), says(200, `{"ok":true}`), "", nil},
		{"over", public, func(_ *Adapter, l *commands.Late) { l.By = time.Now() }, nil, says(200, `{"ok":true}`), "", nil},
		{"no limit is over", public, func(_ *Adapter, l *commands.Late) { l.By = time.Time{} }, nil, says(200, `{"ok":true}`), "", nil},
		{"forgotten", public, func(_ *Adapter, l *commands.Late) { l.To = "" }, nil, says(200, `{"ok":true}`), "", nil},
		{"not Slack's", public, func(_ *Adapter, l *commands.Late) { l.To = "https://evil.example/96rGlfmibIGlgcZRskXaIFfN" }, nil, says(200, `{"ok":true}`), "", nil},

		{"over, to nobody for now", public, forgotten, nil, status(502), "chat.postEphemeral: HTTP 502", nil},
		{"over, silently", public, forgotten, nil, silent, "chat.postEphemeral: context deadline exceeded", nil},
		{"over, not so fast", public, forgotten, nil, status(429, "Retry-After", "7"), "chat.postEphemeral: HTTP 429: retry after 7s", nil},
		{"over, Slack's own trouble", public, forgotten, nil, says(200, `{"ok":false,"error":"internal_error"}`), "chat.postEphemeral: HTTP 200 internal_error", nil},
		{"over, and an answer that is not Slack's", public, forgotten, nil, says(200, "<html>log in"), "chat.postEphemeral: the answer is not what Slack's look like", nil},
		{"over, bot not in the channel", public, forgotten, nil, says(200, `{"ok":false,"error":"not_in_channel"}`), "", says(200, `{"ok":true}`)},
		{"over, no such channel", public, forgotten, nil, says(200, `{"ok":false,"error":"channel_not_found"}`), nowhere + ": chat.postMessage: HTTP 200 messages_tab_disabled", says(200, `{"ok":false,"error":"messages_tab_disabled"}`)},
		{"over, person left", public, forgotten, nil, says(200, `{"ok":false,"error":"user_not_in_channel"}`), "chat.postMessage: HTTP 503", status(503)},
		{"over, no scope", public, forgotten, nil, says(200, `{"ok":false,"error":"missing_scope","needed":"chat:write"}`), nowhere + ": chat.postMessage: HTTP 200 missing_scope", says(200, `{"ok":false,"error":"missing_scope","needed":"chat:write"}`)},
		{"over, no token", public, func(a *Adapter, l *commands.Late) { forgotten(a, l); a.BotToken = "" }, nil, nil, nowhere, nil},
		{"over, no channel", public, func(a *Adapter, l *commands.Late) { forgotten(a, l); l.Where = "" }, nil, nil, "", says(200, `{"ok":true}`)},
		{"over, nobody", public, func(a *Adapter, l *commands.Late) { forgotten(a, l); l.Who.User = "" }, nil, nil, nowhere, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := newAdapter(t, nil)
				a.BotToken = testToken
				hooks, posted, direct := newHooks(t, test.hook), 0, 0
				a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Host == "hooks.slack.com" {
						assert.Empty(t, r.Header.Get("Authorization"), "the token is for the Web API alone")
						hooks.ServeHTTP(w, r)
						return
					}
					assert.Equal(t, "Bearer "+testToken, r.Header.Get("Authorization"))
					if r.URL.String() == "https://slack.com/api/chat.postMessage" {
						direct++
						assert.Equal(t, draw(test.reply).Blocks, seenByAll(t, r, "U0456").Blocks)
						test.direct(w, r)
						return
					}
					posted++
					assert.Equal(t, "https://slack.com/api/chat.postEphemeral", r.URL.String())
					assert.Equal(t, message{"ephemeral", nil, draw(test.reply).Text, draw(test.reply).Blocks}, seenBy(t, r, "C2147483705", "U0456"))
					test.post(w, r)
				})}}
				l := commands.Late{
					To: testHook, By: time.Now().Add(time.Minute), Where: "C2147483705", Reply: test.reply,
					Who: permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "U0456"},
				}
				if test.change != nil {
					test.change(a, &l)
				}
				began := time.Now()
				err := a.Deliver(t.Context(), l)
				assert.LessOrEqual(t, time.Since(began), 5*time.Second, "one attempt each")
				if test.want == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, test.want)
					assert.Equal(t, strings.HasPrefix(test.want, nowhere), errors.Is(err, commands.ErrNowhere))
				}
				want := []string{draw(test.reply).ResponseType + ": " + draw(test.reply).Text}
				if test.hook == nil {
					want = nil
				}
				assert.Equal(t, want, hooks.texts())
				assert.Equal(t, test.post != nil, posted == 1)
				assert.Equal(t, test.direct != nil, direct == 1)
			})
		})
	}
}

func forgotten(_ *Adapter, l *commands.Late) { l.To, l.By = "", time.Time{} }

func TestDeliverElsewhere(t *testing.T) {
	a, _ := newAdapter(t, nil)
	a.BotToken, a.APIURL = testToken, "https://slack-gov.com/api"
	called := ""
	a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = r.URL.String()
		says(200, `{"ok":true}`)(w, r)
	})}}
	l := commands.Late{Who: permissions.Subject{User: "U0456"}, Where: "C2147483705", Reply: told("lisi is muted")}
	require.NoError(t, a.Deliver(t.Context(), l))
	assert.Equal(t, "https://slack-gov.com/api/chat.postEphemeral", called)

	a.HTTP = &http.Client{Transport: panics{}}
	require.ErrorIs(t, a.Deliver(t.Context(), l), commands.ErrNowhere, "a panic does not end the process")
	ended, end := context.WithCancel(t.Context())
	end()
	a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(says(200, `{"ok":true}`))}}
	err := a.Deliver(ended, l)
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, commands.ErrNowhere)
}
