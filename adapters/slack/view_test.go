package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
	"roomwarden/commands"
	"roomwarden/permissions"
)

// checkView holds a view against Slack's limits.
func checkView(t *testing.T, v view) []byte {
	raw, err := encode(v)
	require.NoError(t, err)
	var body map[string]any
	require.NoError(t, json.Unmarshal(raw, &body))
	assert.Empty(t, slacktest.CheckView(body))
	return raw
}

func golden(t *testing.T, name string, raw []byte) {
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, raw, "", "  "))
	file := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}

// TestForms: each command that changes something has a form in both languages, with rooms to choose from and without.
func TestForms(t *testing.T) {
	rooms := []commands.Place{{Room: 1600849147, Name: "lobby"}, {Room: 123}}
	forms := 0
	for _, row := range commands.Table {
		if row.Title.English == "" {
			continue
		}
		forms++
		for _, l := range []commands.Language{commands.English, commands.Chinese} {
			raw := checkView(t, drawForm(row, l, rooms, "C1"))
			if row.Name == "mute" || row.Name == "delayclose" {
				golden(t, "form-"+row.Name+"."+string(l), raw)
			}
			checkView(t, drawForm(row, l, nil, ""))
		}
	}
	assert.Equal(t, 5, forms)
	many := make([]commands.Place, 300)
	for i := range many {
		many[i] = commands.Place{Room: int64(i + 1), Name: strings.Repeat("<*世>", 50)}
	}
	row, _ := commands.Form("mute")
	checkView(t, drawForm(row, commands.English, many, strings.Repeat("x", 100)))
}

func TestHomeGolden(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 5, 6, 0, time.UTC)
	say := func(s string) commands.Prose { return commands.Prose{{Text: s}} }
	home := commands.Home{
		Language: commands.English,
		Who:      commands.Reply{Text: say("This is who you are to the bot, and what you may do."), Fields: []commands.Field{{Label: "Your id", Value: commands.Prose{{Code: "T0123/U0456"}}}}},
		Active: []commands.Item{{
			Text:    commands.Prose{{Text: "#41: "}, {Code: "lisi"}, {Text: " muted in room "}, {Code: "123"}, {Text: " until "}, {Time: at}, {Text: ", by Zhang San: <spam> & *more*"}},
			Choices: []commands.Choice{{Label: "Undo", Line: "undo 41"}, {Label: "+10m", Line: "extend 41 10m"}},
		}},
		More:     say("There is more, about 12 in all."),
		Mine:     []commands.Prose{say("#41 mute 123 lisi 5m → done"), say("#40 room 123 → done")},
		Forms:    []commands.Choice{{Label: "Mute a member…", Line: "mute"}},
		Commands: []commands.Field{{Label: "mute", Value: say("Mute a member of a room for a time")}},
	}
	golden(t, "home.en", checkView(t, drawHome(home, nil, false, at)))
	news := told("#41 lasts 10m longer")
	news.Choices = []commands.Choice{{Label: "Undo", Line: "undo 42"}}
	golden(t, "home-after-a-press.en", checkView(t, drawHome(home, &news, true, at)))
	golden(t, "home-of-a-stranger.zh-CN", checkView(t, drawHome(commands.Home{
		Language: commands.Chinese, Stranger: true, Who: commands.Reply{Text: say("你不在允许使用机器人的名单中。")},
	}, nil, false, at)))

	for range 30 { // as much as there can be, of the longest
		home.Active = append(home.Active, home.Active[0])
	}
	long := strings.Repeat("世<&`*\n", 2000)
	home.Active[0].Text, home.Mine, home.Commands = say(long), append(home.Mine, say(long), say(long)), append(home.Commands, commands.Field{Label: long, Value: say(long)})
	news.Text, news.Fields = say(long), []commands.Field{{Label: long, Value: say(long)}}
	checkView(t, drawHome(home, &news, true, at))
	checkView(t, drawHome(commands.Home{}, nil, false, at))
}

// TestFormOpens: at once, whatever is slow, and what was not known in time is put into it; where it cannot open, the usage line is the answer.
func TestFormOpens(t *testing.T) {
	usage := func(_ context.Context, req commands.Request) commands.Reply { return told("usage of " + req.Line) }
	t.Run("with what is slow put in afterwards", func(t *testing.T) {
		server, s, _ := plugged(t, slacktest.Options{}, usage, nil)
		known := make(chan struct{})
		s.Adapter.People = func(ctx context.Context, _ permissions.Subject) (Person, bool) {
			select {
			case <-known:
				return Person{Locale: "zh-CN"}, true
			case <-ctx.Done():
				return Person{}, false
			}
		}
		server.WaitConnections(t, 2)
		d := server.Command("U1", "C1", "/mute", "")
		server.WaitFor(t, "the form", func() bool { _, open := server.Modal("U1"); return open })
		form, _ := server.Modal("U1")
		assert.Equal(t, "Mute a member", form.Title)
		close(known)
		server.WaitFor(t, "the form in Chinese", func() bool { form, _ := server.Modal("U1"); return form.Title == "禁言成员" })
		ok, after := d.Acked()
		assert.True(t, ok)
		assert.Less(t, after, 2*time.Second)
		assert.Empty(t, d.Answers())
		d.Again(true).Acked()
		assert.Empty(t, d.Answers(), "delivered again it is one form")
	})
	for name, fault := range map[string]slacktest.Fault{
		"expired": {Error: "expired_trigger_id"}, "slow": {Delay: 4 * time.Second}, "too many": {RetryAfter: 30 * time.Second}, "no answer": {Cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, _, _ := plugged(t, slacktest.Options{}, usage, nil)
			server.WaitConnections(t, 2)
			server.On("views.open", fault)
			d := server.Command("U1", "C1", "/nim", "mute")
			assert.Contains(t, d.Answer(t).Words(), "usage of mute")
			ok, after := d.Acked()
			assert.True(t, ok)
			assert.Less(t, after, 3*time.Second)

			server.On("views.open", fault)
			d = server.MessageShortcut("U1", "C1", "mute_message")
			assert.Contains(t, d.Answer(t).Words(), "usage of mute")
			server.On("views.open", fault)
			server.Shortcut("U1", "mute") // from nowhere: in the bot's own conversation with them
			server.WaitFor(t, "the usage line", func() bool {
				seen := server.Seen("U1", server.Direct("U1"))
				return len(seen) == 1 && strings.Contains(seen[0].Words(), "usage of mute")
			})
		})
	}
}

