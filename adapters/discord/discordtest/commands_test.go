package discordtest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

func with(o obj, key string, v any) obj {
	c := obj{key: v}
	for k, old := range o {
		if k != key {
			c[k] = old
		}
	}
	return c
}

func TestCommandRules(t *testing.T) {
	plain := obj{"name": "mute", "description": "x"}
	text := obj{"type": 3, "name": "room", "description": "x"}
	options := func(all ...any) obj { return with(plain, "options", all) }
	sub := func(options ...any) obj {
		return obj{"type": 1, "name": "list", "description": "x", "options": options}
	}
	var choices []any
	for n := range 26 {
		choices = append(choices, obj{"name": fmt.Sprint(n), "value": "x"})
	}
	long := strings.Repeat("世", 100)
	many := []any{}
	for n := range 25 {
		o := with(with(text, "name", fmt.Sprint("o", n)), "description", long)
		many = append(many, with(o, "choices", []any{obj{"name": long, "value": long}, obj{"name": "x", "value": long}}))
	}
	for _, row := range []struct {
		name    string
		command obj
		want    string // of the only problem; empty: none
	}{
		{"plain", plain, ""},
		{"Chinese", with(plain, "name", "禁言"), ""},
		{"capitals", with(plain, "name", "Mute"), "name"},
		{"a space", with(plain, "name", "mute him"), "name"},
		{"too long", with(plain, "name", strings.Repeat("x", 33)), "name"},
		{"no description", obj{"name": "mute"}, "description"},
		{"description", with(plain, "description", long+"x"), "description"},
		{"localized", with(plain, "name_localizations", obj{"zh-CN": "禁言"}), ""},
		{"localized wrongly", with(plain, "name_localizations", obj{"zh-CN": "禁 言"}), "name_localizations"},
		{"unknown locale", with(plain, "name_localizations", obj{"zh": "禁言"}), "unknown"},
		{"for users", obj{"type": 2, "name": "Who is"}, ""},
		{"for users, described", obj{"type": 2, "name": "Who is", "description": "x"}, "no slash command"},
		{"unknown key", with(plain, "descripton", "x"), "unknown key"},
		{"options", options(text), ""},
		{"option without description", options(obj{"type": 3, "name": "room"}), "description"},
		{"required after optional", options(text, with(with(text, "name", "who"), "required", true)), "after an optional"},
		{"doubled option", options(text, text), "twice"},
		{"choices and autocomplete", options(with(with(text, "choices", choices[:1]), "autocomplete", true)), "choices and autocomplete"},
		{"too many choices", options(with(text, "choices", choices)), "26 choices"},
		{"doubled choice", options(with(text, "choices", []any{choices[0], choices[0]})), "twice"},
		{"choice of another type", options(with(text, "choices", []any{obj{"name": "x", "value": 1}})), "does not fit"},
		{"choices of a boolean", options(with(with(text, "type", 5), "choices", choices[:1])), "choices or autocomplete"},
		{"lengths", options(with(with(text, "min_length", 5), "max_length", 4)), "least"},
		{"length of a number", options(with(with(text, "type", 4), "max_length", 4)), "length"},
		{"max_length", options(with(text, "max_length", 6001)), "6001"},
		{"sub-command", options(sub(text)), ""},
		{"sub-command beside an option", options(sub(), text), "beside"},
		{"sub-command in a sub-command", options(sub(sub())), "sub-command"},
		{"an empty group", options(obj{"type": 2, "name": "list", "description": "x"}), "without sub-commands"},
		{"8000 characters", options(many...), "8000"},
	} {
		t.Run(row.name, func(t *testing.T) {
			problems := discordtest.CheckCommands(clone(t, []any{row.command}), false)
			if row.want == "" {
				assert.Empty(t, problems)
				return
			}
			require.NotEmpty(t, problems)
			assert.Contains(t, problems[0], row.want)
			s := discordtest.New(t, discordtest.Options{})
			s.Forgive()
			r := call(t, s, "PUT", "/applications/"+s.ApplicationID+"/commands", []any{row.command})
			assert.Equal(t, 50035, r.code)
			assert.NotEmpty(t, r.body["errors"])
			assert.NotEmpty(t, s.Complaints())
			assert.Empty(t, s.Registered(""))
		})
	}
	assert.Len(t, discordtest.CheckCommands(clone(t, []any{plain, plain}), false), 1)
	assert.Empty(t, discordtest.CheckCommands(clone(t, []any{plain, with(plain, "type", 2)}), false)[1:])
	assert.Len(t, discordtest.CheckCommands(clone(t, []any{with(plain, "contexts", []any{0})}), true), 1)
}

func clone[T any](t *testing.T, v T) (c T) {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &c))
	return c
}

