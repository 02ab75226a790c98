package journaltest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func takeFromClosed(t *testing.T, j Journal) {
	dead, heir, third := open(t, j), open(t, j), open(t, j)
	running := begin(t, dead, request("slack:running"))
	whole(t, dead, request("slack:closed"))
	pending := finish(t, dead, begin(t, dead, request("slack:pending")), result())
	looking := finish(t, dead, begin(t, dead, request("slack:looking")), more())
	require.NoError(t, dead.Answered(t.Context(), looking.Hand(), journal.Delivered))
	looking.Delivery = journal.Delivered
	require.NoError(t, dead.Close())

	taken := take(t, heir, running, pending, looking)
	take(t, third)
	take(t, heir)
	own := begin(t, heir, request("slack:own"))
	for _, e := range taken {
		assert.Equal(t, own.Owner, e.Owner)
		e.Deliveries++
		same(t, e, again(t, heir, e.Key))
		e.Deliveries++
		same(t, public(e), again(t, third, e.Key))
	}
	answer(t, heir, finish(t, heir, taken[0], result()))
	answer(t, heir, taken[1])
	answer(t, heir, finish(t, heir, taken[2], result()))
	require.NoError(t, heir.Close())
	own.Deliveries = 1
	take(t, third, own)
}

func takeFromSilent(t *testing.T, j Journal) {
	dead, heir := open(t, j), open(t, j)
	e := begin(t, dead, request("slack:1"))
	j.Silence(t, dead)
	taken := take(t, heir, e)
	finish(t, heir, taken[0], result())
	take(t, heir)
}

func takeFromLiving(t *testing.T, j Journal) {
	stores := []journal.Store{open(t, j), open(t, j), open(t, j)}
	for i, s := range stores {
		begin(t, s, request(fmt.Sprintf("slack:%d", i)))
	}
	require.NoError(t, open(t, j).Close()) // had nothing
	for _, s := range stores {
		take(t, s)
	}
}

func takeHundred(t *testing.T, j Journal) {
	dead, heir := open(t, j), open(t, j)
	entries := beginSome(t, dead, 130)
	require.NoError(t, dead.Close())
	take(t, heir, entries[:100]...)
	take(t, heir, entries[100:]...)
	take(t, heir)
}

