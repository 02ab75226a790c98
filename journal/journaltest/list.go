package journaltest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func listSelects(t *testing.T, s journal.Store) {
	const zhangsan, zhaoliu = "T0123/U0456", "T0123/u0456" // ids that differ in case only
	for i, e := range []struct {
		person, name string
		command      string
		room         int64
		target       string
		moderator    string // empty: refused
	}{
		{zhangsan, "Zhang San", "mute", 123, "lisi", "On-call"},
		{zhangsan, "Zhang San", "unmute", 123, "lisi", "On-call"},
		{zhangsan, "Zhang San", "muteroom", 456, "", "On-call"},
		{zhaoliu, "Łukasz 六", "mute", 456, "lisi", ""},
		{zhaoliu, "Łukasz 六", "mute", 1600849147, "LISI", "Élodie"},
		{"80351110224678912", "", "help", 0, "", ""},
	} {
		entry := begin(t, s, journal.Entry{
			Key: fmt.Sprintf("slack:%d", i+1), At: noon.Add(time.Duration(i) * time.Minute),
			Person: e.person, Name: e.name, Command: e.command, Room: e.room, Target: e.target,
		})
		outcome := journal.Done
		if e.moderator == "" {
			outcome = journal.Refused
		}
		require.NoError(t, s.Finish(t.Context(), entry.Number, journal.Result{Outcome: outcome, Moderator: e.moderator}))
	}
	sixth := list(t, s, journal.Query{Limit: 1})[0].Number

	for _, c := range []struct {
		name string
		q    journal.Query
		want string // keys, newest first
	}{
		{"everything", journal.Query{}, "6 5 4 3 2 1"},
		{"a room", journal.Query{Room: 123}, "2 1"},
		{"a room above 2^31 or so", journal.Query{Room: 1600849147}, "5"},
		{"a room without entries", journal.Query{Room: 7}, ""},
		{"any of some rooms", journal.Query{Rooms: []int64{1600849147, 123}}, "5 2 1"},
		{"any of one room", journal.Query{Rooms: []int64{456}}, "4 3"},
		{"any of no rooms", journal.Query{Rooms: []int64{}}, ""},
		{"no room named, in some rooms", journal.Query{Rooms: []int64{0}}, "6"},
		{"a room, of those allowed", journal.Query{Room: 123, Rooms: []int64{123, 456}}, "2 1"},
		{"a room, not of those allowed", journal.Query{Room: 123, Rooms: []int64{456}}, ""},
		{"a target", journal.Query{Target: "lisi"}, "4 2 1"},
		{"a target, not in part", journal.Query{Target: "lis"}, ""},
		{"by id", journal.Query{By: zhangsan}, "3 2 1"},
		{"by id, with regard to case", journal.Query{By: zhaoliu}, "5 4"},
		{"by name", journal.Query{By: "Zhang San"}, "3 2 1"},
		{"by name in another case", journal.Query{By: "zHANG sAN"}, "3 2 1"},
		{"by name in another case, beyond ASCII", journal.Query{By: "łUKASZ 六"}, "5 4"},
		{"by name, not in part", journal.Query{By: "Zhang"}, ""},
		{"by name, no pattern", journal.Query{By: "Zhang%"}, ""},
		{"by moderator", journal.Query{By: "on-CALL"}, "3 2 1"},
		{"by moderator in another case, beyond ASCII", journal.Query{By: "éLODIE"}, "5"},
		{"a command", journal.Query{Commands: []string{"mute"}}, "5 4 1"},
		{"any of some commands", journal.Query{Commands: []string{"help", "unmute", "none"}}, "6 2"},
		{"any of no commands is any command", journal.Query{Commands: []string{}}, "6 5 4 3 2 1"},
		{"an outcome", journal.Query{Outcomes: []journal.Outcome{journal.Refused}}, "6 4"},
		{"any of some outcomes", journal.Query{Outcomes: []journal.Outcome{journal.Done, journal.Refused}, Room: 456}, "4 3"},
		{"since a moment, that included", journal.Query{Since: noon.Add(4 * time.Minute)}, "6 5"},
		{"since a moment later", journal.Query{Since: noon.Add(4*time.Minute + time.Microsecond)}, "6"},
		{"since a moment in another zone", journal.Query{Since: noon.Add(4 * time.Minute).In(time.FixedZone("CST", 8*60*60))}, "6 5"},
		{"before a number", journal.Query{Before: sixth}, "5 4 3 2 1"},
		{"at most some", journal.Query{Limit: 2}, "6 5"},
		{"the next page", journal.Query{Limit: 2, Before: sixth - 1}, "4 3"},
		{"all at once", journal.Query{Room: 123, Rooms: []int64{123}, Target: "lisi", By: "on-call", Commands: []string{"mute", "unmute"},
			Since: noon, Before: sixth, Limit: 1}, "2"},
		{"no SQL", journal.Query{Target: "' OR '1'='1"}, ""},
	} {
		var keys []string
		for _, e := range list(t, s, c.q) {
			keys = append(keys, strings.TrimPrefix(e.Key, "slack:"))
		}
		assert.Equal(t, c.want, strings.Join(keys, " "), c.name)
	}
}

func listDefault(t *testing.T, s journal.Store) {
	entries := beginSome(t, s, 101)
	listed := list(t, s, journal.Query{})
	require.Len(t, listed, 100)
	assert.Equal(t, entries[100], listed[0])
	assert.Equal(t, entries[1], listed[99])
	assert.Len(t, list(t, s, journal.Query{Limit: 1000}), 101)
}

func listWhileWriting(t *testing.T, s journal.Store) {
	var wg sync.WaitGroup
	for caller := range 4 {
		wg.Go(func() {
			for i := range 20 {
				entry, _, err := s.Begin(t.Context(), request(fmt.Sprintf("slack:%d/%d", caller, i)))
				assert.NoError(t, err)
				entries, err := s.List(t.Context(), journal.Query{Before: entry.Number + 1, Limit: 1})
				assert.NoError(t, err)
				assert.Equal(t, []journal.Entry{entry}, entries)
			}
		})
	}
	wg.Wait()
}

func listCancelled(t *testing.T, s journal.Store) {
	_, err := s.List(cancelled(t), journal.Query{})
	assert.ErrorIs(t, err, context.Canceled)
}
