package commands

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read is a call as a line with all its arguments by name, in the row's order: what was understood.
func read(c Call) string {
	parts := []string{c.Command.Name}
	for _, a := range c.Command.Args {
		v, given := c.args[a.Name]
		if !given {
			continue
		}
		var value string
		switch a.Kind {
		case Room:
			if value = v.Word; value == "" {
				value = fmt.Sprint(v.Room)
			}
		case Duration:
			value = v.Length.String()
		case YesNo:
			value = fmt.Sprint(v.Yes)
		case Number:
			value = fmt.Sprint(v.Number)
		default:
			value = fmt.Sprintf("%q", v.Word)
		}
		parts = append(parts, a.Name+"="+value)
	}
	return strings.Join(parts, " ")
}

// TestParse is what people really type. What they mistype is in testdata/mistakes.txt.
func TestParse(t *testing.T) {
	const mute5 = `mute room=123 target="lisi" duration=5m0s`
	tests := []struct{ name, in, want string }{
		{"the first sentence", "/mute room=123 target=lisi 300s", mute5},
		{"the second sentence", "/delayclose 123 idle 1h", `delayclose room=123 policy="idle" delay=1h0m0s`},
		{"bare words", "/mute 123 lisi 5m", mute5},
		{"without a slash", "mute 123 lisi 5m", mute5},
		{"the root command", "/nim mute 123 lisi 5m", mute5},
		{"the root without a slash", "nim mute 123 lisi 5m", mute5},
		{"slashes twice", "/nim /mute 123 lisi 5m", mute5},
		{"capitals", "/MUTE ROOM=123 Target=LiSi 5M", mute5},
		{"spaces around", "   /mute   123   lisi   5m   ", mute5},
		{"any order, by name", "/mute 5m target=lisi room=123", mute5},
		{"the duration first", "/mute 5m 123 lisi", mute5},
		{"seconds without a unit", "/mute 123 lisi 300", mute5},
		{"a named room, a reason", `/mute lobby lisi 1d12h reason="spam, again"`, `mute room=lobby target="lisi" duration=36h0m0s reason="spam, again"`},
		{"a room's name in capitals", "/mute Lobby lisi 5m", `mute room=lobby target="lisi" duration=5m0s`},
		{"a reason of one word", "/mute 123 lisi 5m reason=spam", mute5 + ` reason="spam"`},
		{"a reason with = and commas", "/mute 123 lisi 5m reason=a=b,c", mute5 + ` reason="a=b,c"`},
		{"a reason keeps its case and form", `/mute 123 lisi 5m reason="ＳＰＡＭ， Again! “yes”"`, mute5 + ` reason="ＳＰＡＭ， Again! “yes”"`},
		{"quotes inside quotes", `/mute 123 lisi 5m reason="he said \"no\" \\o/"`, mute5 + ` reason="he said \"no\" \\o/"`},
		{"spaces of other kinds in a reason", "/mute 123 lisi 5m reason=\"a\u3000b\u00a0c\"", mute5 + ` reason="a\u3000b\u00a0c"`},
		{"a line break in a reason", "/mute 123 lisi 5m reason=\"a\nb\"", mute5 + ` reason="a b"`},
		{"control characters in a reason", "/mute 123 lisi 5m reason=\"a\x07\x1b[31mb\"", mute5 + ` reason="a[31mb"`},
		{"an empty reason", `/mute 123 lisi 5m reason=""`, mute5 + ` reason=""`},
		{"smart quotes", "/mute 123 lisi 5m reason=“spam, again”", mute5 + ` reason="spam, again"`},
		{"half-smart quotes", "/mute 123 lisi 5m reason=\"spam, again”", mute5 + ` reason="spam, again"`},
		{"German quotes", "/mute 123 lisi 5m reason=„spam, again“", mute5 + ` reason="spam, again"`},
		{"single quotes", "/mute 123 lisi 5m reason='don’t spam'", mute5 + ` reason="don’t spam"`},
		{"an apostrophe", "/mute 123 lisi 5m reason=don't", mute5 + ` reason="don't"`},
		{"quoted ids", `/mute "123" "lisi" "5m"`, mute5},
		{"quoted ids with spaces around", `/mute room=" 123" target="lisi " duration=" 5m "`, mute5},
		{"told not to tell", "/mute 123 lisi 5m notify=no", mute5 + " notify=false"},
		{"told to tell, in Chinese", "/mute 123 lisi 5m notify=是", mute5 + " notify=true"},
		{"on", "/mute 123 lisi 5m notify=ON", mute5 + " notify=true"},
		{"spaces around =", "/mute room = 123 target= lisi duration =5m", mute5},
		{"= and a quoted value apart", `/mute 123 lisi 5m reason= "spam again"`, mute5 + ` reason="spam again"`},
		{"colons after names", "/mute room:123 target:lisi duration:5m", mute5},
		{"dashes before names", "/mute --room=123 --target=lisi —duration=5m", mute5},
		{"commas between words", "/mute 123, lisi, 5m", mute5},
		{"commas alone", "/mute 123,lisi,5m", mute5},
		{"full width", "／ｍｕｔｅ　ｒｏｏｍ＝１２３，ｔａｒｇｅｔ＝ｌｉｓｉ，３００ｓ", mute5},
		{"full-width colons", "/mute room：123 target：lisi 5m", mute5},
		{"Chinese commas", "/mute 123，lisi、5分钟", mute5},
		{"a full stop at the end", "/mute 123 lisi 5分钟。", mute5},
		{"a full stop alone", "/mute 123 lisi 5m 。", mute5},
		{"help", "/?", "help"},
		{"a sentence", "/mute 123 lisi 5m.", mute5},
		{"an exclamation", "/mute 123 lisi 5m!", mute5},
		{"an account that ends in a full stop", "/unmute 123 lisi.", `unmute room=123 target="lisi."`},
		{"non-breaking spaces", "/mute\u00a0123\u00a0lisi\u202f5m", mute5},
		{"zero-width characters", "/mute 123\u200b \ufefflisi\u200e 5m", mute5},
		{"back-ticks around a value", "/mute 123 `lisi` 5m", mute5},
		{"back-ticks around the line", "`/mute 123 lisi 5m`", mute5},
		{"a code block", "```\n/mute 123 lisi 5m\n```", mute5},
		{"bold", "/mute *123* *lisi* *5m*", mute5},
		{"line breaks between words", "/mute 123\nlisi\n5m", mute5},
		{"a room with a hash", "/mute #123 lisi 5m", mute5},
		{"a room with zeros before", "/mute 00123 lisi 5m", mute5},
		{"the largest room", "/room 9223372036854775807", "room room=9223372036854775807"},
		{"an account of digits", "/mute 123 10086 5m", `mute room=123 target="10086" duration=5m0s`},
		{"an account like a duration, by name", "/mute 123 target=5m 5m", `mute room=123 target="5m" duration=5m0s`},
		{"an account with all that is allowed", "/mute 123 Li.Si_7-x@y.z 5m", `mute room=123 target="li.si_7-x@y.z" duration=5m0s`},
		{"an account that begins with @, in quotes", `/mute 123 "@lisi" 5m`, `mute room=123 target="@lisi" duration=5m0s`},
		{"an account with a typographic dash", "/mute 123 li–si 5m", `mute room=123 target="li-si" duration=5m0s`},
		{"an account of 32 characters", "/unmute 123 abcdefghijklmnopqrstuvwxyz012345", `unmute room=123 target="abcdefghijklmnopqrstuvwxyz012345"`},
		{"an account called like a choice", "/mute 123 idle 5m", `mute room=123 target="idle" duration=5m0s`},
		{"unmute", "/unmute 123 lisi", `unmute room=123 target="lisi"`},
		{"muteroom", "/muteroom lobby reason=raid", `muteroom room=lobby reason="raid"`},
		{"unmuteroom", "/unmuteroom 123 notify=no", "unmuteroom room=123 notify=false"},
		{"off", "/delayclose 123 off", `delayclose room=123 policy="off"`},
		{"fixed, the choice first", "/delayclose FIXED 2天 123", `delayclose room=123 policy="fixed" delay=48h0m0s`},
		{"a delay by name, in seconds", "/delayclose 123 idle delay=90", `delayclose room=123 policy="idle" delay=1m30s`},
		{"no delay", "/delayclose 123 idle", `delayclose room=123 policy="idle"`},
		{"history", "/history", "history"},
		{"history with all", `/history room=lobby target=lisi by="Zhang San" 24h`, `history room=lobby target="lisi" by="Zhang San" since=24h0m0s`},
		{"history by a mention", "/history by=<@U0456|zhangsan>", `history by="<@U0456|zhangsan>"`},
		{"explain", "/explain 13002", "explain code=13002"},
		{"explain in full width", "/explain １３００２", "explain code=13002"},
		{"help on a command", "/help mute", `help command="mute"`},
		{"help on a command with a slash", "/help /MUTE", `help command="mute"`},
		{"nothing", "", "help"},
		{"a slash", "/", "help"},
		{"the root alone", "/nim", "help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, read(got))
		})
	}
}

