package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
	"roomwarden/commands"
)

// checkModal holds a form against Discord's limits, written down here again.
func checkModal(t *testing.T, m modal) {
	t.Helper()
	within := func(what, s string, most int) {
		assert.NotEmpty(t, strings.TrimSpace(s), what)
		assert.LessOrEqual(t, utf8.RuneCountInString(s), most, what)
	}
	within("title", m.Title, 45)
	within("custom_id", m.CustomID, 100)
	assert.NotEmpty(t, m.Components)
	assert.LessOrEqual(t, len(m.Components), 5)
	met := map[string]bool{}
	for _, f := range m.Components {
		within("label", f.Label, 45)
		assert.LessOrEqual(t, utf8.RuneCountInString(f.Description), 100)
		require.NotNil(t, f.Component)
		e := *f.Component
		within("custom_id", e.CustomID, 100)
		assert.False(t, met[e.CustomID], e.CustomID)
		met[e.CustomID] = true
		switch e.Type {
		case 4:
			assert.Contains(t, []int{1, 2}, int(e.Style))
			assert.LessOrEqual(t, utf8.RuneCountInString(e.Value), e.MaxLength)
		case 3:
			assert.NotEmpty(t, e.Options)
			assert.LessOrEqual(t, len(e.Options), 25)
			for _, o := range e.Options {
				within("option", o.Label, 100)
				within("value", o.Value, 100)
			}
		default:
			assert.Fail(t, "a component of another kind")
		}
	}
}

var places = []commands.Place{{Room: 1600849147, Name: "lobby"}, {Room: 123}}

// Forms of every command that has one are drawn within the limits, whatever they are filled with.
func TestForms(t *testing.T) {
	var many []commands.Place
	for n := range 40 {
		many = append(many, commands.Place{Room: int64(n + 1), Name: strings.Repeat("x", 120)})
	}
	for _, command := range commands.Table {
		if _, ok := commands.Form(command.Name); !ok {
			continue
		}
		for name, l := range map[string]commands.Language{".en": commands.English, ".zh-CN": commands.Chinese} {
			t.Run(command.Name+name, func(t *testing.T) {
				m := form{command: command, chosen: "lisi"}.draw(l, places)
				checkModal(t, m)
				body, err := encode(response{Type: 9, Data: m})
				require.NoError(t, err)
				newDiscord(t).check(discordtest.Callback, body)
				var got bytes.Buffer
				require.NoError(t, json.Indent(&got, body, "", "  "))
				file := filepath.Join("testdata", "form-"+command.Name+name+".json")
				if *update {
					require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
				}
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, string(want), got.String())

				checkModal(t, form{command: command}.draw(l, nil))
				filled := map[string]string{}
				for _, arg := range command.Args {
					filled[arg.Name] = strings.Repeat("世🙂", 400)
				}
				checkModal(t, form{command: command, filled: filled, chosen: strings.Repeat("\u202e@everyone ", 50)}.draw(l, many))
			})
		}
	}
}

func TestFormID(t *testing.T) {
	row, _ := commands.Form("mute")
	for _, test := range []struct {
		name   string
		filled map[string]string
		want   map[string]string // what is left of it
	}{
		{"empty", nil, map[string]string{}},
		{"all", map[string]string{"room": "lobby", "target": "lisi", "duration": "5 m&x=1"}, map[string]string{"room": "lobby", "target": "lisi", "duration": "5 m&x=1"}},
		{"what a query is made of", map[string]string{"target": "a=b&c+d;e%20 #f", "reason": "one\ntwo"}, map[string]string{"target": "a=b&c+d;e%20 #f", "reason": "one\ntwo"}},
		{"Chinese", map[string]string{"room": "1600849147", "target": "lisi", "duration": "30m", "reason": strings.Repeat("刷", 39)},
			map[string]string{"room": "1600849147", "target": "lisi", "duration": "30m", "reason": strings.Repeat("刷", 39)}},
		{"too long", map[string]string{"room": "lobby", "target": strings.Repeat("长", 80), "duration": "5m"}, map[string]string{"room": "lobby", "duration": "5m"}},
		{"what is no argument", map[string]string{"x": "y"}, map[string]string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := form{command: row, filled: test.filled}.id()
			assert.LessOrEqual(t, size(id), 100)
			got, ok := formOf(id)
			require.True(t, ok)
			assert.Equal(t, "mute", got.command.Name)
			assert.Equal(t, test.want, got.filled)
		})
	}
	for _, id := range []string{"", "v1:mute", "v1-form:", "v1-form:nothing", "v1-form:mute?%zz", "v1-form:mute 123"} {
		_, ok := formOf(id)
		assert.False(t, ok, id)
	}
}

// chosen is the command in the menu of lisi.
func chosen() map[string]any {
	p := payload("Mute in a room…")
	data := p["data"].(map[string]any)
	data["type"], data["target_id"] = 2, "80351110224678999"
	data["resolved"] = map[string]any{"users": map[string]any{"80351110224678999": map[string]any{"id": "80351110224678999", "username": "lisi_42", "global_name": "Li Si"}}}
	return p
}

// submitted is a form as it comes back, in labels as they are now, or in rows.
func submitted(customID string, inRows bool, values map[string]string) map[string]any {
	var all []any
	for id, value := range values {
		entry := map[string]any{"type": 4, "id": 2, "custom_id": id, "value": value}
		if strings.HasPrefix(value, "chosen ") {
			entry = map[string]any{"type": 3, "id": 2, "custom_id": id, "values": []any{strings.TrimPrefix(value, "chosen ")}}
		}
		if inRows {
			all = append(all, map[string]any{"type": 1, "id": 1, "components": []any{entry}})
		} else {
			all = append(all, map[string]any{"type": 18, "id": 1, "component": entry})
		}
	}
	return with(with(payload(""), "type", 5), "data", map[string]any{"custom_id": customID, "components": all})
}

