package commands

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/netease"
)

// TestPicture: whatever moderators do, and whatever answers of NetEase get lost, once the bot has looked it has in force what NetEase has: the same
// mutes until the same time, the same silenced rooms. Now and then the process dies in the middle, and another one takes over. PICTURES=N plays N conversations in place of 60.
func TestPicture(t *testing.T) {
	games := 60
	if n, err := strconv.Atoi(os.Getenv("PICTURES")); err == nil {
		games = n
	}
	for seed := range uint64(games) {
		var script []string
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onStage(t, func(t *testing.T, s *stage) {
				g := &game{s: s, r: rand.New(rand.NewPCG(seed, 41)), t: t, end: func() {}}
				for range 30 {
					script = append(script, g.step())
				}
				s.nim.Mend()
				g.wait(11 * time.Minute) // the bot has looked for ten minutes
				g.compare()
				g.end()
			})
		})
		if !ok {
			t.Fatalf("seed %d:\n%s", seed, strings.Join(script, "\n"))
		}
	}
}

// A game is a random conversation.
type game struct {
	s     *stage
	r     *rand.Rand
	t     *testing.T
	asked int
	last  int64  // journal number
	end   func() // of the process that has taken over last
}

func (g *game) any(words ...string) string { return words[g.r.IntN(len(words))] }

// number is that of an entry, more often a late one.
func (g *game) number() int64 {
	if g.last == 0 {
		return 1
	}
	return max(1, g.last-int64(g.r.ExpFloat64()*3))
}

// step does one thing, and says what.
func (g *game) step() string {
	switch g.r.IntN(10) {
	case 0:
		d := time.Duration(1+g.r.IntN(240)) * time.Second
		g.wait(d)
		return "clock: " + d.String()
	case 1, 2:
		op := g.any(string(netease.OpTemporaryMute), string(netease.OpTemporaryMute), string(netease.OpMuteRoom), string(netease.OpUpdateDelayClosePolicy), string(netease.OpQueryMembers), string(netease.OpGet))
		words := g.any(slices.Sorted(maps.Keys(faults))...)
		g.s.nim.Inject(netease.Op(op), faults[words])
		return "fault: " + op + " " + words
	}
	who := g.any("zhangsan", "night")
	line := g.line()
	g.asked++
	if g.r.IntN(12) == 0 {
		d := time.Duration(g.r.IntN(9000)) * time.Millisecond
		old, key := g.s.dispatcher, fmt.Sprint("game:", g.asked)
		go old.Handle(context.Background(), Request{Key: key, Who: person(who), Where: "C1", Line: line, At: time.Now()})
		g.wait(d)
		g.restart()
		return fmt.Sprintf("%s: %s, and the process dies after %s", who, line, d)
	}
	reply := g.s.ask(fmt.Sprint("game:", g.asked), who, line)
	g.s.dispatcher.Answered(reply.Number, true)
	synctest.Wait()
	g.last = max(g.last, reply.Number)
	g.believe(reply)
	return fmt.Sprintf("%s: %s → #%d %s: %s", who, line, reply.Number, reply.Tone, reply.Text)
}

// believe holds an answer that claims something against NetEase, at once: done is done, and what is so already is so.
func (g *game) believe(r Reply) {
	if r.Tone != Done && r.Tone != NoChange || r.Number == 0 {
		return
	}
	e, err := g.s.journal.Get(g.t.Context(), r.Number)
	require.NoError(g.t, err)
	if r.Tone == NoChange && e.Command != "unmute" && e.Command != "unmuteroom" {
		return // such as a confirmation that was given before
	}
	room, _ := g.s.nim.State(netease.RoomID(e.Room))
	left := time.Duration(0)
	for _, m := range room.Members {
		if m.AccID == netease.AccID(e.Target) {
			left = m.TempMute
		}
	}
	switch e.Command {
	case "mute":
		assert.InDelta(g.t, time.Until(e.Until).Seconds(), left.Seconds(), 5, "#%d: %s", e.Number, r.Text)
	case "unmute":
		assert.Zero(g.t, left, "#%d: %s", e.Number, r.Text)
	case "muteroom", "unmuteroom":
		assert.Equal(g.t, e.Command == "muteroom", room.Muted, "#%d: %s", e.Number, r.Text)
	case "delayclose":
		call, err := understood(e.Effect)
		require.NoError(g.t, err)
		assert.Equal(g.t, policies[call.args["policy"].Word], room.Timer.Policy, "#%d: %s", e.Number, r.Text)
	}
}

var policies = map[string]netease.ClosePolicy{closeOff: netease.CloseOff, closeIdle: netease.CloseIdle, closeFixed: netease.CloseFixed}

