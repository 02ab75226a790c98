package commands

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
	"roomwarden/permissions"
)

// onStage runs a test with a stage of its own on a fake clock.
func onStage(t *testing.T, test func(t *testing.T, s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.journal.Close()
		defer func() { assert.NoError(t, s.dispatcher.Stop(t.Context())) }()
		test(t, s)
	})
}

func (s *stage) ask(key, who, line string) Reply {
	return s.dispatcher.Handle(context.Background(), Request{Key: key, Who: person(who), Where: "C1", Line: line, At: time.Now()})
}

// ops are the calls that NetEase has met, as words.
func (s *stage) ops() []string {
	ops := []string{}
	for _, c := range s.nim.Calls() {
		ops = append(ops, fmt.Sprintf("%s %s %s", c.Op, c.Form.Get("target"), c.Form.Get("muteDuration")))
	}
	return ops
}

// writes are those that were to change something.
func (s *stage) writes() []string {
	return slices.DeleteFunc(s.ops(), func(op string) bool {
		return strings.HasPrefix(op, string(netease.OpQueryMembers)) || strings.HasPrefix(op, string(netease.OpGet)+" ")
	})
}

func (s *stage) entries(t *testing.T) []journal.Entry {
	list, err := s.journal.List(t.Context(), journal.Query{Limit: 1000})
	require.NoError(t, err)
	return list
}

// TestDeliveredTwiceAtOnce: a delivery that comes again while the first one runs waits for its answer.
func TestDeliveredTwiceAtOnce(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: 3 * time.Second, Applied: true})
		replies := make([]Reply, 5)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = s.ask("slack:1", "zhangsan", "mute 123 lisi 5m") })
		}
		wg.Wait()
		firsts := 0
		for _, r := range replies {
			if !r.Repeat {
				firsts++
			}
			r.Repeat = replies[0].Repeat
			assert.Equal(t, replies[0], r)
		}
		assert.Equal(t, 1, firsts, "one of them is to be answered late, the others are repeats")
		assert.Equal(t, []string{"temporaryMute lisi 300"}, s.ops())
	})
}

// TestDeliveredAgainAfterACrash: an entry without an outcome is never run again by a redelivery.
func TestDeliveredAgainAfterACrash(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		begun, err := s.memory.Open().Begin(t.Context(), journal.Entry{Key: "slack:1", RequestID: netease.NewRequestID(), At: time.Now(), Platform: "console", Person: "zhangsan", Line: "mute 123 lisi 5m", Command: "mute", Room: 123, Target: "lisi"})
		require.NoError(t, err)
		require.True(t, begun.Fresh)
		reply := s.ask("slack:1", "zhangsan", "mute 123 lisi 5m")
		assert.Equal(t, Unknown, reply.Tone)
		assert.True(t, reply.Repeat, "who has it in hand answers it")
		assert.Contains(t, reply.Text.String(), "taken up before as #1")
		assert.Empty(t, s.ops())
	})
}

// A faultyJournal fails where it is told to.
type faultyJournal struct {
	journal.Store
	begin, finish, list error
	finishes            int // how many more times finish is met; 0: always
}

func (f *faultyJournal) Begin(ctx context.Context, e journal.Entry) (journal.Begun, error) {
	if f.begin != nil {
		return journal.Begun{}, f.begin
	}
	return f.Store.Begin(ctx, e)
}

func (f *faultyJournal) Finish(ctx context.Context, h journal.Hand, r journal.Result) error {
	if f.finish != nil {
		if f.finishes--; f.finishes == 0 {
			f.finish = nil
		}
		return cmp.Or(f.finish, errors.New("the last failure"))
	}
	return f.Store.Finish(ctx, h, r)
}

func (f *faultyJournal) List(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	if f.list != nil {
		return nil, f.list
	}
	return f.Store.List(ctx, q)
}