func opened(t *testing.T, a *Adapter, p map[string]any) modal {
	t.Helper()
	w := deliverRaw(a, p)
	require.Equal(t, 200, w.Code)
	newDiscord(t).check(discordtest.Callback, w.Body.Bytes())
	var got struct {
		Type int
		Data modal
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.Equal(t, 9, got.Type)
	checkModal(t, got.Data)
	return got.Data
}

// The menu opens a form, which says who was chosen and guesses no account; the form becomes a line.
func TestMenu(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guide{rooms: places}
		line := ""
		a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
			line = req.Line
			return publicly(numbered(told("lisi is muted")))
		})
		a.Guide = g
		m := opened(t, a, chosen())
		assert.Equal(t, "80351110224678912", g.who.User)
		assert.Equal(t, "v1-form:mute", m.CustomID)
		body, _ := encode(m)
		assert.Contains(t, string(body), "You chose Li Si: type their NetEase account id")
		assert.NotContains(t, string(body), "lisi_42")
		for _, inRows := range []bool{false, true} {
			fake.original, fake.view = nil, nil
			got := use(t, a, fake, submitted(m.CustomID, inRows, map[string]string{"room": "", "room_typed": " 123 ", "target": "lisi", "duration": "5m", "reason": ""}))
			assert.Equal(t, "✅ **Done**\nlisi is muted\n-# #41", got.Data.Content)
			assert.Equal(t, 4, got.Data.Flags, "everyone sees it")
			assert.Equal(t, map[string]string{"room": "123", "target": "lisi", "duration": "5m"}, g.filled)
			assert.Equal(t, "mute room=123", line)
		}
		require.NoError(t, a.Stop(t.Context()))
	})
}

// What is wrong in a form is said under the names of its fields, and the form opens again as it was.
func TestFormWithMistakes(t *testing.T) {
	a, fake, _ := newAdapter(t, nil)
	a.Guide = &guide{rooms: places, wrong: map[string]commands.Prose{"duration": {{Text: "5x has no unit"}}}}
	w := deliverRaw(a, submitted("v1-form:mute", false, map[string]string{"room": "chosen 123", "target": "lisi", "duration": "5x"}))
	fake.check(discordtest.Callback, w.Body.Bytes())
	var got struct {
		Type int
		Data message
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	assert.Equal(t, 4, got.Type)
	assert.Equal(t, "⛔ **Not done**\n"+notTaken.English+"\n**For how long:** 5x has no unit", got.Data.Content)
	assert.EqualValues(t, 4|64, got.Data.Flags)
	again := got.Data.Components[0].Buttons[0]
	assert.Equal(t, button{2, 1, "Correct it", "v1-form:mute?room=123&target=lisi&duration=5x"}, again)

	m := opened(t, a, pressed(again.CustomID, true))
	body, _ := encode(m)
	assert.Contains(t, string(body), `"value":"5x"`)
	assert.Contains(t, string(body), `{"label":"123","value":"123","default":true}`)
}

// Where a room is chosen and another one typed the bot does not choose.
func TestFormWithTwoRooms(t *testing.T) {
	a, fake, _ := newAdapter(t, nil)
	g := &guide{rooms: places}
	a.Guide = g
	got := use(t, a, fake, submitted("v1-form:mute", false, map[string]string{"room": "chosen 1600849147", "room_typed": "123", "target": "lisi", "duration": "5m"}))
	assert.Equal(t, "⛔ **Not done**\n"+notTaken.English+"\n**Room:** `1600849147` is chosen, and `123` is typed: which one? Leave one of them empty.", got.Data.Content)
	assert.Nil(t, g.filled)
}

// Who may not give the command in that room hears so by the line, which is written down like one that was typed.
func TestFormOfAStranger(t *testing.T) {
	line := ""
	a, fake, _ := newAdapter(t, func(_ context.Context, req commands.Request) commands.Reply {
		line = req.Line
		return numbered(commands.Reply{Tone: commands.Refused, Text: commands.Prose{{Text: "You do not have the right."}}})
	})
	a.Guide = &guide{rooms: places, denied: commands.Prose{{Text: "no"}}}
	got := use(t, a, fake, submitted("v1-form:mute", false, map[string]string{"room": "chosen 123", "target": "lisi", "duration": "5m"}))
	assert.Equal(t, "mute room=123", line)
	assert.Equal(t, "⛔ **Not done**\nYou do not have the right.\n-# #41", got.Data.Content)
}

// A form is the first answer or none, so it waits for nothing slow.
func TestFormWithoutTheJournal(t *testing.T) {
	for name, g := range map[string]*guide{
		"slow": {takes: time.Minute, err: context.DeadlineExceeded}, "failing": {err: errors.New("disk on fire")}, "panicking": {panics: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _, _ := newAdapter(t, nil)
				a.Guide = g
				began := time.Now()
				m := opened(t, a, chosen())
				assert.LessOrEqual(t, time.Since(began), time.Second)
				assert.Equal(t, "room", m.Components[0].Component.CustomID)
				assert.EqualValues(t, 4, m.Components[0].Component.Type, "it can be typed")
				opened(t, a, pressed("v1:mute", true))
			})
		})
	}
}
