package slack

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

var update = flag.Bool("update", false, "write testdata/* anew")

// What stands between strangers' text and Slack's own markup: dates of ours, and entities.
var (
	ourDate  = regexp.MustCompile(`<!date\^-?\d+\^\{date_short_pretty\} \{time\} \(\{ago\}\)\|-?\d{4,}-\d\d-\d\d \d\d:\d\d UTC>`)
	entities = regexp.MustCompile(`&(amp|lt|gt);`)
)

// checkMessage holds a message against Slack's limits (written down here again) and ours, whatever it says.
func checkMessage(t assert.TestingT, m message) {
	length := utf8.RuneCountInString
	assert.Contains(t, []string{"ephemeral", "in_channel"}, m.ResponseType)
	assert.NotEmpty(t, strings.TrimSpace(m.Text))
	assert.LessOrEqual(t, length(m.Text), 4000)
	checkText(t, m.Text)
	assert.NotContains(t, m.Text, "<")

	assert.LessOrEqual(t, len(m.Blocks), 50)
	for _, b := range m.Blocks {
		var all []text
		switch b.Type {
		case "section":
			assert.Empty(t, b.Elements)
			if assert.NotNil(t, b.Text) {
				all = []text{*b.Text}
			}
		case "context":
			assert.Nil(t, b.Text)
			assert.NotEmpty(t, b.Elements)
			assert.LessOrEqual(t, len(b.Elements), 10)
			for _, e := range b.Elements {
				assert.Nil(t, e.button)
				all = append(all, e.note)
			}
		case "actions":
			assert.Nil(t, b.Text)
			checkButtons(t, b.Elements)
		default:
			assert.Fail(t, "block type", b.Type)
		}
		for _, o := range all {
			assert.Equal(t, "mrkdwn", o.Type)
			assert.True(t, o.Verbatim)
			assert.NotEmpty(t, strings.TrimSpace(o.Text))
			assert.LessOrEqual(t, length(o.Text), 3000)
			assert.Zero(t, strings.Count(o.Text, "`")%2, "an open code span in %q", o.Text)
			assert.NotContains(t, o.Text, "``")
			checkText(t, o.Text)
		}
	}
	blocks, err := encode(message{Blocks: m.Blocks})
	assert.NoError(t, err)
	assert.LessOrEqual(t, length(string(blocks)), 13000)
}

// checkButtons holds a row of buttons against Slack's limits.
func checkButtons(t assert.TestingT, row []element) {
	length := utf8.RuneCountInString
	assert.NotEmpty(t, row)
	assert.LessOrEqual(t, len(row), 25)
	ids := map[string]bool{}
	for _, e := range row {
		if !assert.NotNil(t, e.button) {
			continue
		}
		assert.Equal(t, "button", e.button.Type)
		assert.Equal(t, "plain_text", e.button.Text.Type)
		assert.NotEmpty(t, strings.TrimSpace(e.button.Text.Text))
		assert.LessOrEqual(t, length(e.button.Text.Text), 75)
		assert.NotContains(t, e.button.Text.Text, "\n")
		assert.NotEmpty(t, e.button.Value)
		assert.LessOrEqual(t, length(e.button.Value), 2000)
		assert.NotEmpty(t, e.button.ActionID)
		assert.LessOrEqual(t, length(e.button.ActionID), 255)
		assert.False(t, ids[e.button.ActionID], "an action_id twice")
		assert.Contains(t, []string{"", "primary", "danger"}, e.button.Style)
		ids[e.button.ActionID] = true
	}
}

func checkText(t assert.TestingT, s string) {
	assert.True(t, utf8.ValidString(s))
	bare := entities.ReplaceAllString(ourDate.ReplaceAllString(s, ""), "")
	assert.NotContains(t, bare, "<")
	assert.NotContains(t, bare, ">")
	assert.NotContains(t, bare, "&")
	for _, r := range s {
		if r != '\n' && r != '\u200C' && r != '\u200D' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			assert.Fail(t, "a character not to be seen", "%U in %q", r, s)
		}
	}
}

