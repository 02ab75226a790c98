package commands

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
	"roomwarden/permissions"
)

var update = flag.Bool("update", false, "write what the bot says into testdata and docs")

// TestTranscripts plays the conversations of testdata: real grammar, policy file, journal and NetEase client, against the
// sandbox, on a clock that starts on 3 November 2026 at 14:00 UTC. Lines of the kinds below are played, all
// others are what must follow:
//
//	# a remark
//	zhangsan: /mute 123 lisi 5m     somebody types; the cast is in testdata/cast.yaml
//	again                           the last line is delivered a second time
//	clock: 10m                      time passes
//	language: zh-CN                 what the next speakers read
//	default: zh-CN                  what channels read
//	outside: mute 123 lisi 5m       somebody calls NetEase without the bot
//	fault: temporaryMute …          what NetEase does wrong next; the words are in the table below
//	online: 123 lisi                people enter a room
//	offline: 123 lisi               people leave it
//
// What must follow: each call NetEase met with what it answered, the reply ("to all" when everyone in the channel may read
// it) with its fields and [choices], and the entry the journal has for it. What comes while the clock runs on, and
// in the half hour after the last line, follows there: calls, each once with how often it was made, and answers given late ("bot later").
//
// go test ./commands -run Transcripts -update writes what follows now; read the difference before you keep it.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(t, string(want)) })
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			compareLines(t, file, string(want), got)
		})
	}
}

// compareLines reports the first line in which two texts differ.
func compareLines(t *testing.T, file, want, got string) {
	t.Helper()
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wants), len(gots)) {
		w, g := "(end)", "(end)"
		if i < len(wants) {
			w = wants[i]
		}
		if i < len(gots) {
			g = gots[i]
		}
		if w != g {
			t.Fatalf("%s:%d\nwant %s\ngot  %s", file, i+1, w, g)
		}
	}
}

// faults are the words for what NetEase does wrong.
var faults = map[string]sandbox.Fault{
	"hangs up, having done it":                {Hangup: sandbox.AfterApplying},
	"hangs up, having done nothing":           {Hangup: sandbox.BeforeApplying},
	"is silent, having done it":               {Delay: time.Minute, Applied: true},
	"is silent, having done nothing":          {Delay: time.Minute, Status: 200, Body: "{}"},
	"is silent for good, having done it":      {Delay: time.Minute, Applied: true, Times: 3},
	"is silent for good, having done nothing": {Delay: time.Minute, Status: 200, Body: "{}", Times: 3},
	"answers with a page of a gateway":        {Status: 502},
	"answers with garbage":                    {Body: "<html>it works</html>"},
}

// A stage is one play: a sandbox with its people, and the bot in front of it.
type stage struct {
	nim        *sandbox.Sandbox
	dispatcher *Dispatcher
	memory     *journal.Memory
	journal    *journal.Process
	language   string
	last       Request
	calls      int
	mu         sync.Mutex
	late       []Late // answers given late that are not in out yet
	out        strings.Builder
}

func newStage(t testing.TB) *stage {
	cast, err := os.ReadFile("testdata/cast.yaml")
	require.NoError(t, err)
	policy, err := permissions.Parse(cast, Vocabulary())
	require.NoError(t, err)
	memory := &journal.Memory{}
	store := memory.Open()
	s := &stage{memory: memory, journal: store, dispatcher: &Dispatcher{
		Policy: func() *permissions.Policy { return policy }, Journal: store, Operator: "guanli", Log: slog.New(slog.DiscardHandler),
	}}
	s.dispatcher.Deliver = map[permissions.Platform]Deliver{permissions.Console: func(_ context.Context, l Late) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.late = append(s.late, l)
		return nil
	}}
	s.fill(sandbox.New("app-key", "example-secret", nil))
	return s
}

// fill puts the rooms and people of the transcripts into a sandbox, and the bot in front of it.
func (s *stage) fill(nim *sandbox.Sandbox) {
	for _, id := range []netease.RoomID{123, 456, 1600849147} {
		nim.AddRoom(sandbox.Room{ID: id, Name: fmt.Sprintf("Room %d", id), Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: []netease.AccID{"lisi", "wangwu"}})
	}
	nim.AddRoom(sandbox.Room{ID: 777, Name: "Old room", Creator: "zhangsan", NoTimedClose: true})
	nim.AddRoom(sandbox.Room{ID: 888, Name: "Closed room", Creator: "zhangsan", Closed: true})
	nim.AddAccounts("zhaoliu")
	s.nim, s.dispatcher.NetEase = nim, client(nim)
}

// client is the bot's own client, with the sandbox in the place of the network.
func client(nim *sandbox.Sandbox) *netease.Client {
	return &netease.Client{AppKey: "app-key", AppSecret: "example-secret", HTTP: &http.Client{Transport: nim},
		Bases: []string{"https://main.example/nimserver", "https://backup.example/nimserver"}}
}

