package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

// TestAnswerComesLast: people read that it takes longer before they read the answer, however slow Slack is with the one.
func TestAnswerComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var read []string
		a, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			req.Accepted(41)
			time.Sleep(firstAnswer + 100*time.Millisecond)
			return told("the answer")
		})
		a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var m message
			_ = json.NewDecoder(r.Body).Decode(&m)
			if m.Text != "the answer\n#41" {
				time.Sleep(time.Second)
			}
			mu.Lock()
			defer mu.Unlock()
			read = append(read, m.Text)
		})}}
		assert.Nil(t, a.posted(t.Context(), commands.Request{Key: "1", Who: zhang, ReplyTo: testHook, At: time.Now()}, true))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"Working on it. The answer follows here.\n#41", "the answer\n#41"}, read)
	})
}

// TestDeliveredAgainIsAcknowledgedAtOnce: what is written down needs no more waiting.
func TestDeliveredAgainIsAcknowledgedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		a, p := newPress(t, func(_ context.Context, req commands.Request) commands.Reply {
			calls++
			r := told("the answer")
			if r.Repeat = calls > 1; !r.Repeat {
				req.Accepted(41)
			}
			time.Sleep(5 * time.Second)
			return r
		})
		began := time.Now()
		for range 2 {
			assert.Nil(t, a.posted(t.Context(), commands.Request{Key: "1", Who: zhang, ReplyTo: testHook, At: time.Now()}, true))
			synctest.Wait()
		}
		assert.Zero(t, time.Since(began))
		require.NoError(t, a.Stop(t.Context()))
		assert.Len(t, p.told(), 2, "that it takes longer, once, and the answer, once")
	})
}

// TestWhereAnswersGo: to each kind of place by its own way, what is for everyone to everyone where that can be.
func TestWhereAnswersGo(t *testing.T) {
	public, private := told("x"), told("x")
	public.Public = true
	for _, tt := range []struct {
		name  string
		to    commands.ReplyTo
		where string
		reply commands.Reply
		want  []string
	}{
		{"a command's address", testHook, "C1", public, []string{"/commands/T0123/397700885554/96rGlfmibIGlgcZRskXaIFfN"}},
		{"a form, for everyone", inChannel, "C1", public, []string{"/api/chat.postMessage to C1"}},
		{"a form, for one", inChannel, "C1", private, []string{"/api/chat.postEphemeral to C1 U0456"}},
		{"a form from nowhere", inChannel, "", public, []string{"/api/chat.postMessage to U0456"}},
		{"a form without a conversation", toOne, "C1", public, []string{"/api/chat.postEphemeral to C1 U0456"}},
		{"the Home tab", onHome, "", public, []string{"/api/views.publish"}},
		{"nowhere", "", "C1", public, nil},
		{"an address that is not Slack's", "https://evil.example/x", "C1", public, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := newAdapter(t, nil)
			a.BotToken, a.Guide = testToken, guide{}
			var calls []string
			a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body struct{ Channel, User string }
				_ = json.NewDecoder(r.Body).Decode(&body)
				call := r.URL.Path
				if body.Channel != "" {
					call += " to " + body.Channel
				}
				if body.User != "" {
					call += " " + body.User
				}
				calls = append(calls, call)
				says(200, `{"ok":true,"view":{}}`)(w, r)
			})}}
			err := a.give(t.Context(), tt.to, tt.where, zhang, tt.reply, a.attempt)
			assert.Equal(t, tt.want == nil, err != nil, "%v", err)
			assert.Equal(t, tt.want, calls)
		})
	}
}

// TestNothingWasDoneIsNeverSaidOfWhatWas: a command that has ended is delivered again while the bot stops, is full, or cannot write.
func TestNothingWasDoneIsNeverSaidOfWhatWas(t *testing.T) {
	for name, trouble := range map[string]func(t *testing.T, a *Adapter){
		"stopping": func(t *testing.T, a *Adapter) { require.NoError(t, a.Stop(t.Context())) },
		"full":     func(_ *testing.T, a *Adapter) { a.running.persons = map[string]int{zhang.ID(): maxOfOne} },
		"its journal out of reach": func(_ *testing.T, a *Adapter) {
			a.Handle = func(context.Context, commands.Request) commands.Reply { return commands.Busy("") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, p := newPress(t, func(_ context.Context, req commands.Request) commands.Reply {
					req.Accepted(41)
					return told("done")
				})
				typed := form("/nim", "mute 123 lisi 5m")
				req, err := a.request(typed, "", time.Now())
				require.NoError(t, err)
				assert.Nil(t, a.posted(t.Context(), req, true))
				synctest.Wait()
				assert.Len(t, p.told(), 1)
				trouble(t, a)
				assert.Nil(t, a.posted(t.Context(), req, true), "it was answered")
				assert.Equal(t, commands.Acknowledgement("", 41).Text.String()+"\n#41", first(t, a, signed(typed.Encode())).Text, "over HTTP something must be said")
				synctest.Wait()
				assert.Len(t, p.told(), 1)
				a.running.persons = nil
			})
		})
	}
}

// TestAnswersWithoutANumber: nobody tries again to give them, so they go another way at once.
func TestAnswersWithoutANumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
			return commands.Reply{Tone: commands.Info, Text: commands.Prose{{Text: "help"}}}
		})
		a.BotToken = testToken
		var calls []string
		a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls = append(calls, r.URL.Path)
			if r.URL.Host == "hooks.slack.com" {
				status(404)(w, r)
				return
			}
			says(200, `{"ok":true}`)(w, r)
		})}}
		req := commands.Request{Key: "1", Who: zhang, Where: "C1", ReplyTo: testHook, At: time.Now()}
		assert.Nil(t, a.posted(t.Context(), req, true))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"/commands/T0123/397700885554/96rGlfmibIGlgcZRskXaIFfN", "/api/chat.postEphemeral"}, calls)
	})
}

// TestClosedWayIsLeftAtOnce: where an address is over the next way is taken without a pause.
func TestClosedWayIsLeftAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, nil)
		a.BotToken = testToken
		a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Host == "hooks.slack.com" {
				says(404, `{"ok":false,"error":"expired_url"}`)(w, r)
				return
			}
			says(200, `{"ok":true}`)(w, r)
		})}}
		assert.Error(t, a.give(t.Context(), testHook, "C1", zhang, told("x"), a.postTo))
		began := time.Now()
		assert.NoError(t, a.Deliver(t.Context(), commands.Late{To: testHook, By: time.Now().Add(replyTime), Who: zhang, Where: "C1", Reply: told("x")}))
		assert.Zero(t, time.Since(began))
	})
}

// TestSlackWantsNoPosts: while it says so there are none, and they do not count.
func TestSlackWantsNoPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, nil)
		began, posts := time.Now(), []time.Duration{}
		a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at := time.Since(began)
			if posts = append(posts, at); at < 112*time.Second {
				status(429, "Retry-After", "112")(w, r)
				return
			}
			says(200, "ok")(w, r)
		})}}
		l := commands.Late{To: testHook, By: began.Add(replyTime), Who: zhang, Where: "C1", Reply: told("x")}
		assert.Error(t, a.give(t.Context(), testHook, "C1", zhang, l.Reply, a.postTo))
		for range 5 { // as the dispatcher does
			assert.Error(t, a.Deliver(t.Context(), l))
			time.Sleep(20 * time.Second)
		}
		assert.Len(t, posts, 1)
		time.Sleep(15 * time.Second)
		assert.NoError(t, a.Deliver(t.Context(), l))
		assert.Len(t, posts, 2)
	})
}
