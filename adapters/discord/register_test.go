package discord

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

const (
	globalList  = "/applications/1100000000000000001/commands"
	guildList   = "/applications/1100000000000000001/guilds/" + testGuild + "/commands"
	guildsOfBot = "GET /users/@me/guilds"
)

func list(t *testing.T, global bool) []map[string]any {
	t.Helper()
	all, err := asMaps(Commands(global))
	require.NoError(t, err)
	return all
}

func foreign() map[string]any {
	return map[string]any{"name": "weather", "type": float64(1), "description": "of today"}
}

func TestRegister(t *testing.T) {
	here := []string{testGuild}
	for _, test := range []struct {
		name     string
		guilds   []string
		bot      []string // the guilds it is in
		lists    map[string][]map[string]any
		requests []string
		want     map[string][]map[string]any
	}{
		{"first time, global", nil, nil, map[string][]map[string]any{},
			[]string{"GET " + globalList, "PUT " + globalList, guildsOfBot},
			map[string][]map[string]any{"": list(t, true)}},
		{"nothing to do, global", nil, here, map[string][]map[string]any{"": list(t, true), testGuild: {foreign()}},
			[]string{"GET " + globalList, guildsOfBot, "GET " + guildList},
			map[string][]map[string]any{"": list(t, true), testGuild: {foreign()}}},
		{"from guild to global", nil, here, map[string][]map[string]any{testGuild: list(t, false)},
			[]string{"GET " + globalList, "PUT " + globalList, guildsOfBot, "GET " + guildList, "PUT " + guildList},
			map[string][]map[string]any{"": list(t, true), testGuild: {}}},
		{"first time, a guild", here, nil, map[string][]map[string]any{},
			[]string{"GET " + guildList, "PUT " + guildList, "GET " + globalList},
			map[string][]map[string]any{testGuild: list(t, false)}},
		{"nothing to do, a guild", here, nil, map[string][]map[string]any{testGuild: list(t, false), "": {foreign()}},
			[]string{"GET " + guildList, "GET " + globalList},
			map[string][]map[string]any{testGuild: list(t, false), "": {foreign()}}},
		{"from global to guild", here, nil, map[string][]map[string]any{"": list(t, true)},
			[]string{"GET " + guildList, "PUT " + guildList, "GET " + globalList, "PUT " + globalList},
			map[string][]map[string]any{testGuild: list(t, false), "": {}}},
		{"a command too many", nil, nil, map[string][]map[string]any{"": append(list(t, true), foreign())},
			[]string{"GET " + globalList, "PUT " + globalList, guildsOfBot},
			map[string][]map[string]any{"": list(t, true)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := newDiscord(t)
			fake.lists, fake.guilds = test.lists, test.bot
			log, _ := newLog(t)
			require.NoError(t, fake.client().Register(t.Context(), test.guilds, log))
			assert.Equal(t, test.requests, fake.requests)
			assert.Equal(t, test.want, fake.lists)

			drift, err := fake.client().Drift(t.Context(), test.guilds)
			require.NoError(t, err)
			assert.Equal(t, Drift{}, drift)
		})
	}
}

func TestRegisterGoesOn(t *testing.T) {
	fake := newDiscord(t)
	fake.script = []http.HandlerFunc{problem(403, 50001)}
	log, _ := newLog(t)
	err := fake.client().Register(t.Context(), []string{"12", testGuild}, log)
	assert.EqualError(t, err, "register commands in server 12: GET /applications/{app}/guilds/{guild}/commands?with_localizations=true: HTTP 403, code 50001: "+
		"no access: invite it to this server with the scopes bot and applications.commands")
	assert.Equal(t, list(t, false), fake.lists[testGuild])
}

// Looking for commands left over fails: that stops nobody.
func TestRegisterWhereLeftoversCannotBeSeen(t *testing.T) {
	for _, test := range []struct {
		name   string
		guilds []string
		script []http.HandlerFunc
		logged string
	}{
		{"the bot's guilds", nil, []http.HandlerFunc{nil, nil, problem(403, 20001)}, "look for commands registered twice"},
		{"a guild it is not invited to for commands", nil, []http.HandlerFunc{nil, nil, nil, problem(403, 50001)}, ""},
		{"a guild", nil, []http.HandlerFunc{nil, nil, nil, problem(404, 10004)}, "look at the commands in server " + testGuild},
		{"overwrite", []string{testGuild}, []http.HandlerFunc{nil, nil, nil, problem(400, 50240)}, "commands are registered twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := newDiscord(t)
			fake.guilds, fake.script = []string{testGuild}, test.script
			if test.guilds != nil {
				fake.lists[""] = list(t, true)
			}
			log, book := newLog(t)
			require.NoError(t, fake.client().Register(t.Context(), test.guilds, log))
			if test.logged == "" {
				assert.NotContains(t, book.String(), "WARN")
			} else {
				assert.Contains(t, book.String(), test.logged)
			}
		})
	}
}

