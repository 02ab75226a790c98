package permissions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v4"
)

// A mistake is one thing that is wrong in a policy file, in a sentence.
type mistake struct {
	line int // 0: the whole file is meant
	text string
}

func (m mistake) Error() string {
	if m.line == 0 {
		return m.text
	}
	return fmt.Sprintf("line %d: %s", m.line, m.text)
}

// mostMistakes are told of one file: with more, it is another kind of file.
const mostMistakes = 100

func (p *parser) mistake(n *yaml.Node, format string, args ...any) {
	if !p.full() {
		p.mistakes = append(p.mistakes, mistake{n.Line, fmt.Sprintf(format, args...)})
	}
}

// full tells, of one more mistake, that it need not be told.
func (p *parser) full() bool {
	p.more = len(p.mistakes) >= mostMistakes
	return p.more
}

// join puts the mistakes in the order of the file.
func (p *parser) join() error {
	slices.SortStableFunc(p.mistakes, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, m := range p.mistakes {
		errs = append(errs, m)
	}
	if p.more {
		errs = append(errs, mistake{text: "and there are more mistakes"})
	}
	return errors.Join(errs...)
}

// explain turns an error of the YAML package into a mistake. What people stumble over most is told by the character
// at the place, in words that know what a policy file is.
func explain(err error, src []byte) error {
	broken, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return fmt.Errorf("read YAML: %w", err)
	}
	at := broken.Mark
	if broken.ContextMark.Line == at.Line && characterAt(src, broken.ContextMark) == '*' {
		at = broken.ContextMark
	}
	switch c := characterAt(src, at); c {
	case '*':
		return mistake{at.Line, `a word that begins with * must be in quotes: "*"`}
	case '@', '`':
		return mistake{at.Line, fmt.Sprintf("a word that begins with %c must be in quotes", c)}
	case '\t':
		return mistake{at.Line, "there is a tab here: indent with spaces"}
	}
	return mistake{at.Line, "this is not YAML: " + broken.Message}
}

// characterAt is the character at a place in src, 0 when there is none.
func characterAt(src []byte, at yaml.Mark) rune {
	lines := strings.Split(string(src), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return 0
	}
	line := []rune(lines[at.Line-1])
	if at.Column < 1 || at.Column > len(line) {
		return 0
	}
	return line[at.Column-1]
}

// suggest says which of the known words was meant, or which there are.
func suggest(word string, known []string) string {
	const most = 20
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) > most {
		return "there are: " + strings.Join(known[:most], ", ") + " and others"
	}
	return "there are: " + strings.Join(known, ", ")
}

// nearest is the known word that a misspelt one is likely to be, empty when none is near: about one edit for every
// two letters, so that two letters changing places (two edits) are forgiven from four letters on.
func nearest(word string, known []string) string {
	word = strings.ToLower(word)
	length := utf8.RuneCountInString(word)
	near, best := "", min(max(length/2, 1), 3)+1
	for _, k := range known {
		if difference := length - utf8.RuneCountInString(k); max(difference, -difference) >= best {
			continue // cannot be nearer
		}
		if d := levenshtein.ComputeDistance(word, k); d < best {
			near, best = k, d
		}
	}
	return near
}

// quote is a word of the file as an error shows it: on one line, and not for ever.
func quote(word string) string { return strconv.Quote(clip(word)) }

// clip shortens a word that is too long to be one.
func clip(word string) string {
	const most = 80
	if utf8.RuneCountInString(word) <= most {
		return word
	}
	return string([]rune(word)[:most]) + "…"
}