func TestParseDurations(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
	}{
		{"300", 5 * time.Minute}, {"300s", 5 * time.Minute}, {"1s", time.Second}, {"5m", 5 * time.Minute}, {"1h30m", 90 * time.Minute}, {`"1 h 30 m"`, 90 * time.Minute}, {`"3 days"`, 72 * time.Hour},
		{"2d", 48 * time.Hour}, {"1w", 7 * 24 * time.Hour}, {"1w2d3h4m5s", (9*24+3)*time.Hour + 4*time.Minute + 5*time.Second},
		{"5分钟", 5 * time.Minute}, {"1小时30分", 90 * time.Minute}, {"2天", 48 * time.Hour}, {"1周", 7 * 24 * time.Hour}, {"90秒", 90 * time.Second},
		{"1个小时", time.Hour}, {"５分钟", 5 * time.Minute}, {"5MIN", 5 * time.Minute}, {"2hours", 2 * time.Hour}, {"10mins", 10 * time.Minute},
		{"30d", 30 * 24 * time.Hour}, {"2592000", 30 * 24 * time.Hour}, {"720h", 30 * 24 * time.Hour}, {"90m", 90 * time.Minute}, {"+5m", 5 * time.Minute}, {"0h5m", 5 * time.Minute},
		{"五分钟", 5 * time.Minute}, {"十分钟", 10 * time.Minute}, {"二十五分钟", 25 * time.Minute}, {"两小时", 2 * time.Hour}, {"一天", 24 * time.Hour}, {"十二个小时", 12 * time.Hour},
		{"半小时", 30 * time.Minute}, {"半个小时", 30 * time.Minute}, {"一个半小时", 90 * time.Minute}, {"1小时半", 90 * time.Minute}, {"2个小时半", 150 * time.Minute}, {"半天", 12 * time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			call, err := Parse("mute 123 lisi duration=" + tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, call.args["duration"].Length)
		})
	}
}

