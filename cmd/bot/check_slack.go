package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"roomwarden/adapters/slack"
	"roomwarden/permissions"
)

// slack looks at the tokens, what they may, and the ids of the policy file.
func (d *doctor) slack(ctx context.Context) (r report) {
	if !slices.Contains(d.set.platforms(), permissions.Slack) || !d.sound(&r, "slack", "SLACK_API_URL", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_CONNECTIONS") {
		return r
	}
	who, known := d.botToken(ctx, &r)
	d.socket(ctx, &r, who)
	if known {
		var groups []string
		if d.policy != nil {
			groups = d.policy.SlackGroups()
		}
		d.scopes(&r, who, len(groups) > 0)
		d.workspaces(&r, who)
		d.slackGroups(ctx, &r, groups)
	}
	return r
}

// botToken finds out whose SLACK_BOT_TOKEN is.
func (d *doctor) botToken(ctx context.Context, r *report) (who slack.Identity, known bool) {
	who, err := slack.Identify(ctx, d.set.SlackAPIURL, d.set.SlackBotToken)
	if _, refused := errors.AsType[*slack.Refusal](err); refused {
		r.broken("slack", "Take the bot token anew from the app's page, OAuth & Permissions (xoxb-…).", "Slack does not accept the bot token: %v", err)
		return who, false
	} else if err != nil {
		r.broken("slack", "Look whether this machine reaches Slack, and at SLACK_API_URL.", "Slack could not be asked: %v", err)
		return who, false
	}
	r.ok("slack", "the token is good for workspace %s (%s)", who.Team, who.TeamID)
	if who.BotID == "" {
		r.broken("slack", "Take the bot token from the app's page, OAuth & Permissions (xoxb-…).", "SLACK_BOT_TOKEN is a person's token, not a bot's")
	}
	return who, true
}

// scopes looks whether the bot token may do what is switched on, and what is lost without the others.
func (d *doctor) scopes(r *report, who slack.Identity, groups bool) {
	const fix = "Add it on the app's page, OAuth & Permissions, and install the app anew; bot manifest slack has all."
	if who.Scopes == nil {
		r.warn("slack", "Compare the app's page, OAuth & Permissions, with bot manifest slack.", "Slack did not tell which scopes the token has")
		return
	}
	missing := 0
	for _, s := range slack.Scopes(groups) {
		switch {
		case slices.Contains(who.Scopes, s.Name) || s.Lost == "":
		case s.Needed:
			r.broken("slack", fix, "the scope %s is missing: %s", s.Name, s.Lost)
			missing++
		default:
			r.warn("slack", fix, "the scope %s is missing: %s", s.Name, s.Lost)
			missing++
		}
	}
	if missing == 0 {
		r.ok("slack", "the token has all scopes that are used")
	}
}

// socket looks whether the app-level token may open connections, and is the same app's as the bot token; without a token (HTTP) it tells how the
// other way can be looked at.
func (d *doctor) socket(ctx context.Context, r *report, who slack.Identity) {
	if d.set.SlackAppToken == "" {
		if d.address == "" && len(d.set.SlackSigningSecrets) > 0 {
			r.ok("slack", "Slack calls the bot over HTTP; whether your address leads here, bot check --url https://your.host finds out")
		}
		return
	}
	fix, err := slack.MayConnect(ctx, d.set.SlackAPIURL, d.set.SlackAppToken)
	refusal, refused := errors.AsType[*slack.Refusal](err)
	switch {
	case fix != "":
		r.broken("slack", fix+".", "Socket Mode cannot work: %v", err)
	case refused:
		r.warn("slack", "Run bot check again; if it stays so, look at Socket Mode on the app's page.", "whether Socket Mode works cannot be told now: Slack said %s to %s", refusal.Word, refusal.Method)
	case err != nil:
		r.warn("slack", "Run bot check again in a minute; if it stays so, look whether this machine reaches Slack, and at SLACK_API_URL.", "whether Socket Mode works cannot be told now: %v", err)
	default:
		r.ok("slack", "SLACK_APP_TOKEN may open connections (Socket Mode); connections kept by each process: %d", d.set.SlackConnections)
	}
	d.sameApp(ctx, r, who)
}

