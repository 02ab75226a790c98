package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// muted tells whether NetEase has a room muted.
func (s *stage) muted(t *testing.T, room netease.RoomID) bool {
	r, err := s.dispatcher.NetEase.Room(t.Context(), room)
	require.NoError(t, err)
	return r.Muted
}

// answered asks, and tells that the answer was given.
func (s *stage) answered(key, who, line string) Reply {
	r := s.ask(key, who, line)
	s.dispatcher.Answered(r.Number, true)
	synctest.Wait()
	return r
}

// TestTimerOutlivesItsProcess: a timed room mute is ended by whatever process lives then, once, however late.
func TestTimerOutlivesItsProcess(t *testing.T) {
	for _, tt := range []struct {
		name string
		away time.Duration // how long no process lives
		heir time.Duration // how long the heir then does
		says string
	}{
		{"in time", time.Minute, 10 * time.Minute, "The time of #1 by Zhang San (zhangsan) is over."},
		{"late", time.Hour, time.Second, "The time of #1 by Zhang San (zhangsan) is over."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 10m").Tone)
				s.journal.Kill()
				time.Sleep(tt.away)
				require.True(t, s.muted(t, 123))
				got := s.heir(t, tt.heir)
				require.False(t, s.muted(t, 123))
				require.Len(t, got, 1)
				assert.Contains(t, got[0].Reply.Text.String(), tt.says)
				assert.True(t, got[0].Report && got[0].Reply.Public)
				assert.Equal(t, "C1", got[0].Where)
				s.journal = s.memory.Open()
				for _, e := range s.entries(t) {
					assert.False(t, e.Open, "#%d is closed", e.Number)
					assert.Equal(t, journal.Delivered, e.Delivery, "#%d", e.Number)
				}
				assert.Empty(t, s.heir(t, time.Hour), "it is over for good")
			})
		})
	}
}

// TestTimerOfAnInterruptedCommand: whatever a process was at when it died, the mute is ended in time.
func TestTimerOfAnInterruptedCommand(t *testing.T) {
	for _, sent := range []bool{false, true} {
		t.Run(fmt.Sprint("sent ", sent), func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				number := s.crash(t, "1", "zhangsan", "muteroom 123 10m")
				if sent {
					e, err := s.journal.Get(t.Context(), number)
					require.NoError(t, err)
					s.send(t, "muteroom 123 10m", e.RequestID)
				}
				var got []Late
				heir, process := s.second(&got)
				var running sync.WaitGroup
				ctx, stop := context.WithCancel(t.Context())
				running.Go(func() { heir.Recover(ctx) })
				time.Sleep(9 * time.Minute)
				require.True(t, s.muted(t, 123))
				time.Sleep(2 * time.Minute)
				assert.False(t, s.muted(t, 123))
				stop()
				running.Wait()
				require.NoError(t, heir.Stop(t.Context()))
				require.NoError(t, process.Close())
				require.Len(t, got, 2)
				assert.Equal(t, Done, got[0].Reply.Tone)
				assert.True(t, got[1].Report)
			})
		})
	}
}

// TestTimerEndInterrupted: a process that dies while it ends a mute leaves the end to the next one, under the same RequestId.
func TestTimerEndInterrupted(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 1m").Tone)
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Delay: 4 * time.Second, Applied: true})
		time.Sleep(time.Minute + time.Second) // the end is under way
		s.journal.Kill()
		got := s.heir(t, time.Minute)
		assert.False(t, s.muted(t, 123))
		require.Len(t, got, 1)
		assert.True(t, got[0].Report)
		var ids []string
		for _, c := range s.nim.Calls() {
			if c.Op == netease.OpMuteRoom {
				ids = append(ids, c.RequestID)
			}
		}
		require.Len(t, ids, 2, "the mute, and its end once: the next process has looked")
		s.journal = s.memory.Open()
		assert.Len(t, s.entries(t), 2)
	})
}

// TestTimerWithoutItsAuthor: the end comes although its author may do nothing any more.
func TestTimerWithoutItsAuthor(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		var policy atomic.Pointer[permissions.Policy]
		policy.Store(s.dispatcher.Policy())
		s.dispatcher.Policy = policy.Load
		require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 1m").Tone)
		nobody, err := permissions.Parse([]byte("moderators:\n  - {name: Other, console: [other], commands: ['*'], rooms: ['*']}\n"), Vocabulary())
		require.NoError(t, err)
		policy.Store(nobody)
		time.Sleep(2 * time.Minute)
		assert.False(t, s.muted(t, 123))
		calls := s.nim.Calls()
		assert.Equal(t, "zhangsan", calls[len(calls)-2].Form.Get("operator"), "who muted it ends it")
	})
}

