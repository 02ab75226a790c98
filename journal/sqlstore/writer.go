package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"

	"roomwarden/journal"
)

const (
	maxWaiting = 4096 // calls; more are refused at once
	maxBatch   = 256  // calls in one transaction
)

var (
	errClosed   = errors.New("the journal is closed")
	errReadOnly = errors.New("the journal is open for reading only")
	errBusy     = fmt.Errorf("%d writes are waiting already; nothing was written", maxWaiting)
)

// A call is a write that waits for the writer.
type call struct {
	ctx   context.Context // when it is over before the call's turn, nothing is written
	write func(context.Context, *statements) error
	err   error      // of its latest turn; the writer's own
	done  chan error // gets one answer, after the commit; has room for it, so the writer never waits for the caller
}

// update has the writer call write and returns after the commit. write may be called more than once, in transactions
// of which only the last counts, and also after update has returned because ctx is over.
func (s *Store) update(ctx context.Context, write func(context.Context, *statements) error) error {
	s.inUse.RLock()
	defer s.inUse.RUnlock()
	switch {
	case s.closed:
		return errClosed
	case s.queue == nil:
		return errReadOnly
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{ctx: ctx, write: write, done: make(chan error, 1)}
	select {
	case s.queue <- c:
	default:
		return errBusy
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the writer: it writes what is waiting, in the order of its coming, until queue is closed and empty.
func (s *Store) run() {
	defer close(s.ended)
	batch := make([]*call, 0, maxBatch)
	for first := range s.queue {
		batch = append(batch, first)
		runtime.Gosched() // those just answered often come back with another call
		for more := true; more && len(batch) < maxBatch; {
			select {
			case c, open := <-s.queue:
				if more = open; open {
					batch = append(batch, c)
				}
			default:
				more = false
			}
		}
		s.commit(batch)
		clear(batch)
		batch = batch[:0]
	}
}

// commit writes the calls of batch in one transaction and answers them. When one fails in a way that may have spoiled
// the transaction, each gets one of its own.
func (s *Store) commit(batch []*call) {
	spoiled, err := s.attempt(batch)
	if spoiled && len(batch) > 1 {
		for i := range batch {
			s.commit(batch[i : i+1])
		}
		return
	}
	for _, c := range batch {
		c.done <- cmp.Or(err, c.err) // what a call saw in a transaction that failed did not happen
	}
}

// attempt gives each call of batch its turn in one transaction. Its error is that of all; spoiled tells that one
// call is to blame.
func (s *Store) attempt(batch []*call) (spoiled bool, err error) {
	if !anyWaits(batch) {
		return false, nil
	}
	if err := s.inPlace(); err != nil {
		return false, err
	}
	err = transact(context.Background(), s.write, callTimeout, func(ctx context.Context, tx *sql.Tx) error {
		prepared := s.statements.in(ctx, tx)
		for _, c := range batch {
			if c.err = c.ctx.Err(); c.err != nil {
				continue
			}
			c.err = c.write(ctx, prepared)
			if c.err != nil && !errors.Is(c.err, journal.ErrNotRunning) { // that one is an answer
				spoiled = true
				return c.err
			}
		}
		return nil
	})
	return spoiled, err
}

// anyWaits reports whether a caller still waits, and tells the others why they do not.
func anyWaits(batch []*call) bool {
	waits := false
	for _, c := range batch {
		c.err = c.ctx.Err()
		waits = waits || c.err == nil
	}
	return waits
}

// statements are what the writer says to SQLite, prepared.
type statements struct{ again, known, begin, finish, check *sql.Stmt }

func prepare(ctx context.Context, db *sql.DB) (*statements, error) {
	var p statements
	for _, s := range []struct {
		to    **sql.Stmt
		query string
	}{{&p.again, againSQL}, {&p.known, knownSQL}, {&p.begin, beginSQL}, {&p.finish, finishSQL}, {&p.check, checkSQL}} {
		var err error
		if *s.to, err = db.PrepareContext(ctx, s.query); err != nil {
			return nil, err
		}
	}
	return &p, nil
}

// in are the statements as parts of tx.
func (p *statements) in(ctx context.Context, tx *sql.Tx) *statements {
	return &statements{
		again: tx.StmtContext(ctx, p.again), known: tx.StmtContext(ctx, p.known), begin: tx.StmtContext(ctx, p.begin),
		finish: tx.StmtContext(ctx, p.finish), check: tx.StmtContext(ctx, p.check),
	}
}
