package commands

import (
	"context"
	"fmt"
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

// outside makes a call of somebody who does not use the bot.
func (s *stage) outside(t *testing.T, line string) { s.send(t, line, netease.NewRequestID()) }

// TestSetOutside: what others do at NetEase is not in the journal; it is seen when something is to be taken back or overwritten.
func TestSetOutside(t *testing.T) {
	for _, tt := range []struct {
		name, first, outside, line string
		after                      time.Duration
		tone                       Tone
		says                       string
	}{
		{"a longer mute is not the one to undo", "mute 123 lisi 5m", "mute 123 lisi 1h", "undo 1", 0, Refused, "That is not the mute of #1, which ends at"},
		{"nor when the own one is over", "mute 123 lisi 5m", "mute 123 lisi 1h", "undo 1", 6 * time.Minute, Refused, "it was set outside this bot"},
		{"unmuted", "mute 123 lisi 5m", "unmute 123 lisi", "undo 1", 0, NoChange, "There is nothing left to undo of #1."},
		{"unmuted, and muted by somebody else here", "mute 123 lisi 5m", "unmute 123 lisi", "mute 123 lisi 1m", 0, Done, "is muted"},
		{"muted again after an unmute", "unmute 123 lisi", "mute 123 lisi 1h", "undo 1", 0, Refused, "cannot be undone"},
		{"an unmute that is undone, and was by others", "mute 123 lisi 5m; unmute 123 lisi", "mute 123 lisi 1h", "undo 2", 0, NoChange, "There is nothing left to undo of #2."},
		{"a longer mute is extended", "mute 123 lisi 5m", "mute 123 lisi 1h", "extend 1 10m", 0, Done, "lasts 10m longer"},
		{"one that was ended is not", "mute 123 lisi 5m", "unmute 123 lisi", "extend 1 10m", 0, Refused, "#1 is over"},
		{"a room that was opened again", "muteroom 123 10m", "unmuteroom 123", "undo 1", 0, NoChange, "There is nothing left to undo of #1."},
		{"nor is it extended", "muteroom 123 10m", "unmuteroom 123", "extend 1 10m", 0, Refused, "#1 is over"},
		{"a room that others have muted", "unmuteroom 123", "muteroom 123", "muteroom 123 10m", 0, NoChange, "the bot will not end it either"},
		{"a room that others have muted, later", "muteroom 123 10m; unmuteroom 123", "muteroom 123", "undo 2", 0, NoChange, "There is nothing left to undo of #2."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				for i, line := range strings.Split(tt.first, "; ") {
					s.answered(fmt.Sprint("f", i), "zhangsan", line)
				}
				s.outside(t, tt.outside)
				time.Sleep(tt.after)
				calls := len(s.nim.Calls())
				reply := s.answered("2", "night", tt.line)
				assert.Equal(t, tt.tone, reply.Tone, "%s", reply.Text)
				assert.Contains(t, reply.Text.String(), tt.says)
				for _, c := range s.nim.Calls()[calls:] {
					if tt.tone == Refused || tt.tone == NoChange && c.Code == 200 {
						assert.Contains(t, []netease.Op{netease.OpQueryMembers, netease.OpGet}, c.Op, "only looked")
					}
				}
			})
		})
	}
}

