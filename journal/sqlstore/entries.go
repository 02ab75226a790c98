package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"roomwarden/journal"
)

// columns are those of an entry, in the order in which scan reads them.
const columns = `number, key, request_id, at_us, platform, space, channel, person, name, line, command, room, target, reason,
	outcome, moderator, code, answer, text, until_us, duration_us, deliveries`

const defaultLimit = 100 // entries in a list

const (
	// A key that is known is looked for first: an INSERT that meets a conflict would use a number up.
	againSQL = `UPDATE entries SET deliveries = deliveries + 1 WHERE key = ?`

	knownSQL = `SELECT ` + columns + ` FROM entries WHERE key = ?`

	beginSQL = `
		INSERT INTO entries (key, request_id, at_us, platform, space, channel, person, name, name_lower,
			line, command, room, target, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	finishSQL = `
		UPDATE entries SET outcome = ?, moderator = ?, moderator_lower = ?, code = ?, answer = ?, text = ?,
			until_us = ?, duration_us = ?
		WHERE number = ? AND outcome = 'running'`

	checkSQL = `
		INSERT INTO checks (id, at_us) VALUES (1, ?)
		ON CONFLICT (id) DO UPDATE SET at_us = excluded.at_us`
)

// Begin is journal.Store's.
func (s *Store) Begin(ctx context.Context, e journal.Entry) (entry journal.Entry, fresh bool, err error) {
	if entry, err = s.begin(ctx, e); err != nil {
		return journal.Entry{}, false, fmt.Errorf("begin a journal entry: %w", err)
	}
	return entry, entry.Deliveries == 1, nil
}

func (s *Store) begin(ctx context.Context, e journal.Entry) (journal.Entry, error) {
	if e.Key == "" {
		return journal.Entry{}, errors.New("it has no key")
	}
	var written journal.Entry // belongs to the writer until update returns nil
	err := s.update(ctx, func(ctx context.Context, prepared *statements) (err error) {
		written, err = begin(ctx, prepared, e)
		return err
	})
	if err != nil {
		return journal.Entry{}, err
	}
	return written, nil
}

func begin(ctx context.Context, prepared *statements, e journal.Entry) (journal.Entry, error) {
	counted, err := prepared.again.ExecContext(ctx, e.Key)
	if err != nil {
		return journal.Entry{}, err
	}
	if n, err := counted.RowsAffected(); err != nil {
		return journal.Entry{}, err
	} else if n == 1 {
		return scan(prepared.known.QueryRowContext(ctx, e.Key))
	}
	inserted, err := prepared.begin.ExecContext(ctx,
		e.Key, e.RequestID, e.At.UnixMicro(), e.Platform, e.Space, e.Channel, e.Person, e.Name, strings.ToLower(e.Name),
		e.Line, e.Command, e.Room, e.Target, e.Reason)
	if err != nil {
		return journal.Entry{}, err
	}
	number, err := inserted.LastInsertId()
	return asBegun(e, number), err
}

// asBegun is e as it is written: reading it back would cost more than writing it.
func asBegun(e journal.Entry, number int64) journal.Entry {
	return journal.Entry{
		Number: number, Key: e.Key, RequestID: e.RequestID, At: time.UnixMicro(e.At.UnixMicro()).UTC(),
		Platform: e.Platform, Space: e.Space, Channel: e.Channel, Person: e.Person, Name: e.Name,
		Line: e.Line, Command: e.Command, Room: e.Room, Target: e.Target, Reason: e.Reason,
		Outcome: journal.Running, Deliveries: 1,
	}
}

// Finish is journal.Store's.
func (s *Store) Finish(ctx context.Context, number int64, r journal.Result) error {
	if r.Outcome == "" || r.Outcome == journal.Running {
		return fmt.Errorf("finish journal entry %d: %q is not an end", number, r.Outcome)
	}
	err := s.update(ctx, func(ctx context.Context, prepared *statements) error { return finish(ctx, prepared, number, r) })
	if err != nil {
		return fmt.Errorf("finish journal entry %d: %w", number, err)
	}
	return nil
}

func finish(ctx context.Context, prepared *statements, number int64, r journal.Result) error {
	done, err := prepared.finish.ExecContext(ctx,
		r.Outcome, r.Moderator, strings.ToLower(r.Moderator), r.Code, r.Answer, r.Text,
		sql.Null[int64]{V: r.Until.UnixMicro(), Valid: !r.Until.IsZero()}, r.Duration.Microseconds(), number)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return journal.ErrNotRunning
}

// List is journal.Store's. It does not wait for those who write.
func (s *Store) List(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	s.inUse.RLock()
	defer s.inUse.RUnlock()
	entries, err := list(ctx, s.read, q)
	if err != nil {
		return nil, fmt.Errorf("list journal entries: %w", err)
	}
	return entries, nil
}

func list(ctx context.Context, db *sql.DB, q journal.Query) ([]journal.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	query, args := listSQL(q)
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []journal.Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

func listSQL(q journal.Query) (query string, args []any) {
	var w where
	w.and("number < ?", cmp.Or(q.Before, math.MaxInt64))
	if q.Room != 0 {
		w.and("room = ?", q.Room)
	}
	if q.Rooms != nil {
		in(&w, "room", q.Rooms)
	}
	if q.Target != "" {
		w.and("target = ?", q.Target)
	}
	if q.By != "" {
		name := strings.ToLower(q.By)
		w.and("(person = ? OR name_lower = ? OR moderator_lower = ?)", q.By, name, name)
	}
	if len(q.Commands) > 0 {
		in(&w, "command", q.Commands)
	}
	if len(q.Outcomes) > 0 {
		in(&w, "outcome", q.Outcomes)
	}
	if !q.Since.IsZero() {
		w.and("at_us >= ?", q.Since.UnixMicro())
	}
	return `SELECT ` + columns + ` FROM entries WHERE ` + strings.Join(w.conditions, ` AND `) + ` ORDER BY number DESC LIMIT ?`,
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

// in adds the condition that column has one of values; without values, nothing has.
func in[T any](w *where, column string, values []T) {
	if len(values) == 0 {
		w.and("FALSE")
		return
	}
	w.and(column + " IN (?" + strings.Repeat(", ?", len(values)-1) + ")")
	for _, v := range values {
		w.args = append(w.args, v)
	}
}

// Check is journal.Store's.
func (s *Store) Check(ctx context.Context) error {
	err := s.update(ctx, func(ctx context.Context, prepared *statements) error {
		_, err := prepared.check.ExecContext(ctx, time.Now().UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	return nil
}

// scan reads the columns of an entry.
func scan(row interface{ Scan(dest ...any) error }) (e journal.Entry, err error) {
	var at, duration int64
	var until sql.Null[int64]
	err = row.Scan(&e.Number, &e.Key, &e.RequestID, &at, &e.Platform, &e.Space, &e.Channel, &e.Person, &e.Name,
		&e.Line, &e.Command, &e.Room, &e.Target, &e.Reason,
		&e.Outcome, &e.Moderator, &e.Code, &e.Answer, &e.Text, &until, &duration, &e.Deliveries)
	e.At = time.UnixMicro(at).UTC()
	if until.Valid {
		e.Until = time.UnixMicro(until.V).UTC()
	}
	e.Duration = time.Duration(duration) * time.Microsecond
	return e, err
}