func TestJournalFails(t *testing.T) {
	full := errors.New("database or disk is full")
	t.Run("before: nothing is done", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Journal = &faultyJournal{Store: s.journal, begin: full}
			reply := s.ask("1", "zhangsan", "mute 123 lisi 5m")
			assert.Equal(t, Refused, reply.Tone)
			assert.Contains(t, reply.Text.String(), "I could not write this down, so I did not do it")
			assert.NotContains(t, reply.Text.String(), "disk")
			assert.Empty(t, s.ops())
		})
	})
	t.Run("after: it is done, and said so", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Journal = &faultyJournal{Store: s.journal, finish: full}
			reply := s.ask("1", "zhangsan", "delayclose 123 idle 1h")
			assert.Equal(t, Done, reply.Tone)
			assert.Contains(t, reply.Text.String(), "could not be written to the journal")
			assert.Equal(t, []string{"updateDelayClosePolicy  "}, s.ops())
		})
	})
	t.Run("after, for a while: the outcome is written when it can be", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Journal = &faultyJournal{Store: s.journal, finish: full, finishes: 4}
			assert.Equal(t, Done, s.ask("1", "zhangsan", "mute 123 lisi 5m").Tone)
			assert.Equal(t, journal.Running, s.entries(t)[0].Outcome)
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Equal(t, journal.Done, s.entries(t)[0].Outcome)
			again := s.ask("1", "zhangsan", "mute 123 lisi 5m")
			assert.Equal(t, Done, again.Tone, "a redelivery gets the answer that was given")
			assert.Len(t, s.ops(), 1)
		})
	})
	t.Run("until the stop: one last try", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Journal = &faultyJournal{Store: s.journal, finish: full, finishes: 2}
			s.ask("1", "zhangsan", "mute 123 lisi 5m")
			synctest.Wait() // the second try is made at once, the third a second later
			assert.Equal(t, journal.Running, s.entries(t)[0].Outcome)
			other := &Dispatcher{}
			s.dispatcher, other = other, s.dispatcher // stopped here, and not once more when the stage is
			require.NoError(t, other.Stop(t.Context()))
			assert.Equal(t, journal.Done, s.entries(t)[0].Outcome)
		})
	})
	t.Run("reading", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Journal = &faultyJournal{Store: s.journal, list: full}
			assert.Contains(t, s.ask("1", "zhangsan", "history").Text.String(), "cannot be read")
			room := s.ask("2", "zhangsan", "room 123")
			assert.Equal(t, Info, room.Tone)
			assert.Contains(t, room.Text.String(), "could not be found out")
		})
	})
	t.Run("what needs no journal goes on", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Journal = &faultyJournal{Store: s.journal, begin: full, finish: full, list: full}
			assert.Equal(t, Info, s.ask("1", "wangwu", "whoami").Tone)
			assert.Equal(t, Info, s.ask("2", "wangwu", "help").Tone)
			assert.Equal(t, Info, s.ask("3", "wangwu", "explain 403").Tone)
		})
	})
}

// panicking is a NetEase whose client panics.
type panicking struct{ Chatrooms }

func (panicking) TemporaryMute(context.Context, netease.TemporaryMute) error { panic("a nil map") }

func TestPanic(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		var log bytes.Buffer
		s.dispatcher.Log = slog.New(slog.NewTextHandler(&log, nil))
		s.dispatcher.NetEase = panicking{}
		reply := s.ask("1", "zhangsan", "mute 123 lisi 5m")
		synctest.Wait()
		assert.Equal(t, Unknown, reply.Tone, "who knows what was sent")
		assert.EqualValues(t, 1, reply.Number)
		assert.Equal(t, journal.Unknown, s.entries(t)[0].Outcome)
		assert.Contains(t, log.String(), "a nil map")
		assert.Contains(t, log.String(), "number=1")
		// The next one on the same target has its turn.
		s.dispatcher.NetEase = client(s.nim)
		assert.Equal(t, Done, s.ask("2", "zhangsan", "mute 123 lisi 5m").Tone)
	})
}

// TestOneAtATime: commands on one target run in the order of their numbers, each after the one before; others do not wait.
func TestOneAtATime(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: 3 * time.Second, Applied: true})
		begun := time.Now()
		var wg sync.WaitGroup
		for i, line := range []string{"mute 123 lisi 10s", "mute 123 lisi 20s", "unmute 123 lisi", "mute 123 lisi 30s"} {
			wg.Go(func() { assert.Equal(t, Done, s.ask(line, "zhangsan", line).Tone) })
			synctest.Wait() // it has its number now
			assert.EqualValues(t, i+1, s.entries(t)[0].Number)
		}
		assert.Equal(t, Done, s.ask("other", "zhangsan", "mute 123 wangwu 40s").Tone)
		assert.Zero(t, time.Since(begun), "another target does not wait")
		wg.Wait()
		assert.Equal(t, []string{"temporaryMute lisi 10", "temporaryMute wangwu 40", "temporaryMute lisi 20", "temporaryMute lisi 0", "temporaryMute lisi 30"}, s.writes())
		synctest.Wait()
		assert.Empty(t, s.dispatcher.running.all, "nothing is left behind")
	})
}