// restart lets the process die and another one take over.
func (g *game) restart() {
	g.s.journal.Kill()
	g.end()
	g.s.dispatcher.Stop(context.Background()) // nothing that it still does gets through
	var got []Late
	d, process := g.s.second(&got)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Recover(ctx) })
	g.s.dispatcher, g.s.journal = d, process
	g.end = func() {
		cancel()
		running.Wait()
		process.Close()
	}
	g.wait(time.Second)
}

func (g *game) line() string {
	room, target := g.any("123", "456"), g.any("lisi", "wangwu")
	length := g.any("30s", "5m", "20m", "1h", "3h")
	extra := ""
	if g.r.IntN(2) == 0 {
		extra = fmt.Sprintf(" replace=%d", g.number())
	}
	switch g.r.IntN(14) {
	case 12, 13:
		policy := g.any("idle 20h", "idle 30h", "fixed 40h", "fixed 50h", "off")
		return "delayclose " + room + " " + policy + " yes=yes" + g.any("", extra)
	case 0, 1, 2:
		return "mute " + room + " " + target + " " + length + extra
	case 3:
		return "unmute " + room + " " + target
	case 4:
		return "muteroom " + room + " " + length + extra
	case 5:
		return "muteroom " + room + " yes=yes" + extra
	case 6:
		return "unmuteroom " + room
	case 7:
		return fmt.Sprintf("extend %d %s", g.number(), length)
	case 8:
		return fmt.Sprintf("confirm %d", g.number())
	case 9:
		return "undo"
	case 10:
		return fmt.Sprintf("retry %d", g.number())
	}
	return fmt.Sprintf("undo %d", g.number())
}

func (g *game) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// unsure tells that the last word on the timer of a room is one whose outcome is not known: NetEase does not show timers.
func (g *game) unsure(room netease.RoomID) bool {
	list, err := g.s.journal.List(g.t.Context(), journal.Query{On: &journal.Target{Room: int64(room)}, Commands: []string{"delayclose"},
		Outcomes: []journal.Outcome{journal.Done, journal.Unknown}, Limit: 1})
	require.NoError(g.t, err)
	return len(list) > 0 && list[0].Outcome == journal.Unknown
}

// compare holds the bot's picture against NetEase's.
func (g *game) compare() {
	call, err := Parse("active")
	require.NoError(g.t, err)
	j := g.s.dispatcher.job(call, person("zhangsan"), English)
	all, complete, err := j.inForce(g.t.Context(), journal.Query{})
	require.NoError(g.t, err)
	require.True(g.t, complete)
	until := map[string]time.Time{} // of mutes by the bot's picture
	silent := map[int64]bool{}
	timers := map[int64]string{}
	for _, l := range j.look(g.t.Context(), all) {
		require.NoError(g.t, l.err)
		if !l.there { // it was seen not to be; that may only be news where something is not known
			later, err := j.changedSince(g.t.Context(), l.entry, 0)
			require.NoError(g.t, err)
			assert.True(g.t, l.entry.Outcome == journal.Unknown || later != nil && later.Outcome == journal.Unknown,
				"#%d is in force by the journal, and not by NetEase", l.entry.Number)
			continue
		}
		switch {
		case l.call.Command.Name == "mute":
			ends := l.standing.until
			if l.entry.Outcome == journal.Unknown && l.state.until.Sub(ends).Abs() <= Budget+inFlight { // when it was set is not known
				ends = l.state.until
			}
			until[fmt.Sprint(l.entry.Room, " ", l.entry.Target)] = ends
		case l.call.Command.Name == "delayclose":
			timers[l.entry.Room] = l.call.args["policy"].Word
			if l.entry.Outcome == journal.Unknown {
				timers[l.entry.Room] = "unknown"
			}
		default:
			silent[l.entry.Room] = true
		}
	}
	for _, room := range []netease.RoomID{123, 456} {
		assert.Equal(g.t, g.s.muted(g.t, room), silent[int64(room)], "room %d", room)
		state, _ := g.s.nim.State(room)
		if timer := timers[int64(room)]; timer != "unknown" && !g.unsure(room) {
			assert.Equal(g.t, policies[timer], state.Timer.Policy, "timer of room %d", room)
		}
		members, err := g.s.dispatcher.NetEase.Members(g.t.Context(), room, []netease.AccID{"lisi", "wangwu"})
		require.NoError(g.t, err)
		for _, m := range members {
			ends, known := until[fmt.Sprint(room, " ", m.AccID)]
			assert.Equal(g.t, m.TempMute > 0, known, "%s in room %d", m.AccID, room)
			if known {
				assert.WithinDuration(g.t, time.Now().Add(m.TempMute), ends, 2*time.Second, "%s in room %d", m.AccID, room)
			}
		}
	}
}
