package discord

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

const followUps = "/webhooks/1100000000000000001/TOKEN"

// A command that is not written down within two seconds is promised nothing, and is answered all the same.
func TestNotWrittenDownInTime(t *testing.T) {
	const english = "⏳ **In progress**\nThe bot is slow at the moment and has not written this command down yet, so nothing is promised. What becomes of it follows here."
	const chinese = "⏳ **处理中**\n机器人当前较慢，这条命令还没有记录下来，因此不保证会执行。结果稍后会发到这里。"
	for _, test := range []struct {
		name, locale, says string
		reply              commands.Reply
		seen               []string
	}{
		{"done", "en-US", english, publicly(numbered(told("done"))), []string{"the person: ✅ **Done**\ndone\n-# #41", "everyone: ✅ **Done**\ndone\n-# #41"}},
		{"in Chinese", "zh-CN", chinese, numbered(told("done")), []string{"the person: ✅ **Done**\ndone\n-# #41"}},
		{"never", "en-US", english, commands.Reply{Tone: commands.Refused, Text: commands.Prose{{Text: "not written down"}}}, []string{"the person: ⛔ **Not done**\nnot written down"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
					time.Sleep(2100 * time.Millisecond)
					if test.reply.Number != 0 {
						req.Accepted(test.reply.Number)
						req.Allowed(true)
					}
					return test.reply
				})
				got := use(t, a, fake, with(payload("mute"), "locale", test.locale))
				assert.Equal(t, 4, got.Type, "no thinking…: that would be a promise")
				assert.Equal(t, 4|64, got.Data.Flags)
				assert.Equal(t, test.says, got.Data.Content)
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, test.seen, fake.seen())
			})
		})
	}
}

// What was not accepted is acknowledged privately, whatever else is said of it.
func TestAllowedButNotAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			req.Allowed(true)
			time.Sleep(3 * time.Second)
			return told("refused")
		})
		assert.Equal(t, 4|64, use(t, a, fake, payload("mute")).Data.Flags)
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"PATCH " + original}, fake.requests)
		assert.Equal(t, []string{"the person: ✅ **Done**\nrefused"}, fake.seen())
	})
}

// Two deliveries of one interaction are acknowledged alike, whatever has become known in between.
func TestRedeliveryOfWhatWasNotWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			time.Sleep(2500 * time.Millisecond)
			req.Accepted(41)
			req.Allowed(true)
			time.Sleep(5 * time.Second)
			return numbered(told("done"))
		})
		assert.Equal(t, 4|64, use(t, a, fake, payload("mute")).Data.Flags)
		time.Sleep(time.Second)
		again := use(t, a, fake, payload("mute"))
		assert.Equal(t, 4, again.Type)
		assert.Equal(t, 4|64, again.Data.Flags)
		require.NoError(t, a.Stop(t.Context()))
	})
}

// What Answered hears, and how the answer was given.
func TestAnswered(t *testing.T) {
	repeat := numbered(told("x"))
	repeat.Repeat = true
	for _, test := range []struct {
		name   string
		reply  commands.Reply
		took   time.Duration
		first  func(http.ResponseWriter) http.ResponseWriter
		script []http.HandlerFunc
		want   []string
	}{
		{"in time", numbered(told("x")), 0, nil, nil, []string{"#41 true"}},
		{"not written down", told("x"), 0, nil, nil, nil},
		{"of a repeated delivery", repeat, 0, nil, nil, nil},
		{"late", numbered(told("x")), 3 * time.Second, nil, nil, []string{"#41 true"}},
		{"late, not written down", told("x"), 3 * time.Second, nil, nil, nil},
		{"late, of a repeated delivery", repeat, 3 * time.Second, nil, nil, nil},
		{"late, at the fourth attempt", numbered(told("x")), 3 * time.Second, nil, repeated(3, problem(500, 0)), []string{"#41 true"}},
		{"late, in vain", numbered(told("x")), 3 * time.Second, nil, repeated(4, problem(500, 0)), []string{"#41 false"}},
		{"late, told to wait", numbered(told("x")), 3 * time.Second, nil, repeated(1, says(429, `{}`, "Retry-After", "5")), []string{"#41 true"}},
		{"late, told to wait for long", numbered(told("x")), 3 * time.Second, nil, repeated(1, says(429, `{}`, "Retry-After", "60")), []string{"#41 false"}},
		{"the acknowledgement breaks", numbered(told("x")), 3 * time.Second, breaks, nil, []string{"#41 true"}},
		{"the answer breaks", numbered(told("x")), 0, breaks, nil, []string{"#41 false"}},
		{"the answer breaks on its way", numbered(told("x")), 0, breaksAtFlush, nil, []string{"#41 false"}},
		{"the answer breaks, of a repeated delivery", repeat, 0, breaks, nil, nil},
		{"the answer goes slowly", numbered(told("x")), time.Second, slowly, nil, []string{"#41 false"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, _ := newAdapter(t, after(test.took, nil, test.reply))
				fake.script = test.script
				fake.first(first{Type: 5}) // whatever the adapter gets of it
				w := http.ResponseWriter(httptest.NewRecorder())
				if test.first != nil {
					w = test.first(w)
				}
				a.Interactions().ServeHTTP(w, signed(payload("mute")))
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, test.want, fake.reports)
			})
		})
	}
}

