package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxStarts is how many sessions may be started in 24 h. Beyond it Discord ends all sessions and resets the token.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
const maxStarts = 1000

// gateway is what there is of it. Server.mu is held.
type gateway struct {
	lines      []*line // the newest last
	opened     int     // ever
	ready      int     // READY, ever
	identifies []Identify
	spent      []time.Time // starts of sessions
	accepted   time.Time   // the last IDENTIFY that did not come too soon
	troubles   []*Trouble
	closes     []int // codes that the app has closed with
	beats      int
	deaf       bool
}

// An Identify is the beginning of a session, or its attempt.
type Identify struct {
	At      time.Time
	Token   string // without "Bot "
	Intents int
	Body    json.RawMessage
}

// Trouble is what a connection to the gateway meets. Without any of Op, Code and Ignore, there is a session.
type Trouble struct {
	Status int           // HTTP, in place of a WebSocket
	Silent bool          // not a word, and no end
	Deaf   bool          // heartbeats are not acknowledged
	Ignore bool          // IDENTIFY is not answered
	Ready  bool          // IDENTIFY is answered by READY, and the rest comes then
	After  time.Duration // after that
	Op     int           // a packet: 7, 9, 11
	Code   int           // the connection is closed with it, after Op; -1: it breaks
	Times  int           // how many connections meet it; 0: one; -1: all until HealGateway. An IDENTIFY after op 9 counts as a connection
}

// OnConnect has the next connections to the gateway meet trouble, after those that it is told of already.
func (s *Server) OnConnect(t Trouble) {
	s.change(func() {
		if t.Times == 0 {
			t.Times = 1
		}
		s.gateway.troubles = append(s.gateway.troubles, &t)
	})
}

// HealGateway takes back all trouble to come.
func (s *Server) HealGateway() { s.change(func() { s.gateway.troubles, s.gateway.deaf = nil, false }) }

// trouble is what this connection meets; nil: nothing. s.mu is held.
func (s *Server) trouble() *Trouble {
	all := s.gateway.troubles
	if len(all) == 0 {
		return nil
	}
	t := *all[0]
	if all[0].Times--; all[0].Times == 0 {
		s.gateway.troubles = all[1:]
	}
	return &t
}

