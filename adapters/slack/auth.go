package slack

import (
	"context"
	"regexp"
	"strings"

	slackapi "github.com/slack-go/slack"
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

// AppOf asks Slack to which app (A…) a bot token belongs, whom Identify has identified. The error is a *Refusal where Slack said no:
// "missing_scope" without users:read.
//
// https://docs.slack.dev/reference/methods/bots.info
func AppOf(ctx context.Context, apiURL, token string, who Identity) (app string, err error) {
	const method = "bots.info"
	bot, err := webAPI(apiURL, token, nil).GetBotInfoContext(ctx, slackapi.GetBotInfoParameters{Bot: who.BotID, TeamID: who.TeamID})
	if err != nil {
		return "", failure(method, err)
	}
	if bot.ID != who.BotID || !appID.MatchString(bot.AppID) {
		return "", &Refusal{method, "not ok"}
	}
	return bot.AppID, nil
}

var (
	appID       = regexp.MustCompile(`^A[A-Z0-9]{2,20}$`)
	appTokenApp = regexp.MustCompile(`^xapp-[0-9]+-(A[A-Z0-9]{2,20})-`)
)

// AppOfToken is the app (A…) that an app-level token names as its own: xapp-1-A0123-…, as all that were seen do, though Slack does not promise
// it. Empty: this one names none.
func AppOfToken(appToken string) string {
	m := appTokenApp.FindStringSubmatch(appToken)
	if m == nil {
		return ""
	}
	return m[1]
}

// MayConnect asks Slack whether an app-level token may open connections (Socket Mode). The error is a *Refusal where Slack said no; fix is what
// to do about it, and empty where it may be otherwise the next time.
//
// Asking makes Slack give an address, good for one connection and for a short time, which is thrown away here. Nobody must connect to it: Slack
// would count the connection as one of the app's, and send it a share of the commands, which the running bot would then not get.
//
// https://docs.slack.dev/reference/methods/apps.connections.open
func MayConnect(ctx context.Context, apiURL, appToken string) (fix string, err error) {
	const method = "apps.connections.open"
	_, address, err := webAPI(apiURL, "", nil, slackapi.OptionAppLevelToken(appToken)).StartSocketModeContext(ctx)
	if err != nil {
		return refusedFor(fatal(err)), failure(method, err)
	}
	if address == "" {
		return "", &Refusal{method, "not ok"}
	}
	return "", nil
}

// A Scope is a right of the bot token.
type Scope struct {
	Name   string // "chat:write"
	Why    string // "to tell …": what it is for
	Lost   string // what does not work without it, in a clause; empty: nothing that is in use
	Needed bool   // what is lost is what the bot was set up for
}

// scopes are those that the manifest asks for, in its order. There are no others: response_urls, to which answers go, need none, and neither do
// forms and the Home tab.
//
// https://docs.slack.dev/reference/scopes
var scopes = []struct {
	Scope
	group string // Lost where the policy file names user groups: then it is Needed
}{
	{Scope{"commands", "to be asked by slash commands and shortcuts", "nobody can ask the bot for anything", true}, ""},
	{Scope{"chat:write", "to give answers that have no other way: to forms that were not opened in a conversation, and those that come more than 30 minutes after the command; and to tell a channel that the bot has ended a timed room mute",
		"answers that come more than 30 minutes after the command, or after five posts, and those to forms without a conversation that takes them are in the history alone; after 30 minutes no channel is told that a timed room mute is over", false}, ""},
	{Scope{"usergroups:read", "to know who is in the user groups that the policy file names", "", false},
		"the user groups that the policy file names let nobody in"},
	{Scope{"users:read", "to answer people in their own language, and to keep guests and people of other organizations out whom a user group would let in",
		"everybody is answered in DEFAULT_LANGUAGE", false},
		"it cannot be told who is a guest, so the user groups that the policy file names let nobody in, and everybody is answered in DEFAULT_LANGUAGE"},
}

// Scopes are those that the manifest asks for, in its order, and what each is worth to this bot; groups: the policy file names user groups. That
// the manifest asks for all of them lets a policy file name groups later.
func Scopes(groups bool) []Scope {
	all := make([]Scope, 0, len(scopes))
	for _, s := range scopes {
		if groups && s.group != "" {
			s.Lost, s.Needed = s.group, true
		}
		all = append(all, s.Scope)
	}
	return all
}

// purpose is what a scope is for; empty for what is no scope of ours.
func purpose(scope string) string {
	for _, s := range scopes {
		if s.Name == scope {
			return s.Why
		}
	}
	return ""
}