// A broken is a ResponseWriter that does not do all its work.
type broken struct {
	http.ResponseWriter
	write func() error
	flush func() error
}

func (b broken) Write(p []byte) (int, error) {
	if err := b.write(); err != nil {
		return 0, err
	}
	return b.ResponseWriter.Write(p)
}

func (b broken) FlushError() error { return b.flush() }

func works() error { return nil }
func fails() error { return errCut }

func breaks(w http.ResponseWriter) http.ResponseWriter        { return broken{w, fails, works} }
func breaksAtFlush(w http.ResponseWriter) http.ResponseWriter { return broken{w, works, fails} }
func slowly(w http.ResponseWriter) http.ResponseWriter {
	return broken{w, works, func() error { time.Sleep(1500 * time.Millisecond); return nil }}
}

// Nobody reads what is written to Discord after it has hung up, and nothing can be told later.
func TestHungUpIsNotDelivered(t *testing.T) {
	for _, took := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			a, fake, _ := newAdapter(t, after(took, nil, numbered(told("x"))))
			ctx, hangUp := context.WithCancel(t.Context())
			w := broken{httptest.NewRecorder(), works, func() error { hangUp(); return nil }}
			if took > 0 {
				time.AfterFunc(took/2, hangUp)
			}
			a.Interactions().ServeHTTP(w, signed(payload("mute")).WithContext(ctx))
			require.NoError(t, a.Stop(t.Context()))
			assert.Equal(t, []string{"#41 false"}, fake.reports)
		})
	}
}

func TestPanicInAnswered(t *testing.T) {
	a, fake, log := newAdapter(t, after(0, nil, numbered(told("x"))))
	a.Answered = func(int64, bool) { panic("boom") }
	assert.Equal(t, "✅ **Done**\nx\n-# #41", use(t, a, fake, payload("mute")).Data.Content)
	assert.Contains(t, log.String(), "panic=boom")
}

// How an interaction can stand when Deliver comes to it.
func unanswered(*fakeDiscord) {}

func stands(kind int, public bool, content string) func(*fakeDiscord) {
	return func(d *fakeDiscord) {
		f := first{Type: kind}
		f.Data.Content = content
		if !public {
			f.Data.Flags = 64
		}
		d.first(f)
	}
}

func removed(d *fakeDiscord) {
	stands(4, true, "")(d)
	d.view = nil
}

