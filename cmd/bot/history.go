package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"roomwarden/commands"
	"roomwarden/journal"
	"roomwarden/journal/sqlstore"
)

// outcomes are those that --outcome takes, in the order in which it names them.
var outcomes = []journal.Outcome{journal.Running, journal.Done, journal.NoChange, journal.Refused, journal.Failed, journal.Unknown}

// historyPage is how many entries are in memory at a time, however many are printed.
const historyPage = 500

// showHistory prints entries of the journal, newest first, or with --verify what the chain of all of them says. It may run beside the bot,
// and changes nothing.
func showHistory(ctx context.Context, args []string, w world) error {
	f := flag.NewFlagSet("history", flag.ContinueOnError)
	var q journal.Query
	f.Int64Var(&q.Room, "room", 0, "")
	f.StringVar(&q.Target, "target", "", "")
	f.StringVar(&q.By, "by", "", "")
	f.StringVar(&q.Text, "text", "", "")
	f.Int64Var(&q.Before, "before", 0, "")
	f.IntVar(&q.Limit, "limit", 100, "")
	f.Func("command", "", func(s string) error { q.Commands = list(s); return nil })
	f.Func("outcome", "", func(s string) (err error) { q.Outcomes, err = readOutcomes(s); return err })
	f.Func("since", "", func(s string) (err error) { q.Since, err = readSince(s); return err })
	asJSON, asCSV := f.Bool("json", false, ""), f.Bool("csv", false, "")
	verify := f.Bool("verify", false, "")
	var known journal.Link
	f.Func("head", "", func(s string) (err error) { known, err = journal.ParseLink(s); return err })
	rest, err := words(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	q.Target = strings.ToLower(q.Target)
	given := map[string]bool{}
	f.Visit(func(x *flag.Flag) { given[x.Name] = true })
	if err := checkHistory(q, given); err != nil {
		return err
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
	if *verify {
		return verifyChain(ctx, store, known, chainReport{w: w.Out, json: *asJSON, kept: set.HistoryKeep != 0})
	}
	write := printEntries
	switch {
	case *asJSON:
		write = printJSON
	case *asCSV:
		write = printCSV
	}
	out := bufio.NewWriter(w.Out)
	err = write(out, entries(ctx, store, q))
	return errors.Join(err, out.Flush()) // after an error, too: what was found before it
}

// checkHistory refuses values, and flags side by side, that mean nothing.
func checkHistory(q journal.Query, given map[string]bool) error {
	switch {
	case q.Limit < 1:
		return usageError{"--limit is 1 or more"}
	case given["before"] && q.Before < 1:
		return usageError{"--before is the number of an entry, 1 or more"}
	case given["json"] && given["csv"]:
		return usageError{"choose one of --json and --csv"}
	case given["head"] && !given["verify"]:
		return usageError{"--head goes with --verify"}
	case !given["verify"]:
		return nil
	}
	for _, name := range []string{"room", "target", "by", "command", "outcome", "text", "since", "before", "limit", "csv"} {
		if given[name] {
			return usageError{fmt.Sprintf("--verify looks at all entries: --%s does not go with it", name)}
		}
	}
	return nil
}

// list is the words between commas.
func list(s string) []string { return trimmed(strings.Split(s, ",")) }

// readOutcomes reads "done,unknown".
func readOutcomes(s string) (read []journal.Outcome, err error) {
	for _, word := range list(s) {
		o := journal.Outcome(strings.ToLower(word))
		if !slices.Contains(outcomes, o) {
			return nil, fmt.Errorf("%q is not one of %s", word, strings.Trim(fmt.Sprint(outcomes), "[]"))
		}
		read = append(read, o)
	}
	return read, nil
}

// readSince reads how long ago something was: "24h", "7d".
func readSince(s string) (time.Time, error) {
	ago, err := commands.ParseLength(s)
	if err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(-ago), nil
}

// entries goes through what q selects, q.Limit of them at most, page by page. It ends with the first error.
func entries(ctx context.Context, store interface {
	List(ctx context.Context, q journal.Query) ([]journal.Entry, error)
}, q journal.Query) iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		for left := q.Limit; left > 0; {
			q.Limit = min(left, historyPage)
			page, err := store.List(ctx, q)
			if err != nil {
				yield(journal.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) < q.Limit {
				return
			}
			left -= len(page)
			q.Before = page[len(page)-1].Number
		}
	}
}
