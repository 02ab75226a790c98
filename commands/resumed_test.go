package commands

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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

// heir lets another process take over what is left, for d, and returns what it has answered.
func (s *stage) heir(t *testing.T, d time.Duration) []Late {
	var got []Late
	heir, process := s.second(&got)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { heir.Recover(ctx) })
	time.Sleep(d)
	synctest.Wait()
	stop()
	running.Wait()
	require.NoError(t, heir.Stop(t.Context()))
	require.NoError(t, process.Close())
	return got
}

// dies begins a line in a process that dies before anything else.
func (s *stage) dies(t *testing.T, key, who, line string) {
	process := s.memory.Open()
	call, err := Parse(line)
	require.NoError(t, err)
	d := &Dispatcher{Policy: s.dispatcher.Policy, Journal: process, NetEase: s.dispatcher.NetEase, Log: s.dispatcher.Log}
	j := d.job(call, person(who), English)
	require.NoError(t, j.resolve(t.Context()))
	if ref := j.args["room"]; ref.Room != 0 {
		j.room = ref.Room
	}
	_, err = process.Begin(t.Context(), j.entryOf(Request{Who: person(who), Line: line, At: time.Now()}, key))
	require.NoError(t, err)
	process.Kill()
}

// TestGuardAfterACrash: what the guard would have stopped is stopped by the next process too, and nothing else.
func TestGuardAfterACrash(t *testing.T) {
	const first = "mute 123 lisi 30m"
	tests := []struct {
		name, before string // before: what was done first
		who, line    string
		tone         Tone
		says         string
		mutes        int // calls in all
	}{
		{"the same", first, "zhangsan", first, NoChange, "Already done (#1)", 1},
		{"the same again", first, "zhangsan", first + " again=yes", Done, "is muted", 2},
		{"another's", first, "oncall", first, Asks, "is muted in room 123 already", 1},
		{"another's, to be replaced", first, "oncall", first + " replace=1", Done, "It takes the place of #1", 2},
		{"something else", first, "zhangsan", "mute 123 lisi 40m", Done, "is muted", 2},
		{"a retry of what is done", first, "zhangsan", "retry 1", NoChange, "#1 is done already", 1},
		{"a retry of what was refused", "mute 123 nobody 30m", "zhangsan", "retry 1", Failed, "414", 2},
		{"a retry of what is not theirs", "mute 456 lisi 30m", "oncall", "retry 1", Unknown, "no entry #1", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.ask("1", "zhangsan", tt.before)
				s.dispatcher.Answered(1, true)
				synctest.Wait()
				s.dies(t, "2", tt.who, tt.line)
				got := s.heir(t, 30*time.Second)
				require.Len(t, got, 1)
				assert.Contains(t, got[0].Reply.Text.String(), tt.says)
				mutes := 0
				for _, c := range s.nim.Calls() {
					if c.Op == netease.OpTemporaryMute {
						mutes++
					}
				}
				assert.Equal(t, tt.mutes, mutes)
				if tt.name != "a retry of what was refused" { // a repeat is never a failure: NetEase may have taken the first
					assert.Equal(t, tt.tone, got[0].Reply.Tone, "%s", got[0].Reply.Text)
				}
				assert.NotContains(t, got[0].Reply.Text.String(), "456")
			})
		})
	}
}

// TestMoreThanThereAreSlots: entries that wait for their turn leave room for the one they wait for, whoever dies last.
func TestMoreThanThereAreSlots(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		const waiting = recoveries + 4
		oldest := s.memory.Open()
		begin := func(p *journal.Process, n int) {
			call, err := Parse(fmt.Sprintf("mute 123 lisi %ds", 1000+n))
			require.NoError(t, err)
			j := s.dispatcher.job(call, person("zhangsan"), English)
			j.room = 123
			_, err = p.Begin(t.Context(), j.entryOf(Request{Who: person("zhangsan"), At: time.Now()}, fmt.Sprint("k", n)))
			require.NoError(t, err)
		}
		begin(oldest, 0)
		young := s.memory.Open()
		for n := range waiting {
			begin(young, n+1)
		}
		young.Kill()
		time.AfterFunc(5*time.Second, oldest.Kill) // after the others were taken up
		got := s.heir(t, time.Minute)
		assert.Len(t, got, waiting+1)
		for i, e := range s.entries(t) {
			assert.False(t, e.Open, "#%d", e.Number)
			assert.NotEqual(t, journal.Running, e.Outcome, "#%d", waiting+1-i)
		}
		for i, op := range s.writes() {
			assert.Equal(t, fmt.Sprintf("temporaryMute lisi %d", 1000+i), op, "in the order of their numbers")
		}
	})
}

