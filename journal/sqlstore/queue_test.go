package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// A heldDB is a database whose next write waits.
type heldDB struct {
	database
	entered, release chan struct{}
	once             sync.Once
}

func (h *heldDB) write(ctx context.Context, batch []*call) {
	h.once.Do(func() {
		close(h.entered)
		<-h.release
	})
	h.database.write(ctx, batch)
}

// holdUp makes the writer wait with one call. Calls that are made before release is called gather in the queue.
func holdUp(t *testing.T, s *Store) (release func()) {
	t.Helper()
	h := &heldDB{database: s.db, entered: make(chan struct{}), release: make(chan struct{})}
	s.db = h // nobody uses it: it is an openQuiet store
	checked := make(chan error, 1)
	go func() { checked <- s.touch(t.Context()) }()
	<-h.entered
	return func() {
		t.Helper()
		close(h.release)
		require.NoError(t, <-checked)
	}
}

// openQuiet opens a store that does nothing by itself.
func openQuiet(t *testing.T, address string) *Store {
	t.Helper()
	s, err := open(t.Context(), address, lasting)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// await waits for a condition that comes true soon.
func await(t testing.TB, ready func() bool) {
	t.Helper()
	require.Eventually(t, ready, 30*time.Second, time.Millisecond)
}

func TestCallsThatWaitAreWrittenTogether(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s := openQuiet(t, address)
		first := begun(t, s, "slack:1")
		release := holdUp(t, s)
		var wg sync.WaitGroup
		var again [2]journal.Begun
		var finished [2]error
		for i := range 2 { // one after the other
			wg.Go(func() {
				var err error
				again[i], err = s.Begin(t.Context(), mute("slack:2"))
				assert.NoError(t, err)
			})
			await(t, func() bool { return len(s.queue) == 2*i+1 })
			wg.Go(func() { finished[i] = s.Finish(t.Context(), first.Hand(), muted) })
			await(t, func() bool { return len(s.queue) == 2*i+2 })
		}
		release()
		wg.Wait()
		assert.True(t, again[0].Fresh)
		assert.Equal(t, first.Number, again[0].Before.Number)
		assert.False(t, again[1].Fresh)
		want := again[0].Entry
		want.Deliveries = 2
		assert.Equal(t, want, again[1].Entry)
		assert.NoError(t, finished[0])
		assert.ErrorIs(t, finished[1], journal.ErrNotRunning)
	})
}

// A trigger stands for whatever a database may refuse.
func TestACallFailsAlone(t *testing.T) {
	for _, c := range []struct {
		kind    int
		trigger []string
	}{
		{0, []string{"CREATE TRIGGER bad BEFORE INSERT ON entries WHEN NEW.line = 'bad' BEGIN SELECT RAISE(ABORT, 'no such line'); END"}},
		{0, []string{"CREATE TRIGGER bad BEFORE INSERT ON entries WHEN NEW.line = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'no such line'); END"}},
		{1, []string{"CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no such line'; END $$",
			"CREATE TRIGGER bad BEFORE INSERT ON entries FOR EACH ROW WHEN (NEW.line = 'bad') EXECUTE FUNCTION bad()"}},
	} {
		t.Run(databases[c.kind].name, func(t *testing.T) {
			address := databases[c.kind].address(t)
			s := openQuiet(t, address)
			for _, query := range c.trigger {
				say(t, address, query)
			}
			running := begun(t, s, "slack:running")
			release := holdUp(t, s)
			var wg sync.WaitGroup
			for i := range 10 {
				wg.Go(func() {
					e := mute(fmt.Sprintf("slack:%d", i))
					if i == 5 {
						e.Line = "bad"
					}
					b, err := s.Begin(t.Context(), e)
					if i == 5 {
						assert.ErrorContains(t, err, "begin a journal entry: ")
						assert.ErrorContains(t, err, "no such line")
						assert.Equal(t, journal.Begun{}, b)
						return
					}
					assert.NoError(t, err)
					assert.True(t, b.Fresh)
					assert.Equal(t, 1, b.Deliveries)
				})
				await(t, func() bool { return len(s.queue) == i+1 })
			}
			wg.Go(func() { assert.NoError(t, s.Finish(t.Context(), running.Hand(), muted)) })
			await(t, func() bool { return len(s.queue) == 11 })
			release()
			wg.Wait()
			var keys []string
			for _, e := range listed(t, s) {
				keys = append(keys, strings.TrimPrefix(e.Key, "slack:"))
			}
			assert.Equal(t, "9 8 7 6 4 3 2 1 0 running", strings.Join(keys, " "))
			assert.Empty(t, s.orphan.all, "what was refused was not written")
		})
	}
}

