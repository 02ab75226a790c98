package permissions

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shifts is a policy in which nobody but Zhang San has everything, and nothing adds up by accident.
const shifts = `
moderators:
  - name: Zhang San
    slack: [T0123/U0456, E0001/W0002]
    discord: ["80351110224678912"]
    console: [zhangsan]
    accid: zhangsan
    commands: ["*"]
    rooms: ["*"]
  - name: Wang Wu by day
    slack: [T0123/U0789]
    accid: wangwu
    commands: [mute, unmute]
    rooms: [456, 123]
  - name: Wang Wu at night
    slack: [T0123/U0789]
    accid: night
    commands: [mute, muteroom]
    rooms: [lobby, 123]
  - name: On-call
    slack_groups: [T0123/S0789]
    discord_roles: ["41771983423143936"]
    commands: [mute, room]
    rooms: ["*"]
rooms:
  lobby: 1600849147
`

var (
	zhangsan          = Subject{Platform: Slack, Space: "T0123", User: "U0456", Name: "zhangsan"}
	zhangsanInOrg     = Subject{Platform: Slack, Org: "E0001", Space: "T0999", User: "W0002", Name: "zhangsan"}
	zhangsanInDiscord = Subject{Platform: Discord, Space: "197038439483310086", User: "80351110224678912"}
	zhangsanAtConsole = Subject{Platform: Console, User: "zhangsan"}
	wangwu            = Subject{Platform: Slack, Space: "T0123", User: "U0789", Name: "wangwu"}
	zhaoliuOnCall     = Subject{Platform: Discord, Space: "197038439483310086", User: "99", Groups: []string{"7", "41771983423143936"}}
	lisiOnCall        = Subject{Platform: Slack, Space: "T0123", User: "U0001", Groups: []string{"S0789"}}
	lisi              = Subject{Platform: Slack, Space: "T0123", User: "U0001", Name: "Zhang San"}
)

const lobby = 1600849147

func vocabulary() Vocabulary {
	all := []Right{"mute", "unmute", "muteroom", "unmuteroom", "delayclose", "room", "history"}
	return Vocabulary{Rights: all, Changes: all[:5]}
}

func mustParse(t testing.TB, src string) *Policy {
	t.Helper()
	p, err := Parse([]byte(src), vocabulary())
	require.NoError(t, err)
	return p
}