func TestDrift(t *testing.T) {
	change := func(f func(all []map[string]any)) []map[string]any {
		all := list(t, true)
		f(all)
		return all
	}
	option := func(c map[string]any, n int) map[string]any { return c["options"].([]any)[n].(map[string]any) }
	for _, test := range []struct {
		name   string
		guilds []string
		lists  map[string][]map[string]any
		want   []string
	}{
		{"as it should be", nil, map[string][]map[string]any{"": list(t, true)}, nil},
		{"missing", nil, map[string][]map[string]any{"": list(t, true)[1:]}, []string{"for all servers: /mute is not registered"}},
		{"none", nil, nil, []string{fmt.Sprintf("none of the %d commands is registered for all servers", len(Commands(true)))}},
		{"none, in guilds", []string{"12", testGuild}, map[string][]map[string]any{testGuild: {foreign()}}, []string{
			fmt.Sprintf("none of the %d commands is registered in server 12", len(Commands(true))),
			"in server " + testGuild + ": weather is registered and not in the table",
			fmt.Sprintf("none of the %d commands is registered in server %s", len(Commands(true)), testGuild),
		}},
		{"foreign", nil, map[string][]map[string]any{"": append(list(t, true), foreign())}, []string{"for all servers: weather is registered and not in the table"}},
		{"user command of the same name", nil, map[string][]map[string]any{"": append(list(t, true), map[string]any{"name": "mute", "type": float64(2)})},
			[]string{"for all servers: mute is registered and not in the table"}},
		{"the menu's command missing", nil, map[string][]map[string]any{"": list(t, true)[:len(commands.Table)]}, []string{`for all servers: the menu's "Mute in a room…" is not registered`}},
		{"description", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["description"] = "x" })},
			[]string{"for all servers: /mute is registered with other description"}},
		{"localization", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["description_localizations"] = map[string]any{"zh-CN": "x"} })},
			[]string{"for all servers: /mute is registered with other description_localizations"}},
		{"a name in another language", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["name_localizations"] = map[string]any{"zh-CN": "禁言人"} })},
			[]string{"for all servers: /mute is registered with other name_localizations"}},
		{"permissions", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["default_member_permissions"] = "0" })},
			[]string{"for all servers: /mute is registered with other default_member_permissions"}},
		{"contexts", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["contexts"] = []any{float64(0), float64(1)} })},
			[]string{"for all servers: /mute is registered with other contexts"}},
		{"an option", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { option(all[0], 1)["autocomplete"] = false; all[0]["nsfw"] = true })},
			[]string{"for all servers: /mute is registered with other nsfw, options"}},
		{"the order of options", nil, map[string][]map[string]any{"": change(func(all []map[string]any) {
			o := all[0]["options"].([]any)
			o[0], o[1] = o[1], o[0]
		})}, []string{"for all servers: /mute is registered with other options"}},
		{"twice", []string{testGuild}, map[string][]map[string]any{"": list(t, true), testGuild: list(t, false)},
			[]string{"commands are registered for all servers as well, and shown twice"}},
		{"twice, the other way", nil, map[string][]map[string]any{"": list(t, true), testGuild: list(t, false)},
			[]string{"commands are registered in server " + testGuild + " as well, and shown twice"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := newDiscord(t)
			fake.lists, fake.guilds = test.lists, []string{testGuild}
			got, err := fake.client().Drift(t.Context(), test.guilds)
			require.NoError(t, err)
			assert.Equal(t, Drift{Differences: test.want}, got)
			for _, r := range fake.requests {
				assert.True(t, strings.HasPrefix(r, "GET "), r)
			}
		})
	}
}