// TestConfirmByPolicy: the policy file says what else is asked about, and who may go without.
func TestConfirmByPolicy(t *testing.T) {
	policy, err := permissions.Parse([]byte(`
moderators:
  - {name: Zhang San, console: [zhangsan], commands: ["*"], rooms: ["*"]}
  - {name: Night, console: [night], commands: ["*"], rooms: ["*"], skip_confirmation: true}
confirm: [mute, unmuteroom]
`), Vocabulary())
	require.NoError(t, err)
	for _, tt := range []struct {
		who, line string
		tone      Tone
	}{
		{"zhangsan", "mute 123 lisi 5m", Asks},
		{"zhangsan", "mute 123 lisi 5m yes=yes", Asks},
		{"night", "mute 123 lisi 5m", Asks},
		{"night", "mute 123 lisi 5m yes=yes", Done},
		{"night", "mute 123 lisi 5m yes=no", Asks},
		{"zhangsan", "unmute 123 lisi", Done},
		{"zhangsan", "unmuteroom 123", Asks},
		{"zhangsan", "muteroom 123 5m", Done},
		{"zhangsan", "delayclose 123 idle 1h", Done},
		{"zhangsan", "delayclose 123 fixed 1h", Asks},
		{"zhangsan", "delayclose 123 off", Done},
	} {
		t.Run(tt.who+" "+tt.line, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				s.dispatcher.Policy = func() *permissions.Policy { return policy }
				public := make(chan bool, 1)
				reply := s.dispatcher.Handle(t.Context(), Request{Key: "1", Who: person(tt.who), Line: tt.line, At: time.Now(), Allowed: func(p bool) { public <- p }})
				require.Equal(t, tt.tone, reply.Tone, "%s", reply.Text)
				assert.Equal(t, tt.tone == Done, <-public, "a question is private")
				if tt.tone == Asks {
					for _, op := range s.ops() {
						assert.Contains(t, op, "get", "nothing but a look")
					}
					confirmed := s.answered("2", tt.who, "confirm 1")
					assert.NotEqual(t, Asks, confirmed.Tone)
					assert.NotEqual(t, Refused, confirmed.Tone)
				}
			})
		})
	}
}

// TestCancelledWhileItIsConfirmed: whichever comes first counts, and the other one hears of it.
func TestCancelledWhileItIsConfirmed(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.Equal(t, Asks, s.answered("1", "zhangsan", "muteroom 123").Tone)
		other, process := s.second(new([]Late))
		slow := &slowToFinish{Store: process, started: make(chan struct{}), goOn: make(chan struct{})}
		other.Journal = slow
		go other.Handle(t.Context(), Request{Key: "cancel", Who: person("zhangsan"), Line: "cancel 1", At: time.Now()})
		<-slow.started
		replies := make(chan Reply, 1)
		go func() { replies <- s.ask("2", "zhangsan", "confirm 1") }()
		synctest.Wait()
		close(slow.goOn)
		reply := <-replies
		assert.Equal(t, Refused, reply.Tone, "%s", reply.Text)
		assert.Contains(t, reply.Text.String(), "#1 was dropped before (#2)")
		assert.False(t, s.muted(t, 123))
		require.NoError(t, other.Stop(t.Context()))
		require.NoError(t, process.Close())
	})
}

// A slowToFinish journal takes its time over the first end.
type slowToFinish struct {
	journal.Store
	once          sync.Once
	started, goOn chan struct{}
}

func (s *slowToFinish) Finish(ctx context.Context, h journal.Hand, r journal.Result) error {
	s.once.Do(func() {
		close(s.started)
		<-s.goOn
	})
	return s.Store.Finish(ctx, h, r)
}

// TestUndoIsAboutOneself: undo without a number is about what that person did, not somebody of the same name.
func TestUndoIsAboutOneself(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		namesake := permissions.Subject{Platform: permissions.Console, User: "night", Name: "zhangsan"}
		reply := s.dispatcher.Handle(t.Context(), Request{Key: "1", Who: namesake, Line: "mute 123 lisi 5m", At: time.Now()})
		require.Equal(t, Done, reply.Tone)
		reply = s.answered("2", "zhangsan", "undo")
		assert.Equal(t, Refused, reply.Tone, "%s", reply.Text)
		elsewhere := permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "zhangsan", Name: "zhangsan"}
		reply = s.dispatcher.Handle(t.Context(), Request{Key: "3", Who: elsewhere, Line: "undo", At: time.Now()})
		assert.Equal(t, Refused, reply.Tone, "%s", reply.Text)
	})
}

