package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// maxLookedAt bounds how many guilds are searched for commands left over from the time when they were registered by guild.
const maxLookedAt = 25

// A scope is where commands are registered: a guild, by its id, or all of Discord, when empty.
type scope string

func (s scope) String() string {
	if s == "" {
		return "all servers"
	}
	return "server " + string(s)
}

// scopes are where the commands belong.
func scopes(guilds []string) []scope {
	if len(guilds) == 0 {
		return []scope{""}
	}
	var all []scope
	for _, g := range guilds {
		all = append(all, scope(g))
	}
	return all
}

// Register makes the commands in the guilds, or in all of Discord when there are none, those of the table. It overwrites a list only
// where it differs: an overwrite keeps what administrators set for commands that stay, and only 200 new ones are allowed a day.
//
// A command that is registered in a guild and globally is shown twice. So the other side is looked at, too (the global list, or
// those of the first 25 guilds the bot is in), and emptied where it holds a command of ours. What goes wrong there is only logged.
//
// The error joins those of all guilds; one that fails does not stop the others.
//
// https://discord.com/developers/docs/interactions/application-commands#bulk-overwrite-global-application-commands
func (c *Client) Register(ctx context.Context, guilds []string, log *slog.Logger) error {
	var errs []error
	for _, s := range scopes(guilds) {
		if err := c.register(ctx, s, log); err != nil {
			errs = append(errs, fmt.Errorf("register commands for %s: %w", s, err))
		}
	}
	doubled, err := c.doubled(ctx, guilds)
	if err != nil {
		log.Warn("discord: look for commands registered twice", "error", err)
	}
	for _, s := range doubled {
		if err := c.overwrite(ctx, s, []Command{}); err != nil {
			log.Warn("discord: commands are registered twice", "also for", s.String(), "error", err)
		} else {
			log.Warn("discord: commands were registered twice; removed", "for", s.String())
		}
	}
	return errors.Join(errs...)
}

func (c *Client) register(ctx context.Context, s scope, log *slog.Logger) error {
	have, err := c.registered(ctx, s)
	if err != nil {
		return err
	}
	differ, err := differences(s, have)
	if err != nil || len(differ) == 0 {
		return err
	}
	if err := c.overwrite(ctx, s, Commands(s == "")); err != nil {
		return err
	}
	log.Info("discord: commands registered", "for", s.String(), "because", differ)
	return nil
}

// Drift tells, a sentence each, how what is registered differs from the table. The error tells what could not be looked at.
func (c *Client) Drift(ctx context.Context, guilds []string) ([]string, error) {
	var all []string
	var errs []error
	for _, s := range scopes(guilds) {
		have, err := c.registered(ctx, s)
		if err == nil {
			var differ []string
			differ, err = differences(s, have)
			all = append(all, differ...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("look at the commands for %s: %w", s, err))
		}
	}
	doubled, err := c.doubled(ctx, guilds)
	for _, s := range doubled {
		all = append(all, fmt.Sprintf("For %s: commands are registered here as well, and shown twice.", s))
	}
	return all, errors.Join(append(errs, err)...)
}

// doubled is the scopes where the commands do not belong and are.
func (c *Client) doubled(ctx context.Context, guilds []string) ([]scope, error) {
	others := []scope{""}
	if len(guilds) == 0 {
		var in []struct {
			ID string `json:"id"`
		}
		err := c.do(ctx, call{method: http.MethodGet, route: fmt.Sprintf("/users/@me/guilds?limit=%d", maxLookedAt), bot: true, repeatable: true, into: &in})
		if err != nil {
			return nil, err
		}
		others = nil
		for _, g := range in {
			others = append(others, scope(g.ID))
		}
	}
	var found []scope
	var errs []error
	for _, s := range others {
		have, err := c.registered(ctx, s)
		if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusForbidden {
			continue // not invited for commands: none of ours are there
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("look at the commands for %s: %w", s, err))
		}
		if slices.ContainsFunc(have, isOurs) {
			found = append(found, s)
		}
	}
	return found, errors.Join(errs...)
}

