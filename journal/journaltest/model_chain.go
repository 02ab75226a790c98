package journaltest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"roomwarden/journal"
)

func (m *model) seal(rt *rapid.T) {
	n, err := m.anyone(rt).store.Seal(m.t.Context())
	require.NoError(rt, err)
	want := 0
	for _, e := range m.entries {
		if want < 500 && !e.Open && e.Seal == 0 {
			want++
			m.seals++
			e.Seal = m.seals
		}
	}
	require.Equal(rt, want, n)
}

func (m *model) tidy(rt *rapid.T) {
	now, before := after(minutes.Draw(rt, "now")), time.Time{}
	now = now.Add(30*time.Minute + time.Second) // nothing is over at that very moment
	if rapid.IntRange(0, 3).Draw(rt, "prune") == 0 {
		before = after(minutes.Draw(rt, "before"))
	}
	n, err := m.anyone(rt).store.Tidy(m.t.Context(), now, before)
	require.NoError(rt, err)
	for _, e := range m.entries {
		if e.ReplyBy.Before(now) {
			e.ReplyTo = ""
		}
	}
	want := 0
	for _, e := range m.sealed() {
		if before.IsZero() || !e.At.Before(before) {
			break
		}
		m.pruned = e.Seal
		m.entries = slices.DeleteFunc(m.entries, func(other *modelled) bool { return other == e })
		want++
	}
	require.Equal(rt, want, n)
}

// sealed are the entries in the chain, in the order of their seals.
func (m *model) sealed() (chain []*modelled) {
	for _, e := range m.entries {
		if e.Seal != 0 {
			chain = append(chain, e)
		}
	}
	slices.SortFunc(chain, func(a, b *modelled) int { return int(a.Seal - b.Seal) })
	return chain
}

func (m *model) links(rt *rapid.T) {
	s := m.anyone(rt).store
	from, limit := rapid.Int64Range(0, m.seals+1).Draw(rt, "after"), rapid.IntRange(1, 10).Draw(rt, "limit")
	links, err := s.Links(m.t.Context(), from, limit)
	require.NoError(rt, err)
	got, want := []journal.Entry{}, []journal.Entry{}
	for _, l := range links {
		require.Equal(rt, l.Seal, l.Entry.Seal)
		got = append(got, plain(l.Entry))
	}
	for _, e := range m.sealed() {
		if e.Seal > from && len(want) < limit {
			want = append(want, plain(public(e.Entry)))
		}
	}
	require.Equal(rt, want, got)

	root, err := s.Root(m.t.Context())
	require.NoError(rt, err)
	require.Equal(rt, m.pruned, root.Seal)
	head, looked, err := journal.Verify(m.t.Context(), s, root)
	require.NoError(rt, err)
	require.Equal(rt, m.seals, head.Seal)
	require.Equal(rt, m.seals-m.pruned, looked)
}
