package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"roomwarden/adapters/slack"
	"roomwarden/journal/sqlstore"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// mostRooms is how many rooms of the policy file are looked up in NetEase.
const mostRooms = 50

// settings looks at the environment and the policy file.
func (d *doctor) settings(environ []string) {
	set, policy, problems := prepare(environ)
	d.set = set
	for _, p := range problems {
		part := "settings"
		if strings.HasPrefix(p, "PERMISSIONS_FILE") {
			part = "policy"
		}
		d.broken(part, "", "%s", p)
	}
	if len(problems) == 0 {
		d.ok("settings", "all that is required is there")
	}
	if set.NetEaseRate > warnRate {
		d.warn("settings", "Lower it, unless NetEase has raised your limit.", "NETEASE_RATE=%v is close to or above NetEase's usual 100 calls a second, which your own servers share", set.NetEaseRate)
	}
	for _, name := range unserved {
		if isSet(environ, name) {
			d.warn("settings", "Unset it.", "%s is set, and this version makes no use of it", name)
		}
	}
	if policy == nil {
		return
	}
	d.policy = policy.Policy()
	for _, w := range d.policy.Warnings() {
		d.warn("policy", "", "%s", w)
	}
	d.ok("policy", "%s holds no mistakes", set.PermissionsFile)
}

// journal looks at the database without changing or creating it.
func (d *doctor) journal(ctx context.Context) {
	if sqlstore.CheckAddress(d.set.DatabaseURL) != nil {
		return // told with the settings
	}
	path := strings.TrimPrefix(d.set.DatabaseURL, "sqlite:")
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		probe, err := os.CreateTemp(filepath.Dir(path), ".roomwarden-check-")
		if err != nil {
			d.broken("journal", "Make the folder, or let the user the bot runs as write into it.", "there is no journal at %s, and none can be made there: %v", path, err)
			return
		}
		probe.Close()
		os.Remove(probe.Name())
		d.ok("journal", "there is no journal at %s yet; bot serve will make one", path)
		return
	}
	if err != nil {
		d.broken("journal", "Let the user the bot runs as write it.", "the journal cannot be written: %v", err)
		return
	}
	f.Close()
	store, err := sqlstore.OpenReadOnly(ctx, d.set.DatabaseURL)
	if err != nil {
		d.broken("journal", "bot serve brings an older journal up to date; a newer one wants a newer bot; anything else is no journal.", "%v", err)
		return
	}
	store.Close()
	d.ok("journal", "%s can be read and written", path)
}

// slack looks at the token and its scopes.
func (d *doctor) slack(ctx context.Context) {
	if !slices.Contains(d.set.platforms(), permissions.Slack) {
		return
	}
	who, err := slack.Identify(ctx, d.set.SlackAPIURL, d.set.SlackBotToken)
	if err != nil {
		d.broken("slack", "Take the bot token anew from the app's page, OAuth & Permissions; look whether this machine reaches Slack.", "the bot token could not be used: %v", err)
		return
	}
	d.ok("slack", "the bot token is good for workspace %s (%s)", who.Team, who.TeamID)
	needed := slack.NeededScopes()
	for _, scope := range slices.Sorted(maps.Keys(needed)) {
		if !slices.Contains(who.Scopes, scope) {
			d.broken("slack", "Add it on the app's page, OAuth & Permissions, and install the app anew; bot manifest slack has all.", "the scope %s is missing: %s", scope, needed[scope])
		}
	}
	d.slackGroups(ctx)
	d.ok("slack", "the signing secret cannot be checked from here: a command in Slack shows whether it is right")
}

// slackGroups looks each user group of the policy file up.
func (d *doctor) slackGroups(ctx context.Context) {
	if d.policy == nil {
		return
	}
	groups := &slack.Groups{Token: d.set.SlackBotToken, APIURL: d.set.SlackAPIURL, Log: slog.New(slog.DiscardHandler)}
	for _, group := range d.policy.SlackGroups() {
		members, err := groups.Members(ctx, group)
		refusal, refused := errors.AsType[*slack.Refusal](err)
		switch {
		case refused && refusal.Word == "no_such_subteam":
			d.broken("policy", "Correct the id in the policy file: workspace/group, as in the group's link.", "Slack knows no user group %s", group)
		case err != nil:
			d.broken("slack", "Until this works, nobody is let in by that group.", "the user group %s could not be read: %v", group, err)
		default:
			d.ok("policy", "the user group %s has %d members", group, len(members))
		}
	}
}

// discord looks at the application, its public key, its endpoint and its commands.
func (d *doctor) discord(ctx context.Context) {
	if !slices.Contains(d.set.platforms(), permissions.Discord) {
		return
	}
	client := newDiscord(d.set)
	app, err := client.Application(ctx)
	if err != nil {
		d.broken("discord", "Take the bot token anew from the application's page, Bot; look whether this machine reaches Discord.", "the bot token could not be used: %v", err)
		return
	}
	d.ok("discord", "the bot token is good for application %s (%s)", app.Name, app.ID)
	if app.ID != d.set.DiscordApplicationID {
		d.broken("discord", "Set it to "+app.ID+", or take the token of the other application.", "DISCORD_APPLICATION_ID is another application's")
	}
	if !strings.EqualFold(app.VerifyKey, d.set.DiscordPublicKey) {
		d.broken("discord", "Set it to the Public Key on the application's page, General Information.", "DISCORD_PUBLIC_KEY is not this application's")
	}
	if app.InteractionsEndpointURL == "" {
		d.broken("discord", "Set it on the application's page to https://your.host/discord/interactions while the bot runs.", "the application has no Interactions Endpoint URL, so commands do not come here")
	} else {
		d.ok("discord", "commands are sent to %s", app.InteractionsEndpointURL)
	}
	drift, err := client.Drift(ctx, d.set.DiscordGuildIDs)
	switch {
	case err != nil:
		d.broken("discord", "Invite the application to the guild with the scope applications.commands, and look at DISCORD_GUILD_IDS.", "the registered commands could not be read: %v", err)
	case len(drift) > 0:
		d.warn("discord", "bot serve registers them at start.", "the registered commands are not those of this version: %s", strings.Join(drift, "; "))
	default:
		d.ok("discord", "the registered commands are those of this version")
	}
}

