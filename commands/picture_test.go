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
		op := g.any(string(netease.OpTemporaryMute), string(netease.OpTemporaryMute), string(netease.OpMuteRoom), string(netease.OpQueryMembers), string(netease.OpGet))
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
	return fmt.Sprintf("%s: %s → #%d %s: %s", who, line, reply.Number, reply.Tone, reply.Text)
}

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
	switch g.r.IntN(12) {
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
		default:
			silent[l.entry.Room] = true
		}
	}
	for _, room := range []netease.RoomID{123, 456} {
		assert.Equal(g.t, g.s.muted(g.t, room), silent[int64(room)], "room %d", room)
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
