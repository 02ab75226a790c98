package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

var yes, no = true, false

func TestAnswerInTime(t *testing.T) {
	for _, took := range []time.Duration{0, 1999 * time.Millisecond} {
		for _, test := range []struct {
			name  string
			reply commands.Reply
			seen  string
			flags int
		}{
			{"public", publicly(numbered(told("lisi is muted"))), "everyone: ✅ **Done**\nlisi is muted\n-# #41", 4},
			{"private", numbered(told("lisi is muted")), "the person: ✅ **Done**\nlisi is muted\n-# #41", 4 | 64},
		} {
			t.Run(fmt.Sprint(test.name, took), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, fake, log := newAdapter(t, after(took, &yes, test.reply))
					var events []commands.Event
					var mu sync.Mutex
					a.Observe = func(e commands.Event) { mu.Lock(); defer mu.Unlock(); events = append(events, e) }
					began := time.Now()
					got := use(t, a, fake, payload("mute"))
					assert.Equal(t, took, time.Since(began))
					assert.Equal(t, 4, got.Type)
					assert.Equal(t, test.flags, got.Data.Flags)
					require.NoError(t, a.Stop(t.Context()))
					assert.Equal(t, []string{test.seen}, fake.seen())
					assert.Empty(t, fake.requests, "answered once")
					assert.Equal(t, []string{"#41 true"}, fake.reports)
					assert.ElementsMatch(t, []commands.Event{
						{Platform: permissions.Discord, Kind: commands.Signed},
						{Platform: permissions.Discord, Kind: commands.FirstAnswer, Took: took},
						{Platform: permissions.Discord, Kind: commands.FinalAnswer, Took: took},
					}, events)
					assert.Contains(t, log.String(), `msg="discord: command received" guild=41771983423143937 user=80351110224678912 command=mute`)
					assert.Contains(t, log.String(), `command=mute answered="in time" tone=done number=41 ms=`)
				})
			})
		}
	}
}

const original = "/webhooks/1100000000000000001/TOKEN/messages/@original"

// Whether everyone sees "thinking…" is fixed after two seconds; the answer comes after three and may want it otherwise.
func TestLateAnswer(t *testing.T) {
	reply := numbered(told("lisi is muted"))
	const private, public = "the person: ✅ **Done**\nlisi is muted\n-# #41", "everyone: ✅ **Done**\nlisi is muted\n-# #41"
	for _, test := range []struct {
		name     string
		allowed  *bool
		reply    commands.Reply
		thinking string
		seen     []string
		requests []string
	}{
		{"public as was said", &yes, publicly(reply), "everyone: ", []string{public}, []string{"PATCH " + original}},
		{"private as was said", &no, reply, "the person: ", []string{private}, []string{"PATCH " + original}},
		{"private, nothing was said", nil, reply, "the person: ", []string{private}, []string{"PATCH " + original}},
		{"private against what was said", &yes, reply, "everyone: ", []string{private},
			[]string{"DELETE " + original, "POST /webhooks/1100000000000000001/TOKEN"}},
		{"public, nothing was said", nil, publicly(reply), "the person: ", []string{private, public},
			[]string{"PATCH " + original, "POST /webhooks/1100000000000000001/TOKEN"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, log := newAdapter(t, after(3*time.Second, test.allowed, test.reply))
				var final time.Duration
				a.Observe = func(e commands.Event) {
					if e.Kind == commands.FinalAnswer {
						final = e.Took
					}
				}
				began := time.Now()
				got := use(t, a, fake, payload("mute"))
				assert.Equal(t, 2*time.Second, time.Since(began))
				assert.Equal(t, 5, got.Type)
				assert.Equal(t, []string{test.thinking}, fake.seen())
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, test.seen, fake.seen())
				assert.Equal(t, test.requests, fake.requests)
				assert.Equal(t, []string{"#41 true"}, fake.reports, "told once, though a first answer came before")
				assert.Equal(t, 3*time.Second, final)
				assert.Contains(t, log.String(), "answered=late tone=done")
			})
		})
	}
}

// The handler says that a success will be public when the person has been told privately to wait.
func TestAllowedAfterTheAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			req.Accepted(41)
			time.Sleep(2500 * time.Millisecond)
			req.Allowed(true)
			return publicly(told("lisi is muted"))
		})
		assert.Equal(t, 64, use(t, a, fake, payload("mute")).Data.Flags)
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"the person: ✅ **Done**\nlisi is muted", "everyone: ✅ **Done**\nlisi is muted"}, fake.seen())
	})
}

