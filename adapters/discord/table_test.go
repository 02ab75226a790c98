package discord

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
	"roomwarden/commands"
)

var discordName = regexp.MustCompile(`^[-_\p{L}\p{N}]{1,32}$`)

// What Discord's document does not say and Discord refuses.
func checkCommand(t *testing.T, c Command) {
	if c.Type == 2 {
		assert.Empty(t, c.Options)
		assert.Empty(t, c.Description)
		for _, name := range []string{c.Name, c.NameLocalizations["zh-CN"]} {
			assert.LessOrEqual(t, utf8.RuneCountInString(name), 32)
			assert.NotEmpty(t, name)
		}
		return
	}
	assert.EqualValues(t, 1, c.Type)
	total := checkTexts(t, c.Name, c.NameLocalizations, c.Description, c.DescriptionLocalizations)
	assert.LessOrEqual(t, len(c.Options), 25)
	seen, chinese, optional := map[string]bool{}, map[string]bool{}, false
	for _, o := range c.Options {
		total += checkTexts(t, o.Name, o.NameLocalizations, o.Description, o.DescriptionLocalizations)
		assert.False(t, seen[o.Name], "%s twice", o.Name)
		assert.False(t, chinese[o.NameLocalizations["zh-CN"]], "%s twice", o.NameLocalizations)
		assert.False(t, optional && o.Required, "%s is required and comes after optional ones", o.Name)
		assert.False(t, o.Autocomplete && len(o.Choices) > 0, "%s has choices and completion", o.Name)
		seen[o.Name], chinese[o.NameLocalizations["zh-CN"]], optional = true, true, optional || !o.Required
		assert.LessOrEqual(t, len(o.Choices), 25)
		for _, choice := range o.Choices {
			for _, name := range []string{choice.Name, choice.NameLocalizations["zh-CN"]} {
				assert.LessOrEqual(t, utf8.RuneCountInString(name), 100)
			}
			value, ok := choice.Value.(string)
			assert.True(t, ok)
			assert.NotEmpty(t, choice.Name)
			assert.NotEmpty(t, value)
			assert.LessOrEqual(t, utf8.RuneCountInString(value), 100)
			total += max(len(choice.Name), len(choice.NameLocalizations["zh-CN"])) + len(value)
		}
	}
	assert.LessOrEqual(t, total, 8000)
}

func checkTexts(t *testing.T, name string, names map[string]string, description string, others map[string]string) (size int) {
	assert.Regexp(t, discordName, name)
	assert.Equal(t, strings.ToLower(name), name)
	require.Len(t, names, 1)
	assert.Regexp(t, discordName, names["zh-CN"])
	require.Len(t, others, 1)
	for _, text := range []string{description, others["zh-CN"]} {
		assert.NotEmpty(t, strings.TrimSpace(text))
		assert.LessOrEqual(t, utf8.RuneCountInString(text), 100)
		size = max(size, len(text))
	}
	return size + max(len(name), len(names["zh-CN"]))
}

func TestCommands(t *testing.T) {
	for _, global := range []bool{true, false} {
		all := Commands(global)
		var names, want []string
		for _, row := range commands.Table {
			want = append(want, row.Name)
		}
		want = append(want, "Mute in a room…")
		for _, c := range all {
			checkCommand(t, c)
			names = append(names, c.Name)
			if global {
				assert.Equal(t, []int{0}, c.Contexts)
				assert.Equal(t, []int{0}, c.IntegrationTypes)
			} else {
				assert.Nil(t, c.Contexts)
				assert.Nil(t, c.IntegrationTypes)
			}
		}
		assert.Equal(t, want, names)
		assert.LessOrEqual(t, len(all), 100)
		body, err := json.Marshal(all)
		require.NoError(t, err)
		assert.NotContains(t, string(body), "default_member_permissions")
		newDiscord(t).check(discordtest.PutGlobal, body)
	}
}

func TestOptions(t *testing.T) {
	help := commands.Text{English: "an argument", Chinese: "参数"}
	var topics []Choice
	for _, row := range commands.Table {
		topics = append(topics, Choice{row.Name, map[string]string{"zh-CN": row.Chinese + " (" + row.Name + ")"}, row.Name})
	}
	const largest = 1<<53 - 1
	for _, test := range []struct {
		name string
		in   commands.Arg
		want Option
	}{
		{"room", commands.Arg{Kind: commands.Room, Required: true}, Option{Type: 3, Required: true, Autocomplete: true, MaxLength: 100}},
		{"account", commands.Arg{Kind: commands.Account}, Option{Type: 3, Autocomplete: true, MaxLength: 32}},
		{"duration", commands.Arg{Kind: commands.Duration}, Option{Type: 3, Autocomplete: true, MaxLength: 64}},
		{"one of", commands.Arg{Kind: commands.OneOf, Choices: []string{"off", "idle"}, Labels: []commands.Text{{English: "Not at all", Chinese: "不关闭"}}},
			Option{Type: 3, Choices: []Choice{{"off: Not at all", map[string]string{"zh-CN": "off：不关闭"}, "off"}, {"idle", nil, "idle"}}}},
		{"yes or no", commands.Arg{Kind: commands.YesNo}, Option{Type: 5}},
		{"words", commands.Arg{Kind: commands.Words}, Option{Type: 3, MaxLength: 500}},
		{"number", commands.Arg{Kind: commands.Number}, Option{Type: 4, MinValue: 1, MaxValue: largest}},
		{"topic", commands.Arg{Kind: commands.Topic}, Option{Type: 3, Choices: topics}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.Name, test.in.Chinese, test.in.Help = "x", "参数", help
			test.want.Name, test.want.NameLocalizations = "x", map[string]string{"zh-CN": "参数"}
			test.want.Description, test.want.DescriptionLocalizations = "an argument", map[string]string{"zh-CN": "参数"}
			assert.Equal(t, test.want, option(test.in))
		})
	}
}

func TestDescriptionsAreCut(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"fits", strings.Repeat("禁", 100), strings.Repeat("禁", 100)},
		{"too long", strings.Repeat("禁", 101), strings.Repeat("禁", 99) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			english, others := described(commands.Text{English: test.in, Chinese: test.in})
			assert.Equal(t, test.want, english)
			assert.Equal(t, map[string]string{"zh-CN": test.want}, others)
		})
	}
}
