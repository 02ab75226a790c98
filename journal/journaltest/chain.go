package journaltest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// seal seals what there is and returns how many.
func seal(t testing.TB, s journal.Store) (all int) {
	t.Helper()
	for {
		n, err := s.Seal(t.Context())
		require.NoError(t, err)
		if n == 0 {
			return all
		}
		all += n
	}
}

// verified seals, and asserts that the chain holds and where it ends.
func verified(t testing.TB, s journal.Store, last int64) journal.Link {
	t.Helper()
	seal(t, s)
	return holds(t, s, last)
}

// holds asserts that the chain holds and where it ends.
func holds(t testing.TB, s journal.Store, last int64) journal.Link {
	t.Helper()
	head, _, err := journal.Verify(t.Context(), s, journal.Link{})
	require.NoError(t, err)
	assert.Equal(t, last, head.Seal)
	return head
}

// chain is the keys of the sealed entries, in the order of their seals.
func chain(t testing.TB, s journal.Store) string {
	t.Helper()
	links, err := s.Links(t.Context(), 0, 10_000)
	require.NoError(t, err)
	var entries []journal.Entry
	for _, l := range links {
		assert.Equal(t, l.Seal, l.Entry.Seal)
		entries = append(entries, l.Entry)
	}
	return keys(entries)
}

func sealOrder(t *testing.T, j Journal) {
	s, other := open(t, j), open(t, j)
	root, err := s.Root(t.Context())
	require.NoError(t, err)
	assert.Equal(t, journal.Link{}, root)
	assert.Zero(t, seal(t, s), "nothing is closed")
	holds(t, s, 0)

	e := beginSome(t, s, 6)
	for _, i := range []int{5, 3, 1} {
		e[i] = finish(t, s, e[i], result())
	}
	assert.Zero(t, seal(t, s), "nothing is closed")
	e[3], e[1] = answer(t, s, e[3]), answer(t, s, e[1])
	assert.Equal(t, 2, seal(t, other))
	assert.Equal(t, "1 3", chain(t, s))
	first := holds(t, other, 2)

	e[0] = finish(t, s, e[0], more())
	require.NoError(t, s.Answered(t.Context(), e[0].Hand(), journal.Delivered))
	assert.Zero(t, seal(t, s), "more is to come")
	e[0] = answer(t, s, finish(t, s, e[0], result()))
	e[5] = answer(t, s, e[5])
	assert.Equal(t, 2, seal(t, s))
	assert.Equal(t, "1 3 0 5", chain(t, other))
	last := holds(t, other, 4)
	assert.NotEqual(t, first, last)
	_, looked, err := journal.Verify(t.Context(), s, first)
	require.NoError(t, err)
	assert.EqualValues(t, 4, looked)

	e[1].Seal, e[3].Seal, e[0].Seal, e[5].Seal = 1, 2, 3, 4
	listed(t, s, e[5], e[4], e[3], e[2], e[1], e[0])
	links, err := s.Links(t.Context(), 2, 10)
	require.NoError(t, err)
	require.Len(t, links, 2)
	same(t, e[0], links[0].Entry)
	assert.Equal(t, last.Hash, links[1].Hash)
}

func sealBatches(t *testing.T, j Journal) {
	s := open(t, j)
	wholeMany(t, s, 503)
	for _, want := range []int{500, 3, 0} {
		n, err := s.Seal(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, n)
	}
	holds(t, s, 503)
}

func sealAtOnce(t *testing.T, j Journal) {
	stores := []journal.Store{open(t, j), open(t, j)}
	var begun, sealed atomic.Int64
	for round := range 5 { // a sealer may be refused when another one is at work; it must not do harm
		var wg sync.WaitGroup
		for i, s := range stores {
			wg.Go(func() {
				for n := range 6 {
					whole(t, s, request(fmt.Sprintf("slack:%d/%d/%d", round, i, n)))
					begun.Add(1)
				}
			})
			for range 2 {
				wg.Go(func() {
					for range 6 {
						if n, err := s.Seal(t.Context()); err == nil {
							sealed.Add(int64(n))
						}
					}
				})
			}
		}
		wg.Wait()
		holds(t, stores[0], sealed.Load())
	}
	sealed.Add(int64(seal(t, stores[1])))
	assert.Equal(t, begun.Load(), sealed.Load())
	holds(t, stores[0], begun.Load())
}

func sealDeliveries(t *testing.T, j Journal) {
	s := open(t, j)
	e := whole(t, s, request("slack:1"))
	head := verified(t, s, 1)
	e.Deliveries, e.Seal = 2, 1
	same(t, e, again(t, s, "slack:1"))
	assert.Equal(t, head, holds(t, s, 1))
	listed(t, s, e)
}

