package discord

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

var update = flag.Bool("update", false, "write testdata/*.json anew")

// What is markup of ours, in the order Discord would meet it, and what must not be left when it is taken away.
var (
	ours      = regexp.MustCompile("\\\\[^\\pL\\pN\\s]|`[^`]+`|<t:-?\\d+:[FfR]>|(?m:^-# #\\d+$)")
	ourLabel  = regexp.MustCompile(`(?m)^\*\*[^\n*]+[:：]\*\* `)
	ourTitle  = regexp.MustCompile(`^\S+ \*\*[\pL ]+\*\*(\n|$)`)
	dangerous = regexp.MustCompile("[\\\\*_~|`<\\[\\]@]|(?m:^\\s*[-+#>])|:\\S|\\]\\(")
)

// checkMessage holds a message against Discord's limits (written down here again) and ours, whatever it says.
func checkMessage(t assert.TestingT, body []byte) {
	var m struct {
		Content         *string         `json:"content"`
		Flags           int             `json:"flags"`
		AllowedMentions json.RawMessage `json:"allowed_mentions"`
		Nonce           string          `json:"nonce"`
		Enforce         bool            `json:"enforce_nonce"`
		Components      []actionRow     `json:"components"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if !assert.NoError(t, d.Decode(&m)) || !assert.NotNil(t, m.Content) {
		return
	}
	assert.JSONEq(t, `{"parse":[]}`, string(m.AllowedMentions))
	assert.LessOrEqual(t, len(m.Nonce), 25)
	assert.Equal(t, m.Nonce != "", m.Enforce)
	assert.Contains(t, []int{4, 4 | 64}, m.Flags)
	assert.NotEmpty(t, strings.TrimSpace(*m.Content))
	assert.LessOrEqual(t, utf8.RuneCountInString(*m.Content), 2000)
	assert.True(t, utf8.ValidString(*m.Content))
	rest := ourLabel.ReplaceAllString(ours.ReplaceAllString(ourTitle.ReplaceAllString(*m.Content, ""), "x"), "x ")
	assert.NotRegexp(t, dangerous, rest, "in %q", *m.Content)
	checkRows(t, m.Components)
	for _, r := range *m.Content {
		if r != '\n' && r != '\u200C' && r != '\u200D' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			assert.Fail(t, "a character not to be seen", "%U in %q", r, *m.Content)
		}
	}
}

// checkRows holds buttons against Discord's limits.
func checkRows(t assert.TestingT, all []actionRow) {
	assert.NotNil(t, all, "null would leave those of before")
	assert.LessOrEqual(t, len(all), 5)
	met := map[string]bool{}
	for _, r := range all {
		assert.EqualValues(t, 1, r.Type)
		assert.NotEmpty(t, r.Buttons)
		assert.LessOrEqual(t, len(r.Buttons), 5)
		for _, b := range r.Buttons {
			assert.EqualValues(t, 2, b.Type)
			assert.NotEmpty(t, strings.TrimSpace(b.Label))
			assert.LessOrEqual(t, utf8.RuneCountInString(b.Label), 80)
			assert.NotEmpty(t, b.CustomID)
			assert.LessOrEqual(t, utf8.RuneCountInString(b.CustomID), 100)
			assert.False(t, met[b.CustomID], "%q twice", b.CustomID)
			met[b.CustomID] = true
		}
	}
}

func checked(t assert.TestingT, m message) string {
	body, err := encode(m)
	assert.NoError(t, err)
	checkMessage(t, body)
	return m.Content
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
		"info.en":       {Tone: commands.Info, Language: commands.English, Text: commands.Prose{say("Room "), id("123"), say(" is open.\n12 people are in it.")}},
		"info.zh-CN":    {Tone: commands.Info, Language: commands.Chinese, Text: commands.Prose{say("聊天室 "), id("123"), say(" 已开放。\n在线 12 人。")}},
		"working.en":    commands.Acknowledgement(commands.English, 0),
		"working.zh-CN": commands.Acknowledgement(commands.Chinese, 0),
	}
}

func TestDrawGolden(t *testing.T) {
	for name, reply := range samples() {
		t.Run(name, func(t *testing.T) {
			m := draw(reply)
			checked(t, m)
			body, err := encode(m)
			require.NoError(t, err)
			var got bytes.Buffer
			require.NoError(t, json.Indent(&got, body, "", "  "))
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String())
		})
	}
}

// Text in any place of a reply can neither ping, link, format nor hide.
func TestDrawHostileText(t *testing.T) {
	for _, test := range []struct{ name, in, prose, code string }{
		{"everyone", "@everyone @here", `\@everyone \@here`, "@everyone @here"},
		{"mentions", "<@80351110224678912> <#12> <@&34>", `\<\@80351110224678912> \<\#12> \<\@&34>`, "<@80351110224678912> <#12> <@&34>"},
		{"forged link", "[rules](https://evil.example)", `\[rules\]\(https\://evil\.example)`, "[rules](https://evil.example)"},
		{"forged link, escaped already", `\[rules\](x)`, `\\\[rules\\\]\(x)`, `\[rules\](x)`},
		{"link", "see https://evil.example/a_b", `see https\://evil\.example/a\_b`, "see https://evil.example/a_b"},
		{"invitation", "discord.gg/abc", `discord\.gg/abc`, "discord.gg/abc"},
		{"forged time", "<t:1:R>", `\<t\:1\:R>`, "<t:1:R>"},
		{"bold, italics, strike, spoiler", "*a* **b** _c_ ~~d~~ ||e||", `\*a\* \*\*b\*\* \_c\_ \~\~d\~\~ \|\|e\|\|`, "*a* **b** _c_ ~~d~~ ||e||"},
		{"back-ticks", "`a` ```b```", "\\`a\\` \\`\\`\\`b\\`\\`\\`", "ˋaˋ ˋˋˋbˋˋˋ"},
		{"emoji names", ":smile: <:x:1> 12:30", `\:smile: \<\:x\:1> 12\:30`, ":smile: <:x:1> 12:30"},
		{"quote", ">>> all of it", `\>>> all of it`, ">>> all of it"},
		{"heading", "# big", `\# big`, "# big"},
		{"small print", "-# #99", `\-\# #99`, "-# #99"},
		{"list", "  - item", `\- item`, "- item"},
		{"emoji", "🙂👨‍👩‍👧", "🙂👨‍👩‍👧", "🙂👨‍👩‍👧"},
		{"bidi and invisible", "abc\u202Edcba\u2066\u200F\u200b", "abcdcba", "abcdcba"},
		{"bad UTF-8", "a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"plain sentence", "Room 12 (open) - 3 people: all well. 100%!", "Room 12 (open) - 3 people: all well. 100%!", "Room 12 (open) - 3 people: all well. 100%!"},
	} {
		t.Run(test.name, func(t *testing.T) {
			words, id := commands.Prose{{Text: test.in}}, commands.Prose{{Code: test.in}}
			assert.Equal(t, test.prose, strings.TrimSpace(marked(words)))
			assert.Equal(t, "`"+test.code+"`", marked(id))
			assert.Equal(t, strings.TrimSpace("✅ **Done**\n"+marked(words)), checked(t, draw(commands.Reply{Tone: commands.Done, Text: words})))
			checked(t, draw(commands.Reply{Text: words}))
			checked(t, draw(commands.Reply{
				Text: commands.Prose{{Text: "x\n"}, {Text: test.in}, {Code: test.in}, {Code: test.in}}, Number: 41,
				Fields:  []commands.Field{{Label: test.in, Value: words}, {Label: "Id", Value: id}},
				Choices: []commands.Choice{{Label: test.in, Line: test.in}},
			}))
		})
	}
}

func TestDrawParts(t *testing.T) {
	at := time.Unix(1795190706, 0)
	for _, test := range []struct {
		name string
		in   commands.Reply
		want string
	}{
		{"nothing", commands.Reply{}, "…"},
		{"only a tone", commands.Reply{Tone: commands.Done}, "✅ **Done**"},
		{"time", commands.Reply{Text: commands.Prose{{Text: "until "}, {Time: at}}}, "until <t:1795190706:F> (<t:1795190706:R>)"},
		{"two ids", commands.Reply{Text: commands.Prose{{Code: "a"}, {Code: "b"}}}, "`a` `b`"},
		{"id after a back-tick", commands.Reply{Text: commands.Prose{{Text: "`"}, {Code: "b"}}}, "\\` `b`"},
		{"empty id", commands.Reply{Text: commands.Prose{{Text: "x"}, {Code: " \u200b"}}}, "x"},
		{"field without a label", commands.Reply{Text: commands.Prose{{Text: "x"}}, Fields: []commands.Field{{Value: commands.Prose{{Code: "y"}}}}}, "x\n`y`"},
		{"choice", commands.Reply{Choices: []commands.Choice{{Label: "Look", Line: "room room=1"}}, Number: 7}, "-# #7"},
		{"choice that no button can carry", commands.Reply{Choices: []commands.Choice{{Label: "Look", Line: "room room=" + strings.Repeat("1", 90)}}},
			"Look: `/room room:" + strings.Repeat("1", 90) + "`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, checked(t, draw(test.in)))
		})
	}
}