// TestTimerOverdue: an end that fails is told once, tried again, shown as overdue, and told when it has worked.
func TestTimerOverdue(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 1m").Tone)
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Code: 403, Times: 6})
		time.Sleep(3 * time.Minute)
		require.Len(t, s.reports(), 1, "once")
		assert.Contains(t, s.reports()[0].Reply.Text.String(), "it is overdue. I keep trying; unmuteroom 123 ends it by hand")
		assert.True(t, s.reports()[0].Report)
		assert.Contains(t, fmt.Sprint(s.answered("2", "zhangsan", "active").Fields), "overdue")
		time.Sleep(20 * time.Minute)
		assert.False(t, s.muted(t, 123))
		require.Len(t, s.reports(), 2)
		assert.Equal(t, Done, s.reports()[1].Reply.Tone)
		for _, e := range s.entries(t) {
			assert.False(t, e.Open, "#%d", e.Number)
		}
	})
}

// TestTimerMeetsTheJournalInTrouble: while nothing can be written down nothing is done; later it is.
func TestTimerMeetsTheJournalInTrouble(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		broken := &switchable{Store: s.journal}
		s.dispatcher.Journal = broken
		require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 1m").Tone)
		broken.set(true)
		time.Sleep(3 * time.Minute)
		broken.set(false)
		assert.True(t, s.muted(t, 123))
		time.Sleep(5 * time.Minute)
		assert.False(t, s.muted(t, 123))
		assert.Len(t, s.reports(), 1)
	})
}

// TestTimerCancelled: what was ended, or is to last, is not ended by the timer any more.
func TestTimerCancelled(t *testing.T) {
	for _, line := range []string{"unmuteroom 123", "undo 1", "muteroom 123 yes=yes"} {
		t.Run(line, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 1m").Tone)
				require.Equal(t, Done, s.answered("2", "zhangsan", line).Tone)
				was := s.muted(t, 123)
				time.Sleep(time.Hour)
				assert.Equal(t, was, s.muted(t, 123))
				assert.Len(t, s.entries(t), 2, "nothing more was done")
				assert.Empty(t, s.reports())
				for _, e := range s.entries(t) {
					assert.False(t, e.Open, "#%d", e.Number)
				}
			})
		})
	}
}

// TestExtensionInterrupted: an extension that a process died over is not added twice.
func TestExtensionInterrupted(t *testing.T) {
	for _, tt := range []struct {
		name string
		left string // what NetEase has when the next process looks: as it was, extended, or something else
		tone Tone
		ends time.Duration // of the mute, after its begin
	}{
		{"not sent", "", Done, 15 * time.Minute},
		{"sent", "mute 123 lisi 14m", Done, 15 * time.Minute},
		{"something else", "mute 123 lisi 40m", Unknown, 41 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				began := time.Now()
				s.answered("1", "zhangsan", "mute 123 lisi 5m")
				time.Sleep(time.Minute)
				s.dies(t, "2", "zhangsan", "extend 1 10m")
				if tt.left != "" {
					s.send(t, tt.left, netease.NewRequestID())
				}
				time.Sleep(10 * time.Second)
				got := s.heir(t, 2*time.Second)
				require.NotEmpty(t, got)
				assert.Equal(t, tt.tone, got[0].Reply.Tone, "%s", got[0].Reply.Text)
				members, err := s.dispatcher.NetEase.Members(t.Context(), 123, []netease.AccID{"lisi"})
				require.NoError(t, err)
				assert.WithinDuration(t, began.Add(tt.ends), time.Now().Add(members[0].TempMute), 3*time.Second)
			})
		})
	}
}

