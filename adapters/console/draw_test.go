package console

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"roomwarden/commands"
)

// muted is a reply with everything in it.
func muted(l commands.Language) commands.Reply {
	until := time.Now().Add(5 * time.Minute)
	if l == commands.Chinese {
		return commands.Reply{Tone: commands.Done, Language: l, Public: true, Number: 41,
			Text: commands.Prose{{Code: "lisi"}, {Text: " 在房间 lobby 中被禁言至 "}, {Time: until}, {Text: "。"}},
			Fields: []commands.Field{
				{Label: "房间", Value: commands.Prose{{Text: "lobby "}, {Code: "1600849147"}}},
				{Label: "操作人", Value: commands.Prose{{Text: "Zhang San"}}},
				{Label: "ID", Value: commands.Prose{{Text: "第一行\n第二行"}}},
			},
			Choices: []commands.Choice{{Label: "解除禁言", Line: "unmute room=lobby target=lisi"}},
		}
	}
	return commands.Reply{Tone: commands.Done, Language: l, Public: true, Number: 41,
		Text: commands.Prose{{Code: "lisi"}, {Text: " is muted in room lobby until "}, {Time: until}, {Text: "."}},
		Fields: []commands.Field{
			{Label: "Room", Value: commands.Prose{{Text: "lobby "}, {Code: "1600849147"}}},
			{Label: "By", Value: commands.Prose{{Text: "Zhang San"}}},
			{Label: "Reason", Value: commands.Prose{{Text: "first line\nsecond line"}}},
		},
		Choices: []commands.Choice{{Label: "Unmute", Line: "unmute room=lobby target=lisi"}},
	}
}

func TestDrawEveryTone(t *testing.T) {
	for _, row := range []struct {
		file     string
		language commands.Language
		text     string
	}{
		{"replies.en.txt", commands.English, "What happened to lisi.\nWhat to do next."},
		{"replies.zh-CN.txt", commands.Chinese, "lisi 怎么样了。\n接下来怎么做。"},
	} {
		t.Run(string(row.language), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &Console{Zone: time.FixedZone("CST", 8*60*60)}
				drawn := []string{c.draw(muted(row.language))}
				for _, tone := range []commands.Tone{commands.Info, commands.Done, commands.NoChange, commands.Refused,
					commands.Failed, commands.Unknown, commands.Working, "a tone of later days"} {
					drawn = append(drawn, c.draw(commands.Reply{Tone: tone, Language: row.language, Text: commands.Prose{{Text: row.text}}}))
				}
				golden(t, row.file, strings.Join(drawn, "\n"))
			})
		})
	}
}

func TestDrawInColor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Console{Zone: time.UTC, Color: true}
		assert.Equal(t, "\x1b[32m✔ done\x1b[0m  \x1b[1mlisi\x1b[0m is muted in room lobby until 2000-01-01 00:05:00 (in 5m).\n"+
			"  Room:   lobby \x1b[1m1600849147\x1b[0m\n"+
			"  By:     Zhang San\n"+
			"  Reason: first line\n"+
			"          second line\n"+
			"  → Unmute: \x1b[1munmute room=lobby target=lisi\x1b[0m\n"+
			"  \x1b[2m#41 (everyone in the channel sees this)\x1b[0m\n", c.draw(muted(commands.English)))
	})
}

func TestDrawWithoutAZoneIsLocal(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("CST", 8*60*60)
	synctest.Test(t, func(t *testing.T) {
		assert.Equal(t, "2000-01-01 08:00:00 (now)", (&Console{}).moment(time.Now().UTC(), commands.English))
	})
}

func TestAway(t *testing.T) {
	const day = 24 * time.Hour
	for _, row := range []struct {
		in               time.Duration
		english, chinese string
	}{
		{0, "now", "现在"},
		{-499 * time.Millisecond, "now", "现在"},
		{time.Second, "in 1s", "1秒后"},
		{-time.Second, "1s ago", "1秒前"},
		{5*time.Minute - time.Millisecond, "in 5m", "5分钟后"},
		{-5 * time.Minute, "5m ago", "5分钟前"},
		{4*time.Minute + 59*time.Second, "in 4m59s", "4分钟59秒后"},
		{time.Hour - time.Millisecond, "in 1h", "1小时后"},
		{time.Hour + 30*time.Minute + 29*time.Second, "in 1h30m", "1小时30分钟后"},
		{day - time.Second, "in 1d", "1天后"},
		{-(day + 12*time.Hour + 31*time.Minute), "1d13h ago", "1天13小时前"},
		{30 * day, "in 30d", "30天后"},
		{math.MinInt64, "106751d23h47m16s ago", "106751天23小时47分钟16秒前"}, // too far to be rounded
	} {
		t.Run(row.in.String(), func(t *testing.T) {
			assert.Equal(t, row.english, away(row.in, commands.English))
			assert.Equal(t, row.chinese, away(row.in, commands.Chinese))
		})
	}
}

func TestDrawKeepsHostileTextFromTheTerminal(t *testing.T) {
	const hostile = "li\x1b[31m\x07\u009b\u202esi\u200b\r\t\u2028|\xff世🙂"
	const shown = "li�[31m���si�� �|�世🙂"
	reply := commands.Reply{
		Tone:    commands.Refused,
		Text:    commands.Prose{{Text: hostile}, {Code: hostile + "\n✔ done"}},
		Fields:  []commands.Field{{Label: hostile + "\n✔ done", Value: commands.Prose{{Text: hostile}}}},
		Choices: []commands.Choice{{Label: hostile + "\n✔ done", Line: hostile + "\n✔ done"}},
	}
	assert.Equal(t, "⊘ refused  "+shown+shown+"�✔ done\n"+
		"  "+shown+"�✔ done: "+shown+"\n"+
		"  → "+shown+"�✔ done: "+shown+"�✔ done\n", (&Console{}).draw(reply))
}

// assertHarmless fails where a drawing could control a terminal.
func assertHarmless(t *testing.T, drawn string) {
	t.Helper()
	assert.True(t, utf8.ValidString(drawn))
	for _, r := range drawn {
		if r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Fatalf("%U in %q", r, drawn)
		}
	}
}

func FuzzDraw(f *testing.F) {
	f.Add("done", "en", "words\nwords", "lisi", "Room", "Unmute", "unmute 123 lisi", int64(41), int64(0), true)
	f.Add("?", "zh-CN", "\x1b[2J", "\x1b]8;;x\x07", "\u202e", "\r\n> mute", "\n✔ done", int64(-1), int64(math.MaxInt64), false)
	f.Fuzz(func(t *testing.T, tone, language, text, code, label, choice, line string, number, unix int64, public bool) {
		words := commands.Prose{{Text: text}, {Code: code}, {Time: time.Unix(unix, 0)}}
		reply := commands.Reply{
			Tone: commands.Tone(tone), Language: commands.Language(language), Number: number, Public: public,
			Text:    words,
			Fields:  []commands.Field{{Label: label, Value: words}, {Label: code, Value: words}},
			Choices: []commands.Choice{{Label: choice, Line: line}},
		}
		plain := (&Console{Zone: time.UTC}).draw(reply)
		assertHarmless(t, plain)
		lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
		for _, l := range lines[1:] {
			assert.True(t, strings.HasPrefix(l, "  "), "%q could pass for another reply", l)
		}

		colored := (&Console{Zone: time.UTC, Color: true}).draw(reply)
		for _, sequence := range []string{bold, faint, red, green, yellow, cyan, "0"} {
			colored = strings.ReplaceAll(colored, "\x1b["+sequence+"m", "")
		}
		assertHarmless(t, colored)
	})
}
