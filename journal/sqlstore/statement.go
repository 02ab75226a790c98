package sqlstore

import (
	"strconv"
	"strings"
)

// A statement is SQL that is said often.
type statement struct {
	text     string // with ? for each argument
	numbered string // with $1, $2 and so on, as PostgreSQL wants it
}

func newStatement(text string) *statement { return &statement{text, numbered(text)} }

// numbered writes $1, $2 and so on for each ? of a query. There is none in our literals.
func numbered(query string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
