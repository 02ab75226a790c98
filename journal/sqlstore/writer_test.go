package sqlstore

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"roomwarden/journal"
)

// holdUp makes the writer of s wait, with one call of Check, for another process to let go of the file. Calls
// that are made before release is called gather behind it.
func holdUp(t *testing.T, s *Store) (release func()) {
	t.Helper()
	tx, err := database(t, s.path).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	checked := make(chan error, 1)
	go func() { checked <- s.Check(t.Context()) }()
	await(func() bool { return s.write.Stats().InUse == 1 })
	return func() {
		t.Helper()
		require.NoError(t, tx.Rollback())
		require.NoError(t, <-checked)
	}
}

// await returns when ready does so with true; what never is ready runs into the time limit of the tests.
func await(ready func() bool) {
	for !ready() {
		runtime.Gosched()
	}
}

// commits counts the commits of s from now on. It is to be read when nobody writes.
func commits(t *testing.T, s *Store) *int {
	t.Helper()
	n := new(int)
	conn, err := s.write.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.Raw(func(c any) error {
		c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { *n++; return 0 })
		return nil
	}))
	require.NoError(t, conn.Close())
	return n
}

func TestCallsThatWaitShareACommit(t *testing.T) {
	for _, c := range []struct {
		calls, want int // want: commits, that of the call that holds the others up included
	}{
		{0, 1},
		{1, 2},
		{100, 2},
		{maxBatch, 2},
		{maxBatch + 1, 3},
	} {
		s := openAt(t, newPath(t))
		n := commits(t, s)
		release := holdUp(t, s)
		var wg sync.WaitGroup
		for i := range c.calls {
			wg.Go(func() {
				_, fresh, err := s.Begin(t.Context(), mute(fmt.Sprintf("slack:%d", i)))
				assert.NoError(t, err)
				assert.True(t, fresh)
			})
		}
		await(func() bool { return len(s.queue) == c.calls })
		release()
		wg.Wait()
		assert.Equal(t, c.want, *n, c.calls)
		assert.Len(t, listed(t, s), c.calls)
	}
}

// An answer that is no success, and a key that comes twice, do not keep the others from sharing a commit.
func TestCallsOfOneCommitSeeEachOther(t *testing.T) {
	s := openAt(t, newPath(t))
	first := begun(t, s, "slack:1")
	n := commits(t, s)
	release := holdUp(t, s)
	var wg sync.WaitGroup
	var again [2]journal.Entry
	var fresh [2]bool
	var finished [2]error
	for i := range 2 { // one after the other
		wg.Go(func() {
			var err error
			again[i], fresh[i], err = s.Begin(t.Context(), mute("slack:2"))
			assert.NoError(t, err)
		})
		await(func() bool { return len(s.queue) == 2*i+1 })
		wg.Go(func() { finished[i] = s.Finish(t.Context(), first.Number, journal.Result{Outcome: journal.Done}) })
		await(func() bool { return len(s.queue) == 2*i+2 })
	}
	release()
	wg.Wait()

	assert.Equal(t, 2, *n)
	assert.Equal(t, [2]bool{true, false}, fresh)
	want := again[0]
	want.Deliveries = 2
	assert.Equal(t, want, again[1])
	assert.NoError(t, finished[0])
	assert.ErrorIs(t, finished[1], journal.ErrNotRunning)
	first.Outcome = journal.Done
	assert.Equal(t, []journal.Entry{want, first}, listed(t, s))
}

// A trigger stands for whatever SQLite may refuse: the statement alone, or the transaction with all that is in it.
func TestACallFailsAlone(t *testing.T) {
	for _, damage := range []string{"ABORT", "FAIL", "ROLLBACK"} {
		t.Run(damage, func(t *testing.T) {
			s := openAt(t, newPath(t))
			_, err := s.write.ExecContext(t.Context(), "CREATE TRIGGER bad BEFORE INSERT ON entries WHEN NEW.key = 'slack:5' "+
				"BEGIN SELECT RAISE("+damage+", 'no such line'); END")
			require.NoError(t, err)
			release := holdUp(t, s)
			const calls = 10
			var wg sync.WaitGroup
			for i := range calls {
				wg.Go(func() {
					entry, fresh, err := s.Begin(t.Context(), mute(fmt.Sprintf("slack:%d", i)))
					if i == 5 {
						assert.ErrorContains(t, err, "no such line")
						assert.Equal(t, journal.Entry{}, entry)
						assert.False(t, fresh)
						return
					}
					assert.NoError(t, err)
					assert.True(t, fresh)
					assert.Equal(t, 1, entry.Deliveries)
				})
				await(func() bool { return len(s.queue) == i+1 })
			}
			release()
			wg.Wait()
			entries := listed(t, s)
			require.Len(t, entries, calls-1)
			for i, key := range []string{"9", "8", "7", "6", "4", "3", "2", "1", "0"} {
				assert.Equal(t, "slack:"+key, entries[i].Key)
			}
		})
	}
}

