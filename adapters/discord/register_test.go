package discord

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
			assert.Empty(t, drift)
		})
	}
}

func TestRegisterGoesOn(t *testing.T) {
	fake := newDiscord(t)
	fake.script = []http.HandlerFunc{problem(403, 50001)}
	log, _ := newLog(t)
	err := fake.client().Register(t.Context(), []string{"12", testGuild}, log)
	assert.EqualError(t, err, "register commands for server 12: GET /applications/{app}/guilds/{guild}/commands?with_localizations=true: HTTP 403, code 50001: "+
		"no access: invite the bot to this server with the scopes bot and applications.commands")
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
		{"a guild", nil, []http.HandlerFunc{nil, nil, nil, problem(404, 10004)}, "look at the commands for server " + testGuild},
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
		{"missing", nil, map[string][]map[string]any{"": list(t, true)[1:]}, []string{"For all servers: /mute is not registered."}},
		{"foreign", nil, map[string][]map[string]any{"": append(list(t, true), foreign())}, []string{"For all servers: weather is registered and not in the table."}},
		{"user command of the same name", nil, map[string][]map[string]any{"": append(list(t, true), map[string]any{"name": "mute", "type": float64(2)})},
			[]string{"For all servers: mute is registered and not in the table."}},
		{"description", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["description"] = "x" })},
			[]string{"For all servers: /mute is registered with other description."}},
		{"localization", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["description_localizations"] = map[string]any{"zh-CN": "x"} })},
			[]string{"For all servers: /mute is registered with other description_localizations."}},
		{"a name in another language", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["name_localizations"] = map[string]any{"zh-CN": "禁言"} })},
			[]string{"For all servers: /mute is registered with other name_localizations."}},
		{"permissions", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["default_member_permissions"] = "0" })},
			[]string{"For all servers: /mute is registered with other default_member_permissions."}},
		{"contexts", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { all[0]["contexts"] = []any{float64(0), float64(1)} })},
			[]string{"For all servers: /mute is registered with other contexts."}},
		{"an option", nil, map[string][]map[string]any{"": change(func(all []map[string]any) { option(all[0], 1)["autocomplete"] = true; all[0]["nsfw"] = true })},
			[]string{"For all servers: /mute is registered with other nsfw, options."}},
		{"the order of options", nil, map[string][]map[string]any{"": change(func(all []map[string]any) {
			o := all[0]["options"].([]any)
			o[0], o[1] = o[1], o[0]
		})}, []string{"For all servers: /mute is registered with other options."}},
		{"twice", []string{testGuild}, map[string][]map[string]any{"": list(t, true), testGuild: list(t, false)},
			[]string{"For all servers: commands are registered here as well, and shown twice."}},
		{"twice, the other way", nil, map[string][]map[string]any{"": list(t, true), testGuild: list(t, false)},
			[]string{"For server " + testGuild + ": commands are registered here as well, and shown twice."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := newDiscord(t)
			fake.lists, fake.guilds = test.lists, []string{testGuild}
			got, err := fake.client().Drift(t.Context(), test.guilds)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			for _, r := range fake.requests {
				assert.True(t, strings.HasPrefix(r, "GET "), r)
			}
		})
	}
}

func TestDriftTellsWhatItCouldNotSee(t *testing.T) {
	fake := newDiscord(t)
	fake.script = []http.HandlerFunc{problem(403, 50001)}
	got, err := fake.client().Drift(t.Context(), []string{"12"})
	assert.Empty(t, got)
	assert.ErrorContains(t, err, "look at the commands for server 12: ")
}
