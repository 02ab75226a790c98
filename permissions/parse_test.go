package permissions

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

func read(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return src
}

func TestParse(t *testing.T) {
	policy, err := Parse(read(t, "policy.yaml"), vocabulary())
	require.NoError(t, err)
	assert.Equal(t, &Policy{
		entries: []entry{
			{
				Entry: Entry{"Zhang San", "zhangsan", vocabulary().Rights, true, Reach{All: true}, true},
				line:  2,
				people: map[id]bool{
					{"slack", "T0123/U0456"}:         true,
					{"discord", "80351110224678912"}: true,
				},
			},
			{
				Entry: Entry{"On-call", "", []Right{"mute", "unmute", "room"}, false, Reach{Rooms: []int64{123, lobby}}, false},
				line:  9,
				people: map[id]bool{
					{"slack_groups", "T0123/S0789"}:        true,
					{"discord_roles", "41771983423143936"}: true,
				},
			},
		},
		ids:     map[string]int64{"lobby": lobby},
		names:   map[int64]string{lobby: "lobby"},
		confirm: []Right{"delayclose"},
	}, policy)
	assert.True(t, policy.Confirms("delayclose"))
	assert.False(t, policy.Confirms("mute"))
}

// entryWith is a file of one moderator with some keys in the place of the usual ones: console, commands, rooms.
func entryWith(keys ...string) string {
	lines := []string{"moderators:", "  - name: Zhang San"}
	for _, usual := range []string{`console: [zhangsan]`, `commands: ["*"]`, `rooms: ["*"]`} {
		key, _, _ := strings.Cut(usual, ":")
		replaced := false
		for _, k := range keys {
			replaced = replaced || strings.HasPrefix(k, key+":") || k == "no "+key
		}
		if !replaced {
			lines = append(lines, "    "+usual)
		}
	}
	for _, k := range keys {
		if !strings.HasPrefix(k, "no ") {
			lines = append(lines, "    "+k)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestParseAccepts(t *testing.T) {
	everywhere := Entry{"Zhang San", "", vocabulary().Rights, true, Reach{All: true}, false}
	with := func(change func(*Entry)) Entry {
		e := everywhere
		change(&e)
		return e
	}
	for _, test := range []struct {
		name string
		in   string
		who  Subject
		want Entry
	}{
		{"a Slack user of a workspace", entryWith(`slack: [T0123/U0456]`), zhangsan, everywhere},
		{"of an organization", entryWith(`slack: [E0001/W0002]`), zhangsanInOrg, everywhere},
		{"a Discord user", entryWith(`discord: ["80351110224678912"]`), zhangsanInDiscord, everywhere},
		{"whose id has no quotes and every digit", entryWith(`discord: [80351110224678912]`), zhangsanInDiscord, everywhere},
		{"the largest snowflake", entryWith(`discord: [18446744073709551615]`), Subject{Platform: Discord, User: "18446744073709551615"}, everywhere},
		{"a Slack user group", entryWith(`slack_groups: [T0123/S0789]`), lisiOnCall, everywhere},
		{"a Discord role", entryWith(`discord_roles: [41771983423143936]`), zhaoliuOnCall, everywhere},
		{"a list with a dash for each", entryWith("slack:\n      - T0123/U0456\n      - T0123/U0789"), wangwu, everywhere},
		{"an empty list beside a full one", entryWith(`slack: []`, `discord:`), zhangsanAtConsole, everywhere},
		{"an accid", entryWith(`accid: ZhangSan`), zhangsanAtConsole, with(func(e *Entry) { e.AccID = "zhangsan" })},
		{"an accid of digits stays as written", entryWith(`accid: 007`), zhangsanAtConsole, with(func(e *Entry) { e.AccID = "007" })},
		{"rights in the order of the vocabulary", entryWith(`commands: [room, mute]`), zhangsanAtConsole,
			with(func(e *Entry) { e.Rights, e.AllRights = []Right{"mute", "room"}, false })},
		{"* beside others means all", entryWith(`commands: [room, "*"]`, `rooms: ["*", 123]`), zhangsanAtConsole, everywhere},
		{"rooms in order, by id, as text and by name", entryWith(`rooms: [9223372036854775807, lobby, "456", 1]`), zhangsanAtConsole,
			with(func(e *Entry) { e.Rooms = Reach{Rooms: []int64{1, 456, lobby, 1<<63 - 1}} })},
		{"who may skip confirmations", entryWith(`skip_confirmation: true`), zhangsanAtConsole, with(func(e *Entry) { e.SkipConfirmation = true })},
		{"who may not", entryWith(`skip_confirmation: false`), zhangsanAtConsole, everywhere},
		{"JSON, which is YAML", `{"moderators": [{"name": "Zhang San", "console": ["zhangsan"], "commands": ["*"], "rooms": ["*"]}]}`, zhangsanAtConsole, everywhere},
		{"a byte order mark and Windows line ends", "\uFEFF" + strings.ReplaceAll(entryWith(), "\n", "\r\n"), zhangsanAtConsole, everywhere},
		{"a document between markers", "---\n" + entryWith() + "...\n# the end\n", zhangsanAtConsole, everywhere},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := vocabulary()
			v.AccID = func(s string) (string, error) { return strings.ToLower(s), nil }
			in := test.in
			if strings.Contains(in, "lobby") {
				in += "rooms: {lobby: 1600849147}\n"
			}
			policy, err := Parse([]byte(in), v)
			require.NoError(t, err)
			assert.Equal(t, []Entry{test.want}, policy.Entries(test.who))
		})
	}

	t.Run("a person in two entries", func(t *testing.T) {
		assert.Len(t, mustParse(t, shifts).Entries(wangwu), 2)
	})
	t.Run("a name in Chinese of 80 characters", func(t *testing.T) {
		name := strings.Repeat("张", 80)
		policy := mustParse(t, strings.Replace(entryWith(), "Zhang San", name, 1))
		assert.Equal(t, []string{name}, policy.NoAccID())
	})
}

func TestRoomNames(t *testing.T) {
	policy := mustParse(t, entryWith()+"rooms:\n  lobby: 1600849147\n  a: 1\n  vip_room-2: \"22\"\n  on: 3\n")
	assert.Equal(t, []string{"a", "lobby", "on", "vip_room-2"}, policy.RoomNames())
	for name, id := range map[string]int64{"lobby": lobby, "a": 1, "vip_room-2": 22, "on": 3} {
		room, ok := policy.Room(name)
		assert.True(t, ok, name)
		assert.Equal(t, id, room)
		assert.Equal(t, name, policy.RoomName(id))
	}
	_, ok := policy.Room("Lobby")
	assert.False(t, ok, "names are asked for in lower case")
	assert.Empty(t, policy.RoomName(123))
}

func TestNoAccID(t *testing.T) {
	assert.Equal(t, []string{"On-call"}, mustParse(t, shifts).NoAccID())
	assert.Empty(t, mustParse(t, entryWith(`accid: zhangsan`)).NoAccID())
}

func TestWarnings(t *testing.T) {
	policy := mustParse(t, `
moderators:
  - {name: Zhang San, slack: [T0123/U0456], console: [zhangsan], commands: ["*"], rooms: ["*"]}
  - {name: Night, console: [night, watch], commands: ["*"], rooms: ["*"]}
  - {name: Day, slack_groups: [T0123/S0789], commands: ["*"], rooms: ["*"]}
  - {name: Weekend, discord_roles: ["7"], commands: ["*"], rooms: ["*"]}
`)
	assert.Equal(t, []string{
		`line 4: moderator "Night" lets nobody in: console has the names of the terminal demo, and is all it has; list people under slack or discord`,
	}, policy.Warnings())
}

func TestSlackGroups(t *testing.T) {
	policy := mustParse(t, `
moderators:
  - {name: Zhang San, slack: [T0123/U0456], discord_roles: ["7"], commands: ["*"], rooms: ["*"]}
  - {name: Night, slack_groups: [T0456/S0001, T0123/S0790], commands: [mute], rooms: [123]}
  - {name: Day, slack_groups: [T0123/S0789, T0123/S0790], commands: ["*"], rooms: ["*"]}
`)
	assert.Equal(t, []string{"T0123/S0789", "T0123/S0790", "T0456/S0001"}, policy.SlackGroups())
}

// Each file has one mistake, and each mistake one sentence.
func TestMistakes(t *testing.T) {
	const (
		slackForm   = `write workspace/user, like T0123/U0456 (the command whoami shows people theirs)`
		discordForm = `write digits, like "80351110224678912" (the command whoami shows people theirs)`
		roleForm    = `write digits, like "41771983423143936" (with Discord's developer mode on, the menu of the role has Copy Role ID)`
		groupForm   = `write workspace/group, like T0123/S0789 (whoami shows the workspace, the menu of the group in Slack the group's id)`
		rights      = `there are: mute, unmute, muteroom, unmuteroom, delayclose, room, history`
		keys        = `there are: name, slack, discord, slack_groups, discord_roles, console, accid, commands, rooms, skip_confirmation`
		numbers     = `write a whole number from 1 to 9223372036854775807`
		pattern     = `write a lower-case letter, then lower-case letters, digits, _ and -, 64 at most`
	)
	for _, test := range []struct{ name, in, want string }{
		// The file.
		{"nothing", "", "the file is empty; it must say who the moderators are"},
		{"only a comment", "# later\n", "the file is empty; it must say who the moderators are"},
		{"an empty document", "---\n", "the file is empty; it must say who the moderators are"},
		{"too large", entryWith() + strings.Repeat("#", maxFile), "the file is larger than 1 MiB, too large for a policy"},
		{"a list", "- mute\n", "line 1: a policy file must be written as key: value, beginning with moderators:"},
		{"a word", "moderators\n", "line 1: a policy file must be written as key: value, beginning with moderators:"},
		{"no moderators", "rooms: {lobby: 1}\n", "line 1: moderators is missing: without one, nobody may do anything"},
		{"moderators with nothing", "moderators:\nrooms: {lobby: 1}\n", "line 1: moderators is empty: without one, nobody may do anything"},
		{"moderators by name", "moderators:\n  zhangsan: {}\n", "line 2: moderators must be a list: begin each item with a dash"},
		{"a misspelt key", entryWith() + "room: {lobby: 1}\n", `line 6: a policy file has no key "room"; did you mean rooms?`},
		{"a strange key", entryWith() + "version: 1\n", `line 6: a policy file has no key "version"; there are: moderators, rooms, confirm`},
		{"a read that is to be confirmed", entryWith() + "confirm: [room]\n", `line 6: "room" is not a command that can be confirmed; there are: mute, unmute, muteroom, unmuteroom, delayclose`},
		{"one to be confirmed that is misspelt", entryWith() + "confirm: [delayclos]\n", `line 6: "delayclos" is not a command that can be confirmed; did you mean delayclose?`},
		{"a word to be confirmed", entryWith() + "confirm: mute\n", `line 6: confirm must be a list: write ["mute"]`},
		{"one to be confirmed twice", entryWith() + "confirm: [mute, mute]\n", `line 6: "mute" is in this list already, on line 6`},
		{"confirmations skipped perhaps", entryWith("skip_confirmation: maybe"), `line 6: skip_confirmation is true or false, not "maybe"`},
		{"a key twice", entryWith() + "rooms: {a: 1}\nrooms: {b: 2}\n", "line 7: the key rooms is there already, on line 6"},
		{"a second document", entryWith() + "---\n" + entryWith(), "line 6: a second YAML document begins (after ---); a policy file is only one"},
		{"a broken second document", entryWith() + "---\n[", "line 8: this is not YAML: did not find expected node content"},

		// YAML.
		{"a bracket that does not close", "moderators: [\n", "line 2: this is not YAML: did not find expected node content"},
		{"a bare *", entryWith(`rooms: [*]`), `line 5: a word that begins with * must be in quotes: "*"`},
		{"a bare * as value", entryWith(`commands: *`), `line 5: a word that begins with * must be in quotes: "*"`},
		{"an alias of nothing", entryWith(`rooms: *all`), `line 5: a word that begins with * must be in quotes: "*"`},
		{"a bare @", entryWith(`slack: [@lisi]`), "line 6: a word that begins with @ must be in quotes"},
		{"a tab", "moderators:\n\t- name: Zhang San\n", "line 2: there is a tab here: indent with spaces"},
		{"an anchor", entryWith(`rooms: &r ["*"]`), "line 5: anchors (&r) are not read in a policy file: write out what is meant wherever it is needed"},
		{"a tag", entryWith(`accid: !!str zhangsan`), "line 6: YAML tags (!!str) are not read in a policy file: leave the tag out"},
		{"a merge key", entryWith(`<<: {accid: zhangsan}`), "line 6: merge keys (<<) are not read in a policy file: write out what is meant"},
		{"not UTF-8", entryWith() + "# \xd5\xc5\n", "line 6: this is not UTF-8; save the file as UTF-8"},
		{"UTF-16", "\xff\xfem\x00", "line 1: this is not UTF-8; save the file as UTF-8"},
		{"a control character", entryWith() + "# \x07\n", "line 6: the invisible character U+0007 is here; delete it"},
		{"a line only YAML sees", entryWith() + "# \u2028\n", "line 6: the invisible character U+2028 is here; delete it"},
		{"a key that is a list", entryWith() + "[a]: 1\n", "line 6: a key must be a single word, not a list or keys"},

		// A moderator.
		{"only a name", "moderators: [Zhang San]\n", "line 1: a moderator must be written as key: value, beginning with name:"},
		{"nothing after a dash", entryWith() + "  -\n", "line 6: a moderator is missing here: write its keys, or delete the dash"},
		{"no name", strings.Replace(entryWith(), "name: Zhang San", "accid: zhangsan", 1), "line 2: this moderator has no name: write name: and what people call them"},
		{"an empty name", strings.Replace(entryWith(), "Zhang San", `""`, 1), "line 2: the name is missing here"},
		{"a name of nothing", strings.Replace(entryWith(), "Zhang San", ``, 1), "line 2: the name is missing here"},
		{"a name of spaces", strings.Replace(entryWith(), "Zhang San", `"  "`, 1), `line 2: the name begins or ends with a space: write ""`},
		{"spaces around a name", strings.Replace(entryWith(), "Zhang San", `"Zhang San "`, 1), `line 2: the name begins or ends with a space: write "Zhang San"`},
		{"a long name", strings.Replace(entryWith(), "Zhang San", strings.Repeat("张", 81), 1), "line 2: the name has 81 characters: 80 are the most"},
		{"a name of two lines", strings.Replace(entryWith(), "Zhang San", `"Zhang\nSan"`, 1), `line 2: the name has a line break or an invisible character in it: "Zhang\nSan"`},
		{"a name that turns text around", strings.Replace(entryWith(), "Zhang San", `"Zhang\u202eSan"`, 1), `line 2: the name has a line break or an invisible character in it: "Zhang\u202eSan"`},
		{"a list for a name", strings.Replace(entryWith(), "Zhang San", `[Zhang, San]`, 1), "line 2: the name must be a single word, not a list or keys"},
		{"the same name twice", entryWith() + strings.TrimPrefix(entryWith(), "moderators:\n"), `line 6: another moderator is called "Zhang San", on line 2; names differ in more than their case`},
		{"in another case", entryWith() + strings.ToLower(strings.TrimPrefix(entryWith(), "moderators:\n")), `line 6: another moderator is called "zhang san", on line 2; names differ in more than their case`},
		{"a misspelt key of a moderator", entryWith(`acid: zhangsan`), `line 6: a moderator has no key "acid"; did you mean accid?`},
		{"a key in capitals", entryWith(`Slack: [T0123/U0456]`), `line 6: a moderator has no key "Slack"; did you mean slack?`},
		{"a strange key of a moderator", entryWith(`email: zhangsan`), `line 6: a moderator has no key "email"; ` + keys},
		{"a key of a moderator twice", entryWith(`slack: [T0123/U0456]`, `slack: [T0123/U0789]`), "line 7: the key slack is there already, on line 6"},
		{"nobody", entryWith("no console"), `line 2: "Zhang San" is nobody: give at least one of slack, discord, slack_groups, discord_roles, console`},
		{"nobody in a list", entryWith("console: []"), `line 2: "Zhang San" is nobody: give at least one of slack, discord, slack_groups, discord_roles, console`},

		// People.
		{"a name for a Slack id", entryWith(`slack: [lisi]`), `line 6: "lisi" is not a Slack user id: ` + slackForm},
		{"a handle", entryWith(`slack: ["@lisi"]`), `line 6: "@lisi" is not a Slack user id: ` + slackForm},
		{"an e-mail address", entryWith(`slack: [lisi@example.com]`), `line 6: "lisi@example.com" is not a Slack user id: ` + slackForm},
		{"a mention", entryWith(`slack: [<@U0456>]`), `line 6: "<@U0456>" is not a Slack user id: ` + slackForm},
		{"a Slack id without its workspace", entryWith(`slack: [U0456]`), `line 6: "U0456" is not a Slack user id: ` + slackForm},
		{"a Slack id turned round", entryWith(`slack: [U0456/T0123]`), `line 6: "U0456/T0123" is not a Slack user id: ` + slackForm},
		{"a Slack id in small letters", entryWith(`slack: [t0123/u0456]`), `line 6: "t0123/u0456" is not a Slack user id: did you mean "T0123/U0456"?`},
		{"a group under slack", entryWith(`slack: [T0123/S0789]`), `line 6: "T0123/S0789" is not a Slack user id: it is a Slack user group id, which belongs under slack_groups`},
		{"a Discord id under slack", entryWith(`slack: ["80351110224678912"]`), `line 6: "80351110224678912" is not a Slack user id: it is a Discord user id, which belongs under discord`},
		{"a user under slack_groups", entryWith(`slack_groups: [T0123/U0456]`), `line 6: "T0123/U0456" is not a Slack user group id: it is a Slack user id, which belongs under slack`},
		{"a group's handle", entryWith(`slack_groups: [oncall]`), `line 6: "oncall" is not a Slack user group id: ` + groupForm},
		{"a name for a Discord id", entryWith(`discord: [lisi]`), `line 6: "lisi" is not a Discord user id: ` + discordForm},
		{"an old Discord name", entryWith(`discord: ["lisi#0042"]`), `line 6: "lisi#0042" is not a Discord user id: ` + discordForm},
		{"a rounded Discord id", entryWith(`discord: [8.035e16]`), `line 6: "8.035e16" is not a Discord user id: ` + discordForm},
		{"a Discord id in hexadecimal", entryWith(`discord: [0x11d]`), `line 6: "0x11d" is not a Discord user id: ` + discordForm},
		{"a Discord id with a leading zero", entryWith(`discord: [0123]`), `line 6: "0123" is not a Discord user id: ` + discordForm},
		{"a Discord id beyond 64 bits", entryWith(`discord: [18446744073709551616]`), `line 6: "18446744073709551616" is not a Discord user id: ` + discordForm},
		{"a name for a role", entryWith(`discord_roles: [oncall]`), `line 6: "oncall" is not a Discord role id: ` + roleForm},
		{"an id outside a list", entryWith(`slack: T0123/U0456`), `line 6: slack must be a list: write ["T0123/U0456"]`},
		{"ids as keys", entryWith(`slack: {T0123: U0456}`), `line 6: slack must be a list: begin each item with a dash`},
		{"an empty item", entryWith(`slack: [""]`), `line 6: a Slack user id is missing here`},
		{"an item that is a list", entryWith(`slack: [[T0123/U0456]]`), `line 6: a Slack user id must be a single word, not a list or keys`},
		{"an id twice", entryWith("discord:\n      - 7\n      - \"7\""), `line 8: "7" is in this list already, on line 7`},
		{"a console name with a bell", entryWith(`console: ["\a"]`), `line 5: a name has a line break or an invisible character in it: "\a"`},

		// accid, commands, rooms.
		{"no accid after all", entryWith(`accid:`), "line 6: the accid is missing here"},
		{"an accid that cannot be", entryWith(`accid: "李四"`), `line 6: "李四" cannot be an accid: only letters`},
		{"no commands", entryWith("no commands"), `line 2: "Zhang San" has no commands: write commands: and which, or ["*"] for all`},
		{"commands with nothing", entryWith("commands:"), `line 5: commands is empty: say which, or "*" for all`},
		{"commands without any", entryWith("commands: []"), `line 5: commands is empty: say which, or "*" for all`},
		{"commands outside a list", entryWith(`commands: mute`), `line 5: commands must be a list: write ["mute"]`},
		{"a misspelt command", entryWith(`commands: [mute, muet]`), `line 5: "muet" is not a command that can be granted; did you mean mute?`},
		{"a command in capitals", entryWith(`commands: [UnMute]`), `line 5: "UnMute" is not a command that can be granted; did you mean unmute?`},
		{"no such command", entryWith(`commands: [whoami]`), `line 5: "whoami" is not a command that can be granted; ` + rights},
		{"a command twice", entryWith(`commands: [mute, room, mute]`), `line 5: "mute" is in this list already, on line 5`},
		{"all commands twice", entryWith(`commands: ["*", "*"]`), `line 5: "*" is in this list already, on line 5`},
		{"no rooms", entryWith("no rooms"), `line 2: "Zhang San" has no rooms: write rooms: and which, or ["*"] for all`},
		{"rooms without any", entryWith("rooms: []"), `line 5: rooms is empty: say which, or "*" for all`},
		{"room 0", entryWith("rooms: [0]"), `line 5: "0" is not a room id: ` + numbers},
		{"a negative room", entryWith("rooms: [-5]"), `line 5: "-5" is not a room id: ` + numbers},
		{"a fraction", entryWith("rooms: [123.0]"), `line 5: "123.0" is not a room id: ` + numbers},
		{"an exponent", entryWith("rooms: [1e3]"), `line 5: "1e3" is not a room id: ` + numbers},
		{"an octal number", entryWith("rooms: [0123]"), `line 5: "0123" is not a room id: ` + numbers},
		{"a grouped number", entryWith("rooms: [1_000]"), `line 5: "1_000" is not a room id: ` + numbers},
		{"a number beyond 2^63-1", entryWith("rooms: [9223372036854775808]"), `line 5: "9223372036854775808" is not a room id: ` + numbers},
		{"rooms in a list in the list", entryWith("rooms: [[123]]"), `line 5: a room must be a single word, not a list or keys`},
		{"a room twice", entryWith("rooms: [123, 456, 123]"), `line 5: "123" is in this list already, on line 5`},
		{"a room by id and by name", entryWith("rooms: [1, lobby]") + "rooms: {lobby: 1}\n", `line 5: "lobby" is in this list already, on line 5`},
		{"all rooms twice", entryWith(`rooms: ["*", "*"]`), `line 5: "*" is in this list already, on line 5`},
		{"a misspelt room", entryWith("rooms: [loby]") + "rooms: {lobby: 1}\n", `line 5: no room is called "loby"; did you mean lobby?`},
		{"a room in capitals", entryWith("rooms: [Lobby]") + "rooms: {lobby: 1}\n", `line 5: no room is called "Lobby"; did you mean lobby?`},
		{"no such room", entryWith("rooms: [arena]") + "rooms: {vip: 2, lobby: 1}\n", `line 5: no room is called "arena"; there are: lobby, vip`},
		{"no room has a name", entryWith("rooms: [lobby]"), `line 5: no room is called "lobby": the file gives no names under rooms; write the id, or "*" for all`},

		// Names of rooms.
		{"rooms as a list", entryWith() + "rooms: [lobby]\n", "line 6: rooms must be written as name: id, like lobby: 1600849147"},
		{"a room name in capitals", entryWith() + "rooms: {Lobby: 1}\n", `line 6: "Lobby" cannot be a room name: ` + pattern},
		{"a room name of digits", entryWith() + "rooms: {1: 1}\n", `line 6: "1" cannot be a room name: ` + pattern},
		{"a room name in Chinese", entryWith() + "rooms: {大厅: 1}\n", `line 6: "大厅" cannot be a room name: ` + pattern},
		{"a long room name", entryWith() + "rooms: {" + strings.Repeat("a", 65) + ": 1}\n", `line 6: "` + strings.Repeat("a", 65) + `" cannot be a room name: ` + pattern},
		{"a room name that is a choice", entryWith() + "rooms: {idle: 1}\n", `line 6: "idle" cannot be a room name: it means something else in a command; choose another`},
		{"a room name that YAML reads as nothing", entryWith() + "rooms: {null: 1}\n", `line 6: a room name is missing here`},
		{"a room name of nothing", entryWith() + "rooms: {\"\": 1}\n", `line 6: a room name is missing here`},
		{"a room name twice", entryWith() + "rooms:\n  lobby: 1\n  lobby: 2\n", `line 8: the room name "lobby" is there already, on line 7`},
		{"two names for a room", entryWith() + "rooms:\n  lobby: 1\n  arena: 1\n", `line 8: room 1 has the name "lobby" already, on line 7; a room has one name`},
		{"a name for no room", entryWith() + "rooms:\n  lobby:\n  arena: 1\n", `line 7: the room id is missing here`},
		{"a name for a word, used", entryWith("rooms: [lobby]") + "rooms: {lobby: hall}\n", `line 6: "hall" is not a room id: ` + numbers},
		{"a name for several rooms", entryWith() + "rooms: {lobby: [1, 2]}\n", `line 6: the room id must be a single word, not a list or keys`},
		{"a very long word", entryWith() + strings.Repeat("房", 90) + ": 1\n", `line 6: a policy file has no key "` + strings.Repeat("房", 80) + `…"; there are: moderators, rooms, confirm`},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy, err := Parse([]byte(test.in), strict())
			assert.Nil(t, policy)
			assert.EqualError(t, err, test.want)
		})
	}
}