// samples has a reply of each tone, in English and in Chinese.
func samples() map[string]commands.Reply {
	until := commands.Span{Time: time.Date(2026, 11, 20, 14, 5, 6, 0, time.UTC)}
	id := func(s string) commands.Span { return commands.Span{Code: s} }
	say := func(s string) commands.Span { return commands.Span{Text: s} }
	undo := func(label string) []commands.Choice {
		return []commands.Choice{{Label: label, Line: "unmute room=123 target=lisi"}}
	}
	return map[string]commands.Reply{
		"done.en": {Tone: commands.Done, Language: commands.English, Public: true, Number: 41,
			Text: commands.Prose{id("lisi"), say(" is muted in room "), id("123"), say(" until "), until, say(".")},
			Fields: []commands.Field{
				{Label: "By", Value: commands.Prose{say("Zhang San")}},
				{Label: "Reason", Value: commands.Prose{say("spam & *more* spam")}},
			},
			Choices: undo("Unmute")},
		"done.zh-CN": {Tone: commands.Done, Language: commands.Chinese, Public: true, Number: 41,
			Text: commands.Prose{say("已在聊天室"), id("123"), say("禁言"), id("lisi"), say("，直到"), until, say("。")},
			Fields: []commands.Field{
				{Label: "操作人", Value: commands.Prose{say("Zhang San")}},
				{Label: "原因", Value: commands.Prose{say("刷屏")}},
			},
			Choices: undo("解除禁言")},
		"asks.en": {Tone: commands.Asks, Language: commands.English, Number: 42, Text: commands.Prose{id("lisi"), say(" is muted already, by Wang Wu until "), until, say(" (#41).")},
			Choices: []commands.Choice{{Label: "+10m", Line: "extend 41 10m"}, {Label: "Replace", Line: "mute room=123 target=lisi duration=5m replace=41"}, {Label: "Leave it", Line: "cancel 42"}}},
		"asks.zh-CN": {Tone: commands.Asks, Language: commands.Chinese, Number: 42, Text: commands.Prose{say("将对聊天室 "), id("123"), say(" 整体禁言。请确认。")},
			Choices: []commands.Choice{{Label: "确认", Line: "confirm 42"}, {Label: "取消", Line: "cancel 42"}}},
		"list.en": {Tone: commands.Info, Language: commands.English, Number: 50, Text: commands.Prose{say("The newest entries first.")},
			Fields: []commands.Field{
				{Label: "#42", Value: commands.Prose{until, say(" Zhang San: "), id("mute 123 lisi 5m"), say(" → done")}},
				{Label: "#41", Value: commands.Prose{until, say(" Wang Wu: "), id("unmute 123 lisi"), say(" → no change")}},
			},
			Choices: []commands.Choice{{Label: "Older", Line: "history before=41"}}},
		"list.zh-CN": {Tone: commands.Info, Language: commands.Chinese, Number: 50, Text: commands.Prose{say("最新的在前。")},
			Fields: []commands.Field{{Label: "#42", Value: commands.Prose{until, say(" Zhang San："), id("mute 123 lisi 5m"), say(" → 已完成")}}}},
		"nochange.en":    {Tone: commands.NoChange, Language: commands.English, Number: 42, Text: commands.Prose{say("Room "), id("123"), say(" is silenced already.")}},
		"nochange.zh-CN": {Tone: commands.NoChange, Language: commands.Chinese, Number: 42, Text: commands.Prose{say("聊天室 "), id("123"), say(" 已经处于禁言状态。")}},
		"refused.en": {Tone: commands.Refused, Language: commands.English, Number: 43, Text: commands.Prose{say("You may not do that. You lack the right "), id("mute"), say(".")},
			Choices: []commands.Choice{{Label: "Who am I?", Line: "whoami"}}},
		"refused.zh-CN": {Tone: commands.Refused, Language: commands.Chinese, Number: 43, Text: commands.Prose{say("你没有执行此操作的权限："), id("mute")},
			Choices: []commands.Choice{{Label: "我是谁？", Line: "whoami"}}},
		"failed.en": {Tone: commands.Failed, Language: commands.English, Number: 44, Text: commands.Prose{say("NetEase says no (404): "), say("room <123> not found"), say("\nCheck the room id.")}},
		"failed.zh-CN": {Tone: commands.Failed, Language: commands.Chinese, Number: 44,
			Text: commands.Prose{say("网易云信拒绝了请求（404）："), say("room <123> not found"), say("\n请检查聊天室 ID。")}},
		"unknown.en": {Tone: commands.Unknown, Language: commands.English, Number: 45, Text: commands.Prose{say("NetEase did not answer in time.")},
			Choices: []commands.Choice{{Label: "Look", Line: "room room=123"}, {Label: "Unmute", Line: "unmute room=123 target=lisi"}}},
		"unknown.zh-CN": {Tone: commands.Unknown, Language: commands.Chinese, Number: 45, Text: commands.Prose{say("网易云信没有及时响应。")},
			Choices: []commands.Choice{{Label: "查看", Line: "room room=123"}, {Label: "解除禁言", Line: "unmute room=123 target=lisi"}}},
		"info.en":         {Tone: commands.Info, Language: commands.English, Text: commands.Prose{say("Room "), id("123"), say(" is open.\n12 people are in it.")}},
		"info.zh-CN":      {Tone: commands.Info, Language: commands.Chinese, Text: commands.Prose{say("聊天室 "), id("123"), say(" 已开放。\n在线 12 人。")}},
		"working.en":      commands.Acknowledgement(commands.English, 46),
		"working.zh-CN":   commands.Acknowledgement(commands.Chinese, 46),
		"unwritten.en":    commands.Acknowledgement(commands.English, 0),
		"unwritten.zh-CN": commands.Acknowledgement(commands.Chinese, 0),
		"busy.en":         commands.Busy(commands.English),
		"busy.zh-CN":      commands.Busy(commands.Chinese),
	}
}

