package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// A countedJournal counts how often it is listed, and can take its time.
type countedJournal struct {
	journal.Store
	lists, gets int
	slow        bool // it answers when nobody waits any more
}

func (c *countedJournal) List(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	if c.lists++; c.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.Store.List(ctx, q)
}

func (c *countedJournal) Get(ctx context.Context, number int64) (journal.Entry, error) {
	c.gets++
	return c.Store.Get(ctx, number)
}

// A focus is somebody who is typing an argument.
type focus struct {
	who, command, arg, typed string
	filled                   map[string]string
	locale                   string
}

// suggest asks what somebody is offered, and holds it against what Suggest promises of everything.
func (s *stage) suggest(t testing.TB, f focus) []Suggestion {
	t.Helper()
	counted := &countedJournal{Store: s.journal}
	row, _ := find(Table, f.command)
	got := s.reading(counted).Suggest(t.Context(), person(f.who), row, f.arg, f.typed, f.filled, f.locale)
	assert.LessOrEqual(t, counted.lists+counted.gets, 2, "questions to the journal")
	wellFormed(t, got)
	return got
}

// reading is the bot with another journal.
func (s *stage) reading(store journal.Store) *Dispatcher {
	return &Dispatcher{Policy: s.dispatcher.Policy, Journal: store, NetEase: s.dispatcher.NetEase, Log: s.dispatcher.Log}
}

func wellFormed(t testing.TB, list []Suggestion) {
	t.Helper()
	assert.LessOrEqual(t, len(list), 25)
	met := map[string]bool{}
	for _, s := range list {
		for _, text := range []string{s.Label, s.Value} {
			n := utf8.RuneCountInString(text)
			assert.True(t, utf8.ValidString(text) && 1 <= n && n <= 100, "%q", text)
			assert.Equal(t, plain(text), text)
		}
		assert.False(t, met[s.Value], "%q twice", s.Value)
		met[s.Value] = true
	}
}

// offered are suggestions as text: "label = value", or one word where both are the same.
func offered(list []Suggestion) string {
	lines := make([]string, len(list))
	for i, s := range list {
		if lines[i] = s.Label + " = " + s.Value; s.Label == s.Value {
			lines[i] = s.Value
		}
	}
	return strings.Join(lines, "\n")
}

func mustFind(t *testing.T, name string) Command {
	row, ok := find(Table, name)
	require.True(t, ok, name)
	return row
}

// onTuesday is onStage at 14:00 UTC on 3 November 2026.
func onTuesday(t *testing.T, test func(t *testing.T, s *stage)) {
	onStage(t, func(t *testing.T, s *stage) {
		time.Sleep(time.Until(time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)))
		test(t, s)
	})
}

// plays has people give commands, a second apart.
func (s *stage) plays(lines ...string) {
	for _, line := range lines {
		who, line, _ := strings.Cut(line, ": ")
		s.answered(fmt.Sprint(time.Now()), who, line)
		time.Sleep(time.Second)
	}
}

func TestSuggestRooms(t *testing.T) {
	onTuesday(t, func(t *testing.T, s *stage) {
		s.plays("night: mute 456 lisi 5m", "zhangsan: mute 123 lisi 5m", "zhangsan: mute lobby lisi 5m", "oncall: mute 123 wangwu 5m", "zhangsan: mute 999 lisi 5m")
		for _, tt := range []struct {
			focus
			want string
		}{
			{focus{who: "zhangsan", command: "mute"}, "lobby (1600849147) = 1600849147\n123\narena (456) = 456"},
			{focus{who: "zhangsan", command: "mute", typed: "ＬＯ"}, "lobby (1600849147) = 1600849147"},
			{focus{who: "zhangsan", command: "mute", typed: "b"}, "lobby (1600849147) = 1600849147"},
			{focus{who: "zhangsan", command: "mute", typed: "4"}, "arena (456) = 456\nlobby (1600849147) = 1600849147\n4"},
			{focus{who: "zhangsan", command: "mute", typed: "１２３"}, "123"},
			{focus{who: "zhangsan", command: "mute", typed: "#12"}, "123\n12"},
			{focus{who: "zhangsan", command: "mute", typed: "777"}, "777"},
			{focus{who: "zhangsan", command: "mute", typed: "0"}, "lobby (1600849147) = 1600849147"},
			{focus{who: "zhangsan", command: "mute", typed: "99999999999999999999"}, ""},
			{focus{who: "zhangsan", command: "mute", typed: "lobby please"}, ""},
			{focus{who: "zhangsan", command: "active"}, "lobby (1600849147) = 1600849147\n123\narena (456) = 456"},
			{focus{who: "oncall", command: "mute"}, "123\nlobby (1600849147) = 1600849147"},
			{focus{who: "oncall", command: "room", typed: "l"}, "lobby (1600849147) = 1600849147"},
			{focus{who: "oncall", command: "history", typed: "4"}, "lobby (1600849147) = 1600849147"},
			{focus{who: "oncall", command: "mute", typed: "456"}, ""},
			{focus{who: "oncall", command: "mute", typed: "arena"}, ""},
			{focus{who: "oncall", command: "muteroom"}, ""}, // a right they have nowhere
			{focus{who: "nobody", command: "mute"}, ""},
			{focus{who: "zhangsan", command: "undo"}, ""}, // it has no room
		} {
			tt.arg = "room"
			assert.Equal(t, tt.want, offered(s.suggest(t, tt.focus)), "%+v", tt.focus)
		}
	})
}