// isOurs tells of a command that has a name from the table.
func isOurs(registered map[string]any) bool {
	return slices.ContainsFunc(commands.Table, func(row commands.Command) bool { return row.Name == registered["name"] })
}

func (s scope) route() (route string, guild []string) {
	if s == "" {
		return "/applications/{app}/commands", nil
	}
	return "/applications/{app}/guilds/{guild}/commands", []string{string(s)}
}

// registered is what Discord has, in its own words.
func (c *Client) registered(ctx context.Context, s scope) ([]map[string]any, error) {
	route, guild := s.route()
	var have []map[string]any
	err := c.do(ctx, call{
		method: http.MethodGet, route: route + "?with_localizations=true", places: append([]string{c.ApplicationID}, guild...),
		bot: true, repeatable: true, into: &have,
	})
	return have, err
}

func (c *Client) overwrite(ctx context.Context, s scope, all []Command) error {
	route, guild := s.route()
	return c.do(ctx, call{method: http.MethodPut, route: route, places: append([]string{c.ApplicationID}, guild...), bot: true, body: all})
}

// differences tells how what a scope has differs from the table, a sentence each.
func differences(s scope, have []map[string]any) ([]string, error) {
	want, err := asMaps(Commands(s == ""))
	if err != nil {
		return nil, err
	}
	registered := map[any]any{}
	var all []string
	for _, c := range have {
		c = bare(c, s)
		name := c["name"]
		if !isOurs(c) || c["type"] != float64(discordgo.ChatApplicationCommand) {
			all = append(all, fmt.Sprintf("For %s: %v is registered and not in the table.", s, name))
			continue
		}
		registered[name] = c
	}
	for _, w := range want {
		w = bare(w, s)
		switch has, ok := registered[w["name"]].(map[string]any); {
		case !ok:
			all = append(all, fmt.Sprintf("For %s: /%v is not registered.", s, w["name"]))
		case !reflect.DeepEqual(has, w):
			all = append(all, fmt.Sprintf("For %s: /%v is registered with other %s.", s, w["name"], strings.Join(unequal(has, w), ", ")))
		}
	}
	return all, nil
}

// unequal is the keys whose values differ.
func unequal(x, y map[string]any) []string {
	all := maps.Clone(x)
	maps.Copy(all, y)
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(x[k], y[k]) {
			keys = append(keys, k)
		}
	}
	return keys
}

func asMaps(all []Command) ([]map[string]any, error) {
	body, err := encode(all)
	if err != nil {
		return nil, err
	}
	var m []map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("decode commands: %w", err)
	}
	return m, nil
}

// bare is a command without what Discord adds, and without what a guild's command does not have. Null, empty and absent are
// the same to Discord.
func bare(c map[string]any, s scope) map[string]any {
	c, _ = essential(c).(map[string]any)
	if c == nil {
		c = map[string]any{}
	}
	if c["type"] == nil {
		c["type"] = float64(discordgo.ChatApplicationCommand)
	}
	if s != "" {
		delete(c, "contexts")
		delete(c, "integration_types")
	}
	return c
}

// essential is a value without what is empty and what nobody can set; nil when nothing is left.
func essential(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, value := range v {
			switch {
			case strings.HasSuffix(key, "_localizations"):
				if byLocale, ok := value.(map[string]any); ok && len(byLocale) > 0 {
					kept[key] = byLocale
				}
			case settable(key):
				if value = essential(value); value != nil {
					kept[key] = value
				}
			}
		}
		return kept
	case []any:
		var kept []any
		for _, value := range v {
			kept = append(kept, essential(value))
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case bool:
		if !v {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// settable tells of the keys of a command, an option or a choice that whoever registers it may set, localizations aside.
func settable(key string) bool {
	switch key {
	case "type", "name", "description", "options", "default_member_permissions", "contexts", "integration_types", "nsfw",
		"required", "choices", "value", "channel_types", "min_value", "max_value", "min_length", "max_length", "autocomplete":
		return true
	}
	return false
}