// TestTheNextProcessLooksOn: an effect that is not known is looked at on by the next process; an end that was for good is not.
func TestTheNextProcessLooksOn(t *testing.T) {
	for _, given := range []bool{true, false} {
		onStage(t, func(t *testing.T, s *stage) {
			s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3})
			require.Equal(t, Unknown, s.ask("1", "zhangsan", "mute 123 lisi 30m").Tone)
			if given {
				s.dispatcher.Answered(1, true)
				synctest.Wait()
			}
			s.journal.Kill()
			got := s.heir(t, 3*time.Minute)
			if !given {
				require.Len(t, got, 2)
				assert.Equal(t, Unknown, got[0].Reply.Tone, "the first answer")
				assert.False(t, got[0].More)
				got = got[1:]
			}
			require.Len(t, got, 1)
			assert.True(t, got[0].More)
			assert.Equal(t, Failed, got[0].Reply.Tone)
			for _, e := range s.entriesOf(t) {
				assert.Equal(t, journal.Failed, e.Outcome)
				assert.False(t, e.Open)
			}
		})
	}
	t.Run("for good", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.NetEase = panicking{}
			require.Equal(t, Unknown, s.ask("1", "zhangsan", "mute 123 lisi 30m").Tone)
			s.journal.Kill()
			got := s.heir(t, 3*time.Minute)
			require.Len(t, got, 1, "the answer there was, and no other")
			assert.Equal(t, Broken(English).Text, got[0].Reply.Text)
			assert.Empty(t, s.ops())
		})
	})
}

// entriesOf reads the journal as another process does.
func (s *stage) entriesOf(t *testing.T) []journal.Entry {
	p := s.memory.Open()
	defer p.Close()
	list, err := p.List(t.Context(), journal.Query{})
	require.NoError(t, err)
	return list
}

// TestJudge: not to see a mute that would be over by now proves nothing.
func TestJudge(t *testing.T) {
	tests := []struct {
		line  string
		after time.Duration
		want  Tone
	}{
		{"mute 123 lisi 30m", 0, Unknown},
		{"mute 123 lisi 30m", 59 * time.Second, Unknown},
		{"mute 123 lisi 30m", time.Minute, Failed},
		{"mute 123 lisi 45s", time.Minute, Unknown},
		{"mute 123 lisi 90s", time.Minute, Failed},
		{"mute 123 lisi 90s", 2 * time.Minute, Unknown},
		{"muteroom 123 yes=yes", 2 * time.Minute, Failed},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.line, " after ", tt.after), func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				call, err := Parse(tt.line)
				require.NoError(t, err)
				j := s.dispatcher.job(call, person("zhangsan"), English)
				j.room, j.sent, j.lastSent = 123, time.Now(), time.Now()
				time.Sleep(tt.after)
				end, settled := j.judge(t.Context(), looking{call.Command.change(j), doubt{Sent: j.sent, LastSent: j.lastSent}})
				assert.Equal(t, tt.want, end.tone, "%s", end.text)
				assert.Equal(t, tt.want != Unknown, settled)
			})
		})
	}
}

// TestLooksBesideALaterCommand: what is seen while a later command is under way may be that one's work, and settles nothing.
func TestLooksBesideALaterCommand(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3})
		require.Equal(t, Unknown, s.ask("1", "zhangsan", "muteroom 123 yes=yes").Tone)
		s.dispatcher.Answered(1, true)
		other := s.memory.Open() // has muted the room for somebody else, and not written it down
		begun, err := other.Begin(t.Context(), journal.Entry{Key: "2", At: time.Now(), Effect: "muteroom room=123", Command: "muteroom", Room: 123, Write: true})
		require.NoError(t, err)
		s.send(t, "muteroom 123 yes=yes", netease.NewRequestID())
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		e, err := s.journal.Get(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, journal.Unknown, e.Outcome)
		require.NoError(t, other.Finish(t.Context(), begun.Hand(), journal.Result{Outcome: journal.Done}))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		e, err = s.journal.Get(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, journal.Unknown, e.Outcome)
		assert.False(t, e.Open, "overtaken: the looking ends")
		assert.Empty(t, s.late)
		require.NoError(t, other.Close())
	})
}

// TestBeginTakesTooLong: what was not written down within ten seconds is refused and never run.
func TestBeginTakesTooLong(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.journal.Fail = func(ctx context.Context, method string) error {
			if method == "Begin" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		begun, accepted := time.Now(), 0
		reply := s.dispatcher.Handle(t.Context(), Request{Key: "1", Who: person("zhangsan"), Line: "mute 123 lisi 5m", At: begun, Accepted: func(int64) { accepted++ }})
		assert.Equal(t, Refused, reply.Tone)
		assert.Contains(t, reply.Text.String(), "I could not write this down, so I did not do it")
		assert.Equal(t, beginTimeout, time.Since(begun))
		assert.Zero(t, accepted, "nothing was promised")
		time.Sleep(time.Hour)
		assert.Empty(t, s.ops())
	})
}

