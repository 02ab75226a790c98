package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/journal/sqlstore"
)

// sample is an entry with something in every field.
func sample() journal.Entry {
	at := time.Date(2026, 11, 24, 10, 0, 0, 123456000, time.FixedZone("", 8*3600))
	return journal.Entry{
		Number: 41, Key: "slack:trigger-1", RequestID: "11111111-2222-4333-8444-555555555555", At: at, Platform: "slack", Space: "T0123", Channel: "C0789",
		Person: "T0123/U0456", Name: "zhangsan", Line: "mute 123 lisi 5m", Effect: "mute room=123 target=lisi duration=5m", Command: "mute", Room: 123, Target: "lisi",
		Reason: `spam, "again"`, Write: true, Resume: []byte("resume-secret"), ReplyTo: "reply-secret", ReplyBy: at.Add(time.Minute), Outcome: journal.Done,
		Moderator: "Zhang San", Code: 200, Answer: []byte("answer-bytes"), Text: "lisi is muted.\nReason: spam", Until: at.Add(5 * time.Minute), Duration: 51 * time.Millisecond,
		Delivery: journal.Delivered, Deliveries: 2, Owner: "replica-1", Attempts: 1, Seal: 812,
	}
}

// all are entries that no store has to hold.
func all(entries ...journal.Entry) iter.Seq2[journal.Entry, error] {
	return func(yield func(journal.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestPrintEntries(t *testing.T) {
	defer func(zone *time.Location) { time.Local = zone }(time.Local)
	time.Local = time.UTC
	unsealed := sample()
	unsealed.Number, unsealed.Name, unsealed.Code, unsealed.Seal, unsealed.Delivery = 40, "", 0, 0, journal.Undelivered
	running := sample()
	running.Number, running.Outcome, running.Code, running.Seal, running.Delivery = 39, journal.Running, 0, 0, journal.Pending
	hostile := sample()
	hostile.Number, hostile.Name, hostile.Line = 38, "li\x1b[2Jsi", "mute\u202e\u009b31m\n#37 forged"
	own := journal.Entry{Number: 1, At: sample().At, Platform: "bot", Line: "prune before=2025-10-20", Command: "prune", Text: "Entries begun before 2025-10-20 were pruned: 4, up to seal 4.",
		Outcome: journal.Done, Delivery: journal.Delivered, Seal: 7}
	var out bytes.Buffer
	require.NoError(t, printEntries(&out, all(sample(), unsealed, running, hostile)))
	assert.Equal(t, `#41  2026-11-24 02:00:00  slack zhangsan (T0123/U0456)  mute 123 lisi 5m  → done (200), answer delivered, seal 812
#40  2026-11-24 02:00:00  slack T0123/U0456 (T0123/U0456)  mute 123 lisi 5m  → done, answer undelivered
#39  2026-11-24 02:00:00  slack zhangsan (T0123/U0456)  mute 123 lisi 5m  → running
#38  2026-11-24 02:00:00  slack li[2Jsi (T0123/U0456)  mute31m #37 forged  → done (200), answer delivered, seal 812
Older ones: --before 38
`, out.String())
	out.Reset()
	require.NoError(t, printEntries(&out, all(own)))
	assert.Equal(t, "#1  2026-11-24 02:00:00  bot  Entries begun before 2025-10-20 were pruned: 4, up to seal 4.  → done, answer delivered, seal 7\n", out.String())
	out.Reset()
	require.NoError(t, printEntries(&out, all()))
	assert.Equal(t, "There are no such entries.\n", out.String())
}

func TestPrintJSON(t *testing.T) {
	hostile := sample()
	hostile.Line = "a\u009b31m\u202e\U000e0001\x1b\n世🙂"
	var out bytes.Buffer
	require.NoError(t, printJSON(&out, all(sample(), hostile)))
	var read []map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &read), "%s", &out)
	require.Len(t, read, 2)
	assert.Equal(t, map[string]any{
		"number": 41.0, "key": "slack:trigger-1", "request_id": "11111111-2222-4333-8444-555555555555", "at": "2026-11-24T02:00:00.123456Z", "platform": "slack", "space": "T0123",
		"channel": "C0789", "person": "T0123/U0456", "name": "zhangsan", "moderator": "Zhang San", "line": "mute 123 lisi 5m", "effect": "mute room=123 target=lisi duration=5m",
		"command": "mute", "room": 123.0, "target": "lisi", "reason": `spam, "again"`, "outcome": "done", "code": 200.0, "answer": "lisi is muted.\nReason: spam",
		"until": "2026-11-24T02:05:00.123456Z", "duration_ms": 51.0, "delivery": "delivered", "deliveries": 2.0, "attempts": 1.0, "seal": 812.0,
	}, read[0])
	assert.Equal(t, hostile.Line, read[1]["line"], "escaping loses nothing")
	assert.NotRegexp(t, "[\u0080-\u009f\u202e\x1b]", out.String())
	out.Reset()
	require.NoError(t, printJSON(&out, all()))
	assert.Equal(t, "[\n]\n", out.String())
}

func TestPrintCSV(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printCSV(&out, all(sample(), journal.Entry{Number: 1, At: sample().At, Outcome: journal.Running, Delivery: journal.Pending})))
	assert.Equal(t, "number,at,platform,space,channel,person,name,moderator,line,command,room,target,reason,outcome,code,answer,until,duration_ms,delivery,deliveries,attempts,seal,key,request_id\r\n"+
		`41,2026-11-24T02:00:00.123456Z,"slack","T0123","C0789","T0123/U0456","zhangsan","Zhang San","mute 123 lisi 5m","mute",123,"lisi","spam, ""again""","done",200,"lisi is muted.`+"\n"+
		`Reason: spam",2026-11-24T02:05:00.123456Z,51,"delivered",2,1,812,"slack:trigger-1","11111111-2222-4333-8444-555555555555"`+"\r\n"+
		`1,2026-11-24T02:00:00.123456Z,"","","","","","","","",0,"","","running",0,"",,0,"pending",0,0,0,"",""`+"\r\n", out.String())
	for _, secret := range []string{"resume-secret", "reply-secret"} {
		assert.NotContains(t, out.String(), secret)
	}
	out.Reset()
	require.NoError(t, printCSV(&out, all()))
	assert.Equal(t, 1, strings.Count(out.String(), "\r\n"), "the header alone")
}