func TestDeliver(t *testing.T) {
	const answer, toPerson, toAll = "✅ **Done**\nx\n-# #41", "the person: ✅ **Done**\nx\n-# #41", "everyone: ✅ **Done**\nx\n-# #41"
	acknowledged := checked(t, draw(commands.Acknowledgement(commands.English, 41)))
	unpromised := checked(t, draw(commands.Acknowledgement(commands.Chinese, 0)))
	wrong := checked(t, draw(commands.Broken(commands.English)))
	neutral := "ℹ️ " + privately.English
	private, public := numbered(told("x")), publicly(numbered(told("x")))
	get, patch, remove, post := "GET "+original, "PATCH "+original, "DELETE "+original, "POST "+followUps
	for _, test := range []struct {
		name     string
		stands   func(*fakeDiscord)
		reply    commands.Reply
		more     bool
		seen     []string
		requests []string
	}{
		{"thinking privately, private", stands(5, false, ""), private, false, []string{toPerson}, []string{get, patch}},
		{"thinking publicly, public", stands(5, true, ""), public, false, []string{toAll}, []string{get, patch}},
		{"thinking publicly, private", stands(5, true, ""), private, false, []string{toPerson}, []string{get, remove, post}},
		{"thinking privately, public", stands(5, false, ""), public, false, []string{toPerson, toAll}, []string{get, patch, post}},
		{"acknowledged, private", stands(4, false, acknowledged), private, false, []string{toPerson}, []string{get, patch}},
		{"acknowledged, public", stands(4, false, acknowledged), public, false, []string{toPerson, toAll}, []string{get, patch, post}},
		{"nothing promised, private", stands(4, false, unpromised), private, false, []string{toPerson}, []string{get, patch}},
		{"there already, private", stands(4, false, answer), private, false, []string{toPerson}, []string{get}},
		{"there already, public", stands(4, true, answer), public, false, []string{toAll}, []string{get}},
		{"the person has it", stands(4, false, answer), public, false, []string{toPerson}, []string{get}},
		{"something had gone wrong, private", stands(4, false, wrong), private, false, []string{toPerson}, []string{get, patch}},
		{"something had gone wrong, public", stands(4, false, wrong), public, false, []string{toPerson, toAll}, []string{get, patch, post}},
		{"everyone was told that somebody was told", stands(4, true, neutral), private, false, []string{"everyone: " + neutral, toPerson}, []string{get, post}},
		{"removed, private", removed, private, false, []string{toPerson}, []string{get, post}},
		{"removed, public", removed, public, false, []string{toAll}, []string{get, post}},

		{"more, private", stands(4, false, "⚠️ unknown\n-# #41"), private, true, []string{"the person: ⚠️ unknown\n-# #41", toPerson}, []string{get, post}},
		{"more, public after a private one", stands(4, false, "⚠️ unknown\n-# #41"), public, true, []string{"the person: ⚠️ unknown\n-# #41", toAll}, []string{get, post}},
		{"more, public after a public one", stands(4, true, "⚠️ unknown\n-# #41"), public, true, []string{"everyone: ⚠️ unknown\n-# #41", toAll}, []string{get, post}},
		{"more, private after a public one", stands(4, true, "⚠️ unknown\n-# #41"), private, true, []string{"everyone: ⚠️ unknown\n-# #41", toPerson}, []string{get, post}},
		{"more, removed", removed, public, true, []string{toAll}, []string{get, post}},
		{"more, and the first one never came", stands(5, false, ""), private, true, []string{toPerson}, []string{get, patch}},
		{"more, and only the acknowledgement came", stands(4, false, unpromised), private, true, []string{toPerson}, []string{get, patch}},
		{"more, and the first one never came, public", stands(5, true, ""), public, true, []string{toAll}, []string{get, patch}},
		{"more, told privately while everyone waits", stands(5, true, ""), private, true, []string{toPerson}, []string{get, remove, post}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, _ := newAdapter(t, nil) // a process that has never seen the interaction
				test.stands(fake)
				late := commands.Late{To: testReplyTo, By: time.Now().Add(time.Minute), Reply: test.reply, More: test.more}
				require.NoError(t, a.Deliver(t.Context(), late))
				assert.Equal(t, test.seen, fake.seen())
				assert.Equal(t, test.requests, fake.requests)
				assert.Empty(t, fake.reports, "who calls Deliver knows")
			})
		})
	}
}

