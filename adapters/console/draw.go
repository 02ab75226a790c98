package console

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"roomwarden/commands"
)

// A mark begins a reply and tells its tone, in a word for those who see no colours.
type mark struct {
	sign  string
	word  commands.Text
	color string
}

// Parameters of the ANSI sequence "select graphic rendition".
// https://ecma-international.org/publications-and-standards/standards/ecma-48/, 8.3.117
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// marks has every tone; any other one is drawn as Unknown.
var marks = map[commands.Tone]mark{
	commands.Info:     {"•", commands.Text{English: "info", Chinese: "信息"}, cyan},
	commands.Done:     {"✔", commands.Text{English: "done", Chinese: "已完成"}, green},
	commands.NoChange: {"=", commands.Text{English: "no change", Chinese: "无变化"}, cyan},
	commands.Asks:     {"?", commands.Text{English: "please answer", Chinese: "请选择"}, yellow},
	commands.Refused:  {"⊘", commands.Text{English: "refused", Chinese: "已拒绝"}, yellow},
	commands.Failed:   {"✘", commands.Text{English: "failed", Chinese: "失败"}, red},
	commands.Unknown:  {"?", commands.Text{English: "unknown", Chinese: "结果未知"}, yellow},
	commands.Working:  {"…", commands.Text{English: "working", Chinese: "处理中"}, cyan},
}

// draw is a reply as lines. All but the first are indented, so nothing quoted in one can pass for the next reply or a
// prompt; and nothing but line breaks and the colours of Color controls the terminal.
//
//	✔ done  lisi is muted in room lobby until 2026-11-03 14:05:00 (in 5m).
//	  Room:   1600849147
//	  Reason: spam
//	  → Unmute: unmute room=lobby target=lisi
//	  #41 (everyone in the channel sees this)
func (c *Console) draw(r commands.Reply) string {
	var b strings.Builder
	m := cmp.Or(marks[r.Tone], marks[commands.Unknown])
	b.WriteString(c.paint(m.color, m.sign+" "+m.word.In(r.Language)) + "  " + c.prose(r.Text, r.Language, 2) + "\n")

	colon := commands.Text{English: ": ", Chinese: "："}.In(r.Language)
	column := 0 // where values begin
	for _, f := range r.Fields {
		column = max(column, columns("  "+clean(f.Label)+colon))
	}
	for _, f := range r.Fields {
		label := "  " + clean(f.Label) + colon
		b.WriteString(label + spaces(column-columns(label)) + c.prose(f.Value, r.Language, column) + "\n")
	}
	for _, choice := range r.Choices {
		b.WriteString("  → " + clean(choice.Label) + colon + c.paint(bold, clean(choice.Line)) + "\n")
	}

	var foot []string
	if r.Number != 0 {
		foot = append(foot, fmt.Sprintf("#%d", r.Number))
	}
	if r.Public {
		foot = append(foot, commands.Text{
			English: "(everyone in the channel sees this)",
			Chinese: "（频道内所有人可见）",
		}.In(r.Language))
	}
	if foot != nil {
		b.WriteString("  " + c.paint(faint, strings.Join(foot, " ")) + "\n")
	}
	return b.String()
}

// prose draws pieces one after the other. Lines after the first begin at a column.
func (c *Console) prose(p commands.Prose, l commands.Language, column int) string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case !s.Time.IsZero():
			b.WriteString(c.moment(s.Time, l))
		case s.Code != "":
			b.WriteString(c.paint(bold, clean(s.Code)))
		case s.Line != "":
			b.WriteString(c.paint(bold, clean("/"+s.Line)))
		default:
			for i, line := range strings.Split(s.Text, "\n") {
				if i > 0 {
					b.WriteString("\n" + spaces(column))
				}
				b.WriteString(clean(line))
			}
		}
	}
	return b.String()
}

// moment draws a time in the reader's zone and how far away it is.
func (c *Console) moment(t time.Time, l commands.Language) string {
	return fmt.Sprintf(commands.Text{English: "%s (%s)", Chinese: "%s（%s）"}.In(l),
		t.In(cmp.Or(c.Zone, time.Local)).Format("2006-01-02 15:04:05"), away(time.Until(t), l))
}

// away says "in 5m" or "5m ago": below an hour to the second, below a day to the minute, else to the hour.
func away(d time.Duration, l commands.Language) string {
	const day = 24 * time.Hour
	form := commands.Text{English: "in %s", Chinese: "%s后"}
	if d < 0 {
		form = commands.Text{English: "%s ago", Chinese: "%s前"}
	}
	switch d = d.Abs(); {
	case d >= day:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Second)
	}
	if d == 0 {
		return commands.Text{English: "now", Chinese: "现在"}.In(l)
	}
	var b strings.Builder
	for _, unit := range []struct {
		length time.Duration
		name   commands.Text
	}{
		{day, commands.Text{English: "d", Chinese: "天"}},
		{time.Hour, commands.Text{English: "h", Chinese: "小时"}},
		{time.Minute, commands.Text{English: "m", Chinese: "分钟"}},
		{time.Second, commands.Text{English: "s", Chinese: "秒"}},
	} {
		if n := d / unit.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name.In(l))
		}
		d %= unit.length
	}
	return fmt.Sprintf(form.In(l), b.String())
}

// paint colours a text without line breaks.
func (c *Console) paint(color, text string) string {
	if !c.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// clean puts � for every character that does not show itself: controls, escapes, marks of direction, line breaks, bytes
// that are no text. A tab becomes a space.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return utf8.RuneError
		default:
			return r
		}
	}, text)
}

// abridged is the beginning of a text where all of it would fill the screen.
func abridged(text string) string {
	const most = 2000 // characters, as many as a command may have
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// columns is how wide a terminal shows a text: East Asian wide characters take two columns.
// https://www.unicode.org/reports/tr11/
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

func spaces(n int) string { return strings.Repeat(" ", n) }
