package discord

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	maxWrites = 10      // a minute, and at once: 6 begin a session through TLS and a proxy, and then there are heartbeats
	maxSmall  = 256     // bytes of a heartbeat or a pong on the wire, TLS included; an IDENTIFY has twice as many
	maxPacket = 8 << 20 // bytes; READY has the ids of 2500 servers at most
	writeTime = 5 * time.Second
)

var (
	errMute    = errors.New("no session was begun in time")
	errDeaf    = errors.New("nothing was heard of Discord any more")
	errInvalid = errors.New("the session was declared invalid")
	errStorm   = errors.New("discordgo wrote too often")
	errLarge   = errors.New("a packet was too large")
)

// A guard is a connection that bounds what Discord and discordgo may do to each other. It sits below TLS and WebSocket, where it cannot read, and
// so it counts. It ends a connection on which no session begins, nothing is heard any more, a packet does not end (gorilla has a limit for
// that, which discordgo does not let set), or discordgo writes too often. And it lets one IDENTIFY pass, which it knows by its length: told that
// the session is invalid, discordgo would send the next one on the spot, as often as it is told so.
//
// It ends a connection by having nothing more read; what it does not write it says was written. So it is discordgo's listener that closes the session,
// and none of its other goroutines: the listener does not expect that of them, and would use a connection that is no longer there.
//
// https://discord.com/developers/docs/events/gateway#rate-limiting
type guard struct {
	net.Conn
	idle       time.Duration // once there is a session
	fail       func(error)   // told why the guard ends the connection
	greeted    func() bool   // whether Discord has said hello. Called where discordgo answers that, and in the handshakes
	identified func()        // called once, before the IDENTIFY is sent
	writes     *rate.Limiter

	mu       sync.Mutex
	by       time.Time // when there must be a session
	session  bool      // there is
	identify bool      // there was one
	ended    bool      // nothing more is read
	read     int       // bytes since the last packet
}

func newGuard(conn net.Conn, t gatewayTimes, fail func(error)) *guard {
	return &guard{Conn: conn, idle: t.idle, fail: fail, writes: rate.NewLimiter(rate.Every(time.Minute/maxWrites), maxWrites), by: time.Now().Add(t.ready)}
}

func (g *guard) Read(p []byte) (int, error) {
	g.extend()
	n, err := g.Conn.Read(p)
	switch silent := errors.Is(err, os.ErrDeadlineExceeded); {
	case g.heard(n) > maxPacket:
		g.refuse(errLarge)
		return 0, errLarge
	case silent && g.lives():
		g.refuse(errDeaf)
	case silent:
		g.refuse(errMute)
	}
	return n, err
}

// Write writes, and never fails: that Discord cannot be reached shows where nothing is heard of it, and what it said before is read first.
func (g *guard) Write(p []byte) (int, error) {
	switch identify := len(p) > maxSmall && g.greeted(); {
	case !g.writes.Allow():
		g.refuse(errStorm)
		return len(p), nil
	case identify && !g.first():
		g.refuse(errInvalid)
		return len(p), nil
	case identify:
		g.identified()
	}
	_ = g.Conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, _ = g.Conn.Write(p)
	return len(p), nil
}

func (g *guard) refuse(why error) {
	g.fail(why)
	g.end()
}

// end has nothing more read. discordgo's listener closes the session then, and tells Discord so.
func (g *guard) end() {
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.extend()
}

// extend sets the time that is left for the next read, or for the one that goes on.
func (g *guard) extend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	by := g.by
	switch {
	case g.ended:
		by = time.Unix(1, 0)
	case g.session:
		by = time.Now().Add(g.idle)
	}
	_ = g.Conn.SetReadDeadline(by) // fails where Read does
}

// ready notes that there is a session, and tells whether it is the first.
func (g *guard) ready() bool {
	g.mu.Lock()
	first := !g.session
	g.session = true
	g.mu.Unlock()
	g.extend()
	return first
}

// packet notes that a packet was read whole; a little of the next one may have been, too.
func (g *guard) packet() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = 0
}

func (g *guard) heard(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read += n
	return g.read
}

func (g *guard) lives() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.session
}

// first notes an IDENTIFY, and tells whether it is the first.
func (g *guard) first() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	is := !g.identify
	g.identify = true
	return is
}