func TestDrawGolden(t *testing.T) {
	for name, reply := range samples() {
		t.Run(name, func(t *testing.T) {
			m := draw(reply)
			checkMessage(t, m)
			body, err := encode(m)
			require.NoError(t, err)
			golden(t, name, body)
		})
	}
}

// Every place of a reply is drawn so that text in it can neither ping, link, format nor hide.
func TestDrawHostileText(t *testing.T) {
	for _, test := range []struct{ name, in, prose, code string }{
		{"everyone", "<!channel> <!here>", "&lt;!channel&gt; &lt;!here&gt;", "&lt;!channel&gt; &lt;!here&gt;"},
		{"mention", "<@U0456|lisi>", "&lt;@U0456|lisi&gt;", "&lt;@U0456|lisi&gt;"},
		{"forged link", "<https://evil.example|rules>", "&lt;https://evil.example|rules&gt;", "&lt;https://evil.example|rules&gt;"},
		{"forged date", "<!date^1^{date}|x>", "&lt;!date^1^{date}|x&gt;", "&lt;!date^1^{date}|x&gt;"},
		{"escaped already", "&lt;!here&gt;", "&amp;lt;!here&amp;gt;", "&amp;lt;!here&amp;gt;"},
		{"bold, italics, strike", "*a* _b_ ~c~", "∗a∗ ˍbˍ ∼c∼", "*a* _b_ ~c~"},
		{"underscore in a word", "zhang_san _x_y_", "zhang_san ˍx_yˍ", "zhang_san _x_y_"},
		{"underscore beside Chinese", "李_四_", "李ˍ四ˍ", "李_四_"},
		{"back-ticks", "`a` ```b```", "ˋaˋ ˋˋˋbˋˋˋ", "ˋaˋ ˋˋˋbˋˋˋ"},
		{"emoji names", ":white_check_mark: :a:b: 12:30", "∶white_check_mark∶ ∶a∶b: 12:30", ":white_check_mark: :a:b: 12:30"},
		{"emoji", "🙂👨‍👩‍👧", "🙂👨‍👩‍👧", "🙂👨‍👩‍👧"},
		{"bidi", "abc\u202Edcba\u2066\u200F", "abcdcba", "abcdcba"},
		{"not to be seen", "a\u200Bb\uFEFFc\x00d\x1b[31me\u00ADf\x7f", "abcd[31mef", "abcd[31mef"},
		{"line breaks", "a\r\n> b\u2028c", "a\n› b c", "a &gt; b c"},
		{"tab", "a\tb", "a b", "a b"},
		{"broken characters", "a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"quotes and back-slashes", `"\n"`, `"\n"`, `"\n"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := draw(commands.Reply{
				Tone: commands.Info,
				Text: commands.Prose{{Text: "x "}, {Text: test.in}, {Text: " x "}, {Code: test.in}},
				Fields: []commands.Field{
					{Label: test.in, Value: commands.Prose{{Code: test.in}, {Text: " y " + test.in}}},
				},
				Choices: []commands.Choice{{Label: test.in, Line: test.in}},
			})
			checkMessage(t, m)
			label := strings.ReplaceAll(strings.ReplaceAll(test.prose, "\n", " "), "›", "&gt;")
			assert.Equal(t, []block{
				section("ℹ️ x " + test.prose + " x `" + test.code + "`"),
				section("*" + label + ":* `" + test.code + "` y " + test.prose),
			}, m.Blocks[:2])
			require.Len(t, m.Blocks, 3)
			pressed := m.Blocks[2].Elements[0].button
			assert.Equal(t, test.in, pressed.Value, "it is carried as it is, and shown to nobody")
			assert.NotRegexp(t, `[<>\x00-\x1f\x{202e}\x{200b}]`, pressed.Text.Text)
			assert.NotContains(t, m.Text, "`")
			assert.Contains(t, m.Text, "x "+test.prose+" x ")
		})
	}
}

