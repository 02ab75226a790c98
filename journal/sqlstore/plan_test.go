package sqlstore

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// What is asked for often must not read the whole journal.
func TestQuestionsUseAnIndex(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s := openQuiet(t, address)
		for i := range 300 { // of which 3 are open
			e := mute(fmt.Sprintf("slack:%d", i))
			e.Room, e.Target, e.At = int64(i%10), fmt.Sprintf("member%d", i%50), e.At.Add(time.Duration(i)*time.Hour)
			b, err := s.Begin(t.Context(), e)
			require.NoError(t, err)
			if i%100 != 0 {
				require.NoError(t, s.Finish(t.Context(), b.Hand(), muted))
				require.NoError(t, s.Answered(t.Context(), b.Hand(), journal.Delivered))
			}
		}
		_, err := s.Seal(t.Context())
		require.NoError(t, err)
		if strings.HasPrefix(address, "postgres") { // which does so by itself
			say(t, address, "ANALYZE entries")
		}

		late := mute("").At.Add(295 * time.Hour)
		for _, c := range []struct {
			name string
			q    journal.Query
			want string // in SQLite's plan, in PostgreSQL's
		}{
			{"the newest", journal.Query{Limit: 2}, "INTEGER PRIMARY KEY|entries_pkey"},
			{"a room", journal.Query{Room: 3, Limit: 2}, "entries_room|entries_"},
			{"a target", journal.Query{Target: "member7"}, "entries_target|entries_"},
			{"the writes on a target", journal.Query{On: &journal.Target{Room: 7, Account: "member7"}}, "entries_turns|entries_"},
			{"a page of a room", journal.Query{Room: 3, Before: 250, Limit: 2}, "entries_room|entries_"},
			{"a page of a target", journal.Query{Target: "member7", Before: 250, Limit: 2}, "entries_target|entries_"},
			{"the write before one", journal.Query{On: &journal.Target{Room: 7, Account: "member7"}, Before: 250, Outcomes: []journal.Outcome{journal.Done, journal.Unknown}, Limit: 1}, "entries_turns|entries_turns"},
			{"the write after one", journal.Query{On: &journal.Target{Room: 7, Account: "member7"}, After: 20, Before: 250, Outcomes: []journal.Outcome{journal.Done}, Limit: 1}, "entries_turns|entries_turns"},
			{"the last hours", journal.Query{Since: late}, "entries_at|entries_"},
		} {
			query, args := listSQL(s.db.dialect(), c.q)
			plan := planOf(t, s, query, args...)
			assert.NotContains(t, plan, "SCAN entries", c.name)
			assert.NotContains(t, plan, "Seq Scan on entries", c.name)
			assertPlan(t, c.want, plan, c.name)
		}
		for name, c := range map[string]struct {
			query string
			args  []any
		}{
			"take": {fmt.Sprintf(takeSQL, s.db.dialect().skipLocked), []any{"a", "a"}},
			"seal": {`SELECT ` + columns + ` FROM entries WHERE seal = 0 AND open = FALSE ORDER BY number LIMIT ?`, []any{mostSealed}},
			"tidy": {`UPDATE entries SET reply_to = NULL WHERE seal = 0 AND open = TRUE AND reply_to IS NOT NULL AND reply_by_us <= ?`, []any{int64(1)}},
		} {
			assertPlan(t, "entries_unsealed|entries_unsealed", planOf(t, s, c.query, c.args...), name)
		}
		assertPlan(t, "entries_seal|entries_seal", planOf(t, s, `SELECT seal FROM entries WHERE seal > 0 AND seal > ? ORDER BY seal LIMIT ?`, int64(5), 10), "links")
	})
}

// assertPlan asserts that plan has one of the words that want has for each kind of database.
func assertPlan(t *testing.T, want, plan, name string) {
	t.Helper()
	for word := range strings.SplitSeq(want, "|") {
		if strings.Contains(plan, word) {
			return
		}
	}
	assert.Fail(t, "no index", "%s: %s", name, plan)
}

func planOf(t *testing.T, s *Store, query string, args ...any) (plan string) {
	t.Helper()
	sqlite := false
	if _, sqlite = s.db.(*sqliteDB); sqlite {
		query = "EXPLAIN QUERY PLAN " + query
	} else {
		query = "EXPLAIN " + query
	}
	require.NoError(t, s.transact(t.Context(), func(tx transaction) error {
		if !sqlite {
			if _, err := tx.exec(`SET LOCAL enable_seqscan = off`); err != nil { // the table is small
				return err
			}
		}
		return tx.query(func(r row) error {
			var line string
			if !sqlite {
				err := r.Scan(&line)
				plan += line + "\n"
				return err
			}
			var id, parent, unused int
			err := r.Scan(&id, &parent, &unused, &line)
			plan += line + "\n"
			return err
		}, query, args...)
	}))
	return plan
}

// Two processes may think that they lead.
func TestManySealAndPruneAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		stores := []*Store{openQuiet(t, address), openQuiet(t, address)}
		const entries = 1200
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for n := range entries / 8 {
					e, err := stores[i%2].Begin(t.Context(), mute(fmt.Sprintf("slack:%d/%d", i, n)))
					assert.NoError(t, err)
					assert.NoError(t, stores[i%2].Finish(t.Context(), e.Hand(), muted))
					assert.NoError(t, stores[i%2].Answered(t.Context(), e.Hand(), journal.Delivered))
				}
			})
		}
		var mu sync.Mutex
		sealed, pruned := 0, 0
		for i := range 4 {
			wg.Go(func() {
				for range 20 {
					n, err := stores[i%2].Seal(t.Context())
					assert.NoError(t, err)
					gone := 0
					if i == 0 {
						gone, err = stores[0].Tidy(t.Context(), time.Now(), time.Now())
						assert.NoError(t, err)
					}
					mu.Lock()
					sealed, pruned = sealed+n, pruned+gone
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for n := 1; n > 0; {
			var err error
			n, err = stores[0].Seal(t.Context())
			require.NoError(t, err)
			sealed += n
		}
		assert.Equal(t, entries, sealed)
		head, looked, err := journal.Verify(t.Context(), stores[1], journal.Link{})
		require.NoError(t, err)
		assert.Equal(t, int64(entries), head.Seal)
		assert.Equal(t, int64(entries-pruned), looked)
		assert.Len(t, listed(t, stores[1]), entries-pruned)
	})
}
