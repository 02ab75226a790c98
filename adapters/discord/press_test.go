package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// pressed is an interaction of Zhang San's with a button on a card.
func pressed(customID string, private bool) map[string]any {
	flags := 4
	if private {
		flags |= 64
	}
	p := with(payload(""), "type", 3)
	p["message"] = map[string]any{"id": "1500000000000000001", "flags": flags, "content": "a card"}
	return with(p, "data", map[string]any{"custom_id": customID, "component_type": 2, "id": 2})
}

// cardFor puts a card before people.
func (d *fakeDiscord) cardFor(public bool) {
	d.card = &shownMessage{public: public, content: "a card"}
	d.view = append(d.view, d.card)
}

// What everyone may read takes the place of a card that all see, and what one person may read that of their own card; nothing private is ever seen by
// all, and nothing public is kept from them. However long it takes.
func TestPress(t *testing.T) {
	const path = "/webhooks/1100000000000000001/TOKEN"
	done, refused := publicly(numbered(told("lisi is muted"))), numbered(told("no"))
	refused.Tone = commands.Refused
	over := numbered(told("undone already"))
	over.Tone, over.Settled = commands.NoChange, true
	const was = "☑️ **No change**\nundone already\n-# #41"
	const news, no = "✅ **Done**\nlisi is muted\n-# #41", "⛔ **Not done**\nno\n-# #41"
	const said, look, put, unsay = "POST " + path, "GET " + path + "/messages/@original", "PATCH " + path + "/messages/@original", "DELETE " + path + "/messages/posted-1"
	for _, test := range []struct {
		name     string
		public   bool // the card
		took     time.Duration
		reply    commands.Reply
		kind     int // of the first answer
		seen     []string
		requests []string
	}{
		{"public on a public card", true, 0, done, 7, []string{"everyone: " + news}, nil},
		{"private on a public card", true, 0, refused, 4, []string{"everyone: a card", "the person: " + no}, nil},
		{"over on a public card", true, 0, over, 7, []string{"everyone: " + was}, nil},
		{"over on a private card", false, 0, over, 7, []string{"the person: " + was}, nil},
		{"late, over on a public card", true, 3 * time.Second, over, 6, []string{"everyone: " + was}, []string{said, look, put, unsay}},
		{"private on a private card", false, 0, refused, 7, []string{"the person: " + no}, nil},
		{"public on a private card", false, 0, done, 7, []string{"the person: " + news, "everyone: " + news}, []string{"POST " + path}},
		{"late, public on a public card", true, 3 * time.Second, done, 6, []string{"everyone: " + news}, []string{said, look, put, unsay}},
		{"late, private on a public card", true, 3 * time.Second, refused, 6, []string{"everyone: a card", "the person: " + no}, []string{said, look, "PATCH " + path + "/messages/posted-1"}},
		{"late, private on a private card", false, 3 * time.Second, refused, 6, []string{"the person: " + no}, []string{said, look, put, unsay}},
		{"late, public on a private card", false, 3 * time.Second, done, 6, []string{"the person: " + news, "everyone: " + news}, []string{said, look, put, said, unsay}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got commands.Request
				handle := after(test.took, &yes, test.reply)
				a, fake, _ := newAdapter(t, func(ctx context.Context, req commands.Request) commands.Reply {
					got = req
					return handle(ctx, req)
				})
				fake.cardFor(test.public)
				first := use(t, a, fake, pressed("v1:unmute room=123 target=lisi", !test.public))
				assert.Equal(t, test.kind, first.Type)
				require.NoError(t, a.Stop(t.Context()))
				assert.Equal(t, test.seen, fake.seen(), "nothing is left of what said that it takes longer")
				assert.Equal(t, test.requests, fake.requests)
				assert.Equal(t, []string{"#41 true"}, fake.reports)
				assert.Equal(t, "unmute room=123 target=lisi", got.Line)
				assert.Equal(t, "discord:1200000000000000007", got.Key)
				assert.Equal(t, permissions.Subject{Platform: permissions.Discord, Space: testGuild, User: "80351110224678912", Name: "Zhang San",
					Groups: []string{"41771983423143936", "539082325061836999"}}, got.Who, "whoever presses is judged, not whoever asked")
			})
		})
	}
}