func TestTyped(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"no options", "whoami", "whoami"},
		{"options", "unmute room=123 target=lisi", "unmute room:123 target:lisi"},
		{"quoted", "unmute room=123 target=" + commands.Quote("li si"), "unmute room:123 target:li si"},
		{"quotes inside", "unmute target=" + commands.Quote(`a"b\c`), `unmute target:a"b\c`},
		{"what looks like an option inside", "unmute target=" + commands.Quote("x room=7") + " room=1", "unmute target:x room=7 room:1"},
		{"equals sign inside", "unmute target=a=b", "unmute target:a=b"},
		{"empty", `unmute target=""`, "unmute target:"},
		{"bare words", "mute 123 lisi 5m", "mute room:123 target:lisi duration:5m"},
		{"a number", "undo 41", "undo number:41"},
		{"a topic", "help mute", "help command:mute"},
		{"how it is used", "extend N 10m", "extend number:N duration:10m"},
		{"usage", "mute room target duration [reason=…] [notify=…]", "mute room target duration [reason:…] [notify:…]"},
		{"no command", "ban 5", "ban 5"},
		{"not closed", `unmute target="a b=c`, `unmute target:"a b:c`},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, typed(test.in))
		})
	}
}

func TestOptioned(t *testing.T) {
	for in, want := range map[string]string{
		"again=yes": "again:yes", `target="li si"`: "target:li si", "duration=31d": "duration:31d", "lisi": "lisi", "a=b": "a=b", "mute room=123": "mute room=123", "room=": "room=",
	} {
		assert.Equal(t, want, optioned(in))
	}
}

