package journaltest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func finishWrites(t *testing.T, s journal.Store) {
	for _, outcome := range []journal.Outcome{journal.Done, journal.NoChange, journal.Refused, journal.Failed, journal.Unknown} {
		entry := begin(t, s, request("slack:"+string(outcome)))
		full, bare := result(), journal.Result{Outcome: outcome}
		full.Outcome = outcome

		require.NoError(t, s.Finish(t.Context(), entry.Number, full))
		assert.Equal(t, ended(entry, full), list(t, s, journal.Query{Limit: 1})[0])

		entry = begin(t, s, request("slack:bare/"+string(outcome)))
		require.NoError(t, s.Finish(t.Context(), entry.Number, bare))
		assert.Equal(t, ended(entry, bare), list(t, s, journal.Query{Limit: 1})[0])
	}
}

func finishOne(t *testing.T, s journal.Store) {
	entries := beginSome(t, s, 3)
	require.NoError(t, s.Finish(t.Context(), entries[1].Number, result()))
	assert.Equal(t, []journal.Entry{entries[2], ended(entries[1], result()), entries[0]}, list(t, s, journal.Query{}))
}

func finishTwice(t *testing.T, s journal.Store) {
	entry := begin(t, s, request("slack:1"))
	require.NoError(t, s.Finish(t.Context(), entry.Number, result()))
	err := s.Finish(t.Context(), entry.Number, journal.Result{Outcome: journal.Failed, Code: 500})
	require.ErrorIs(t, err, journal.ErrNotRunning)
	assert.Equal(t, []journal.Entry{ended(entry, result())}, list(t, s, journal.Query{}))
}

func finishAtOnce(t *testing.T, s journal.Store) {
	const callers = 20
	entry := begin(t, s, request("slack:1"))
	var winner atomic.Int64
	var wg sync.WaitGroup
	for caller := 1; caller <= callers; caller++ {
		wg.Go(func() {
			err := s.Finish(t.Context(), entry.Number, journal.Result{Outcome: journal.Done, Code: caller})
			if err == nil {
				assert.Zero(t, winner.Swap(int64(caller)), "two were told that their end is the one")
				return
			}
			assert.ErrorIs(t, err, journal.ErrNotRunning)
		})
	}
	wg.Wait()
	assert.Equal(t,
		[]journal.Entry{ended(entry, journal.Result{Outcome: journal.Done, Code: int(winner.Load())})},
		list(t, s, journal.Query{}))
}

func finishUnknown(t *testing.T, s journal.Store) {
	entry := begin(t, s, request("slack:1"))
	for _, number := range []int64{0, -1, entry.Number + 1, 1 << 40} {
		assert.ErrorIs(t, s.Finish(t.Context(), number, result()), journal.ErrNotRunning, number)
	}
	assert.Equal(t, []journal.Entry{entry}, list(t, s, journal.Query{}))
}

func finishWantsEnd(t *testing.T, s journal.Store) {
	entry := begin(t, s, request("slack:1"))
	for _, outcome := range []journal.Outcome{"", journal.Running} {
		err := s.Finish(t.Context(), entry.Number, journal.Result{Outcome: outcome, Text: "not an end"})
		require.Error(t, err)
		assert.False(t, errors.Is(err, journal.ErrNotRunning))
	}
	assert.Equal(t, []journal.Entry{entry}, list(t, s, journal.Query{}))
}

func finishCancelled(t *testing.T, s journal.Store) {
	entry := begin(t, s, request("slack:1"))
	require.ErrorIs(t, s.Finish(cancelled(t), entry.Number, result()), context.Canceled)
	assert.Equal(t, []journal.Entry{entry}, list(t, s, journal.Query{}))
	require.NoError(t, s.Finish(t.Context(), entry.Number, result()), "it can be tried again")
}

func timesComeBack(t *testing.T, s journal.Store) {
	china := time.FixedZone("CST", 8*60*60)
	for _, c := range []struct {
		name     string
		in, want time.Time
	}{
		{"another zone", time.Date(2026, 11, 21, 20, 0, 0, 0, china), noon},
		{"microseconds", noon.Add(123_456 * time.Microsecond), noon.Add(123_456 * time.Microsecond)},
		{"nanoseconds are cut off", noon.Add(999_999_999), noon.Add(999_999_000)},
		{"a monotonic reading", time.Now().Truncate(time.Microsecond), time.Now()},
		{"before 1970", time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)},
		{"far away", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
	} {
		if c.name == "a monotonic reading" {
			c.want = c.in.UTC().Round(0)
		}
		e, r := request("slack:"+c.name), result()
		e.At, r.Until, r.Duration = c.in, c.in, 1_000_999*time.Nanosecond
		entry := begin(t, s, e)
		assert.Equal(t, c.want, entry.At, c.name)

		require.NoError(t, s.Finish(t.Context(), entry.Number, r))
		entry = list(t, s, journal.Query{Limit: 1})[0]
		assert.Equal(t, c.want, entry.At, c.name)
		assert.Equal(t, c.want, entry.Until, c.name)
		assert.Equal(t, time.Millisecond, entry.Duration, c.name)
	}
}

func zeroTimes(t *testing.T, s journal.Store) {
	e, r := request("slack:1"), result()
	e.At, r.Until, r.Duration = time.Time{}, time.Time{}, 0
	entry := begin(t, s, e)
	assert.Equal(t, time.Time{}, entry.At)

	require.NoError(t, s.Finish(t.Context(), entry.Number, r))
	assert.Equal(t, []journal.Entry{ended(entry, r)}, list(t, s, journal.Query{}))
}