// TestLengths: what the bot writes is what it reads.
func TestLengths(t *testing.T) {
	tests := []struct {
		d                time.Duration
		english, chinese string
	}{
		{0, "0s", "0秒"}, {-time.Second, "0s", "0秒"}, {time.Second, "1s", "1秒"}, {29*time.Minute + 50*time.Second, "29m50s", "29分钟50秒"},
		{36 * time.Hour, "1d12h", "1天12小时"}, {7 * 24 * time.Hour, "7d", "7天"}, {1499 * time.Millisecond, "1s", "1秒"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.english, length(English, tt.d))
		assert.Equal(t, tt.chinese, length(Chinese, tt.d))
		if tt.d >= time.Second {
			for _, text := range []string{tt.english, tt.chinese} {
				got, err := ParseLength(text)
				require.NoError(t, err)
				assert.Equal(t, tt.d.Round(time.Second), got)
			}
		}
	}
	_, err := ParseLength("1.5h")
	assert.EqualError(t, err, "1.5h is not in whole numbers. Did you mean 1h30m?")
}

func TestParseTooLong(t *testing.T) {
	_, err := Parse("mute 123 lisi 5m reason=" + strings.Repeat("世", 2000))
	mistake, ok := errors.AsType[*Mistake](err)
	require.True(t, ok)
	assert.Equal(t, "A line may have at most 2000 characters; this one has 2024.\nhelp shows all commands.", mistake.in(English).String())
	_, err = Parse("mute 123 lisi 5m reason=" + strings.Repeat("世", 501))
	mistake, ok = errors.AsType[*Mistake](err)
	require.True(t, ok)
	assert.True(t, strings.HasPrefix(mistake.in(Chinese).String(), "reason 最多 500 个字符，现在有 501 个。"), mistake.in(Chinese).String())
}

