package journaltest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// written is e with every text set to text.
func written(e journal.Entry, text string) journal.Entry {
	e.RequestID, e.Platform, e.Space, e.Channel, e.Person, e.Name = text, text, text, text, text, text
	e.Line, e.Effect, e.Command, e.Target, e.Reason, e.ReplyTo, e.Resume = text, text, text, text, text, text, []byte(text)
	return e
}

func textComesBack(t *testing.T, j Journal) {
	s := open(t, j)
	for i, text := range []string{
		"禁言 李四 5分钟",
		"👩‍👩‍👧‍👦 🙂 \u202eright to left\u202c café cafe\u0301",
		`'; DROP TABLE entries; -- "quoted" \ %s ?1 $1 :a E'\n' \x00 {} NULL`,
		"two\nlines\r\nand\ta tab",
		" spaces around ",
		strings.Repeat("世", 100_000),
	} {
		e, r := written(request(fmt.Sprintf("slack:%d", i)), text), result()
		r.Moderator, r.Text, r.Answer = text, text, []byte(text)

		entry := begin(t, s, e)
		same(t, begun(e, entry.Number, entry.Owner), entry)
		entry = finish(t, s, entry, r)
		for name, q := range map[string]journal.Query{
			"target": {Target: text}, "by": {By: text}, "text": {Text: text}, "command": {Commands: []string{text}}, "on": {On: &journal.Target{Room: e.Room, Account: text}},
		} {
			found := list(t, s, q)
			if assert.Len(t, found, 1, name) {
				same(t, public(entry), found[0], name)
			}
		}
		answer(t, s, entry)
	}
	verified(t, s, 6)
}

// A store may keep what is no text as it is, or as U+FFFD for every bad byte; keys and Answer stay what they were.
func noText(t *testing.T, j Journal) {
	s := open(t, j)
	readable := func(text string) string {
		var b strings.Builder
		for len(text) > 0 {
			r, size := utf8.DecodeRuneInString(text)
			if r == 0 {
				r = utf8.RuneError
			}
			b.WriteRune(r)
			text = text[size:]
		}
		return b.String()
	}
	texts := func(e journal.Entry) []string {
		return []string{e.RequestID, e.Platform, e.Space, e.Channel, e.Person, e.Name, e.Line, e.Effect, e.Command, e.Target, e.Reason, e.Moderator, e.Text}
	}
	for i, text := range []string{"a\x00b", "\x00", "a\xffb", "\xff", "世\xe4界", "a\xc3", "\xed\xa0\x80", "\x01\x1b\x7f"} {
		e, r := written(request("slack:"+text), text), result()
		r.Moderator, r.Text, r.Answer = text, text, []byte(text)
		entry := begin(t, s, e)
		assert.Equal(t, "slack:"+text, entry.Key)
		require.NoError(t, s.Finish(t.Context(), entry.Hand(), r))
		require.NoError(t, s.Answered(t.Context(), entry.Hand(), journal.Delivered))
		got, err := s.Get(t.Context(), entry.Number)
		require.NoError(t, err)
		assert.Equal(t, "slack:"+text, got.Key)
		assert.Equal(t, []byte(text), got.Answer)
		assert.Equal(t, []byte(text), entry.Resume)
		for n, s := range texts(got) {
			assert.Equal(t, readable(text), readable(s), "text %d of %q", n, text)
		}
		for n, s := range texts(entry)[:11] {
			assert.Equal(t, texts(got)[n], s, "text %d of %q from Begin and from Get", n, text)
		}
		for name, q := range map[string]journal.Query{
			"target": {Target: text}, "by": {By: text}, "text": {Text: text}, "command": {Commands: []string{text}}, "on": {On: &journal.Target{Account: text}},
			"outcome": {Outcomes: []journal.Outcome{journal.Outcome(text)}},
		} {
			_, err := s.List(t.Context(), q)
			assert.NoError(t, err, "%s %q", name, text)
		}
		verified(t, s, int64(i)+1)
	}
}