func TestDrawSpaces(t *testing.T) {
	code, say := func(s string) commands.Span { return commands.Span{Code: s} }, func(s string) commands.Span { return commands.Span{Text: s} }
	for _, test := range []struct {
		name string
		in   commands.Prose
		want string
	}{
		{"Chinese around code", commands.Prose{say("聊天室"), code("123"), say("，已禁言"), code("lisi")}, "聊天室 `123` ，已禁言 `lisi`"},
		{"spaces are there", commands.Prose{say("聊天室 "), code("123"), say(" 已禁言")}, "聊天室 `123` 已禁言"},
		{"English around code", commands.Prose{say("room "), code("123"), say(", ("), code("lisi"), say(").")}, "room `123`, (`lisi`)."},
		{"code beside code", commands.Prose{code("a"), code("b")}, "`a` `b`"},
		{"code without anything", commands.Prose{say("a"), code(" \u200b\n"), say("b")}, "ab"},
		{"a quote at a line's start", commands.Prose{say("a\n"), say("> b > c")}, "a\n› b &gt; c"},
		{"no quote inside a line", commands.Prose{say("a "), say("> b")}, "a &gt; b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, marked(test.in))
		})
	}
}

func TestDrawKeepsLimits(t *testing.T) {
	many := func(n int, s string) []commands.Field {
		var all []commands.Field
		for range n {
			all = append(all, commands.Field{Label: "room", Value: commands.Prose{{Text: s}}})
		}
		return all
	}
	sayings := func(s string) commands.Prose { return commands.Prose{{Text: s}} }
	lastSection := func(m message) string {
		last := ""
		for _, b := range m.Blocks {
			if b.Type == "section" {
				last = b.Text.Text
			}
		}
		return last
	}
	for _, test := range []struct {
		name     string
		in       commands.Reply
		sections int
		notes    []string // texts of the context blocks
		end      string   // of the last section
		text     string   // end of the top-level text
	}{
		{"section just full", commands.Reply{Text: sayings(strings.Repeat("世", 2990)), Tone: commands.Done, Number: 1},
			1, []string{"#1"}, "世", "世\n#1"},
		{"section over by one", commands.Reply{Text: sayings(strings.Repeat("世", 2991)), Tone: commands.Done},
			2, nil, "世", "世"},
		{"text just full", commands.Reply{Text: sayings(strings.Repeat("🙂", 3996)), Number: 1},
			2, []string{"#1"}, "🙂", "🙂\n#1"},
		{"text over by one", commands.Reply{Text: sayings(strings.Repeat("🙂", 3997)), Number: 1},
			2, []string{"#1"}, "🙂", "🙂…\n#1"},
		{"one line without end", commands.Reply{Text: sayings(strings.Repeat("&", 5000)), Language: commands.English, Number: 1},
			5, []string{"… lines left out here: 1", "#1"}, "&amp;", "&amp;…\n#1"},
		{"a code without end", commands.Reply{Text: commands.Prose{{Code: strings.Repeat("&", 5000)}}, Language: commands.Chinese},
			5, []string{"……此处省略 1 行"}, "&amp;`", "&amp;…"},
		{"many lines", commands.Reply{Fields: many(1000, "lobby"), Language: commands.English, Number: 7},
			5, []string{"… lines left out here: 186", "#7"}, "*room:* lobby", "…\n#7"},
		{"many dates", commands.Reply{Text: slicesRepeat(commands.Span{Time: time.Unix(1, 0)}, 300)},
			5, []string{"… lines left out here: 1"}, "UTC>", "…"},
		{"nothing", commands.Reply{}, 0, nil, "", "…"},
		{"nothing but a tone", commands.Reply{Tone: commands.Failed}, 1, nil, "❌ *Failed*", "❌"},
		{"choices without end", commands.Reply{Text: sayings("x"), Choices: []commands.Choice{
			{Label: "short", Line: "help"}, {Label: "long", Line: strings.Repeat("世", 3000)}, {Label: "short", Line: "help"}}},
			1, []string{"[short] help", "[short] help", "… +1"}, "x", "help"},
		{"labels without end", commands.Reply{Text: sayings("x"), Choices: []commands.Choice{{Label: strings.Repeat("👨‍👩‍👧", 40), Line: "help"}}},
			1, []string{"[" + strings.Repeat("👨‍👩‍👧", 14) + "…] help"}, "x", "/nim help"},
		{"more buttons than there may be", commands.Reply{Text: sayings("x"), Choices: slices.Repeat([]commands.Choice{{Label: "a", Line: "help"}}, 27)},
			1, append(slices.Repeat([]string{"[a] help"}, 25), "a: `/nim help`\na: `/nim help`"), "x", "/nim help"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := draw(test.in)
			checkMessage(t, m)
			sections, notes := 0, []string(nil)
			for _, b := range m.Blocks {
				if b.Type == "section" {
					sections++
				}
				for _, e := range b.Elements {
					if e.button != nil {
						notes = append(notes, "["+e.button.Text.Text+"] "+e.button.Value)
					} else {
						notes = append(notes, e.note.Text)
					}
				}
			}
			assert.Equal(t, test.sections, sections)
			assert.Equal(t, test.notes, notes)
			assert.True(t, strings.HasSuffix(strings.TrimSpace(lastSection(m)), test.end), "%.50q", lastSection(m))
			assert.True(t, strings.HasSuffix(m.Text, test.text), "%q", m.Text[max(0, len(m.Text)-50):])
		})
	}
}

