package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"roomwarden/commands"
	"roomwarden/journal"
	"roomwarden/journal/sqlstore"
)

// showHistory prints entries of the journal, newest first. It may run beside the bot.
func showHistory(ctx context.Context, args []string, w world) error {
	f := flag.NewFlagSet("history", flag.ContinueOnError)
	var q journal.Query
	f.Int64Var(&q.Room, "room", 0, "")
	f.StringVar(&q.Target, "target", "", "")
	f.StringVar(&q.By, "by", "", "")
	f.IntVar(&q.Limit, "limit", 100, "")
	since := f.String("since", "", "")
	asJSON := f.Bool("json", false, "")
	rest, err := words(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if q.Limit < 1 {
		return usageError{"--limit is 1 or more"}
	}
	q.Target = strings.ToLower(q.Target)
	if *since != "" {
		ago, err := commands.ParseLength(*since)
		if err != nil {
			return usageError{fmt.Sprintf("--since: %v", err)}
		}
		q.Since = time.Now().Add(-ago)
	}
	set, problems := readSettings(w.Environ)
	for _, p := range problems { // the other settings are serve's
		if p.setting == "DATABASE_URL" {
			return usageError{p.String()}
		}
	}
	store, err := sqlstore.OpenReadOnly(ctx, set.DatabaseURL)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer store.Close()
	entries, err := store.List(ctx, q)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(w.Out, entries)
	}
	return printEntries(w.Out, entries)
}

// printEntries prints a line for each entry, times in the local zone.
func printEntries(w io.Writer, entries []journal.Entry) error {
	for _, e := range entries {
		who := e.Name
		if who == "" {
			who = e.Person
		}
		code := ""
		if e.Code != 0 {
			code = fmt.Sprintf(" (%d)", e.Code)
		}
		_, err := fmt.Fprintf(w, "#%d  %s  %s %s (%s)  %s  → %s%s\n", e.Number, e.At.Local().Format("2006-01-02 15:04:05"),
			e.Platform, visible(who), visible(e.Person), visible(e.Line), e.Outcome, code)
		if err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		_, err := fmt.Fprintln(w, "There are no such entries.")
		return err
	}
	return nil
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
func printJSON(w io.Writer, entries []journal.Entry) error {
	type entry struct {
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
		Command    string     `json:"command"`
		Room       int64      `json:"room,omitempty"`
		Target     string     `json:"target,omitempty"`
		Reason     string     `json:"reason,omitempty"`
		Outcome    string     `json:"outcome"`
		Code       int        `json:"code,omitempty"`
		Answer     string     `json:"answer,omitempty"`
		Until      *time.Time `json:"until,omitempty"`
		Millis     int64      `json:"duration_ms"`
		Deliveries int        `json:"deliveries"`
	}
	if _, err := io.WriteString(w, "["); err != nil {
		return err
	}
	for i, e := range entries {
		out := entry{
			Number: e.Number, Key: e.Key, RequestID: e.RequestID, At: e.At.UTC(), Platform: e.Platform, Space: e.Space, Channel: e.Channel,
			Person: e.Person, Name: e.Name, Moderator: e.Moderator, Line: e.Line, Command: e.Command, Room: e.Room, Target: e.Target,
			Reason: e.Reason, Outcome: string(e.Outcome), Code: e.Code, Answer: e.Text, Millis: e.Duration.Milliseconds(), Deliveries: e.Deliveries,
		}
		if !e.Until.IsZero() {
			until := e.Until.UTC()
			out.Until = &until
		}
		line, err := json.Marshal(out)
		if err != nil {
			return err
		}
		separator := ",\n"
		if i == 0 {
			separator = "\n"
		}
		if _, err := fmt.Fprintf(w, "%s%s", separator, line); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]\n")
	return err
}