func TestAllow(t *testing.T) {
	policy := mustParse(t, shifts)
	may := func(moderator, accid string) Grant { return Grant{moderator, accid, true, false} }
	byGroup := func(moderator string) Grant { return Grant{Moderator: moderator} }
	mayNot := Grant{}
	for _, test := range []struct {
		name  string
		who   Subject
		right Right
		room  int64
		want  Grant
	}{
		{"a moderator in Slack", zhangsan, "mute", 123, may("Zhang San", "zhangsan")},
		{"in Discord", zhangsanInDiscord, "mute", 123, may("Zhang San", "zhangsan")},
		{"in a terminal", zhangsanAtConsole, "mute", 123, may("Zhang San", "zhangsan")},
		{"in any workspace of their organization", zhangsanInOrg, "mute", 123, may("Zhang San", "zhangsan")},
		{"any command", zhangsan, "delayclose", 1, may("Zhang San", "zhangsan")},
		{"any room", zhangsan, "mute", 1<<63 - 1, may("Zhang San", "zhangsan")},
		{"a command about no room", zhangsan, "history", 0, may("Zhang San", "zhangsan")},

		{"of two entries the first counts", wangwu, "mute", 123, may("Wang Wu by day", "wangwu")},
		{"the second counts where the first does not grant the room", wangwu, "mute", lobby, may("Wang Wu at night", "night")},
		{"and where it does not grant the command", wangwu, "muteroom", 123, may("Wang Wu at night", "night")},
		{"two entries do not add up: the command of one, the room of the other", wangwu, "muteroom", 456, mayNot},
		{"nor the other way round", wangwu, "unmute", lobby, mayNot},
		{"a room of neither", wangwu, "mute", 789, mayNot},
		{"a command of neither", wangwu, "delayclose", 123, mayNot},
		{"no room: any entry with the right", wangwu, "muteroom", 0, may("Wang Wu at night", "night")},
		{"no room, and no entry with the right", wangwu, "history", 0, mayNot},

		{"a role in Discord", zhaoliuOnCall, "room", 123, byGroup("On-call")},
		{"a user group in Slack", lisiOnCall, "room", 123, byGroup("On-call")},
		{"a group has no more than its entry", zhaoliuOnCall, "unmute", 123, mayNot},

		{"a stranger", lisi, "mute", 123, mayNot},
		{"a stranger, no room", lisi, "mute", 0, mayNot},
		{"a command that does not exist, even for *", zhangsan, "ban", 123, mayNot},
		{"no command at all", zhangsan, "", 123, mayNot},
		{"the same user id in another workspace", Subject{Platform: Slack, Space: "T0999", User: "U0456"}, "mute", 123, mayNot},
		{"in another organization", Subject{Platform: Slack, Org: "E0009", Space: "T0999", User: "W0002"}, "mute", 123, mayNot},
		{"the organization's user without the organization", Subject{Platform: Slack, Space: "T0999", User: "W0002"}, "mute", 123, mayNot},
		{"a Slack id from Discord", Subject{Platform: Discord, Space: "T0123", User: "T0123/U0456"}, "mute", 123, mayNot},
		{"a Discord id in a terminal", Subject{Platform: Console, User: "80351110224678912"}, "mute", 123, mayNot},
		{"a console name from Discord", Subject{Platform: Discord, User: "zhangsan"}, "mute", 123, mayNot},
		{"the right id from no platform", Subject{User: "80351110224678912"}, "mute", 123, mayNot},
		{"the group of another workspace", Subject{Platform: Slack, Space: "T0999", User: "U0001", Groups: []string{"S0789"}}, "mute", 123, mayNot},
		{"a user id among the groups", Subject{Platform: Slack, Space: "T0123", User: "U0001", Groups: []string{"U0456"}}, "mute", 123, mayNot},
		{"a role as user id", Subject{Platform: Discord, User: "41771983423143936"}, "mute", 123, mayNot},
		{"nobody in the right group", Subject{Platform: Slack, Space: "T0123", Groups: []string{"S0789"}}, "mute", 123, mayNot},
		{"nobody in the right role", Subject{Platform: Discord, Groups: []string{"41771983423143936"}}, "mute", 123, mayNot},
		{"nobody", Subject{}, "mute", 123, mayNot},
	} {
		t.Run(test.name, func(t *testing.T) {
			grant, err := policy.Allow(test.who, test.right, test.room)
			assert.Equal(t, test.want, grant)
			assert.Equal(t, test.want == mayNot, err != nil, "an error exactly when denied")
			if err != nil {
				assert.ErrorIs(t, err, ErrDenied)
			}
		})
	}
}

func TestDenied(t *testing.T) {
	policy := mustParse(t, shifts)
	for _, test := range []struct {
		name  string
		who   Subject
		right Right
		room  int64
		want  Denied
		text  string
	}{
		{"the right is missing in this room", wangwu, "mute", 789,
			Denied{Right: "mute", Room: 789, Ask: []string{"Zhang San", "On-call"}},
			"permission denied: mute in room 789: no entry of this person grants it"},
		{"a room that has a name says no more than one that has none", wangwu, "unmute", lobby,
			Denied{Right: "unmute", Room: lobby, Ask: []string{"Zhang San"}},
			"permission denied: unmute in room 1600849147: no entry of this person grants it"},
		{"no room", wangwu, "history", 0,
			Denied{Right: "history", Ask: []string{"Zhang San"}},
			"permission denied: history: no entry of this person grants it"},
		{"a stranger", lisi, "mute", 123,
			Denied{Right: "mute", Room: 123, Stranger: true, Ask: []string{"Zhang San", "On-call"}},
			"permission denied: mute in room 123: no entry names this person"},
		{"nobody may", lisi, "ban", 0,
			Denied{Right: "ban", Stranger: true},
			"permission denied: ban: no entry names this person"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := policy.Allow(test.who, test.right, test.room)
			var denied *Denied
			require.ErrorAs(t, err, &denied)
			assert.Equal(t, test.want, *denied)
			assert.EqualError(t, err, test.text)
		})
	}
}