// TestQuestionsOutliveTheirProcess: a question is asked again by the next process, and its confirmation is taken there too.
func TestQuestionsOutliveTheirProcess(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dies(t, "1", "zhangsan", "muteroom 123")
		s.outside(t, "muteroom 123")
		got := s.heir(t, time.Second)
		require.Len(t, got, 1)
		assert.Equal(t, Asks, got[0].Reply.Tone, "a question, also when the room happens to be muted: %s", got[0].Reply.Text)
		s.outside(t, "unmuteroom 123")
		var later []Late
		other, process := s.second(&later)
		confirmed := other.Handle(t.Context(), Request{Key: "2", Who: person("zhangsan"), Line: "confirm 1", At: time.Now()})
		assert.Equal(t, Done, confirmed.Tone, "%s", confirmed.Text)
		assert.True(t, s.muted(t, 123))
		require.NoError(t, other.Stop(t.Context()))
		require.NoError(t, process.Close())
	})
}

// TestConfirmedByManyAtOnce: pressed often, and in several processes, a question is carried out once.
func TestConfirmedByManyAtOnce(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.Equal(t, Asks, s.answered("1", "zhangsan", "muteroom 123").Tone)
		var later []Late
		other, process := s.second(&later)
		tones := make(chan Tone, 10)
		var all sync.WaitGroup
		for i := range 10 {
			d := []*Dispatcher{s.dispatcher, other}[i%2]
			all.Go(func() {
				tones <- d.Handle(t.Context(), Request{Key: fmt.Sprint("c", i), Who: person("zhangsan"), Line: "confirm 1", At: time.Now()}).Tone
			})
		}
		all.Wait()
		close(tones)
		count := map[Tone]int{}
		for tone := range tones {
			count[tone]++
		}
		assert.Equal(t, map[Tone]int{Done: 1, NoChange: 9}, count)
		require.NoError(t, other.Stop(t.Context()))
		require.NoError(t, process.Close())
	})
}

// TestExtendedByManyAtOnce: the button adds once, however many press it at once.
func TestExtendedByManyAtOnce(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.answered("1", "zhangsan", "mute 123 lisi 5m")
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { s.ask(fmt.Sprint("x", i), []string{"zhangsan", "night"}[i%2], "extend 1 10m") })
		}
		all.Wait()
		members, err := s.dispatcher.NetEase.Members(t.Context(), 123, []netease.AccID{"lisi"})
		require.NoError(t, err)
		assert.InDelta(t, 15*time.Minute, members[0].TempMute, float64(2*time.Second))
	})
}

// TestNoLinksFromPeople: what only the bot writes into a line cannot be typed.
func TestNoLinksFromPeople(t *testing.T) {
	for _, link := range links {
		_, err := Parse("unmute 123 lisi " + link.Name + "=1")
		require.Error(t, err, link.Name)
		assert.Contains(t, err.Error(), "has no argument called")
		call, err := understood("unmute room=123 target=lisi " + link.Name + "=1")
		require.NoError(t, err)
		assert.Equal(t, "unmute room=123 target=lisi "+link.Name+"=1", call.String())
	}
}

// A switchable journal can be broken: it takes no entries then.
type switchable struct {
	journal.Store
	mu     sync.Mutex
	broken bool
}

func (s *switchable) set(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *switchable) Begin(ctx context.Context, e journal.Entry) (journal.Begun, error) {
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken {
		return journal.Begun{}, errors.New("disk full")
	}
	return s.Store.Begin(ctx, e)
}

// reports are the answers given late so far.
func (s *stage) reports() []Late {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.late)
}

// TestTimerLeavesAloneWhatIsNotItsOwn: when a room was muted anew the end of the first mute is not its end, even where nobody knows how that went.
func TestTimerLeavesAloneWhatIsNotItsOwn(t *testing.T) {
	t.Run("muted anew, and who knows", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 2m").Tone)
			s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Status: 502, Times: 3})
			s.nim.Inject(netease.OpGet, sandbox.Fault{Status: 502, Times: 60})
			require.Equal(t, Unknown, s.answered("2", "zhangsan", "muteroom 123 yes=yes replace=1").Tone)
			time.Sleep(time.Hour)
			s.nim.Inject(netease.OpGet, sandbox.Fault{})
			assert.Len(t, s.entries(t), 2, "no end was begun")
		})
	})
	t.Run("opened outside", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 2m").Tone)
			s.outside(t, "unmuteroom 123")
			calls := len(s.nim.Calls())
			time.Sleep(3 * time.Minute)
			require.Len(t, s.reports(), 1)
			assert.Contains(t, s.reports()[0].Reply.Text.String(), "was not muted any more")
			require.Len(t, s.nim.Calls(), calls+1)
			assert.Equal(t, netease.OpGet, s.nim.Calls()[calls].Op, "only looked")
		})
	})
	t.Run("muted anew, and the end was begun before", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 10m").Tone)
			require.Equal(t, Done, s.answered("2", "zhangsan", "muteroom 123 yes=yes replace=1").Tone)
			process := s.memory.Open()
			_, err := process.Begin(t.Context(), journal.Entry{Key: "timer:1:1", At: time.Now(), Effect: "unmuteroom room=123 ends=1", Command: "unmuteroom",
				Room: 123, Write: true, Platform: "console", Resume: []byte(`{"who":{"Platform":"console","User":"zhangsan"},"language":"en"}`)})
			require.NoError(t, err)
			process.Kill()
			got := s.heir(t, time.Second)
			require.Len(t, got, 1)
			assert.Equal(t, NoChange, got[0].Reply.Tone)
			assert.Contains(t, got[0].Reply.Text.String(), "#2 by Zhang San (zhangsan) came after it")
			assert.True(t, s.muted(t, 123))
		})
	})
}

