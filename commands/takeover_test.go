package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// second is the dispatcher of another process on the same journal and the same NetEase, which answers late on the console.
func (s *stage) second(got *[]Late) (*Dispatcher, *journal.Process) {
	process := s.memory.Open()
	var mu sync.Mutex
	return &Dispatcher{
		Policy: s.dispatcher.Policy, Journal: process, Operator: "guanli", Log: slog.New(slog.DiscardHandler), NetEase: client(s.nim),
		Deliver: map[permissions.Platform]Deliver{permissions.Console: func(_ context.Context, l Late) error {
			mu.Lock()
			defer mu.Unlock()
			*got = append(*got, l)
			return nil
		}},
	}, process
}

// crash begins a command in a process that dies before anything else, and returns its number.
func (s *stage) crash(t *testing.T, key, who, line string) int64 {
	process := s.memory.Open()
	defer process.Kill()
	call, err := Parse(line)
	require.NoError(t, err)
	j := s.dispatcher.job(call, person(who), English)
	j.room = call.args["room"].Room
	begun, err := process.Begin(t.Context(), j.entryOf(Request{Key: key, Who: person(who), Where: "C1", Line: line, At: time.Now(),
		ReplyTo: "secret", ReplyBy: time.Now().Add(30 * time.Minute)}, key))
	require.NoError(t, err)
	return begun.Number
}

// TestTakenOver: what a dead process has begun is brought to its end by the next one, under the same RequestId.
func TestTakenOver(t *testing.T) {
	tests := []struct {
		name, line string
		applied    bool          // the dead process's call had arrived
		after      time.Duration // how long nobody cared
		online     bool
		calls      []string // of the one who takes over
		tone       Tone
		says       string
	}{
		{"not sent", "mute 123 lisi 30m", false, 0, true, []string{"queryMembers", "temporaryMute"}, Done, "is muted"},
		{"sent", "mute 123 lisi 30m", true, 5 * time.Second, true, []string{"queryMembers"}, Done, "is muted in room 123 for another 29m55s"},
		{"sent, and who knows", "mute 123 zhaoliu 30m", true, 5 * time.Second, false, []string{"queryMembers", "temporaryMute", "queryMembers"}, Unknown, "not among them"},
		{"not sent, too old", "mute 123 lisi 30m", false, 3 * time.Minute, true, []string{"queryMembers"}, Failed, "retry 1 tries again"},
		{"sent, too old", "mute 123 lisi 30m", true, 3 * time.Minute, true, []string{"queryMembers"}, Done, "for another 27m"},
		{"an unmute", "unmute 123 lisi", false, 0, true, []string{"queryMembers"}, Done, "no temporary mute"},
		{"a room", "muteroom 123 yes=yes", false, 0, true, []string{"get", "muteRoom"}, Done, "is muted"},
		{"a room, sent", "muteroom 123 yes=yes", true, time.Second, true, []string{"get"}, Done, "is muted"},
		{"a timer", "delayclose 123 idle 1h", false, 0, true, []string{"updateDelayClosePolicy"}, Done, "closes by itself"},
		{"a timer, sent", "delayclose 123 idle 1h", true, time.Second, true, []string{"updateDelayClosePolicy"}, Unknown, "retry 1 sets it again"},
		{"a timer, too old", "delayclose 123 idle 1h", false, 3 * time.Minute, true, nil, Unknown, "retry 1 sets it again"},
		{"a question", "room 123", false, 0, true, []string{"get"}, Info, "Room 123"},
		{"a question, too old", "room 123", false, 3 * time.Minute, true, nil, Failed, "ask again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				if tt.online {
					require.NoError(t, s.nim.Enter(123, "lisi"))
				}
				number := s.crash(t, "slack:1", "zhangsan", tt.line)
				e, err := s.journal.Get(t.Context(), number)
				require.NoError(t, err)
				if tt.applied {
					s.send(t, tt.line, e.RequestID)
				}
				before := len(s.nim.Calls())
				time.Sleep(tt.after)

				var got []Late
				heir, process := s.second(&got)
				ctx, stop := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { heir.Recover(ctx) })
				time.Sleep(time.Second)
				synctest.Wait()

				var ops []string
				for _, c := range s.nim.Calls()[before:] {
					ops = append(ops, string(c.Op))
					if c.Op != netease.OpQueryMembers && c.Op != netease.OpGet {
						assert.Equal(t, e.RequestID, c.RequestID, "one effect, one RequestId")
					}
				}
				assert.Equal(t, tt.calls, ops)
				if assert.Len(t, got, 1, "one answer") {
					assert.Equal(t, tt.tone, got[0].Reply.Tone, "%s", got[0].Reply.Text)
					assert.Contains(t, got[0].Reply.Text.String(), tt.says)
					assert.EqualValues(t, "secret", string(got[0].To))
				}
				e, err = s.journal.Get(t.Context(), number)
				require.NoError(t, err)
				assert.Equal(t, outcomeOf(tt.tone), e.Outcome)
				assert.Equal(t, journal.Delivered, e.Delivery)
				stop()
				running.Wait()
				require.NoError(t, heir.Stop(t.Context()))
				require.NoError(t, process.Close())
			})
		})
	}
}