// strict is a vocabulary that checks all it can.
func strict() Vocabulary {
	v := vocabulary()
	v.Reserved = func(word string) bool { return word == "idle" }
	v.AccID = func(s string) (string, error) {
		if s[0] >= utf8.RuneSelf {
			return "", errors.New("only letters")
		}
		return strings.ToLower(s), nil
	}
	return v
}

func TestAliasesAreRefused(t *testing.T) {
	_, err := Parse([]byte(entryWith(`commands: &all ["*"]`, `rooms: *all`, `accid: *all`)), strict())
	assert.EqualError(t, err, "line 4: anchors (&all) are not read in a policy file: write out what is meant wherever it is needed\n"+
		"line 5: aliases (*all) are not read in a policy file: write out what is meant\n"+
		"line 6: aliases (*all) are not read in a policy file: write out what is meant")
}

// A file with many mistakes has them all told, in the order of its lines.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := Parse(read(t, "broken.yaml"), strict())
	require.Error(t, err)
	got := err.Error() + "\n"
	if *update {
		require.NoError(t, os.WriteFile("testdata/broken.golden", []byte(got), 0o644))
	}
	assert.Equal(t, string(read(t, "broken.golden")), got)
}

func TestAHundredMistakesAreEnough(t *testing.T) {
	rooms, refs := "rooms:\n", "rooms: [nowhere"
	for i := range 1000 {
		rooms += fmt.Sprintf("  r%d: %d\n", i, i+1)
		refs += fmt.Sprintf(", nowhere%d", i)
	}
	_, err := Parse([]byte(entryWith(refs+"]")+rooms), strict())
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	assert.Len(t, lines, 101)
	assert.Equal(t, `line 5: no room is called "nowhere"; there are: r0, r1, r10, r100, r101, r102, r103, r104, r105, r106, r107, r108, r109, `+
		`r11, r110, r111, r112, r113, r114, r115 and others`, lines[0])
	assert.Equal(t, "and there are more mistakes", lines[100])

	hundred := entryWith() + strings.Repeat("moderator: 1\n", 100)
	_, err = Parse([]byte(hundred), strict())
	require.Error(t, err)
	assert.Len(t, strings.Split(err.Error(), "\n"), 100, "a hundred are told, without a hint at more")
}

