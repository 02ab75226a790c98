package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// pressing is what Slack sends when Zhang San presses a button with a line, on a card that everyone sees, or he alone.
func pressing(line, trigger string, private bool) url.Values {
	payload, _ := json.Marshal(map[string]any{
		"type": "block_actions", "api_app_id": "A123456", "trigger_id": trigger, "response_url": testHook,
		"team": map[string]any{"id": "T0123", "domain": "example"}, "enterprise": nil,
		"user":      map[string]any{"id": "U0456", "username": "zhangsan", "name": "zhangsan", "team_id": "T0999"},
		"channel":   map[string]any{"id": "C2147483705", "name": "moderation"},
		"container": map[string]any{"type": "message", "is_ephemeral": private},
		"actions": []any{map[string]any{
			"type": "button", "action_id": "line-0", "block_id": "x", "value": line, "action_ts": "1548426417.840180",
			"text": map[string]any{"type": "plain_text", "text": "Unmute everyone"},
		}},
	})
	return url.Values{"payload": {string(payload)}}
}

// posted are the bodies that came to the response_url.
type posted struct {
	mu     sync.Mutex
	bodies []map[string]any
	answer func(http.ResponseWriter, *http.Request)
}

func (p *posted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	p.mu.Lock()
	p.bodies = append(p.bodies, body)
	p.mu.Unlock()
	if p.answer != nil {
		p.answer(w, r)
		return
	}
	io.WriteString(w, "ok")
}

// told is what the posts say, one word for each.
func (p *posted) told() (words []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.bodies {
		switch {
		case b["delete_original"] == true:
			word := "removes the card"
			if len(b) != 1 {
				word += ", and more"
			}
			words = append(words, word)
		case b["replace_original"] == true:
			words = append(words, fmt.Sprint("replaces the card, ", b["response_type"]))
		default:
			words = append(words, fmt.Sprint("posts, ", b["response_type"], b["replace_original"]))
		}
	}
	return words
}

func newPress(t *testing.T, handle commands.Handler) (*Adapter, *posted) {
	a, _ := newAdapter(t, handle)
	p := &posted{}
	a.HTTP = &http.Client{Transport: inProcess{p}}
	return a, p
}

// press lets Slack deliver a press, and returns the status of the acknowledgement, which says nothing else.
func (a *Adapter) pressFor(t *testing.T, form url.Values) int {
	t.Helper()
	w := httptest.NewRecorder()
	a.Interactions().ServeHTTP(w, signed(form.Encode()))
	assert.Empty(t, w.Body.String())
	return w.Code
}

// TestPress: pressing is typing, by whoever presses; the answer takes the place of the card where that shows it to the right people.
func TestPress(t *testing.T) {
	public, private := told("lisi is no longer muted"), told("You may not")
	public.Public = true
	private.Tone = commands.Refused
	over := told("undone already")
	over.Tone, over.Settled = commands.NoChange, true
	for _, tt := range []struct {
		name    string
		card    bool // private
		reply   commands.Reply
		want    []string
		wantNot string
	}{
		{"done, on a public card", false, public, []string{"replaces the card, in_channel"}, ""},
		{"refused, on a public card", false, private, []string{"posts, ephemeralfalse"}, ""},
		{"over, on a public card", false, over, []string{"replaces the card, in_channel"}, ""},
		{"over, on a private card", true, over, []string{"replaces the card, ephemeral"}, ""},
		{"done, on a private card", true, public, []string{"posts, in_channelfalse", "removes the card"}, ""},
		{"asked again, on a private card", true, private, []string{"replaces the card, ephemeral"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got commands.Request
				a, p := newPress(t, func(_ context.Context, req commands.Request) commands.Reply {
					got = req
					req.Accepted(41)
					return tt.reply
				})
				delivered := make(chan bool, 1)
				a.Answered = func(number int64, ok bool) { delivered <- ok && number == 41 }
				assert.Equal(t, http.StatusOK, a.pressFor(t, pressing("unmute room=123 target=lisi", "13345224609.738474920", tt.card)))
				assert.True(t, <-delivered)
				assert.Equal(t, tt.want, p.told())
				assert.Equal(t, "slack:13345224609.738474920", got.Key)
				assert.Equal(t, permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "U0456", Name: "zhangsan"}, got.Who, "team.id, not user.team_id")
				assert.Equal(t, "C2147483705", got.Where)
				assert.Equal(t, "unmute room=123 target=lisi", got.Line)
				assert.WithinDuration(t, time.Now().Add(30*time.Minute), got.ReplyBy, time.Minute)
				require.NoError(t, a.Stop(t.Context()))
			})
		})
	}
}

// TestPressIsAcknowledged: as soon as it is written down, and before Slack gives up in any case.
func TestPressIsAcknowledged(t *testing.T) {
	for name, accepted := range map[string]bool{"written down at once": true, "not written down": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, p := newPress(t, func(_ context.Context, req commands.Request) commands.Reply {
					if accepted {
						req.Accepted(41)
					}
					time.Sleep(10 * time.Second)
					return told("x")
				})
				began := time.Now()
				assert.Equal(t, http.StatusOK, a.pressFor(t, pressing("undo 41", "1", false)))
				if accepted {
					assert.Zero(t, time.Since(began))
				} else {
					assert.Equal(t, 2*time.Second, time.Since(began))
				}
				time.Sleep(11 * time.Second)
				assert.Len(t, p.told(), 2, "that it takes longer, and the answer")
				assert.Contains(t, p.bodies[0]["text"], map[bool]string{true: "Working on it", false: "nothing is promised"}[accepted])
				require.NoError(t, a.Stop(t.Context()))
			})
		})
	}
}

