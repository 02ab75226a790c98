package journaltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// noon is when the entries of the tests begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// request is an entry as Begin takes it, with every field set: Zhang San mutes lisi.
func request(key string) journal.Entry {
	return journal.Entry{
		Key:       key,
		RequestID: "request of " + key,
		At:        noon,
		Platform:  "slack",
		Space:     "T0123",
		Channel:   "C0789",
		Person:    "T0123/U0456",
		Name:      "Zhang San",
		Line:      "mute 123 lisi 5m spam",
		Effect:    "mute room=123 target=lisi duration=300s reason=spam",
		Command:   "mute",
		Room:      123,
		Target:    "lisi",
		Reason:    "spam",
		Write:     true,
		Resume:    []byte("{\"lang\":\"zh\"}\x00\xff"),
		ReplyTo:   "https://hooks.slack.com/actions/T0123/secret",
		ReplyBy:   noon.Add(30 * time.Minute),
	}
}

// begun is what becomes of a request with Begin, as the process that owns it sees it.
func begun(e journal.Entry, number int64, owner string) journal.Entry {
	e.Number, e.Outcome, e.Delivery, e.Open, e.Deliveries, e.Owner, e.Attempts = number, journal.Running, journal.Pending, true, 1, owner, 1
	return e
}

// result is an end with every field set.
func result() journal.Result {
	return journal.Result{
		Outcome:   journal.Done,
		Moderator: "张三",
		Code:      200,
		Answer:    []byte("{\"text\":\"lisi is muted\"}\x00\xff"),
		Text:      "lisi is muted in room 123.",
		Until:     noon.Add(300 * time.Second),
		Duration:  52_731 * time.Microsecond,
	}
}

// more is an end after which another one will follow.
func more() journal.Result {
	return journal.Result{Outcome: journal.Unknown, Moderator: "张三", Answer: []byte("?"), Text: "NetEase did not answer.", Duration: time.Second, More: true}
}

// ended is what becomes of an entry with Finish.
func ended(e journal.Entry, r journal.Result) journal.Entry {
	e.Outcome, e.Moderator, e.Code, e.Answer, e.Text, e.Until, e.Duration =
		r.Outcome, r.Moderator, r.Code, r.Answer, r.Text, r.Until, r.Duration
	e.Delivery = journal.Pending
	if r.Given {
		e = closed(e, journal.Delivered)
	}
	return e
}

// closed is what becomes of an ended entry with the last Answered.
func closed(e journal.Entry, d journal.Delivery) journal.Entry {
	e.Delivery, e.Open, e.Resume, e.ReplyTo = d, false, nil, ""
	return e
}

// public is e as Get, List and Links show it.
func public(e journal.Entry) journal.Entry {
	e.Resume, e.ReplyTo = nil, ""
	return e
}

// plain is e without what stores may do differently: empty bytes may be nil, and ReplyBy may be forgotten with ReplyTo.
func plain(e journal.Entry) journal.Entry {
	if len(e.Resume) == 0 {
		e.Resume = nil
	}
	if len(e.Answer) == 0 {
		e.Answer = nil
	}
	if !e.Open {
		e.ReplyBy = time.Time{}
	}
	return e
}

func plainAll(entries []journal.Entry) []journal.Entry {
	all := []journal.Entry{}
	for _, e := range entries {
		all = append(all, plain(e))
	}
	return all
}

// same asserts that got is want.
func same(t testing.TB, want, got journal.Entry, message ...any) bool {
	t.Helper()
	return assert.Equal(t, plain(want), plain(got), message...)
}

// listed asserts that the journal holds these entries, newest first, as everybody sees them, and nothing else.
func listed(t testing.TB, s journal.Store, want ...journal.Entry) {
	t.Helper()
	for i := range want {
		want[i] = public(want[i])
	}
	assert.Equal(t, plainAll(want), plainAll(list(t, s, journal.Query{Limit: 10_000})))
}

func list(t testing.TB, s journal.Store, q journal.Query) []journal.Entry {
	t.Helper()
	entries, err := s.List(context.WithoutCancel(t.Context()), q)
	require.NoError(t, err)
	return entries
}

// begin writes e, whose key must be new.
func begin(t testing.TB, s journal.Store, e journal.Entry) journal.Entry {
	t.Helper()
	b, err := s.Begin(t.Context(), e)
	require.NoError(t, err)
	require.True(t, b.Fresh)
	return b.Entry
}

// beginSome writes n entries.
func beginSome(t testing.TB, s journal.Store, n int) []journal.Entry {
	t.Helper()
	var entries []journal.Entry
	for i := range n {
		entries = append(entries, begin(t, s, request(fmt.Sprintf("slack:%d", i))))
	}
	return entries
}

// finish writes an end.
func finish(t testing.TB, s journal.Store, e journal.Entry, r journal.Result) journal.Entry {
	t.Helper()
	require.NoError(t, s.Finish(t.Context(), e.Hand(), r))
	return ended(e, r)
}

// answer closes an ended entry.
func answer(t testing.TB, s journal.Store, e journal.Entry) journal.Entry {
	t.Helper()
	require.NoError(t, s.Answered(t.Context(), e.Hand(), journal.Delivered))
	return closed(e, journal.Delivered)
}

// whole writes e from its beginning to its end.
func whole(t testing.TB, s journal.Store, e journal.Entry) journal.Entry {
	t.Helper()
	return answer(t, s, finish(t, s, begin(t, s, e), result()))
}

// wholeMany writes n entries from beginning to end, many at once.
func wholeMany(t testing.TB, s journal.Store, n int) {
	t.Helper()
	const callers = 16
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := caller; i < n; i += callers {
				b, err := s.Begin(t.Context(), request(fmt.Sprintf("slack:%d", i)))
				assert.NoError(t, err)
				assert.NoError(t, s.Finish(t.Context(), b.Hand(), result()))
				assert.NoError(t, s.Answered(t.Context(), b.Hand(), journal.Delivered))
			}
		})
	}
	wg.Wait()
}

// take takes over what there is; want is what it must be, as the others saw it before.
func take(t testing.TB, s journal.Store, want ...journal.Entry) []journal.Entry {
	t.Helper()
	taken, err := s.Take(t.Context())
	require.NoError(t, err)
	require.Len(t, taken, len(want))
	for i, e := range want {
		e.Owner, e.Attempts = taken[i].Owner, e.Attempts+1
		same(t, e, taken[i])
	}
	return taken
}

// again delivers a key once more and returns the entry as s is told.
func again(t testing.TB, s journal.Store, key string) journal.Entry {
	t.Helper()
	b, err := s.Begin(t.Context(), journal.Entry{Key: key})
	require.NoError(t, err)
	require.False(t, b.Fresh)
	require.Nil(t, b.Before)
	return b.Entry
}

// eventually waits for what a store has to find out by its clock.
func eventually(t testing.TB, is func() bool, what string) {
	t.Helper()
	require.Eventually(t, is, 10*time.Second, 2*time.Millisecond, what)
}

// over reports whether a context ends, and waits for it.
func over(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	case <-time.After(10 * time.Second):
		return false
	}
}

// cancelled is a context that has ended.
func cancelled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