// TestTurnComesTooLate: what could not begin in time is not begun.
func TestTurnComesTooLate(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Delay: time.Minute, Applied: true, Times: 100})
		var wg sync.WaitGroup
		replies := make([]Reply, 3)
		for i := range replies {
			wg.Go(func() { replies[i] = s.ask(fmt.Sprint(i), "zhangsan", "muteroom 123 again=yes yes=yes") })
			synctest.Wait()
		}
		begun := time.Now()
		wg.Wait()
		assert.LessOrEqual(t, time.Since(begun), Budget+journalTimeout)
		assert.Equal(t, Done, replies[0].Tone, "%s", replies[0].Text)
		for _, r := range replies[1:] {
			assert.Contains(t, []Tone{Refused, Done, Unknown}, r.Tone)
			if r.Tone == Refused {
				assert.Contains(t, r.Text.String(), "still under way")
			}
		}
		assert.Equal(t, Refused, replies[2].Tone, "%s", replies[2].Text)
	})
}

// TestTimeToLook: however slow the call was, time is left to look what became of it.
func TestTimeToLook(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		slow := client(s.nim)
		slow.Timeout = 20 * time.Second
		s.dispatcher.NetEase = slow
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Delay: time.Minute, Applied: true, Times: 3})
		reply := s.ask("1", "zhangsan", "muteroom 123 yes=yes")
		assert.Equal(t, Done, reply.Tone, "%s", reply.Text)
		assert.Contains(t, reply.Text.String(), "I looked: Room 123 is muted.")
	})
}

// TestStrangersShareEntries: beyond ten refusals a minute a stranger's share one entry.
func TestStrangersShareEntries(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		for i := range 25 {
			reply := s.ask(fmt.Sprint("a", i), "wangwu", "mute 123 lisi 5m")
			assert.Equal(t, Refused, reply.Tone)
			assert.Contains(t, reply.Text.String(), "Your id is wangwu")
			assert.NotContains(t, reply.Text.String(), "could not be written")
		}
		list := s.entries(t)
		assert.Len(t, list, 11)
		assert.Equal(t, 15, list[0].Deliveries)
		assert.Equal(t, journal.Refused, list[0].Outcome)
		for i := range 12 {
			s.ask(fmt.Sprint("b", i), "zhaoliu", "room 123")
		}
		assert.Len(t, s.entries(t), 22, "each stranger has their own")
		for i := range 12 {
			s.ask(fmt.Sprint("c", i), "oncall", "muteroom 123")
		}
		assert.Len(t, s.entries(t), 34, "a moderator's refusals are all kept")
		time.Sleep(time.Minute)
		for i := range 10 {
			s.ask(fmt.Sprint("d", i), "wangwu", "mute 123 lisi 5m")
		}
		assert.Len(t, s.entries(t), 44, "a new minute")
		assert.Empty(t, s.ops())
	})
}

func TestNotifyExt(t *testing.T) {
	tests := []struct {
		ext  NotifyExt
		line string
		want string
	}{
		{"", `mute 123 lisi 5m reason="spam"`, ""},
		{NotifyOff, `mute 123 lisi 5m reason="spam"`, ""},
		{NotifyReason, `mute 123 lisi 5m reason="spam <b> & \"more\""`, `{"reason":"spam <b> & \"more\""}`},
		{NotifyReason, `mute 123 lisi 5m`, ""},
		{NotifyFull, `mute 123 lisi 5m reason=刷屏`, `{"reason":"刷屏","by":"Zhang San","via":"console"}`},
		{NotifyFull, `unmute 123 lisi`, `{"by":"Zhang San","via":"console"}`},
		{NotifyFull, `muteroom 123 yes=yes reason=x`, `{"reason":"x","by":"Zhang San","via":"console"}`},
	}
	for _, tt := range tests {
		t.Run(string(tt.ext)+" "+tt.line, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.dispatcher.NotifyExt = tt.ext
				require.Equal(t, Done, s.ask("1", "zhangsan", tt.line).Tone)
				assert.Equal(t, tt.want, s.nim.Calls()[0].Form.Get("notifyExt"))
			})
		})
	}
}