func TestRegistering(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	global, guild := "/applications/"+s.ApplicationID+"/commands", "/applications/"+s.ApplicationID+"/guilds/"+s.Guild+"/commands"
	get := func(path string) (all []obj) {
		require.NoError(t, json.Unmarshal([]byte(call(t, s, "GET", path, nil).text), &all))
		return all
	}
	localized := with(with(mute, "name_localizations", obj{"zh-CN": "禁言"}), "contexts", []any{0})
	assert.Equal(t, 200, call(t, s, "PUT", global, []any{localized, whois}).status)
	all := get(global + "?with_localizations=true")
	require.Len(t, all, 2)
	got := all[1]
	assert.Equal(t, "mute", got["name"])
	assert.Equal(t, obj{"zh-CN": "禁言"}, got["name_localizations"])
	assert.Equal(t, s.ApplicationID, got["application_id"])
	assert.Equal(t, "0", got["default_member_permissions"])
	assert.Equal(t, []any{0.0}, got["contexts"])
	assert.Equal(t, false, got["options"].([]any)[4].(obj)["required"])
	assert.NotContains(t, get(global)[1], "name_localizations")
	assert.Equal(t, got, s.Registered("")[0])

	// What stays keeps its id; another guild is another list.
	call(t, s, "PUT", global, []any{with(mute, "description", "Silence somebody")})
	again := s.Registered("")
	require.Len(t, again, 1)
	assert.Equal(t, got["id"], again[0]["id"])
	assert.NotEqual(t, got["version"], again[0]["version"])
	assert.Empty(t, get(guild))
	assert.Equal(t, 200, call(t, s, "PUT", guild, []any{mute}).status)
	assert.Equal(t, s.Guild, get(guild)[0]["guild_id"])
	assert.Equal(t, 200, call(t, s, "PUT", guild, []any{}).status)
	assert.Equal(t, 50001, call(t, s, "GET", "/applications/"+s.ApplicationID+"/guilds/1/commands", nil).code)

	s.Forgive()
	many := func(n int, prefix string) (all []any) {
		for i := range n {
			all = append(all, with(whois, "name", fmt.Sprint(prefix, i)))
			all[i].(obj)["type"], all[i].(obj)["description"] = 1, "x"
		}
		return all
	}
	assert.Equal(t, 30032, call(t, s, "PUT", global, many(101, "a")).code)
	assert.Equal(t, 200, call(t, s, "PUT", global, many(100, "a")).status)
	assert.Equal(t, 200, call(t, s, "PUT", global, many(98, "b")).status)
	assert.Equal(t, 30034, call(t, s, "PUT", global, many(10, "c")).code)
	assert.Equal(t, 200, call(t, s, "PUT", global, many(98, "b")).status, "none of them is new")
	s.Later(24 * time.Hour)
	assert.Equal(t, 200, call(t, s, "PUT", global, many(10, "c")).status)
}

// A teller takes what would fail the test.
type teller struct {
	testing.TB
	failed chan string
}

func (f *teller) Helper() {}

func (f *teller) Fatalf(format string, args ...any) {
	f.failed <- fmt.Sprintf(format, args...)
	panic(f)
}

// fails runs what must fail the test of s.
func fails(t *testing.T, f *teller, do func()) (why string) {
	t.Helper()
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(f) {
				panic(p)
			}
		}()
		do()
	}()
	select {
	case why = <-f.failed:
	default:
		t.Error("it did not fail")
	}
	return why
}

func TestWhatTheClientDoesNotSend(t *testing.T) {
	f := &teller{t, make(chan string, 1)}
	s := discordtest.New(f, discordtest.Options{})
	s.Register(t, "", []any{with(mute, "contexts", []any{0}), whois, rooms})
	other := s.AddGuild(discordtest.Guild{Name: "Other"})
	s.Register(t, other.ID, []any{obj{"name": "here", "description": "x"}})
	do := func(name string, options obj) func() {
		return func() { s.Command("lisi", "moderation", name, options) }
	}
	for _, row := range []struct {
		want string
		do   func()
	}{
		{"/ban is not registered", do("ban", nil)},
		{"/here is not registered", do("here", nil)},
		{"room is missing", do("mute", nil)},
		{"no option who", do("mute", with(args(), "who", "x"))},
		{"not a string", do("mute", with(args(), "room", 1))},
		{"6 characters", do("mute", with(args(), "target", "zhangs"))},
		{"0 characters", do("mute", with(args(), "target", ""))},
		{"not a number", do("mute", with(args(), "minutes", "1"))},
		{"not a number", do("mute", with(args(), "minutes", 1.5))},
		{"out of range", do("mute", with(args(), "minutes", 61))},
		{"not one of the choices", do("mute", with(args(), "why", "x"))},
		{"not a bool", do("mute", with(args(), "quiet", "yes"))},
		{"sub-commands and cannot be used", do("room", nil)},
		{"no sub-command", do("room open", nil)},
		{"/mute is not registered for direct messages", func() { s.Direct("lisi", "mute", args()) }},
		{"no command \"mute\" for users", func() { s.Menu("lisi", "moderation", "mute", "zhangsan") }},
		{"no option \"target\" with autocomplete", func() { s.Autocomplete("lisi", "moderation", "mute", nil, "target", "x") }},
		{"no modal open", func() { s.Submit("lisi", nil) }},
	} {
		assert.Contains(t, fails(t, f, row.do), row.want)
	}
	assert.Empty(t, s.Calls(""))
}
