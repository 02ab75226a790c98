package journaltest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func textComesBack(t *testing.T, s journal.Store) {
	for i, text := range []string{
		"禁言 李四 5分钟",
		"👩‍👩‍👧‍👦 🙂 \u202eright to left\u202c café cafe\u0301",
		`'; DROP TABLE entries; -- "quoted" \ %s ?1 $1 :a`,
		"two\nlines\tand a tab",
		strings.Repeat("世", 100_000),
	} {
		e, r := request(fmt.Sprintf("slack:%d %s", i, text)), result()
		e.RequestID, e.Platform, e.Space, e.Channel, e.Person, e.Name = text, text, text, text, text, text
		e.Line, e.Command, e.Target, e.Reason = text, text, text, text
		r.Moderator, r.Text, r.Answer = text, text, []byte(text)

		entry := begin(t, s, e)
		assert.Equal(t, begun(e, entry.Number), entry)
		require.NoError(t, s.Finish(t.Context(), entry.Number, r))
		assert.Equal(t, []journal.Entry{ended(entry, r)}, list(t, s, journal.Query{Target: text, By: text}))
	}
}

func timesComeBack(t *testing.T, s journal.Store) {
	now, china := time.Now(), time.FixedZone("CST", 8*60*60)
	early := time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, c := range []struct {
		name     string
		in, want time.Time
	}{
		{"another zone", time.Date(2026, 11, 21, 20, 0, 0, 0, china), noon},
		{"microseconds", noon.Add(123_456 * time.Microsecond), noon.Add(123_456 * time.Microsecond)},
		{"nanoseconds are cut off", noon.Add(999_999_999), noon.Add(999_999_000)},
		{"a monotonic reading", now, now.UTC().Truncate(time.Microsecond)},
		{"before 1970", early, early},
		{"far away", late, late},
	} {
		e, r := request("slack:"+c.name), result()
		e.At, r.Until, r.Duration = c.in, c.in, 1_000_999*time.Nanosecond
		entry := begin(t, s, e)
		assert.Equal(t, c.want, entry.At, c.name)

		require.NoError(t, s.Finish(t.Context(), entry.Number, r))
		entry = list(t, s, journal.Query{Limit: 1})[0]
		assert.Equal(t, c.want, entry.At, c.name)
		assert.Equal(t, c.want, entry.Until, c.name)
		assert.Equal(t, time.Millisecond, entry.Duration, c.name)
	}
}

func zeroTimes(t *testing.T, s journal.Store) {
	e, r := request("slack:1"), result()
	e.At, r.Until, r.Duration = time.Time{}, time.Time{}, 0
	entry := begin(t, s, e)
	assert.Equal(t, time.Time{}, entry.At)

	require.NoError(t, s.Finish(t.Context(), entry.Number, r))
	assert.Equal(t, []journal.Entry{ended(entry, r)}, list(t, s, journal.Query{}))
}