func TestHarmless(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"", ""},
		{"mute 123 lisi 5m", "mute 123 lisi 5m"},
		{"/mute reason=a-b+c", "/mute reason=a-b+c"},
		{"=1+1", "'=1+1"},
		{"+86 10", "'+86 10"},
		{"-5", "'-5"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"＝1", "'＝1"},
		{"＋1", "'＋1"},
		{"－1", "'－1"},
		{"＠x", "'＠x"},
		{"  =1", "'  =1"},
		{"\u00a0\u3000=1", "'\u00a0\u3000=1"},
		{`"=1`, `'"=1`},
		{"'=1", "''=1"},
		{"“ ‘=1", "'“ ‘=1"},
		{"\u200b=1", "'=1"},
		{"\x00=1", "'=1"},
		{"\t1", "' 1"},
		{"\r1", "'\n1"},
		{"\t=1", "' =1"},
		{"a\r\nb\rc\td", "a\nb\nc d"},
		{"a;=1", "a;'=1"},
		{"a; \"@b;c", "a;' \"@b;c"},
		{"a\n-b", "a\n'-b"},
		{"\n=1", "'\n'=1"},
		{"\"\n=1", "'\"\n'=1"},
		{"\x1b[2J世🙂\u202e", "[2J世🙂"},
	} {
		assert.Equal(t, row.want, harmless(row.in), "%q", row.in)
	}
}

// Whatever strangers have typed, a spreadsheet runs none of it, whether it takes commas or semicolons, and every record has all columns.
func FuzzPrintCSV(f *testing.F) {
	for _, s := range []string{"=1", "a;=1", "\t@", "\"\n=1", "\ufeff=1", "a,\"-1", "\xff=\r\n+", "；＝1"} {
		f.Add(s)
	}
	starts := regexp.MustCompile("^[\\s\\p{Z}\\p{C}\"'`]*[=+\\-@＝＋－＠]|^[\t\r]")
	f.Fuzz(func(t *testing.T, s string) {
		e := sample()
		e.Name, e.Line, e.Reason, e.Text = s, s, s, s
		var out bytes.Buffer
		require.NoError(t, printCSV(&out, all(e)))
		records, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll()
		require.NoError(t, err, "%q", &out)
		require.Len(t, records, 2)
		for _, cell := range records[1] {
			assert.False(t, starts.MatchString(cell) && !strings.HasPrefix(cell, "'"), "%q", cell)
		}
		for _, line := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == ';' || r == '\n' }) {
			assert.False(t, starts.MatchString(line) && !strings.HasPrefix(line, "'"), "%q", line)
		}
	})
}

