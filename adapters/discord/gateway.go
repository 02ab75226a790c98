package discord

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	discordgo "github.com/bwmarrin/discordgo"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// maxTaking is how many interactions may wait for their first answers at once.
const maxTaking = 2048

// gatewayTimes are a Gateway's times. Tests cannot wait for the usual ones.
type gatewayTimes struct {
	poll      time.Duration // between looks at who leads
	minRedial time.Duration // the first pause before another session, which doubles
	maxRedial time.Duration // the longest
	maxRetry  time.Duration // the longest after an attempt that began no session, and so used up none
	steady    time.Duration // a session that lived so long was a good one: the pauses begin anew
	spacing   time.Duration // between two IDENTIFYs
	ask       time.Duration // for the gateway's address
	open      time.Duration // for discordgo to open a session, everything included
	ready     time.Duration // for READY, from dialling on
	idle      time.Duration // without a sign of Discord, then
	move      time.Duration // that a session is still heard after Discord has asked for another one
	close     time.Duration // for discordgo to close a session, which takes it a second
}

// usualTimes: Discord wants a heartbeat every 41.25 s and answers each, so idle is two and a half of them.
var usualTimes = gatewayTimes{
	poll: 500 * time.Millisecond, minRedial: time.Second, maxRedial: 5 * time.Minute, maxRetry: 15 * time.Second, steady: 10 * time.Minute, spacing: 5 * time.Second,
	ask: 10 * time.Second, open: 30 * time.Second, ready: 15 * time.Second, idle: 103 * time.Second, move: time.Second, close: 2 * time.Second,
}

// A Gateway receives through a WebSocket what Discord would otherwise post to the Adapter's handler, for where there is no public address
// or it is not wanted. Adapter, with its Client, is required. Discord sends every interaction to every session, so one process holds it.
//
// There is one session at a time, and every one is new: what a resumed one would bring is too old to be answered. Discord allows 1000
// new ones a day, and resets the token beyond; so the pauses between those that do not last double up to five minutes (where none was begun, to 15 seconds), and
// before each the Gateway asks how many are left. Status may be called by many goroutines at once; the fields must not change after Run was called.
//
// https://discord.com/developers/docs/events/gateway
type Gateway struct {
	Adapter *Adapter
	Leads   func() bool // whether this process is to hold the session, asked twice a second, must not block; nil: it is

	take    func(context.Context, json.RawMessage, time.Time) // nil: Adapter.take. What tests see
	session func(context.Context) (time.Duration, error)      // nil: connect
	times   gatewayTimes                                      // zero: usualTimes
	state   gatewayState
	resting time.Time // until when no session begins: the lead was lost while one was young
	taking  *semaphore.Weighted
	dropped rate.Sometimes
}

// Run keeps a session while this process leads, until ctx ends or Discord refuses for good; Status tells why, then. It may be called once.
// It returns when the first answer to everything that was received was given, or could not be. The work goes on afterwards: Adapter.Stop
// waits for it, and comes first, so that people are told that the bot stops.
func (g *Gateway) Run(ctx context.Context) {
	setDiscordgo()
	if g.times == (gatewayTimes{}) {
		g.times = usualTimes
	}
	if g.take == nil {
		g.take = g.Adapter.take
	}
	if g.session == nil {
		g.session = g.connect
	}
	g.taking, g.dropped = semaphore.NewWeighted(maxTaking), rate.Sometimes{Interval: 10 * time.Second}
	pauses := &backoff.ExponentialBackOff{InitialInterval: g.times.minRedial, Multiplier: 2, RandomizationFactor: 0.3, MaxInterval: g.times.maxRedial}
	pauses.Reset()
	for refused := false; !refused && g.leading(ctx); {
		refused = g.lead(ctx, pauses)
	}
	_ = g.taking.Acquire(context.WithoutCancel(ctx), maxTaking)
	g.state.stop()
}

func (g *Gateway) leads() bool { return g.Leads == nil || g.Leads() }

// leading waits until this process leads, and returns false when ctx has ended before.
func (g *Gateway) leading(ctx context.Context) bool {
	if ctx.Err() == nil && !g.leads() {
		g.state.is(GatewayStandsBy)
		g.Adapter.Log.Info("discord: this process stands by: another one holds the gateway, or the journal is out of reach")
	}
	for ctx.Err() == nil && !g.leads() {
		sleep(ctx, g.times.poll)
	}
	return ctx.Err() == nil
}

// lead keeps a session until this process leads no more or ctx ends, or until Discord refuses for good.
func (g *Gateway) lead(ctx context.Context, pauses *backoff.ExponentialBackOff) (refused bool) {
	reign, end := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer end()
	watch.Go(func() {
		for sleep(reign, g.times.poll) {
			if !g.leads() {
				end()
			}
		}
	})
	return g.keep(reign, pauses)
}

