package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"roomwarden/permissions"
)

const (
	personKept  = 10 * time.Minute // how long what Slack says of somebody is believed
	personRetry = 10 * time.Second // how long it is not asked about somebody again after it could not say
	personHold  = 5 * time.Minute  // how long it is asked about nobody where the token may not
	personWait  = time.Second      // how long a command waits for it: part of firstAnswer
	maxPeople   = 10_000           // that are remembered; the next one is remembered alone
)

// A Person is what Slack says of somebody.
type Person struct {
	Locale string // "zh-CN"; empty: Slack does not say
	// Outside tells that they are no member of the workspace in their own right: a guest, a bot, somebody of another organization, or
	// somebody who has left. A user group lets none of them in.
	Outside bool
}

// People knows what Slack says of people. Token and Log are required. It may be used by many goroutines at once; its fields must not change
// after the first use, and it must not be copied.
type People struct {
	Token  string       // the bot token; its scope users:read is used
	APIURL string       // another API root (SLACK_API_URL); empty: Slack's
	HTTP   *http.Client // nil: http.DefaultTransport. Time-outs and redirects are not left to it
	Log    *slog.Logger

	calls   singleflight.Group
	mu      sync.Mutex
	known   map[string]profile // by workspace and user
	hold    time.Time          // until then Slack wants no calls, or the token may make none
	problem string             // why nothing is asked until then, in a word
}

type profile struct {
	Person
	until time.Time // it is believed until then
	again time.Time // after a failure: it is not asked before
}

// Of returns what Slack says of somebody; without known only their locale counts, as it was. It returns within personWait.
func (p *People) Of(ctx context.Context, who permissions.Subject) (person Person, known bool) {
	ctx, cancel := context.WithTimeout(ctx, personWait)
	defer cancel()
	if got, settled := p.settled(who); settled {
		return got.Person, time.Now().Before(got.until)
	}
	asked := p.calls.DoChan(who.ID(), func() (any, error) {
		if got, settled := p.settled(who); settled {
			return got, nil // by a call that ended just now
		}
		return p.ask(who), nil
	})
	select {
	case result := <-asked:
		got := result.Val.(profile)
		return got.Person, time.Now().Before(got.until)
	case <-ctx.Done():
		got, _ := p.settled(who)
		return got.Person, false
	}
}

// settled tells what to go by without asking Slack, if there is that.
func (p *People) settled(who permissions.Subject) (got profile, settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got = p.known[who.ID()]
	now := time.Now()
	return got, now.Before(got.until) || now.Before(got.again) || now.Before(p.hold)
}

// Trouble says why people cannot be looked up; empty: they can, as far as is known.
func (p *People) Trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.problem == "" || !time.Now().Before(p.hold) {
		return ""
	}
	return "Slack does not tell who people are (" + p.problem + "): user groups let nobody in, and everybody is answered in the default language."
}

// ask asks Slack. It belongs to no single command: it ends within callTime.
//
// https://docs.slack.dev/reference/methods/users.info
func (p *People) ask(who permissions.Subject) (got profile) {
	defer func() {
		if panicked := recover(); panicked != nil { // nobody else could
			p.Log.Error("slack: panic", "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
			got = profile{}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	asked := time.Now()
	user, err := webAPI(p.APIURL, p.Token, p.HTTP).GetUserInfoContext(ctx, who.User)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPeople {
		p.known = make(map[string]profile)
	}
	got = p.known[who.ID()]
	if err == nil && user.ID != who.User {
		err = errNotSlack
	}
	if err != nil {
		err = failure("users.info", err)
		got.again = time.Now().Add(personRetry)
		p.known[who.ID()] = got
		p.failed(err)
		return got
	}
	p.problem = ""
	got = profile{Person: Person{Locale: user.Locale, Outside: outside(user, who)}, until: asked.Add(personKept)}
	p.known[who.ID()] = got
	return got
}

// failed notes an error; p.mu is held.
func (p *People) failed(err error) {
	why, hold := reason(err), time.Duration(0)
	if limited, ok := errors.AsType[*slackapi.RateLimitedError](err); ok {
		hold = min(max(limited.RetryAfter, personRetry), personHold)
	} else if slices.Contains(tokenTrouble, why) {
		hold = personHold
	}
	if hold == 0 {
		p.Log.Info("slack: somebody could not be looked up", "error", err)
		return
	}
	p.hold = time.Now().Add(hold)
	if p.problem != why {
		p.Log.Warn("slack: nobody can be looked up for now: user groups let nobody in, and people are answered in the default language", "error", err, "for", hold)
	}
	p.problem = why
}

// tokenTrouble are Slack's words for a token that may not look anybody up.
var tokenTrouble = []string{"missing_scope", "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "no_permission", "not_allowed_token_type", "unknown_method"}

// outside tells whether somebody is no member in their own right of the workspace that who is of. In an organization (Enterprise Grid) a person
// is of several workspaces.
func outside(user *slackapi.User, who permissions.Subject) bool {
	if user.Deleted || user.IsBot || user.IsRestricted || user.IsUltraRestricted || user.IsStranger {
		return true
	}
	switch teams := user.Enterprise.Teams; {
	case len(teams) > 0:
		return !slices.Contains(teams, who.Space)
	case user.TeamID == "", user.TeamID == who.Space:
		return false
	}
	return who.Org == "" || user.TeamID != who.Org && user.Enterprise.EnterpriseID != who.Org
}
