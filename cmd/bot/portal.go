package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"roomwarden/adapters/discord"
)

const (
	portalSoon = time.Minute     // after which the portal is looked at again while something there does not fit, or it could not be seen
	portalSeen = 5 * time.Minute // and otherwise
)

// A portal watches whether the application's page in Discord fits the settings: an Interactions Endpoint URL silences the gateway, and commands go
// nowhere without one where the bot waits for them over HTTP. It may be used by many goroutines at once.
type portal struct {
	client *discord.Client
	set    settings
	log    *slog.Logger

	failures int // to ask, in a row; watch's own

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
	for again := p.look(ctx); again > 0 && pause(ctx, again); again = p.look(ctx) {
	}
}

// pause waits, and tells whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// refusedToken is what is wrong when Discord does not take the bot's token: it is not used any more until the bot is started again.
const refusedToken = "Discord does not accept DISCORD_BOT_TOKEN: take it anew from the application's page, Bot, and start the bot again, in all replicas."

// isRefused tells of an error of the token's.
func isRefused(err error) bool {
	e, answered := errors.AsType[*discord.Error](err)
	return answered && e.Status == http.StatusUnauthorized
}

// look looks once, and returns when to look again; 0: never.
func (p *portal) look(ctx context.Context) time.Duration {
	app, err := p.client.Application(ctx)
	switch {
	case ctx.Err() != nil:
		return 0
	case isRefused(err):
		p.note(refusedToken)
		return 0
	case err != nil: // registering commands tells of that, too
		if p.failures++; p.failures == 1 {
			p.log.Warn("discord: whether the application fits the settings could not be looked at", "err", err)
		}
		return min(time.Duration(p.failures)*portalSoon, portalSeen)
	}
	p.failures = 0
	wrong := ""
	for _, m := range app.Mismatches(p.set.DiscordApplicationID, p.set.DiscordPublicKey) {
		if wrong != "" {
			wrong += " "
		}
		wrong += capital(m.What) + ". " + m.Fix
	}
	p.note(wrong)
	if wrong != "" {
		return portalSoon
	}
	return portalSeen
}

// note notes what is wrong, or with "" that nothing is, and logs what is new.
func (p *portal) note(wrong string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case wrong != "" && wrong != p.wrong:
		p.log.Error("discord: " + wrong)
	case wrong == "" && p.wrong != "":
		p.log.Info("discord: the application fits the settings now")
	}
	p.wrong = wrong
}

// capital is a sentence with its first letter in upper case, unless it begins with a name in capitals.
func capital(s string) string {
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