// starts is how many sessions may be started, and when there are all of them again.
func (g *gateway) starts(now time.Time) (remaining int, reset time.Duration) {
	g.spent = slices.DeleteFunc(g.spent, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	if len(g.spent) == 0 {
		return maxStarts, 0
	}
	return max(0, maxStarts-len(g.spent)), 24*time.Hour - now.Sub(g.spent[0])
}

// SpendStarts has n sessions started already.
func (s *Server) SpendStarts(n int) {
	s.change(func() {
		for range n {
			s.gateway.spent = append(s.gateway.spent, s.now())
		}
	})
}

// identify begins a session, and returns the code to close the line with; 0: none.
func (s *Server) identify(l *line, body json.RawMessage) int {
	var d struct {
		Token      string
		Intents    *int
		Properties map[string]any
	}
	bad := json.Unmarshal(body, &d) != nil
	s.mu.Lock()
	defer s.mu.Unlock()
	told := Identify{At: time.Now(), Token: strings.TrimPrefix(d.Token, "Bot "), Body: body}
	if d.Intents != nil {
		told.Intents = *d.Intents
	}
	all := s.gateway.identifies
	s.gateway.identifies = append(all, told)
	defer s.touch()
	tooSoon := s.now().Sub(s.gateway.accepted) < s.o.IdentifyEvery
	trouble := l.trouble
	if l.trouble == nil {
		trouble = s.trouble()
	}
	l.trouble = nil
	if trouble != nil && trouble.Deaf {
		l.trouble = &Trouble{Deaf: true}
	}
	switch {
	case bad || d.Properties == nil:
		s.complain("gateway: IDENTIFY is not as it should be")
		return closeDecode
	case l.session != "":
		s.complain("gateway: IDENTIFY twice on one session")
		return closeTwice
	case told.Token != s.token:
		return closeAuthentication
	case d.Intents == nil:
		s.complain("gateway: IDENTIFY without intents")
		return closeIntents
	case told.Intents&^s.o.Intents != 0:
		s.complain("gateway: IDENTIFY with the intents %d, not %d", told.Intents, s.o.Intents)
		return closeForbidden
	}
	if left, _ := s.gateway.starts(s.now()); left == 0 {
		s.complain("gateway: more than %d IDENTIFYs in 24 h: Discord resets the token", maxStarts)
		s.token = "reset"
		return closeAuthentication
	}
	s.gateway.spent = append(s.gateway.spent, s.now())
	if tooSoon && (trouble == nil || trouble.Ready || trouble.Op == 0 && trouble.Code == 0 && !trouble.Ignore) {
		if trouble != nil { // for the next one
			trouble.Times = 1
			s.gateway.troubles = slices.Insert(s.gateway.troubles, 0, trouble)
		}
		s.work.Go(func() { s.command(l, opInvalid) })
		return 0
	}
	s.gateway.accepted = s.now()
	s.begins(l, trouble)
	return 0
}

// begins answers a good IDENTIFY. s.mu is held.
func (s *Server) begins(l *line, t *Trouble) {
	if t != nil && t.Ignore {
		return
	}
	var ready *packet
	if t == nil || t.Ready || t.Op == 0 && t.Code == 0 {
		p := s.readyFor(l)
		ready = &p
	}
	s.work.Go(func() {
		if ready != nil {
			s.say(l, *ready)
			s.change(func() {
				l.live = true
				s.gateway.ready++
			})
		}
		if t == nil || t.Op == 0 && t.Code == 0 {
			return
		}
		select {
		case <-time.After(t.After):
		case <-l.gone:
			return
		}
		s.change(func() { l.live = false })
		if t.Op != 0 {
			s.command(l, t.Op)
		}
		if t.Code != 0 {
			l.close(max(t.Code, 0))
		}
	})
}

// command sends an opcode that is no dispatch.
func (s *Server) command(l *line, op int) {
	p := packet{Op: op}
	if op == opInvalid {
		p.D = json.RawMessage("false")
		s.change(func() { l.session, l.live = "", false })
	}
	s.say(l, p)
}

// readyFor is READY. s.mu is held.
//
// https://discord.com/developers/docs/events/gateway-events#ready
func (s *Server) readyFor(l *line) packet {
	l.session = fmt.Sprintf("%032x", s.next())
	guilds := []obj{}
	for _, g := range s.guilds {
		if !g.NoBot {
			guilds = append(guilds, obj{"id": g.ID, "unavailable": true})
		}
	}
	return l.dispatch("READY", obj{
		"v": 10, "user": s.bot(), "guilds": guilds, "session_id": l.session, "session_type": "normal", "resume_gateway_url": s.socketURL(),
		"application": obj{"id": s.ApplicationID, "flags": 0}, "private_channels": []obj{}, "relationships": []obj{}, "presences": []obj{},
		"user_settings": obj{}, "geo_ordered_rtc_regions": []string{}, "auth": obj{}, "_trace": []string{},
	})
}

// dispatch is an event with the next number. s.mu is held.
func (l *line) dispatch(event string, d any) packet {
	l.seq++
	seq := l.seq
	return packet{Op: opDispatch, S: &seq, T: &event, D: compact(d)}
}

// overGateway delivers by INTERACTION_CREATE to the newest session, or to all.
func (d *Delivery) overGateway() Ack {
	s := d.s
	type parcel struct {
		l *line
		p packet
	}
	var parcels []parcel
	s.mu.Lock()
	live := slices.DeleteFunc(slices.Clone(s.gateway.lines), func(l *line) bool { return !l.live })
	if g := s.guild(d.i.channel.Guild); s.endpointURL() != "" || g != nil && g.NoBot {
		live = nil
	}
	if n := len(live); n > 0 && !s.o.EverySession {
		live = live[n-1:]
	}
	for _, l := range live {
		parcels = append(parcels, parcel{l, l.dispatch("INTERACTION_CREATE", d.i.payload)})
		if s.o.Twice {
			parcels = append(parcels, parcel{l, l.dispatch("INTERACTION_CREATE", d.i.payload)})
		}
	}
	d.i.sent += max(0, len(parcels)-1)
	s.mu.Unlock()
	if len(parcels) == 0 {
		return Ack{Problem: Unreachable}
	}
	for _, p := range parcels {
		s.say(p.l, p.p)
	}
	return Ack{Problem: d.await()}
}
