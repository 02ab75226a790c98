package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// A forged is a chain that somebody has had in hand.
type forged struct {
	chain
	root  func(journal.Link) journal.Link
	links func([]journal.Link) []journal.Link
}

func (f forged) Root(ctx context.Context) (journal.Link, error) {
	l, err := f.chain.Root(ctx)
	if f.root != nil {
		l = f.root(l)
	}
	return l, err
}

func (f forged) Links(ctx context.Context, after int64, limit int) ([]journal.Link, error) {
	links, err := f.chain.Links(ctx, after, limit)
	if f.links != nil {
		links = f.links(links)
	}
	return links, err
}

// sealed is a store with n sealed entries, one a day up to now, the ones older than a time pruned, and its head.
func sealed(t *testing.T, n int, before time.Time) (*journal.Process, journal.Link) {
	t.Helper()
	store := (&journal.Memory{}).Open()
	for i := range n {
		beginClosed(t, store, time.Now().AddDate(0, 0, i-n+1), 1)
	}
	_, err := store.Seal(t.Context())
	require.NoError(t, err)
	_, err = store.Tidy(t.Context(), time.Now(), before)
	require.NoError(t, err)
	head, _, err := journal.Verify(t.Context(), store, journal.Link{})
	require.NoError(t, err)
	return store, head
}

func TestVerifyChain(t *testing.T) {
	change := func(seal int64, f func(*journal.Link)) func([]journal.Link) []journal.Link {
		return func(links []journal.Link) []journal.Link {
			for i := range links {
				if links[i].Seal == seal {
					f(&links[i])
				}
			}
			return links
		}
	}
	without := func(gone func(journal.Link) bool) func([]journal.Link) []journal.Link {
		return func(links []journal.Link) (left []journal.Link) {
			for _, l := range links {
				if !gone(l) {
					left = append(left, l)
				}
			}
			return left
		}
	}
	for _, row := range []struct {
		name   string
		forge  forged
		known  int64 // the link that was noted: this far before the head; -1: none
		pruned int   // entries
		kept   bool
		out    []string
		err    string // its beginning; empty: all is well
	}{
		{"all is well", forged{}, -1, 0, false, []string{"Links looked at: 5.", "root 0:", "(nothing was pruned)", "head 5:", "Note the head", "--verify --head 5:"}, ""},
		{"the head that was noted", forged{}, 0, 0, false, []string{"Links looked at: 5."}, ""},
		{"a head that was noted long ago", forged{}, 3, 0, false, []string{"Links looked at: 5."}, ""},
		{"pruned", forged{}, -1, 2, true, []string{"Links looked at: 3.", "root 2:", "(what was up to seal 2 was pruned)"}, ""},
		{"pruned up to what was noted", forged{}, 3, 2, true, []string{"Links looked at: 3.", "Note the head where"}, ""},
		{"pruned beyond what was noted", forged{}, 4, 2, true, []string{"has been pruned, so nothing was compared"}, ""},
		{"pruned, and nothing should be", forged{}, 4, 2, false, []string{"Links that hold: 3."}, "the link that was noted is gone"},

		{"an entry was changed", forged{links: change(3, func(l *journal.Link) { l.Entry.Target = "zhangsan" })}, -1, 0, false, []string{"Links that hold: 2."}, "the chain is broken at seal 3, entry #3: its hash does not fit"},
		{"an entry went", forged{links: without(func(l journal.Link) bool { return l.Seal == 2 })}, -1, 0, false, []string{"Links that hold: 1."}, "the chain is broken at seal 2: it is missing"},
		{"the end went", forged{links: without(func(l journal.Link) bool { return l.Seal > 3 })}, 0, 0, false, []string{"Links that hold: 3."}, "the chain is broken at seal 4: the chain ends before"},
		{"the beginning went", forged{links: without(func(l journal.Link) bool { return l.Seal == 1 })}, -1, 0, false, nil, "the chain is broken at seal 1: it is missing"},
		{"all went", forged{links: without(func(journal.Link) bool { return true })}, 0, 0, false, nil, "the chain is broken at seal 1: the chain ends before"},
		{"another root", forged{root: func(l journal.Link) journal.Link { l.Hash[0]++; return l }}, -1, 2, true, nil, "the chain is broken at seal 3"},
		{"all that was noted was written anew", forged{root: func(journal.Link) journal.Link { return journal.Link{} }, links: func([]journal.Link) []journal.Link {
			return []journal.Link{journal.Link{}.Next(journal.Entry{Number: 1})}
		}}, 4, 0, false, nil, "the chain is broken at seal 1: its hash is not the one that was noted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, head := sealed(t, 5, time.Time{})
				known := journal.Link{}
				if row.known >= 0 {
					links, err := store.Links(t.Context(), head.Seal-row.known-1, 1)
					require.NoError(t, err)
					known = links[0]
				}
				_, err := store.Tidy(t.Context(), time.Now(), time.Now().AddDate(0, 0, row.pruned-4))
				require.NoError(t, err)
				row.forge.chain = store

				var out bytes.Buffer
				err = verifyChain(t.Context(), row.forge, known, chainReport{w: &out, kept: row.kept})
				var result struct {
					OK         bool
					Links      int64
					Root, Head string
					Problem    string
				}
				var asJSON bytes.Buffer
				again := verifyChain(t.Context(), row.forge, known, chainReport{w: &asJSON, kept: row.kept, json: true})
				require.NoError(t, json.Unmarshal(asJSON.Bytes(), &result), "%s", &asJSON)
				assert.Equal(t, err, again)
				for _, want := range row.out {
					assert.Contains(t, out.String(), want)
				}
				assert.Contains(t, out.String(), "\nhead "+result.Head+"\n")
				assert.Contains(t, out.String(), "\nroot "+result.Root+" (")
				if row.err == "" {
					assert.NoError(t, err)
					assert.True(t, result.OK)
					assert.Equal(t, head.String(), result.Head)
					return
				}
				require.Error(t, err)
				assert.True(t, strings.HasPrefix(err.Error(), row.err), "%v", err)
				assert.NotContains(t, out.String(), "Note the head", "nobody should note what is broken")
				assert.False(t, result.OK)
				assert.Equal(t, err.Error(), result.Problem)
			})
		})
	}
}

func TestVerifyEmptyChain(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, verifyChain(t.Context(), (&journal.Memory{}).Open(), journal.Link{}, chainReport{w: &out}))
	assert.Contains(t, out.String(), "Nothing is sealed yet.")
}

// What the running bot prunes while the chain is being looked at is not missing.
func TestVerifyWhilePruning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, _ := sealed(t, 5, time.Time{})
		looks := 0
		chain := forged{chain: store, root: func(l journal.Link) journal.Link {
			if looks++; looks == 2 { // Verify has its root: entries go before it has read them
				_, err := store.Tidy(t.Context(), time.Now(), time.Now().AddDate(0, 0, -2))
				require.NoError(t, err)
			}
			return l
		}}
		var out bytes.Buffer
		require.NoError(t, verifyChain(t.Context(), chain, journal.Link{}, chainReport{w: &out, kept: true}))
		assert.Contains(t, out.String(), "Links looked at: 3.")
	})
}