// TestTimerOfAnUngivenAnswer: that an answer could not be given stays known when its entry is closed.
func TestTimerOfAnUngivenAnswer(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Deliver = nil
		reply := s.ask("1", "zhangsan", "muteroom 123 2m")
		s.dispatcher.Answered(reply.Number, false)
		time.Sleep(time.Hour)
		list := s.entries(t)
		require.Len(t, list, 2)
		for _, e := range list {
			assert.Equal(t, journal.Undelivered, e.Delivery, "#%d", e.Number)
			assert.False(t, e.Open, "#%d", e.Number)
		}
	})
}

// TestOccupiedAfterACrash: what the first process would have asked about is asked by the next one, where it is certain that nothing was sent; and otherwise
// nothing is repeated, and nothing is claimed.
func TestOccupiedAfterACrash(t *testing.T) {
	for line, tone := range map[string]Tone{"muteroom 123 1h": Unknown, "mute 123 lisi 1h": Asks, "delayclose 123 idle 1h": Unknown} {
		t.Run(line, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				require.Equal(t, Done, s.answered("1", "zhangsan", strings.Replace(line, "1h", "10m", 1)).Tone)
				s.dies(t, "2", "night", line)
				calls := len(s.nim.Calls())
				got := s.heir(t, time.Second)
				require.Len(t, got, 1)
				assert.Equal(t, tone, got[0].Reply.Tone, "%s", got[0].Reply.Text)
				assert.Contains(t, got[0].Reply.Text.String(), "#1")
				assert.Equal(t, tone == Asks, strings.Contains(got[0].Reply.Text.String(), "Nothing was done."))
				for _, c := range s.nim.Calls()[calls:] {
					assert.Contains(t, []netease.Op{netease.OpGet, netease.OpQueryMembers}, c.Op)
				}
			})
		})
	}
}

// TestUndoneExtensionUnanswered: that an extension was taken back is seen by the end the mute has then, which was one of its ends before.
func TestUndoneExtensionUnanswered(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.answered("1", "zhangsan", "mute 123 lisi 10m")
		s.answered("2", "zhangsan", "extend 1 1h")
		s.nim.Inject(netease.OpTemporaryMute, faults["is silent for good, having done it"])
		reply := s.answered("3", "zhangsan", "undo 2")
		assert.Equal(t, Done, reply.Tone, "%s", reply.Text)
	})
}