// What a call met in a transaction that was not committed is no answer.
func TestAFailedCommitFailsAllItsCalls(t *testing.T) {
	s := openAt(t, newPath(t))
	entry := begun(t, s, "slack:1")
	_, err := s.write.ExecContext(t.Context(), "PRAGMA foreign_keys = ON")
	require.NoError(t, err)
	_, err = s.write.ExecContext(t.Context(), `
		CREATE TABLE late (n INTEGER REFERENCES entries (number) DEFERRABLE INITIALLY DEFERRED);
		CREATE TRIGGER late AFTER UPDATE ON entries BEGIN INSERT INTO late VALUES (-1); END`)
	require.NoError(t, err)
	release := holdUp(t, s)
	var errs [2]error
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = s.Finish(t.Context(), entry.Number, journal.Result{Outcome: journal.Done}) })
		await(func() bool { return len(s.queue) == i+1 })
	}
	release()
	wg.Wait()
	for _, err := range errs {
		assert.ErrorContains(t, err, "FOREIGN KEY")
		assert.NotErrorIs(t, err, journal.ErrNotRunning)
	}
	assert.Equal(t, []journal.Entry{entry}, listed(t, s))
	_, err = s.write.ExecContext(t.Context(), "DROP TRIGGER late")
	require.NoError(t, err)
	assert.NoError(t, s.Finish(t.Context(), entry.Number, journal.Result{Outcome: journal.Done}))
}

func TestACallerWhoGivesUpWhileWaiting(t *testing.T) {
	s := openAt(t, newPath(t))
	release := holdUp(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, _, err := s.Begin(ctx, mute("slack:1"))
		left <- err
	}()
	await(func() bool { return len(s.queue) == 1 })
	stayed := make(chan error, 1)
	go func() {
		_, _, err := s.Begin(t.Context(), mute("slack:2"))
		stayed <- err
	}()
	await(func() bool { return len(s.queue) == 2 })

	cancel()
	assert.ErrorIs(t, <-left, context.Canceled, "at once: the writer still waits")
	release()
	assert.NoError(t, <-stayed)
	entries := listed(t, s)
	require.Len(t, entries, 1)
	assert.Equal(t, "slack:2", entries[0].Key)
}

func TestTooManyCallsAreRefused(t *testing.T) {
	s := openAt(t, newPath(t))
	release := holdUp(t, s)
	var wg sync.WaitGroup
	for range maxWaiting {
		wg.Go(func() { assert.NoError(t, s.Check(t.Context())) })
	}
	await(func() bool { return len(s.queue) == maxWaiting })
	_, _, err := s.Begin(t.Context(), mute("slack:1"))
	assert.ErrorIs(t, err, errBusy)
	release()
	wg.Wait()
	assert.Empty(t, listed(t, s))
	begun(t, s, "slack:1")
}

func TestCloseWritesWhatIsWaiting(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	release := holdUp(t, s)
	const calls = 10
	results := make(chan error, calls)
	for i := range calls {
		go func() {
			_, _, err := s.Begin(t.Context(), mute(fmt.Sprintf("slack:%d", i)))
			results <- err
		}()
	}
	await(func() bool { return len(s.queue) == calls })
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	require.NoError(t, <-closed)
	for range calls {
		assert.NoError(t, <-results)
	}
	assert.Len(t, listed(t, openAt(t, path)), calls)
	assert.ErrorIs(t, s.Check(t.Context()), errClosed)
	assert.NoError(t, s.Close())
}

// Callers who gave up leave calls behind that nobody waits for.
func TestCloseEmptiesTheQueue(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	release := holdUp(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- s.Check(ctx) }()
	await(func() bool { return len(s.queue) == 1 })
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	release()
	require.NoError(t, <-closed)
	assert.Empty(t, s.queue)
	<-s.ended
}

// In a bubble the test ends only when every goroutine has.
func TestTheWriterEndsWithClose(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "sqlite:"+path)
		require.NoError(t, err)
		before := time.Now()
		begun(t, s, "slack:1")
		assert.Equal(t, before, time.Now(), "a lone call waits for no timer")
		time.Sleep(time.Hour) // nothing to do for the writer
		begun(t, s, "slack:2")
		require.NoError(t, s.Close())

		_, err = Open(t.Context(), "sqlite:"+path+"/none")
		assert.Error(t, err)
	})
}