// Deliver finds a press as it finds a command: what stands there is looked at first.
func TestDeliverToACard(t *testing.T) {
	done, refused := publicly(numbered(told("lisi is muted"))), numbered(told("no"))
	refused.Tone = commands.Refused
	const news, no = "✅ **Done**\nlisi is muted\n-# #41", "⛔ **Not done**\nno\n-# #41"
	for _, test := range []struct {
		name   string
		public bool
		stands string // in the place of the first answer
		late   commands.Late
		seen   []string
	}{
		{"never given, public", true, "a card", commands.Late{Reply: done}, []string{"everyone: " + news}},
		{"never given, private", true, "a card", commands.Late{Reply: refused}, []string{"everyone: a card", "the person: " + no}},
		{"never given, private on a private card", false, "a card", commands.Late{Reply: refused}, []string{"the person: " + no}},
		{"never given, public on a private card", false, "a card", commands.Late{Reply: done}, []string{"the person: " + news, "everyone: " + news}},
		{"given", true, news, commands.Late{Reply: done}, []string{"everyone: " + news}},
		{"another answer has the card", true, "✅ **Done**\nlisi is unmuted\n-# #42", commands.Late{Reply: done}, []string{"everyone: ✅ **Done**\nlisi is unmuted\n-# #42", "everyone: " + news}},
		{"an older answer has the card", true, "✅ **Done**\nlisi is unmuted\n-# #9", commands.Late{Reply: done}, []string{"everyone: " + news}},
		{"news of what everyone saw", true, "an unknown outcome", commands.Late{Reply: done, More: true}, []string{"everyone: " + news}},
		{"news of what the person saw", false, "an unknown outcome", commands.Late{Reply: done, More: true}, []string{"the person: " + news, "everyone: " + news}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, fake, _ := newAdapter(t, nil)
			fake.cardFor(test.public)
			fake.original, fake.card.content = fake.card, test.stands
			test.late.To, test.late.By = commands.ReplyTo(testApp+"/"+testToken)+card{pressed: true, private: !test.public}.suffix(), time.Now().Add(time.Minute)
			require.NoError(t, a.Deliver(t.Context(), test.late))
			assert.Equal(t, test.seen, fake.seen())
		})
	}
	// A private answer has come to a press on a card that all see: what stands there is that answer, and the card is another message.
	a, fake, _ := newAdapter(t, nil)
	fake.cardFor(true)
	fake.original = &shownMessage{content: "an unknown outcome"}
	fake.view = append(fake.view, fake.original)
	to := commands.ReplyTo(testApp+"/"+testToken) + card{pressed: true}.suffix()
	require.NoError(t, a.Deliver(t.Context(), commands.Late{To: to, By: time.Now().Add(time.Minute), Reply: refused}))
	assert.Equal(t, []string{"everyone: a card", "the person: " + no}, fake.seen())
}

// What somebody has pressed a button of was read: a first answer does not come back over what came of that. News of it is posted.
func TestDeliverAfterAPress(t *testing.T) {
	question, done := numbered(told("sure?")), publicly(numbered(told("lisi is muted")))
	question.Tone = commands.Asks
	for _, test := range []struct {
		name   string
		public bool
		late   commands.Late
		posted []string
	}{
		{"a question that was answered", false, commands.Late{Reply: question}, nil},
		{"a mute that was undone", true, commands.Late{Reply: done}, nil},
		{"news of that", true, commands.Late{Reply: done, More: true}, []string{"everyone: ✅ **Done**\nlisi is muted\n-# #41"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, fake, _ := newAdapter(t, nil)
			const stands = "✅ **Done**\nsomething else\n-# #42"
			fake.cardFor(test.public)
			fake.original, fake.card.content = fake.card, stands
			test.late.To, test.late.By = testApp+"/"+testToken, time.Now().Add(time.Minute)
			require.NoError(t, a.Deliver(t.Context(), test.late))
			who := map[bool]string{true: "everyone: ", false: "the person: "}[test.public]
			assert.Equal(t, append([]string{who + stands}, test.posted...), fake.seen())
		})
	}
}

// While a press takes long several deliveries of it say so once, and the answer comes once.
func TestSlowPressTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			reply := publicly(numbered(told("lisi is muted")))
			if reply.Repeat = runs.Add(1) > 1; !reply.Repeat {
				req.Accepted(41)
			}
			time.Sleep(5 * time.Second)
			return reply
		})
		fake.cardFor(true)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { use(t, a, fake, pressed("v1:mute 123 lisi 5m", false)) })
		}
		both.Wait()
		time.Sleep(time.Second)
		assert.Len(t, fake.seen(), 2)
		assert.Contains(t, fake.seen()[1], "the person: ⏳ **In progress**")
		require.NoError(t, a.Stop(t.Context()))
		assert.Equal(t, []string{"everyone: ✅ **Done**\nlisi is muted\n-# #41"}, fake.seen())
	})
}

// Discord takes no more edits of an old card, or does not accept the form of an answer: the answer is given all the same.
func TestCardThatCannotBeEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := publicly(numbered(told("lisi is muted")))
		done.Choices = []commands.Choice{{Label: "Undo", Line: "undo 41"}}
		for name, script := range map[string][]http.HandlerFunc{
			"edited too often": {nil, nil, problem(400, 30046)},
			"removed":          {nil, nil, problem(404, 10008)},
			"invalid form":     {nil, nil, says(400, `{"code":50035,"errors":{"components":{"0":{"label":{"_errors":[{"code":"BASE_TYPE_REQUIRED","message":"x"}]}}}}}`)},
		} {
			a, fake, _ := newAdapter(t, after(3*time.Second, nil, done))
			fake.script = script
			fake.cardFor(true)
			use(t, a, fake, pressed("v1:mute 123 lisi 5m", false))
			require.NoError(t, a.Stop(t.Context()))
			assert.Contains(t, fake.seen(), "everyone: ✅ **Done**\nlisi is muted\n-# #41", name)
			assert.Equal(t, []string{"#41 true"}, fake.reports, name)
		}
	})
}

