package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSuggestLengths(t *testing.T) {
	onTuesday(t, func(t *testing.T, s *stage) {
		s.plays("zhangsan: mute 123 lisi 2h", "night: mute 456 wangwu 1h")
		time.Sleep(5*time.Minute - 2*time.Second)
		usual := "5m\n10m\n30m\n1h\n6h\n1d\n7d"
		when := func(policy string) map[string]string { return map[string]string{"policy": policy} }
		of := func(number string) map[string]string { return map[string]string{"number": number} }
		for _, tt := range []struct {
			focus
			want string
		}{
			{focus{command: "mute"}, usual},
			{focus{command: "mute", locale: "zh-CN"}, "5分钟 = 5m\n10分钟 = 10m\n30分钟 = 30m\n1小时 = 1h\n6小时 = 6h\n1天 = 1d\n7天 = 7d"},
			{focus{command: "mute", typed: "\x00\u200b "}, usual},
			{focus{command: "mute", typed: "1d12h"}, "1d12h → until Thu 02:05 UTC = 1d12h"},
			{focus{command: "mute", typed: "1天12小时", locale: "zh-CN"}, "1天12小时 → 至 周四 02:05 UTC = 1d12h"},
			{focus{command: "mute", typed: "３０Ｄ"}, "30d → until 3 Dec 14:05 UTC = 30d"},
			{focus{command: "mute", typed: "30天", locale: "zh-CN"}, "30天 → 至 12月3日 14:05 UTC = 30d"},
			{focus{command: "muteroom", typed: "1"}, "1s → until Tue 14:05:01 UTC = 1s\n10m\n1h\n1d"},
			{focus{command: "mute", typed: "1小", locale: "zh-CN"}, "1小 的单位无法识别。可用单位：s、m、h、d、w，或秒、分钟、小时、天、周。 = 1小\n1小时 = 1h"},
			{focus{command: "mute", typed: "1.5h"}, "1.5h is not in whole numbers. Did you mean 1h30m? = 1.5h\n1h30m → until Tue 15:35 UTC = 1h30m"},
			{focus{command: "mute", typed: "3 days"}, "3d → until Fri 14:05 UTC = 3d"},
			{focus{command: "mute", typed: "31d"}, "31d is too long: duration is at most 30d. Did you mean 30d? = 31d\n30d → until 3 Dec 14:05 UTC = 30d"},
			{focus{command: "mute", typed: "31d", locale: "zh"}, "31d 太长：duration 最长为 30天。你是想输入 30d 吗？ = 31d\n30天 → 至 12月3日 14:05 UTC = 30d"},
			{focus{command: "mute", typed: "0"}, "0 is no time at all: mute lasts at least 1s. Did you mean unmute? = 0"},
			{focus{command: "mute", typed: "soon"}, "soon is not a length of time (300s, 5m, 1d12h; at most 30 days). = soon"},
			{focus{command: "delayclose", arg: "delay"}, usual},
			{focus{command: "delayclose", arg: "delay", typed: "2h"}, "2h → closes Tue 16:05 UTC at the earliest = 2h"},
			{focus{command: "delayclose", arg: "delay", typed: "2h", filled: when("fixed")}, "2h → closes at about Tue 16:05 UTC, with people inside too = 2h"},
			{focus{command: "delayclose", arg: "delay", typed: "2h", filled: when("ＩＤＬＥ")}, "2h → closes Tue 16:05 UTC at the earliest, once it has been empty so long = 2h"},
			{focus{command: "delayclose", arg: "delay", typed: "2h", filled: when("idle"), locale: "zh"}, "2小时 → 最早 周二 16:05 UTC 关闭，须连续无人这么久 = 2h"},
			{focus{command: "delayclose", arg: "delay", typed: "2h", filled: when("off")}, "2h → leave this empty with off = 2h"},
			{focus{command: "delayclose", arg: "delay", filled: when("off")}, ""},
			{focus{command: "delayclose", arg: "delay", typed: "8d"}, "8d is too long: delay is at most 7d. Did you mean 7d? = 8d\n7d → closes 10 Nov 14:05 UTC at the earliest = 7d"},
			{focus{command: "history", arg: "since"}, "1h\n6h\n1d\n2d\n7d\n30d\n90d"},
			{focus{command: "history", arg: "since", typed: "2d"}, "2d → since Sun 14:05 UTC = 2d"},
			{focus{command: "history", arg: "since", typed: "365d", locale: "zh"}, "365天 → 自 2025年11月3日 14:05 UTC 起 = 365d"},
			{focus{command: "extend", typed: "36h"}, "1d12h → 1d12h longer = 1d12h"},
			{focus{command: "extend", typed: "1h", filled: of("#1")}, "1h → 1h longer, until Tue 17:00 UTC = 1h"},
			{focus{command: "extend", typed: "1h", filled: of("1"), locale: "zh"}, "1小时 → 延长 1小时，至 周二 17:00 UTC = 1h"},
			{focus{who: "oncall", command: "extend", typed: "1h", filled: of("1")}, "1h → 1h longer, until Tue 17:00 UTC = 1h"},
			{focus{who: "oncall", command: "extend", typed: "1h", filled: of("2")}, "1h → 1h longer = 1h"}, // a room of others
			{focus{who: "oncall", command: "muteroom"}, ""},
			{focus{who: "nobody", command: "mute"}, ""},
		} {
			if tt.who == "" {
				tt.who = "zhangsan"
			}
			if tt.arg == "" {
				tt.arg = "duration"
			}
			got := s.suggest(t, tt.focus)
			assert.Equal(t, tt.want, offered(got), "%+v", tt.focus)
			for i, g := range got {
				a, _ := mustFind(t, tt.command).arg(tt.arg)
				_, mistake := a.readDuration(Command{}, tidy(g.Value))
				assert.True(t, mistake == nil || i == 0 && g.Value == tt.typed, "%q can be taken", g.Value)
			}
		}
	})
}
