package main

import (
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"time"
	"unicode"

	"roomwarden/journal"
)

// csvColumns are the columns of --csv. A string is what people or platforms have written; the rest, numbers and times, is ours.
var csvColumns = []struct {
	name string
	of   func(e journal.Entry) any
}{
	{"number", func(e journal.Entry) any { return e.Number }},
	{"at", func(e journal.Entry) any { return e.At }},
	{"platform", func(e journal.Entry) any { return e.Platform }},
	{"space", func(e journal.Entry) any { return e.Space }},
	{"channel", func(e journal.Entry) any { return e.Channel }},
	{"person", func(e journal.Entry) any { return e.Person }},
	{"name", func(e journal.Entry) any { return e.Name }},
	{"moderator", func(e journal.Entry) any { return e.Moderator }},
	{"line", func(e journal.Entry) any { return e.Line }},
	{"command", func(e journal.Entry) any { return e.Command }},
	{"room", func(e journal.Entry) any { return e.Room }},
	{"target", func(e journal.Entry) any { return e.Target }},
	{"reason", func(e journal.Entry) any { return e.Reason }},
	{"outcome", func(e journal.Entry) any { return string(e.Outcome) }},
	{"code", func(e journal.Entry) any { return e.Code }},
	{"answer", func(e journal.Entry) any { return e.Text }},
	{"until", func(e journal.Entry) any { return e.Until }},
	{"duration_ms", func(e journal.Entry) any { return e.Duration.Milliseconds() }},
	{"delivery", func(e journal.Entry) any { return string(e.Delivery) }},
	{"deliveries", func(e journal.Entry) any { return e.Deliveries }},
	{"attempts", func(e journal.Entry) any { return e.Attempts }},
	{"seal", func(e journal.Entry) any { return e.Seal }},
	{"key", func(e journal.Entry) any { return e.Key }},
	{"request_id", func(e journal.Entry) any { return e.RequestID }},
}

// printCSV prints a header and a record for each entry, as https://www.rfc-editor.org/rfc/rfc4180 says: in UTF-8, lines end in CRLF,
// times are of UTC.
func printCSV(w io.Writer, entries iter.Seq2[journal.Entry, error]) error {
	record := make([]string, len(csvColumns))
	for i, c := range csvColumns {
		record[i] = c.name
	}
	header := strings.Join(record, ",") + "\r\n"
	for e, err := range entries {
		if err != nil {
			return err
		}
		for i, c := range csvColumns {
			record[i] = csvCell(c.of(e))
		}
		if _, err := io.WriteString(w, header+strings.Join(record, ",")+"\r\n"); err != nil {
			return err
		}
		header = ""
	}
	_, err := io.WriteString(w, header)
	return err
}

// csvCell is a cell, quoted where it is text, empty for a time that is not there.
func csvCell(value any) string {
	switch v := value.(type) {
	case string:
		return `"` + strings.ReplaceAll(harmless(v), `"`, `""`) + `"`
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value)
}

// Where a spreadsheet would see the beginning of a formula: at the start of a cell, white space and quotes aside. It may begin a cell at a semicolon or a
// line end, too, which it does with a file of commas where people write 1,5 for 1½. Full-width signs are as good as narrow ones to some
// (https://owasp.org/www-community/attacks/CSV_Injection).
var (
	formula      = regexp.MustCompile("^[\\s\\p{Z}\"'`´“”„«»‘’‚＂＇]*[=+\\-@＝＋－＠]")
	innerFormula = regexp.MustCompile("([;\n])([\\p{Z}\"'`´“”„«»‘’‚＂＇]*[=+\\-@＝＋－＠])")
)

// harmless is text that no spreadsheet runs: an apostrophe stands before what it would. Control characters are left out, and line ends are \n.
func harmless(s string) string {
	begins := strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || unicode.IsGraphic(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"))
	s = innerFormula.ReplaceAllString(s, "$1'$2")
	if begins || formula.MatchString(s) {
		s = "'" + s
	}
	return s
}
