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

func finishWrites(t *testing.T, j Journal) {
	s := open(t, j)
	for _, outcome := range []journal.Outcome{journal.Done, journal.NoChange, journal.Refused, journal.Failed, journal.Unknown} {
		full, bare := result(), journal.Result{Outcome: outcome}
		full.Outcome = outcome
		for _, r := range []journal.Result{full, bare} {
			e := finish(t, s, begin(t, s, request("slack:"+string(outcome)+r.Text)), r)
			same(t, public(e), list(t, s, journal.Query{Limit: 1})[0])
			e.Deliveries = 2
			same(t, e, again(t, s, e.Key))
		}
	}
}

func finishOne(t *testing.T, j Journal) {
	s := open(t, j)
	entries := beginSome(t, s, 3)
	second := finish(t, s, entries[1], result())
	listed(t, s, entries[2], second, entries[0])
}

func finishTwice(t *testing.T, j Journal) {
	s := open(t, j)
	e := finish(t, s, begin(t, s, request("slack:1")), result())
	require.ErrorIs(t, s.Finish(t.Context(), e.Hand(), journal.Result{Outcome: journal.Failed, Code: 500}), journal.ErrNotRunning)
	listed(t, s, e)
	e = answer(t, s, e)
	require.ErrorIs(t, s.Finish(t.Context(), e.Hand(), journal.Result{Outcome: journal.Failed, Code: 500}), journal.ErrNotRunning)
	listed(t, s, e)
}

func finishAtOnce(t *testing.T, j Journal) {
	const callers = 20
	s := open(t, j)
	e := begin(t, s, request("slack:1"))
	var winner atomic.Int64
	var wg sync.WaitGroup
	for caller := 1; caller <= callers; caller++ {
		wg.Go(func() {
			err := s.Finish(t.Context(), e.Hand(), journal.Result{Outcome: journal.Done, Code: caller})
			if err == nil {
				assert.Zero(t, winner.Swap(int64(caller)), "two were told that their end is the one")
				return
			}
			assert.ErrorIs(t, err, journal.ErrNotRunning)
		})
	}
	wg.Wait()
	listed(t, s, ended(e, journal.Result{Outcome: journal.Done, Code: int(winner.Load())}))
}

func finishMore(t *testing.T, j Journal) {
	s := open(t, j)
	e := finish(t, s, begin(t, s, request("slack:1")), more())
	listed(t, s, e)
	still := more()
	still.Text, still.Duration = "NetEase still does not answer.", 0
	e = finish(t, s, e, still)
	listed(t, s, e)
	done := result()
	done.More = true
	e = finish(t, s, e, done)
	listed(t, s, e)
	e = finish(t, s, e, result())
	require.ErrorIs(t, s.Finish(t.Context(), e.Hand(), more()), journal.ErrNotRunning)
	listed(t, s, e)
}

func finishGiven(t *testing.T, j Journal) {
	s := open(t, j)
	r := result()
	r.Given = true
	one := finish(t, s, begin(t, s, request("slack:1")), r)
	two := finish(t, s, finish(t, s, begin(t, s, request("slack:2")), more()), r)
	listed(t, s, two, one)
	assert.Equal(t, journal.Delivered, one.Delivery)
	for _, e := range []journal.Entry{one, two} {
		assert.ErrorIs(t, s.Answered(t.Context(), e.Hand(), journal.Delivered), journal.ErrNotRunning)
		shown := again(t, s, e.Key)
		assert.Empty(t, shown.Resume)
		assert.Empty(t, shown.ReplyTo)
	}
	require.NoError(t, s.Close())
	take(t, open(t, j)) // nothing is left to be done
}

func finishNone(t *testing.T, j Journal) {
	s := open(t, j)
	e := begin(t, s, request("slack:1"))
	for _, number := range []int64{0, -1, e.Number + 1, 1 << 40} {
		assert.ErrorIs(t, s.Finish(t.Context(), journal.Hand{Number: number, Owner: e.Owner}, result()), journal.ErrNotRunning, number)
		assert.ErrorIs(t, s.Answered(t.Context(), journal.Hand{Number: number, Owner: e.Owner}, journal.Delivered), journal.ErrNotRunning, number)
	}
	listed(t, s, e)
}

func finishWantsEnd(t *testing.T, j Journal) {
	s := open(t, j)
	e := begin(t, s, request("slack:1"))
	for _, r := range []journal.Result{
		{Text: "no outcome"},
		{Outcome: journal.Running, Text: "not an end"},
		{Outcome: journal.Failed, More: true, Text: "nothing comes after it"},
		{Outcome: journal.NoChange, More: true, Text: "nor after this"},
		{Outcome: journal.Unknown, More: true, Given: true, Text: "it is not the last"},
	} {
		err := s.Finish(t.Context(), e.Hand(), r)
		require.Error(t, err, r.Text)
		assert.False(t, errors.Is(err, journal.ErrNotRunning), r.Text)
	}
	listed(t, s, e)
}

func finishCancelled(t *testing.T, j Journal) {
	s := open(t, j)
	e := begin(t, s, request("slack:1"))
	require.ErrorIs(t, s.Finish(cancelled(t), e.Hand(), result()), context.Canceled)
	listed(t, s, e)
	finish(t, s, e, result()) // it can be tried again
}

func answeredCloses(t *testing.T, j Journal) {
	s := open(t, j)
	one := finish(t, s, begin(t, s, request("slack:1")), result())
	two := finish(t, s, begin(t, s, request("slack:2")), result())
	require.NoError(t, s.Answered(t.Context(), one.Hand(), journal.Delivered))
	require.NoError(t, s.Answered(t.Context(), two.Hand(), journal.Undelivered))
	listed(t, s, closed(two, journal.Undelivered), closed(one, journal.Delivered))
}

func answeredMore(t *testing.T, j Journal) {
	s := open(t, j)
	e := finish(t, s, begin(t, s, request("slack:1")), more())
	for _, d := range []journal.Delivery{journal.Undelivered, journal.Delivered} {
		require.NoError(t, s.Answered(t.Context(), e.Hand(), d))
		e.Delivery = d
		listed(t, s, e)
	}
	e.Deliveries = 2
	same(t, e, again(t, s, "slack:1"), "open as it is, its secrets are kept")

	e = finish(t, s, e, result())
	assert.Equal(t, journal.Pending, e.Delivery)
	listed(t, s, e)
	listed(t, s, answer(t, s, e))
}

func answeredNotRunning(t *testing.T, j Journal) {
	s := open(t, j)
	e := begin(t, s, request("slack:1"))
	require.ErrorIs(t, s.Answered(t.Context(), e.Hand(), journal.Delivered), journal.ErrNotRunning)
	listed(t, s, e)
	e = answer(t, s, finish(t, s, e, result()))
	require.ErrorIs(t, s.Answered(t.Context(), e.Hand(), journal.Undelivered), journal.ErrNotRunning)
	listed(t, s, e)
}

func answeredWants(t *testing.T, j Journal) {
	s := open(t, j)
	e := finish(t, s, begin(t, s, request("slack:1")), result())
	for _, d := range []journal.Delivery{"", journal.Pending} {
		err := s.Answered(t.Context(), e.Hand(), d)
		require.Error(t, err)
		assert.False(t, errors.Is(err, journal.ErrNotRunning))
	}
	listed(t, s, e)
}

func closingForgets(t *testing.T, j Journal) {
	s := open(t, j)
	e := whole(t, s, request("slack:1"))
	e.Deliveries = 2
	same(t, e, again(t, s, "slack:1"))
	assert.Empty(t, e.Resume)
	assert.Empty(t, e.ReplyTo)
}
