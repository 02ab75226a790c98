package discord

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

var discordName = regexp.MustCompile(`^[-_\p{L}\p{N}]{1,32}$`)

// What Discord's document does not say and Discord refuses.
func checkCommand(t *testing.T, c Command) {
	assert.EqualValues(t, 1, c.Type)
	total := checkTexts(t, c.Name, c.Description, c.DescriptionLocalizations)
	assert.LessOrEqual(t, len(c.Options), 25)
	seen, optional := map[string]bool{}, false
	for _, o := range c.Options {
		total += checkTexts(t, o.Name, o.Description, o.DescriptionLocalizations)
		assert.False(t, seen[o.Name], "%s twice", o.Name)
		assert.False(t, optional && o.Required, "%s is required and comes after optional ones", o.Name)
		seen[o.Name], optional = true, optional || !o.Required
		assert.LessOrEqual(t, len(o.Choices), 25)
		for _, choice := range o.Choices {
			assert.NotEmpty(t, choice.Name)
			assert.NotEmpty(t, choice.Value)
			assert.LessOrEqual(t, utf8.RuneCountInString(choice.Value), 100)
			total += len(choice.Name) + len(choice.Value)
		}
	}
	assert.LessOrEqual(t, total, 8000)
}

func checkTexts(t *testing.T, name, description string, others map[string]string) (size int) {
	assert.Regexp(t, discordName, name)
	assert.Equal(t, strings.ToLower(name), name)
	require.Len(t, others, 1)
	for _, text := range []string{description, others["zh-CN"]} {
		assert.NotEmpty(t, strings.TrimSpace(text))
		assert.LessOrEqual(t, utf8.RuneCountInString(text), 100)
		size = max(size, len(text))
	}
	return size + len(name)
}

func TestCommands(t *testing.T) {
	for _, global := range []bool{true, false} {
		all := Commands(global)
		var names, want []string
		for _, row := range commands.Table {
			want = append(want, row.Name)
		}
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
		newDiscord(t).check("/applications/{application_id}/commands", "put", body)
	}
}

func TestOptions(t *testing.T) {
	help := commands.Text{English: "an argument", Chinese: "参数"}
	var topics []Choice
	for _, row := range commands.Table {
		topics = append(topics, Choice{row.Name, row.Name})
	}
	for _, test := range []struct {
		name string
		in   commands.Arg
		want Option
	}{
		{"room", commands.Arg{Kind: commands.Room, Required: true}, Option{Type: 3, Required: true}},
		{"account", commands.Arg{Kind: commands.Account}, Option{Type: 3, MaxLength: 32}},
		{"duration", commands.Arg{Kind: commands.Duration}, Option{Type: 3}},
		{"one of", commands.Arg{Kind: commands.OneOf, Choices: []string{"off", "idle"}}, Option{Type: 3, Choices: []Choice{{"off", "off"}, {"idle", "idle"}}}},
		{"yes or no", commands.Arg{Kind: commands.YesNo}, Option{Type: 5}},
		{"words", commands.Arg{Kind: commands.Words}, Option{Type: 3, MaxLength: 500}},
		{"number", commands.Arg{Kind: commands.Number}, Option{Type: 4}},
		{"topic", commands.Arg{Kind: commands.Topic}, Option{Type: 3, Choices: topics}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.Name, test.in.Help = "x", help
			test.want.Name, test.want.Description, test.want.DescriptionLocalizations = "x", "an argument", map[string]string{"zh-CN": "参数"}
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