// A Deliver that nobody knows of is repeated by the next process: everyone reads the answer once, the person at least once.
func TestDeliverAgain(t *testing.T) {
	private, public := numbered(told("x")), publicly(numbered(told("x")))
	const toPerson, toAll = "the person: ✅ **Done**\nx\n-# #41", "everyone: ✅ **Done**\nx\n-# #41"
	for _, test := range []struct {
		name   string
		stands func(*fakeDiscord)
		reply  commands.Reply
		seen   []string
	}{
		{"thinking privately, private", stands(5, false, ""), private, []string{toPerson}},
		{"thinking publicly, public", stands(5, true, ""), public, []string{toAll}},
		{"thinking publicly, private", stands(5, true, ""), private, []string{toPerson, toPerson}},
		{"thinking privately, public", stands(5, false, ""), public, []string{toPerson, toAll}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, fake, _ := newAdapter(t, nil)
				test.stands(fake)
				for range 2 {
					a := &Adapter{Client: fake.client()}
					require.NoError(t, a.Deliver(t.Context(), commands.Late{To: testReplyTo, By: time.Now().Add(time.Minute), Reply: test.reply}))
				}
				assert.Equal(t, test.seen, fake.seen())
			})
		})
	}
}

// Where Deliver meets trouble: what is tried once more by who calls it, what is given up, and what nobody sees.
func TestDeliverInTrouble(t *testing.T) {
	private, public := numbered(told("x")), publicly(numbered(told("x")))
	const toPerson, neutral = "the person: ✅ **Done**\nx\n-# #41", "everyone: ℹ️ The answer was given to the person who asked."
	const young, old = 14*time.Minute - time.Second, 13 * time.Minute // until the address is over
	again := errors.New("to be tried again")
	var done error
	for _, test := range []struct {
		name     string
		to       commands.ReplyTo
		left     time.Duration
		stands   func(*fakeDiscord)
		reply    commands.Reply
		script   []http.HandlerFunc
		want     error
		seen     []string
		requests int
	}{
		{"no address", "", old, stands(5, false, ""), private, nil, commands.ErrNowhere, []string{"the person: "}, 0},
		{"an address of something else", "https://hooks.example/T0123", old, stands(5, false, ""), private, nil, commands.ErrNowhere, []string{"the person: "}, 0},
		{"an address without a token", testApp + "/", old, stands(5, false, ""), private, nil, commands.ErrNowhere, []string{"the person: "}, 0},
		{"over", testReplyTo, 0, stands(5, false, ""), private, nil, commands.ErrNowhere, []string{"the person: "}, 0},
		{"long over", testReplyTo, -time.Hour, stands(5, false, ""), private, nil, commands.ErrNowhere, []string{"the person: "}, 0},
		{"never answered", testReplyTo, old, unanswered, private, nil, commands.ErrNowhere, nil, 1},
		{"not answered yet", testReplyTo, young, unanswered, private, nil, again, nil, 1},
		{"token gone", testReplyTo, old, stands(5, false, ""), private, repeated(9, problem(401, 50027)), commands.ErrNowhere, []string{"the person: "}, 1},
		{"token gone while editing", testReplyTo, old, stands(5, false, ""), private, []http.HandlerFunc{nil, problem(401, 50027)}, commands.ErrNowhere, []string{"the person: "}, 2},
		{"not found", testReplyTo, old, stands(5, false, ""), private, repeated(9, says(404, `{"message": "404: Not Found", "code": 0}`)), commands.ErrNowhere, []string{"the person: "}, 1},
		{"not allowed to edit", testReplyTo, old, stands(5, false, ""), private, []http.HandlerFunc{nil, problem(403, 50001)}, commands.ErrNowhere, []string{"the person: "}, 2},
		{"somebody in between says no", testReplyTo, old, stands(5, false, ""), private, repeated(9, says(403, `<html>`)), again, []string{"the person: "}, 1},
		{"Discord is down", testReplyTo, old, stands(5, false, ""), private, repeated(9, problem(500, 0)), again, []string{"the person: "}, 4},
		{"Discord stumbles", testReplyTo, old, stands(5, false, ""), private, []http.HandlerFunc{problem(500, 0), nil, hangsUp, problem(502, 0)}, done, []string{toPerson}, 5},
		{"too many requests", testReplyTo, old, stands(5, false, ""), private, repeated(9, says(429, `{"retry_after": 60}`)), again, []string{"the person: "}, 1},
		{"too many requests, with a code", testReplyTo, old, stands(5, false, ""), private, repeated(9, says(429, `{"retry_after": 60, "code": 20028}`)), again, []string{"the person: "}, 1},
		{"too many requests, for a moment", testReplyTo, old, stands(5, false, ""), private, []http.HandlerFunc{nil, says(429, `{"retry_after": 2}`)}, done, []string{toPerson}, 3},
		{"silent", testReplyTo, old, stands(5, false, ""), private, repeated(9, silent), again, []string{"the person: "}, 2},
		{"nonsense", testReplyTo, old, stands(5, false, ""), private, repeated(9, says(200, `<html>`)), again, []string{"the person: "}, 1},

		{"thinking publicly cannot be deleted", testReplyTo, old, stands(5, true, ""), private,
			[]http.HandlerFunc{nil, problem(403, 50001)}, done, []string{neutral, toPerson}, 4},
		{"nor edited", testReplyTo, old, stands(5, true, ""), private,
			[]http.HandlerFunc{nil, problem(403, 50001), problem(403, 50001)}, commands.ErrNowhere, []string{"everyone: "}, 3},
		{"nor edited now", testReplyTo, old, stands(5, true, ""), private,
			append([]http.HandlerFunc{nil, problem(403, 50001)}, repeated(4, problem(500, 0))...), again, []string{"everyone: "}, 6},
		{"deleted, and the answer does not get through", testReplyTo, old, stands(5, true, ""), private,
			append([]http.HandlerFunc{nil, nil}, repeated(4, problem(500, 0))...), again, nil, 6},
		{"removed, and nobody knows whether everyone was told", testReplyTo, old, removed, public,
			[]http.HandlerFunc{nil, hangsUp}, done, []string{toPerson}, 3},
		{"removed, and everyone was not told", testReplyTo, old, removed, public,
			[]http.HandlerFunc{nil, problem(400, 50035)}, commands.ErrNowhere, nil, 2},
		{"the person has it, and everyone may not", testReplyTo, old, stands(5, false, ""), public,
			[]http.HandlerFunc{nil, nil, hangsUp}, done, []string{toPerson}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, _ := newAdapter(t, nil)
				test.stands(fake)
				fake.script = test.script
				err := a.Deliver(t.Context(), commands.Late{To: test.to, By: time.Now().Add(test.left), Reply: test.reply})
				switch test.want {
				case again:
					require.Error(t, err)
					assert.NotErrorIs(t, err, commands.ErrNowhere)
				default:
					assert.ErrorIs(t, err, test.want)
				}
				if err != nil {
					assert.NotContains(t, err.Error(), testToken)
					assert.NotContains(t, err.Error(), "http")
				}
				assert.Equal(t, test.seen, fake.seen())
				assert.Len(t, fake.requests, test.requests)
			})
		})
	}
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, nil)
		stands(5, false, "")(fake)
		fake.script = repeated(9, silent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, a.Deliver(ctx, commands.Late{To: testReplyTo, By: began.Add(time.Hour), Reply: told("x")}), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

// A panic on the way of a late answer is an error like others.
func TestPanicInDeliver(t *testing.T) {
	a, fake, log := newAdapter(t, nil)
	stands(5, false, "")(fake)
	a.Client.HTTP.Transport = panicking{}
	require.ErrorIs(t, a.Deliver(t.Context(), commands.Late{To: testReplyTo, By: time.Now().Add(time.Hour), Reply: told("x")}), errPanic)
	assert.Contains(t, log.String(), "panic=boom")
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("boom") }

// What the address of a request is good for in another process: all of it is in the request.
func TestDeliverInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked commands.Request
		a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			asked = req
			req.Accepted(41)
			req.Allowed(true)
			time.Sleep(time.Hour) // and then the process is killed
			return told("never said")
		})
		require.Equal(t, 5, use(t, a, fake, payload("mute")).Type)
		other := &Adapter{Client: fake.client()}
		late := commands.Late{To: asked.ReplyTo, By: asked.ReplyBy, Who: asked.Who, Where: asked.Where, Reply: numbered(told("refused"))}
		require.NoError(t, other.Deliver(t.Context(), late))
		assert.Equal(t, []string{"the person: ✅ **Done**\nrefused\n-# #41"}, fake.seen())
		time.Sleep(14 * time.Minute)
		require.ErrorIs(t, other.Deliver(t.Context(), late), commands.ErrNowhere)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = a.Stop(ctx)
		synctest.Wait()
		time.Sleep(time.Hour)
	})
}
