package discord

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	discordgo "github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

const handshakeTime = 10 * time.Second

var (
	errNoSession = errors.New("the session has ended")
	errMoved     = errors.New("the gateway has asked for another connection")
	errTwice     = errors.New("the session was begun a second time")
	errStuck     = errors.New("the session was not opened in time")
	errBroken    = errors.New("what came from Discord could not be read")
)

// setDiscordgo sets what discordgo has for the whole process: the version of the gateway, and a log that keeps to itself what may hold tokens.
var setDiscordgo = sync.OnceFunc(func() {
	discordgo.APIVersion = strings.TrimPrefix(apiRoot, "/api/v")
	discordgo.Logger = func(int, int, string, ...any) {}
})

// A link is one connection to the gateway, and the one session on it: what discordgo would do after trouble is switched off here, or
// stopped by the guard.
type link struct {
	session *discordgo.Session
	guard   *guard             // of the connection; what handlers are there come after it
	hangUp  context.CancelFunc // closes the connection, also one that is being made
	ready   chan []string      // once, the servers the bot is in, nil if that cannot be read: READY has come
	over    chan error         // why the link is of no use any more; the first reason counts
	gone    chan struct{}      // discordgo has closed it
}

// newLink is a link to the gateway at address. What is heard on it is handled under ctx.
func (g *Gateway) newLink(ctx context.Context, address string) (*link, error) {
	session, err := discordgo.New("Bot " + g.Adapter.Client.BotToken)
	if err != nil {
		return nil, err
	}
	life, hangUp := context.WithCancel(ctx)
	l := &link{session: session, hangUp: hangUp, ready: make(chan []string, 1), over: make(chan error, 1), gone: make(chan struct{}, 1)}
	session.Identify.Intents = discordgo.IntentsNone // interactions belong to none
	session.Compress, session.Identify.Compress = false, false
	session.StateEnabled, session.SyncEvents = false, false
	session.ShouldReconnectOnError, session.ShouldRetryOnRateLimit = false, false
	session.LogLevel = discordgo.LogError
	session.LastHeartbeatAck = time.Time{} // Open sets it when Discord has said hello
	session.Client = &http.Client{Transport: knows(address)}
	session.Dialer = dialer(g.Adapter.Client.HTTP)
	dial := session.Dialer.NetDialContext
	guarded := func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(life, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(life, func() { conn.Close() })
		l.guard = newGuard(conn, g.times, l.fail)
		l.guard.greeted = func() bool { return !session.LastHeartbeatAck.IsZero() }
		l.guard.identified = g.state.identify
		return l.guard, nil
	}
	l.sift(life, session.Dialer, address, guarded, g.times.move)
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		g.Adapter.guarded(func() { g.heard(ctx, l, e) })
	})
	session.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) {
		l.fail(errNoSession)
		select {
		case l.gone <- struct{}{}:
		default:
		}
	})
	return l, nil
}

// sift has d connect by dial, and what comes go through a sieve; but what comes through a proxy, which begins with the proxy's own answer, as it is.
func (l *link) sift(life context.Context, d *websocket.Dialer, address string, dial func(context.Context, string, string) (net.Conn, error), move time.Duration) {
	d.NetDialContext = dial
	if through(d, address) {
		return
	}
	moved := sync.OnceFunc(func() {
		timer := time.AfterFunc(move, func() { l.fail(errMoved) })
		context.AfterFunc(life, func() { timer.Stop() })
	})
	d.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return newSieve(conn, moved), nil
	}
	config := d.TLSClientConfig
	d.NetDialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		mine := &tls.Config{}
		if config != nil {
			mine = config.Clone()
		}
		if host, _, err := net.SplitHostPort(address); err == nil && mine.ServerName == "" {
			mine.ServerName = host
		}
		secure := tls.Client(conn, mine)
		if err := secure.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		return newSieve(secure, moved), nil
	}
}

// through tells whether an address is reached through a proxy, as far as that can be known.
func through(d *websocket.Dialer, address string) bool {
	u, err := url.Parse(address)
	if err != nil || d.Proxy == nil {
		return err != nil
	}
	u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	proxy, err := d.Proxy(&http.Request{URL: u})
	return err != nil || proxy != nil
}

// dialer makes WebSockets the way that h makes its connections, or by the environment's proxy.
func dialer(h *http.Client) *websocket.Dialer {
	d := &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: handshakeTime, NetDialContext: new(net.Dialer).DialContext}
	if h == nil {
		return d
	}
	if t, ok := h.Transport.(*http.Transport); ok {
		d.Proxy = t.Proxy
		if t.DialContext != nil {
			d.NetDialContext = t.DialContext
		}
		if t.TLSClientConfig != nil {
			d.TLSClientConfig = t.TLSClientConfig.Clone()
			d.TLSClientConfig.NextProtos = nil // HTTP/2 has no such WebSockets
		}
	}
	return d
}

// knows answers discordgo, which asks for the gateway's address before it connects, and asks nothing else of anybody.
type knows string

func (address knows) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/gateway") {
		return nil, errors.New("discordgo asks for nothing but the gateway's address")
	}
	said, err := json.Marshal(map[string]string{"url": string(address)})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(said))), Request: r}, nil
}

// fail notes why the link is of no use any more.
func (l *link) fail(err error) {
	select {
	case l.over <- err:
	default:
	}
}

// greeted takes READY, which comes once.
func (l *link) greeted(raw json.RawMessage) {
	var ready struct{ Guilds []struct{ ID string } }
	switch {
	case !l.guard.ready():
		l.fail(errTwice)
	case json.Unmarshal(raw, &ready) != nil:
		l.ready <- nil // nobody knows
	default:
		guilds := []string{}
		for _, g := range ready.Guilds {
			guilds = append(guilds, g.ID)
		}
		l.ready <- guilds
	}
}

// open opens the session, and returns the servers that the bot is in; nil: nobody knows. Open holds the session's lock until two packets have come; if the second
// is Discord's wish for another connection, it waits for that lock itself, for ever. So whoever waits here does not wait for Open longer
// than within, and hangs up then.
func (l *link) open(ctx context.Context, within time.Duration) (guilds []string, err error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	opened := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				opened <- errBroken
			}
		}()
		opened <- l.session.Open()
	}()
	select {
	case err := <-opened:
		if err != nil {
			return nil, l.reason(err)
		}
	case <-timer.C:
		return nil, errStuck
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select { // not every first packet is READY
	case guilds = <-l.ready:
		return guilds, nil
	case err = <-l.over:
		return nil, err
	case <-timer.C:
		return nil, errStuck
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reason is why Open has failed: what Discord said, or else what the guard did, or else err.
func (l *link) reason(err error) error {
	if _, said := errors.AsType[*websocket.CloseError](err); said {
		return err
	}
	select {
	case why := <-l.over:
		return why
	default:
		return err
	}
}

// close ends the session as Discord wants it, if that can be done in time.
func (l *link) close(within time.Duration) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	l.guard.end()
	select {
	case <-l.gone:
	case <-timer.C:
	}
}
