package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"roomwarden/journal"
)

// takeSQL hands the oldest open entries of the dead over to a process that is alive.
const takeSQL = `
	WITH dead AS MATERIALIZED (
		SELECT number FROM entries
		WHERE seal = 0 AND open = TRUE AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.owner = entries.owner)
			AND EXISTS (SELECT 1 FROM replicas WHERE replicas.owner = ?)
		ORDER BY number LIMIT 100 %s)
	UPDATE entries SET owner = ?, attempts = attempts + 1 WHERE number IN (SELECT number FROM dead)
	RETURNING ` + columns + secrets

// takeovers are entries that a Take may have taken though it has returned an error.
type takeovers struct {
	mu      sync.Mutex // one Take at a time
	numbers map[int64]bool
}

// Take is journal.Store's.
func (s *Store) Take(ctx context.Context) ([]journal.Entry, error) {
	entries, err := s.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("take over journal entries: %w", err)
	}
	return entries, nil
}

func (s *Store) take(ctx context.Context) ([]journal.Entry, error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	s.lost.mu.Lock()
	defer s.lost.mu.Unlock()
	owner := s.pulse.name()
	var taken []journal.Entry
	err := s.transact(ctx, func(tx transaction) error {
		taken = nil
		// PostgreSQL looks again at rows that another one has changed meanwhile, but not again at who is alive.
		if err := tx.alone(); err != nil {
			return err
		}
		collect := func(r row) error {
			e, err := scanAll(r)
			taken = append(taken, e)
			return err
		}
		for number := range s.lost.numbers {
			if err := tx.query(collect, `SELECT `+columns+secrets+` FROM entries WHERE number = ? AND owner = ? AND open`, number, owner); err != nil {
				return err
			}
		}
		if len(taken) > 0 {
			return nil
		}
		return tx.query(collect, fmt.Sprintf(takeSQL, s.db.dialect().skipLocked), owner, owner)
	})
	if err != nil {
		if s.lost.numbers == nil {
			s.lost.numbers = make(map[int64]bool)
		}
		for _, e := range taken {
			s.lost.numbers[e.Number] = true
		}
		return nil, err
	}
	clear(s.lost.numbers) // all that were found are taken; another one has the rest
	slices.SortFunc(taken, func(a, b journal.Entry) int { return cmp.Compare(a.Number, b.Number) })
	return taken, nil
}

// Hold is journal.Store's.
func (s *Store) Hold(ctx context.Context, owner string) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	cancel := func() { end(context.Canceled) }
	if s.readOnly {
		end(errReadOnly)
		return ctx, cancel
	}
	p := s.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if owner == "" || owner != p.owner || p.life.Err() != nil {
		end(journal.ErrNotMine)
		return ctx, cancel
	}
	life := p.life
	stop := context.AfterFunc(life, func() { end(context.Cause(life)) })
	return ctx, func() { stop(); cancel() }
}