func TestNoOperator(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Operator = ""
		for i, line := range []string{"mute 123 lisi 5m", "unmute 123 lisi"} {
			reply := s.ask(fmt.Sprint(i), "oncall", line)
			assert.Equal(t, Refused, reply.Tone)
			assert.Contains(t, reply.Text.String(), "no NetEase account to act as")
		}
		assert.Empty(t, s.ops())
		assert.Equal(t, Done, s.ask("3", "zhangsan", "mute 123 lisi 5m").Tone)
	})
}

// TestRulesAtTheTime: the rules in force when the command comes decide; a redelivery gets its first answer all the same.
func TestRulesAtTheTime(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		allowed := s.dispatcher.Policy()
		denied, err := permissions.Parse([]byte("moderators:\n  - {name: Other, console: [other], commands: ['*'], rooms: ['*']}\n"), Vocabulary())
		require.NoError(t, err)
		policy := denied
		s.dispatcher.Policy = func() *permissions.Policy { return policy }
		assert.Equal(t, Refused, s.ask("1", "zhangsan", "mute 123 lisi 5m").Tone)
		policy = allowed
		assert.Equal(t, Refused, s.ask("1", "zhangsan", "mute 123 lisi 5m").Tone)
		assert.Equal(t, Done, s.ask("2", "zhangsan", "mute 123 lisi 5m").Tone)
		policy = denied
		assert.Equal(t, Done, s.ask("2", "zhangsan", "mute 123 lisi 5m").Tone)
		assert.Len(t, s.ops(), 1)
	})
}

// TestLog: every line of a command that is written down has its number, and none the secret or what was said in private.
func TestLog(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		var log bytes.Buffer
		s.dispatcher.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Code: 431})
		s.dispatcher.Handle(context.Background(), Request{Key: "slack:trigger-secret", Who: person("zhangsan"), Line: "mute 123 lisi 5m reason=private", ReplyTo: "https://hooks.slack.com/secret", At: time.Now()})
		s.ask("2", "zhangsan", "mute 123")
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		require.Len(t, lines, 4, "%s", log.String())
		assert.Contains(t, lines[0], "code 431")
		assert.Contains(t, lines[1], "level=ERROR", "an id used twice is an alarm")
		for _, line := range lines[:3] {
			assert.Contains(t, line, "number=1")
		}
		for _, secret := range []string{"trigger-secret", "hooks.slack.com", "example-secret", "private"} {
			assert.NotContains(t, log.String(), secret)
		}
	})
}

// TestUnsure: who may be let in by a group that could not be read is refused, and told why that may be wrong.
func TestUnsure(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		for i, who := range []string{"wangwu", "oncall"} {
			unsure := person(who)
			unsure.Unsure = true
			reply := s.dispatcher.Handle(context.Background(), Request{Key: fmt.Sprint(i), Who: unsure, Line: "muteroom 123", At: time.Now()})
			assert.Equal(t, Refused, reply.Tone)
			assert.Contains(t, reply.Text.String(), "could not all be read just now")
		}
		assert.NotContains(t, s.ask("3", "wangwu", "muteroom 123").Text.String(), "could not all be read")
		assert.Empty(t, s.ops())
	})
}

// TestObserve: every request is told once, whatever came of it, and no redelivery.
func TestObserve(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		var got []string
		s.dispatcher.Observe = func(o Observation) {
			got = append(got, fmt.Sprintf("%s %q %s", o.Platform, o.Command, o.Outcome))
		}
		for key, line := range []string{"mute 123 lisi 5m", "mute 123 lisi 5m", "mtue", "help", "mute 999 lisi 5m", "muteroom 456 yes=yes"} {
			s.ask(fmt.Sprint(max(key, 1)), "zhangsan", line) // the first two are one delivery
		}
		s.ask("9", "wangwu", "mute 123 lisi 5m")
		assert.Equal(t, []string{`console "mute" done`, `console "" refused`, `console "help" done`, `console "mute" failed`, `console "muteroom" done`, `console "mute" refused`}, got)
	})
}

