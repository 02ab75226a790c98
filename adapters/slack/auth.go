package slack

import (
	"context"
	"strings"
)

// An Identity is whom Slack takes the holder of a token for.
type Identity struct {
	Team, TeamID string   // the workspace: its name, and T…
	Enterprise   string   // E…, in an Enterprise Grid; else empty
	UserID       string   // U… or W…
	BotID        string   // B…; empty: the token is a person's
	Scopes       []string // that the token has, in Slack's order; nil: Slack did not say
}

// Identify asks Slack about a token, at apiURL (empty: Slack's own). The error is a *Refusal where Slack said no, and
// never holds the token.
//
// https://docs.slack.dev/reference/methods/auth.test
func Identify(ctx context.Context, apiURL, token string) (Identity, error) {
	const method = "auth.test"
	answer, err := webAPI(apiURL, token, nil).AuthTestContext(ctx)
	if err != nil {
		return Identity{}, failure(method, err)
	}
	if answer.TeamID == "" && answer.EnterpriseID == "" {
		return Identity{}, &Refusal{method, "not ok"}
	}
	who := Identity{
		Team: answer.Team, TeamID: answer.TeamID, Enterprise: answer.EnterpriseID,
		UserID: answer.UserID, BotID: answer.BotID,
	}
	for scope := range strings.SplitSeq(answer.Header.Get("X-OAuth-Scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			who.Scopes = append(who.Scopes, scope)
		}
	}
	return who, nil
}

// scopes are those of the bot token, and what for. There are no others: response_urls, to which answers go, need none.
//
// https://docs.slack.dev/reference/scopes
var scopes = []struct {
	name, why string
	need      need
}{
	{"commands", "to be asked by slash commands, and to answer them", always},
	{"chat:write", "to tell a channel that the bot has ended a timed room mute, and people, in private, answers that come more than 30 minutes after the command", useful},
	{"usergroups:read", "to know who is in the user groups that the policy file names", forGroups},
}

// A need tells when the bot cannot do without a scope.
type need int

const (
	always    need = iota
	forGroups      // where the policy file names user groups
	useful         // never: it does more with it
)

// NeededScopes is what the bot needs each scope for that it cannot do without, by scope; groups: the policy file names user groups. Manifest asks
// for these and for chat:write, so that a policy file may name groups later.
func NeededScopes(groups bool) map[string]string {
	needed := make(map[string]string, len(scopes))
	for _, s := range scopes {
		if s.need == always || s.need == forGroups && groups {
			needed[s.name] = s.why
		}
	}
	return needed
}

// purpose is what a scope is for; empty for what is no scope of ours.
func purpose(scope string) string {
	for _, s := range scopes {
		if s.name == scope {
			return s.why
		}
	}
	return ""
}
