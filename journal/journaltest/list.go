package journaltest

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

func get(t *testing.T, j Journal) {
	s, other := open(t, j), open(t, j)
	entries := beginSome(t, s, 3)
	for _, e := range entries {
		got, err := other.Get(t.Context(), e.Number)
		require.NoError(t, err)
		same(t, public(e), got)
	}
	for _, number := range []int64{0, -1, entries[2].Number + 1, 1 << 40} {
		_, err := s.Get(t.Context(), number)
		assert.ErrorIs(t, err, journal.ErrNotFound, number)
	}
}

func listSelects(t *testing.T, j Journal) {
	s := open(t, j)
	const zhangsan, zhaoliu = "T0123/U0456", "T0123/u0456" // ids that differ in case only
	for i, e := range []struct {
		person, name string
		command      string
		room         int64
		target       string
		write        bool
		moderator    string // empty: refused
	}{
		{zhangsan, "Zhang San", "mute", 123, "lisi", true, "On-call"},
		{zhangsan, "Zhang San", "unmute", 123, "lisi", true, "On-call"},
		{zhangsan, "Zhang San", "muteroom", 456, "", true, "On-call"},
		{zhaoliu, "Łukasz 六", "mute", 456, "lisi", true, ""},
		{zhaoliu, "Łukasz 六", "mute", 1600849147, "LISI", true, "Élodie"},
		{zhangsan, "Zhang San", "who", 123, "lisi", false, "On-call"},
		{"80351110224678912", "", "help", 0, "", false, ""},
	} {
		entry := begin(t, s, journal.Entry{
			Key: fmt.Sprintf("slack:%d", i+1), At: noon.Add(time.Duration(i) * time.Minute),
			Person: e.person, Name: e.name, Command: e.command, Room: e.room, Target: e.target, Write: e.write,
		})
		r := journal.Result{Outcome: journal.Done, Moderator: e.moderator}
		if e.moderator == "" {
			r.Outcome = journal.Refused
		} else {
			r.Until = noon.Add(time.Duration(i) * time.Hour)
		}
		finish(t, s, entry, r)
	}
	begin(t, s, journal.Entry{Key: "slack:8", At: noon.Add(7 * time.Minute), Person: "console", Command: "mute", Room: 123, Target: "wangwu", Write: true})
	number := func(key int) int64 { return list(t, s, journal.Query{})[8-key].Number }
	eighth := number(8)

	for _, c := range []struct {
		name string
		q    journal.Query
		want string // keys, newest first
	}{
		{"everything", journal.Query{}, "8 7 6 5 4 3 2 1"},
		{"a room", journal.Query{Room: 123}, "8 6 2 1"},
		{"a room above 2^31 or so", journal.Query{Room: 1600849147}, "5"},
		{"a room without entries", journal.Query{Room: 7}, ""},
		{"any of some rooms", journal.Query{Rooms: []int64{1600849147, 123}}, "8 6 5 2 1"},
		{"any of one room", journal.Query{Rooms: []int64{456}}, "4 3"},
		{"any of no rooms", journal.Query{Rooms: []int64{}}, ""},
		{"no room", journal.Query{Rooms: []int64{0}}, "7"},
		{"a room and others", journal.Query{Room: 123, Rooms: []int64{456}}, ""},
		{"a target", journal.Query{Target: "lisi"}, "6 4 2 1"},
		{"a target in its own case", journal.Query{Target: "LISI"}, "5"},
		{"writes on a target", journal.Query{On: &journal.Target{Room: 123, Account: "lisi"}}, "2 1"},
		{"writes on a room itself", journal.Query{On: &journal.Target{Room: 456}}, "3"},
		{"writes on nothing", journal.Query{On: &journal.Target{}}, ""},
		{"writes on a target, and a target", journal.Query{On: &journal.Target{Room: 123, Account: "lisi"}, Target: "wangwu"}, ""},
		{"a person's id", journal.Query{By: zhangsan}, "6 3 2 1"},
		{"a person's id in another case is another's", journal.Query{By: zhaoliu}, "5 4"},
		{"a person's name", journal.Query{By: "zhang san"}, "6 3 2 1"},
		{"a person's name beyond ASCII", journal.Query{By: "łUKASZ 六"}, "5 4"},
		{"a moderator's name", journal.Query{By: "ON-CALL"}, "6 3 2 1"},
		{"a moderator's name beyond ASCII", journal.Query{By: "éLODIE"}, "5"},
		{"a part of a name", journal.Query{By: "Zhang"}, ""},
		{"a name with a wildcard", journal.Query{By: "Zhang%"}, ""},
		{"a command", journal.Query{Commands: []string{"mute"}}, "8 5 4 1"},
		{"some commands", journal.Query{Commands: []string{"unmute", "muteroom", "kick"}}, "3 2"},
		{"no command", journal.Query{Commands: []string{}}, "8 7 6 5 4 3 2 1"},
		{"an outcome", journal.Query{Outcomes: []journal.Outcome{journal.Refused}}, "7 4"},
		{"running", journal.Query{Outcomes: []journal.Outcome{journal.Running}}, "8"},
		{"some outcomes, a room", journal.Query{Outcomes: []journal.Outcome{journal.Done, journal.Refused}, Room: 456}, "4 3"},
		{"since a moment, that included", journal.Query{Since: noon.Add(4 * time.Minute)}, "8 7 6 5"},
		{"since a moment later", journal.Query{Since: noon.Add(4*time.Minute + time.Microsecond)}, "8 7 6"},
		{"since a moment in another zone", journal.Query{Since: noon.Add(4 * time.Minute).In(time.FixedZone("CST", 8*60*60))}, "8 7 6 5"},
		{"lasting after a moment, those that end then not included", journal.Query{Lasting: noon.Add(2 * time.Hour)}, "6 5"},
		{"lasting after a moment a little earlier", journal.Query{Lasting: noon.Add(2*time.Hour - time.Microsecond)}, "6 5 3"},
		{"lasting for ever", journal.Query{Lasting: noon.Add(1000 * time.Hour)}, ""},
		{"before a number", journal.Query{Before: eighth}, "7 6 5 4 3 2 1"},
		{"after a number", journal.Query{After: number(6)}, "8 7"},
		{"between numbers", journal.Query{After: number(2), Before: number(5)}, "4 3"},
		{"at most some", journal.Query{Limit: 2}, "8 7"},
		{"at most some after a number: the newest of them", journal.Query{After: number(1), Limit: 2}, "8 7"},
		{"the next page", journal.Query{Limit: 2, Before: number(7)}, "6 5"},
		{"all at once", journal.Query{Room: 123, Rooms: []int64{123}, Target: "lisi", On: &journal.Target{Room: 123, Account: "lisi"}, By: "on-call",
			Commands: []string{"mute", "unmute"}, Outcomes: []journal.Outcome{journal.Done}, Since: noon, After: number(1) - 1, Before: eighth, Limit: 1}, "2"},
		{"no SQL", journal.Query{Target: "' OR '1'='1"}, ""},
		{"no SQL either", journal.Query{By: "') OR ('1'='1", Text: "'", Commands: []string{"')--"}}, ""},
	} {
		assert.Equal(t, c.want, keys(list(t, s, c.q)), c.name)
	}
}

