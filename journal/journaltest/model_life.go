package journaltest

import (
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"roomwarden/journal"
)

var (
	texts    = rapid.SampledFrom([]string{"", "spam", "Spam 100%", "刷屏", "a_b", `\`, "🙂"})
	accounts = rapid.SampledFrom([]string{"", "lisi"})
	rooms    = rapid.SampledFrom([]int64{123, 456})
	minutes  = rapid.IntRange(0, 60)
	outcomes = rapid.SampledFrom([]journal.Outcome{journal.Done, journal.NoChange, journal.Refused, journal.Failed, journal.Unknown, journal.Unknown})
	names    = rapid.SampledFrom([]string{"Zhang San", "zhang san", "张三", ""})
	commands = rapid.SampledFrom([]string{"mute", "unmute", "who"})
)

func after(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }

func drawRequest(rt *rapid.T, key string) journal.Entry {
	e := request(key)
	e.At = after(minutes.Draw(rt, "at"))
	e.ReplyBy = e.At.Add(30 * time.Minute)
	e.Room, e.Target, e.Write = rooms.Draw(rt, "room"), accounts.Draw(rt, "target"), rapid.Bool().Draw(rt, "write")
	e.Line, e.Reason, e.Name, e.Command = texts.Draw(rt, "line"), texts.Draw(rt, "reason"), names.Draw(rt, "name"), commands.Draw(rt, "command")
	return e
}

func (m *model) begin(rt *rapid.T) {
	p := m.anyone(rt)
	m.keys++
	e := drawRequest(rt, fmt.Sprintf("slack:%d", m.keys))
	b, err := p.store.Begin(m.t.Context(), e)
	require.NoError(rt, err)
	require.True(rt, b.Fresh)
	require.Greater(rt, b.Number, m.highest)
	m.named(rt, p, b.Owner)
	m.highest = b.Number
	e = begun(e, b.Number, p.name)
	require.Equal(rt, plain(e), plain(b.Entry))

	var before *modelled
	for _, earlier := range m.entries {
		if e.Write && earlier.Write && earlier.Room == e.Room && earlier.Target == e.Target && earlier.Outcome != journal.Refused && earlier.Outcome != journal.Failed {
			before = earlier
		}
	}
	require.Equal(rt, before == nil, b.Before == nil)
	if before != nil {
		require.Equal(rt, plain(public(before.Entry)), plain(*b.Before))
	}
	m.entries = append(m.entries, &modelled{Entry: e, owner: p})
}

// entry draws one that is still there.
func (m *model) entry(rt *rapid.T) *modelled {
	if len(m.entries) == 0 {
		rt.Skip("no entries")
	}
	return rapid.SampledFrom(m.entries).Draw(rt, "entry")
}

func (m *model) beginAgain(rt *rapid.T) {
	p, e := m.anyone(rt), m.entry(rt)
	b, err := p.store.Begin(m.t.Context(), drawRequest(rt, e.Key))
	require.NoError(rt, err)
	require.False(rt, b.Fresh)
	require.Nil(rt, b.Before)
	e.Deliveries++
	want := e.Entry
	if e.owner != p {
		want = public(want)
	}
	require.Equal(rt, plain(want), plain(b.Entry))
}

// may asserts that err is the right answer to the end of e by p, and returns whether it was written. ended: it is too late for that.
func (m *model) may(rt *rapid.T, err error, p *process, e *modelled, ended bool) bool {
	switch {
	case e.owner != p && ended: // both are true
		require.True(rt, errors.Is(err, journal.ErrNotMine) || errors.Is(err, journal.ErrNotRunning), "%v", err)
	case e.owner != p:
		require.ErrorIs(rt, err, journal.ErrNotMine)
	case ended:
		require.ErrorIs(rt, err, journal.ErrNotRunning)
	default:
		require.NoError(rt, err)
		return true
	}
	return false
}

func (m *model) finish(rt *rapid.T) {
	e := m.entry(rt)
	p := m.someone(rt, e)
	r := journal.Result{Outcome: outcomes.Draw(rt, "outcome"), Moderator: names.Draw(rt, "moderator"), Code: rapid.IntRange(0, 500).Draw(rt, "code"),
		Answer: []byte(texts.Draw(rt, "answer")), Text: texts.Draw(rt, "text"), Duration: time.Duration(minutes.Draw(rt, "duration")) * time.Millisecond}
	r.More = (r.Outcome == journal.Unknown || r.Outcome == journal.Done) && rapid.Bool().Draw(rt, "more")
	r.Given = !r.More && rapid.Bool().Draw(rt, "given")
	if rapid.Bool().Draw(rt, "until") {
		r.Until = after(minutes.Draw(rt, "until"))
	}
	err := p.store.Finish(m.t.Context(), journal.Hand{Number: e.Number, Owner: p.name}, r)
	if m.may(rt, err, p, e, e.Outcome != journal.Running && !e.more) {
		e.Entry, e.more = ended(e.Entry, r), r.More
	}
}

func (m *model) answered(rt *rapid.T) {
	e := m.entry(rt)
	p := m.someone(rt, e)
	d := rapid.SampledFrom([]journal.Delivery{journal.Delivered, journal.Undelivered}).Draw(rt, "delivery")
	err := p.store.Answered(m.t.Context(), journal.Hand{Number: e.Number, Owner: p.name}, d)
	switch {
	case !m.may(rt, err, p, e, e.Outcome == journal.Running || !e.Open):
	case e.more:
		e.Delivery = d
	default:
		e.Entry = closed(e.Entry, d)
	}
}

func (m *model) take(rt *rapid.T) {
	p := m.anyone(rt)
	taken, err := p.store.Take(m.t.Context())
	require.NoError(rt, err)
	want := []journal.Entry{}
	for _, e := range m.entries {
		if len(want) < 100 && e.Open && (e.owner == nil || !e.owner.alive) {
			require.NotEmpty(rt, taken)
			m.named(rt, p, taken[0].Owner)
			e.owner, e.Owner, e.Attempts = p, p.name, e.Attempts+1
			want = append(want, e.Entry)
		}
	}
	require.Equal(rt, plainAll(want), plainAll(taken))
}