// slowJournal writes entries down, but takes its time and does not listen.
type slowJournal struct{ journal.Store }

func (s slowJournal) Begin(ctx context.Context, e journal.Entry) (journal.Begun, error) {
	time.Sleep(beginTimeout + 5*time.Second)
	return s.Store.Begin(context.WithoutCancel(ctx), e)
}

// TestBegunTooLate: what was written down, but not within ten seconds, is refused and never run either.
func TestBegunTooLate(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Journal = slowJournal{s.journal}
		accepted := 0
		reply := s.dispatcher.Handle(t.Context(), Request{Key: "1", Who: person("zhangsan"), Line: "mute 123 lisi 5m", At: time.Now(), Accepted: func(int64) { accepted++ }})
		assert.Equal(t, Refused, reply.Tone)
		assert.Contains(t, reply.Text.String(), "took too long, so I did not do it")
		assert.Zero(t, accepted, "nothing was promised")
		e, err := s.journal.Get(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, journal.Refused, e.Outcome)
		time.Sleep(time.Hour)
		assert.Empty(t, s.ops())
	})
}

// panicsLooking is a NetEase whose client panics when members are asked for, from some time on.
type panicsLooking struct {
	Chatrooms
	now bool
}

func (p *panicsLooking) Members(ctx context.Context, room netease.RoomID, accounts []netease.AccID) ([]netease.Member, error) {
	if p.now {
		panic("a nil map")
	}
	return p.Chatrooms.Members(ctx, room, accounts)
}

// TestPanicInTheBackground: a panic in what goes on after the answer ends the entry, and not the process; one in giving an answer only that.
func TestPanicInTheBackground(t *testing.T) {
	for what, outcome := range map[string]journal.Outcome{"looking": journal.Unknown, "delivering": journal.Failed} {
		t.Run(what, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3})
				nim := &panicsLooking{Chatrooms: s.dispatcher.NetEase}
				s.dispatcher.NetEase = nim
				require.Equal(t, Unknown, s.ask("1", "zhangsan", "mute 123 lisi 30m").Tone)
				if what == "looking" {
					nim.now = true
				} else {
					s.dispatcher.Deliver = map[permissions.Platform]Deliver{permissions.Console: func(context.Context, Late) error { panic("delivering") }}
				}
				s.dispatcher.Answered(1, what == "looking")
				time.Sleep(time.Hour)
				e, err := s.journal.Get(t.Context(), 1)
				require.NoError(t, err)
				assert.Equal(t, outcome, e.Outcome)
				assert.False(t, e.Open, "nobody takes it up again")
				assert.Contains(t, e.Text, "NetEase did not answer", "what was said stays said")
			})
		})
	}
}

// TestTooManyLooks: when too much is unknown, one more is not looked at again, and the person hears that.
func TestTooManyLooks(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3})
		require.Equal(t, Unknown, s.ask("1", "zhangsan", "muteroom 123 yes=yes").Tone)
		s.dispatcher.lookers.Store(maxLookers)
		before := len(s.ops())
		s.dispatcher.Answered(1, true)
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Len(t, s.ops(), before)
		e, err := s.journal.Get(t.Context(), 1)
		require.NoError(t, err)
		assert.Equal(t, journal.Unknown, e.Outcome)
		assert.Contains(t, e.Text, "I cannot keep looking")
		assert.False(t, e.Open)
		assert.EqualValues(t, maxLookers, s.dispatcher.lookers.Load())
	})
}

// TestGather: outcomes that nobody waits for are written together, with what became of their answers; one whose answer must be given again at once.
func TestGather(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Gather = 20 * time.Millisecond
		for i, line := range []string{"mute 123 lisi 5m", "mute 123 wangwu 5m", "mute 123 zhaoliu 5m"} {
			require.Equal(t, Done, s.ask(line, "zhangsan", line).Tone)
			if i < 2 { // of the third nothing is told
				s.dispatcher.Answered(int64(i+1), true)
			}
		}
		synctest.Wait()
		for _, e := range s.entries(t) {
			assert.Equal(t, journal.Running, e.Outcome)
		}
		time.Sleep(2 * s.dispatcher.Gather)
		synctest.Wait()
		for _, e := range s.entries(t) {
			assert.Equal(t, journal.Done, e.Outcome)
			assert.Equal(t, e.Number == 3, e.Open)
			assert.Equal(t, e.Number != 3, e.Delivery == journal.Delivered)
		}
		s.dispatcher.Answered(3, true)
		synctest.Wait()
		assert.False(t, s.entries(t)[0].Open)

		require.Equal(t, Done, s.ask("4", "zhangsan", "unmute 123 lisi").Tone)
		s.dispatcher.Answered(4, false)
		synctest.Wait()
		assert.Equal(t, journal.Done, s.entries(t)[0].Outcome, "it is on its way again")
		require.Equal(t, Done, s.ask("5", "zhangsan", "unmute 123 wangwu").Tone)
		require.NoError(t, s.dispatcher.Stop(t.Context()))
		assert.Equal(t, journal.Done, s.entries(t)[0].Outcome, "the stop waits for nothing")
		s.dispatcher = &Dispatcher{}
	})
}