func TestDrawFlags(t *testing.T) {
	assert.EqualValues(t, 4, draw(publicly(told("x"))).Flags)
	assert.EqualValues(t, 4|64, draw(told("x")).Flags)
}

func TestDrawCutsByLines(t *testing.T) {
	for language, note := range map[commands.Language]string{commands.English: "… and %d more", commands.Chinese: "……还有 %d 行"} {
		colon := commands.Text{English: ":", Chinese: "："}.In(language)
		r := commands.Reply{Tone: commands.Info, Language: language, Text: commands.Prose{{Text: "100 entries"}}, Number: 41,
			Choices: []commands.Choice{{Label: "Again", Line: "history"}}}
		for n := range 100 {
			r.Fields = append(r.Fields, commands.Field{Label: fmt.Sprintf("#%d", n), Value: commands.Prose{{Text: strings.Repeat("x", 30)}}})
		}
		content := checked(t, draw(r))
		lines := strings.Split(content, "\n")
		kept := len(lines) - 2
		assert.Equal(t, []string{fmt.Sprintf(note, 101-kept), "-# #41"}, lines[kept:])
		assert.Equal(t, fmt.Sprintf(`**\#%d%s** %s`, kept-2, colon, strings.Repeat("x", 30)), lines[kept-1])
		assert.Greater(t, len(content), 1900, "the room is used")
	}
}

