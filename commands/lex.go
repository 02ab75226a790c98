package commands

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// A word is a piece of a line: a bare value, or name=value.
type word struct {
	name   string // folded, in lower case; empty for a bare word
	value  string // as typed, quotes taken off
	quoted bool
	raw    string // the whole word as typed, to be shown when it is at fault
}

// lex cuts a line into words. Words end at white space and at commas; a value in quotes holds both, and so does, for commas, a
// value of the arguments that text tells of. known tells of argument names, which may be followed by a colon in place of the equals sign.
func lex(line string, known, text func(name string) bool) ([]word, *Mistake) {
	runes := []rune(line)
	var words []word
	for i := 0; i < len(runes); {
		if isSeparator(runes[i]) {
			i++
			continue
		}
		w, next, mistake := lexWord(runes, i, known, text)
		if mistake != nil {
			return nil, mistake
		}
		i = next
		if strings.Trim(w.raw, "。.;；!！?？") != "" { // the end of a sentence, standing alone
			words = append(words, w)
		}
	}
	return join(words, known), nil
}

func lexWord(runes []rune, start int, known, text func(string) bool) (word, int, *Mistake) {
	var w word
	i, value := start, start
	for ; i < len(runes); i++ {
		r := narrow(runes[i])
		if i == value && quoteOf(runes[i]) != 0 {
			end := closing(runes, i)
			if end < 0 {
				return w, 0, &Mistake{Word: plain(string(runes[start:])), say: sayUnclosed}
			}
			w.value, w.quoted, w.raw = unescape(runes[i+1:end], runes[i]), true, string(runes[start:end+1])
			return w, end + 1, nil
		}
		if unicode.IsSpace(runes[i]) || isSeparator(runes[i]) && !text(w.name) && !inNumber(runes, i) {
			break
		}
		if value == start && i > start && (r == '=' || r == ':' && known(argName(runes[start:i]))) {
			w.name, value = argName(runes[start:i]), i+1
		}
	}
	w.value, w.raw = string(runes[value:i]), string(runes[start:i])
	return w, i, nil
}

// argName reads the name in name=value: people also type --name and `name`.
func argName(runes []rune) string {
	return strings.Trim(strings.ToLower(fold(string(runes))), "-`*")
}

// join puts together what spaces around an equals sign have torn apart: "room = 123", "room= 123", "room =123".
func join(words []word, known func(string) bool) []word {
	var out []word
	for _, w := range words {
		if n := len(out); n > 0 {
			last := &out[n-1]
			name := argName([]rune(last.value))
			value, equals := strings.CutPrefix(strings.Replace(w.value, "＝", "=", 1), "=")
			switch {
			case last.open() && w.name == "": // name= value
				*last = word{name: last.name, value: w.value, quoted: w.quoted, raw: last.raw + w.raw}
				continue
			case last.name == "" && !last.quoted && known(name) && equals && !w.quoted: // name =value, name =
				*last = word{name: name, value: value, raw: last.raw + w.raw}
				continue
			}
		}
		out = append(out, w)
	}
	return out
}

// open tells of a name with nothing after its equals sign.
func (w word) open() bool { return w.name != "" && w.value == "" && !w.quoted }

// inNumber tells of the comma in 1,234 and 1,5h: what is meant is not guessed, so the word stays whole and is refused.
func inNumber(runes []rune, i int) bool {
	return runes[i] == ',' && i > 0 && isDigit(runes[i-1]) && i+1 < len(runes) && isDigit(runes[i+1])
}

func isSeparator(r rune) bool {
	return unicode.IsSpace(r) || r == ',' || r == '，' || r == '、'
}

// quoteOf is the straight form of a character that may open a quoted value, else 0.
func quoteOf(r rune) rune {
	switch r {
	case '"', '“', '”', '„', '‟', '«', '»', '＂', '″':
		return '"'
	case '\'', '‘', '’', '‚', '‛', '＇', '′':
		return '\''
	}
	return 0
}

// closing finds the quote that closes the one at i. Straight double quotes hold everything, smart ones included; others are
// closed by any quote of their kind. A single quote closes only at the end of a word: don't.
func closing(runes []rune, i int) int {
	open := runes[i]
	if open == '"' {
		for j := i + 1; j < len(runes); j++ {
			switch runes[j] {
			case '\\':
				j++
			case '"':
				return j
			}
		}
	}
	for j := i + 1; j < len(runes); j++ {
		if quoteOf(runes[j]) == quoteOf(open) && (open != '"' || runes[j] != '"') && (quoteOf(open) == '"' || j+1 == len(runes) || isSeparator(runes[j+1])) {
			return j
		}
	}
	return -1
}

// unescape reads \" and \\ between straight double quotes; a backslash before anything else is itself.
func unescape(runes []rune, open rune) string {
	if open != '"' {
		return string(runes)
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(string(runes))
}

// Quote writes a value so that the grammar reads it as this value after name=: exactly, but for what it drops from all text
// (control and invisible characters; line breaks become spaces).
func Quote(value string) string {
	bare := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_@.-", r)
	}
	if value != "" && span(value, bare) == len(value) && value[0] != '@' {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// fold reads what phones and Chinese keyboards make of plain letters: full-width forms, dashes, ellipses.
func fold(s string) string {
	return strings.Map(narrow, s)
}

func narrow(r rune) rune {
	switch r {
	case '–', '—', '―', '‐', '‑', '‒', '−', '﹣':
		return '-'
	}
	if p := width.LookupRune(r); p.Kind() == width.EastAsianFullwidth {
		if f := p.Narrow(); f != 0 {
			return f
		}
	}
	return r
}