// Entries are read page by page, and no more of them than asked for.
func TestEntriesPages(t *testing.T) {
	store := (&journal.Memory{}).Open()
	for i := range 2*historyPage + 10 {
		_, err := store.Begin(t.Context(), journal.Entry{Key: fmt.Sprint(i), Platform: "slack", Command: "mute"})
		require.NoError(t, err)
	}
	for _, limit := range []int{1, historyPage, historyPage + 1, 2*historyPage + 10, 1_000_000} {
		var numbers []int64
		for e, err := range entries(t.Context(), store, journal.Query{Limit: limit, Before: 2*historyPage + 10}) {
			require.NoError(t, err)
			numbers = append(numbers, e.Number)
		}
		require.Len(t, numbers, min(limit, 2*historyPage+9))
		for i, n := range numbers {
			require.EqualValues(t, 2*historyPage+9-i, n)
		}
	}
	store.Fail = func(context.Context, string) error { return errors.New("gone") }
	for _, err := range entries(t.Context(), store, journal.Query{Limit: 1}) {
		assert.ErrorContains(t, err, "gone")
	}
}

func TestHistoryFlags(t *testing.T) {
	for _, row := range []struct{ args, want string }{
		{"--outcome dun", `"dun" is not one of running done nochange refused failed unknown`},
		{"--before 0", "--before is the number"},
		{"--limit 0", "--limit is 1 or more"},
		{"--since soon", "soon"},
		{"--json --csv", "choose one of --json and --csv"},
		{"--head 1:" + strings.Repeat("0", 64), "--head goes with --verify"},
		{"--verify --head 812:5f3c", `"812:5f3c" for flag -head: a link is written as`},
		{"--verify --room 123", "--room does not go with it"},
		{"--verify --csv", "--csv does not go with it"},
		{"--verify 812", `"812" is one word too many`},
	} {
		err := showHistory(t.Context(), strings.Fields(row.args), world{})
		require.Error(t, err, row.args)
		assert.True(t, isUsage(err), row.args)
		assert.ErrorContains(t, err, row.want, row.args)
	}
	read, err := readOutcomes("Done, unknown,")
	assert.NoError(t, err)
	assert.Equal(t, []journal.Outcome{journal.Done, journal.Unknown}, read)
}

// The whole subcommand on a journal in a file, beside the process that has it open.
func TestHistoryOfAFile(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "journal.db")
	store, err := sqlstore.Open(t.Context(), address)
	require.NoError(t, err)
	defer store.Close()
	for i, outcome := range []journal.Outcome{journal.Done, journal.Refused, journal.Done} {
		e := sample()
		e.Key = fmt.Sprintf("slack:trigger-%d", i)
		begun, err := store.Begin(t.Context(), e)
		require.NoError(t, err)
		require.NoError(t, store.Finish(t.Context(), begun.Hand(), journal.Result{Outcome: outcome, Text: "an answer", Answer: []byte("an answer")}))
		if i < 2 {
			require.NoError(t, store.Answered(t.Context(), begun.Hand(), journal.Delivered))
		}
	}
	require.NoError(t, (&note{Command: "reload", Line: "reload", Outcome: journal.Failed, Text: "A new policy file is not in force: line 2"}).write(t.Context(), store))
	sealed, err := store.Seal(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, sealed)

	history := func(args string) (int, string) {
		var out bytes.Buffer
		status := run(t.Context(), append([]string{"history"}, strings.Fields(args)...), world{Environ: []string{"DATABASE_URL=" + address}, Out: &out, Err: &out})
		return status, out.String()
	}
	for _, row := range []struct {
		args string
		want []string // the numbers, newest first
	}{
		{"", []string{"4", "3", "2", "1"}},
		{"--outcome done", []string{"3", "1"}},
		{"--outcome refused,failed", []string{"4", "2"}},
		{"--command reload", []string{"4"}},
		{"--text policy", []string{"4"}},
		{"--before 3", []string{"2", "1"}},
		{"--limit 1 --room 123", []string{"3"}},
	} {
		status, text := history(row.args + " --csv")
		require.Equal(t, exitOK, status, text)
		records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		var numbers []string
		for _, record := range records[1:] {
			numbers = append(numbers, record[0])
		}
		assert.Equal(t, row.want, numbers, row.args)
		for _, form := range []string{"", "--json", "--csv"} {
			_, text := history(row.args + " " + form)
			assert.NotContains(t, text, "-secret", "%s %s", row.args, form)
		}
	}

	status, text := history("--verify")
	require.Equal(t, exitOK, status, text)
	assert.Contains(t, text, "Links looked at: 3.")
	head := regexp.MustCompile(`(?m)^head (\S+)$`).FindStringSubmatch(text)[1]
	status, text = history("--verify --head " + head)
	assert.Equal(t, exitOK, status, text)
	status, text = history("--verify --head 3:" + strings.Repeat("0", 64))
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, text, "the chain is broken at seal 3: its hash is not the one that was noted")
	status, text = history("--verify --head 9" + head)
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, text, "the chain ends before the link 93 that was noted")
}