// TestLinksToWhatIsNotKnown: an undo or an extension that may not have happened is not taken for one that has, and can be tried again.
func TestLinksToWhatIsNotKnown(t *testing.T) {
	t.Run("an undone timer", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			s.answered("1", "zhangsan", "delayclose 123 idle 1h")
			s.nim.Inject(netease.OpUpdateDelayClosePolicy, sandbox.Fault{Status: 502, Times: 3})
			require.Equal(t, Unknown, s.answered("2", "zhangsan", "undo 1").Tone)
			again := s.answered("3", "night", "undo 1")
			assert.Equal(t, Refused, again.Tone, "%s", again.Text)
			assert.Equal(t, "retry 2", again.Choices[0].Line)
			retried := s.answered("4", "zhangsan", "retry 2")
			assert.Equal(t, Done, retried.Tone, "%s", retried.Text)
			calls := s.nim.Calls()
			assert.Equal(t, "0", calls[len(calls)-1].Form.Get("delayClosePolicy"))
		})
	})
	for _, applied := range []string{"is silent for good, having done it", "is silent for good, having done nothing"} {
		t.Run("an extension that "+applied, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				s.answered("1", "zhangsan", "mute 123 lisi 30m")
				s.nim.Inject(netease.OpTemporaryMute, faults[applied])
				s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{}) // the look before
				s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{Status: 502, Times: 30})
				require.Equal(t, Unknown, s.answered("2", "zhangsan", "extend 1 10m").Tone)
				time.Sleep(11 * time.Minute)
				s.nim.Mend()
				again := s.answered("3", "night", "extend 1 10m")
				assert.Equal(t, Refused, again.Tone, "%s", again.Text)
				s.answered("4", "zhangsan", "retry 2")
				members, err := s.dispatcher.NetEase.Members(t.Context(), 123, []netease.AccID{"lisi"})
				require.NoError(t, err)
				left := 40*time.Minute - time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
				assert.InDelta(t, left.Seconds(), members[0].TempMute.Seconds(), 20, "ten minutes were added once")
			})
		})
	}
	t.Run("a mute whose end does not work", func(t *testing.T) {
		for _, line := range []string{"undo 1", "extend 1 10m"} {
			onStage(t, func(t *testing.T, s *stage) {
				s.answered("1", "zhangsan", "muteroom 123 1m")
				s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Code: 500, Times: 100})
				time.Sleep(75 * time.Second)
				s.nim.Mend()
				reply := s.answered("2", "night", line)
				assert.Equal(t, Done, reply.Tone, "%s: %s", line, reply.Text)
				assert.Equal(t, line != "undo 1", s.muted(t, 123))
			})
		}
	})
}

// TestUndoBringsBack: undo leaves what was there before, whatever that was.
func TestUndoBringsBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		line []string // by zhangsan, one after the other
		left time.Duration
	}{
		{"an undone extension", []string{"mute 123 lisi 10m", "extend 1 1h", "undo 2", "undo 3"}, 70 * time.Minute},
		{"one's own correction", []string{"mute 123 lisi 1h", "mute 123 lisi 2h", "undo 2"}, time.Hour},
		{"what was replaced", []string{"mute 123 lisi 1h", "mute 123 lisi 5m replace=1", "undo 2"}, time.Hour},
		{"an undone undo", []string{"mute 123 lisi 1h", "undo 1", "undo 2"}, time.Hour},
		{"nothing", []string{"mute 123 lisi 1h", "undo 1"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				for i, line := range tt.line {
					reply := s.answered(fmt.Sprint(i), "zhangsan", line)
					require.Equal(t, Done, reply.Tone, "%s: %s", line, reply.Text)
				}
				members, err := s.dispatcher.NetEase.Members(t.Context(), 123, []netease.AccID{"lisi"})
				require.NoError(t, err)
				assert.InDelta(t, tt.left.Seconds(), members[0].TempMute.Seconds(), 3)
			})
		})
	}
	t.Run("a timer", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			for i, line := range []string{"delayclose 123 fixed 3h yes=yes", "delayclose 123 idle 1h", "undo yes=yes"} {
				require.Equal(t, Done, s.answered(fmt.Sprint(i), "zhangsan", line).Tone)
			}
			calls := s.nim.Calls()
			last := calls[len(calls)-1].Form
			assert.Equal(t, "1 10800", last.Get("delayClosePolicy")+" "+last.Get("delaySeconds"))
		})
	})
	t.Run("an extended timer", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			for i, line := range []string{"delayclose 123 idle 2h", "extend 1 1h", "undo 2", "undo 3", "extend 4 30m"} {
				require.Equal(t, Done, s.answered(fmt.Sprint(i), "zhangsan", line).Tone)
			}
			var delays []string
			for _, c := range s.nim.Calls() {
				if c.Op == netease.OpUpdateDelayClosePolicy {
					delays = append(delays, c.Form.Get("delaySeconds"))
				}
			}
			assert.Equal(t, []string{"7200", "10800", "7200", "10800", "12600"}, delays)
		})
	})
	t.Run("not what was ended outside", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			require.NoError(t, s.nim.Enter(123, "lisi"))
			s.answered("1", "zhangsan", "mute 123 lisi 10m")
			s.answered("2", "zhangsan", "extend 1 1h")
			s.outside(t, "unmute 123 lisi")
			reply := s.answered("3", "zhangsan", "undo 2")
			assert.Equal(t, NoChange, reply.Tone, "%s", reply.Text)
			assert.Contains(t, reply.Text.String(), "nothing left to undo")
		})
	})
}

