package commands

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForm(t *testing.T) {
	for line, want := range map[string]string{
		"mute": "mute", "/mute": "mute", " nim  mute ": "mute", "/nim ＭＵＴＥ": "mute", "delayclose": "delayclose", "unmuteroom": "unmuteroom",
		"mute 123": "", "nim": "", "": "", "help": "", "undo": "", "room": "", "nim help": "", "mut": "", "mute\xff": "",
	} {
		row, ok := Form(line)
		assert.Equal(t, want != "", ok, "%q", line)
		if ok {
			assert.Equal(t, want, row.Name, "%q", line)
		}
	}
}

// TestFormsFit: what forms ask for has labels in both languages, and titles that platforms have room for.
func TestFormsFit(t *testing.T) {
	forms := 0
	for _, row := range Table {
		if row.Title.English == "" {
			continue
		}
		forms++
		assert.True(t, row.Write, row.Name)
		assert.NotEmpty(t, row.Title.Chinese)
		assert.LessOrEqual(t, len([]rune(row.Title.English)), 24)
		for _, a := range row.Args {
			assert.Equal(t, a.Label.English == "", a.Label.Chinese == "", a.Name)
			assert.Equal(t, a.Rare || a.Name == again.Name, a.Label.English == "", "%s %s", row.Name, a.Name)
		}
	}
	assert.Equal(t, 5, forms)
}

func TestFill(t *testing.T) {
	for _, tt := range []struct {
		name, who, command string
		filled             map[string]string
		line               string
		wrong              map[string]string // the beginnings of what is said
	}{
		{"all of it", "zhangsan", "mute", map[string]string{"room": "lobby", "target": " LiSi ", "duration": "5分钟", "reason": "spam,\n again", "notify": "no"},
			`mute room=lobby target=lisi duration=5m reason="spam,  again" notify=no`, nil},
		{"what must be", "zhangsan", "mute", map[string]string{"room": "123", "target": "lisi", "duration": "1h30m"}, "mute room=123 target=lisi duration=1h30m", nil},
		{"seconds", "zhangsan", "mute", map[string]string{"room": "123", "target": "lisi", "duration": "300"}, "mute room=123 target=lisi duration=5m", nil},
		{"an account like a length of time", "zhangsan", "mute", map[string]string{"room": "123", "target": "5m", "duration": "5m"}, "mute room=123 target=5m duration=5m", nil},
		{"what nobody fills in there", "zhangsan", "unmute", map[string]string{"room": "123", "target": "lisi", "replace": "1", "yes": "yes"}, "unmute room=123 target=lisi", nil},
		{"nothing", "zhangsan", "mute", nil, "", map[string]string{"room": "Fill this in: room id or name", "target": "Fill this in", "duration": "Fill this in"}},
		{"each at its field", "zhangsan", "mute", map[string]string{"room": "#general", "target": "<@U123>", "duration": "soon", "reason": strings.Repeat("x", 501)}, "",
			map[string]string{"room": "#general is a channel", "target": "<@U123> is a mention", "duration": "soon is not a length of time", "reason": "reason may have at most 500"}},
		{"too long", "zhangsan", "mute", map[string]string{"room": "123", "target": "lisi", "duration": "31d"}, "", map[string]string{"duration": "31d is"}},
		{"no such room", "zhangsan", "mute", map[string]string{"room": "lobi", "target": "lisi", "duration": "5m"}, "mute room=lobi target=lisi duration=5m", map[string]string{"room": "lobi was read as the room"}},
		{"no room of theirs", "oncall", "mute", map[string]string{"room": "456", "target": "lisi", "duration": "5m"}, "mute room=456 target=lisi duration=5m", map[string]string{"room": "You"}},
		{"a stranger", "nobody", "mute", map[string]string{"room": "123", "target": "lisi", "duration": "5m"}, "mute room=123 target=lisi duration=5m", map[string]string{"room": "You"}},
		{"what excludes each other", "zhangsan", "delayclose", map[string]string{"room": "123", "policy": "off", "delay": "1h"}, "", map[string]string{"delay": ""}},
		{"a timer", "zhangsan", "delayclose", map[string]string{"room": "123", "policy": "idle", "delay": "1h"}, "delayclose room=123 policy=idle delay=1h", nil},
		{"hostile", "zhangsan", "mute", map[string]string{"room": "123", "target": "lisi", "duration": "5m", "reason": `" replace=1 yes=yes "`},
			`mute room=123 target=lisi duration=5m reason="\" replace=1 yes=yes \""`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			row, _ := find(Table, tt.command)
			line, wrong := s.dispatcher.Fill(person(tt.who), row, tt.filled, "en-US")
			assert.Equal(t, tt.line, line)
			require.Len(t, wrong, len(tt.wrong), "%v", wrong)
			for arg, want := range tt.wrong {
				assert.True(t, strings.HasPrefix(wrong[arg].String(), want), "%s: %s", arg, wrong[arg])
			}
			assert.NotContains(t, fmt.Sprint(wrong), "Usage")
			if line != "" {
				_, err := Parse(line)
				require.NoError(t, err)
			}
		})
	}
	s := newStage(t)
	row, _ := find(Table, "mute")
	_, wrong := s.dispatcher.Fill(person("zhangsan"), row, map[string]string{"room": "123", "target": "lisi"}, "zh-CN")
	assert.Contains(t, wrong["duration"].String(), "请填写")
	unsure := person("nobody")
	unsure.Unsure = true
	line, _ := s.dispatcher.Fill(unsure, row, map[string]string{"room": "123", "target": "lisi", "duration": "5m"}, "")
	assert.NotEmpty(t, line, "who is perhaps let in by a group is asked for their right when they give the command")
}

