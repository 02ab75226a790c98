package console

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCompletion(t *testing.T) {
	words := func(all ...string) func(string) []string { return func(string) []string { return all } }
	for _, row := range []struct {
		name       string
		complete   func(string) []string
		line       string
		after      string // what stands behind the cursor
		want       []string
		wantLength int
	}{
		{"nothing", words(), "mu", "", nil, 2},
		{"the only word", words("mute"), "mu", "", []string{"te "}, 2},
		{"the only word is there", words("mute"), "mute", "", []string{" "}, 4},
		{"several words", words("mute", "muteroom"), "mu", "", []string{"te", "teroom"}, 2},
		{"a name that wants a value", words("room="), "mute ro", "", []string{"om="}, 2},
		{"a value", words("room=lobby"), "mute room=l", "", []string{"obby "}, 6},
		{"a new word", words("123", "lobby"), "mute ", "", []string{"123", "lobby"}, 0},
		{"an empty line", words("mute", "help"), "", "", []string{"mute", "help"}, 0},
		{"case does not matter", words("mute"), "MU", "", []string{"te "}, 2},
		{"wide letters and spaces", words("禁言五分钟"), "mute\u3000禁言", "", []string{"五分钟 "}, 2},
		{"words that do not continue the line", words("help", "m", "mute"), "mu", "", []string{"te "}, 2},
		{"words a terminal must not see", words("mu\x1b[2J"), "mu", "", nil, 2},
		{"the word before the cursor", func(line string) []string { return []string{line + "te"} }, "mu", " 123", []string{"te "}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			endings, length := completer(row.complete).Do([]rune(row.line+row.after), len([]rune(row.line)))
			var got []string
			for _, ending := range endings {
				got = append(got, string(ending))
			}
			assert.Equal(t, row.want, got)
			assert.Equal(t, row.wantLength, length)
		})
	}
}