func slicesRepeat(s commands.Span, n int) (p commands.Prose) {
	for range n {
		p = append(p, s, commands.Span{Text: " "})
	}
	return p
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		name, in   string
		most       int
		head, rest string
	}{
		{"fits", "abc", 3, "abc", ""},
		{"letters", "abcd", 3, "abc", "d"},
		{"Chinese", "世界你好", 3, "世界你", "好"},
		{"entity", "ab&amp;c", 4, "ab", "&amp;c"},
		{"entity fits", "ab&amp;c", 7, "ab&amp;", "c"},
		{"date", "a <!date^1^{time}|x> b", 10, "a ", "<!date^1^{time}|x> b"},
		{"accent", "ae\u0301b", 2, "a", "e\u0301b"},
		{"skin", "a👍🏽b", 2, "a", "👍🏽b"},
		{"family", "👨‍👩‍👧👨‍👩‍👧", 9, "👨‍👩‍👧", "👨‍👩‍👧"},
		{"flags", "🇨🇳🇫🇷", 3, "🇨🇳", "🇫🇷"},
		{"code", "`abcdef` g", 5, "`abc`", "`def` g"},
		{"code before its first character", "ab `cd`", 5, "ab ", "`cd`"},
		{"code at its end", "`ab` c", 4, "`ab`", " c"},
		{"entity in code", "`a&lt;b`", 5, "`a`", "`&lt;b`"},
		{"counted as JSON", "\"\n\\a", 5, "\"\n", "\\a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			head, rest := split(test.in, test.most)
			assert.Equal(t, test.head, head)
			assert.Equal(t, test.rest, rest)
			assert.LessOrEqual(t, size(head), test.most)
		})
	}
}

// Whatever strangers write, in whatever length, the message is one that Slack takes, and nothing in it is theirs to form.
func FuzzDraw(f *testing.F) {
	f.Add("lisi", "123", "Reason", "unmute room=123", int64(41), uint16(1))
	f.Add("<!here> *x*", "`a`", "a\nb", "\x00", int64(-1), uint16(700))
	f.Add("世界🙂👨‍👩‍👧", "\u202e&", "&&&&", "\"\\", int64(0), uint16(3000))
	f.Add("", " ", "", "", int64(0), uint16(40))
	f.Fuzz(func(t *testing.T, words, code, label, line string, number int64, times uint16) {
		n := min(int(times), 20_000/(1+len(words)+len(code)+len(line)))
		reply := commands.Reply{Tone: commands.Done, Number: number, Text: commands.Prose{
			{Text: strings.Repeat(words, n)}, {Code: strings.Repeat(code, n)}, {Time: time.Unix(number%1e9, 0)},
		}}
		for range min(n, 200) {
			reply.Fields = append(reply.Fields, commands.Field{Label: label, Value: reply.Text[2:]})
			reply.Choices = append(reply.Choices, commands.Choice{Label: words, Line: line})
		}
		checkMessage(t, draw(reply))
	})
}