// A private answer is never posted while the public "thinking…" stands: Discord would take it for the edit. Where that cannot be
// deleted it is made to say something else first.
func TestPrivateAnswerStaysPrivateWhenDeletingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, log := newAdapter(t, after(3*time.Second, &yes, told("secret")))
		fake.script = []http.HandlerFunc{problem(403, 50001)}
		use(t, a, fake, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"DELETE " + original, "PATCH " + original, "POST " + strings.TrimSuffix(original, "/messages/@original")}, fake.requests)
		assert.Equal(t, []string{"everyone: ℹ️ The answer was given to the person who asked.", "the person: ✅ **Done**\nsecret"}, fake.seen())
		assert.Contains(t, log.String(), `answered=late`)
	})
	synctest.Test(t, func(t *testing.T) {
		a, fake, log := newAdapter(t, after(3*time.Second, &yes, told("secret")))
		fake.script = []http.HandlerFunc{problem(403, 50001), problem(403, 50001)}
		use(t, a, fake, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"everyone: "}, fake.seen(), "better nothing than a private answer for everyone")
		assert.Contains(t, log.String(), `answered="not at all"`)
	})
}

// An answer whose place somebody has removed is given all the same.
func TestAnswerWhosePlaceIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(3*time.Second, &yes, publicly(told("lisi is muted"))))
		fake.script = []http.HandlerFunc{problem(404, 10008)}
		use(t, a, fake, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"PATCH " + original, "POST " + strings.TrimSuffix(original, "/messages/@original")}, fake.requests)
	})
}

func TestRemovedThinkingIsAsGoodAsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(3*time.Second, &yes, told("refused")))
		fake.script = []http.HandlerFunc{problem(404, 10008)}
		use(t, a, fake, payload("mute"))
		fake.mu.Lock()
		fake.loading, fake.view = false, nil // an administrator did
		fake.mu.Unlock()
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"the person: ✅ **Done**\nrefused"}, fake.seen())
	})
}

// The same interaction comes twice. Both are acknowledged alike, and the one that ran tells both.
func TestRedelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		runs := 0
		a, fake, log := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			mu.Lock()
			runs++
			repeat := runs > 1
			mu.Unlock()
			if !repeat {
				req.Accepted(41)
				req.Allowed(true)
			}
			time.Sleep(time.Until(time.Unix(946684800, 0).Add(5 * time.Second))) // the bubble's clock begins in 2000
			reply := publicly(told("lisi is muted"))
			reply.Repeat = repeat
			return reply
		})
		var wait sync.WaitGroup
		for _, pause := range []time.Duration{0, time.Second} {
			wait.Go(func() {
				time.Sleep(pause)
				got := use(t, a, fake, payload("mute"))
				assert.Equal(t, 5, got.Type)
				assert.Zero(t, got.Data.Flags, "public, both")
			})
		}
		wait.Wait()
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"PATCH " + original}, fake.requests)
		assert.Equal(t, []string{"everyone: ✅ **Done**\nlisi is muted"}, fake.seen())
		assert.Contains(t, log.String(), `answered="by its first delivery"`)
	})
}

func TestRedeliveryIsAnsweredInTime(t *testing.T) {
	again := told("lisi is muted")
	again.Repeat = true
	a, fake, _ := newAdapter(t, after(0, nil, again))
	assert.Equal(t, "✅ **Done**\nlisi is muted", use(t, a, fake, payload("mute")).Data.Content)
}

