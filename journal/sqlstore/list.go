package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"roomwarden/journal"
)

const defaultLimit = 100 // entries in a list

// Get is journal.Store's.
func (s *Store) Get(ctx context.Context, number int64) (journal.Entry, error) {
	entries, err := s.entries(ctx, `SELECT `+columns+` FROM entries WHERE number = ?`, number)
	if err == nil && len(entries) == 0 {
		err = journal.ErrNotFound
	}
	if err != nil {
		return journal.Entry{}, fmt.Errorf("read journal entry %d: %w", number, err)
	}
	return entries[0], nil
}

// List is journal.Store's. It does not wait for those who write.
func (s *Store) List(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	query, args := listSQL(s.db.dialect(), q)
	entries, err := s.entries(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list journal entries: %w", err)
	}
	return entries, nil
}

func (s *Store) entries(ctx context.Context, query string, args ...any) (entries []journal.Entry, err error) {
	err = s.read(ctx, query, args, func(r row) error {
		e, err := scan(r)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

func listSQL(d dialect, q journal.Query) (query string, args []any) {
	var w where
	from := "entries"
	if q.After != 0 { // SQLite takes a range with two ends for so narrow that it uses no other index
		w.and("number > ?", q.After)
	}
	w.and("number < ?", cmp.Or(q.Before, math.MaxInt64))
	if q.Room != 0 {
		w.and("room = ?", q.Room)
	}
	if q.Rooms != nil {
		in(&w, "room", q.Rooms)
	}
	if q.Target != "" {
		w.repeat(d.target, clean(q.Target))
	}
	if q.On != nil {
		from += d.byTurns
		account := slices.Repeat([]any{clean(q.On.Account)}, strings.Count(d.on, "?")-1)
		w.and(d.on, append([]any{q.On.Room}, account...)...)
	}
	if q.By != "" {
		by := clean(q.By)
		w.and("(person = ? OR name_lower = ? OR moderator_lower = ?)", by, strings.ToLower(by), strings.ToLower(by))
	}
	if len(q.Commands) > 0 {
		in(&w, "command", q.Commands)
	}
	if len(q.Outcomes) > 0 {
		in(&w, "outcome", q.Outcomes)
	}
	if !q.Since.IsZero() {
		w.repeat(d.since, q.Since.UnixMicro())
	}
	if !q.Lasting.IsZero() {
		w.and("until_us > ?", q.Lasting.UnixMicro())
	}
	if q.Text != "" {
		text := asciiLower(clean(q.Text))
		contains := func(column string) string { return fmt.Sprintf(d.contains, fmt.Sprintf(d.lower, column)) }
		w.and("("+contains("line")+" OR "+contains("reason")+" OR "+contains("text")+")", text, text, text)
	}
	return `SELECT ` + columns + ` FROM ` + from + ` WHERE ` + strings.Join(w.conditions, ` AND `) + ` ORDER BY number DESC LIMIT ?`,
		append(w.args, cmp.Or(q.Limit, defaultLimit))
}

// A where collects conditions that must all hold, and their arguments.
type where struct {
	conditions []string
	args       []any
}

func (w *where) and(condition string, args ...any) {
	w.conditions = append(w.conditions, condition)
	w.args = append(w.args, args...)
}

// repeat adds a condition in which every mark stands for arg.
func (w *where) repeat(condition string, arg any) {
	w.and(condition, slices.Repeat([]any{arg}, strings.Count(condition, "?"))...)
}

// in adds the condition that column has one of values; without values, nothing has.
func in[T int64 | string | journal.Outcome](w *where, column string, values []T) {
	if len(values) == 0 {
		w.and("FALSE")
		return
	}
	w.and(column + " IN (?" + strings.Repeat(", ?", len(values)-1) + ")")
	for _, v := range values {
		switch v := any(v).(type) {
		case int64:
			w.args = append(w.args, v)
		case string:
			w.args = append(w.args, clean(v))
		case journal.Outcome:
			w.args = append(w.args, clean(string(v)))
		}
	}
}

// asciiLower is text with its ASCII letters in lower case.
func asciiLower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
