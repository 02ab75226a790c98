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
	Message *struct { // that a pressed button sits on, or from which a form was opened
		Flags discordgo.MessageFlags `json:"flags"`
	} `json:"message"`

	at  time.Time // when it was received
	due time.Time // until when its first answer waits for the outcome
}

// address is where an interaction is answered: the application and the token.
func (i interaction) address() string { return i.ApplicationID + "/" + i.Token }

type user struct {
	ID         string `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
}

// name is what people know them by.
func (u user) name() string { return cmp.Or(u.GlobalName, u.Username) }

// invoked is the data of an application command, complete or being typed.
type invoked struct {
	Name     string                           `json:"name"`
	Type     discordgo.ApplicationCommandType `json:"type"`
	Options  []given                          `json:"options"`
	TargetID string                           `json:"target_id"` // of a menu's command: on whom it was chosen
	Resolved struct {
		Users map[string]user `json:"users"`
	} `json:"resolved"`
}

// A given option: its value is a string, a number or a boolean; while it is being typed, whatever there is of it.
type given struct {
	Name    string          `json:"name"`
	Value   json.RawMessage `json:"value"`
	Focused bool            `json:"focused"`
}

var (
	errIncomplete = errors.New("id, application_id, token or the user's id is missing")
	errName       = errors.New("a name of a command or an option that Discord does not allow")
	errValue      = errors.New("an option's value is neither text nor number nor boolean")
)

// subject is who did it.
func (i interaction) subject() permissions.Subject {
	who := i.Member.User
	return permissions.Subject{
		Platform: permissions.Discord,
		Space:    i.GuildID,
		User:     who.ID,
		Name:     who.name(),
		Groups:   i.Member.Roles,
	}
}

// request translates what somebody in a guild did into the line that they might have typed instead.
func (i interaction) request(line string) (commands.Request, error) {
	if i.ID == "" || i.ApplicationID == "" || i.Token == "" || i.Member.User.ID == "" {
		return commands.Request{}, errIncomplete
	}
	return commands.Request{
		Key:     "discord:" + i.ID,
		Who:     i.subject(),
		Where:   i.ChannelID,
		Line:    line,
		Locale:  i.Locale,
		At:      i.at,
		ReplyTo: commands.ReplyTo(i.address()),
		ReplyBy: i.at.Add(lateTime),
	}, nil
}

// maxName is the length of a command's name, of an option's and of a menu's.
const maxName = 32

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