// netease looks at each domain, at the key, and at the rooms of the policy file and who acts there.
func (d *doctor) netease(ctx context.Context) {
	if d.set.NetEaseAppKey == "" || d.set.NetEaseAppSecret == "" {
		return // told with the settings
	}
	client := newNetEase(d.set)
	rooms := d.rooms()
	probed := netease.RoomID(1)
	if len(rooms) > 0 {
		probed = rooms[0]
	}
	accepted := false
	for _, p := range client.Probe(ctx, probed) {
		if d.domain(p) {
			accepted = true
		}
	}
	if accepted {
		d.roomsOf(ctx, client, rooms)
	}
}

// domain tells of one domain, and whether the key was accepted there.
func (d *doctor) domain(p netease.Probe) bool {
	const largeSkew, badSkew = time.Minute, 5 * time.Minute
	if p.Health != nil {
		d.broken("netease", "Look whether this machine reaches it, and whether NETEASE_BASE_URLS is right.", "%s is not healthy: %v", p.Base, p.Health)
	} else {
		d.ok("netease", "%s is healthy, %d ms away", p.Base, p.Latency.Milliseconds())
	}
	switch skew := p.Skew.Abs(); {
	case !p.Dated:
	case skew >= badSkew:
		d.broken("netease", "Set this machine's clock (NTP).", "this machine's clock is %v off NetEase's; 5 minutes are the most it accepts", skew)
	case skew >= largeSkew:
		d.warn("netease", "Set this machine's clock (NTP).", "this machine's clock is %v off NetEase's", skew)
	}
	e, answered := errors.AsType[*netease.Error](p.Key)
	switch {
	case p.Key == nil:
		d.ok("netease", "the key is accepted at %s", p.Base)
		return true
	case answered:
		x := e.Explain()
		said := ""
		if e.Desc != "" {
			said = " NetEase's own words: “" + e.Desc + "”."
		}
		causes := make([]string, len(x.Causes))
		for i, c := range x.Causes {
			causes[i] = c.English
		}
		d.broken("netease", cmp.Or(strings.Join(causes, " "), x.Next.English), "a signed read was answered %d at %s: %s%s", int(x.Code), p.Base, x.What.English, said)
	default:
		d.broken("netease", "Look whether this machine reaches it.", "a signed read was not answered by %s: %v", p.Base, p.Key)
	}
	return false
}

// rooms are those that the policy file names, each once.
func (d *doctor) rooms() []netease.RoomID {
	if d.policy == nil {
		return nil
	}
	var rooms []netease.RoomID
	for _, id := range d.policy.Rooms() {
		rooms = append(rooms, netease.RoomID(id))
	}
	return rooms
}

// roomsOf looks each room up: whether there is one, whether it is open, and whether the bot's operator may act there.
func (d *doctor) roomsOf(ctx context.Context, client *netease.Client, rooms []netease.RoomID) {
	if len(rooms) > mostRooms {
		d.warn("policy", "", "%d rooms are named; only the first %d were looked up", len(rooms), mostRooms)
		rooms = rooms[:mostRooms]
	}
	good := 0
	for _, id := range rooms {
		room, err := client.Room(ctx, id)
		switch {
		case errors.Is(err, netease.CodeNotFound):
			d.broken("policy", "Correct the number in the policy file, or take the room out.", "NetEase knows no room %d", id)
		case err != nil:
			d.warn("netease", "", "room %d could not be read: %v", id, err)
		case !room.Open:
			d.warn("policy", "Its creator can open it again.", "room %d is closed", id)
		default:
			good++
			d.operator(ctx, client, id)
		}
	}
	if len(rooms) > 0 && good == len(rooms) {
		d.ok("policy", "NetEase knows the %d rooms that the policy file names, and they are open", good)
	}
}

func (d *doctor) operator(ctx context.Context, client *netease.Client, room netease.RoomID) {
	operator := netease.AccID(d.set.NetEaseOperator)
	if operator == "" {
		return
	}
	members, err := client.Members(ctx, room, []netease.AccID{operator})
	if errors.Is(err, netease.CodeInvalid) {
		d.broken("settings", "Set it to an account that exists.", "NetEase does not accept NETEASE_OPERATOR %s: is it registered?", operator)
		return
	}
	if err != nil {
		return // the room itself could be read; this is a nicety
	}
	if !slices.ContainsFunc(members, func(m netease.Member) bool {
		return m.AccID == operator && (m.Type == "CREATOR" || m.Type == "MANAGER")
	}) {
		d.warn("policy", "Make it a manager of the room, or give every moderator of the room an accid.", "NETEASE_OPERATOR %s is neither creator nor manager of room %d: mutes by moderators without an accid will be refused there (403)", operator, room)
	}
}