// TestFormSubmitted: mistakes are told under their fields, and what is right is carried out once, and answered where it was asked for.
func TestFormSubmitted(t *testing.T) {
	public := told("done")
	public.Public = true
	var mu sync.Mutex
	var lines []string
	server, _, _ := plugged(t, slacktest.Options{}, func(_ context.Context, req commands.Request) commands.Reply {
		if req.Accepted != nil {
			req.Accepted(41)
		}
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, req.Where+" "+req.Line)
		r := public
		r.Repeat = len(lines) > 1
		return r
	}, nil)
	server.WaitConnections(t, 2)
	server.Shortcut("U1", "mute")
	server.WaitFor(t, "the form", func() bool { _, open := server.Modal("U1"); return open })
	d := server.Submit("U1", map[string]string{"Room": "lobby (1600849147)", "Account": "wrong", "duration_typed": "wrong", "Tell the room": ""})
	server.WaitFor(t, "the mistakes", func() bool { return len(d.Errors()) == 2 })
	assert.Equal(t, "this cannot be", d.Errors()["Account"])
	assert.Equal(t, "this cannot be", d.Errors()["For how long (if not in the list)"], "%v", d.Errors())
	d = server.Submit("U1", map[string]string{"Account": "lisi", "duration_typed": "90m", "room_typed": "123", "Reason": "&lt;spam&gt;", "Where the answer goes": "C1"})
	assert.Contains(t, d.Answer(t).Words(), "done")
	server.WaitFor(t, "its end", func() bool { _, open := server.Modal("U1"); return !open })
	d.Again(true).Acked()
	assert.Len(t, d.Answers(), 1)
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, `C1 mute room=123 target=lisi duration=90m reason="<spam>" notify=no`, lines[0])
}

// TestFormRefused: what somebody may not do is told under its field, and written down, however often it is sent; what they send next is another command.
func TestFormRefused(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]string{} // lines by key
	refused, done := told("not for you"), told("done")
	refused.Tone, refused.Number, done.Number = commands.Refused, 41, 42
	server, s, _ := plugged(t, slacktest.Options{}, func(_ context.Context, req commands.Request) commands.Reply {
		mu.Lock()
		defer mu.Unlock()
		keys[req.Key] = req.Line
		if strings.Contains(req.Line, "forbidden") {
			return refused
		}
		return done
	}, nil)
	told := make(chan string, 9)
	s.Adapter.Answered = func(number int64, ok bool) { told <- fmt.Sprint(number, ok) }
	server.WaitConnections(t, 2)
	server.Shortcut("U1", "mute")
	server.WaitFor(t, "the form", func() bool { _, open := server.Modal("U1"); return open })
	for range 2 {
		d := server.Submit("U1", map[string]string{"room_typed": "forbidden", "Account": "lisi", "duration_typed": "5m"})
		server.WaitFor(t, "the refusal", func() bool { return len(d.Errors()) == 1 })
		assert.Equal(t, []string{"not for you"}, slices.Collect(maps.Values(d.Errors())))
		assert.Equal(t, "41 true", <-told)
		assert.Empty(t, d.Answers(), "it is told once")
	}
	d := server.Submit("U1", map[string]string{"room_typed": "123", "Account": "lisi", "duration_typed": "5m", "Where the answer goes": "C1"})
	assert.Contains(t, d.Answer(t).Words(), "done")
	assert.Equal(t, "42 true", <-told)
	mu.Lock()
	defer mu.Unlock()
	assert.ElementsMatch(t, []string{"mute room=forbidden target=lisi duration=5m", "mute room=123 target=lisi duration=5m"}, slices.Collect(maps.Values(keys)))
}

// TestHomeTab: it is published once however often it is told of, and pressing there shows there what came of it.
func TestHomeTab(t *testing.T) {
	server, s, _ := plugged(t, slacktest.Options{}, func(_ context.Context, req commands.Request) commands.Reply { return told("pressed " + req.Line) }, nil)
	s.Adapter.Guide = guide{home: commands.Home{Who: told("it is you"), Active: []commands.Item{{Text: commands.Prose{{Text: "#41"}}, Choices: []commands.Choice{{Label: "Undo", Line: "undo 41"}}}}}, err: errors.New("disk")}
	server.WaitConnections(t, 2)
	server.On("views.publish", slacktest.Fault{Error: "internal_error"})
	d := server.OpenHome("U1")
	server.WaitFor(t, "the Home tab", func() bool { _, there := server.Home("U1"); return there })
	home, _ := server.Home("U1")
	assert.Contains(t, home.Words(), "it is you")
	assert.Contains(t, home.Words(), "journal cannot be read")
	published := len(server.Calls("views.publish"))
	d.Again(false).Acked()
	server.PressHome("U1", "Undo")
	server.WaitFor(t, "what came of it", func() bool { home, _ := server.Home("U1"); return strings.Contains(home.Words(), "pressed undo 41") })
	assert.Len(t, server.Calls("views.publish"), published+1)
}
