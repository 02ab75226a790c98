package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"roomwarden/adapters/discord"
)

const (
	portalSoon = time.Minute      // after which the portal is looked at again while something there does not fit
	portalSeen = 30 * time.Minute // and otherwise
)

// A portal watches whether the application's page in Discord fits the settings: an Interactions Endpoint URL silences the gateway, and commands go
// nowhere without one where the bot waits for them over HTTP. It may be used by many goroutines at once.
type portal struct {
	client *discord.Client
	set    settings
	log    *slog.Logger

	mu    sync.Mutex
	wrong string
}

// trouble is what does not fit, and what to do; empty: nothing, as far as is known.
func (p *portal) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

// watch looks until ctx ends.
func (p *portal) watch(ctx context.Context) {
	for {
		pause := p.look(ctx)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// look looks once, and returns when to look again.
func (p *portal) look(ctx context.Context) time.Duration {
	app, err := p.client.Application(ctx)
	if ctx.Err() != nil {
		return portalSoon
	}
	if err != nil { // registering commands tells of that, too
		p.log.Warn("discord: whether the application fits the settings could not be looked at", "err", err, "again_in", portalSoon)
		return portalSoon
	}
	wrong := ""
	for _, m := range app.Mismatches(p.set.DiscordApplicationID, p.set.DiscordPublicKey) {
		if wrong != "" {
			wrong += " "
		}
		wrong += capital(m.What) + ". " + m.Fix
	}
	p.mu.Lock()
	was := p.wrong
	p.wrong = wrong
	p.mu.Unlock()
	switch {
	case wrong != "" && wrong != was:
		p.log.Error("discord: " + wrong)
	case wrong == "" && was != "":
		p.log.Info("discord: the application fits the settings now")
	}
	if wrong != "" {
		return portalSoon
	}
	return portalSeen
}

// capital is a sentence with its first letter in upper case, unless it begins with a name in capitals.
func capital(s string) string {
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
