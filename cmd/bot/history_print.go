package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"roomwarden/journal"
)

// printEntries prints a line for each entry, times in the local zone, and from which number older ones go on.
func printEntries(w io.Writer, entries iter.Seq2[journal.Entry, error]) error {
	var last int64
	for e, err := range entries {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w, entryLine(e)); err != nil {
			return err
		}
		last = e.Number
	}
	text := fmt.Sprintf("Older ones: --before %d", last)
	switch last {
	case 0:
		text = "There are no such entries."
	case 1:
		return nil
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// entryLine is an entry in one line that a terminal can show.
func entryLine(e journal.Entry) string {
	who, what := e.Name, e.Line
	switch {
	case e.Platform == botPlatform:
		what = e.Text // of what the bot notes, the text is what matters
	case who == "":
		who = e.Person
	}
	by := e.Platform
	if who != "" {
		by += fmt.Sprintf(" %s (%s)", who, e.Person)
	}
	end := string(e.Outcome)
	if e.Code != 0 {
		end += fmt.Sprintf(" (%d)", e.Code)
	}
	if e.Outcome != journal.Running {
		end += ", answer " + string(e.Delivery)
	}
	if e.Seal != 0 {
		end += fmt.Sprintf(", seal %d", e.Seal)
	}
	return fmt.Sprintf("#%d  %s  %s  %s  → %s", e.Number, e.At.Local().Format("2006-01-02 15:04:05"), visible(by), visible(what), visible(end))
}

// visible leaves out what a terminal would obey.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r):
			return -1
		}
		return r
	}, s)
}

// printJSON prints one array, an entry on each line.
func printJSON(w io.Writer, entries iter.Seq2[journal.Entry, error]) error {
	separator := "[\n"
	for e, err := range entries {
		if err != nil {
			return err
		}
		line, err := json.Marshal(jsonEntry(e))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, separator+escaped(string(line))); err != nil {
			return err
		}
		separator = ",\n"
	}
	end := "\n]\n"
	if separator == "[\n" {
		end = "[\n]\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// escaped writes as \u… what a terminal would obey and JSON leaves as it is.
func escaped(line string) string {
	var b strings.Builder
	for _, r := range line {
		if unicode.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// An entryJSON is an entry as others read it: without what is secret or the bot's alone.
type entryJSON struct {
	Number     int64      `json:"number"`
	Key        string     `json:"key"`
	RequestID  string     `json:"request_id"`
	At         time.Time  `json:"at"`
	Platform   string     `json:"platform"`
	Space      string     `json:"space,omitempty"`
	Channel    string     `json:"channel,omitempty"`
	Person     string     `json:"person"`
	Name       string     `json:"name,omitempty"`
	Moderator  string     `json:"moderator,omitempty"`
	Line       string     `json:"line"`
	Effect     string     `json:"effect,omitempty"`
	Command    string     `json:"command"`
	Room       int64      `json:"room,omitempty"`
	Target     string     `json:"target,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	Outcome    string     `json:"outcome"`
	Code       int        `json:"code,omitempty"`
	Answer     string     `json:"answer,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
	Millis     int64      `json:"duration_ms"`
	Delivery   string     `json:"delivery"`
	Deliveries int        `json:"deliveries"`
	Attempts   int        `json:"attempts"`
	Seal       int64      `json:"seal"` // 0: not sealed yet
}

func jsonEntry(e journal.Entry) entryJSON {
	out := entryJSON{
		Number: e.Number, Key: e.Key, RequestID: e.RequestID, At: e.At.UTC(), Platform: e.Platform, Space: e.Space, Channel: e.Channel,
		Person: e.Person, Name: e.Name, Moderator: e.Moderator, Line: e.Line, Effect: e.Effect, Command: e.Command, Room: e.Room, Target: e.Target,
		Reason: e.Reason, Outcome: string(e.Outcome), Code: e.Code, Answer: e.Text, Millis: e.Duration.Milliseconds(),
		Delivery: string(e.Delivery), Deliveries: e.Deliveries, Attempts: e.Attempts, Seal: e.Seal,
	}
	if !e.Until.IsZero() {
		until := e.Until.UTC()
		out.Until = &until
	}
	return out
}
