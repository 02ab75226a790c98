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
	maxAccount     = 32  // characters of an account: NetEase's limit. A courtesy, as the next ones: the grammar decides
	maxRoomName    = 100 // characters of a room's id or name
	maxLength      = 64  // characters of a length of time
	maxWords       = 500 // characters of free text
)

// A Command is an application command as it is registered.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-structure
type Command struct {
	Type                     discordgo.ApplicationCommandType `json:"type"`
	Name                     string                           `json:"name"`
	NameLocalizations        map[string]string                `json:"name_localizations,omitempty"` // by locale
	Description              string                           `json:"description,omitempty"`        // a menu's command has none
	DescriptionLocalizations map[string]string                `json:"description_localizations,omitempty"`
	Options                  []Option                         `json:"options,omitempty"`
	Contexts                 []int                            `json:"contexts,omitempty"`          // where it may be used; global commands only
	IntegrationTypes         []int                            `json:"integration_types,omitempty"` // for whom the app is installed; global commands only
}

// An Option is an argument of a command.
type Option struct {
	Type                     discordgo.ApplicationCommandOptionType `json:"type"`
	Name                     string                                 `json:"name"`
	NameLocalizations        map[string]string                      `json:"name_localizations,omitempty"`
	Description              string                                 `json:"description"`
	DescriptionLocalizations map[string]string                      `json:"description_localizations,omitempty"`
	Required                 bool                                   `json:"required,omitempty"`
	Choices                  []Choice                               `json:"choices,omitempty"` // the only values there are
	Autocomplete             bool                                   `json:"autocomplete,omitempty"`
	MinLength                int                                    `json:"min_length,omitempty"`
	MaxLength                int                                    `json:"max_length,omitempty"`
	MinValue                 int64                                  `json:"min_value,omitempty"`
	MaxValue                 int64                                  `json:"max_value,omitempty"`
}

// A Choice is one of an option's values.
type Choice struct {
	Name              string            `json:"name"`
	NameLocalizations map[string]string `json:"name_localizations,omitempty"`
	Value             any               `json:"value"` // a string or an int64, as the option wants it
}

// The command in the menu of a person, and what it opens the form of.
var menuName = commands.Text{English: "Mute in a room…", Chinese: "在聊天室禁言…"}

const menuCommand = "mute"

// Commands is commands.Table as Discord wants it, and the command in people's menus: for guilds, or for all of Discord. Global ones are offered in guilds
// alone, where the app was added to the guild. Names and descriptions are shown in English and Chinese; what comes back has the English names. Nothing is said
// of member permissions: the policy decides, and a guild's administrators may narrow what their people are offered.
func Commands(global bool) []Command {
	var all []Command
	for _, row := range commands.Table {
		c := Command{Type: discordgo.ChatApplicationCommand, Name: row.Name, NameLocalizations: inChinese(row.Chinese)}
		c.Description, c.DescriptionLocalizations = described(row.Help)
		for _, arg := range row.Args {
			c.Options = append(c.Options, option(arg))
		}
		all = append(all, c)
	}
	all = append(all, Command{Type: discordgo.UserApplicationCommand, Name: menuName.English, NameLocalizations: inChinese(menuName.Chinese)})
	for i := range all {
		if global {
			all[i].Contexts, all[i].IntegrationTypes = []int{0}, []int{0} // guild; guild install
		}
	}
	return all
}

// maxInteger is the largest number that Discord's clients take.
const maxInteger = 1<<53 - 1

func option(arg commands.Arg) Option {
	o := Option{Type: discordgo.ApplicationCommandOptionString, Name: arg.Name, NameLocalizations: inChinese(arg.Chinese), Required: arg.Required}
	o.Description, o.DescriptionLocalizations = described(arg.Help)
	switch arg.Kind {
	case commands.YesNo:
		o.Type = discordgo.ApplicationCommandOptionBoolean
	case commands.Number:
		o.Type, o.MinValue, o.MaxValue = discordgo.ApplicationCommandOptionInteger, 1, maxInteger
		o.Autocomplete = arg.Name == "number" || arg.Name == "code"
	case commands.Room:
		o.Autocomplete, o.MaxLength = true, maxRoomName
	case commands.Account:
		o.Autocomplete, o.MaxLength = true, maxAccount
	case commands.Duration:
		o.Autocomplete, o.MaxLength = true, maxLength
	case commands.Words:
		o.Autocomplete, o.MaxLength = arg.Name == "by", maxWords
	case commands.OneOf:
		for i, value := range arg.Choices {
			c := Choice{Name: value, Value: value}
			if i < len(arg.Labels) {
				c.Name = value + ": " + arg.Labels[i].English
				c.NameLocalizations = inChinese(value + "：" + arg.Labels[i].Chinese)
			}
			o.Choices = append(o.Choices, c)
		}
	case commands.Topic:
		for _, row := range commands.Table {
			o.Choices = append(o.Choices, Choice{Name: row.Name, NameLocalizations: inChinese(row.Chinese + " (" + row.Name + ")"), Value: row.Name})
		}
	}
	return o
}

func inChinese(name string) map[string]string {
	return map[string]string{string(discordgo.ChineseCN): name}
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
