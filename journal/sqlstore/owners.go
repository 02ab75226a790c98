package sqlstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"roomwarden/journal"
)

// A timing says how processes show that they live.
type timing struct {
	beat   time.Duration // between two signs of life
	ready  time.Duration // after the last one got through: may call NetEase
	lead   time.Duration // after the last one got through: leads, if it did
	gap    time.Duration // an observer who did not look for that long begins anew
	silent time.Duration // after that an observer takes a process for dead
}

// Nobody calls NetEase or leads when another may have taken over, with a margin for clocks that differ in speed and calls that are under way.
var usual = timing{beat: 500 * time.Millisecond, ready: time.Second, lead: 2 * time.Second, gap: time.Second, silent: 3 * time.Second}

// A pulse is what a process knows of its own life and of others'.
type pulse struct {
	timing
	end chan struct{} // closed: no more signs of life
	off chan struct{} // closed when there are no more

	mu      sync.Mutex
	owner   string // this process's name
	life    context.Context
	die     context.CancelCauseFunc
	last    time.Time // when the last sign of life that got through was sent
	leading bool      // so it was then
	newer   error     // a newer program has changed the journal

	seen     map[string]sighting // of the others; the heart's own
	observed time.Time           // when they were looked for last; the heart's own
}

// A sighting is how an observer knows another process.
type sighting struct {
	beats int64
	since time.Time // it has been at that
}

func newPulse(t timing) *pulse {
	return &pulse{timing: t, end: make(chan struct{}), off: make(chan struct{}), seen: make(map[string]sighting)}
}

func (p *pulse) name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owner
}

func (p *pulse) outdated() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newer
}

// enter gives this process a new name and the first sign of life under it.
func (s *Store) enter(ctx context.Context) error {
	name := strings.ToLower(rand.Text()[:16])
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := s.db.transact(ctx, func(tx transaction) error {
		_, err := tx.exec(`INSERT INTO replicas (owner, beats) VALUES (?, 1)`, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	p := s.pulse
	p.mu.Lock()
	p.owner, p.last = name, sent
	p.life, p.die = context.WithCancelCause(context.Background())
	p.mu.Unlock()
	return s.show(ctx)
}

// leave frees what this process has in hand. Nobody else is in the store.
func (s *Store) leave() error {
	p := s.pulse
	close(p.end)
	<-p.off
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	err := s.settle(ctx)
	p.mu.Lock()
	p.die(journal.ErrNotMine)
	p.last = time.Time{}
	p.mu.Unlock()
	return errors.Join(err, s.db.transact(ctx, func(tx transaction) error {
		_, err := tx.exec(`DELETE FROM replicas WHERE owner = ?`, p.owner)
		return err
	}))
}

// beat gives signs of life until the store is closed, and beside that, so that none is late, settles what is to be settled.
func (s *Store) beat() {
	p := s.pulse
	defer close(p.off)
	var settling sync.WaitGroup
	defer settling.Wait()
	settling.Go(func() { s.every(p.beat, s.settleSome) })
	s.every(p.beat, s.live)
}

// every calls f again and again until the store is closed.
func (s *Store) every(interval time.Duration, f func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-s.pulse.end:
			return
		case <-tick.C:
			f()
		}
	}
}

// live gives one sign of life. Ready tells when it did not get through.
func (s *Store) live() {
	ctx, cancel := context.WithTimeout(context.Background(), s.pulse.lead)
	defer cancel()
	_ = s.show(ctx)
}

// settleSome settles what it can; what is left is for the next time.
func (s *Store) settleSome() {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	_ = s.settle(ctx)
}

// show writes a sign of life, looks for those of others, and takes the lead when nobody has it. A process that finds itself buried ends what it has
// in hand, and only then takes a new name.
func (s *Store) show(ctx context.Context) error {
	p := s.pulse
	sent, owner := time.Now(), p.name()
	var alive, leads bool
	var oldest int
	others := make(map[string]int64)
	err := s.db.transact(ctx, func(tx transaction) error {
		n, err := tx.exec(`UPDATE replicas SET beats = beats + 1 WHERE owner = ?`, owner)
		if alive = n == 1; err != nil || !alive {
			return err
		}
		if err := tx.query(func(r row) error { return r.Scan(&oldest) }, `SELECT COALESCE(MAX(oldest), 0) FROM migrations`); err != nil {
			return err
		}
		var leader string // before the others: whoever leads was written down as alive before
		if err := tx.query(func(r row) error { return r.Scan(&leader) }, `SELECT owner FROM leader`); err != nil {
			return err
		}
		err = tx.query(func(r row) error {
			var name string
			var beats int64
			err := r.Scan(&name, &beats)
			others[name] = beats
			return err
		}, `SELECT owner, beats FROM replicas`)
		if err != nil {
			return err
		}
		if _, lives := others[leader]; lives {
			leads = leader == owner
			return nil
		}
		n, err = tx.exec(`UPDATE leader SET owner = ? WHERE owner = ?`, owner, leader) // the dead do not come back under the same name
		leads = n == 1
		return err
	})
	if err != nil {
		return fmt.Errorf("show that this process lives: %w", err)
	}
	if !alive {
		p.mu.Lock()
		p.last, p.leading = time.Time{}, false
		p.die(journal.ErrNotMine)
		p.mu.Unlock()
		return s.enter(ctx)
	}
	p.mu.Lock()
	p.last, p.leading = sent, leads
	if ours := s.db.dialect().newest; oldest > ours {
		p.newer = newerError(oldest, ours)
	}
	p.mu.Unlock()
	delete(others, owner)
	return s.bury(ctx, p.observe(others, sent, time.Now()))
}

// observe returns those of the others that have been silent for too long. They were looked for between two times.
func (p *pulse) observe(others map[string]int64, sent, received time.Time) (dead map[string]int64) {
	restart := sent.Sub(p.observed) > p.gap
	p.observed = received
	dead = make(map[string]int64)
	seen := make(map[string]sighting, len(others))
	for name, beats := range others {
		was, known := p.seen[name]
		switch {
		case restart || !known || was.beats != beats:
			was = sighting{beats, received}
		case sent.Sub(was.since) >= p.silent:
			dead[name] = beats
		}
		seen[name] = was
	}
	p.seen = seen
	return dead
}

// bury makes what the dead had in hand free, and takes the lead if one of them had it.
func (s *Store) bury(ctx context.Context, dead map[string]int64) error {
	if len(dead) == 0 {
		return nil
	}
	err := s.db.transact(ctx, func(tx transaction) error {
		for name, beats := range dead {
			if _, err := tx.exec(`DELETE FROM replicas WHERE owner = ? AND beats = ?`, name, beats); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bury silent processes: %w", err)
	}
	return s.show(ctx)
}

// Ready is journal.Store's.
func (s *Store) Ready() error {
	if s.readOnly {
		return errReadOnly
	}
	p := s.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	switch silent := time.Since(p.last); {
	case p.newer != nil:
		return p.newer
	case p.last.IsZero():
		return errors.New("this process is not shown as alive in the journal")
	case silent >= p.ready:
		return fmt.Errorf("this process could not show for %v that it lives: the journal does not take it", silent.Round(time.Millisecond))
	}
	return nil
}

// Leads is journal.Store's.
func (s *Store) Leads() bool {
	if s.readOnly {
		return false
	}
	p := s.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leading && p.newer == nil && !p.last.IsZero() && time.Since(p.last) < p.lead
}
