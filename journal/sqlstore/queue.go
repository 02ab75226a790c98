package sqlstore

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"roomwarden/journal"
)

const (
	maxWaiting = 4096 // calls; more are refused at once
	maxBatch   = 256  // calls in one transaction
)

// A call is a write that waits for the writer.
type call struct {
	ctx  context.Context // when it ends before the call's turn, nothing is written
	op   operation
	turn atomic.Int32
	err  error      // how it ended; the writer's own
	done chan error // gets one answer, after the commit; has room for it, so the writer never waits for the caller
}

// An operation is a *beginning or an *update. It belongs to the writer until its call is answered.
type operation any

// An update changes one row, or finds that there is none to change.
type update struct {
	statement *statement
	args      []any
	hit       bool // there was one
}

const ( // what becomes of a call's turn
	awaited  = iota
	taken    // by the writer
	left     // by the caller, who is gone
	answered // by the writer
	given    // up by the caller: the writer takes too long
)

// take reports whether the call's turn has come now or before; else its caller is gone.
func (c *call) take() bool {
	if c.ctx.Err() == nil {
		c.turn.CompareAndSwap(awaited, taken)
	} else {
		c.turn.CompareAndSwap(awaited, left)
	}
	if c.turn.Load() == taken {
		return true
	}
	c.err = c.ctx.Err()
	return false
}

// submit has the writer carry out op and returns after the commit.
func (s *Store) submit(ctx context.Context, op operation) error {
	ctx, done, err := s.writing(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, begins := op.(*beginning); begins && s.orphan.tooMany() {
		return journal.ErrBusy
	}
	c := &call{ctx: ctx, op: op, done: make(chan error, 1)}
	select {
	case s.queue <- c:
	default:
		return journal.ErrBusy
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if c.turn.CompareAndSwap(awaited, left) {
			return ctx.Err()
		}
	}
	timer := time.NewTimer(callTimeout)
	defer timer.Stop()
	select {
	case err := <-c.done:
		return err
	case <-timer.C: // the disk does not answer, for example
		if c.turn.CompareAndSwap(taken, given) {
			return errStuck
		}
		return <-c.done
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

// commit writes the calls of batch and answers them.
func (s *Store) commit(batch []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	s.db.write(ctx, batch)
	for _, c := range batch {
		gone := !c.turn.CompareAndSwap(taken, answered) && c.turn.Load() == given
		if b, ok := c.op.(*beginning); ok && (b.lost && c.err != nil || gone && (b.lost || c.err == nil)) {
			s.orphan.add(b)
		}
		c.done <- c.err
	}
}