func TestSuggestAccounts(t *testing.T) {
	onTuesday(t, func(t *testing.T, s *stage) {
		s.plays("zhangsan: mute 123 wangwu 10m", "night: mute 123 lisi 2h", "zhangsan: mute 123 mistyped 5m", "zhangsan: mute 123 zhaoliu 5m", "zhangsan: unmute 123 zhaoliu", "night: mute 456 wangwu 1h")
		time.Sleep(20 * time.Minute)
		in := func(room string) map[string]string { return map[string]string{"room": room} }
		for _, tt := range []struct {
			focus
			want string
		}{
			{focus{who: "zhangsan", command: "mute", filled: in("123")}, "zhaoliu\nlisi\nwangwu"},
			{focus{who: "zhangsan", command: "mute", filled: in("123"), typed: "Ｗ"}, "wangwu"},
			{focus{who: "zhangsan", command: "mute", filled: in("123"), typed: "l"}, "lisi\nzhaoliu"},
			{focus{who: "zhangsan", command: "mute", filled: in(" Arena ")}, "wangwu"},
			{focus{who: "zhangsan", command: "mute", filled: in("lobby")}, ""},
			{focus{who: "zhangsan", command: "mute", filled: in("nowhere")}, ""},
			{focus{who: "zhangsan", command: "mute"}, "zhaoliu\nwangwu"},
			{focus{who: "night", command: "mute"}, "wangwu\nlisi"},
			{focus{who: "oncall", command: "mute", filled: in("123")}, "zhaoliu\nlisi\nwangwu"},
			{focus{who: "oncall", command: "mute", filled: in("456")}, ""},
			{focus{who: "oncall", command: "mute", filled: in("arena")}, ""},
			{focus{who: "oncall", command: "mute"}, ""},
			{focus{who: "zhangsan", command: "unmute", filled: in("123")}, "lisi, muted until Tue 16:00 UTC = lisi\nzhaoliu\nwangwu"},
			{focus{who: "zhangsan", command: "unmute", filled: in("123"), locale: "zh-CN"}, "lisi（禁言至 周二 16:00 UTC） = lisi\nzhaoliu\nwangwu"},
			{focus{who: "night", command: "unmute"}, "wangwu, muted until Tue 15:00 UTC = wangwu\nlisi, muted until Tue 16:00 UTC = lisi"},
			{focus{who: "zhangsan", command: "unmute"}, "zhaoliu\nwangwu"},
			{focus{who: "zhangsan", command: "history", filled: in("123")}, "zhaoliu\nmistyped\nlisi\nwangwu"},
			{focus{who: "nobody", command: "mute", filled: in("123")}, ""},
		} {
			tt.arg = "target"
			assert.Equal(t, tt.want, offered(s.suggest(t, tt.focus)), "%+v", tt.focus)
		}
	})
}

