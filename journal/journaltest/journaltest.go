// Package journaltest holds the promises of journal.Store as tests, which every store passes.
package journaltest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// Test runs the promises, each as a subtest with a store of its own. open returns a new, empty store; Test closes it.
func Test(t *testing.T, open func(t *testing.T) journal.Store) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { assert.NoError(t, s.Close()) })
			p.test(t, s)
		})
	}
}

var promises = []struct {
	name string
	test func(*testing.T, journal.Store)
}{
	{"Begin writes what was asked", beginWrites},
	{"Begin decides on the end itself", beginIgnoresTheEnd},
	{"Begin with a known key counts a delivery and changes nothing else", beginAgain},
	{"Begin with a known key gives the first answer again", beginAgainAfterFinish},
	{"Begin tells keys apart byte by byte", beginTellsKeysApart},
	{"Begin wants a key", beginWantsKey},
	{"Begin of one key by many is fresh once", beginAtOnce},
	{"numbers ascend in the order of writing", numbersAscend},
	{"Begin with a cancelled context writes nothing", beginCancelled},

	{"Finish writes every outcome", finishWrites},
	{"Finish of one entry leaves the others alone", finishOne},
	{"Finish works once", finishTwice},
	{"Finish by many works once", finishAtOnce},
	{"Finish of an unknown number is refused", finishUnknown},
	{"Finish wants an end", finishWantsEnd},
	{"Finish with a cancelled context writes nothing", finishCancelled},

	{"text of any language and length comes back", textComesBack},
	{"times come back in UTC and to the microsecond", timesComeBack},
	{"zero times stay zero", zeroTimes},

	{"List selects", listSelects},
	{"List gives the newest 100 when not told how many", listDefault},
	{"List sees what was written before, while others write", listWhileWriting},
	{"List with a cancelled context is an error", listCancelled},

	{"Check writes no entry", checkWorks},
	{"Check with a cancelled context is an error", checkCancelled},
	{"after Close there are only errors", afterClose},
}

// noon is when the entries of the tests begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// request is an entry as Begin takes it: Zhang San mutes lisi.
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
		Line:      "mute room=123 target=lisi 300s reason=spam",
		Command:   "mute",
		Room:      123,
		Target:    "lisi",
		Reason:    "spam",
	}
}

// begun is what becomes of a request with Begin.
func begun(e journal.Entry, number int64) journal.Entry {
	e.Number, e.Outcome, e.Deliveries = number, journal.Running, 1
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

// ended is what becomes of a running entry with Finish.
func ended(e journal.Entry, r journal.Result) journal.Entry {
	e.Outcome, e.Moderator, e.Code, e.Answer, e.Text, e.Until, e.Duration =
		r.Outcome, r.Moderator, r.Code, r.Answer, r.Text, r.Until, r.Duration
	return e
}

// begin writes e, whose key must be new.
func begin(t *testing.T, s journal.Store, e journal.Entry) journal.Entry {
	t.Helper()
	entry, fresh, err := s.Begin(t.Context(), e)
	require.NoError(t, err)
	require.True(t, fresh)
	return entry
}

// beginSome writes n entries.
func beginSome(t *testing.T, s journal.Store, n int) []journal.Entry {
	t.Helper()
	var entries []journal.Entry
	for i := range n {
		entries = append(entries, begin(t, s, request(fmt.Sprintf("slack:%d", i))))
	}
	return entries
}

func list(t *testing.T, s journal.Store, q journal.Query) []journal.Entry {
	t.Helper()
	entries, err := s.List(t.Context(), q)
	require.NoError(t, err)
	return entries
}

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
