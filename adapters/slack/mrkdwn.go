package slack

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"roomwarden/commands"
)

// Text in Slack's markup, mrkdwn. Nobody can tell whether a plain piece of prose is ours or a stranger's, so
// all of it is drawn as it stands:
//
//   - & < > become entities, which ends all mentions and links;
//   - control characters, and format characters that turn or hide text, are dropped;
//   - what Slack would take for bold, italics, strike, code, a quote or an emoji's name is replaced by characters that
//     look the same. Invisible ones put in between would be copied along, unseen; these are seen by whoever
//     compares, and an underscore inside a word stays, since Slack leaves it alone there. What is meant to be
//     copied is in code spans, where only back-ticks are replaced.
//
// https://docs.slack.dev/messaging/formatting-message-text

// marked is prose as mrkdwn.
func marked(p commands.Prose) string {
	var b strings.Builder
	before, wasCode := "", false // the piece before
	for _, s := range p {
		var piece string
		isCode := false
		switch {
		case !s.Time.IsZero():
			piece = moment(s.Time)
		case s.Code != "":
			piece, isCode = code(s.Code), true
		case s.Line != "":
			piece, isCode = code(slashed(s.Line)), true
		default:
			piece = calm(s.Text, strings.HasSuffix(before, "\n"))
		}
		if piece == "" {
			continue
		}
		if isCode && wasCode || isCode && endsWide(before) || wasCode && startsWide(piece) {
			b.WriteByte(' ')
		}
		b.WriteString(piece)
		before, wasCode = piece, isCode
	}
	return b.String()
}

// plain is prose as mrkdwn that has no markup in it.
func plain(p commands.Prose) string {
	var b strings.Builder
	for _, s := range p {
		lineStart := b.Len() == 0 || strings.HasSuffix(b.String(), "\n")
		switch {
		case !s.Time.IsZero():
			b.WriteString(utc(s.Time))
		case s.Code != "":
			b.WriteString(calm(oneLine(s.Code), lineStart))
		case s.Line != "":
			b.WriteString(calm(oneLine(slashed(s.Line)), lineStart))
		default:
			b.WriteString(calm(s.Text, lineStart))
		}
	}
	return b.String()
}

// moment is a time in the reader's own zone, and how far away it is.
//
// https://docs.slack.dev/messaging/formatting-message-text#date-formatting
func moment(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time} ({ago})|%s>", t.Unix(), utc(t))
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

var inCode = strings.NewReplacer("`", "ˋ", "&", "&amp;", "<", "&lt;", ">", "&gt;")

// code is a code span, or empty when nothing is to be seen in s.
func code(s string) string {
	if s = strings.TrimSpace(oneLine(s)); s == "" {
		return ""
	}
	return "`" + inCode.Replace(s) + "`"
}

// Slack does not see a code span that touches Chinese text. It needs a space there, or ASCII punctuation.

func endsWide(s string) bool { return s != "" && s[len(s)-1] >= utf8.RuneSelf }

func startsWide(s string) bool { return s[0] >= utf8.RuneSelf }

// An emoji's name as Slack reads it in any text: ":100:".
var emojiName = regexp.MustCompile(`:([\p{L}\p{N}_+'-]+):`)

// calm is text that stays as it is. lineStart tells whether a line begins with it.
func calm(s string, lineStart bool) string {
	if s = clean(s); strings.Count(s, ":") > 1 {
		s = emojiName.ReplaceAllString(s, "∶$1∶")
	}
	if !strings.ContainsAny(s, "&<>*~`_") {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>' && (i == 0 && lineStart || i > 0 && s[i-1] == '\n'):
			b.WriteRune('›')
		case r == '>':
			b.WriteString("&gt;")
		case r == '*':
			b.WriteRune('∗')
		case r == '~':
			b.WriteRune('∼')
		case r == '`':
			b.WriteRune('ˋ')
		case r == '_' && !(i > 0 && isWord(s[i-1]) && i+1 < len(s) && isWord(s[i+1])):
			b.WriteRune('ˍ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isWord reports whether Slack certainly takes c for a part of a word.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// clean drops what is not to be seen, or turns and hides what is: control characters but line breaks, and format
// characters (bidi controls, zero-width spaces) but joiners, which emojis and some scripts are made with.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r <= '~', r == '\n', r == '\u200C', r == '\u200D':
			return r
		case r == '\t', unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		default:
			return r
		}
	}, s)
}

func oneLine(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }

// size is the length of s in code points, as JSON has it: what is escaped there counts twice.
func size(s string) int {
	n := 0
	for _, r := range s {
		if n++; r == '\n' || r == '"' || r == '\\' {
			n++
		}
	}
	return n
}

// cut shortens drawn text to a size, and shows that it did.
func cut(s string, most int) string {
	if size(s) <= most {
		return s
	}
	head, _ := split(s, most-size("…"))
	return head + "…"
}

// split divides drawn text after the longest head of at most a size. Entities, dates and what people see as one
// character stay whole; a code span that must be divided becomes two.
func split(s string, most int) (head, rest string) {
	if size(s) <= most {
		return s, ""
	}
	end, used, open := 0, 0, false
	for end < len(s) {
		u := unit(s[end:])
		opens := open != (u == "`")
		need := used + size(u)
		if opens {
			need++ // for the back-tick that closes
		}
		if need > most {
			break
		}
		end, used, open = end+len(u), used+size(u), opens
	}
	if open && s[end-1] == '`' {
		end, open = end-1, false // rather no code span than an empty one
	}
	if open {
		return s[:end] + "`", "`" + s[end:]
	}
	return s[:end], s[end:]
}

// unit is what must not be divided at the start of drawn text: a date, an entity, or one character with its marks.
func unit(s string) string {
	switch s[0] {
	case '<':
		if end := strings.IndexByte(s, '>'); end > 0 {
			return s[:end+1]
		}
	case '&':
		if end := strings.IndexByte(s, ';'); end > 0 {
			return s[:end+1]
		}
	}
	return character(s)
}

const maxMarks = 20 // code points after the first one; more are a joke

// character is the first of what people see as one: a letter with its accents, an emoji with its skin tone and family,
// a flag. It is a simple reading of https://www.unicode.org/reports/tr29/.
func character(s string) string {
	first, end := utf8.DecodeRuneInString(s)
	flag, joined := isRegional(first), false
	for range maxMarks {
		r, n := utf8.DecodeRuneInString(s[end:])
		switch {
		case joined, r == '\u200D', unicode.Is(unicode.M, r), '\U0001F3FB' <= r && r <= '\U0001F3FF':
			joined = r == '\u200D'
		case flag && isRegional(r):
			flag = false
		default:
			return s[:end]
		}
		end += n
	}
	return s[:end]
}

func isRegional(r rune) bool { return '\U0001F1E6' <= r && r <= '\U0001F1FF' }