// A list is whole, however long its entries are: they are cut, and none is left out.
func TestDrawKeepsLists(t *testing.T) {
	for _, n := range []int{2, 5, 10, 20, 25} {
		r := commands.Reply{Tone: commands.Info, Language: commands.English, Text: commands.Prose{{Text: strings.Repeat("In force. ", 20)}}, Number: 41}
		for i := range n {
			r.Fields = append(r.Fields, commands.Field{Label: fmt.Sprintf("#%d", 1000+i), Value: commands.Prose{
				{Code: strings.Repeat("a", i%7*20)}, {Text: " muted until "}, {Time: time.Unix(1795190706, 0)}, {Text: strings.Repeat(" *spam*", 60)}}})
		}
		content := checked(t, draw(r))
		for i := range n {
			assert.Contains(t, content, fmt.Sprintf(`**\#%d:** `, 1000+i))
		}
		assert.NotContains(t, content, "more")
		if n == 5 || n == 10 {
			assert.Greater(t, size(content), 1800, "the room is used")
		}
	}
}

func TestDrawCutsALongLine(t *testing.T) {
	for _, test := range []struct {
		name string
		in   commands.Prose
		want string // how it ends
	}{
		{"words", commands.Prose{{Text: strings.Repeat("x", 3000)}}, "x…"},
		{"escapes", commands.Prose{{Text: strings.Repeat("*", 3000)}}, `\*…`},
		{"escapes, off by one", commands.Prose{{Text: "x" + strings.Repeat("*", 3000)}}, `\*…`},
		{"ids", commands.Prose{{Text: strings.Repeat("x", 1000)}, {Code: strings.Repeat("y", 900)}, {Text: " "}, {Code: strings.Repeat("z", 900)}}, "y` …"},
		{"a long id", commands.Prose{{Code: strings.Repeat("y", 3000)}}, "y…`"},
		{"times", commands.Prose{{Text: strings.Repeat("x", 1985)}, {Time: time.Unix(1795190706, 0)}}, "x…"},
		{"emoji", commands.Prose{{Text: strings.Repeat("🙂", 3000)}}, "🙂…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := checked(t, draw(commands.Reply{Tone: commands.Info, Text: test.in}))
			assert.True(t, strings.HasSuffix(content, test.want), "%q", content)
			cut := checked(t, draw(commands.Reply{Tone: commands.Info, Text: append(test.in, commands.Span{Text: "\nmore"}), Number: 41}))
			assert.True(t, strings.HasSuffix(cut, "\n-# #41"), "%q", cut)
		})
	}
}

func TestDrawKeepsChoicesWhole(t *testing.T) {
	r := commands.Reply{Text: commands.Prose{{Text: "x"}}}
	for n := range 30 {
		r.Choices = append(r.Choices, commands.Choice{Label: "Unmute", Line: fmt.Sprint("unmute room=123 target=", strings.Repeat("a", 80), n)})
	}
	lines := strings.Split(checked(t, draw(r)), "\n")
	assert.Equal(t, "… +24", lines[len(lines)-1])
	for n, line := range lines[1 : len(lines)-1] {
		assert.Equal(t, fmt.Sprint("Unmute: `/unmute room:123 target:", strings.Repeat("a", 80), n, "`"), line)
	}
}

func FuzzDraw(f *testing.F) {
	f.Add("x", "y", "z")
	f.Add("**\n`", "](", strings.Repeat("\\", 2000))
	f.Add(strings.Repeat("🙂\n", 900), ":", "")
	f.Fuzz(func(t *testing.T, words, id, label string) {
		checked(t, draw(commands.Reply{Tone: commands.Done, Number: 41, Text: commands.Prose{{Text: words}, {Code: id}, {Text: id}, {Code: words}},
			Fields:  []commands.Field{{Label: label, Value: commands.Prose{{Text: words}}}, {Label: id, Value: commands.Prose{{Code: label}}}},
			Choices: []commands.Choice{{Label: label, Line: id}, {Label: id, Line: words}}}))
	})
}