// TestActiveWithManyMutes: nothing of what is in force is left out because there is much, and NetEase is asked about the page alone.
func TestActiveWithManyMutes(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		for i := range 150 {
			target := fmt.Sprint("member", i)
			s.nim.AddAccounts(netease.AccID(target))
			require.NoError(t, s.nim.Enter(123, netease.AccID(target)))
			require.Equal(t, Done, s.answered(target, "zhangsan", fmt.Sprintf("mute 123 %s %dm", target, 200-i)).Tone)
		}
		calls := len(s.nim.Calls())
		reply := s.answered("x", "zhangsan", "active page=2")
		assert.Contains(t, reply.Text.String(), "In force: up to 150")
		require.Len(t, reply.Fields, shownActive)
		assert.Contains(t, reply.Fields[0].Value.String(), "member139 muted", "what ends first comes first")
		assert.Equal(t, calls+2, len(s.nim.Calls()), "no more than up to this page")
		require.Len(t, reply.Choices, shownActive+2)
		assert.Equal(t, Choice{"Undo #140", "undo 140"}, reply.Choices[0])
		assert.Equal(t, []Choice{{"Previous", "active page=1"}, {"More", "active page=3"}}, reply.Choices[shownActive:])

		s.nim.Inject(netease.OpQueryMembers, sandbox.Fault{Code: 500, Times: 15})
		reply = s.answered("y", "zhangsan", "active page=15")
		assert.Len(t, reply.Fields, 10)
		assert.Contains(t, reply.Fields[0].Value.String(), "NetEase could not be asked")
		require.Len(t, reply.Choices, shownActive+1)
		assert.Equal(t, Choice{"Previous", "active page=14"}, reply.Choices[shownActive])
		reply = s.answered("z", "zhangsan", "active page=99")
		assert.Equal(t, []Choice{{"Previous", "active page=15"}}, reply.Choices, "the last one there is")
	})
}

// TestActivePages: every mute is on one page, also when some were shortened outside the bot, and the pages end where no more is looked at.
func TestActivePages(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		mute := func(from, to int) {
			for i := from; i <= to; i++ {
				target := fmt.Sprint("member", i)
				s.nim.AddAccounts(netease.AccID(target))
				require.NoError(t, s.nim.Enter(123, netease.AccID(target)))
				require.Equal(t, Done, s.answered(target, "zhangsan", fmt.Sprintf("mute 123 %s %dm", target, 100+i)).Tone)
			}
		}
		mute(1, 25)
		s.outside(t, "mute 123 member16 10m")
		pages := func() (met map[string]int, last Reply) {
			met = map[string]int{}
			for page := 1; page <= 40; page++ {
				last = s.answered(fmt.Sprint(len(s.nim.Calls()), "page", page), "zhangsan", fmt.Sprint("active page=", page))
				for _, f := range last.Fields {
					met[f.Label]++
				}
				if i := len(last.Choices); i == 0 || last.Choices[i-1].Label != "More" {
					return met, last
				}
			}
			t.Fatal("More without an end")
			return nil, Reply{}
		}
		met, _ := pages()
		for i := 1; i <= 25; i++ {
			assert.Equal(t, 1, met[fmt.Sprint("#", i)], "#%d", i)
		}
		mute(26, 230)
		met, last := pages()
		assert.Len(t, met, mostLooked)
		assert.Contains(t, last.Text.String(), "Only the first 200 were looked at; name a room to see the others.")
	})
}

// TestActiveIsEnded: each thing that is in force has a button that ends it, for those who may press it, whose number says which.
func TestActiveIsEnded(t *testing.T) {
	policy, err := permissions.Parse([]byte(`
moderators:
  - {name: Zhang San, console: [zhangsan], accid: zhangsan, commands: ["*"], rooms: ["*"], skip_confirmation: true}
  - {name: Night, console: [night], commands: [room, mute, muteroom], rooms: [123]}
  - {name: On-call, console: [oncall], commands: [room], rooms: [123]}
`), Vocabulary())
	require.NoError(t, err)
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Policy = func() *permissions.Policy { return policy }
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.answered("1", "zhangsan", "mute 123 lisi 5m")
		s.answered("2", "zhangsan", "mute 123 wangwu 10m")
		s.answered("3", "zhangsan", "muteroom 123 1h")
		s.answered("4", "zhangsan", "muteroom 123 2h replace=3")
		s.answered("5", "zhangsan", "delayclose 123 fixed 3h yes=yes")
		s.outside(t, "mute 123 lisi 30m")
		active := func(who, locale string) (choices []Choice) {
			key := fmt.Sprint(who, locale)
			reply := s.dispatcher.Handle(t.Context(), Request{Key: key, Who: person(who), Line: "active room=123", Locale: locale, At: time.Now()})
			s.dispatcher.Answered(reply.Number, true)
			require.Len(t, reply.Fields, 4)
			return reply.Choices
		}
		assert.Equal(t, []Choice{{"Undo #2", "undo 2"}, {"Unmute #1", "unmute room=123 target=lisi"}, {"Unmute room #4", "unmuteroom room=123"}, {"Cancel timer #5", "undo 5"}},
			active("zhangsan", "en"), "taking #1 back would be refused, and taking #4 back would bring #3 back")
		assert.Equal(t, []Choice{{"撤销 #2", "undo 2"}, {"解除禁言 #1", "unmute room=123 target=lisi"}, {"解除整体禁言 #4", "unmuteroom room=123"}, {"取消定时关闭 #5", "undo 5"}},
			active("zhangsan", "zh-CN"))
		assert.Equal(t, []Choice{{"Undo #2", "undo 2"}, {"Undo #4", "undo 4"}}, active("night", ""), "what they may do")
		assert.Empty(t, active("oncall", ""))
		for i, c := range active("zhangsan", "zh") {
			assert.Equal(t, Done, s.answered(fmt.Sprint("press ", i), "zhangsan", c.Line).Tone, c.Line)
		}
		assert.Contains(t, s.answered("x", "zhangsan", "active").Text.String(), "Nothing that this bot has set is in force.")
	})
}