// keys are the entries' keys without "slack:".
func keys(entries []journal.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, strings.TrimPrefix(e.Key, "slack:"))
	}
	return strings.Join(all, " ")
}

func listText(t *testing.T, j Journal) {
	s := open(t, j)
	for i, e := range []struct{ line, reason, text string }{
		{"mute 123 lisi 5m", "Spam", "Lisi is muted."},
		{"禁言 123 李四 5分钟", "刷屏", "李四已被禁言。"},
		{"mute 123 a_b 5m", "100% sure", `C:\temp`},
		{"mute 123 axb 5m", "1000 sure", "it's \"quoted\""},
		{"kick 123 élodie", "ÉCLAIR 🙂", "K as in Kelvin: \u212a"},
	} {
		entry := begin(t, s, journal.Entry{Key: fmt.Sprintf("slack:%d", i+1), At: noon, Line: e.line, Reason: e.reason,
			Person: "person", Name: "name", Target: "target", Effect: "effect", Command: "command"})
		finish(t, s, entry, journal.Result{Outcome: journal.Done, Text: e.text, Answer: []byte("answer"), Moderator: "moderator"})
	}
	for _, c := range []struct{ text, want string }{
		{"mute 123", "4 3 1"},
		{"MUTE 123", "4 3 1"},
		{"spam", "1"},
		{"LISI IS", "1"},
		{"禁言", "2"},
		{"李四", "2"},
		{"刷", "2"},
		{"a_b", "3"},
		{"A_B", "3"},
		{"%", "3"},
		{"100%", "3"},
		{"_", "3"},
		{`\`, "3"},
		{`:\t`, "3"},
		{"'", "4"},
		{`"quoted"`, "4"},
		{"🙂", "5"},
		{"élodie", "5"},
		{"Élodie", ""}, // not ASCII
		{"Éclair", "5"},
		{"éclair", ""},
		{"kelvin: \u212a", "5"},
		{"kelvin: k", ""},
		{" ", "5 4 3 2 1"},
		{"*", ""},
		{".", "1"},
		{"lisi 5mSpam", ""}, // not across fields
		{"person", ""},
		{"target", ""},
		{"effect", ""},
		{"answer", ""},
		{"moderator", ""},
		{strings.Repeat("x", 5000), ""},
	} {
		assert.Equal(t, c.want, keys(list(t, s, journal.Query{Text: c.text})), "%q", c.text)
	}
	assert.Equal(t, "4", keys(list(t, s, journal.Query{Text: "mute 123", Limit: 1})))
}

func listDefault(t *testing.T, j Journal) {
	s := open(t, j)
	entries := beginSome(t, s, 101)
	listed := list(t, s, journal.Query{})
	require.Len(t, listed, 100)
	same(t, public(entries[100]), listed[0])
	same(t, public(entries[1]), listed[99])
	assert.Len(t, list(t, s, journal.Query{Limit: 1000}), 101)
}

func listPages(t *testing.T, j Journal) {
	s := open(t, j)
	beginSome(t, s, 23)
	whole := list(t, s, journal.Query{})
	for _, limit := range []int{1, 5, 23, 24} {
		var all []journal.Entry
		q := journal.Query{Limit: limit, Target: "lisi"}
		for page := list(t, s, q); len(page) > 0; page = list(t, s, q) {
			assert.LessOrEqual(t, len(page), limit)
			all = append(all, page...)
			q.Before = page[len(page)-1].Number
		}
		assert.Equal(t, whole, all)
	}
}

func listWhileWriting(t *testing.T, j Journal) {
	stores := []journal.Store{open(t, j), open(t, j)}
	var wg sync.WaitGroup
	for caller := range 4 {
		wg.Go(func() {
			for i := range 20 {
				b, err := stores[caller%2].Begin(t.Context(), request(fmt.Sprintf("slack:%d/%d", caller, i)))
				assert.NoError(t, err)
				for _, s := range stores {
					entries, err := s.List(t.Context(), journal.Query{Before: b.Number + 1, Limit: 1})
					assert.NoError(t, err)
					if assert.Len(t, entries, 1) {
						same(t, public(b.Entry), entries[0])
					}
				}
			}
		})
	}
	wg.Wait()
}

func secretsInNoList(t *testing.T, j Journal) {
	dead, s := open(t, j), open(t, j)
	running := begin(t, dead, request("slack:1"))
	pending := finish(t, dead, begin(t, dead, request("slack:2")), result())
	require.NoError(t, dead.Close())
	taken := take(t, s, running, pending) // with its secrets
	for _, e := range taken {
		assert.NotEmpty(t, e.Resume)
		assert.NotEmpty(t, e.ReplyTo)
		shown, err := s.Get(t.Context(), e.Number)
		require.NoError(t, err)
		same(t, public(e), shown)
	}
	listed(t, s, taken[1], taken[0])
	b, err := s.Begin(t.Context(), request("slack:3"))
	require.NoError(t, err)
	require.NotNil(t, b.Before)
	same(t, public(taken[1]), *b.Before)
}
