package journaltest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

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
