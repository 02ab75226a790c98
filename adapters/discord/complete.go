package discord

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

const (
	// completeTime is how long completion may take: people go on typing, and Discord does not wait longer than 3 s.
	completeTime = time.Second
	// maxCompleting bounds how many are gathered at once; beyond that nothing is offered, and everything can be typed.
	maxCompleting = 32
	// maxSuggestions is how many Discord shows.
	//
	// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-autocomplete
	maxSuggestions = 25
	maxChoice      = 100 // of a choice's name and value
)

// complete offers what fits while somebody types a command. It is the only answer, and there is always one: at worst nothing is offered.
func (a *Adapter) complete(ctx context.Context, i interaction) response {
	var c invoked
	if a.Guide == nil || json.Unmarshal(i.Data, &c) != nil {
		return suggested(nil)
	}
	at := slices.IndexFunc(commands.Table, func(row commands.Command) bool { return row.Name == c.Name })
	if at < 0 {
		return suggested(nil)
	}
	row := commands.Table[at]
	filled, focused, typed := map[string]string{}, commands.Arg{}, ""
	for _, o := range c.Options {
		value, err := o.text()
		n := slices.IndexFunc(row.Args, func(arg commands.Arg) bool { return arg.Name == o.Name })
		switch {
		case err != nil || n < 0:
		case o.Focused:
			focused, typed = row.Args[n], value
		default:
			filled[o.Name] = value
		}
	}
	if focused.Name == "" {
		return suggested(nil)
	}
	defer a.suggestions.Add(-1)
	if a.suggestions.Add(1) > maxCompleting {
		return suggested(nil)
	}
	ctx, cancel := context.WithDeadline(ctx, i.at.Add(completeTime))
	defer cancel()
	var found []commands.Suggestion
	a.guarded(func() { found = a.Guide.Suggest(ctx, i.subject(), row, focused.Name, typed, filled, i.Locale) })
	return suggested(offered(focused, found))
}

// offered are suggestions as Discord takes them: what does not fit is left out, since a value that is cut is another one.
func offered(arg commands.Arg, found []commands.Suggestion) []Choice {
	var all []Choice
	met := map[string]bool{}
	for _, s := range found {
		c := Choice{Name: cut(oneLine(s.Label), maxChoice, one), Value: s.Value}
		if option(arg).Type == discordgo.ApplicationCommandOptionInteger {
			n, err := strconv.ParseInt(s.Value, 10, 64)
			if err != nil {
				continue
			}
			c.Value = n
		}
		if len(all) < maxSuggestions && c.Name != "" && s.Value != "" && size(s.Value) <= maxChoice && !met[s.Value] {
			met[s.Value] = true
			all = append(all, c)
		}
	}
	return all
}