// send makes the call of a line as a process that died right after it has.
func (s *stage) send(t *testing.T, line, requestID string) {
	call, err := Parse(line)
	require.NoError(t, err)
	j := s.dispatcher.job(call, person("zhangsan"), English)
	j.room, j.operator, j.entry.RequestID = cmp.Or(call.args[room.Name].Room, 123), "zhangsan", requestID
	require.NoError(t, call.Command.change(j).send(t.Context()))
}

// TestTakenOverUnderTheRulesOfNow: who may no longer do it gets no repeat, and a command that a later one has replaced neither.
func TestTakenOverUnderTheRulesOfNow(t *testing.T) {
	take := func(t *testing.T, s *stage, change func(*Dispatcher)) Late {
		var got []Late
		heir, process := s.second(&got)
		change(heir)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { heir.Recover(ctx) })
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		running.Wait()
		require.NoError(t, heir.Stop(t.Context()))
		require.NoError(t, process.Close())
		require.Len(t, got, 1)
		return got[0]
	}
	t.Run("no longer allowed", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.crash(t, "slack:1", "zhangsan", "mute 123 lisi 30m")
			denied, err := permissions.Parse([]byte("moderators:\n  - {name: Other, console: [other], commands: ['*'], rooms: ['*']}\n"), Vocabulary())
			require.NoError(t, err)
			late := take(t, s, func(d *Dispatcher) { d.Policy = func() *permissions.Policy { return denied } })
			assert.Equal(t, Unknown, late.Reply.Tone)
			assert.Contains(t, late.Reply.Text.String(), "It was not repeated.")
			assert.False(t, late.Reply.Public)
			assert.Empty(t, s.ops())
		})
	})
	t.Run("overtaken", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.crash(t, "slack:1", "zhangsan", "mute 123 lisi 30m")
			later := s.memory.Open() // of a process that does not take turns
			begun, err := later.Begin(t.Context(), journal.Entry{Key: "2", At: time.Now(), Effect: "unmute room=123 target=lisi", Command: "unmute", Room: 123, Target: "lisi", Write: true})
			require.NoError(t, err)
			require.NoError(t, later.Finish(t.Context(), begun.Hand(), journal.Result{Outcome: journal.Done}))
			require.NoError(t, later.Answered(t.Context(), begun.Hand(), journal.Delivered))
			late := take(t, s, func(*Dispatcher) {})
			assert.Equal(t, Unknown, late.Reply.Tone)
			assert.Contains(t, late.Reply.Text.String(), "#2 came after it on the same target, unmute room=123 target=lisi")
			assert.Empty(t, s.ops())
		})
	})
	t.Run("ended, and not answered", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			first := s.ask("1", "zhangsan", "mute 123 lisi 30m") // the adapter never tells what became of the answer
			synctest.Wait()
			s.journal.Kill()
			late := take(t, s, func(*Dispatcher) {})
			assert.Equal(t, first.Text.String(), late.Reply.Text.String())
			assert.Len(t, s.ops(), 1)
		})
	})
}

// TestTurnsAcrossProcesses: commands on one target run one at a time, in the order of their numbers, in whatever process.
func TestTurnsAcrossProcesses(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		other, process := s.second(new([]Late))
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: 3 * time.Second, Applied: true})
		var wg sync.WaitGroup
		for i, seconds := range []int{10, 20, 30, 40} {
			d := []*Dispatcher{s.dispatcher, other}[i%2]
			wg.Go(func() {
				line := fmt.Sprintf("mute 123 lisi %ds", seconds)
				reply := d.Handle(t.Context(), Request{Key: line, Who: person("zhangsan"), Line: line, At: time.Now()})
				assert.Equal(t, Done, reply.Tone, "%s", reply.Text)
			})
			synctest.Wait()
		}
		wg.Wait()
		assert.Equal(t, []string{"temporaryMute lisi 10", "temporaryMute lisi 20", "temporaryMute lisi 30", "temporaryMute lisi 40"}, s.writes())
		require.NoError(t, other.Stop(t.Context()))
		require.NoError(t, process.Close())
	})
}

// TestRedeliveredElsewhere: a delivery that comes again to another process waits for the first answer.
func TestRedeliveredElsewhere(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		other, process := s.second(new([]Late))
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: 3 * time.Second, Applied: true})
		var wg sync.WaitGroup
		wg.Go(func() { assert.Equal(t, Done, s.ask("1", "zhangsan", "mute 123 lisi 5m").Tone) })
		synctest.Wait()
		again := other.Handle(t.Context(), Request{Key: "1", Who: person("zhangsan"), Line: "mute 123 lisi 5m", At: time.Now()})
		assert.Equal(t, Done, again.Tone)
		assert.True(t, again.Repeat, "the first process answers late, if need be")
		wg.Wait()
		assert.Len(t, s.ops(), 1)
		require.NoError(t, process.Close())
	})
}

