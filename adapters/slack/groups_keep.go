package slack

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	keepFresh = 4 * time.Minute // how old what is known of a group becomes before it is asked for again
	keepPace  = 4 * time.Second // between two questions: 15 a minute, and the rest of Slack's 20 is for commands
)

// MostGroups is how many named groups can be kept known: each once in keepFresh, at keepPace. Some more take longer for
// each round; from 75 on, a round takes longer than members are believed, and people are refused until their group's turn
// comes.
const MostGroups = int(keepFresh / keepPace)

// Keep keeps every named group known until ctx ends, so that commands find who is in it without waiting: one after the
// other, the one first whose last question is the longest ago. In the first minutes it gets to know them at the same
// pace. It may run once.
func (g *Groups) Keep(ctx context.Context) {
	pace := time.NewTicker(keepPace)
	defer pace.Stop()
	for {
		if pair, ok := g.next(); ok {
			select {
			case <-g.calls.DoChan(pair, func() (any, error) { return g.fetch(pair), nil }):
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

// next is the group to ask for now, if there is one.
func (g *Groups) next() (pair string, ok bool) {
	named := g.Named()
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var oldest time.Time
	for _, each := range named {
		m := g.known[each]
		due := m.asked.Add(keepFresh)
		if m.problem != "" {
			due = m.again
		}
		if !now.Before(due) && (!ok || m.asked.Before(oldest)) {
			pair, oldest, ok = each, m.asked, true
		}
	}
	return pair, ok
}

// Trouble says which named groups cannot be read and why, in a sentence; empty: there is no trouble that is known of.
// Slack is not asked.
func (g *Groups) Trouble() string {
	const most = 3 // groups told of one by one
	named := g.Named()
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var all []string
	for _, pair := range named {
		m := g.known[pair]
		why := m.problem
		if why == "" && now.Before(g.hold) && !now.Before(m.until) {
			why = rateLimited
		}
		if why != "" {
			all = append(all, fmt.Sprintf("%s (%s)", pair, why))
		}
	}
	if len(all) == 0 {
		return ""
	}
	more := ""
	if len(all) > most {
		all, more = all[:most], fmt.Sprintf(" and %d more", len(all)-most)
	}
	return "Slack user groups that cannot be read: " + strings.Join(all, ", ") + more
}
