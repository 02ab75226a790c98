package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

// A usedCommand is a command as Discord's clients know it.
type usedCommand struct {
	Name    string
	Options []usedOption
	raw     map[string]any
}

type usedOption struct {
	Name  string
	Names map[string]any `json:"name_localizations"`
	Type  int
}

// use has somebody use a command; where it is not registered, as though their client still had it.
func (c *discordChat) use(channel, who, name, said string) *discordtest.Delivery {
	command := c.registered(name)
	options, _ := command.filled(c.t, said)
	where := c.discord.Channel(channel)
	if where.Guild == c.discord.Guild {
		return c.discord.Command(who, channel, command.Name, options)
	}
	var given []map[string]any
	for _, o := range command.Options {
		if value, has := options[o.Name]; has {
			given = append(given, map[string]any{"name": o.Name, "type": o.Type, "value": value})
		}
	}
	return c.discord.Interact(who, where.ID, 2, map[string]any{"id": command.raw["id"], "name": command.Name, "type": 1, "options": given})
}

// filled reads "room:123 reason:spam, again", and which option the bar stands in.
func (u usedCommand) filled(t *testing.T, said string) (options map[string]any, focused string) {
	options = map[string]any{}
	type found struct {
		option   usedOption
		from, to int // of its name with the colon
	}
	var all []found
	for _, o := range u.Options {
		for _, name := range []any{o.Name, o.Names["zh-CN"]} {
			if at := strings.Index(" "+said, fmt.Sprintf(" %s:", name)); at >= 0 {
				all = append(all, found{o, at, at + len(fmt.Sprint(name)) + 1})
			}
		}
	}
	for _, f := range all {
		end := len(said)
		for _, other := range all {
			if other.from > f.from && other.from-1 < end {
				end = other.from - 1
			}
		}
		text := said[f.to:end]
		if strings.HasSuffix(text, "|") {
			focused = f.option.Name
		}
		var value any = text
		var err error
		switch f.option.Type {
		case 4:
			value, err = strconv.Atoi(text)
		case 5:
			value, err = strconv.ParseBool(text)
		}
		if focused == f.option.Name {
			value, err = text, nil
		}
		require.NoError(t, err)
		options[f.option.Name] = value
	}
	return options, focused
}

// registered is a command by its name, in either language.
func (c *discordChat) registered(name string) usedCommand {
	for _, raw := range append(c.discord.Registered(""), c.discord.Registered(c.discord.Guild)...) {
		names, _ := raw["name_localizations"].(map[string]any)
		if raw["name"] != name && names["zh-CN"] != name {
			continue
		}
		text, err := json.Marshal(raw)
		require.NoError(c.t, err)
		u := usedCommand{raw: raw}
		require.NoError(c.t, json.Unmarshal(text, &u))
		return u
	}
	c.t.Fatalf("there is no command %s", name)
	return usedCommand{}
}
