package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"roomwarden/adapters/discord"
	"roomwarden/journal/sqlstore"
	"roomwarden/permissions"
)

// settings looks at the environment and the policy file.
func (d *doctor) settings(environ []string) (r report) {
	set, policy, problems := prepare(environ)
	d.set, d.wrong = set, problems
	for _, p := range problems {
		part := "settings"
		if p.setting == "PERMISSIONS_FILE" {
			part = "policy"
		}
		r.broken(part, p.fix, "%s", p.text)
	}
	if len(problems) == 0 {
		r.ok("settings", "all that is required is there")
	}
	if set.NetEaseRate > warnRate {
		r.warn("settings", "Lower it, unless NetEase has raised your limit.", "NETEASE_RATE=%v is close to or above NetEase's usual 100 calls a second, which your own servers share", set.NetEaseRate)
	}
	if isSet(environ, "SLACK_CONNECTIONS") && set.SlackAppToken == "" {
		r.warn("settings", "Unset it, or set SLACK_APP_TOKEN (Socket Mode).", "SLACK_CONNECTIONS is set, and does nothing without SLACK_APP_TOKEN")
	}
	if policy == nil {
		return r
	}
	d.policy = policy.Policy()
	for _, w := range d.policy.Warnings() {
		r.warn("policy", "Look at that line of the policy file.", "%s", w)
	}
	if len(d.policy.SlackIDs()) > 0 && !slices.Contains(set.platforms(), permissions.Slack) {
		r.warn("policy", "Set Slack up, or take them out.", "people in Slack are named, and Slack is not set up")
	}
	r.ok("policy", "%s has no mistakes", set.PermissionsFile)
	return r
}

// journal looks at the database and its folder without changing or creating it.
func (d *doctor) journal(ctx context.Context) (r report) {
	if !d.sound(&r, "journal", "DATABASE_URL") {
		return r
	}
	path, file := strings.CutPrefix(d.set.DatabaseURL, "sqlite:")
	if !file {
		d.database(ctx, &r)
		return r
	}
	probe, err := os.CreateTemp(filepath.Dir(path), ".roomwarden-check-")
	if err != nil { // SQLite keeps files of its own beside the journal
		r.broken("journal", "Make the folder, or let the user the bot runs as write into it.", "nothing can be written into the journal's folder: %v", err)
		return r
	}
	probe.Close()
	os.Remove(probe.Name())
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		r.ok("journal", "there is no journal at %s yet; bot serve will make one", path)
		return r
	}
	if err != nil {
		r.broken("journal", "Let the user the bot runs as write it.", "the journal cannot be written: %v", err)
		return r
	}
	info, err := f.Stat()
	f.Close()
	if err == nil && info.Size() == 0 {
		r.ok("journal", "%s is empty; bot serve will make it a journal", path)
		return r
	}
	store, err := sqlstore.OpenReadOnly(ctx, d.set.DatabaseURL)
	switch {
	case errors.Is(err, sqlstore.ErrOlder):
		r.ok("journal", "%s is of an older version; bot serve will bring it up to date. Take a backup first", path)
	case err != nil:
		r.broken("journal", "A newer journal wants a newer bot, a damaged one its backup (docs/operating.md#backup); anything else is no journal: name another file.", "%v", err)
	default:
		defer store.Close()
		if err := store.Sound(ctx); err != nil {
			r.broken("journal", "Keep a copy of the file for whoever looks into it, and restore a backup (docs/operating.md#backup).", "the journal is damaged: %v", err)
			return r
		}
		r.ok("journal", "%s can be read and written", path)
	}
	return r
}

// database looks at a journal on a server. The address may hold a password, so nothing shows it.
func (d *doctor) database(ctx context.Context, r *report) {
	store, err := sqlstore.OpenReadOnly(ctx, d.set.DatabaseURL)
	switch {
	case errors.Is(err, sqlstore.ErrOlder):
		r.ok("journal", "the database answers; its journal is missing or of an older version, and bot serve will bring it up to date")
	case err != nil:
		r.broken("journal", "Look whether this machine reaches the database, and whether DATABASE_URL is right.", "%v", err)
	default:
		store.Close()
		r.ok("journal", "the database answers, and its journal can be read")
	}
}