// TestTimerOfWhatDidNotHappen: a timed mute that turns out not to have happened has no end.
func TestTimerOfWhatDidNotHappen(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpMuteRoom, faults["is silent for good, having done nothing"])
		require.Equal(t, Unknown, s.answered("1", "zhangsan", "muteroom 123 10m").Tone)
		time.Sleep(2 * time.Minute) // looked: it is not
		s.outside(t, "muteroom 123")
		time.Sleep(time.Hour)
		assert.True(t, s.muted(t, 123), "somebody else's")
		require.Len(t, s.reports(), 1)
		assert.Equal(t, Failed, s.reports()[0].Reply.Tone)
		assert.False(t, s.reports()[0].Report)
	})
}

// TestTimerAfterManyTries: a process that takes over an end that has failed often tries it at once, and not as often again.
func TestTimerAfterManyTries(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "zhangsan", "muteroom 123 1m")
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Code: 403, Times: 1000})
		time.Sleep(3 * time.Hour)
		tries := len(s.entries(t))
		s.journal.Kill()
		s.nim.Mend()
		s.heir(t, 2*time.Second)
		assert.False(t, s.muted(t, 123))
		s.journal = s.memory.Open()
		assert.Equal(t, tries+1, len(s.entries(t)))
		assert.Less(t, tries, 20)
	})
}

// TestTimerOfAClosedRoom: where a room has closed meanwhile there is nothing to end.
func TestTimerOfAClosedRoom(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "zhangsan", "muteroom 123 1h")
		s.answered("2", "zhangsan", "delayclose 123 fixed 30m yes=yes")
		time.Sleep(3 * time.Hour)
		require.Len(t, s.reports(), 1)
		assert.Equal(t, NoChange, s.reports()[0].Reply.Tone)
		assert.Contains(t, s.reports()[0].Reply.Text.String(), "Room 123 is closed")
		assert.Len(t, s.entries(t), 3)
		assert.Contains(t, s.answered("3", "zhangsan", "active").Text.String(), "Nothing that this bot has set is in force.")
	})
}

// TestTimerAtAStop: an end that is under way when the bot stops is the next process's, and nobody is told that it failed.
func TestTimerAtAStop(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "zhangsan", "muteroom 123 1m")
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Delay: 4 * time.Second, Applied: true})
		time.Sleep(62 * time.Second)
		require.NoError(t, s.dispatcher.Stop(t.Context()))
		require.NoError(t, s.journal.Close())
		got := append(s.reports(), s.heir(t, time.Minute)...)
		require.Len(t, got, 1)
		assert.Equal(t, Done, got[0].Reply.Tone, "%s", got[0].Reply.Text)
	})
}

// TestTimerOfOneWithoutRight: a timed mute whose process died before its outcome, and whose author may do nothing any more, is ended all the same.
func TestTimerOfOneWithoutRight(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		number := s.crash(t, "1", "zhangsan", "muteroom 123 10m")
		e, err := s.journal.Get(t.Context(), number)
		require.NoError(t, err)
		s.send(t, "muteroom 123 10m", e.RequestID)
		nobody, err := permissions.Parse([]byte("moderators:\n  - {name: Other, console: [other], commands: ['*'], rooms: ['*']}\n"), Vocabulary())
		require.NoError(t, err)
		s.dispatcher.Policy = func() *permissions.Policy { return nobody }
		got := s.heir(t, 11*time.Minute)
		assert.False(t, s.muted(t, 123))
		require.Len(t, got, 2)
		assert.Equal(t, Unknown, got[0].Reply.Tone)
		assert.True(t, got[1].Report)
	})
}

// TestTimerOfAReplacedMute: the end of a mute that was replaced does not end what replaced it, whatever became of that.
func TestTimerOfAReplacedMute(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "zhangsan", "muteroom 123 10m")
		require.Equal(t, Done, s.answered("2", "zhangsan", "muteroom 123 yes=yes replace=1").Tone)
		s.nim.Inject(netease.OpMuteRoom, faults["is silent for good, having done nothing"])
		require.Equal(t, Unknown, s.answered("3", "zhangsan", "unmuteroom 123").Tone)
		time.Sleep(time.Hour)
		assert.True(t, s.muted(t, 123))
	})
}

