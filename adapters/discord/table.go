package discord

import (
	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// Limits of a registered command.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object
const (
	maxDescription = 100 // characters
	maxAccount     = 32  // characters of an account: NetEase's limit. A courtesy, as the next: the grammar decides
	maxWords       = 500 // characters of free text
)

// A Command is an application command as it is registered.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-structure
type Command struct {
	Type                     discordgo.ApplicationCommandType `json:"type"`
	Name                     string                           `json:"name"`
	Description              string                           `json:"description"`
	DescriptionLocalizations map[string]string                `json:"description_localizations,omitempty"` // by locale
	Options                  []Option                         `json:"options,omitempty"`
	Contexts                 []int                            `json:"contexts,omitempty"`          // where it may be used; global commands only
	IntegrationTypes         []int                            `json:"integration_types,omitempty"` // for whom the app is installed; global commands only
}

// An Option is an argument of a command.
type Option struct {
	Type                     discordgo.ApplicationCommandOptionType `json:"type"`
	Name                     string                                 `json:"name"`
	Description              string                                 `json:"description"`
	DescriptionLocalizations map[string]string                      `json:"description_localizations,omitempty"`
	Required                 bool                                   `json:"required,omitempty"`
	Choices                  []Choice                               `json:"choices,omitempty"` // the only values there are
	MaxLength                int                                    `json:"max_length,omitempty"`
}

// A Choice is one of an option's values.
type Choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Commands is commands.Table as Discord wants it: for guilds, or for all of Discord. Global ones are offered in guilds alone, where the
// app was added to the guild. Names stay as they are in every language; descriptions are in English and Chinese. Nothing is said
// of member permissions: the policy decides, and a guild's administrators may narrow what their people are offered.
func Commands(global bool) []Command {
	var all []Command
	for _, row := range commands.Table {
		c := Command{Type: discordgo.ChatApplicationCommand, Name: row.Name}
		c.Description, c.DescriptionLocalizations = described(row.Help)
		if global {
			c.Contexts, c.IntegrationTypes = []int{0}, []int{0} // guild; guild install
		}
		for _, arg := range row.Args {
			c.Options = append(c.Options, option(arg))
		}
		all = append(all, c)
	}
	return all
}

func option(arg commands.Arg) Option {
	o := Option{Type: discordgo.ApplicationCommandOptionString, Name: arg.Name, Required: arg.Required}
	o.Description, o.DescriptionLocalizations = described(arg.Help)
	switch arg.Kind {
	case commands.YesNo:
		o.Type = discordgo.ApplicationCommandOptionBoolean
	case commands.Number:
		o.Type = discordgo.ApplicationCommandOptionInteger
	case commands.Account:
		o.MaxLength = maxAccount
	case commands.Words:
		o.MaxLength = maxWords
	case commands.OneOf:
		for _, c := range arg.Choices {
			o.Choices = append(o.Choices, Choice{Name: c, Value: c})
		}
	case commands.Topic:
		for _, row := range commands.Table {
			o.Choices = append(o.Choices, Choice{Name: row.Name, Value: row.Name})
		}
	}
	return o
}

// described is a text in the default language and in the others.
func described(t commands.Text) (string, map[string]string) {
	return short(t.English, maxDescription), map[string]string{string(discordgo.ChineseCN): short(t.Chinese, maxDescription)}
}

// short is s in at most so many characters, and shows when it was cut.
func short(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
