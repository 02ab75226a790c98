package discord

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

// A command that is turned away has a first and a final answer, and they are one. So has a pressed button.
func TestTurnedAwayIsCounted(t *testing.T) {
	answered := []commands.EventKind{commands.Signed, commands.FinalAnswer, commands.FirstAnswer}
	menu := payload("mute")
	menu["data"].(map[string]any)["type"] = 2
	for _, test := range []struct {
		name    string
		guilds  []string
		stopped bool
		in      map[string]any
		want    []commands.EventKind
	}{
		{"direct message", nil, false, without(payload("whoami"), "member"), answered},
		{"another guild", []string{"1"}, false, payload("whoami"), answered},
		{"user command", nil, false, menu, answered},
		{"stopping", nil, true, payload("whoami"), answered},
		{"button", nil, false, with(payload(""), "type", 3), answered},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, fake, _ := newAdapter(t, nil)
			a.GuildIDs = test.guilds
			var kinds []commands.EventKind
			a.Observe = func(e commands.Event) { kinds = append(kinds, e.Kind) }
			if test.stopped {
				require.NoError(t, a.Stop(t.Context()))
			}
			assert.Equal(t, 4, use(t, a, fake, test.in).Type)
			assert.Equal(t, test.want, kinds)
		})
	}
}
