package journaltest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func beginWrites(t *testing.T, j Journal) {
	s := open(t, j)
	b, err := s.Begin(t.Context(), request("slack:1"))
	require.NoError(t, err)
	assert.True(t, b.Fresh)
	assert.Nil(t, b.Before)
	assert.Positive(t, b.Number)
	assert.NotEmpty(t, b.Owner)
	same(t, begun(request("slack:1"), b.Number, b.Owner), b.Entry)
	listed(t, s, b.Entry)
	listed(t, open(t, j), b.Entry)
}

func beginIgnoresTheEnd(t *testing.T, j Journal) {
	s := open(t, j)
	e := closed(ended(request("slack:1"), result()), journal.Delivered)
	e.Number, e.Deliveries, e.Owner, e.Attempts, e.Seal = 7_000, 9, "somebody", 9, 9
	b := begin(t, s, e)
	assert.Less(t, b.Number, int64(7_000))
	assert.NotEqual(t, "somebody", b.Owner)
	want := request("slack:1")
	want.Resume, want.ReplyTo = nil, ""
	same(t, begun(want, b.Number, b.Owner), b)
	listed(t, s, b)
}

func beginAgain(t *testing.T, j Journal) {
	mine, others := open(t, j), open(t, j)
	first := begin(t, mine, request("slack:1"))
	other := request("slack:1")
	other.RequestID, other.Line, other.Target, other.Room, other.Resume = "other", "mute 456 wangwu 1h", "wangwu", 456, []byte("other")

	for i, s := range []journal.Store{mine, others, mine} {
		b, err := s.Begin(t.Context(), other)
		require.NoError(t, err)
		assert.False(t, b.Fresh)
		assert.Nil(t, b.Before)
		want := first
		want.Deliveries = i + 2
		if s == others {
			want = public(want) // it is not in this one's hand
		}
		same(t, want, b.Entry)
	}
	first.Deliveries = 4
	listed(t, others, first)
}

func beginAgainAfterFinish(t *testing.T, j Journal) {
	mine, others := open(t, j), open(t, j)
	e := finish(t, mine, begin(t, mine, request("slack:1")), result())
	e.Deliveries = 2
	same(t, e, again(t, mine, "slack:1"))
	e = answer(t, mine, e)
	e.Deliveries = 3
	same(t, e, again(t, others, "slack:1"))
	_, err := mine.Seal(t.Context())
	require.NoError(t, err)
	e.Deliveries, e.Seal = 4, 1
	same(t, e, again(t, mine, "slack:1"))
}