// TestNotForThem: what somebody may not touch does not exist for them, whatever it was and however it ended.
func TestNotForThem(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		for i, line := range []string{"mute 456 lisi 5m", "mute 456 nobody 5m", "room 456", "muteroom 456", "unmute 456 wangwu", "history"} {
			s.answered(fmt.Sprint("a", i), "zhangsan", line)
		}
		for number := range 8 {
			for _, line := range []string{"undo", "extend", "confirm", "cancel", "retry", "show"} {
				text := fmt.Sprintf("%s %d", line, number+1)
				if text == "retry 6" { // that is their own history
					continue
				}
				if line == "extend" {
					text += " 10m"
				}
				reply := s.answered(text, "oncall", text)
				assert.Equal(t, Refused, reply.Tone, text)
				assert.Equal(t, fmt.Sprintf("There is no entry #%d that you could use here.", number+1), reply.Text.String(), text)
			}
		}
	})
}

// TestQuestionIsNotTakenForDone: a question whose process has died stays one, also when somebody outside has done the very thing meanwhile.
func TestQuestionIsNotTakenForDone(t *testing.T) {
	policy, err := permissions.Parse([]byte("moderators:\n  - {name: Zhang San, console: [zhangsan], commands: ['*'], rooms: ['*']}\nconfirm: [mute]\n"), Vocabulary())
	require.NoError(t, err)
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Policy = func() *permissions.Policy { return policy }
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.dies(t, "1", "zhangsan", "mute 123 lisi 30m")
		s.outside(t, "mute 123 lisi 30m")
		got := s.heir(t, time.Second)
		require.Len(t, got, 1)
		assert.Equal(t, Asks, got[0].Reply.Tone, "%s", got[0].Reply.Text)
	})
}

// TestWhatIsNotThere: numbers that lead nowhere are answered like those of others' entries.
func TestWhatIsNotThere(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		for i, line := range []string{"cancel 9999", "cancel 0", "confirm 9999", "undo 0", "extend 9999 10m", "retry 9999", "show 9999"} {
			for _, who := range []string{"zhangsan", "oncall"} {
				reply := s.answered(fmt.Sprint(who, i), who, line)
				assert.Equal(t, Refused, reply.Tone, "%s: %s", line, reply.Text)
				assert.Contains(t, reply.Text.String(), "There is no entry #", "%s", line)
			}
		}
	})
}

// TestUndoOfAnUndoIsAsked: undo without a number after an undo touches nothing else.
func TestUndoOfAnUndoIsAsked(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "night", "mute 123 lisi 1h")
		s.answered("2", "zhangsan", "mute 456 wangwu 1h")
		require.Equal(t, Done, s.answered("3", "night", "undo 2").Tone)
		reply := s.answered("4", "night", "undo")
		assert.Equal(t, Refused, reply.Tone)
		require.Len(t, reply.Choices, 1)
		assert.Equal(t, "undo 3", reply.Choices[0].Line)
		assert.Len(t, s.writes(), 3)
	})
}