// TestAllowed: the adapter is told whether a success will be public once the person is allowed, before NetEase is asked, and at no
// other time.
func TestAllowed(t *testing.T) {
	tests := []struct {
		who, line string
		want      []string
	}{
		{"zhangsan", "mute 123 lisi 5m", []string{"public true after 0 calls"}},
		{"zhangsan", "mute 999 lisi 5m", []string{"public true after 0 calls"}},
		{"zhangsan", "room 123", []string{"public false after 0 calls"}},
		{"zhangsan", "history", []string{"public false after 0 calls"}},
		{"oncall", "muteroom 123", nil},
		{"wangwu", "mute 123 lisi 5m", nil},
		{"zhangsan", "mute 123", nil},
		{"zhangsan", "help", nil},
	}
	for _, tt := range tests {
		t.Run(tt.who+" "+tt.line, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				var got []string
				for range 2 { // the second one is a redelivery
					s.dispatcher.Handle(context.Background(), Request{Key: "1", Who: person(tt.who), Line: tt.line, At: time.Now(), Allowed: func(public bool) {
						got = append(got, fmt.Sprintf("public %v after %d calls", public, len(s.nim.Calls())))
					}})
				}
				assert.Equal(t, tt.want, got)
			})
		})
	}
}

func TestReplyTo(t *testing.T) {
	to := ReplyTo("https://hooks.slack.com/secret")
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		assert.NotContains(t, fmt.Sprintf(verb, Request{ReplyTo: to}), "hooks", verb)
	}
	assert.Empty(t, ReplyTo("").String())
}

func TestLanguageOf(t *testing.T) {
	for _, tt := range []struct {
		locale    string
		otherwise Language
		want      Language
	}{
		{"zh-CN", English, Chinese}, {"zh-TW", English, Chinese}, {"ZH_hans", English, Chinese}, {"en-US", Chinese, English},
		{"de", Chinese, English}, {"", Chinese, Chinese}, {"", "", English},
	} {
		assert.Equal(t, tt.want, LanguageOf(tt.locale, tt.otherwise), tt.locale)
	}
}

func TestComplete(t *testing.T) {
	s := newStage(t)
	tests := []struct {
		who, line string
		want      []string
	}{
		{"zhangsan", "/mu", []string{"/mute", "/muteroom"}},
		{"zhangsan", "mu", []string{"mute", "muteroom"}},
		{"zhangsan", "/nim un", []string{"unmute", "unmuteroom", "undo"}},
		{"zhangsan", "/mute a", []string{"arena", "again=yes", "again=no", "again="}},
		{"oncall", "/mute a", []string{"again=yes", "again=no", "again="}},
		{"oncall", "/mute room=", []string{"room=lobby", "room="}},
		{"wangwu", "/mute room=", []string{"room="}},
		{"zhangsan", "/delayclose 123 i", []string{"idle"}},
		{"zhangsan", "/mute 123 lisi 5m notify=", []string{"notify=yes", "notify=no", "notify="}},
		{"zhangsan", "/help del", []string{"delayclose"}},
		{"zhangsan", "/nosuch ", nil},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, Complete(s.dispatcher.Policy(), person(tt.who), tt.line), tt.line)
	}
	require.NoError(t, s.journal.Close())
}

// BenchmarkHandle is one mute from line to reply: grammar, rules, journal on a SQLite file, signed call, sandbox in process.
func BenchmarkHandle(b *testing.B) {
	s := newStage(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n%10_000 == 0 { // the sandbox counts calls per second of its clock, which runs ahead of ours until here
			b.StopTimer()
			ahead := time.Duration(0)
			nim := sandbox.New("app-key", "example-secret", func() time.Time { ahead += 5 * time.Millisecond; return time.Now().Add(ahead) })
			s.fill(nim)
			unlimited := client(nim)
			unlimited.Rate = 1e6
			s.dispatcher.NetEase = unlimited
			b.StartTimer()
		}
		n++
		if reply := s.ask(fmt.Sprint(n), "zhangsan", "/mute room=123 target=lisi 300s"); reply.Tone != Done {
			b.Fatalf("%d: %s", n, reply.Text)
		}
	}
	require.NoError(b, s.journal.Close())
}
