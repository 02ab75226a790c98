package slack

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"
)

const (
	groupsKept  = 5 * time.Minute  // how long the members of a group are believed; none are believed any longer
	groupsRetry = 10 * time.Second // how long a group that could not be fetched is left alone, unless Slack says longer
	groupsWait  = time.Second      // how long a command waits for its author's groups: part of firstAnswer
)

// Groups knows who is in the Slack user groups that matter. Token, Named and Log are required. It may be used by many
// goroutines at once; its fields must not change after the first use, and it must not be copied.
//
// Who is in a group is asked when a command needs it, and believed for groupsKept. A group that cannot be fetched has no
// members: nobody is let in by what is not known. That is logged when it begins, when its reason changes and when it ends.
type Groups struct {
	Token  string          // the bot token; its scope usergroups:read is used
	APIURL string          // another API root (SLACK_API_URL); empty: Slack's
	HTTP   *http.Client    // nil: http.DefaultTransport. Time-outs and redirects are not left to it
	Named  func() []string // the groups that the policy in force names, "T0123/S0789"
	Log    *slog.Logger

	calls singleflight.Group
	mu    sync.Mutex
	known map[string]members // by group; as many as policies have named
}

// members is what is known of a group.
type members struct {
	users   map[string]bool
	problem string    // why it could not be fetched, in a word; then users is nil
	until   time.Time // when it must be fetched again
}

// Of returns which of the named groups of a workspace a user is in, as ids (S…). It returns within groupsWait; a group
// that is not fetched by then is left out, and what comes of its fetching serves the next command.
func (g *Groups) Of(ctx context.Context, team, user string) []string {
	var pairs []string
	for _, pair := range g.Named() {
		if strings.HasPrefix(pair, team+"/") {
			pairs = append(pairs, pair)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, groupsWait)
	defer cancel()
	in := make([]bool, len(pairs))
	var lookups sync.WaitGroup
	for i, pair := range pairs {
		lookups.Go(func() { in[i] = g.has(ctx, pair, user) })
	}
	lookups.Wait()

	var groups []string
	for i, pair := range pairs {
		if in[i] {
			groups = append(groups, strings.TrimPrefix(pair, team+"/"))
		}
	}
	return groups
}

// has tells whether a group is known to have a user before ctx ends.
func (g *Groups) has(ctx context.Context, pair, user string) bool {
	if m, ok := g.believed(pair); ok {
		return m.users[user]
	}
	fetched := g.calls.DoChan(pair, func() (any, error) { return g.fetch(pair), nil })
	select {
	case result := <-fetched:
		return result.Val.(members).users[user]
	case <-ctx.Done():
		return false
	}
}

func (g *Groups) believed(pair string) (members, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, ok := g.known[pair]
	return m, ok && time.Now().Before(m.until)
}

// fetch asks Slack for the members of a group, and remembers them. It belongs to no single command: it ends with
// callTime, and all who want to know wait for the same one.
func (g *Groups) fetch(pair string) members {
	if m, ok := g.believed(pair); ok {
		return m // by a call that ended just now
	}
	asked := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	users, err := g.Members(ctx, pair)

	m := members{users: make(map[string]bool, len(users)), until: asked.Add(groupsKept)}
	for _, user := range users {
		m.users[user] = true
	}
	if err != nil {
		m = members{problem: reason(err), until: time.Now().Add(pause(err))}
	}
	g.mu.Lock()
	was := g.known[pair].problem
	if g.known == nil {
		g.known = make(map[string]members)
	}
	g.known[pair] = m
	g.mu.Unlock()

	switch {
	case m.problem == was:
	case err != nil:
		g.Log.Warn("slack: user group not fetched, so it lets nobody in", "group", pair, "error", err)
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

// reason is an error in a word, the same for the same trouble: ports and times in texts differ.
func reason(err error) string {
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