// TestAccepted: the number is told before the person is allowed, and to a redelivery, too.
func TestAccepted(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		var got []string
		for range 2 {
			s.dispatcher.Handle(t.Context(), Request{Key: "1", Who: person("zhangsan"), Line: "mute 123 lisi 5m", At: time.Now(),
				Accepted: func(n int64) { got = append(got, fmt.Sprint("accepted ", n)) },
				Allowed:  func(bool) { got = append(got, "allowed") }})
		}
		assert.Equal(t, []string{"accepted 1", "allowed", "accepted 1"}, got)
	})
}

// TestStopEndsWhatGoesOn: looking, delivering and writing end soon after the stop, also when nothing answers.
func TestStopEndsWhatGoesOn(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		var gone atomic.Bool
		s.journal.Fail = func(_ context.Context, method string) error {
			if gone.Load() && method == "Finish" {
				return errors.New("gone")
			}
			return nil
		}
		s.dispatcher.Deliver = map[permissions.Platform]Deliver{permissions.Console: func(ctx context.Context, l Late) error { return errors.New("503") }}
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3})
		s.ask("1", "zhangsan", "mute 123 lisi 30m")
		s.dispatcher.Answered(1, true) // looks on
		s.ask("2", "zhangsan", "muteroom 123 yes=yes")
		s.dispatcher.Answered(2, false) // is tried again
		gone.Store(true)
		s.ask("3", "zhangsan", "muteroom 456 yes=yes")
		s.dispatcher.Answered(3, true) // waits for the outcome
		time.Sleep(8 * time.Second)
		begun, old := time.Now(), s.dispatcher
		s.dispatcher = &Dispatcher{} // stopped here, and not once more when the stage is
		require.NoError(t, old.Stop(t.Context()))
		assert.LessOrEqual(t, time.Since(begun), 2*journalTimeout)
	})
}

// TestUndoAfterACrash: what a command has taken the place of is known also to whoever brings it to its end.
func TestUndoAfterACrash(t *testing.T) {
	lost := func(s *stage) {
		s.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: time.Minute, Applied: true, Times: 3})
	}
	for _, tt := range []struct {
		name string
		play func(t *testing.T, s *stage) // leaves #2 to be undone
		want time.Duration                // what is left of a mute of 2h then; 0: none
	}{
		{"sent, and seen to be done", func(t *testing.T, s *stage) {
			s.answered("1", "zhangsan", "mute 123 lisi 2h")
			n := s.crash(t, "slack:2", "night", "mute 123 lisi 10m replace=1")
			e, err := s.journal.Get(t.Context(), n)
			require.NoError(t, err)
			s.send(t, "mute 123 lisi 10m", e.RequestID)
		}, 2 * time.Hour},
		{"answered as unknown, and seen later", func(t *testing.T, s *stage) {
			s.answered("1", "zhangsan", "mute 123 lisi 2h")
			d, process := s.second(new([]Late))
			lost(s)
			s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{}) // the glance
			s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{Code: 500})
			require.Equal(t, Unknown, d.Handle(t.Context(), Request{Key: "2", Who: person("zhangsan"), Line: "mute 123 lisi 3h", At: time.Now()}).Tone)
			d.Answered(2, true)
			synctest.Wait()
			process.Kill()
		}, 2 * time.Hour},
		{"a second try", func(t *testing.T, s *stage) {
			lost(s)
			s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{Code: 500})
			require.Equal(t, Unknown, s.ask("1", "zhangsan", "mute 123 lisi 1h").Tone)
			synctest.Wait()
			s.dies(t, "2", "zhangsan", "retry 1")
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				began := time.Now()
				tt.play(t, s)
				s.heir(t, time.Minute)
				reply := s.ask("3", "zhangsan", "undo 2")
				require.Equal(t, Done, reply.Tone, "%s", reply.Text)
				members, err := s.dispatcher.NetEase.Members(t.Context(), 123, []netease.AccID{"lisi"})
				require.NoError(t, err)
				if tt.want > 0 {
					tt.want -= time.Since(began)
				}
				assert.InDelta(t, tt.want.Seconds(), members[0].TempMute.Seconds(), 5, "%s", reply.Text)
			})
		})
	}
}