func FuzzFill(f *testing.F) {
	f.Add("mute", "123", "lisi", "5m", "spam")
	f.Add("delayclose", "lobby", "idle", "1h", `"x" y=z`)
	s := newStage(f)
	f.Fuzz(func(t *testing.T, command, a, b, c, d string) {
		row, ok := Form(command)
		if !ok {
			return
		}
		values, filled := []string{a, b, c, d}, map[string]string{}
		for i, arg := range row.Args {
			filled[arg.Name] = values[i%len(values)]
		}
		line, wrong := s.dispatcher.Fill(person("zhangsan"), row, filled, "")
		if line == "" {
			assert.NotEmpty(t, wrong)
			return
		}
		call, err := Parse(line)
		require.NoError(t, err, "%q", line)
		assert.Equal(t, row.Name, call.Command.Name)
		assert.Equal(t, line, call.String())
		for _, arg := range row.Args {
			if arg.Label.English == "" {
				assert.NotContains(t, call.args, arg.Name, "what no form asks for")
			}
		}
	})
}

func TestRooms(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		row, _ := find(Table, "mute")
		ask := func(who string) []Place {
			rooms, err := s.dispatcher.Rooms(t.Context(), person(who), row)
			require.NoError(t, err)
			return rooms
		}
		assert.Equal(t, []Place{{456, "arena"}, {1600849147, "lobby"}}, ask("zhangsan"))
		s.ask("1", "zhangsan", "mute 456 lisi 5m")
		time.Sleep(time.Second)
		s.ask("2", "zhangsan", "mute 123 lisi 5m")
		got := ask("zhangsan")
		assert.Equal(t, int64(123), got[0].Room, "what was used last comes first")
		assert.Equal(t, int64(456), got[1].Room)
		assert.Contains(t, got, Place{1600849147, "lobby"})
		assert.Equal(t, []Place{{1600849147, "lobby"}}, ask("oncall"), "others' rooms do not exist for them")
		assert.Empty(t, ask("nobody"))

		s.dispatcher.Journal = &faultyJournal{Store: s.journal, list: errors.New("disk")}
		rooms, err := s.dispatcher.Rooms(t.Context(), person("zhangsan"), row)
		assert.Error(t, err)
		assert.Contains(t, rooms, Place{1600849147, "lobby"})
	})
}

