package sqlstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// What people ask for often must not read the whole journal.
func TestListsUseAnIndex(t *testing.T) {
	s := openAt(t, newPath(t))
	for _, c := range []struct {
		name string
		q    journal.Query
		want string // SQLite's plan
	}{
		{"the newest", journal.Query{}, "SEARCH entries USING INTEGER PRIMARY KEY (rowid<?)"},
		{"a room", journal.Query{Room: 123}, "SEARCH entries USING INDEX entries_room (room=? AND number<?)"},
		{"a target", journal.Query{Target: "lisi"}, "SEARCH entries USING INDEX entries_target (target=? AND number<?)"},
		{"a target in some rooms", journal.Query{Target: "lisi", Rooms: []int64{123, 456}},
			"SEARCH entries USING INDEX entries_target (target=? AND number<?)"},
		{"a room since yesterday", journal.Query{Room: 123, Since: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)},
			"SEARCH entries USING INDEX entries_room (room=? AND number<?)"},
	} {
		query, args := listSQL(c.q)
		var id, parent, unused int
		var plan string
		require.NoError(t, s.read.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...).Scan(&id, &parent, &unused, &plan))
		assert.Equal(t, c.want, plan, c.name)
	}
}