// TestPressTwiceAtOnce: one trigger is one press, in however many deliveries; two people are two.
func TestPressTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]int{}
		var mu sync.Mutex
		a, p := newPress(t, func(_ context.Context, req commands.Request) commands.Reply {
			mu.Lock()
			defer mu.Unlock()
			calls[req.Key]++
			r := told("x")
			r.Repeat = calls[req.Key] > 1
			return r
		})
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() { a.pressFor(t, pressing("undo 41", fmt.Sprint("trigger-", i%2), false)) })
		}
		all.Wait()
		require.NoError(t, a.Stop(t.Context()))
		assert.Len(t, p.told(), 2, "who was told already is not told again")
		assert.Len(t, calls, 2)
	})
}

// TestPressRefused: what Slack has not signed is no press, and what is no button of ours is acknowledged and nothing else.
func TestPressRefused(t *testing.T) {
	a, p := newPress(t, func(context.Context, commands.Request) commands.Reply {
		t.Error("nothing is to be done")
		return commands.Reply{}
	})
	forged := signed(pressing("undo 41", "1", false).Encode())
	forged.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64))
	w := httptest.NewRecorder()
	a.Interactions().ServeHTTP(w, forged)
	assert.Equal(t, http.StatusUnauthorized, w.Code)

	change := func(from, to string) url.Values {
		f := pressing("undo 41", "1", false)
		f.Set("payload", strings.Replace(f.Get("payload"), from, to, 1))
		return f
	}
	for name, tt := range map[string]struct {
		form   url.Values
		status int
	}{
		"another button":     {change(`"action_id":"line-0"`, `"action_id":"link"`), 200},
		"another kind":       {change(`"type":"block_actions"`, `"type":"view_closed"`), 200},
		"no action":          {change(`"action_id":"line-0"`, `"action":"line-0"`), 200},
		"no payload":         {url.Values{"x": {"y"}}, 400},
		"broken":             {url.Values{"payload": {`{"type":`}}, 400},
		"nobody":             {change(`"id":"U0456"`, `"id":""`), 400},
		"a value, no string": {change(`"value":"undo 41"`, `"value":{"a":1}`), 400},
		"ssl check":          {url.Values{"ssl_check": {"1"}}, 200},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.status, a.pressFor(t, tt.form)) })
	}
	assert.Empty(t, p.told())
}

// TestPressAnsweredLater: the process that takes a press over treats its card the same way.
func TestPressAnsweredLater(t *testing.T) {
	public := told("x")
	public.Public = true
	for _, tt := range []struct {
		name   string
		to     commands.ReplyTo
		answer func(http.ResponseWriter, *http.Request)
		report bool
		want   []string
	}{
		{"on a public card", card{address: testHook}.replyTo(), nil, false, []string{"replaces the card, in_channel"}},
		{"on a private card", card{private: true, address: testHook}.replyTo(), nil, false, []string{"posts, in_channelfalse", "removes the card"}},
		{"a report", card{private: true, address: testHook}.replyTo(), nil, true, []string{"posts, in_channelfalse"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, p := newPress(t, nil)
				p.answer = tt.answer
				require.NoError(t, a.Deliver(t.Context(), commands.Late{To: tt.to, By: time.Now().Add(time.Minute), Reply: public, Report: tt.report}))
				assert.Equal(t, tt.want, p.told())
			})
		})
	}
	t.Run("when the address is over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a, p := newPress(t, nil)
			p.answer = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Host == "hooks.slack.com" {
					says(404, `{"ok":false,"error":"expired_url"}`)(w, r)
					return
				}
				says(200, `{"ok":true}`)(w, r)
			}
			a.BotToken = testToken
			l := commands.Late{To: card{address: testHook}.replyTo(), By: time.Now().Add(time.Minute), Reply: public, Where: "C1", Who: permissions.Subject{User: "U0456"}}
			require.NoError(t, a.Deliver(t.Context(), l), "to the person alone")
			assert.Len(t, p.told(), 2)
		})
	})
	assert.NotContains(t, fmt.Sprint(card{address: testHook}.replyTo()), "hooks", "an address is secret")
}

// FuzzInteraction: whatever is in a payload, nothing panics, and what reaches the handler has somebody who asks.
func FuzzInteraction(f *testing.F) {
	f.Add(pressing("undo 41", "1", true).Get("payload"))
	f.Add(`{"type":"block_actions","actions":[{"action_id":"line-0","value":"x"}]}`)
	f.Add(`{"type":"shortcut","callback_id":"mute","trigger_id":"1","team":{"id":"T1"},"user":{"id":"U1"}}`)
	f.Add(`{"type":"view_submission","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","callback_id":"form","private_metadata":"{\"command\":\"mute\"}","state":{"values":{"room_typed":{"value":{"value":"1"}}}}},"response_urls":[{"response_url":"https://hooks.slack.com/x"}]}`)
	f.Add("{")
	f.Fuzz(func(t *testing.T, payload string) {
		a := &Adapter{BotToken: testToken, Log: slog.New(slog.DiscardHandler), Guide: guide{}, HTTP: &http.Client{Transport: inProcess{http.HandlerFunc(says(200, `{"ok":true}`))}}}
		a.Handle = func(_ context.Context, req commands.Request) commands.Reply {
			assert.NotEmpty(t, req.Who.User)
			assert.NotEmpty(t, req.Who.Space)
			assert.NotEmpty(t, req.Key)
			return told("x")
		}
		_, _ = a.interacted(t.Context(), []byte(payload), "delivery", time.Now())
		require.NoError(t, a.Stop(t.Context()))
	})
}