// What is none of ours is refused in words, where Discord has a form for that.
func TestOtherInteractions(t *testing.T) {
	menu := payload("Ban for ever")
	menu["data"].(map[string]any)["type"] = 2
	pressed := func(data map[string]any) map[string]any {
		return with(with(with(payload(""), "type", 3), "message", map[string]any{"id": "1", "flags": 0}), "data", data)
	}
	for _, test := range []struct {
		name    string
		in      map[string]any
		kind    int
		content string
	}{
		{"button", pressed(map[string]any{"custom_id": "x", "component_type": 2}), 4, outdated.English},
		{"button without a message", without(pressed(map[string]any{"custom_id": "v1:whoami", "component_type": 2}), "message"), 4, outdated.English},
		{"menu", pressed(map[string]any{"custom_id": "v1:whoami", "component_type": 3}), 4, outdated.English},
		{"modal", with(with(payload(""), "type", 5), "data", map[string]any{"custom_id": "x", "components": []any{map[string]any{"type": 99}}}), 4, outdated.English},
		{"in Chinese", with(pressed(map[string]any{"custom_id": "x", "component_type": 2}), "locale", "zh-TW"), 4, outdated.Chinese},
		{"autocomplete", with(payload("mute", text("room", "lo")), "type", 4), 8, ""},
		{"user command", menu, 4, unknownMenu.English},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, fake, _ := newAdapter(t, nil)
			got := use(t, a, fake, test.in)
			assert.Equal(t, test.kind, got.Type)
			assert.Empty(t, got.Data.Choices)
			if test.kind == 4 {
				assert.True(t, strings.HasSuffix(got.Data.Content, "**\n"+test.content), got.Data.Content)
				assert.Equal(t, 4|64, got.Data.Flags)
			} else {
				assert.NotNil(t, got.Data.Choices)
			}
		})
	}
}

func TestWhereCommandsAreTaken(t *testing.T) {
	const direct = "⛔ **Not done**\nThe bot takes no commands in direct messages. Nothing was done. Please use a channel of your server."
	const other = "⛔ **Not done**\nThe bot is not set up for this server. Nothing was done. Whoever runs the bot can add the server to its settings."
	inDM := func() map[string]any {
		p := without(without(payload("whoami"), "member"), "guild_id")
		return with(with(p, "user", map[string]any{"id": "80351110224678912", "username": "zhangsan"}), "context", 1)
	}
	for _, test := range []struct {
		name   string
		guilds []string
		in     map[string]any
		want   string
	}{
		{"any guild", nil, payload("whoami"), "✅ **Done**\nok"},
		{"a guild that is served", []string{"1", testGuild}, payload("whoami"), "✅ **Done**\nok"},
		{"another guild", []string{"1"}, payload("whoami"), other},
		{"another guild, in Chinese", []string{"1"}, with(payload("whoami"), "locale", "zh-CN"),
			"⛔ **未执行**\n此服务器尚未启用本机器人，没有执行任何操作。请联系机器人的管理员在配置中添加此服务器。"},
		{"direct message", nil, inDM(), direct},
		{"direct message, in Chinese", nil, with(inDM(), "locale", "zh-CN"), "⛔ **未执行**\n机器人不接受私信命令，没有执行任何操作。请在服务器的频道中使用。"},
		{"no locale", nil, without(inDM(), "locale"), "⛔ **未执行**\n机器人不接受私信命令，没有执行任何操作。请在服务器的频道中使用。"},
		{"member without a guild", nil, without(payload("whoami"), "guild_id"), direct},
		{"guild without a member", []string{testGuild}, without(payload("whoami"), "member"), direct},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, fake, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply { return told("ok") })
			a.GuildIDs, a.Language = test.guilds, commands.Chinese
			got := use(t, a, fake, test.in)
			assert.Equal(t, 4, got.Type)
			assert.Equal(t, test.want, got.Data.Content)
			assert.Equal(t, 4|64, got.Data.Flags)
		})
	}
}

// The public "thinking…" is gone when Discord stumbles over the private answer: it is posted again.
func TestPrivateAnswerIsPostedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, log := newAdapter(t, after(3*time.Second, &yes, told("lisi is not muted")))
		fake.script = []http.HandlerFunc{nil, says(502, "<html>"), hangsUp}
		use(t, a, fake, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"the person: ✅ **Done**\nlisi is not muted"}, fake.seen())
		assert.Len(t, fake.requests, 4)
		assert.Contains(t, log.String(), "answered=late tone=done")
	})
}

func TestPanicBecomesAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, log := newAdapter(t, func(context.Context, commands.Request) commands.Reply { panic("boom") })
		assert.Equal(t, "⚠️ **结果未知**\n"+commands.Broken(commands.Chinese).Text.String(), use(t, a, fake, with(payload("mute"), "locale", "zh-CN")).Data.Content)
		require.NoError(t, a.Stop(t.Context()))
		assert.Contains(t, log.String(), "panic=boom")
	})
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply { time.Sleep(3 * time.Second); panic("boom") })
		use(t, a, fake, payload("mute"))
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"the person: ⚠️ **Outcome unknown**\n" + commands.Broken(commands.English).Text.String()}, fake.seen())
	})
}