func linksPage(t *testing.T, j Journal) {
	s := open(t, j)
	for i := range 7 {
		whole(t, s, request(fmt.Sprintf("slack:%d", i)))
	}
	seal(t, s)
	for _, limit := range []int{1, 3, 7, 8} {
		var seals []int64
		for after := int64(0); ; after = seals[len(seals)-1] {
			links, err := s.Links(t.Context(), after, limit)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(links), limit)
			if len(links) == 0 {
				break
			}
			for _, l := range links {
				seals = append(seals, l.Seal)
			}
		}
		assert.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7}, seals)
	}
}

func tidyForgets(t *testing.T, j Journal) {
	s := open(t, j)
	late := request("slack:late")
	late.ReplyBy = noon.Add(time.Hour)
	begin(t, s, late)
	begin(t, s, request("slack:running"))
	finish(t, s, begin(t, s, request("slack:pending")), result())
	_, err := s.Tidy(t.Context(), noon.Add(29*time.Minute), time.Time{})
	require.NoError(t, err)
	for _, key := range []string{"slack:late", "slack:running", "slack:pending"} {
		assert.Equal(t, request("").ReplyTo, again(t, s, key).ReplyTo, key)
	}
	pruned, err := s.Tidy(t.Context(), noon.Add(31*time.Minute), time.Time{})
	require.NoError(t, err)
	assert.Zero(t, pruned)
	for _, key := range []string{"slack:running", "slack:pending"} {
		e := again(t, s, key)
		assert.Empty(t, e.ReplyTo, key)
		assert.Equal(t, request("").Resume, e.Resume, key)
		assert.True(t, e.Open, key)
	}
	assert.Equal(t, late.ReplyTo, again(t, s, "slack:late").ReplyTo)
}

// hours begins entries at noon and so many hours later, closes and seals them in their order, and returns the links.
func hours(t *testing.T, s journal.Store, at ...int) []journal.Link {
	t.Helper()
	for i, h := range at {
		e := request(fmt.Sprintf("slack:%d", i))
		e.At = noon.Add(time.Duration(h) * time.Hour)
		whole(t, s, e)
		seal(t, s)
	}
	links, err := s.Links(t.Context(), 0, 100)
	require.NoError(t, err)
	return links
}

func tidyPrunes(t *testing.T, j Journal) {
	s, other := open(t, j), open(t, j)
	links := hours(t, s, 0, 1, 2, 3)
	prune := func(before time.Time, pruned int, left string) {
		t.Helper()
		n, err := s.Tidy(t.Context(), noon, before)
		require.NoError(t, err)
		assert.Equal(t, pruned, n)
		assert.Equal(t, left, chain(t, other))
		head := holds(t, other, 4)
		assert.Equal(t, links[3].Hash, head.Hash)
		for _, known := range links { // each of them may have been noted
			_, _, err := journal.Verify(t.Context(), other, known)
			assert.NoError(t, err, known.Seal)
		}
	}
	prune(time.Time{}, 0, "0 1 2 3")
	prune(noon, 0, "0 1 2 3")
	prune(noon.Add(time.Microsecond), 1, "1 2 3")
	root, err := other.Root(t.Context())
	require.NoError(t, err)
	assert.Equal(t, journal.Link{Seal: 1, Hash: links[0].Hash}, root)
	_, err = s.Get(t.Context(), links[0].Entry.Number)
	assert.ErrorIs(t, err, journal.ErrNotFound)
	forged := root
	forged.Hash[0]++
	_, _, err = journal.Verify(t.Context(), other, forged)
	assert.Error(t, err, "another chain was noted")

	prune(noon.Add(3*time.Hour), 2, "3")
	prune(noon.Add(99*time.Hour), 1, "")
	prune(noon.Add(99*time.Hour), 0, "")
	listed(t, s)
	b, err := s.Begin(t.Context(), request("slack:0")) // forgotten like all of them
	require.NoError(t, err)
	assert.True(t, b.Fresh)
	assert.Nil(t, b.Before)
	assert.Greater(t, b.Number, links[3].Entry.Number, "no number is given twice")
	answer(t, s, finish(t, s, b.Entry, result()))
	verified(t, other, 5)
	assert.Equal(t, "0", chain(t, s))
}

func tidyStops(t *testing.T, j Journal) {
	s := open(t, j)
	running := begin(t, s, request("slack:running")) // the oldest
	hours(t, s, 1, 2, 9, 1, 2)                       // a late one in between
	unsealed := whole(t, s, request("slack:unsealed"))
	pruned, err := s.Tidy(t.Context(), noon, noon.Add(5*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, 2, pruned)
	assert.Equal(t, "2 3 4", chain(t, s))
	holds(t, s, 5)
	for _, e := range []journal.Entry{running, unsealed} {
		_, err := s.Get(t.Context(), e.Number)
		assert.NoError(t, err)
	}
	verified(t, s, 6)
}
