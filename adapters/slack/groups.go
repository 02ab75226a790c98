package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"
)

const (
	groupsKept   = 5 * time.Minute  // how long the members of a group are believed; none are believed any longer
	groupsRetry  = 10 * time.Second // how long a group that could not be fetched is left alone, unless Slack says longer
	groupsWait   = time.Second      // how long a command waits for its author's groups: part of firstAnswer
	groupsAtOnce = 4                // fetches at a time, for all commands together
)

// Groups knows who is in the Slack user groups that matter. Token, Named and Log are required. It may be used by many
// goroutines at once; its fields must not change after the first use, and it must not be copied.
//
// Keep asks for members before they are needed; what is missing all the same is asked for when a command needs it.
// Members are believed for groupsKept after the question, also when a newer question has failed, and no longer: nobody is
// let in by what is not known. A failure is logged when it begins, when its reason changes and when it ends.
//
// Slack counts calls per method: it answers some 20 a minute, and then says for how long it answers none. In that time
// nothing is asked, about no group.
type Groups struct {
	Token  string          // the bot token; its scope usergroups:read is used
	APIURL string          // another API root (SLACK_API_URL); empty: Slack's
	HTTP   *http.Client    // nil: http.DefaultTransport. Time-outs and redirects are not left to it
	Named  func() []string // the groups that the policy in force names, "T0123/S0789"
	Log    *slog.Logger

	calls singleflight.Group
	mu    sync.Mutex
	slots chan struct{}      // full with groupsAtOnce fetches
	known map[string]members // by group; as many as policies have named
	hold  time.Time          // until then Slack wants no calls
}

// members is what is known of a group.
type members struct {
	users   map[string]bool
	until   time.Time // users are believed until then
	asked   time.Time // when it was asked for last
	problem string    // why that failed, in a word
	again   time.Time // after a failure: it is not asked for before
	changed time.Time // when Slack told of a change: what was asked before that is not believed
}

// Of returns which of the named groups of a workspace a user is in, as ids (S…), and whether all those groups are known:
// when not, one may be missing. It returns within groupsWait; a group that is not fetched by then is not known, and what
// comes of its fetching serves the next command.
func (g *Groups) Of(ctx context.Context, team, user string) (groups []string, known bool) {
	var pairs []string
	for _, pair := range g.Named() {
		if strings.HasPrefix(pair, team+"/") {
			pairs = append(pairs, pair)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, groupsWait)
	defer cancel()
	found := make([]members, len(pairs))
	var lookups sync.WaitGroup
	for i, pair := range pairs {
		lookups.Go(func() { found[i] = g.find(ctx, pair) })
	}
	lookups.Wait()

	known = true
	for i, pair := range pairs {
		if found[i].users == nil {
			known = false
		}
		if found[i].users[user] {
			groups = append(groups, strings.TrimPrefix(pair, team+"/"))
		}
	}
	return groups, known
}

// find returns the members of a group; without users when they are not known before ctx ends.
func (g *Groups) find(ctx context.Context, pair string) members {
	if m, ok := g.settled(pair); ok {
		return m
	}
	fetched := g.calls.DoChan(pair, func() (any, error) {
		if m, ok := g.settled(pair); ok {
			return m, nil // by a call that ended just now
		}
		return g.fetch(pair), nil
	})
	select {
	case result := <-fetched:
		return result.Val.(members)
	case <-ctx.Done():
		return members{}
	}
}

// settled tells what to go by without asking Slack, if there is that: members that are believed, or, without users, that
// it is too early to ask.
func (g *Groups) settled(pair string) (members, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, now := g.known[pair], time.Now()
	if now.Before(m.until) {
		return m, true
	}
	return members{}, now.Before(m.again) || now.Before(g.hold)
}

// fetch asks Slack for the members of a group when its turn comes, unless Slack wants no calls then, and remembers them.
// It belongs to no single command: it ends within twice callTime, and all who want to know wait for the same one.
func (g *Groups) fetch(pair string) (got members) {
	defer func() {
		if p := recover(); p != nil { // nobody else could
			g.Log.Error("slack: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			got = members{}
		}
	}()
	slots := g.atOnce()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-time.After(callTime):
		return members{} // others are asked for, slowly; nothing is known of this one
	}
	if g.held() {
		m, _ := g.settled(pair)
		return m
	}
	asked := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	users, err := g.Members(ctx, pair)
	return g.remember(pair, asked, users, err)
}

// Changed forgets who is in a group, when it is one that matters. It is the next one that Keep asks for, once for however many changes come
// together; a command that needs it earlier asks by itself. It does not block.
func (g *Groups) Changed(team, group string) {
	pair := team + "/" + group
	if !slices.Contains(g.Named(), pair) {
		return
	}
	g.mu.Lock()
	m := g.known[pair]
	m.users, m.until, m.asked, m.changed = nil, time.Time{}, time.Time{}, time.Now()
	if g.known == nil {
		g.known = make(map[string]members)
	}
	g.known[pair] = m
	g.mu.Unlock()
	g.Log.Info("slack: a user group has changed", "group", pair)
	g.calls.Forget(pair) // what is being asked may be answered as it was
}

func (g *Groups) atOnce() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slots == nil {
		g.slots = make(chan struct{}, groupsAtOnce)
	}
	return g.slots
}