// discord looks at the application, how its interactions come here, its servers and its commands.
func (d *doctor) discord(ctx context.Context) (r report) {
	if !slices.Contains(d.set.platforms(), permissions.Discord) || !d.sound(&r, "discord", "DISCORD_API_URL", "DISCORD_BOT_TOKEN", "DISCORD_APPLICATION_ID", "DISCORD_GUILD_IDS") {
		return r
	}
	client := newDiscord(d.set)
	app, err := client.Application(ctx)
	if e, answered := errors.AsType[*discord.Error](err); answered && e.Status == 401 {
		r.broken("discord", "Take the bot token anew from the application's page, Bot.", "Discord does not accept the bot token: %v", err)
		return r
	} else if err != nil {
		r.broken("discord", "Look whether this machine reaches Discord, and at DISCORD_API_URL.", "Discord could not be asked: %v", err)
		return r
	}
	r.ok("discord", "the token is good for application %s (%s)", app.Name, app.ID)
	wrong := app.Mismatches(d.set.DiscordApplicationID, d.set.DiscordPublicKey)
	for _, m := range wrong {
		r.broken("discord", m.Fix, "%s", m.What)
	}
	switch {
	case len(wrong) > 0:
	case d.set.DiscordPublicKey == "":
		r.ok("discord", "commands come through the gateway")
	default:
		r.ok("discord", "commands are sent to %s", app.InteractionsEndpointURL)
	}
	if app.ID != d.set.DiscordApplicationID { // nothing else of this application is another's
		return r
	}
	d.guilds(ctx, &r, client)
	d.commands(ctx, &r, client)
	return r
}

// guilds looks whether the bot is a member of the guilds it is to serve.
func (d *doctor) guilds(ctx context.Context, r *report, client *discord.Client) {
	absent, none, err := client.Absent(ctx, d.set.DiscordGuildIDs)
	gateway := d.set.DiscordPublicKey == ""
	switch {
	case err != nil:
		r.warn("discord", "Run bot check again in a minute.", "whether the bot is a member of its servers could not be seen: %v", err)
	case none && gateway && len(absent) == 0:
		r.broken("discord", "Invite the application with the scopes bot and applications.commands: docs/discord.md has the address.", "the bot is in no server, and the gateway brings nothing from any")
	case len(absent) > 0 && gateway:
		r.broken("discord", "Invite the application with the scopes bot and applications.commands, or correct DISCORD_GUILD_IDS.",
			"the bot is no member of %s, and the gateway brings nothing from there", strings.Join(absent, ", "))
	case len(absent) > 0:
		r.warn("discord", "Invite the application with the scopes bot and applications.commands, or correct DISCORD_GUILD_IDS.",
			"the bot is no member of %s, so it cannot report there what it has done by itself", strings.Join(absent, ", "))
	}
}

// commands looks whether the registered commands are those of this version.
func (d *doctor) commands(ctx context.Context, r *report, client *discord.Client) {
	drift, err := client.Drift(ctx, d.set.DiscordGuildIDs)
	if len(drift.Differences) > 0 {
		r.warn("discord", "bot serve registers them at start.", "the registered commands are not those of this version: %s", strings.Join(drift.Differences, "; "))
	} else if err == nil {
		r.ok("discord", "the registered commands are those of this version")
	}
	if err != nil {
		r.broken("discord", "Invite the application to the server with the scopes bot and applications.commands, and look at DISCORD_GUILD_IDS.", "the registered commands could not all be read: %v", err)
	}
	if drift.NotLooked != nil {
		r.warn("discord", "If commands are shown twice, remove the older ones by hand.", "commands left over elsewhere could not be looked for: %v", drift.NotLooked)
	}
}
