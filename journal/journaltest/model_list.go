package journaltest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"roomwarden/journal"
)

// compare looks at everything that everybody may see.
func (m *model) compare(rt *rapid.T) { m.query(rt, journal.Query{Limit: 10_000}) }

func (m *model) list(rt *rapid.T) {
	some := func(what string) bool { return rapid.IntRange(0, 3).Draw(rt, what+"?") == 0 }
	var q journal.Query
	if some("room") {
		q.Room = rooms.Draw(rt, "room")
	}
	if some("rooms") {
		q.Rooms = append([]int64{}, rapid.SliceOfN(rooms, 0, 2).Draw(rt, "rooms")...)
	}
	if some("target") {
		q.Target = accounts.Draw(rt, "target")
	}
	if some("on") {
		q.On = &journal.Target{Room: rooms.Draw(rt, "room"), Account: accounts.Draw(rt, "account")}
	}
	if some("by") {
		q.By = rapid.OneOf(names, rapid.SampledFrom([]string{"T0123/U0456", "t0123/u0456", "nobody"})).Draw(rt, "by")
	}
	if some("commands") {
		q.Commands = rapid.SliceOfN(commands, 0, 2).Draw(rt, "commands")
	}
	if some("outcomes") {
		q.Outcomes = rapid.SliceOfN(rapid.OneOf(outcomes, rapid.Just(journal.Running)), 0, 3).Draw(rt, "outcomes")
	}
	if some("since") {
		q.Since = after(minutes.Draw(rt, "since"))
	}
	if some("lasting") {
		q.Lasting = after(minutes.Draw(rt, "lasting"))
	}
	if some("text") {
		q.Text = rapid.OneOf(texts, rapid.SampledFrom([]string{"SPAM", "%", "_", "P"})).Draw(rt, "text")
	}
	if some("after") {
		q.After = rapid.Int64Range(0, m.highest+1).Draw(rt, "after")
	}
	if some("before") {
		q.Before = rapid.Int64Range(0, m.highest+1).Draw(rt, "before")
	}
	if some("limit") {
		q.Limit = rapid.IntRange(1, 5).Draw(rt, "limit")
	}
	m.query(rt, q)
}

func (m *model) query(rt *rapid.T, q journal.Query) {
	got, err := m.anyone(rt).store.List(m.t.Context(), q)
	require.NoError(rt, err)
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	want := []journal.Entry{}
	for _, e := range slices.Backward(m.entries) {
		if len(want) < limit && selects(q, e.Entry) {
			want = append(want, plain(public(e.Entry)))
		}
	}
	require.Equal(rt, want, plainAll(got))
}

// selects is what Query says, field by field.
func selects(q journal.Query, e journal.Entry) bool {
	lower := func(s string) string { // of ASCII letters
		return string(bytes.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r - 'A' + 'a'
			}
			return r
		}, []byte(s)))
	}
	if q.Room != 0 && q.Room != e.Room {
		return false
	}
	if q.Rooms != nil && !slices.Contains(q.Rooms, e.Room) {
		return false
	}
	if q.Target != "" && q.Target != e.Target {
		return false
	}
	if q.On != nil && (!e.Write || e.Room != q.On.Room || e.Target != q.On.Account) {
		return false
	}
	if q.By != "" && q.By != e.Person && !strings.EqualFold(q.By, e.Name) && !strings.EqualFold(q.By, e.Moderator) {
		return false
	}
	if len(q.Commands) > 0 && !slices.Contains(q.Commands, e.Command) {
		return false
	}
	if len(q.Outcomes) > 0 && !slices.Contains(q.Outcomes, e.Outcome) {
		return false
	}
	if !q.Since.IsZero() && e.At.Before(q.Since) {
		return false
	}
	if !q.Lasting.IsZero() && !e.Until.After(q.Lasting) {
		return false
	}
	text := lower(q.Text)
	if !strings.Contains(lower(e.Line), text) && !strings.Contains(lower(e.Reason), text) && !strings.Contains(lower(e.Text), text) {
		return false
	}
	return e.Number > q.After && (q.Before == 0 || e.Number < q.Before)
}