func TestSuggestWords(t *testing.T) {
	onTuesday(t, func(t *testing.T, s *stage) {
		s.plays("night: mute 456 lisi 5m", "zhangsan: mute 123 lisi 5m", "oncall: unmute 123 lisi", "wangwu: mute 456 lisi 5m")
		for _, tt := range []struct {
			focus
			want string
		}{
			{focus{who: "zhangsan", command: "delayclose", arg: "policy"}, "Not at all: cancel the timer = off\nOnce it is empty = idle\nAt a set time, with people inside too = fixed"},
			{focus{who: "zhangsan", command: "delayclose", arg: "policy", typed: "Empty"}, "Once it is empty = idle"},
			{focus{who: "zhangsan", command: "delayclose", arg: "policy", typed: "无人", locale: "zh"}, "无人后关闭 = idle"},
			{focus{who: "oncall", command: "delayclose", arg: "policy"}, ""},
			{focus{who: "zhangsan", command: "history", arg: "outcome", typed: "no"}, "no change = nochange\nno outcome yet = running\nunknown"},
			{focus{who: "zhangsan", command: "history", arg: "outcome", typed: "失", locale: "zh"}, "失败 = failed"},
			{focus{who: "zhangsan", command: "history", arg: "by"}, "me\nwangwu\nOn-call (oncall) = oncall\nNight (night) = night"},
			{focus{who: "zhangsan", command: "history", arg: "by", typed: "我", locale: "zh"}, "我 = me"},
			{focus{who: "oncall", command: "history", arg: "by"}, "me\nZhang San (zhangsan) = zhangsan"},
			{focus{who: "oncall", command: "active", arg: "by", typed: "san"}, "Zhang San (zhangsan) = zhangsan"},
			{focus{who: "nobody", command: "active", arg: "by"}, ""},
			{focus{who: "zhangsan", command: "mute", arg: "reason", typed: "spam"}, ""},
			{focus{who: "zhangsan", command: "mute", arg: "notify"}, ""},
			{focus{who: "zhangsan", command: "help", arg: "command"}, ""},
			{focus{who: "zhangsan", command: "mute", arg: "nothing"}, ""},
			{focus{who: "zhangsan", command: "", arg: "room"}, ""},
		} {
			assert.Equal(t, tt.want, offered(s.suggest(t, tt.focus)), "%+v", tt.focus)
		}
		assert.Len(t, s.entries(t), 4, "nothing is written down")
		assert.Equal(t, 4, len(s.nim.Calls()), "nothing is asked of NetEase")
	})
}

// TestSuggestWithoutJournal: what needs no journal is offered all the same, and nobody waits longer than ctx.
func TestSuggestWithoutJournal(t *testing.T) {
	onTuesday(t, func(t *testing.T, s *stage) {
		s.plays("zhangsan: mute 123 lisi 5m")
		for name, store := range map[string]journal.Store{
			"it fails": &faultyJournal{Store: s.journal, list: errors.New("disk")}, "it is slow": &countedJournal{Store: s.journal, slow: true},
		} {
			d := s.reading(store)
			for _, row := range Table {
				for _, a := range row.Args {
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					got := d.Suggest(ctx, person("zhangsan"), row, a.Name, "", map[string]string{"room": "123", "number": "1"}, "")
					assert.LessOrEqual(t, time.Since(begun), 2*time.Second, "%s: %s %s", name, row.Name, a.Name)
					cancel()
					wellFormed(t, got)
					switch {
					case a.Kind == Room:
						assert.Equal(t, "arena (456) = 456\nlobby (1600849147) = 1600849147\n123", offered(got), "%s: %s", name, row.Name)
					case a.Kind == Account, a.Name == "number":
						assert.Empty(t, got, "%s: %s %s", name, row.Name, a.Name)
					case a.Kind == Duration, a.Kind == OneOf, a.Name == "code", a.Name == "by":
						assert.NotEmpty(t, got, "%s: %s %s", name, row.Name, a.Name)
					}
				}
			}
			row := mustFind(t, "extend")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			assert.Equal(t, "1h → 1h longer = 1h", offered(d.Suggest(ctx, person("zhangsan"), row, "duration", "1h", map[string]string{"number": "1"}, "")))
			cancel()
		}
	})
}