func TestAskNamesAFewWhoCanHelp(t *testing.T) {
	policy := mustParse(t, `
moderators:
  - {name: One Room, console: [a], commands: ["*"], rooms: [123]}
  - {name: Other Command, console: [b], commands: [room], rooms: ["*"]}
  - {name: First, slack_groups: [T0123/S0789], commands: [mute], rooms: ["*"]}
  - {name: Second, discord_roles: ["7"], commands: ["*"], rooms: ["*"]}
  - {name: Third, console: [d], commands: ["*"], rooms: ["*"]}
  - {name: Fourth, console: [e], commands: ["*"], rooms: ["*"]}
`)
	_, err := policy.Allow(lisi, "mute", 123)
	assert.Equal(t, &Denied{Right: "mute", Room: 123, Stranger: true, Ask: []string{"First", "Second", "Third"}}, err)
}

func TestReach(t *testing.T) {
	policy := mustParse(t, shifts)
	for _, test := range []struct {
		name  string
		who   Subject
		right Right
		want  Reach
		has   []int64
		not   []int64
	}{
		{"every room", zhangsan, "mute", Reach{All: true}, []int64{1, 123, lobby}, nil},
		{"the rooms of all entries, each once, in order", wangwu, "mute", Reach{Rooms: []int64{123, 456, lobby}}, []int64{123, 456, lobby}, []int64{0, 1, 457}},
		{"only of those with the right", wangwu, "muteroom", Reach{Rooms: []int64{123, lobby}}, []int64{123, lobby}, []int64{456}},
		{"none", wangwu, "history", Reach{}, nil, []int64{0, 123}},
		{"a stranger's", lisi, "mute", Reach{}, nil, []int64{0, 123}},
	} {
		t.Run(test.name, func(t *testing.T) {
			reach := policy.Reach(test.who, test.right)
			assert.Equal(t, test.want, reach)
			for _, room := range test.has {
				assert.True(t, reach.Has(room), room)
			}
			for _, room := range test.not {
				assert.False(t, reach.Has(room), room)
			}
		})
	}
}

func TestEntries(t *testing.T) {
	policy := mustParse(t, shifts)
	for _, test := range []struct {
		name string
		who  Subject
		want []Entry
	}{
		{"everything is spelt out", zhangsan, []Entry{
			{"Zhang San", "zhangsan", vocabulary().Rights, true, Reach{All: true}, false}}},
		{"two entries, in the order of the file", wangwu, []Entry{
			{"Wang Wu by day", "wangwu", []Right{"mute", "unmute"}, false, Reach{Rooms: []int64{123, 456}}, false},
			{"Wang Wu at night", "night", []Right{"mute", "muteroom"}, false, Reach{Rooms: []int64{123, lobby}}, false}}},
		{"a role", zhaoliuOnCall, []Entry{
			{"On-call", "", []Right{"mute", "room"}, false, Reach{All: true}, false}}},
		{"a stranger", lisi, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, policy.Entries(test.who))
		})
	}

	t.Run("are copies", func(t *testing.T) {
		entries := policy.Entries(wangwu)
		entries[0].Rights[0], entries[0].Rooms.Rooms[0] = "history", 789
		_, err := policy.Allow(wangwu, "history", 789)
		assert.ErrorIs(t, err, ErrDenied)
	})
}

func TestPolicyOfNothing(t *testing.T) {
	for name, policy := range map[string]*Policy{"nil": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Allow(zhangsan, "mute", 0)
			assert.Equal(t, &Denied{Right: "mute", Stranger: true}, err)
			assert.Equal(t, Reach{}, policy.Reach(zhangsan, "mute"))
			assert.Empty(t, policy.Entries(zhangsan))
			_, known := policy.Room("lobby")
			assert.False(t, known)
			assert.Empty(t, policy.RoomName(lobby))
			assert.Empty(t, policy.RoomNames())
			assert.Empty(t, policy.NoAccID())
			assert.Empty(t, policy.Warnings())
			assert.Empty(t, policy.SlackGroups())
		})
	}
}
