package discord

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/commands"
)

// typing is a command of Zhang San's that is not complete yet.
func typing(command string, options ...map[string]any) map[string]any {
	return with(payload(command, options...), "type", 4)
}

func focused(o map[string]any) map[string]any { return with(o, "focused", true) }

func TestComplete(t *testing.T) {
	offers := []commands.Suggestion{{Label: "lobby (1600849147)", Value: "1600849147"}, {Label: "123", Value: "123"}}
	asStrings := []Choice{{Name: "lobby (1600849147)", Value: "1600849147"}, {Name: "123", Value: "123"}}
	for _, test := range []struct {
		name           string
		in             map[string]any
		want           []Choice
		focused, typed string // what was asked; empty: nothing
		filled         map[string]string
	}{
		{"a room", typing("mute", focused(text("room", "lo"))), asStrings, "room", "lo", map[string]string{}},
		{"with others", typing("mute", text("room", "lobby"), focused(text("target", ""))), asStrings, "target", "", map[string]string{"room": "lobby"}},
		{"a number", typing("undo", focused(map[string]any{"name": "number", "type": 4, "value": ""})),
			[]Choice{{Name: "lobby (1600849147)", Value: float64(1600849147)}, {Name: "123", Value: float64(123)}}, "number", "", map[string]string{}},
		{"nothing focused", typing("mute", text("room", "lo")), []Choice{}, "", "", nil},
		{"no such command", typing("ban", focused(text("room", "lo"))), []Choice{}, "", "", nil},
		{"no such option", typing("mute", focused(text("colour", "lo"))), []Choice{}, "", "", nil},
		{"an odd value", typing("mute", focused(map[string]any{"name": "room", "value": []any{1}})), []Choice{}, "", "", nil},
		{"a direct message", without(typing("mute", focused(text("room", "lo"))), "member"), []Choice{}, "", "", nil},
		{"another guild", with(typing("mute", focused(text("room", "lo"))), "guild_id", "1"), []Choice{}, "", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := &guide{offers: offers}
			a, fake, _ := newAdapter(t, nil)
			a.Guide, a.GuildIDs = g, []string{testGuild}
			got := use(t, a, fake, test.in)
			assert.Equal(t, 8, got.Type)
			assert.Equal(t, test.want, got.Data.Choices)
			assert.Equal(t, test.focused, g.focused)
			assert.Equal(t, test.typed, g.typed)
			assert.Equal(t, test.filled, g.filled)
			if test.focused != "" {
				assert.Equal(t, "80351110224678912", g.who.User)
				assert.Equal(t, []string{"41771983423143936", "539082325061836999"}, g.who.Groups)
			}
		})
	}
}

// What is offered keeps Discord's limits; a value is never cut, since it would be another one.
func TestOffered(t *testing.T) {
	long := fmt.Sprintf("%0101d", 1)
	var many []commands.Suggestion
	for n := range 40 {
		many = append(many, commands.Suggestion{Label: fmt.Sprint("#", n), Value: fmt.Sprint(n)})
	}
	room, number := commands.Arg{Kind: commands.Room}, commands.Arg{Kind: commands.Number}
	assert.Len(t, offered(room, many), 25)
	assert.Equal(t, []Choice{{Name: long[:99] + "…", Value: "1"}}, offered(room, []commands.Suggestion{
		{Label: long, Value: "1"}, {Label: "twice", Value: "1"}, {Label: "too long", Value: long}, {Label: "", Value: "2"}, {Label: "\u202e", Value: "3"}, {Label: "x", Value: ""},
	}))
	assert.Equal(t, []Choice{{Name: "#7", Value: int64(7)}}, offered(number, []commands.Suggestion{{Label: "no number", Value: "x"}, {Label: "#7", Value: "7"}}))
}

// However slow the journal is and whatever goes wrong, there is an answer in time: people go on typing.
func TestCompletionInTime(t *testing.T) {
	for name, g := range map[string]*guide{"slow": {takes: time.Minute}, "panicking": {panics: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, fake, _ := newAdapter(t, nil)
				a.Guide = g
				began := time.Now()
				got := use(t, a, fake, typing("mute", focused(text("room", ""))))
				assert.Equal(t, 8, got.Type)
				assert.LessOrEqual(t, time.Since(began), time.Second)
			})
		})
	}
}

// A flood of completions asks the journal for so many at once, and all are answered.
func TestManyComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, fake, _ := newAdapter(t, nil)
		slow := &blocking{}
		a.Guide = slow
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() { assert.Equal(t, 8, use(t, a, fake, typing("mute", focused(text("room", "")))).Type) })
		}
		all.Wait()
		assert.LessOrEqual(t, slow.most, 32)
		assert.Positive(t, slow.most)
	})
}