// TestSuggestMuch: however much there is, and however odd, there are 25 at most and none is too long.
func TestSuggestMuch(t *testing.T) {
	file := "moderators:\n  - {name: Zhang San, console: [zhangsan], accid: zhangsan, commands: [\"*\"], rooms: [\"*\"]}\nrooms:\n"
	for i := range 40 {
		file += fmt.Sprintf("  room-%s-%02d: %d\n", strings.Repeat("x", 50), i, 1000+i)
	}
	policy, err := permissions.Parse([]byte(file), Vocabulary())
	require.NoError(t, err)
	onTuesday(t, func(t *testing.T, s *stage) {
		s.dispatcher.Policy = func() *permissions.Policy { return policy }
		for i := range 30 {
			account := fmt.Sprintf("member%02d", i)
			s.nim.AddAccounts(netease.AccID(account))
			s.plays(fmt.Sprintf("zhangsan: mute 123 %s 1h reason=%s", account, strings.Repeat("长", 300)))
		}
		in123 := map[string]string{"room": "123"}
		assert.Len(t, s.suggest(t, focus{who: "zhangsan", command: "mute", arg: "room"}), 25)
		got := s.suggest(t, focus{who: "zhangsan", command: "mute", arg: "room", typed: "1"})
		require.Len(t, got, 25)
		assert.Equal(t, Suggestion{"1", "1"}, got[24], "what is typed is among them")
		got = s.suggest(t, focus{who: "zhangsan", command: "mute", arg: "duration", typed: strings.Repeat("x", 99)})
		require.Len(t, got, 1)
		assert.Equal(t, 100, utf8.RuneCountInString(got[0].Label))
		assert.True(t, strings.HasSuffix(got[0].Label, "…"))
		got = s.suggest(t, focus{who: "zhangsan", command: "unmute", arg: "target", filled: in123})
		require.Len(t, got, 25)
		assert.Equal(t, "member29, muted until Tue 15:00 UTC", got[0].Label)
		for _, command := range []string{"undo", "extend", "show"} {
			assert.Len(t, s.suggest(t, focus{who: "zhangsan", command: command, arg: "number"}), 25, command)
		}
		for _, typed := range []string{strings.Repeat("9", 5000), strings.Repeat("禁", 5000), strings.Repeat("5m", 2500), "\xff", "\x00\x1b[31m", "\u202e5m", "5m\n", "\"", "`", "#", "。", "-", "<@U1>", "{word}", "5m" + strings.Repeat(" ", 200) + "x"} {
			for _, row := range Table {
				for _, a := range row.Args {
					for _, locale := range []string{"", "zh-CN"} {
						s.suggest(t, focus{"zhangsan", row.Name, a.Name, typed, map[string]string{"room": typed, "policy": typed, "number": typed}, locale})
					}
				}
			}
		}
	})
}

// FuzzSuggest: whatever is typed, suggestions can be shown and taken, and say nothing of rooms beyond reach.
func FuzzSuggest(f *testing.F) {
	s := newStage(f)
	for _, line := range []string{"zhangsan: mute 456 zhaoliu 1h", "zhangsan: mute 123 lisi 1h", "zhangsan: muteroom 456 10m", "zhangsan: history", "oncall: mute 123 lisi 1h"} {
		who, line, _ := strings.Cut(line, ": ")
		r := s.ask(line, who, line)
		s.dispatcher.Answered(r.Number, true)
	}
	secret := []string{"456", "arena", "zhaoliu"}
	for i, row := range Table {
		for k := range row.Args {
			f.Add(uint(i), uint(k), []string{"", "4", "\xff", "1.5h", "#1"}[k%5], "123", "1", "zh")
		}
	}
	f.Fuzz(func(t *testing.T, command, arg uint, typed, room, number, locale string) {
		row := Table[command%uint(len(Table))]
		if len(row.Args) == 0 {
			return
		}
		a := row.Args[arg%uint(len(row.Args))]
		ask := func(who string) []Suggestion {
			got := s.suggest(t, focus{who, row.Name, a.Name, typed, map[string]string{"room": room, "number": number, "policy": number}, locale})
			return got
		}
		ask("zhangsan")
		assert.Nil(t, ask("nobody"))
		for _, got := range ask("oncall") {
			if a.Kind == Duration || a.Kind == OneOf || a.Name == "code" { // they echo what is typed, or are the same for everyone
				continue
			}
			for _, word := range secret {
				assert.NotContains(t, got.Label, word)
				assert.NotEqual(t, word, got.Value)
			}
		}
	})
}
