package discord

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// An interaction is what Discord sends, as far as we read it. Data has a form of its own for each type.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object
type interaction struct {
	ID            string                    `json:"id"`
	ApplicationID string                    `json:"application_id"`
	Type          discordgo.InteractionType `json:"type"`
	Token         string                    `json:"token"`
	GuildID       string                    `json:"guild_id"`
	ChannelID     string                    `json:"channel_id"`
	Locale        string                    `json:"locale"`
	Data          json.RawMessage           `json:"data"`
	Member        *struct {                 // in guilds only
		User  user     `json:"user"`
		Roles []string `json:"roles"`
	} `json:"member"`
}

type user struct {
	ID         string `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
}

// invoked is the data of an application command.
type invoked struct {
	Name    string                           `json:"name"`
	Type    discordgo.ApplicationCommandType `json:"type"`
	Options []given                          `json:"options"`
}

// A given option: its value is a string, a number or a boolean.
type given struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

var (
	errIncomplete = errors.New("id, application_id, token or the user's id is missing")
	errName       = errors.New("a name of a command or an option that Discord does not allow")
	errValue      = errors.New("an option's value is neither text nor number nor boolean")
)

// request translates a verified command that was typed in a guild.
func (i interaction) request(c invoked, at time.Time) (commands.Request, error) {
	line, err := c.line()
	if err != nil {
		return commands.Request{}, err
	}
	who := i.Member.User
	if i.ID == "" || i.ApplicationID == "" || i.Token == "" || who.ID == "" {
		return commands.Request{}, errIncomplete
	}
	return commands.Request{
		Key: "discord:" + i.ID,
		Who: permissions.Subject{
			Platform: permissions.Discord,
			Space:    i.GuildID,
			User:     who.ID,
			Name:     cmp.Or(who.GlobalName, who.Username),
			Groups:   i.Member.Roles,
		},
		Where:   i.ChannelID,
		Line:    line,
		Locale:  i.Locale,
		At:      at,
		ReplyTo: commands.ReplyTo(i.ApplicationID + "/" + i.Token),
		ReplyBy: at.Add(lateTime),
	}, nil
}

// Names of commands and options.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming
var allowedName = regexp.MustCompile(`^[-_'\p{L}\p{M}\p{N}]{1,32}$`)

// line is the command as it would be typed: every option by its name, in the row's order, in quotes where needed. Options the row
// does not have follow, for the grammar to answer.
func (c invoked) line() (string, error) {
	if !allowedName.MatchString(c.Name) {
		return "", errName
	}
	rank := map[string]int{}
	for _, row := range commands.Table {
		if row.Name == c.Name {
			for n, arg := range row.Args {
				rank[arg.Name] = n - len(row.Args)
			}
		}
	}
	options := slices.Clone(c.Options)
	slices.SortStableFunc(options, func(x, y given) int { return cmp.Compare(rank[x.Name], rank[y.Name]) })
	line := c.Name
	for _, o := range options {
		value, err := o.text()
		if err != nil {
			return "", err
		}
		line += " " + o.Name + "=" + commands.Quote(value)
	}
	return line, nil
}

// text is an option's value as people write it.
func (o given) text() (string, error) {
	if !allowedName.MatchString(o.Name) {
		return "", errName
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(o.Value))
	d.UseNumber()
	if len(o.Value) > 0 && d.Decode(&value) != nil {
		return "", errValue
	}
	switch v := value.(type) {
	case nil:
		return "", nil
	case bool:
		if v {
			return "yes", nil
		}
		return "no", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	default:
		return "", errValue
	}
}