func takeAtOnce(t *testing.T, j Journal) {
	first, second := open(t, j), open(t, j)
	entries := append(beginSome(t, first, 150), begin(t, second, request("slack:another's")))
	heirs := []journal.Store{open(t, j), open(t, j), open(t, j)}
	require.NoError(t, first.Close())
	require.NoError(t, second.Close())

	var mu sync.Mutex
	by := make(map[int64]string)
	var wg sync.WaitGroup
	for _, s := range heirs {
		for range 2 { // in each
			wg.Go(func() {
				for range 4 {
					taken, err := s.Take(t.Context())
					assert.NoError(t, err)
					mu.Lock()
					for _, e := range taken {
						assert.Empty(t, by[e.Number], "#%d was given to two", e.Number)
						assert.Equal(t, 2, e.Attempts)
						by[e.Number] = e.Owner
					}
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	for _, e := range entries {
		shown, err := heirs[0].Get(t.Context(), e.Number)
		require.NoError(t, err)
		assert.Equal(t, by[e.Number], shown.Owner, "#%d", e.Number)
		assert.NotEqual(t, e.Owner, shown.Owner, "#%d was given to nobody", e.Number)
	}
}

func takeTwice(t *testing.T, j Journal) {
	first, second, third := open(t, j), open(t, j), open(t, j)
	e := begin(t, first, request("slack:1"))
	require.NoError(t, first.Close())
	e = take(t, second, e)[0]
	j.Silence(t, second)
	e = take(t, third, e)[0]
	assert.Equal(t, 3, e.Attempts)
}

func notMine(t *testing.T, j Journal) {
	was, heir := open(t, j), open(t, j)
	running := begin(t, was, request("slack:1"))
	pending := finish(t, was, begin(t, was, request("slack:2")), result())
	refused := func(e journal.Entry) {
		t.Helper()
		assert.ErrorIs(t, was.Finish(t.Context(), e.Hand(), result()), journal.ErrNotMine)
		assert.ErrorIs(t, was.Answered(t.Context(), e.Hand(), journal.Delivered), journal.ErrNotMine)
	}
	third := begin(t, heir, request("slack:3"))
	other := third.Owner
	assert.ErrorIs(t, heir.Finish(t.Context(), journal.Hand{Number: running.Number, Owner: other}, result()), journal.ErrNotMine)
	assert.ErrorIs(t, heir.Answered(t.Context(), journal.Hand{Number: pending.Number, Owner: other}, journal.Delivered), journal.ErrNotMine)

	j.Silence(t, was)
	taken := take(t, heir, running, pending)
	refused(running)
	refused(pending)
	j.Wake(t, was)
	refused(running)
	refused(pending)
	assert.ErrorIs(t, was.Finish(t.Context(), running.Hand(), result()), journal.ErrNotMine)
	finished := finish(t, heir, taken[0], journal.Result{Outcome: journal.Failed})
	assert.ErrorIs(t, was.Finish(t.Context(), running.Hand(), result()), journal.ErrNotMine, "it must not think that its own end was written")
	listed(t, was, third, taken[1], finished)
}

func lapsed(t *testing.T, j Journal) {
	s, heir := open(t, j), open(t, j)
	before := begin(t, s, request("slack:1"))
	held, cancel := s.Hold(t.Context(), before.Owner)
	defer cancel()
	require.NoError(t, held.Err())
	j.Silence(t, s)
	take(t, heir, before)
	j.Wake(t, s)

	assert.True(t, over(held), "what it held goes on")
	eventually(t, func() bool { return s.Ready() == nil }, "ready again")
	after := begin(t, s, request("slack:2"))
	assert.NotEqual(t, before.Owner, after.Owner)
	held, cancel = s.Hold(t.Context(), before.Owner)
	defer cancel()
	assert.True(t, over(held), "held under the old name")
	held, cancel = s.Hold(t.Context(), after.Owner)
	defer cancel()
	assert.NoError(t, held.Err())
	take(t, heir) // the new name lives
	finish(t, s, after, result())
}

func holdEnds(t *testing.T, j Journal) {
	s, other := open(t, j), open(t, j)
	owner := begin(t, s, request("slack:1")).Owner

	ctx, end := context.WithCancel(t.Context())
	held, cancel := s.Hold(ctx, owner)
	defer cancel()
	second, cancelSecond := s.Hold(t.Context(), owner)
	third, cancelThird := s.Hold(t.Context(), owner)
	defer cancelThird()
	end()
	assert.True(t, over(held), "its context has ended")
	assert.NoError(t, second.Err())
	cancelSecond()
	assert.True(t, over(second), "it was cancelled")
	cancelSecond() // as often as one likes
	assert.NoError(t, third.Err())

	for _, name := range []string{"", "somebody", begin(t, other, request("slack:2")).Owner} {
		held, cancel := s.Hold(t.Context(), name)
		defer cancel()
		assert.True(t, over(held), "%q is not this process", name)
	}
	require.NoError(t, other.Close())
	require.NoError(t, third.Err())
	require.NoError(t, s.Close())
	assert.True(t, over(third), "the store is closed")
}

func ready(t *testing.T, j Journal) {
	s, other := open(t, j), open(t, j)
	eventually(t, func() bool { return s.Ready() == nil && other.Ready() == nil }, "both ready")
	j.Silence(t, s)
	assert.Error(t, s.Ready())
	assert.NoError(t, other.Ready())
	j.Wake(t, s)
	eventually(t, func() bool { return s.Ready() == nil }, "ready again")
}

func leads(t *testing.T, j Journal) {
	stores := []journal.Store{open(t, j), open(t, j), open(t, j)}
	one := func(among ...journal.Store) (leader int) {
		t.Helper()
		eventually(t, func() bool {
			n := 0
			for i, s := range among {
				if s.Leads() {
					n, leader = n+1, i
				}
			}
			assert.LessOrEqual(t, n, 1, "two lead")
			return n == 1
		}, "one leads")
		return leader
	}
	first := one(stores...)
	leader := stores[first]
	rest := append(append([]journal.Store{}, stores[:first]...), stores[first+1:]...)

	j.Silence(t, leader)
	second := one(rest...)
	assert.False(t, leader.Leads(), "two lead")
	j.Wake(t, leader)
	one(stores...)

	require.NoError(t, rest[second].Close())
	assert.False(t, rest[second].Leads())
	third := one(leader, rest[1-second])
	require.NoError(t, []journal.Store{leader, rest[1-second]}[third].Close())
	one(leader, rest[1-second])
}