func TestControlCharacters(t *testing.T) {
	for _, line := range []string{"mute 123 li\x00si 5m", "mute 12\x1b3 lisi 5m", "mute 123 lisi 5m\x07"} {
		_, err := Parse(line)
		mistake, ok := errors.AsType[*Mistake](err)
		require.True(t, ok, "%q", line)
		assert.Contains(t, mistake.in(English).String(), "control character")
		assert.NotContains(t, mistake.in(English).String(), "\x00")
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{root: true}
	for _, c := range Table {
		assert.False(t, seen[c.Name], "%s is there twice", c.Name)
		seen[c.Name] = true
		assert.Regexp(t, `^[a-z]{1,31}$`, c.Name, "names must fit Slack and Discord")
		assert.Equal(t, !c.Write && (!c.About || c.Name == "cancel"), c.do != nil, "%s: what changes nothing is done", c.Name)
		assert.Equal(t, c.About, c.about != nil, "%s: what is about an entry means something", c.Name)
		assert.Equal(t, c.Write, c.change != nil, "%s: what changes something is a change", c.Name)
		assert.True(t, !c.Write || c.Right != "", "%s changes something and is open to everyone", c.Name)
		optional := false
		args := map[string]bool{}
		for _, a := range c.Args {
			assert.Regexp(t, `^[a-z]{1,32}$`, a.Name)
			assert.False(t, args[a.Name], "%s has %s twice", c.Name, a.Name)
			args[a.Name] = true
			assert.False(t, a.Required && optional, "%s: required arguments come first", c.Name)
			optional = optional || !a.Required
			assert.LessOrEqual(t, utf8.RuneCountInString(a.Help.English), 100, "Discord's limit")
			assert.LessOrEqual(t, utf8.RuneCountInString(a.Help.Chinese), 100, "Discord's limit")
			assert.Equal(t, a.Kind == OneOf, len(a.Choices) > 0)
			assert.Equal(t, a.Kind == Duration, a.Most > 0)
		}
		assert.LessOrEqual(t, utf8.RuneCountInString(c.Help.English), 100, "Discord's limit")
	}
}

func TestVocabulary(t *testing.T) {
	v := Vocabulary()
	assert.Equal(t, "[mute unmute muteroom unmuteroom delayclose room history]", fmt.Sprint(v.Rights))
	for word, want := range map[string]bool{"idle": true, "off": true, "fixed": true, "lobby": false, "mute": false} {
		assert.Equal(t, want, v.Reserved(word), word)
	}
	accid, err := v.AccID("LiSi")
	assert.NoError(t, err)
	assert.Equal(t, "lisi", accid)
	_, err = v.AccID("li si")
	assert.Error(t, err)
}

func ExampleParse() {
	_, err := Parse("/mute 123 lisi 31d")
	fmt.Println(err)
	// Output:
	// 31d is too long: duration is at most 30d. Did you mean 30d?
	// Usage: mute room target duration [reason=…] [notify=…] [again=…]
}

// FuzzParse: whatever somebody types ends in a call whose arguments keep all limits, or in a mistake that can be told in both
// languages; and a call, written out by name, is read as the same call.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"/mute room=123 target=lisi 300s", `mute lobby lisi 1d12h reason="spam, \"again\""`, "delayclose 123 idle 1h", "／ｍｕｔｅ　１２３，ｌｉｓｉ，５分钟", "mute 123 <@U1|x> 5m", "history by=me since=1w", "mute 1 2 3h30", "mute room = 123 '", "mute 123 lisi 1e9h", "help /", "\x00", "mute \"", "explain -9223372036854775808", "｛"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		call, err := Parse(line)
		if err != nil {
			mistake, ok := errors.AsType[*Mistake](err)
			if !ok {
				t.Fatalf("%T", err)
			}
			for _, l := range []Language{English, Chinese} {
				text := mistake.in(l).String()
				if text == "" || !utf8.ValidString(text) || strings.ContainsAny(text, "{}\x00\x1b\u202e") && !strings.ContainsAny(fold(line), "{}") {
					t.Fatalf("%q → %q", line, text)
				}
			}
			return
		}
		parts := []string{call.Command.Name}
		for _, a := range call.Command.Args {
			v, given := call.args[a.Name]
			if a.Required && !given {
				t.Fatalf("%q: no %s", line, a.Name)
			}
			if !given {
				continue
			}
			value := Quote(v.Word)
			switch a.Kind {
			case Room:
				if v.Room < 0 || v.Room == 0 && !roomName.MatchString(v.Word) {
					t.Fatalf("%q: room %v", line, v)
				}
				if v.Room > 0 {
					value = fmt.Sprint(v.Room)
				}
			case Duration:
				if v.Length < time.Second || v.Length > a.Most {
					t.Fatalf("%q: %v", line, v.Length)
				}
				value = compact(v.Length)
			case YesNo:
				value = map[bool]string{true: "yes", false: "no"}[v.Yes]
			case Number:
				value = fmt.Sprint(v.Number)
			}
			parts = append(parts, a.Name+"="+value)
		}
		written := strings.Join(parts, " ")
		if utf8.RuneCountInString(written) > maxLineLength {
			return
		}
		again, err := Parse(written)
		if err != nil || read(again) != read(call) {
			t.Fatalf("%q was read as %s; %q as %s: %v", line, read(call), written, read(again), err)
		}
	})
}

// FuzzQuote: any text arrives as exactly that argument, but for what is dropped from text from outside.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{`a "b" \c\`, "“x”", "a,b=c", "", "@lisi", "'", "\\", "＂", "room=5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.RuneCountInString(text) > maxWordsLength {
			return
		}
		want := plain(strings.Map(func(r rune) rune {
			if invisible(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(text, "�")))
		call, err := Parse("mute 123 lisi 5m notify=no reason=" + Quote(text))
		if err != nil || call.args["reason"].Word != want {
			t.Fatalf("%q → %s → %q: %v", text, Quote(text), call.args["reason"].Word, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, line := range []string{"/mute room=123 target=lisi 300s", `／ｍｕｔｅ　ｒｏｏｍ＝１２３，ｔａｒｇｅｔ＝ｌｉｓｉ，５分钟　reason="刷屏"`, "/mtue 123 lisi 5m"} {
		b.Run(line, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(line)
			}
		})
	}
}