// sameApp looks whether the two tokens are of one app: with those of two, commands come and nothing that is said to Slack fits them.
func (d *doctor) sameApp(ctx context.Context, r *report, who slack.Identity) {
	const compare = "Compare the App ID on the app's page, Basic Information, where SLACK_APP_TOKEN comes from, with that of the page where SLACK_BOT_TOKEN comes from."
	appOfApp := slack.AppOfToken(d.set.SlackAppToken)
	if appOfApp == "" {
		r.warn("slack", compare, "SLACK_APP_TOKEN does not show which app it belongs to, so whether both tokens are of one app cannot be told")
		return
	}
	if who.BotID == "" { // said already
		return
	}
	appOfBot, err := slack.AppOf(ctx, d.set.SlackAPIURL, d.set.SlackBotToken, who)
	refusal, refused := errors.AsType[*slack.Refusal](err)
	switch {
	case refused && refusal.Word == "missing_scope":
		r.warn("slack", "Add the scope users:read, or compare by hand: the App ID on the page where SLACK_BOT_TOKEN comes from must be "+appOfApp+".",
			"SLACK_APP_TOKEN is of the app %s; whether SLACK_BOT_TOKEN is, too, cannot be told without the scope users:read", appOfApp)
	case err != nil:
		r.warn("slack", compare, "SLACK_APP_TOKEN is of the app %s; whether SLACK_BOT_TOKEN is, too, cannot be told: %v", appOfApp, err)
	case appOfBot != appOfApp:
		r.broken("slack", "Take both from the page of one app: the bot token from OAuth & Permissions, the app-level token from Basic Information.",
			"the tokens are of different apps: SLACK_BOT_TOKEN of %s, SLACK_APP_TOKEN of %s", appOfBot, appOfApp)
	default:
		r.ok("slack", "both tokens are of the app %s", appOfApp)
	}
}

// workspaces looks whether the policy file names people of the token's workspace or organization.
func (d *doctor) workspaces(r *report, who slack.Identity) {
	if d.policy == nil {
		return
	}
	for _, id := range d.policy.SlackIDs() {
		space, _, _ := strings.Cut(id, "/")
		if space != who.TeamID && space != who.Enterprise {
			r.broken("policy", "Write "+who.TeamID+"/… if it is somebody of this workspace; the command whoami shows the id.", "%s is of another workspace than the token (%s), and lets nobody in", id, who.TeamID)
		}
	}
}

// slackGroups looks each user group of the policy file up.
func (d *doctor) slackGroups(ctx context.Context, r *report, named []string) {
	if len(named) > slack.MostGroups {
		r.warn("policy", "Name fewer groups, or people.", "%d user groups are named; Slack lets %d be read often enough", len(named), slack.MostGroups)
	}
	groups := &slack.Groups{Token: d.set.SlackBotToken, APIURL: d.set.SlackAPIURL, Log: slog.New(slog.DiscardHandler)}
	for i, group := range named {
		if i == 15 { // Slack allows about 20 such calls a minute, and the bot itself needs some
			r.warn("policy", "Look the others up in Slack.", "only the first 15 user groups were looked up")
			return
		}
		members, err := groups.Members(ctx, group)
		refusal, refused := errors.AsType[*slack.Refusal](err)
		switch {
		case refused && refusal.Word == "no_such_subteam":
			r.broken("policy", "Correct the id in the policy file: workspace/group.", "Slack knows no user group %s", group)
		case err != nil:
			r.broken("slack", "Until this works, nobody is let in by that group.", "the user group %s could not be read: %v", group, err)
		default:
			r.ok("policy", "user group %s: members: %d", group, len(members))
		}
	}
}