// TestUndelivered: an answer that could not be given is tried again at growing intervals until its address is over, then for five more minutes, privately.
func TestUndelivered(t *testing.T) {
	tests := []struct {
		name  string
		fails int   // tries that fail
		err   error // with this
		at    []time.Duration
		want  journal.Delivery
	}{
		{"works at the third try", 2, errors.New("503"), []time.Duration{0, 30 * time.Second, 90 * time.Second}, journal.Delivered},
		{"nowhere", 9, fmt.Errorf("gone: %w", ErrNowhere), []time.Duration{0}, journal.Undelivered},
		{"over", 99, errors.New("503"), []time.Duration{0, 30 * time.Second, 90 * time.Second, 210 * time.Second, 301 * time.Second,
			361 * time.Second, 421 * time.Second, 481 * time.Second, 541 * time.Second, 601 * time.Second}, journal.Undelivered},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				var at []time.Duration
				begun := time.Now()
				s.dispatcher.Deliver = map[permissions.Platform]Deliver{permissions.Console: func(_ context.Context, l Late) error {
					at = append(at, time.Since(begun))
					assert.False(t, l.More)
					if len(at) <= tt.fails {
						return tt.err
					}
					return nil
				}}
				reply := s.dispatcher.Handle(t.Context(), Request{Key: "1", Who: person("zhangsan"), Line: "mute 123 lisi 5m", At: begun, ReplyTo: "secret", ReplyBy: begun.Add(5 * time.Minute)})
				require.Equal(t, Done, reply.Tone)
				s.dispatcher.Answered(reply.Number, false)
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				assert.Equal(t, tt.at, at)
				assert.Equal(t, tt.want, s.entries(t)[0].Delivery)
			})
		})
	}
}

// TestLookedAt: an effect that is not known is looked at for ten minutes, and the person hears what came of it.
func TestLookedAt(t *testing.T) {
	tests := []struct {
		name  string
		fault sandbox.Fault
		later func(s *stage)
		after time.Duration
		tone  Tone // "": nothing more is heard
		says  string
	}{
		{"seen a little later", sandbox.Fault{Delay: time.Minute, Applied: true, Times: 3}, nil, time.Minute, Done, "lisi is muted in room 123 for another"},
		{"not so, a minute after", sandbox.Fault{Delay: time.Minute, Status: 200, Body: "{}", Times: 3}, nil, 2 * time.Minute, Failed, "lisi is not muted in room 123. retry 1 tries again."},
		{"overtaken", sandbox.Fault{Delay: time.Minute, Status: 200, Body: "{}", Times: 3}, func(s *stage) { s.ask("2", "zhangsan", "unmute 123 lisi") }, 20 * time.Minute, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				var got []Late
				s.dispatcher.Deliver = map[permissions.Platform]Deliver{permissions.Console: func(_ context.Context, l Late) error { got = append(got, l); return nil }}
				require.NoError(t, s.nim.Enter(123, "lisi"))
				s.nim.Inject(netease.OpTemporaryMute, tt.fault)
				s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{Code: 500})
				reply := s.ask("1", "zhangsan", "mute 123 lisi 30m")
				require.Equal(t, Unknown, reply.Tone)
				s.dispatcher.Answered(1, true)
				if tt.later != nil {
					tt.later(s)
				}
				time.Sleep(tt.after)
				synctest.Wait()
				e, err := s.journal.Get(t.Context(), 1)
				require.NoError(t, err)
				if tt.tone == "" {
					assert.Empty(t, got)
					assert.Equal(t, journal.Unknown, e.Outcome)
				} else if assert.Len(t, got, 1) {
					assert.True(t, got[0].More, "it comes besides the first answer")
					assert.Equal(t, tt.tone, got[0].Reply.Tone)
					assert.Contains(t, got[0].Reply.Text.String(), tt.says)
					assert.Equal(t, outcomeOf(tt.tone), e.Outcome)
				}
				assert.False(t, e.Open, "closed")
			})
		})
	}
}

// TestBusy: one person's flood leaves room for others, and there is room for so many in all.
func TestBusy(t *testing.T) {
	var a admission
	var leave []func()
	for range maxPerPerson {
		l, ok := a.enter(person("zhangsan"))
		require.True(t, ok)
		leave = append(leave, l)
	}
	_, ok := a.enter(person("zhangsan"))
	assert.False(t, ok)
	for i := range maxUnderWay - maxPerPerson {
		_, ok := a.enter(person(fmt.Sprint("m", i)))
		require.True(t, ok)
	}
	_, ok = a.enter(person("oncall"))
	assert.False(t, ok, "full")
	leave[0]()
	_, ok = a.enter(person("oncall"))
	assert.True(t, ok)

	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Journal = &faultyJournal{Store: s.journal, begin: fmt.Errorf("begin: %w", journal.ErrBusy)}
		reply := s.ask("1", "zhangsan", "mute 123 lisi 5m")
		assert.Equal(t, Refused, reply.Tone)
		assert.Contains(t, reply.Text.String(), "Try again in 20 s")
		assert.Empty(t, s.ops())
	})
}
