package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// A tampered is a chain that somebody has had in hand.
type tampered struct {
	root  journal.Link
	links []journal.Link
}

func (c tampered) Root(context.Context) (journal.Link, error) { return c.root, nil }

func (c tampered) Links(_ context.Context, after int64, limit int) (page []journal.Link, _ error) {
	for _, l := range c.links {
		if l.Seal > after && len(page) < limit {
			page = append(page, l)
		}
	}
	return page, nil
}

// kept is an entry with every field that a closed one keeps.
func kept(number int64) journal.Entry {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	return journal.Entry{
		Number: number, Key: fmt.Sprintf("slack:%d", number), RequestID: "9f3c", At: at,
		Platform: "slack", Space: "T0123", Channel: "C0789", Person: "T0123/U0456", Name: "Zhang San",
		Line: "mute 123 lisi 5m spam", Effect: "mute room=123 target=lisi duration=300s reason=spam", Command: "mute", Room: 123, Target: "lisi",
		Reason: "spam", Write: true,
		Outcome: journal.Done, Moderator: "张三", Code: 200, Answer: []byte(`{"text":"done"}`), Text: "lisi is muted.", Until: at.Add(5 * time.Minute),
		Duration: 52 * time.Millisecond, Delivery: journal.Delivered, Deliveries: 1, Owner: "one", Attempts: 1,
	}
}

// chained are entries as links after root.
func chained(root journal.Link, entries ...journal.Entry) (links []journal.Link) {
	for _, e := range entries {
		root = root.Next(e)
		links = append(links, root)
	}
	return links
}

// keptMany are n entries in the order of their numbers.
func keptMany(n int64) (entries []journal.Entry) {
	for number := range n {
		entries = append(entries, kept(number+1))
	}
	return entries
}

// broken asserts that the chain is broken at a seal and nowhere before.
func broken(t *testing.T, at int64, c tampered, known journal.Link) {
	t.Helper()
	_, _, err := journal.Verify(t.Context(), c, known)
	b, is := errors.AsType[*journal.BrokenError](err)
	require.True(t, is, "%v", err)
	assert.Equal(t, at, b.Seal)
}