// One person's flood leaves room for the others.
func TestTooManyOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(10*time.Second, nil, told("done")))
		for n := range maxOfOne {
			go a.Interactions().ServeHTTP(httptest.NewRecorder(), signed(with(payload("mute"), "id", fmt.Sprint(n))))
		}
		synctest.Wait()
		assert.Equal(t, "⛔ **Not done**\n"+commands.Busy(commands.English).Text.String(), use(t, a, fake, with(payload("mute"), "id", "new")).Data.Content)
		assert.Equal(t, 5, use(t, a, fake, with(by("80351110224679000", payload("mute")), "id", "another")).Type)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, a.Stop(ctx))
		assert.Empty(t, a.running.persons, "nobody is kept")
	})
}

func TestTooManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(10*time.Second, nil, told("done")))
		var wait sync.WaitGroup
		for n := range maxRunning {
			wait.Go(func() {
				w := httptest.NewRecorder()
				a.Interactions().ServeHTTP(w, signed(with(by(fmt.Sprint(80351110224679000+n/8), payload("mute")), "id", fmt.Sprint(n))))
			})
		}
		wait.Wait()
		assert.Equal(t, "⛔ **Not done**\n"+commands.Busy(commands.English).Text.String(), use(t, a, fake, with(payload("mute"), "id", "new")).Data.Content)
		assert.Equal(t, 5, use(t, a, fake, with(payload("mute"), "id", "7")).Type, "one that runs is not told that nothing was done")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, a.Stop(ctx))
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(5*time.Second, nil, told("lisi is muted")))
		use(t, a, fake, payload("mute"))
		began := time.Now()
		stopped := make(chan error)
		go func() { stopped <- a.Stop(t.Context()) }()
		synctest.Wait()
		assert.Equal(t, "⛔ **Not done**\n"+restarting.English, use(t, a, fake, with(payload("mute"), "id", "new")).Data.Content)
		require.NoError(t, <-stopped)
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.Equal(t, []string{"the person: ✅ **Done**\nlisi is muted"}, fake.seen())
	})
}

func TestStopLosesItsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, after(time.Hour, nil, told("")))
		use(t, a, fake, payload("mute"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		assert.EqualError(t, a.Stop(ctx), "stop discord: commands cut short: 1: context deadline exceeded")
		assert.Equal(t, []string{"the person: ✅ **Done**\ncancelled"}, fake.seen())
	})
	synctest.Test(t, func(t *testing.T) { // and Discord does not answer either
		a, fake, _ := newAdapter(t, after(time.Hour, nil, told("")))
		fake.script = []http.HandlerFunc{silent}
		use(t, a, fake, payload("mute"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		require.Error(t, a.Stop(ctx))
		assert.Equal(t, 11*time.Second, time.Since(began))
	})
}

// Over real sockets: the acknowledgement comes by itself, the answer is edited in.
func TestSlowCommandOverSockets(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
		req.Accepted(41)
		<-release
		return told("lisi is muted")
	})
	discord := httptest.NewServer(fake)
	t.Cleanup(discord.Close)
	a.Client = &Client{ApplicationID: testApp, BotToken: testBotToken, BaseURL: discord.URL + "/"}
	bot := httptest.NewServer(a.Interactions())
	t.Cleanup(bot.Close)

	r := signed(payload("mute"))
	out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, bot.URL, r.Body)
	require.NoError(t, err)
	out.Header = r.Header
	res, err := http.DefaultClient.Do(out)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.JSONEq(t, `{"type":5,"data":{"flags":64}}`, string(body))
	var got first
	require.NoError(t, json.Unmarshal(body, &got))
	fake.first(got)
	close(release)
	require.NoError(t, a.Stop(t.Context()))
	assert.Equal(t, []string{"the person: ✅ **Done**\nlisi is muted"}, fake.seen())
}

// Discord hangs up before the answer is there: the work goes on.
func TestDiscordHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := errors.New("not run")
		a, _, log := newAdapter(t, func(ctx context.Context, _ commands.Request) commands.Reply {
			time.Sleep(1500 * time.Millisecond)
			ended = ctx.Err()
			return told("lisi is muted")
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a.Interactions().ServeHTTP(httptest.NewRecorder(), signed(payload("mute")).WithContext(ctx))
		require.NoError(t, a.Stop(t.Context()))
		assert.NoError(t, ended)
		assert.Contains(t, log.String(), "code 10015: no such interaction")
		assert.Contains(t, log.String(), `answered="not at all"`)
	})
}
