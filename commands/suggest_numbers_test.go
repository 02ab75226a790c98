package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/netease"
)

func TestSuggestNumbers(t *testing.T) {
	onTuesday(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpTemporaryMute, faults["is silent for good, having done nothing"])
		s.plays(
			"zhangsan: mute 123 zhaoliu 5m",                // 1, unknown
			"zhangsan: mute 123 mistyped 5m",               // 2, failed
			"zhangsan: mute lobby lisi 3m reason=spam",     // 3, over by then
			"night: muteroom 456 1h",                       // 4
			"night: delayclose 123 idle 1h",                // 5
			"zhangsan: mute 456 lisi 2h",                   // 6
			"oncall: mute 123 wangwu 1h",                   // 7
			"zhangsan: mute 123 wangwu 30m replace=7",      // 8
			"zhangsan: unmute 456 lisi",                    // 9
			"oncall: mute 123 nobody 5m",                   // 10, failed
			"night: history",                               // 11
			"night: muteroom lobby",                        // 12, asks
			"night: muteroom 123",                          // 13, asks
			"night: mute 123 wangwu 2h",                    // 14, asks
			"night: delayclose lobby fixed 1h reason=done", // 15, asks
			"night: confirm 12",                            // 16
			"night: cancel 13",                             // 17
			"oncall: extend 8 10m",                         // 18
		)
		time.Sleep(4*time.Minute + 30*time.Second)
		for _, tt := range []struct {
			focus
			want string
		}{
			{focus{who: "zhangsan", command: "undo"}, strings.TrimSpace(`
#9 unmute arena lisi → done, 4m ago = 9
#18 extend 8 10m → done, 4m ago, by On-call (oncall) = 18
#16 muteroom lobby → done, 4m ago, by Night (night) = 16
#5 delayclose 123 idle 1h → done, 4m ago, by Night (night) = 5
#4 muteroom arena 1h → done, 4m ago, by Night (night) = 4`)},
			{focus{who: "oncall", command: "undo"}, "#18 extend 8 10m → done, 4m ago = 18"},
			{focus{who: "zhangsan", command: "undo", typed: "＃1"}, "#18 extend 8 10m → done, 4m ago, by On-call (oncall) = 18\n#16 muteroom lobby → done, 4m ago, by Night (night) = 16"},
			{focus{who: "zhangsan", command: "undo", typed: "night Arena"}, "#4 muteroom arena 1h → done, 4m ago, by Night (night) = 4"},
			{focus{who: "zhangsan", command: "undo", typed: "night arena 已完成"}, ""},
			{focus{who: "zhangsan", command: "undo", typed: "arena", locale: "zh"}, "#9 unmute arena lisi → 已完成，4分钟前 = 9\n#4 muteroom arena 1h → 已完成，4分钟前，操作人 Night (night) = 4"},
			{focus{who: "zhangsan", command: "extend"}, strings.TrimSpace(`
#18 extend 8 10m → until Tue 14:40 UTC, by On-call (oncall) = 18
#4 muteroom arena 1h → until Tue 15:00 UTC, by Night (night) = 4
#5 delayclose 123 idle 1h → done, 4m ago, by Night (night) = 5`)},
			{focus{who: "oncall", command: "extend", locale: "zh"}, "#18 extend 8 10m → 至 周二 14:40 UTC = 18"},
			{focus{who: "night", command: "confirm"}, "#15 delayclose lobby fixed 1h → asked back, nothing done, 4m ago = 15"},
			{focus{who: "night", command: "cancel", locale: "zh"}, "#15 delayclose lobby fixed 1h → 待确认，未执行，4分钟前 = 15\n#14 mute 123 wangwu 2h → 待确认，未执行，4分钟前 = 14"},
			{focus{who: "zhangsan", command: "confirm"}, ""},
			{focus{who: "zhangsan", command: "retry"}, strings.TrimSpace(`
#2 mute 123 mistyped 5m → failed, 4m ago = 2
#1 mute 123 zhaoliu 5m → unknown, 5m ago = 1
#10 mute 123 nobody 5m → failed, 4m ago, by On-call (oncall) = 10`)},
			{focus{who: "oncall", command: "retry", typed: "fail"}, "#10 mute 123 nobody 5m → failed, 4m ago = 10\n#2 mute 123 mistyped 5m → failed, 4m ago, by Zhang San (zhangsan) = 2"},
			{focus{who: "zhangsan", command: "show", typed: "2"}, "#2 mute 123 mistyped 5m → failed, 4m ago = 2"},
			{focus{who: "zhangsan", command: "show", typed: "99"}, ""},
			{focus{who: "oncall", command: "show", typed: "4"}, ""},
			{focus{who: "oncall", command: "show", typed: "9"}, ""},
			{focus{who: "zhangsan", command: "show", typed: "11"}, "#11 history → done, 4m ago, by Night (night) = 11"},
			{focus{who: "oncall", command: "show", typed: "11"}, ""}, // about no room
			{focus{who: "oncall", command: "show", typed: "lobby ask"}, strings.TrimSpace(`
#15 delayclose lobby fixed 1h → asked back, nothing done, 4m ago, by Night (night) = 15
#12 muteroom lobby → asked back, nothing done, 4m ago, by Night (night) = 12`)},
			{focus{who: "zhangsan", command: "explain", arg: "code", typed: "13002"}, "13002 — The room is closed, or not in a state to be changed. = 13002"},
			{focus{who: "oncall", command: "explain", arg: "code", typed: "频率", locale: "zh"}, ""},
			{focus{who: "nobody", command: "show"}, ""},
			{focus{who: "nobody", command: "undo"}, ""},
			{focus{who: "nobody", command: "explain", arg: "code"}, ""},
			{focus{who: "zhangsan", command: "active", arg: "page"}, ""},
			{focus{who: "zhangsan", command: "history", arg: "before"}, ""},
			{focus{who: "zhangsan", command: "mute", arg: "replace"}, ""},
		} {
			if tt.arg == "" {
				tt.arg = "number"
			}
			assert.Equal(t, tt.want, offered(s.suggest(t, tt.focus)), "%+v", tt.focus)
		}
	})
}