func TestNearest(t *testing.T) {
	known := []string{"mute", "unmute", "room", "delayclose"}
	for _, test := range []struct{ name, in, want string }{
		{"the word itself", "mute", "mute"},
		{"in capitals", "MUTE", "mute"},
		{"a letter less", "mut", "mute"},
		{"a letter more", "rooms", "room"},
		{"letters that changed places", "muet", "mute"},
		{"two letters less", "delaclos", "delayclose"},
		{"too far", "kick", ""},
		{"short and far", "go", ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, nearest(test.in, known))
		})
	}
}

// Whatever strangers put into a file: it is a policy that knows nobody without an id and nobody it does not name, or it
// is a list of mistakes with their lines.
func FuzzParse(f *testing.F) {
	f.Add(read(f, "policy.yaml"))
	f.Add(read(f, "broken.yaml"))
	f.Add([]byte(shifts))
	for _, seed := range []string{"", "---\n---\n", "&a [*a]", "<<: *x", "a: &a {a: *a}", "{", "\xff", "%YAML 1.1\n---\n", "? - a\n: b", "!!map {}"} {
		f.Add([]byte(seed))
	}
	whole := regexp.MustCompile(`^(the file is (empty|larger)|line [1-9][0-9]*: .|and there are more mistakes$)`)
	f.Fuzz(func(t *testing.T, src []byte) {
		policy, err := Parse(src, strict())
		if err != nil {
			require.Nil(t, policy)
			for _, line := range strings.Split(err.Error(), "\n") {
				require.Regexp(t, whole, line)
			}
			return
		}
		strangers := []Subject{
			{},
			{Platform: Slack, Space: "T0123", Groups: []string{"S0789"}},
			{Platform: Discord, Groups: []string{"41771983423143936"}},
			{Platform: Console},
			{Platform: Slack, Org: "E0001", Space: "T0123", User: "nobody", Name: "Zhang San"},
			{Platform: Discord, Space: "1", User: "nobody", Name: "Zhang San", Groups: []string{"everyone"}},
			{Platform: Console, User: "no\nbody", Name: "Zhang San"},
		}
		for _, who := range strangers {
			for _, right := range append(vocabulary().Rights, "", "*") {
				for _, room := range []int64{0, 1, 123, lobby} {
					_, err := policy.Allow(who, right, room)
					require.ErrorIs(t, err, ErrDenied, fmt.Sprint(who, right, room))
				}
			}
		}
		for _, name := range policy.RoomNames() {
			room, ok := policy.Room(name)
			require.True(t, ok)
			require.Positive(t, room)
			require.Equal(t, name, policy.RoomName(room))
		}
	})
}