// A line that is too long for a button is found again through the journal, however late the button is pressed; another choice never takes its place.
func TestLongLine(t *testing.T) {
	long := commands.Choice{Label: "Replace", Line: `mute room=1600849147 target=lisi duration=1d12h reason="` + strings.Repeat("刷", 60) + `" replace=40`}
	other := commands.Choice{Label: "Keep", Line: strings.Replace(long.Line, "lisi", "wangwu", 1)}
	ref := carried(long.Line, 41)
	assert.Regexp(t, `^v1#41:[0-9a-f]{16}$`, ref)
	assert.Empty(t, carried(long.Line, 0), "where nothing has it, it is typed")
	for _, test := range []struct {
		name, id string
		guide    Guide
		line     string // that is carried out; empty: none is
		says     string
	}{
		{"found", ref, &guide{of41: []commands.Choice{other, long}}, long.Line, ""},
		{"another answer came meanwhile", ref, &guide{of41: []commands.Choice{other}}, "", outdated.English},
		{"another entry", strings.Replace(ref, "41", "42", 1), &guide{of41: []commands.Choice{long}}, "", outdated.English},
		{"a number that is none", strings.Replace(ref, "41", strings.Repeat("9", 30), 1), &guide{of41: []commands.Choice{long}}, "", outdated.English},
		{"the journal is down", ref, &guide{err: errors.New("disk on fire")}, "", unread.English},
		{"no guide", ref, nil, "", outdated.English},
		{"nonsense", "v1#x", &guide{}, "", outdated.English},
		{"of another version", "v2:mute", &guide{}, "", outdated.English},
		{"empty", "v1:", &guide{}, "", outdated.English},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := ""
			a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
				line = req.Line
				return told("ok")
			})
			a.Guide = test.guide
			fake.cardFor(false)
			got := use(t, a, fake, pressed(test.id, true))
			assert.Equal(t, test.line, line)
			if test.says != "" {
				assert.Equal(t, "⛔ **Not done**\n"+test.says, got.Data.Content)
				assert.Equal(t, 4|64, got.Data.Flags)
			}
		})
	}
}

// Whoever has no business here presses in vain.
func TestPressElsewhere(t *testing.T) {
	a, fake, _ := newAdapter(t, nil)
	a.GuildIDs = []string{"1"}
	assert.Equal(t, "⛔ **Not done**\n"+otherGuild.English, use(t, a, fake, pressed("v1:whoami", false)).Data.Content)
	a, fake, _ = newAdapter(t, nil)
	assert.Equal(t, "⛔ **Not done**\n"+directMessage.English, use(t, a, fake, without(pressed("v1:whoami", false), "member")).Data.Content)
}

// Buttons keep Discord's limits: 25 at most, none twice, and what does not fit is there to be typed.
func TestRows(t *testing.T) {
	r := commands.Reply{Tone: commands.Asks, Number: 41}
	for n := range 30 {
		r.Choices = append(r.Choices, commands.Choice{Label: fmt.Sprint("Undo ", n), Line: fmt.Sprint("undo ", n)})
	}
	r.Choices = append(r.Choices, r.Choices[0], commands.Choice{Label: "", Line: "help"}, commands.Choice{Label: "Look"}, commands.Choice{Label: "\u202e", Line: "help"})
	all, rest := rows(r)
	checkRows(t, all)
	assert.Len(t, all, 5)
	assert.Equal(t, button{2, 1, "Undo 0", "v1:undo 0"}, all[0].Buttons[0], "the first one stands out where the bot asks")
	assert.Equal(t, button{2, 2, "Undo 24", "v1:undo 24"}, all[4].Buttons[4])
	assert.Len(t, rest, 8)
}

// Whatever a custom_id holds is answered without a panic, and never with somebody else's line.
func FuzzCustomID(f *testing.F) {
	for _, s := range []string{"v1:mute 123 lisi 5m", "v1#41:0123456789abcdef", "v1-form:mute?room=1", "v1-form:mute?%zz", "v1-form:nothing", "", "v1:", "v1:\u202e\n@everyone"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if !utf8.ValidString(id) { // JSON has nothing else
			return
		}
		a, fake, log := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			assert.Equal(t, strings.TrimPrefix(id, lineID), req.Line)
			return told("ok")
		})
		a.Guide = &guide{of41: []commands.Choice{{Label: "x", Line: "help"}}}
		fake.cardFor(false)
		w := deliverRaw(a, pressed(id, true))
		assert.Equal(t, http.StatusOK, w.Code)
		assert.NotContains(t, log.String(), "panic")
	})
}