// TestTimerSurvivesAPanic: a panic on the way of an end is a try that failed.
func TestTimerSurvivesAPanic(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		shaky := &panicky{Chatrooms: s.dispatcher.NetEase}
		s.dispatcher.NetEase = shaky
		s.answered("1", "zhangsan", "muteroom 123 1m")
		shaky.left.Store(1)
		time.Sleep(3 * time.Minute)
		assert.False(t, s.muted(t, 123))
		assert.Equal(t, Done, s.answered("2", "zhangsan", "muteroom 123 5m").Tone, "the room is not blocked")
	})
}

// panicky panics when it is asked for a room, so often.
type panicky struct {
	Chatrooms
	left atomic.Int64
}

func (p *panicky) Room(ctx context.Context, id netease.RoomID) (netease.Room, error) {
	if p.left.Add(-1) >= 0 {
		panic("no room")
	}
	return p.Chatrooms.Room(ctx, id)
}

// TestQuestionOfAnotherPolicy: what was sent without a question is not turned into one by a policy that has changed since.
func TestQuestionOfAnotherPolicy(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dies(t, "1", "zhangsan", "muteroom 123 yes=yes") // who may skip the question
		s.outside(t, "muteroom 123")
		strict, err := permissions.Parse([]byte("moderators:\n  - {name: Zhang San, console: [zhangsan], commands: ['*'], rooms: ['*']}\n"), Vocabulary())
		require.NoError(t, err)
		s.dispatcher.Policy = func() *permissions.Policy { return strict }
		got := s.heir(t, time.Second)
		require.Len(t, got, 1)
		assert.Equal(t, Done, got[0].Reply.Tone, "%s", got[0].Reply.Text)
	})
}

// TestUndoInterrupted: an undo that had worked when its process died is not called needless.
func TestUndoInterrupted(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.answered("1", "zhangsan", "mute 123 lisi 1h")
		s.dies(t, "2", "zhangsan", "undo 1")
		s.outside(t, "unmute 123 lisi")
		got := s.heir(t, time.Second)
		require.Len(t, got, 1)
		assert.Equal(t, Done, got[0].Reply.Tone, "%s", got[0].Reply.Text)
	})
}

// TestTimerBehindAnUnknownOne: a command that may never have been sent does not take the end of the mute before it away.
func TestTimerBehindAnUnknownOne(t *testing.T) {
	for _, tt := range []struct {
		first []string
		dies  string
		sent  string // what the dead process had sent; empty: nothing
		blind bool   // NetEase shows nobody the room when the next process looks
	}{
		{[]string{"muteroom 123 10m"}, "muteroom 123 1h", "", false},
		{[]string{"muteroom 123 10m"}, "extend 1 10m", "", true},
		{[]string{"muteroom 123 10m", "unmuteroom 123"}, "undo 2", "muteroom 123 10m", true},
	} {
		t.Run(tt.dies, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				for i, line := range tt.first {
					require.Equal(t, Done, s.answered(fmt.Sprint(i), "zhangsan", line).Tone)
				}
				s.dies(t, "dies", "night", tt.dies)
				if tt.sent != "" {
					s.outside(t, tt.sent)
				}
				if tt.blind {
					s.nim.Inject(netease.OpGet, sandbox.Fault{Code: 500, Times: 12})
				}
				got := s.heir(t, 3*time.Second)
				require.NotEmpty(t, got)
				assert.Equal(t, Unknown, got[0].Reply.Tone, "%s", got[0].Reply.Text)
				s.nim.Mend()
				s.heir(t, 3*time.Hour)
				assert.False(t, s.muted(t, 123))
				s.journal = s.memory.Open()
				assert.Contains(t, s.ask("active", "zhangsan", "active").Text.String(), "Nothing that this bot has set is in force.")
			})
		})
	}
	t.Run("it is not taken back either", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			require.Equal(t, Done, s.answered("1", "zhangsan", "delayclose 123 idle 1h").Tone)
			s.dies(t, "2", "night", "delayclose 123 idle 3h")
			s.heir(t, time.Second)
			calls := len(s.nim.Calls())
			reply := s.answered("3", "night", "undo 2")
			assert.Equal(t, Refused, reply.Tone, "%s", reply.Text)
			assert.Len(t, s.nim.Calls(), calls)
			assert.Contains(t, fmt.Sprint(s.answered("4", "night", "active").Fields), "empty for 1h, by Zhang San")
		})
	})
}