// What could not be looked at hides nothing of what could.
func TestDriftTellsWhatItCouldNotSee(t *testing.T) {
	const noAccess = "HTTP 403, code 50001: no access: invite it to this server with the scopes bot and applications.commands"
	const ofGuild, ofAll = "GET /applications/{app}/guilds/{guild}/commands?with_localizations=true: ", "GET /applications/{app}/commands?with_localizations=true: "
	missing := fmt.Sprintf("none of the %d commands is registered ", len(Commands(true)))
	for _, test := range []struct {
		name           string
		guilds         []string
		script         []http.HandlerFunc
		differences    []string
		notLooked, err string
	}{
		{"a guild of two", []string{"12", testGuild}, []http.HandlerFunc{problem(403, 50001)}, []string{missing + "in server " + testGuild},
			"", "look at the commands in server 12: " + ofGuild + noAccess},
		{"the bot's guilds", nil, []http.HandlerFunc{nil, problem(403, 20001)}, []string{missing + "for all servers"},
			"GET /users/@me/guilds?limit=25: HTTP 403, code 20001", ""},
		{"a guild of the bot", nil, []http.HandlerFunc{nil, nil, problem(404, 10004)}, []string{missing + "for all servers"},
			"look at the commands in server " + testGuild + ": " + ofGuild + "HTTP 404, code 10004", ""},
		{"the global list", []string{testGuild}, []http.HandlerFunc{nil, problem(500, 0), problem(500, 0)}, []string{missing + "in server " + testGuild},
			"look at the commands for all servers: " + ofAll + "HTTP 500", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newDiscord(t)
				fake.guilds, fake.script = []string{testGuild}, test.script
				got, err := fake.client().Drift(t.Context(), test.guilds)
				assert.Equal(t, test.differences, got.Differences)
				assert.Equal(t, test.notLooked, said(got.NotLooked))
				assert.Equal(t, test.err, said(err))
			})
		})
	}
}

// Somebody waits for Drift: it takes no longer than ctx leaves, and goes no further then.
func TestDriftEndsWithItsContext(t *testing.T) {
	for _, test := range []struct {
		name           string
		guilds         []string
		script         []http.HandlerFunc
		differences    []string
		notLooked, err string
	}{
		{"where the commands belong", []string{"12", testGuild}, []http.HandlerFunc{silent}, nil,
			"", "look at the commands in server 12: context deadline exceeded"},
		{"at the look for leftovers", nil, []http.HandlerFunc{nil, nil, silent}, []string{fmt.Sprintf("none of the %d commands is registered for all servers", len(Commands(true)))},
			"look at the commands in server 12: context deadline exceeded", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newDiscord(t)
				fake.guilds, fake.script = []string{"12", testGuild}, test.script
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
				defer cancel()
				began := time.Now()
				got, err := fake.client().Drift(ctx, test.guilds)
				assert.Equal(t, 8*time.Second, time.Since(began))
				assert.Equal(t, test.differences, got.Differences)
				assert.Equal(t, test.notLooked, said(got.NotLooked))
				assert.Equal(t, test.err, said(err))
				assert.Len(t, fake.requests, len(test.script))
			})
		})
	}
}

// said is an error's text; empty: none.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A stop while commands are registered: no more is asked, and nobody is warned.
func TestRegisterStops(t *testing.T) {
	for _, test := range []struct {
		name     string
		guilds   []string
		lists    map[string][]map[string]any
		after    int // requests
		requests []string
		err      string
	}{
		{"at the first guild", []string{"12", testGuild}, nil, 1, []string{"GET /applications/1100000000000000001/guilds/12/commands"},
			"register commands in server 12: context canceled"},
		{"when all is registered", nil, nil, 2, []string{"GET " + globalList, "PUT " + globalList}, "register commands for all servers: PUT /applications/{app}/commands: context canceled"},
		{"at the look for leftovers", nil, map[string][]map[string]any{"": list(t, true)}, 2, []string{"GET " + globalList, guildsOfBot}, ""},
		{"at the removal of leftovers", []string{testGuild}, map[string][]map[string]any{testGuild: list(t, false), "": list(t, true)}, 3,
			[]string{"GET " + guildList, "GET " + globalList, "PUT " + globalList}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := newDiscord(t)
			fake.lists, fake.guilds = maps.Clone(test.lists), []string{testGuild}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fake.script = append(make([]http.HandlerFunc, test.after-1), func(http.ResponseWriter, *http.Request) { cancel() })
			log, book := newLog(t)
			err := fake.client().Register(ctx, test.guilds, log)
			assert.Equal(t, test.err, said(err))
			assert.Equal(t, test.requests, fake.requests)
			assert.NotContains(t, book.String(), "WARN")
		})
	}
}