func TestVerifyFindsWhatIsNotAsItWas(t *testing.T) {
	var none journal.Link
	whole := func() []journal.Link { return chained(none, keptMany(6)...) }
	head, third := whole()[5], whole()[2]
	elsewhere := func(l journal.Link, seal int64) journal.Link {
		l.Seal, l.Entry.Seal = seal, seal
		return l
	}
	rewritten := func(changed int) []journal.Link { // every hash fits
		entries := keptMany(6)
		entries[changed].Target = "wangwu"
		return chained(none, entries...)
	}
	forged := whole()[1]
	forged.Hash[31]++
	for _, c := range []struct {
		name  string
		chain tampered
		known journal.Link
		at    int64 // 0: nothing is found
	}{
		{"nothing", tampered{links: whole()}, none, 0},
		{"nothing, the head is known", tampered{links: whole()}, head, 0},
		{"nothing, an old head is known", tampered{links: whole()}, third, 0},
		{"an empty chain", tampered{}, none, 0},

		{"the first is missing", tampered{links: whole()[1:]}, none, 1},
		{"one in the middle is missing", tampered{links: slices.Delete(whole(), 2, 3)}, none, 3},
		{"one is missing and the others moved up", tampered{links: append(whole()[:2], elsewhere(whole()[3], 3))}, none, 3},
		{"two have changed places", tampered{links: append(whole()[:2], elsewhere(whole()[3], 3), elsewhere(whole()[2], 4))}, none, 3},
		{"one is there twice", tampered{links: append(whole()[:2], elsewhere(whole()[1], 3))}, none, 3},
		{"one has another's hash", tampered{links: append(whole()[:2], journal.Link{Seal: 3, Hash: head.Hash, Entry: third.Entry})}, none, 3},

		{"the tail is cut off", tampered{links: whole()[:4]}, none, 0}, // this is why the head should be noted
		{"the tail is cut off, the head is known", tampered{links: whole()[:4]}, head, 5},
		{"all is gone, the head is known", tampered{}, head, 1},
		{"it is written anew", tampered{links: rewritten(1)}, none, 0},
		{"it is written anew, the head is known", tampered{links: rewritten(1)}, head, 6},
		{"it is written anew, an old head is known", tampered{links: rewritten(1)}, third, 3},
		{"it is written anew after the known one", tampered{links: rewritten(4)}, third, 0},

		{"pruned", tampered{root: whole()[2], links: whole()[3:]}, none, 0},
		{"pruned, the head is known", tampered{root: whole()[2], links: whole()[3:]}, head, 0},
		{"pruned beyond the known one", tampered{root: whole()[2], links: whole()[3:]}, whole()[0], 0},
		{"pruned up to the known one", tampered{root: whole()[2], links: whole()[3:]}, third, 0},
		{"pruned altogether", tampered{root: head}, head, 0},
		{"pruned, and one more is missing", tampered{root: whole()[2], links: whole()[4:]}, none, 4},
		{"pruned, and the root is another", tampered{root: rewritten(1)[2], links: whole()[3:]}, none, 4},
		{"pruned, and the root is not the known one", tampered{root: rewritten(1)[2], links: rewritten(1)[3:]}, third, 3},
		{"pruned altogether, and the known one is later", tampered{root: whole()[2]}, head, 4},
		{"the known one is forged", tampered{links: whole()}, forged, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.at != 0 {
				broken(t, c.at, c.chain, c.known)
				return
			}
			last, looked, err := journal.Verify(t.Context(), c.chain, c.known)
			require.NoError(t, err)
			assert.EqualValues(t, len(c.chain.links), looked)
			want := c.chain.root
			if n := len(c.chain.links); n > 0 {
				want = c.chain.links[n-1]
			}
			assert.Equal(t, want.String(), last.String())
		})
	}
}

func TestVerifyGoesThroughAllPages(t *testing.T) {
	for _, n := range []int64{1, 499, 500, 501, 1000, 1001} {
		links := chained(journal.Link{}, keptMany(n)...)
		last, looked, err := journal.Verify(t.Context(), tampered{links: links}, journal.Link{})
		require.NoError(t, err)
		assert.Equal(t, n, looked)
		assert.Equal(t, links[n-1].Hash, last.Hash)
		links[n-1].Entry.Target = "wangwu"
		broken(t, n, tampered{links: links}, journal.Link{})
	}
}

// A pruning is a chain whose oldest links go while somebody looks at it.
type pruning struct {
	tampered
	before map[int]int64 // call of Links, from 1 on → the last seal that is pruned before it
	calls  int
}

func (p *pruning) Links(ctx context.Context, after int64, limit int) ([]journal.Link, error) {
	p.calls++
	for len(p.links) > 0 && p.links[0].Seal <= p.before[p.calls] {
		p.root, p.links = p.links[0], p.links[1:]
		p.root.Entry = journal.Entry{}
	}
	return p.tampered.Links(ctx, after, limit)
}

