package sqlstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Limiter lets nobody call while an interface rests, also after a restart. On PostgreSQL it also spaces calls out evenly for all processes together, by
// the clock of the database: one place in every 1/rate, and a few at once after a pause (GCRA, the leaky bucket as a meter). On SQLite there is one
// process, which spaces its calls itself.
type Limiter struct {
	store *Store
	db    *postgresDB // nil on SQLite

	mu    sync.Mutex
	rests map[string]time.Time // SQLite: until when, by name
}

// Rate and burst together stay below NetEase's 100, measured in any second.
const (
	usualBurst = 5
	mostAtOnce = 96
)

// Limiter is what limits the calls of all processes. Have one in a process.
func (s *Store) Limiter(ctx context.Context) (*Limiter, error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	if db, ok := s.db.(*postgresDB); ok {
		return &Limiter{store: s, db: db}, nil
	}
	l := &Limiter{store: s, rests: make(map[string]time.Time)}
	err := s.read(ctx, `SELECT name, next_us FROM limiter`, nil, func(r row) error {
		var name string
		var until int64
		err := r.Scan(&name, &until)
		if left := time.Until(time.UnixMicro(until)); left < longestRest { // else the clock has been put back
			l.rests[name] = time.Now().Add(left)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which interfaces rest: %w", err)
	}
	return l, nil
}

const longestRest = time.Minute

const nowMicros = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

var (
	// next_us is when the next place is free if the burst is used up. Its commit need not be on the disk: after a crash of the database a few calls too many
	// get a place at worst.
	placeSQL = numbered(`
		INSERT INTO limiter AS l (name, next_us) VALUES (?, ` + nowMicros + ` - ?::bigint)
		ON CONFLICT (name) DO UPDATE SET next_us = greatest(l.next_us, ` + nowMicros + ` - ?::bigint) + ?::bigint
			WHERE greatest(l.next_us, ` + nowMicros + ` - ?::bigint) + ?::bigint - ` + nowMicros + ` <= ?::bigint
		RETURNING next_us - ` + nowMicros)
	noPlaceSQL = numbered(`SELECT next_us + ?::bigint - ` + nowMicros + ` FROM limiter WHERE name = ?`)
	restSQL    = numbered(`
		INSERT INTO limiter AS l (name, next_us) VALUES (?, ` + nowMicros + ` + ?::bigint)
		ON CONFLICT (name) DO UPDATE SET next_us = greatest(l.next_us, excluded.next_us)`)
)

const relaxed = `SELECT set_config('synchronous_commit', 'off', true), set_config('statement_timeout', '4000', true), set_config('lock_timeout', '4000', true)`

// Take takes the next place for a call of an interface of that name, and returns how long to wait for it, 0 or more. When that would be longer than most, no place is
// taken, and ok is false. perSecond is the same in all processes.
func (l *Limiter) Take(ctx context.Context, name string, perSecond float64, most time.Duration) (wait time.Duration, ok bool, err error) {
	if perSecond <= 0 {
		return 0, false, fmt.Errorf("take a place for %s: a rate of %v is none", name, perSecond)
	}
	if l.db == nil {
		wait := max(0, time.Until(l.rest(name)))
		return wait, wait <= most, nil
	}
	step := int64(1e6 / perSecond)
	burst := step * int64(max(1, min(usualBurst, mostAtOnce-perSecond)))
	err = l.do(ctx, func(ctx context.Context) error {
		var batch pgx.Batch
		var us int64
		read := first(func(r row) error {
			ok = true
			return r.Scan(&us)
		})
		batch.Queue(relaxed)
		batch.Queue(placeSQL, name, burst-step, burst, step, burst, step, most.Microseconds()).Query(read)
		if err := l.db.pool.SendBatch(ctx, &batch).Close(); err != nil {
			ok = false
			return err
		}
		if !ok {
			if err := l.db.pool.QueryRow(ctx, noPlaceSQL, step, name).Scan(&us); err != nil {
				return err
			}
		}
		wait = max(0, time.Duration(us)*time.Microsecond)
		return nil
	})
	if err != nil {
		return 0, false, fmt.Errorf("take a place for %s: %w", name, err)
	}
	return wait, ok, nil
}

// Rest lets nobody take a place that comes before d is over. Places taken before stay taken.
func (l *Limiter) Rest(ctx context.Context, name string, d time.Duration) error {
	var err error
	if l.db == nil {
		err = l.restHere(ctx, name, time.Now().Add(d))
	} else {
		err = l.do(ctx, func(ctx context.Context) error {
			_, err := l.db.pool.Exec(ctx, restSQL, name, d.Microseconds())
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("let %s rest: %w", name, err)
	}
	return nil
}

func (l *Limiter) rest(name string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rests[name]
}

func (l *Limiter) restHere(ctx context.Context, name string, until time.Time) error {
	l.mu.Lock()
	if until.After(l.rests[name]) {
		l.rests[name] = until
	}
	l.mu.Unlock()
	return l.store.transact(ctx, func(tx transaction) error {
		_, err := tx.exec(`INSERT INTO limiter (name, next_us) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next_us = max(next_us, excluded.next_us)`, name, until.UnixMicro())
		return err
	})
}

func (l *Limiter) do(ctx context.Context, f func(context.Context) error) error {
	done, err := l.store.use()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return plain(f(ctx))
}