// TestQuestionIsAnsweredOnce: also when its confirmation met something else in its way.
func TestQuestionIsAnsweredOnce(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.Equal(t, Asks, s.answered("1", "zhangsan", "muteroom 123").Tone)
		require.Equal(t, Done, s.answered("2", "night", "muteroom 123 10m").Tone)
		require.Equal(t, Asks, s.answered("3", "zhangsan", "confirm 1").Tone, "somebody is on it")
		require.Equal(t, Done, s.answered("4", "night", "unmuteroom 123").Tone)
		reply := s.answered("5", "zhangsan", "confirm 1")
		assert.Equal(t, NoChange, reply.Tone, "%s", reply.Text)
		assert.Contains(t, reply.Text.String(), "#1 was confirmed already (#3")
		assert.False(t, s.muted(t, 123))
	})
}

// TestUndoRightAfter: who is quicker than the journal waits for it.
func TestUndoRightAfter(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Gather = 50 * time.Millisecond
		require.NoError(t, s.nim.Enter(123, "lisi"))
		first := s.ask("1", "zhangsan", "mute 123 lisi 5m")
		require.Equal(t, Done, first.Tone)
		reply := s.ask("2", "zhangsan", "undo 1")
		assert.Equal(t, Done, reply.Tone, "%s", reply.Text)
		s.dispatcher.Answered(1, true)
		s.dispatcher.Answered(2, true)
		synctest.Wait()
	})
}

// TestOwnMuteDoesNotShortenAnothers: one's own short mute is not put over a longer one that somebody has set outside meanwhile.
func TestOwnMuteDoesNotShortenAnothers(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.answered("1", "zhangsan", "mute 123 lisi 10m")
		s.outside(t, "mute 123 lisi 2h")
		reply := s.answered("2", "zhangsan", "mute 123 lisi 30m")
		assert.Equal(t, Asks, reply.Tone, "%s", reply.Text)
		assert.Contains(t, reply.Text.String(), "Yours would end earlier.")
		assert.Contains(t, fmt.Sprint(s.answered("3", "zhangsan", "active").Fields), "its end was changed outside this bot")
	})
}

// TestTimerThatMayBeCancelled: where a cancellation was not answered that is said wherever the timer is shown, and an unknown timer is not extended.
func TestTimerThatMayBeCancelled(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "zhangsan", "delayclose 123 fixed 5h yes=yes")
		s.nim.Inject(netease.OpUpdateDelayClosePolicy, faults["is silent for good, having done it"])
		reply := s.answered("2", "zhangsan", "delayclose 123 off")
		assert.Equal(t, Unknown, reply.Tone)
		assert.Contains(t, reply.Text.String(), "was cancelled is not known")
		assert.Contains(t, fmt.Sprint(s.answered("3", "zhangsan", "active").Fields), "whether #2 ended it is not known")
		assert.Contains(t, fmt.Sprint(s.answered("4", "zhangsan", "room 123").Fields), "whether #2 ended it is not known")

		s.nim.Inject(netease.OpUpdateDelayClosePolicy, faults["is silent for good, having done nothing"])
		require.Equal(t, Unknown, s.answered("5", "zhangsan", "delayclose 456 fixed 5h yes=yes").Tone)
		extended := s.answered("6", "zhangsan", "extend 5 1h")
		assert.Equal(t, Refused, extended.Tone)
		assert.Equal(t, "retry 5", extended.Choices[0].Line)
	})
}

// TestActiveCountsWhatIsThere: what never took effect is neither in force nor ended by anybody.
func TestActiveCountsWhatIsThere(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpMuteRoom, faults["is silent for good, having done nothing"])
		require.Equal(t, Unknown, s.answered("1", "zhangsan", "muteroom 123 yes=yes").Tone)
		assert.Equal(t, "Nothing that this bot has set is in force.", s.answered("2", "zhangsan", "active").Text.String())
	})
}

// TestQuestionsTellWhatTheyAreAbout: the question before an undo or an extension says so.
func TestQuestionsTellWhatTheyAreAbout(t *testing.T) {
	policy, err := permissions.Parse([]byte("moderators:\n  - {name: Zhang San, console: [zhangsan], commands: ['*'], rooms: ['*']}\nconfirm: [mute]\n"), Vocabulary())
	require.NoError(t, err)
	onStage(t, func(t *testing.T, s *stage) {
		s.answered("1", "zhangsan", "mute 123 lisi 5m")
		s.dispatcher.Policy = func() *permissions.Policy { return policy }
		reply := s.answered("2", "zhangsan", "extend 1 10m")
		assert.Equal(t, Asks, reply.Tone)
		assert.Contains(t, reply.Text.String(), "That makes #1 by Zhang San (zhangsan) last 10m longer.")
		require.Equal(t, Done, s.answered("3", "zhangsan", "confirm 2").Tone)
		reply = s.answered("4", "zhangsan", "undo 3")
		assert.Equal(t, Asks, reply.Tone)
		assert.Contains(t, reply.Text.String(), "That undoes #3 by Zhang San (zhangsan).")
	})
}