func beginTellsKeysApart(t *testing.T, j Journal) {
	mine, others := open(t, j), open(t, j)
	keys := []string{
		"slack:a", "slack:A", "slack:a ", " slack:a", "slack:a\n", "slack:a\t", "slack:ä", "slack:a\u0308", "slack:ａ", "slack:ı", "slack:i", "slack:I", "discord:a",
		"slack:a%", "slack:_", "slack:'", `slack:"`, `slack:\`, `slack:\\`, `slack:\x61`, `\x61`, "1", "01", "1.0", "null", "NULL",
		"slack:a\x00", "slack:a\x00b", "\x00", "\xff", "\xfe", "\xff\xfe", "\ufffd", "\xc3", "ß", "ss", "世", "👩\u200d👩", "👩👩",
		strings.Repeat("k", 1000), strings.Repeat("k", 1001),
	}
	for _, key := range keys {
		b, err := mine.Begin(t.Context(), journal.Entry{Key: key, At: noon})
		require.NoError(t, err, "%q", key)
		assert.True(t, b.Fresh, "%q", key)
		assert.Equal(t, key, b.Key)
	}
	for i, key := range keys {
		e := again(t, others, key)
		assert.Equal(t, key, e.Key)
		shown, err := others.Get(t.Context(), e.Number)
		require.NoError(t, err)
		assert.Equal(t, keys[i], shown.Key)
	}
}

func beginWantsKey(t *testing.T, j Journal) {
	s := open(t, j)
	_, err := s.Begin(t.Context(), request(""))
	require.Error(t, err)
	listed(t, s)
}

func beginAtOnce(t *testing.T, j Journal) {
	const each = 15
	stores := []journal.Store{open(t, j), open(t, j), open(t, j)}
	for round := range 5 {
		key := fmt.Sprintf("slack:%d", round)
		var fresh atomic.Int64
		all := make([]journal.Begun, each*len(stores))
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() {
				b, err := stores[i%len(stores)].Begin(t.Context(), request(key))
				assert.NoError(t, err)
				if b.Fresh {
					fresh.Add(1)
				}
				all[i] = b
			})
		}
		wg.Wait()

		assert.EqualValues(t, 1, fresh.Load())
		want, err := stores[0].Get(t.Context(), all[0].Number)
		require.NoError(t, err)
		assert.Equal(t, len(all), want.Deliveries)
		deliveries := make(map[int]bool) // each caller is told which delivery theirs was
		for _, b := range all {
			assert.Equal(t, b.Fresh, b.Deliveries == 1)
			deliveries[b.Deliveries] = true
			b.Deliveries = want.Deliveries
			same(t, want, public(b.Entry))
		}
		assert.Len(t, deliveries, len(all))
	}
}

func beginCancelled(t *testing.T, j Journal) {
	s := open(t, j)
	_, err := s.Begin(cancelled(t), request("slack:1"))
	require.ErrorIs(t, err, context.Canceled)
	listed(t, s)

	first := begin(t, s, request("slack:1"))
	_, err = s.Begin(cancelled(t), request("slack:1"))
	require.ErrorIs(t, err, context.Canceled)
	listed(t, s, first) // the delivery is not counted
}

func beginBefore(t *testing.T, j Journal) {
	stores := []journal.Store{open(t, j), open(t, j)}
	numbers, hands := make(map[string]int64), make(map[string]journal.Hand)
	before := func(key string, room int64, target string, write bool, want string) {
		t.Helper()
		e := request(key)
		e.Room, e.Target, e.Write = room, target, write
		s := stores[len(numbers)%2]
		b, err := s.Begin(t.Context(), e)
		require.NoError(t, err)
		numbers[key], hands[key] = b.Number, b.Hand()
		if want == "" {
			assert.Nil(t, b.Before, key)
			return
		}
		require.NotNil(t, b.Before, key)
		shown, err := s.Get(t.Context(), numbers[want])
		require.NoError(t, err)
		same(t, shown, *b.Before, key)
	}
	end := func(key string, outcome journal.Outcome) {
		t.Helper()
		require.NoError(t, stores[0].Finish(t.Context(), hands[key], journal.Result{Outcome: outcome}))
	}

	before("first", 1, "lisi", true, "")
	before("while it runs", 1, "lisi", true, "first")
	before("another room", 2, "lisi", true, "")
	before("another account", 1, "LISI", true, "")
	before("the room itself", 1, "", true, "")
	before("a read", 1, "lisi", false, "")
	end("while it runs", journal.Refused)
	before("after a refused one", 1, "lisi", true, "first")
	end("first", journal.Done)
	before("after one that is done", 1, "lisi", true, "after a refused one")
	end("after one that is done", journal.Failed)
	before("after a failed one", 1, "lisi", true, "after a refused one")
	end("after a failed one", journal.NoChange)
	before("after one that changed nothing", 1, "lisi", true, "after a failed one")
	end("after one that changed nothing", journal.Unknown)
	before("after one that is unknown", 1, "lisi", true, "after one that changed nothing")
	before("the room again", 1, "", true, "the room itself")
	before("the other room again", 2, "lisi", true, "another room")

	again(t, stores[0], "after one that is unknown") // has no Before
}

func beginQueue(t *testing.T, j Journal) {
	const each = 15
	stores := []journal.Store{open(t, j), open(t, j), open(t, j)}
	all := make([]journal.Begun, each*len(stores))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			var err error
			all[i], err = stores[i%len(stores)].Begin(t.Context(), request(fmt.Sprintf("slack:%d", i)))
			assert.NoError(t, err)
		})
	}
	wg.Wait()

	earlier := make(map[int64]int64) // number → that before
	for _, b := range all {
		earlier[b.Number] = 0
		if b.Before != nil {
			earlier[b.Number] = b.Before.Number
		}
	}
	entries := list(t, stores[0], journal.Query{Limit: 1000})
	require.Len(t, entries, len(all))
	for i, e := range entries {
		want := int64(0)
		if i+1 < len(entries) {
			want = entries[i+1].Number
		}
		assert.Equal(t, want, earlier[e.Number], "before #%d", e.Number)
	}
}

func numbersAscend(t *testing.T, j Journal) {
	const callers, each = 4, 20
	stores := []journal.Store{open(t, j), open(t, j), open(t, j)}
	var highest atomic.Int64 // of the numbers that Begin has returned
	var writers, reader sync.WaitGroup
	for i, s := range stores {
		for caller := range callers {
			writers.Go(func() {
				for n := range each {
					before := highest.Load()
					b, err := s.Begin(t.Context(), request(fmt.Sprintf("slack:%d/%d/%d", i, caller, n)))
					if !assert.NoError(t, err) {
						return
					}
					assert.Greater(t, b.Number, before, "what begins later has a higher number")
					raise(&highest, b.Number)
				}
			})
		}
	}
	stop := make(chan struct{})
	reader.Go(func() {
		reading := stores[0]
		var seen []journal.Entry // oldest last
		for {
			now, err := reading.List(t.Context(), journal.Query{Limit: 10_000})
			if !assert.NoError(t, err) {
				return
			}
			if !assert.GreaterOrEqual(t, len(now), len(seen)) {
				return
			}
			for i, e := range now[len(now)-len(seen):] {
				if !assert.Equal(t, seen[i].Number, e.Number, "an entry became visible after one with a higher number") {
					return
				}
			}
			seen = now
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	writers.Wait()
	close(stop)
	reader.Wait()

	entries := list(t, stores[1], journal.Query{Limit: 10_000})
	require.Len(t, entries, callers*each*len(stores))
	for i := range len(entries) - 1 {
		assert.Greater(t, entries[i].Number, entries[i+1].Number)
	}
}

// raise sets highest to number unless it is higher already.
func raise(highest *atomic.Int64, number int64) {
	for old := highest.Load(); old < number && !highest.CompareAndSwap(old, number); old = highest.Load() {
	}
}
