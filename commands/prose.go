package commands

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// values are what the places of a Text are filled with, by name. A string becomes words, an id or a line what can be
// copied or typed, a time.Time a moment, a time.Duration a length of time in the reader's language, Prose itself.
type values map[string]any

// id is a value to be drawn as something to copy: an account, a room number, a command line.
type id string

// typeable is a value that is a whole command, to be typed: "undo 41".
type typeable string

// say fills the places of a Text. A place without a value is a mistake of ours, and stays visible as {name}.
func say(l Language, t Text, v values) Prose {
	var p Prose
	rest := t.In(l)
	for {
		before, after, found := strings.Cut(rest, "{")
		name, next, closed := strings.Cut(after, "}")
		value, known := v[name]
		if !found || !closed {
			return p.words(rest)
		}
		p = p.words(before)
		if known {
			p = p.add(l, value)
		} else {
			p = p.words("{" + name + "}")
		}
		rest = next
	}
}

func (p Prose) words(s string) Prose {
	if s == "" {
		return p
	}
	return append(p, Span{Text: s})
}

func (p Prose) add(l Language, value any) Prose {
	switch v := value.(type) {
	case string:
		return p.words(plain(v))
	case id:
		if s := plain(string(v)); s != "" {
			return append(p, Span{Code: s})
		}
		return p
	case typeable:
		return append(p, Span{Line: plain(string(v))})
	case []Arg: // names, each with what it must be
		for i, a := range v {
			if i > 0 {
				p = p.words(Text{", ", "、"}.In(l))
			}
			p = append(p, say(l, Text{"{name} ({help})", "{name}（{help}）"}, values{"name": id(a.Name), "help": a.Help.In(l)})...)
		}
		return p
	case []id:
		return append(p, list(l, v)...)
	case time.Time:
		return append(p, Span{Time: v.Round(time.Second)})
	case time.Duration:
		return p.words(length(l, v))
	case Prose:
		return append(p, v...)
	default:
		return p.words(fmt.Sprint(v))
	}
}

// then appends another sentence: after a space, but not after Chinese punctuation.
func (p Prose) then(q Prose) Prose {
	if len(q) == 0 {
		return p
	}
	if len(p) > 0 && !strings.HasSuffix(p[len(p)-1].Text, "。") && !strings.HasSuffix(p[len(p)-1].Text, "？") {
		p = p.words(" ")
	}
	return append(p, q...)
}

// below appends another piece of prose on a line of its own.
func (p Prose) below(q Prose) Prose {
	if len(q) == 0 {
		return p
	}
	if len(p) > 0 {
		p = p.words("\n")
	}
	return append(p, q...)
}

// list puts values behind each other: "a, b, c" or "a、b、c".
func list[T any](l Language, items []T) Prose {
	var p Prose
	for i, item := range items {
		if i > 0 {
			p = p.words(Text{", ", "、"}.In(l))
		}
		p = p.add(l, item)
	}
	return p
}

// plain makes text from outside fit for a line: spaces for line breaks, no control characters, nothing that turns
// the direction of writing. Escaping is left to the adapters.
func plain(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) && unicode.IsControl(r), r == '\u2028', r == '\u2029': // line breaks and tabs
			return ' '
		case unicode.IsControl(r), invisible(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�")))
}

// invisible tells of characters that change how text around them is read or compared and show nothing themselves: zero-width
// spaces, direction marks, soft hyphens. The joiners that emoji and some scripts need are not among them.
func invisible(r rune) bool {
	switch {
	case r == 0x00AD, r == 0x061C, r == 0x180E, r == 0x200B, r == 0x200E, r == 0x200F, r == 0xFEFF,
		0x2028 <= r && r <= 0x202E, 0x2060 <= r && r <= 0x206F, 0xFFF9 <= r && r <= 0xFFFB, 0xE0000 <= r && r <= 0xE007F:
		return true
	}
	return false
}
