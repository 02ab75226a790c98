package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"roomwarden/journal"
)

var (
	finishSQL = newStatement(`
		UPDATE entries SET outcome = ?, moderator = ?, moderator_lower = ?, code = ?, answer = ?, text = ?, until_us = ?, duration_us = ?,
			more = ?, delivery = 'pending'
		WHERE number = ? AND owner = ? AND (outcome = 'running' OR more)`)

	closeSQL = newStatement(`
		UPDATE entries SET outcome = ?, moderator = ?, moderator_lower = ?, code = ?, answer = ?, text = ?, until_us = ?, duration_us = ?,
			more = ?, delivery = 'delivered', open = FALSE, resume = NULL, reply_to = NULL, reply_by_us = NULL
		WHERE number = ? AND owner = ? AND (outcome = 'running' OR more)`)

	answeredSQL = newStatement(`
		UPDATE entries SET delivery = ?, open = more,
			resume      = CASE WHEN more THEN resume END,
			reply_to    = CASE WHEN more THEN reply_to END,
			reply_by_us = CASE WHEN more THEN reply_by_us END
		WHERE number = ? AND owner = ? AND open AND outcome <> 'running'`)

	tryBeginSQL  = `INSERT INTO entries (number, ` + inserted + `) VALUES (?` + strings.Repeat(", ?", 20) + `)`
	errTakenBack = errors.New("taken back")

	checkSQL = newStatement(`INSERT INTO checks (id, at_us) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at_us = excluded.at_us`)
)

// Finish is journal.Store's.
func (s *Store) Finish(ctx context.Context, h journal.Hand, r journal.Result) error {
	if err := s.finish(ctx, h, r); err != nil {
		return fmt.Errorf("finish journal entry %d: %w", h.Number, err)
	}
	return nil
}

func (s *Store) finish(ctx context.Context, h journal.Hand, r journal.Result) error {
	switch {
	case r.Outcome == "" || r.Outcome == journal.Running:
		return fmt.Errorf("%q is not an end", r.Outcome)
	case r.More && r.Outcome != journal.Unknown && r.Outcome != journal.Done:
		return fmt.Errorf("no more can come after %q", r.Outcome)
	case r.More && r.Given:
		return errors.New("more is to come, so the answer that was given is not the last")
	}
	statement := finishSQL
	if r.Given {
		statement = closeSQL
	}
	moderator := clean(r.Moderator)
	return s.change(ctx, h, statement, string(r.Outcome), moderator, strings.ToLower(moderator), r.Code, r.Answer, clean(r.Text), micros(r.Until),
		r.Duration.Microseconds(), r.More)
}

// Answered is journal.Store's.
func (s *Store) Answered(ctx context.Context, h journal.Hand, d journal.Delivery) error {
	err := fmt.Errorf("%q is no end of an answer", d)
	if d == journal.Delivered || d == journal.Undelivered {
		err = s.change(ctx, h, answeredSQL, string(d))
	}
	if err != nil {
		return fmt.Errorf("write what became of the answer of journal entry %d: %w", h.Number, err)
	}
	return nil
}

// change carries out a statement whose last arguments are the number of an entry and its owner, or tells why there is none such.
func (s *Store) change(ctx context.Context, h journal.Hand, statement *statement, args ...any) error {
	u := &update{statement: statement, args: append(args, h.Number, h.Owner)}
	if err := s.submit(ctx, u); err != nil || u.hit {
		return err
	}
	err := journal.ErrNotRunning
	readErr := s.read(ctx, `SELECT owner FROM entries WHERE number = ?`, []any{h.Number}, func(r row) error {
		var now string
		if scanErr := r.Scan(&now); scanErr != nil {
			return scanErr
		}
		if now != h.Owner {
			err = journal.ErrNotMine
		}
		return nil
	})
	if readErr != nil {
		return readErr
	}
	return err
}

// Check is journal.Store's. It begins an entry and takes it back, so that it touches all that a command would, and then commits something else.
func (s *Store) Check(ctx context.Context) error {
	err := s.transact(ctx, func(tx transaction) error {
		e := journal.Entry{Key: "check", Write: true, Owner: "check"}
		if _, err := tx.exec(tryBeginSQL, append([]any{0}, (&beginning{entry: e}).args()...)...); err != nil {
			return err
		}
		return errTakenBack
	})
	if !errors.Is(err, errTakenBack) {
		return fmt.Errorf("write to the journal: %w", err)
	}
	if err := s.touch(ctx); err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	return nil
}

// touch has the writer commit something.
func (s *Store) touch(ctx context.Context) error {
	return s.submit(ctx, &update{statement: checkSQL, args: []any{time.Now().UnixMicro()}})
}
