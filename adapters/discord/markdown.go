package discord

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"roomwarden/commands"
)

// Text in Discord's markdown. Nobody can tell whether a plain piece of prose is ours or a stranger's, so all of it is drawn as it
// stands: control and format characters are dropped, and what would be markup, a mention, a link or an emoji has a backslash before it,
// which Discord does not show. What is meant to be copied is in code spans, where only back-ticks are replaced.
//
// https://discord.com/developers/docs/reference#message-formatting

// marked is prose as markdown.
func marked(p commands.Prose) string { return prose(p, moment) }

// listed is prose as markdown in a list, where the lines are many and short.
func listed(p commands.Prose) string { return prose(p, shortMoment) }

func prose(p commands.Prose, moment func(time.Time) string) string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case !s.Time.IsZero():
			b.WriteString(moment(s.Time))
		case s.Line != "":
			s.Code = "/" + typed(s.Line)
			fallthrough
		case s.Code != "":
			id := code(optioned(s.Code))
			if id != "" && strings.HasSuffix(b.String(), "`") { // code spans that touch are none
				b.WriteByte(' ')
			}
			b.WriteString(id)
		default:
			b.WriteString(calm(s.Text))
		}
	}
	return b.String()
}

// moment is a time in the reader's own zone and language, and how far away it is.
//
// https://discord.com/developers/docs/reference#message-formatting-timestamp-styles
func moment(t time.Time) string { return fmt.Sprintf("<t:%d:F> (<t:%[1]d:R>)", t.Unix()) }

// shortMoment is a time without how far away it is.
func shortMoment(t time.Time) string { return fmt.Sprintf("<t:%d:f>", t.Unix()) }

const maxCode = 1000 // of a code span, which is never divided

// code is a code span, or empty when nothing is to be seen in s.
func code(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(oneLine(s), "`", "ˋ"))
	if s == "" {
		return ""
	}
	return "`" + cut(s, maxCode, utf8.DecodeRuneInString) + "`"
}

// calm is text that stays as it is. A backslash before a character that needs none is not shown either, so only what is common in
// our own sentences is spared one: hyphens inside a line, brackets, colons before a space, full stops.
func calm(s string) string {
	runes := []rune(clean(s))
	var b strings.Builder
	lineStart := true
	for i, r := range runes {
		next := rune(-1)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		escape := false
		switch r {
		case '\\', '*', '_', '~', '|', '`', '<', '[', ']', '@':
			escape = true
		case '(': // of [text](address)
			escape = i > 0 && runes[i-1] == ']'
		case '#', '-', '+', '>': // headings, lists, quotes and small print at the start of a line; <#channels>
			escape = lineStart || i > 0 && (runes[i-1] == '<' || runes[i-1] == '-')
		case ':': // https://… and emojis' names
			escape = !unicode.IsSpace(next)
		case '.': // discord.gg is a link without https://, and 1. begins a list
			escape = unicode.IsLetter(next) || i > 0 && unicode.IsDigit(runes[i-1]) && unicode.IsSpace(next)
		}
		if escape {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		lineStart = r == '\n' || lineStart && unicode.IsSpace(r)
	}
	return b.String()
}

// clean drops what is not to be seen, or turns and hides what is: control characters but line breaks, and format
// characters (bidi controls, zero-width spaces) but joiners, which emojis and some scripts are made with.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\u200C', r == '\u200D':
			return r
		case r == '\t', unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func oneLine(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }

// size is the length of s in UTF-16 units: Discord does not say what it counts, and in code points s is no longer.
func size(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// cut shortens drawn text to a size, and shows that it did. unit tells how much stays together at the start of a text.
func cut(s string, most int, unit func(string) (rune, int)) string {
	if size(s) <= most {
		return s
	}
	end, room := 0, most-size("…")
	for {
		_, n := unit(s[end:])
		if room -= size(s[end : end+n]); room < 0 {
			return s[:end] + "…"
		}
		end += n
	}
}