func TestVerifyWhileOthersPrune(t *testing.T) {
	var none journal.Link
	links := chained(none, keptMany(1203)...)
	forged := func(seal int64) journal.Link {
		l := links[seal-1]
		l.Hash[0]++
		return l
	}
	for _, c := range []struct {
		name   string
		before map[int]int64
		gone   int64 // one link that somebody has taken out of the middle; 0: none
		known  journal.Link
		looked int64
		at     int64 // 0: it holds
	}{
		{name: "the first page", before: map[int]int64{1: 3}, looked: 1200},
		{name: "the first page, and again", before: map[int]int64{1: 3, 2: 5}, looked: 1198},
		{name: "what was looked at", before: map[int]int64{2: 400}, looked: 1203},
		{name: "the page after it too", before: map[int]int64{2: 700}, looked: 500 + 503},
		{name: "all that is left", before: map[int]int64{3: 1203}, looked: 1000},
		{name: "all at once", before: map[int]int64{1: 1203}},
		{name: "all at once, the head is known", before: map[int]int64{1: 1203}, known: links[1202]},
		{name: "beyond the known one", before: map[int]int64{2: 700}, known: links[599], looked: 500 + 503},
		{name: "up to the known one", before: map[int]int64{2: 700}, known: links[699], looked: 500 + 503},
		{name: "up to the known one, and it was another", before: map[int]int64{2: 700}, known: forged(700), at: 700},
		{name: "and one more is missing", before: map[int]int64{1: 3}, gone: 4, at: 4},
		{name: "and one is missing later", before: map[int]int64{2: 700}, gone: 900, at: 900},
		{name: "not as far as what is missing", before: map[int]int64{2: 400}, gone: 501, at: 501},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &pruning{tampered: tampered{links: slices.DeleteFunc(slices.Clone(links), func(l journal.Link) bool { return l.Seal == c.gone })}, before: c.before}
			head, looked, err := journal.Verify(t.Context(), p, c.known)
			if c.at != 0 {
				b, is := errors.AsType[*journal.BrokenError](err)
				require.True(t, is, "%v", err)
				assert.Equal(t, c.at, b.Seal)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.looked, looked)
			assert.Equal(t, links[1202].String(), head.String())
		})
	}
}

func TestBrokenErrorSaysWhere(t *testing.T) {
	links := chained(journal.Link{}, kept(41), kept(42), kept(43))
	_, _, err := journal.Verify(t.Context(), tampered{links: slices.Delete(slices.Clone(links), 1, 2)}, journal.Link{})
	assert.EqualError(t, err, "the chain is broken at seal 2: it is missing, the next one there is 3")
	links[1].Entry.Target = "wangwu"
	head, looked, err := journal.Verify(t.Context(), tampered{links: links}, journal.Link{})
	assert.EqualError(t, err, "the chain is broken at seal 2, entry #42: its hash does not fit: the entry was changed, or one before it")
	assert.EqualValues(t, 1, head.Seal, "up to here it holds")
	assert.EqualValues(t, 1, looked)
}

// An unreadable is a journal whose Root or Links fail.
type unreadable struct{ root, links error }

func (u unreadable) Root(context.Context) (journal.Link, error)                { return journal.Link{}, u.root }
func (u unreadable) Links(context.Context, int64, int) ([]journal.Link, error) { return nil, u.links }

func TestVerifyCannotRead(t *testing.T) {
	gone := errors.New("connection lost")
	for _, u := range []unreadable{{root: gone}, {links: gone}} {
		_, _, err := journal.Verify(t.Context(), u, journal.Link{})
		require.ErrorIs(t, err, gone)
		_, is := errors.AsType[*journal.BrokenError](err)
		assert.False(t, is, "what cannot be read is not broken")
	}
}

func ExampleVerify() {
	ctx := context.Background()
	var memory journal.Memory
	store := memory.Open()
	for _, key := range []string{"slack:1", "slack:2"} {
		begun, _ := store.Begin(ctx, journal.Entry{Key: key, Line: "mute 123 lisi 5m"})
		store.Finish(ctx, begun.Hand(), journal.Result{Outcome: journal.Done, Text: "lisi is muted."})
		store.Answered(ctx, begun.Hand(), journal.Delivered)
	}
	store.Seal(ctx)

	noted, looked, err := journal.Verify(ctx, store, journal.Link{})
	fmt.Println(noted.Seal, looked, err)

	var restored journal.Memory // from a backup that was empty
	_, _, err = journal.Verify(ctx, restored.Open(), noted)
	fmt.Println(err)
	// Output:
	// 2 2 <nil>
	// the chain is broken at seal 1: the chain ends before the link 2 that was noted
}