func play(t *testing.T, script string) string {
	time.Sleep(time.Until(time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)))
	s := newStage(t)
	lines := bufio.NewScanner(strings.NewReader(script))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		verb, rest, _ := strings.Cut(line, ": ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "again":
			s.out.WriteString(line + "\n")
			s.speak(t, s.last)
			continue
		case verb == "language":
			s.language = rest
		case verb == "default":
			s.dispatcher.Language = Language(rest)
		case verb == "outside":
			s.send(t, rest, netease.NewRequestID())
			s.calls = len(s.nim.Calls())
		case verb == "clock":
			d, err := time.ParseDuration(rest)
			require.NoError(t, err, "line %d", n)
			s.out.WriteString(line + "\n")
			s.pass(d)
			continue
		case verb == "fault":
			op, words, _ := strings.Cut(rest, " ")
			s.nim.Inject(netease.Op(op), faultOf(t, words))
		case verb == "online", verb == "offline":
			s.crowd(t, verb, strings.Fields(rest))
		case !strings.Contains(line, ": "), verb == "netease", strings.HasPrefix(verb, "bot"), verb == "journal", strings.HasPrefix(line, " "):
			continue // what must follow
		default:
			s.out.WriteString(line + "\n")
			s.last = Request{Key: fmt.Sprintf("test:%d", n), Who: person(verb), Where: "C1", Line: rest, Locale: s.language}
			s.speak(t, s.last)
			continue
		}
		s.out.WriteString(line + "\n")
	}
	s.pass(30 * time.Minute)
	require.NoError(t, s.dispatcher.Stop(t.Context()))
	require.NoError(t, s.journal.Close())
	return s.out.String()
}

// person is somebody of the cast by name.
func person(name string) permissions.Subject {
	return permissions.Subject{Platform: permissions.Console, User: name, Name: name}
}

func faultOf(t *testing.T, words string) sandbox.Fault {
	if f, ok := faults[words]; ok {
		return f
	}
	var f sandbox.Fault
	_, err := fmt.Sscanf(words, "answers %d %q", &f.Code, &f.Desc)
	require.NoError(t, err, "fault: %s", words)
	return f
}

func (s *stage) crowd(t *testing.T, verb string, words []string) {
	var room netease.RoomID
	_, err := fmt.Sscan(words[0], &room)
	require.NoError(t, err)
	for _, who := range words[1:] {
		if verb == "online" {
			require.NoError(t, s.nim.Enter(room, netease.AccID(who)))
		} else {
			s.nim.Leave(room, netease.AccID(who))
		}
	}
}

// speak plays one line and writes what followed.
func (s *stage) speak(t *testing.T, req Request) {
	time.Sleep(time.Until(time.Now().Add(time.Second - 1).Truncate(time.Second))) // pauses have jitter; lines begin on the second
	req.At = time.Now()
	reply := s.dispatcher.Handle(context.Background(), req)
	for _, c := range s.newCalls() {
		s.out.WriteString(c + "\n")
	}
	s.writeReply("bot", reply)
	if reply.Number == 0 {
		return
	}
	if !reply.Repeat {
		s.dispatcher.Answered(reply.Number, true)
		synctest.Wait()
	}
	entries, err := s.journal.List(t.Context(), journal.Query{Before: reply.Number + 1, Limit: 1})
	require.NoError(t, err)
	e := entries[0]
	require.Equal(t, reply.Number, e.Number)
	fmt.Fprintf(&s.out, "journal: #%d %s", e.Number, e.Outcome)
	if e.Code != 0 {
		fmt.Fprintf(&s.out, " %d", e.Code)
	}
	if e.Moderator != "" {
		fmt.Fprintf(&s.out, ", by %s", e.Moderator)
	}
	if e.Deliveries > 1 {
		fmt.Fprintf(&s.out, ", delivered %d times", e.Deliveries)
	}
	s.out.WriteString("\n")
}

// pass lets time pass and writes what came meanwhile.
func (s *stage) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	times := map[string]int{} // looks at several targets may fall on the same moment, in any order
	for _, c := range s.newCalls() {
		times[c]++
	}
	for _, c := range slices.Sorted(maps.Keys(times)) {
		s.out.WriteString(c)
		if times[c] > 1 {
			fmt.Fprintf(&s.out, " (%d times)", times[c])
		}
		s.out.WriteString("\n")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.late, func(a, b Late) int { return cmp.Compare(a.Reply.Number, b.Reply.Number) })
	for _, l := range s.late {
		s.writeReply("bot later", l.Reply)
	}
	s.late = nil
}

// newCalls are the calls that NetEase has met since the last time.
func (s *stage) newCalls() (lines []string) {
	calls := s.nim.Calls()
	for _, c := range calls[s.calls:] {
		answer := fmt.Sprint(c.Code)
		if c.Code == 0 {
			answer = "no answer"
		}
		lines = append(lines, fmt.Sprintf("netease: %s %s → %s", c.Op, formOf(c), answer))
	}
	s.calls = len(calls)
	return lines
}

func (s *stage) writeReply(to string, reply Reply) {
	if reply.Public {
		to += " to all"
	}
	fmt.Fprintf(&s.out, "%s: %s: %s", to, reply.Tone, strings.ReplaceAll(reply.Text.String(), "\n", "\n    "))
	if reply.Number > 0 {
		fmt.Fprintf(&s.out, " (#%d)", reply.Number)
	}
	s.out.WriteString("\n")
	for _, f := range reply.Fields {
		fmt.Fprintf(&s.out, "    %s: %s\n", f.Label, f.Value)
	}
	for _, c := range reply.Choices {
		fmt.Fprintf(&s.out, "    [%s: %s]\n", c.Label, c.Line)
	}
}

// formOf is a form as text, in the order of NetEase's pages.
func formOf(c sandbox.Call) string {
	order := []string{"roomid", "operator", "target", "muteDuration", "mute", "accids", "delayClosePolicy", "delaySeconds", "needOnlineUserCount", "needNotify", "notifyExt"}
	var names, fields []string
	for name := range c.Form {
		names = append(names, name)
	}
	place := func(name string) int {
		for i, n := range order {
			if n == name {
				return i
			}
		}
		return len(order)
	}
	sort.Slice(names, func(i, k int) bool { return place(names[i]) < place(names[k]) })
	for _, name := range names {
		fields = append(fields, name+"="+c.Form.Get(name))
	}
	return strings.Join(fields, " ")
}