// TestTimerAfterNeedlessEnds: also an end that found nothing to do says that nothing is left to end.
func TestTimerAfterNeedlessEnds(t *testing.T) {
	for _, line := range []string{"unmuteroom 123", "undo 1"} {
		t.Run(line, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.Equal(t, Done, s.answered("1", "zhangsan", "muteroom 123 10m").Tone)
				s.outside(t, "unmuteroom 123")
				require.Equal(t, NoChange, s.answered("2", "zhangsan", line).Tone)
				s.outside(t, "muteroom 123")
				time.Sleep(time.Hour)
				assert.True(t, s.muted(t, 123), "that is somebody else's")
				assert.Empty(t, s.reports())
			})
		})
	}
}

// TestRepeatsAfterACrash: what another one had done before is not claimed by a second one whose process died.
func TestRepeatsAfterACrash(t *testing.T) {
	t.Run("a confirmation", func(t *testing.T) {
		policy, err := permissions.Parse([]byte("moderators:\n  - {name: Zhang San, console: [zhangsan], commands: ['*'], rooms: ['*']}\nconfirm: [muteroom]\n"), Vocabulary())
		require.NoError(t, err)
		onStage(t, func(t *testing.T, s *stage) {
			s.dispatcher.Policy = func() *permissions.Policy { return policy }
			require.Equal(t, Asks, s.answered("1", "zhangsan", "muteroom 123 10m").Tone)
			require.Equal(t, Done, s.answered("2", "zhangsan", "confirm 1").Tone)
			time.Sleep(3 * time.Minute)
			s.dies(t, "3", "zhangsan", "confirm 1")
			got := s.heir(t, time.Second)
			require.Len(t, got, 1)
			assert.Equal(t, NoChange, got[0].Reply.Tone, "%s", got[0].Reply.Text)
			time.Sleep(7*time.Minute + 2*time.Second)
			assert.False(t, s.muted(t, 123), "in ten minutes, not in thirteen")
		})
	})
	t.Run("an undo", func(t *testing.T) {
		onStage(t, func(t *testing.T, s *stage) {
			require.NoError(t, s.nim.Enter(123, "lisi"))
			s.answered("1", "zhangsan", "mute 123 lisi 1h")
			s.answered("2", "zhangsan", "undo 1")
			s.dies(t, "3", "night", "undo 1")
			got := s.heir(t, time.Second)
			require.Len(t, got, 1)
			assert.Equal(t, NoChange, got[0].Reply.Tone, "%s", got[0].Reply.Text)
			assert.Contains(t, got[0].Reply.Text.String(), "#1 is undone already, by Zhang San")
		})
	})
}

// TestShortExtension: also a few seconds are added once.
func TestShortExtension(t *testing.T) {
	for _, more := range []int{3, 4, 5, 8} {
		onStage(t, func(t *testing.T, s *stage) {
			require.NoError(t, s.nim.Enter(123, "lisi"))
			begun := time.Now()
			s.answered("1", "zhangsan", "mute 123 lisi 50m")
			s.dies(t, "2", "zhangsan", fmt.Sprintf("extend 1 %ds", more))
			s.outside(t, fmt.Sprintf("mute 123 lisi %ds", 3000+more))
			s.heir(t, time.Second)
			members, err := s.dispatcher.NetEase.Members(t.Context(), 123, []netease.AccID{"lisi"})
			require.NoError(t, err)
			assert.WithinDuration(t, begun.Add(50*time.Minute+time.Duration(more)*time.Second), time.Now().Add(members[0].TempMute), 1500*time.Millisecond, "%d s", more)
		})
	}
}

// TestPanicsElsewhere: a panic in what the bot is given does not lose the end of a mute.
func TestPanicsElsewhere(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		deliver := s.dispatcher.Deliver[permissions.Console]
		var calls atomic.Int64
		s.dispatcher.Deliver = map[permissions.Platform]Deliver{permissions.Console: func(ctx context.Context, l Late) error {
			if calls.Add(1) == 1 {
				panic("no network")
			}
			return deliver(ctx, l)
		}}
		reply := s.ask("1", "zhangsan", "muteroom 123 2m")
		s.dispatcher.Answered(reply.Number, false)
		time.Sleep(time.Hour)
		assert.False(t, s.muted(t, 123))
	})
}