func (g *Groups) held() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.hold)
}

// remember keeps what came of asking for a group, and returns what is believed of it now.
func (g *Groups) remember(pair string, asked time.Time, users []string, err error) members {
	g.mu.Lock()
	m, now := g.known[pair], time.Now()
	was := m.problem
	if asked.Before(m.changed) {
		g.mu.Unlock()
		return members{}
	}
	m.asked = asked
	if err == nil {
		m = members{users: make(map[string]bool, len(users)), until: asked.Add(groupsKept), asked: asked, changed: m.changed}
		for _, user := range users {
			m.users[user] = true
		}
	} else {
		m.problem, m.again = reason(err), now.Add(pause(err))
		if m.problem == rateLimited && m.again.After(g.hold) {
			g.hold = m.again
		}
		if !now.Before(m.until) {
			m.users = nil
		}
	}
	if g.known == nil {
		g.known = make(map[string]members)
	}
	g.known[pair] = m
	g.mu.Unlock()

	switch {
	case m.problem == was:
	case err != nil:
		g.Log.Warn("slack: user group not fetched, so it lets nobody in, at the latest in 5 minutes", "group", pair, "error", err)
	default:
		g.Log.Info("slack: user group fetched again", "group", pair, "members", len(users))
	}
	return m
}

// Members asks Slack who is in a group, "T0123/S0789". The error is a *Refusal where Slack said no ("no_such_subteam",
// "missing_scope"), and never holds the token.
//
// https://docs.slack.dev/reference/methods/usergroups.users.list
func (g *Groups) Members(ctx context.Context, pair string) ([]string, error) {
	team, group, _ := strings.Cut(pair, "/")
	users, err := webAPI(g.APIURL, g.Token, g.HTTP).GetUserGroupMembersContext(ctx, group, slackapi.GetUserGroupMembersOptionTeamID(team))
	if err != nil {
		return nil, failure("usergroups.users.list", err)
	}
	return users, nil
}

const rateLimited = "ratelimited" // as Slack calls it

// reason is an error in a word, the same for the same trouble: ports and times in texts differ.
func reason(err error) string {
	if _, limited := errors.AsType[*slackapi.RateLimitedError](err); limited {
		return rateLimited
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Word
	}
	return "no answer"
}

// pause is how long not to ask again after an error.
func pause(err error) time.Duration {
	if limited, ok := errors.AsType[*slackapi.RateLimitedError](err); ok {
		return min(max(limited.RetryAfter, groupsRetry), groupsKept)
	}
	return groupsRetry
}
