package journaltest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func beginWrites(t *testing.T, s journal.Store) {
	entry, fresh, err := s.Begin(t.Context(), request("slack:1"))
	require.NoError(t, err)
	assert.True(t, fresh)
	assert.Positive(t, entry.Number)
	assert.Equal(t, begun(request("slack:1"), entry.Number), entry)
	assert.Equal(t, []journal.Entry{entry}, list(t, s, journal.Query{}))
}

func beginIgnoresTheEnd(t *testing.T, s journal.Store) {
	e := ended(request("slack:1"), result())
	e.Number, e.Deliveries = 7_000, 9
	entry := begin(t, s, e)
	assert.Less(t, entry.Number, int64(7_000))
	assert.Equal(t, begun(request("slack:1"), entry.Number), entry)
}

func beginAgain(t *testing.T, s journal.Store) {
	first := begin(t, s, request("slack:1"))
	other := request("slack:1")
	other.RequestID, other.Line, other.Target, other.Room = "other", "mute room=456 target=wangwu 1h", "wangwu", 456

	again, fresh, err := s.Begin(t.Context(), other)
	require.NoError(t, err)
	assert.False(t, fresh)
	want := first
	want.Deliveries = 2
	assert.Equal(t, want, again)
	assert.Equal(t, []journal.Entry{want}, list(t, s, journal.Query{}))
}

func beginAgainAfterFinish(t *testing.T, s journal.Store) {
	first := begin(t, s, request("slack:1"))
	require.NoError(t, s.Finish(t.Context(), first.Number, result()))

	again, fresh, err := s.Begin(t.Context(), request("slack:1"))
	require.NoError(t, err)
	assert.False(t, fresh)
	want := ended(first, result())
	want.Deliveries = 2
	assert.Equal(t, want, again)
}

func beginTellsKeysApart(t *testing.T, s journal.Store) {
	for _, key := range []string{"slack:a", "slack:A", "slack:a ", "slack:ä", "slack:a\u0308", "slack:ａ", "discord:a"} {
		entry, fresh, err := s.Begin(t.Context(), request(key))
		require.NoError(t, err)
		assert.True(t, fresh, key)
		assert.Equal(t, key, entry.Key)
	}
}

func beginWantsKey(t *testing.T, s journal.Store) {
	_, _, err := s.Begin(t.Context(), request(""))
	require.Error(t, err)
	assert.Empty(t, list(t, s, journal.Query{}))
}

func beginAtOnce(t *testing.T, s journal.Store) {
	const callers = 50
	var fresh atomic.Int64
	var entries [callers]journal.Entry
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			entry, isFresh, err := s.Begin(t.Context(), request("slack:1"))
			assert.NoError(t, err)
			if isFresh {
				fresh.Add(1)
			}
			entries[i] = entry
		})
	}
	wg.Wait()

	assert.EqualValues(t, 1, fresh.Load())
	want := begun(request("slack:1"), entries[0].Number)
	want.Deliveries = callers
	assert.Equal(t, []journal.Entry{want}, list(t, s, journal.Query{}))
	deliveries := make(map[int]bool) // each caller is told which delivery theirs was
	for _, entry := range entries {
		deliveries[entry.Deliveries] = true
		entry.Deliveries = callers
		assert.Equal(t, want, entry)
	}
	assert.Len(t, deliveries, callers)
}

func numbersAscend(t *testing.T, s journal.Store) {
	const callers, each = 8, 20
	var highest atomic.Int64 // of the numbers that Begin has returned
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				before := highest.Load()
				entry, fresh, err := s.Begin(t.Context(), request(fmt.Sprintf("slack:%d/%d", caller, i)))
				if !assert.NoError(t, err) {
					return
				}
				assert.True(t, fresh)
				assert.Greater(t, entry.Number, before, "what begins later has a higher number")
				raise(&highest, entry.Number)
				if i%3 == 0 { // a redelivery takes nobody's number
					again, _, err := s.Begin(t.Context(), request(entry.Key))
					assert.NoError(t, err)
					assert.Equal(t, entry.Number, again.Number)
				}
			}
		})
	}
	wg.Wait()

	entries := list(t, s, journal.Query{Limit: 2 * callers * each})
	require.Len(t, entries, callers*each)
	for i := range len(entries) - 1 {
		assert.Greater(t, entries[i].Number, entries[i+1].Number)
	}
}

// raise sets highest to number unless it is higher already.
func raise(highest *atomic.Int64, number int64) {
	for old := highest.Load(); old < number && !highest.CompareAndSwap(old, number); old = highest.Load() {
	}
}

func beginCancelled(t *testing.T, s journal.Store) {
	_, _, err := s.Begin(cancelled(t), request("slack:1"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, list(t, s, journal.Query{}))

	first := begin(t, s, request("slack:1"))
	_, _, err = s.Begin(cancelled(t), request("slack:1"))
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []journal.Entry{first}, list(t, s, journal.Query{}), "the delivery is not counted")
}
