package discord

import (
	"cmp"
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
)

// maxLookedAt bounds how many guilds are searched for commands left over from the time when they were registered by guild.
const maxLookedAt = 25

// A scope is where commands are registered: a guild, by its id, or all of Discord, when empty.
type scope string

func (s scope) String() string {
	if s == "" {
		return "for all servers"
	}
	return "in server " + string(s)
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
// those of the first 25 guilds the bot is in), and where it holds a command of ours the whole list is emptied, commands of others
// included: an application belongs to one bot. What goes wrong there is only logged. A guild that was taken out of guilds while others stay
// keeps its commands; the adapter answers them with a refusal.
//
// The error joins those of all guilds; one that fails does not stop the others. When ctx ends, nothing more is looked at.
//
// https://discord.com/developers/docs/interactions/application-commands#bulk-overwrite-global-application-commands
func (c *Client) Register(ctx context.Context, guilds []string, log *slog.Logger) error {
	var errs []error
	for _, s := range scopes(guilds) {
		if err := c.register(ctx, s, log); err != nil {
			errs = append(errs, fmt.Errorf("register commands %s: %w", s, err))
		}
		if ctx.Err() != nil {
			return cmp.Or(errors.Join(errs...), ctx.Err())
		}
	}
	c.undouble(ctx, guilds, log)
	return errors.Join(errs...)
}

// undouble empties the lists where the commands do not belong and are.
func (c *Client) undouble(ctx context.Context, guilds []string, log *slog.Logger) {
	doubled, err := c.doubled(ctx, guilds)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		log.Warn("discord: look for commands registered twice", "error", err)
	}
	for _, s := range doubled {
		err := c.overwrite(ctx, s, []Command{})
		switch {
		case err == nil:
			log.Warn("discord: commands were registered twice; removed", "where", s.String())
		case ctx.Err() != nil:
			return
		default:
			log.Warn("discord: commands are registered twice", "also", s.String(), "error", err)
		}
	}
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
	log.Info("discord: commands registered", "where", s.String(), "because", differ)
	return nil
}

// Drift is how what is registered differs from the table.
type Drift struct {
	Differences []string // a sentence each, without a full stop
	NotLooked   error    // where commands may be registered a second time and it could not be told; Differences lacks that alone
}

// Drift looks and changes nothing, for somebody who waits: it tries everything twice at most, and within what ctx leaves. The error
// tells where the commands belong and could not be looked at; Differences then holds those of the other guilds.
func (c *Client) Drift(ctx context.Context, guilds []string) (Drift, error) {
	c = c.briefly()
	var d Drift
	var errs []error
	for _, s := range scopes(guilds) {
		have, err := c.registered(ctx, s)
		if err == nil {
			var differ []string
			differ, err = differences(s, have)
			d.Differences = append(d.Differences, differ...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("look at the commands %s: %w", s, err))
		}
		if ctx.Err() != nil {
			return d, cmp.Or(errors.Join(errs...), ctx.Err())
		}
	}
	doubled, err := c.doubled(ctx, guilds)
	for _, s := range doubled {
		d.Differences = append(d.Differences, fmt.Sprintf("commands are registered %s as well, and shown twice", s))
	}
	d.NotLooked = err
	return d, errors.Join(errs...)
}

// doubled is the scopes where the commands do not belong and are.
func (c *Client) doubled(ctx context.Context, guilds []string) ([]scope, error) {
	others := []scope{""}
	if len(guilds) == 0 {
		in, err := c.guilds(ctx, maxLookedAt)
		if err != nil {
			return nil, err
		}
		others = nil
		for _, id := range in {
			others = append(others, scope(id))
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
			errs = append(errs, fmt.Errorf("look at the commands %s: %w", s, err))
		}
		if ctx.Err() != nil {
			break
		}
		if slices.ContainsFunc(have, isOurs) {
			found = append(found, s)
		}
	}
	return found, errors.Join(errs...)
}

// isOurs tells of a command that has a name from the table, in its kind.
func isOurs(registered map[string]any) bool {
	return slices.ContainsFunc(Commands(false), func(c Command) bool {
		return c.Name == registered["name"] && (registered["type"] == nil || registered["type"] == float64(c.Type))
	})
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
		if !isOurs(c) {
			all = append(all, fmt.Sprintf("%s: %v is registered and not in the table", s, name))
			continue
		}
		registered[name] = c
	}
	if len(registered) == 0 {
		return append(all, fmt.Sprintf("none of the %d commands is registered %s", len(want), s)), nil
	}
	for _, w := range want {
		w = bare(w, s)
		switch has, ok := registered[w["name"]].(map[string]any); {
		case !ok:
			all = append(all, fmt.Sprintf("%s: %s is not registered", s, called(w)))
		case !reflect.DeepEqual(has, w):
			all = append(all, fmt.Sprintf("%s: %s is registered with other %s", s, called(w), strings.Join(unequal(has, w), ", ")))
		}
	}
	return all, nil
}

// called is a command as people know it.
func called(c map[string]any) string {
	if c["type"] == float64(discordgo.ChatApplicationCommand) {
		return fmt.Sprintf("/%v", c["name"])
	}
	return fmt.Sprintf("the menu's %q", c["name"])
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