// keep keeps a session until ctx ends, or Discord refuses for good. A lead that comes and goes costs no more sessions than trouble does.
func (g *Gateway) keep(ctx context.Context, pauses *backoff.ExponentialBackOff) (refused bool) {
	if rest := time.Until(g.resting); rest > 0 {
		g.state.down("the journal was out of reach for a moment, and sessions that do not last are not begun at once")
		if !sleep(ctx, rest) {
			return false
		}
	}
	retries := backoff.ExponentialBackOff{InitialInterval: g.times.minRedial, Multiplier: 2, RandomizationFactor: 0.3, MaxInterval: g.times.maxRetry}
	retries.Reset()
	for {
		began := g.state.begun()
		lived, err := g.session(ctx)
		if lived >= g.times.steady {
			pauses.Reset()
		}
		if ctx.Err() != nil {
			if lived < g.times.steady && (lived > 0 || g.state.sinceIdentify() < g.times.steady) {
				g.resting = time.Now().Add(pauses.NextBackOff())
			}
			g.state.down("")
			return false
		}
		why := gatewayFailure(err)
		if fix := refusal(err); fix != "" {
			g.state.refuse(fix)
			g.Adapter.Log.Error("discord: the gateway has ended: "+fix, "error", why)
			return true
		}
		wait := min(retries.NextBackOff(), g.times.maxRetry)
		if lived > 0 || g.state.begun() > began {
			retries.Reset()
			wait = min(pauses.NextBackOff(), g.times.maxRedial)
		}
		wait = max(wait, askedFor(err))
		g.state.down(why)
		level := slog.LevelWarn
		if _, few := errors.AsType[*spent](err); few {
			level = slog.LevelError
		}
		g.Adapter.Log.Log(ctx, level, "discord: there is no session with the gateway",
			"error", why, "lived", lived.Round(time.Second), "again_in", wait.Round(time.Millisecond))
		if !sleep(ctx, wait) {
			g.state.down("")
			return false
		}
	}
}

// connect makes a session and has what comes on it taken, until ctx ends or it does. It tells how long it lived from READY on.
func (g *Gateway) connect(ctx context.Context) (lived time.Duration, err error) {
	g.state.is(GatewayConnecting)
	address, err := g.address(ctx)
	if err != nil {
		return 0, err
	}
	if !sleep(ctx, g.times.spacing-g.state.sinceIdentify()) {
		return 0, ctx.Err()
	}
	l, err := g.newLink(context.WithoutCancel(ctx), address)
	if err != nil {
		return 0, err
	}
	defer l.hangUp()
	guilds, err := l.open(ctx, g.times.open)
	if err != nil {
		return 0, err
	}
	since := time.Now()
	g.live(guilds)
	select {
	case err = <-l.over:
	case <-ctx.Done():
		err = ctx.Err()
	}
	lived = time.Since(since)
	g.state.is(GatewayWaiting)
	if ctx.Err() != nil || err == errTwice || err == errMoved { // else the connection is of no use any more
		l.close(g.times.close)
	}
	return lived, err
}

// live notes that a session is there, and warns of servers that it leaves out.
func (g *Gateway) live(guilds []string) {
	missing := slices.DeleteFunc(slices.Clone(g.Adapter.GuildIDs), func(id string) bool { return guilds == nil || slices.Contains(guilds, id) })
	alone := guilds != nil && len(guilds) == 0 && len(missing) == 0
	g.state.live(missing, alone)
	g.Adapter.Log.Info("discord: the gateway is live", "servers", len(guilds))
	if alone {
		g.Adapter.Log.Warn("discord: the bot is in no server, so no command comes: " + invite)
	}
	for _, id := range missing {
		g.Adapter.Log.Warn("discord: the bot is not in a server of DISCORD_GUILD_IDS, and no command comes from there: "+invite, "guild", id)
	}
}

// heard takes what came on a session, in a goroutine of discordgo's.
func (g *Gateway) heard(ctx context.Context, l *link, e *discordgo.Event) {
	at := time.Now()
	l.guard.packet()
	switch e.Type {
	case "READY":
		l.greeted(e.RawData)
	case "INTERACTION_CREATE":
		if !g.taking.TryAcquire(1) {
			n := g.state.drop()
			g.dropped.Do(func() {
				g.Adapter.Log.Warn("discord: interactions were dropped: too many wait for their first answers", "so_far", n, "at_once", maxTaking)
			})
			return
		}
		defer g.taking.Release(1)
		g.state.present(e.RawData)
		g.take(ctx, e.RawData, at)
	}
}

// sleep waits, and tells whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
