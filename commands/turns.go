package commands

import (
	"context"
	"sync"
	"time"

	"roomwarden/journal"
)

// endings tells the commands of this process when others of it have ended. The zero value is ready.
type endings struct {
	mu  sync.Mutex
	all map[int64]chan struct{}
}

// begin notes that a command is under way. Call end once its end is written; more calls do nothing.
func (e *endings) begin(number int64) (end func()) {
	ended := make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[int64]chan struct{}{}
	}
	e.all[number] = ended
	return sync.OnceFunc(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.all, number)
		close(ended)
	})
}

// of is closed when the command ends; nil when it is not under way in this process.
func (e *endings) of(number int64) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all[number]
}

func targetOf(e journal.Entry) journal.Target { return journal.Target{Room: e.Room, Account: e.Target} }

// turn waits until no write before e on its target is under way, in whatever process: writes on one target run one at a time, in the
// order of their numbers. before is the newest of those as Begin has found it; turn returns the newest that had, or may have had, an
// effect.
func (d *Dispatcher) turn(ctx context.Context, e journal.Entry, before *journal.Entry) (*journal.Entry, error) {
	for before != nil && before.Outcome == journal.Running {
		if _, err := d.ended(ctx, before.Number); err != nil {
			return nil, err
		}
		var err error
		if before, err = d.before(ctx, e); err != nil {
			return nil, err
		}
	}
	return before, nil
}

// ended waits until an entry has ended, and returns it. It hears at once of one that this process carries out, and asks the journal for
// others.
func (d *Dispatcher) ended(ctx context.Context, number int64) (journal.Entry, error) {
	const longest = 250 * time.Millisecond
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, longest) {
		here := d.running.of(number)
		if here == nil {
			e, err := d.Journal.Get(ctx, number)
			if err != nil || e.Outcome != journal.Running {
				return e, err
			}
		}
		timer := time.NewTimer(pause)
		if here != nil {
			timer.Stop()
		}
		select {
		case <-here:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return journal.Entry{}, ctx.Err()
		}
	}
}

// what may have had an effect, or may yet have one.
var effective = []journal.Outcome{journal.Running, journal.Done, journal.NoChange, journal.Unknown}

// before is the newest write on e's target before e that has, or may have, had an effect; nil when there is none.
func (d *Dispatcher) before(ctx context.Context, e journal.Entry) (*journal.Entry, error) {
	at := targetOf(e)
	return d.newest(ctx, journal.Query{On: &at, Before: e.Number, Outcomes: effective, Limit: 1})
}

// after is the newest write on e's target after e that has, or may have, had an effect.
func (d *Dispatcher) after(ctx context.Context, e journal.Entry) (*journal.Entry, error) {
	at := targetOf(e)
	return d.newest(ctx, journal.Query{On: &at, After: e.Number, Outcomes: effective[1:], Limit: 1})
}

func (d *Dispatcher) newest(ctx context.Context, q journal.Query) (*journal.Entry, error) {
	entries, err := d.Journal.List(ctx, q)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return &entries[0], nil
}
