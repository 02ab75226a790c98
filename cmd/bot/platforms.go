package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"roomwarden/adapters/discord"
	"roomwarden/adapters/slack"
	"roomwarden/commands"
	"roomwarden/permissions"
)

// A platforms puts the chat platforms that are set up on the listener.
type platforms struct {
	set     settings
	policy  *permissions.File
	log     *slog.Logger
	health  *health
	mux     *http.ServeMux
	handle  commands.Handler
	guide   *commands.Dispatcher // of forms and Home tabs
	count   *metrics
	observe func(commands.Event)
	leads   func() bool // whether this replica does what only one may do

	answered func(number int64, delivered bool)
	deliver  map[permissions.Platform]commands.Deliver                      // filled by the platforms that are set up
	renew    func(context.Context, permissions.Subject) permissions.Subject // nil: no platform reads groups

	stops []func(context.Context) error
	jobs  []func(context.Context) // run beside the listener until their context ends
}

func (p *platforms) slack() {
	if !slices.Contains(p.set.platforms(), permissions.Slack) {
		return
	}
	groups := &slack.Groups{
		Token: p.set.SlackBotToken, APIURL: p.set.SlackAPIURL, Log: p.log,
		Named: func() []string { return p.policy.Policy().SlackGroups() },
	}
	people := &slack.People{Token: p.set.SlackBotToken, APIURL: p.set.SlackAPIURL, Log: p.log}
	adapter := &slack.Adapter{
		SigningSecrets: p.set.SlackSigningSecrets, CommandPrefix: p.set.SlackCommandPrefix, APIURL: p.set.SlackAPIURL,
		Language: p.set.DefaultLanguage, Groups: groups.Of, People: people.Of, Guide: p.guide, GroupChanged: groups.Changed,
		Handle: p.handle, Observe: p.observe, Log: p.log, BotToken: p.set.SlackBotToken, Answered: p.answered,
	}
	p.deliver[permissions.Slack] = adapter.Deliver
	p.renew = func(ctx context.Context, who permissions.Subject) permissions.Subject {
		if who.Platform == permissions.Slack {
			who = adapter.Renew(ctx, who)
		}
		return who
	}
	p.health.asked[permissions.Slack] = func() part { return worst(trouble(groups.Trouble()), trouble(people.Trouble())) }
	p.jobs = append(p.jobs, groups.Keep)
	if p.set.SlackAppToken != "" {
		p.slackSocket(adapter)
		return
	}
	p.mux.Handle("/slack/commands", adapter.Commands())
	p.mux.Handle("/slack/interactions", adapter.Interactions())
	p.mux.Handle("/slack/events", adapter.Events())
	p.stops = append(p.stops, adapter.Stop)
}

// slackSocket has the adapter hear Slack through Socket Mode. The connections outlive what was received on them.
func (p *platforms) slackSocket(adapter *slack.Adapter) {
	socket := &slack.Socket{Adapter: adapter, AppToken: p.set.SlackAppToken, Connections: p.set.SlackConnections}
	lines, hangUp := context.WithCancel(context.Background())
	p.jobs = append(p.jobs, func(context.Context) { socket.Run(lines) })
	p.stops = append(p.stops, func(ctx context.Context) error {
		defer hangUp()
		return adapter.Stop(ctx)
	})
	others := p.health.asked[permissions.Slack]
	p.health.asked[permissions.Slack] = func() part {
		s := socket.Status()
		if s.Failed() {
			return part{statusFailed, s.Trouble()}
		}
		return worst(trouble(s.Trouble()), others(), part{statusOK, s.Note()})
	}
	p.count.slackSocket(socket.Status)
}

func (p *platforms) discord() {
	if !slices.Contains(p.set.platforms(), permissions.Discord) {
		return
	}
	client := newDiscord(p.set)
	adapter := &discord.Adapter{
		PublicKey: p.set.DiscordPublicKey, GuildIDs: p.set.DiscordGuildIDs, Language: p.set.DefaultLanguage, Guide: p.guide,
		Client: client, Handle: p.handle, Observe: p.observe, Log: p.log, Answered: p.answered,
	}
	portal := &portal{client: client, set: p.set, log: p.log}
	p.deliver[permissions.Discord] = adapter.Deliver
	p.jobs = append(p.jobs, func(ctx context.Context) { p.register(ctx, client) }, portal.watch)
	p.health.asked[permissions.Discord] = func() part { return trouble(portal.trouble()) }
	if p.set.DiscordPublicKey == "" {
		p.discordGateway(adapter)
		return
	}
	p.mux.Handle(discord.Path, adapter.Interactions())
	p.stops = append(p.stops, adapter.Stop)
}

// discordGateway has the adapter hear Discord through the gateway, in the replica that leads. The session outlives what was received on it.
func (p *platforms) discordGateway(adapter *discord.Adapter) {
	gateway := &discord.Gateway{Adapter: adapter}
	if !strings.HasPrefix(p.set.DatabaseURL, "sqlite:") { // which has no replicas
		gateway.Leads = p.leads
	}
	session, hangUp := context.WithCancel(context.Background())
	p.jobs = append(p.jobs, func(context.Context) { gateway.Run(session) })
	p.stops = append(p.stops, func(ctx context.Context) error {
		defer hangUp()
		return adapter.Stop(ctx)
	})
	others := p.health.asked[permissions.Discord]
	p.health.asked[permissions.Discord] = func() part {
		s := gateway.Status()
		if s.Failed() {
			return part{statusFailed, s.Trouble()}
		}
		return worst(trouble(s.Trouble()), others(), part{statusOK, s.Note()})
	}
	p.count.discordGateway(gateway.Status)
}

func newDiscord(set settings) *discord.Client {
	return &discord.Client{ApplicationID: set.DiscordApplicationID, BotToken: set.DiscordBotToken, BaseURL: set.DiscordAPIURL}
}

// register registers the commands in Discord, and tries again until that has worked or ctx ends.
func (p *platforms) register(ctx context.Context, client *discord.Client) {
	const longest = 10 * time.Minute
	p.health.troubled(permissions.Discord, "The commands are not registered yet.")
	for again := 5 * time.Second; ; again = min(2*again, longest) {
		err := client.Register(ctx, p.set.DiscordGuildIDs, p.log)
		if err == nil {
			p.health.troubled(permissions.Discord, "")
			return
		}
		if ctx.Err() != nil {
			return
		}
		if isRefused(err) {
			p.health.troubled(permissions.Discord, refusedToken)
			p.log.Error("discord: register commands: " + refusedToken)
			return
		}
		p.health.troubled(permissions.Discord, "The commands could not be registered: "+err.Error())
		p.log.Error("discord: register commands", "err", err, "again_in", again)
		if !pause(ctx, again) {
			return
		}
	}
}

// stop stops the intake of all platforms at once, and waits for what runs.
func (p *platforms) stop(ctx context.Context) error {
	errs := make([]error, len(p.stops))
	var all sync.WaitGroup
	for i, stop := range p.stops {
		all.Go(func() { errs[i] = stop(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}