func TestACallerWhoseContextEnds(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s := openQuiet(t, address)
		release := holdUp(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		gone, stayed := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := s.Begin(ctx, mute("slack:1"))
			gone <- err
		}()
		await(t, func() bool { return len(s.queue) == 1 })
		go func() {
			_, err := s.Begin(t.Context(), mute("slack:2"))
			stayed <- err
		}()
		await(t, func() bool { return len(s.queue) == 2 })
		cancel()
		assert.ErrorIs(t, <-gone, context.Canceled, "at once: the writer still waits")
		release()
		assert.NoError(t, <-stayed)
		entries := listed(t, s)
		require.Len(t, entries, 1)
		assert.Equal(t, "slack:2", entries[0].Key)
	})
}

// Whoever has had the turn is told what came of it, however late.
func TestACallerWhoseTurnHasComeWaits(t *testing.T) {
	s := &Store{queue: make(chan *call, 1), pulse: newPulse(usual)}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- s.submit(ctx, &update{}) }()
	c := <-s.queue
	require.True(t, c.take())
	cancel()
	assert.True(t, c.take(), "in another try too")
	c.done <- nil
	assert.NoError(t, <-result)
}

// A stuckDB carries out a batch, but its callers do not wait for that.
type stuckDB struct{ database }

func (d stuckDB) write(ctx context.Context, batch []*call) {
	d.database.write(ctx, batch)
	for _, c := range batch {
		c.turn.Store(given)
	}
}

// An entry that was written after its caller had given it up is ended as refused: nobody runs it.
func TestWhatIsWrittenTooLate(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s := openQuiet(t, address)
		right := s.db
		s.db = stuckDB{right}
		b := &beginning{entry: asBegun(mute("slack:1"), s.pulse.name())}
		u := &update{statement: checkSQL, args: []any{int64(1)}}
		calls := []*call{{ctx: t.Context(), op: b, done: make(chan error, 1)}, {ctx: t.Context(), op: u, done: make(chan error, 1)}}
		s.commit(calls)
		s.db = right
		assert.Len(t, s.orphan.all, 1)
		require.NoError(t, s.settle(t.Context()))
		entries := listed(t, s)
		require.Len(t, entries, 1)
		assert.Equal(t, journal.Refused, entries[0].Outcome)
		assert.False(t, entries[0].Open)
	})
}

func TestTooManyCalls(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s := openQuiet(t, address)
		release := holdUp(t, s)
		var wg sync.WaitGroup
		for range maxWaiting {
			wg.Go(func() { assert.NoError(t, s.touch(t.Context())) })
		}
		await(t, func() bool { return len(s.queue) == maxWaiting })
		_, err := s.Begin(t.Context(), mute("slack:1"))
		assert.ErrorIs(t, err, journal.ErrBusy)
		release()
		wg.Wait()
		assert.Empty(t, listed(t, s))
		begun(t, s, "slack:1")
	})
}

func TestCloseWritesWhatIsWaiting(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s := openQuiet(t, address)
		release := holdUp(t, s)
		const calls = 10
		results := make(chan error, calls)
		for i := range calls {
			go func() {
				_, err := s.Begin(t.Context(), mute(fmt.Sprintf("slack:%d", i)))
				results <- err
			}()
		}
		await(t, func() bool { return len(s.queue) == calls })
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		release()
		require.NoError(t, <-closed)
		for range calls {
			assert.NoError(t, <-results)
		}
		assert.ErrorIs(t, s.Check(t.Context()), errClosed)
		assert.NoError(t, s.Close())
		next := openAt(t, address)
		taken, err := next.Take(t.Context())
		assert.NoError(t, err)
		assert.Len(t, taken, calls, "free for the next process at once")
	})
}
