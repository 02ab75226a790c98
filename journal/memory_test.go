package journal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/journal/journaltest"
)

func TestMemory(t *testing.T) {
	journaltest.Suite(t, func(testing.TB) journaltest.Journal { return new(journaltest.OnMemory) })
}

// mute is a request of Zhang San's.
func mute(key string) journal.Entry {
	return journal.Entry{Key: key, At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Person: "T0123/U0456", Name: "Zhang San",
		Line: "mute 123 lisi 5m", Command: "mute", Room: 123, Target: "lisi", Write: true}
}

func TestMemoryKilled(t *testing.T) {
	var memory journal.Memory
	killed, other := memory.Open(), memory.Open()
	b, err := killed.Begin(t.Context(), mute("slack:1"))
	require.NoError(t, err)
	held, cancel := killed.Hold(t.Context(), b.Owner)
	defer cancel()

	killed.Kill()
	assert.ErrorIs(t, context.Cause(held), journal.ErrNotMine)
	assert.Error(t, killed.Finish(t.Context(), b.Hand(), journal.Result{Outcome: journal.Done}))
	assert.Error(t, killed.Ready())
	assert.False(t, killed.Leads())
	killed.Wake() // the dead do not wake
	assert.Error(t, killed.Ready())

	assert.True(t, other.Leads())
	taken, err := other.Take(t.Context())
	require.NoError(t, err)
	require.Len(t, taken, 1)
	assert.Equal(t, b.Number, taken[0].Number)
	assert.NoError(t, other.Finish(t.Context(), taken[0].Hand(), journal.Result{Outcome: journal.Done}))
}

func TestMemorySilentAndAwake(t *testing.T) {
	var memory journal.Memory
	silent, other := memory.Open(), memory.Open()
	b, err := silent.Begin(t.Context(), mute("slack:1"))
	require.NoError(t, err)
	held, cancel := silent.Hold(t.Context(), b.Owner)
	defer cancel()

	silent.Silence()
	assert.NoError(t, held.Err(), "it knows nothing yet")
	assert.Error(t, silent.Ready())
	assert.True(t, other.Leads())
	silent.Wake()
	assert.ErrorIs(t, context.Cause(held), journal.ErrNotMine)
	assert.NoError(t, silent.Ready())
	assert.False(t, silent.Leads(), "another one leads already")
	taken, err := silent.Take(t.Context()) // under its new name
	require.NoError(t, err)
	assert.Len(t, taken, 1)
	assert.ErrorIs(t, silent.Finish(t.Context(), b.Hand(), journal.Result{Outcome: journal.Done}), journal.ErrNotMine)

	name := taken[0].Owner
	silent.Wake() // who is awake stays who he is
	again, err := silent.Begin(t.Context(), mute("slack:1"))
	require.NoError(t, err)
	assert.Equal(t, name, again.Owner)
	assert.NoError(t, silent.Finish(t.Context(), taken[0].Hand(), journal.Result{Outcome: journal.Done}))
}

func TestMemoryFails(t *testing.T) {
	full := errors.New("the disk is full")
	var memory journal.Memory
	failing, other := memory.Open(), memory.Open()
	b, err := failing.Begin(t.Context(), mute("slack:1"))
	require.NoError(t, err)
	var methods []string
	failing.Fail = func(_ context.Context, method string) error {
		methods = append(methods, method)
		return full
	}

	_, err = failing.Begin(t.Context(), mute("slack:2"))
	assert.ErrorIs(t, err, full)
	assert.ErrorIs(t, failing.Finish(t.Context(), b.Hand(), journal.Result{Outcome: journal.Done}), full)
	assert.ErrorIs(t, failing.Answered(t.Context(), b.Hand(), journal.Delivered), full)
	_, err = failing.Get(t.Context(), b.Number)
	assert.ErrorIs(t, err, full)
	_, err = failing.List(t.Context(), journal.Query{})
	assert.ErrorIs(t, err, full)
	_, err = failing.Take(t.Context())
	assert.ErrorIs(t, err, full)
	assert.ErrorIs(t, failing.Ready(), full)
	_, err = failing.Tidy(t.Context(), time.Time{}, time.Time{})
	assert.ErrorIs(t, err, full)
	_, err = failing.Seal(t.Context())
	assert.ErrorIs(t, err, full)
	_, err = failing.Root(t.Context())
	assert.ErrorIs(t, err, full)
	_, err = failing.Links(t.Context(), 0, 1)
	assert.ErrorIs(t, err, full)
	assert.ErrorIs(t, failing.Check(t.Context()), full)
	assert.NoError(t, failing.Close())
	assert.Equal(t, []string{"Begin", "Finish", "Answered", "Get", "List", "Take", "Ready", "Tidy", "Seal", "Root", "Links", "Check"}, methods)

	entries, err := other.List(t.Context(), journal.Query{})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	assert.Equal(t, b.Entry, entries[0], "nothing was written")
}

// A store that does not answer keeps its caller no longer than the caller's context, in a bubble too.
func TestMemoryHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var memory journal.Memory
		s := memory.Open()
		s.Fail = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Begin(ctx, mute("slack:1"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 2*time.Second, time.Since(start))

		entries, err := memory.Open().List(t.Context(), journal.Query{})
		require.NoError(t, err)
		assert.Empty(t, entries)
	})
}