func TestHome(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.ask("1", "zhangsan", "mute 123 lisi 30m reason=spam")
		s.ask("2", "zhangsan", "muteroom 456 10m")
		s.ask("3", "zhangsan", "mute 123 wangwu 1h")
		s.ask("4", "zhangsan", "unmute 123 wangwu")
		time.Sleep(time.Second)
		h, err := s.dispatcher.Home(t.Context(), person("zhangsan"), "")
		require.NoError(t, err)
		assert.False(t, h.Stranger)
		assert.Contains(t, h.Who.Text.String(), "This is who you are")
		require.Len(t, h.Active, 2)
		assert.Contains(t, h.Active[0].Text.String(), "#2: room arena (456) muted until")
		assert.Contains(t, h.Active[1].Text.String(), "#1: lisi muted in room 123 until")
		assert.Contains(t, h.Active[1].Text.String(), "spam")
		assert.Equal(t, []Choice{{"Undo", "undo 1"}, {"+10m", "extend 1 10m"}, {"+1h", "extend 1 1h"}}, h.Active[1].Choices)
		require.Len(t, h.Mine, 4)
		assert.Contains(t, h.Mine[0].String(), "#4")
		assert.Contains(t, h.Mine[0].String(), "unmute 123 wangwu → done")
		assert.Len(t, h.Commands, len(Table))
		assert.Equal(t, []Choice{{"Mute a member…", "mute"}, {"Mute a whole room…", "muteroom"}, {"Let a room close…", "delayclose"}}, h.Forms)
		assert.Nil(t, h.More)
		assert.Len(t, s.entries(t), 4, "looking leaves no trace")

		h, err = s.dispatcher.Home(t.Context(), person("nobody"), "zh-CN")
		require.NoError(t, err)
		assert.True(t, h.Stranger)
		assert.Empty(t, h.Active)
		assert.Equal(t, Chinese, h.Language)

		h, err = s.dispatcher.Home(t.Context(), person("oncall"), "")
		require.NoError(t, err)
		require.Len(t, h.Active, 1, "room 456 does not exist for them")
		assert.Equal(t, []Choice{{"Mute a member…", "mute"}}, h.Forms, "what they may do")
		for _, c := range h.Commands {
			assert.NotContains(t, []string{"muteroom", "unmuteroom", "delayclose"}, c.Label)
		}
		for _, c := range h.Active[0].Choices[1:2] {
			assert.Equal(t, Done, s.ask("press "+c.Line, "oncall", c.Line).Tone, "what is offered may be done")
		}

		s.dispatcher.Journal = &faultyJournal{Store: s.journal, list: errors.New("disk")}
		h, err = s.dispatcher.Home(t.Context(), person("zhangsan"), "")
		assert.Error(t, err)
		assert.NotEmpty(t, h.Who.Fields)
	})
	onStage(t, func(t *testing.T, s *stage) {
		s.ask("1", "zhangsan", "muteroom 456 1h")
		s.ask("2", "zhangsan", "muteroom 456 10m replace=1")
		assert.Equal(t, Done, s.ask("3", "zhangsan", "delayclose 123 fixed 1h yes=yes").Tone)
		time.Sleep(time.Second)
		h, err := s.dispatcher.Home(t.Context(), person("zhangsan"), "")
		require.NoError(t, err)
		require.Len(t, h.Active, 2)
		assert.Equal(t, []Choice{{"Unmute room", "unmuteroom room=456"}, {"Undo", "undo 2"}, {"+10m", "extend 2 10m"}}, h.Active[0].Choices, "taking it back would bring the other one back")
		assert.Equal(t, []Choice{{"Cancel timer", "undo 3"}, {"+1h", "extend 3 1h"}}, h.Active[1].Choices)
	})
}