func numbersComeBack(t *testing.T, j Journal) {
	s := open(t, j)
	for i, room := range []int64{0, 1, -1, math.MaxInt32 + 1, math.MaxInt64, math.MinInt64} {
		e, r := request(fmt.Sprintf("slack:%d", i)), result()
		e.Room, r.Code, r.Duration = room, []int{0, -1, 200, 13002, math.MaxInt32, math.MinInt32}[i], time.Duration(i)*time.Hour
		entry := begin(t, s, e)
		assert.Equal(t, room, entry.Room)
		entry = finish(t, s, entry, r)
		same(t, public(entry), list(t, s, journal.Query{On: &journal.Target{Room: room, Account: e.Target}})[0])
		answer(t, s, entry)
	}
	verified(t, s, 6)
}

func timesComeBack(t *testing.T, j Journal) {
	s := open(t, j)
	now, china := time.Now(), time.FixedZone("CST", 8*60*60)
	early := time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for i, c := range []struct {
		name     string
		in, want time.Time
	}{
		{"another zone", time.Date(2026, 11, 21, 20, 0, 0, 0, china), noon},
		{"microseconds", noon.Add(123_456 * time.Microsecond), noon.Add(123_456 * time.Microsecond)},
		{"nanoseconds are cut off", noon.Add(999_999_999), noon.Add(999_999_000)},
		{"a monotonic reading", now, now.UTC().Truncate(time.Microsecond)},
		{"before 1970", early, early},
		{"before 1970, with nanoseconds", early.Add(999), early},
		{"far away", late, late},
	} {
		e, r := request("slack:"+c.name), result()
		e.At, e.ReplyBy, r.Until, r.Duration = c.in, c.in, c.in, 1_000_999*time.Nanosecond
		entry := begin(t, s, e)
		assert.Equal(t, c.want, entry.At, c.name)
		assert.Equal(t, c.want, entry.ReplyBy, c.name)
		assert.Equal(t, 1, len(list(t, s, journal.Query{Since: c.in, After: entry.Number - 1})), c.name)

		require.NoError(t, s.Finish(t.Context(), entry.Hand(), r))
		entry = list(t, s, journal.Query{Limit: 1})[0]
		assert.Equal(t, c.want, entry.At, c.name)
		assert.Equal(t, c.want, entry.ReplyBy, c.name)
		assert.Equal(t, c.want, entry.Until, c.name)
		assert.Equal(t, time.Millisecond, entry.Duration, c.name)
		answer(t, s, entry)
		verified(t, s, int64(i)+1)
	}
}

func zeroTimes(t *testing.T, j Journal) {
	s := open(t, j)
	e, r := request("slack:1"), result()
	e.At, e.ReplyBy, r.Until, r.Duration = time.Time{}, time.Time{}, time.Time{}, 0
	entry := begin(t, s, e)
	assert.Equal(t, time.Time{}, entry.At)
	assert.Equal(t, time.Time{}, entry.ReplyBy)
	entry = finish(t, s, entry, r)
	listed(t, s, entry)
	answer(t, s, entry)
	verified(t, s, 1)
}

func copies(t *testing.T, j Journal) {
	s := open(t, j)
	spoil := func(b []byte) { clear(b) }
	given, r := request("slack:1"), result()
	entry := begin(t, s, given)
	spoil(given.Resume)
	spoil(entry.Resume)
	want := again(t, s, "slack:1")
	assert.Equal(t, request("slack:1").Resume, want.Resume)
	spoil(want.Resume)

	require.NoError(t, s.Finish(t.Context(), entry.Hand(), r))
	spoil(r.Answer)
	spoil(list(t, s, journal.Query{})[0].Answer)
	got, err := s.Get(t.Context(), entry.Number)
	require.NoError(t, err)
	assert.Equal(t, result().Answer, got.Answer)
	spoil(got.Answer)
	last := again(t, s, "slack:1")
	assert.Equal(t, request("slack:1").Resume, last.Resume)
	assert.Equal(t, result().Answer, last.Answer)
}