// TestGate: so many pass at once, and whoever waits gives up when their time is over.
func TestGate(t *testing.T) {
	var g gate
	var leaves []func()
	for range mostScans {
		leave, err := g.enter(t.Context())
		require.NoError(t, err)
		leaves = append(leaves, leave)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.enter(over)
	assert.ErrorIs(t, err, context.Canceled)
	leaves[0]()
	_, err = g.enter(t.Context())
	assert.NoError(t, err)
}

// TestUndoWaits: undo alone is about the last thing that was asked for, also while that is under way or its outcome is being written.
func TestUndoWaits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault sandbox.Fault // of the second mute
		says  string
	}{
		{"under way", sandbox.Fault{Delay: 4 * time.Second, Applied: true}, "#2 by Zhang San (zhangsan) is undone. The temporary mute of wangwu"},
		{"under way, and failing then", sandbox.Fault{Delay: 4 * time.Second, Code: 403}, "#1 by Zhang San (zhangsan) is undone. The temporary mute of lisi"},
		{"for longer", sandbox.Fault{Delay: 20 * time.Second, Applied: true, Times: 9}, "#2 is still under way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				require.NoError(t, s.nim.Enter(123, "lisi"))
				s.answered("1", "zhangsan", "mute 123 lisi 1h")
				s.nim.Inject(netease.OpTemporaryMute, tt.fault)
				var slow sync.WaitGroup
				slow.Go(func() { s.ask("2", "zhangsan", "mute 123 wangwu 1h") })
				synctest.Wait()
				assert.Contains(t, s.ask("3", "zhangsan", "undo").Text.String(), tt.says)
				slow.Wait()
			})
		})
	}
}

// TestDoubtfulIsEnded: what may have been ended is not undone, and who may not end it is offered nothing.
func TestDoubtfulIsEnded(t *testing.T) {
	policy, err := permissions.Parse([]byte(`
moderators:
  - {name: Zhang San, console: [zhangsan], accid: zhangsan, commands: ["*"], rooms: ["*"]}
  - {name: Night, console: [night], commands: [room, mute, unmute, muteroom], rooms: [123]}
`), Vocabulary())
	require.NoError(t, err)
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Policy = func() *permissions.Policy { return policy }
		s.answered("1", "zhangsan", "muteroom 123 1h")
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Code: 500})
		s.nim.Inject(netease.OpGet, sandbox.Fault{Code: 500})
		require.Equal(t, Unknown, s.answered("2", "zhangsan", "unmuteroom 123").Tone)
		assert.Equal(t, []Choice{{"Unmute room #1", "unmuteroom room=123"}}, s.answered("3", "zhangsan", "active").Choices)
		assert.Empty(t, s.answered("4", "night", "active").Choices)
	})
}

// TestSettled: who presses a button of what is over has the card say so, but not where somebody has pressed it a moment before: that one's answer stands there.
func TestSettled(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		require.NoError(t, s.nim.Enter(123, "lisi"))
		s.answered("1", "zhangsan", "mute 123 lisi 1h")
		s.answered("2", "night", "undo 1")
		assert.False(t, s.answered("3", "zhangsan", "undo 1").Settled)
		time.Sleep(time.Minute)
		for _, line := range []string{"undo 1", "extend 1 10m"} {
			reply := s.answered(line, "zhangsan", line)
			assert.True(t, reply.Settled, line)
			assert.False(t, reply.Public, "where nothing was pressed it is for the person alone")
			assert.Contains(t, reply.Text.String(), "by Night (night) at")
		}
		s.answered("6", "zhangsan", "mute 123 lisi 5m")
		s.outside(t, "unmute 123 lisi")
		assert.True(t, s.answered("7", "zhangsan", "undo 6").Settled)
		assert.False(t, s.answered("8", "night", "undo 5").Settled, "that was no effect")
	})
}
