package discordtest

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Opcodes of the gateway. https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opPresence  = 3
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
	opHello     = 10
	opAck       = 11
)

// Close codes of the gateway.
const (
	closeOpcode         = 4001
	closeDecode         = 4002
	closeNotYet         = 4003
	closeAuthentication = 4004
	closeTwice          = 4005
	closeTooFast        = 4008
	closeTimedOut       = 4009
	closeVersion        = 4012
	closeIntents        = 4013
	closeForbidden      = 4014
)

// https://discord.com/developers/docs/events/gateway#sending-events
const (
	maxSends   = 120
	sendsIn    = time.Minute
	maxPacket  = 4096 // bytes
	writeTime  = 5 * time.Second
	missedTime = 500 * time.Millisecond // beyond two heartbeats
)

// A line is a connection to the gateway, and the session on it.
type line struct {
	ws      *websocket.Conn
	gone    chan struct{} // closed when it is
	write   sync.Mutex
	trouble *Trouble

	// below: Server.mu is held
	session string // its id; empty: there is none (yet)
	live    bool   // interactions are sent on it
	seq     int
	frozen  bool // nothing is sent any more
	sends   []time.Time
	beat    time.Time
}

// A packet is what goes either way.
type packet struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  *int            `json:"s"`
	T  *string         `json:"t"`
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		http.Error(w, "over", http.StatusServiceUnavailable)
		return
	}
	s.work.Add(1)
	trouble := s.trouble()
	s.mu.Unlock()
	defer s.work.Done()
	if trouble != nil && trouble.Status != 0 {
		s.change(func() { s.gateway.opened++ })
		http.Error(w, "no healthy upstream", trouble.Status)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the client went away, or spoke no WebSocket: it has been told
	}
	l := &line{ws: ws, gone: make(chan struct{}), trouble: trouble, beat: time.Now()}
	s.change(func() {
		s.gateway.opened++
		s.gateway.lines = append(s.gateway.lines, l)
		if s.ended {
			ws.Close()
		}
	})
	version, encoding := r.URL.Query().Get("v"), r.URL.Query().Get("encoding")
	switch {
	case trouble != nil && trouble.Silent:
		s.change(func() { l.frozen = true })
	case version != "10" || encoding != "json":
		s.change(func() {
			s.complain("gateway: the address asks for version %q and encoding %q, not 10 and json", version, encoding)
		})
		l.close(closeVersion)
	default:
		s.say(l, packet{Op: opHello, D: compact(obj{"heartbeat_interval": s.o.Heartbeat.Milliseconds(), "_trace": []string{"[\"gateway-example\",{}]"}})})
	}
	s.work.Go(func() { s.watch(l) })
	s.listen(l)
}

// say writes to a line, unless it is frozen. That it is dead, listen finds out.
func (s *Server) say(l *line, p packet) {
	s.mu.Lock()
	frozen := l.frozen
	s.mu.Unlock()
	if frozen {
		return
	}
	if len(p.D) == 0 {
		p.D = json.RawMessage("null")
	}
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.ws.SetWriteDeadline(time.Now().Add(writeTime))
	_ = l.ws.WriteMessage(websocket.TextMessage, compact(p))
}

// close ends a line with a code; 0: without a word.
func (l *line) close(code int) {
	if code == 0 {
		if tcp, ok := l.ws.NetConn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		l.ws.NetConn().Close()
		return
	}
	_ = l.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(writeTime))
	_ = l.ws.SetReadDeadline(time.Now().Add(writeTime)) // the app has as long to answer
}

// watch closes a line whose app has long sent no heartbeat.
func (s *Server) watch(l *line) {
	patience := 2*s.o.Heartbeat + missedTime
	every := time.NewTicker(patience / 4)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-l.gone:
			return
		}
		s.mu.Lock()
		late := time.Since(l.beat) > patience && !l.frozen
		s.mu.Unlock()
		if late {
			l.close(closeTimedOut)
			return
		}
	}
}

// listen reads what the app sends until the line is dead.
func (s *Server) listen(l *line) {
	defer func() {
		l.ws.Close()
		s.change(func() {
			s.gateway.lines = slices.DeleteFunc(s.gateway.lines, func(other *line) bool { return other == l })
			close(l.gone)
		})
	}()
	for {
		_, said, err := l.ws.ReadMessage()
		if err != nil {
			if c, ok := err.(*websocket.CloseError); ok {
				s.change(func() { s.gateway.closes = append(s.gateway.closes, c.Code) })
			}
			return
		}
		if code := s.hear(l, said); code != 0 {
			s.change(func() { l.live = false })
			l.close(code)
		}
	}
}

// hear takes a packet, and returns the code to close the line with; 0: none.
func (s *Server) hear(l *line, said []byte) int {
	var p packet
	err := json.Unmarshal(said, &p)
	s.mu.Lock()
	now := time.Now()
	l.sends = append(slices.DeleteFunc(l.sends, func(t time.Time) bool { return now.Sub(t) > sendsIn }), now)
	fast := len(l.sends) > maxSends
	s.mu.Unlock()
	no := func(code int, why string, args ...any) int {
		s.change(func() { s.complain("gateway: "+why, args...) })
		return code
	}
	switch {
	case fast:
		return no(closeTooFast, "more than %d packets in a minute", maxSends)
	case err != nil:
		return no(closeDecode, "no packet: %.200s", said)
	case len(said) > maxPacket:
		return no(closeDecode, "a packet of %d bytes, more than %d", len(said), maxPacket)
	}
	switch p.Op {
	case opHeartbeat:
		return s.heartbeat(l, p)
	case opIdentify:
		return s.identify(l, p.D)
	case opResume:
		s.say(l, packet{Op: opInvalid, D: json.RawMessage("false")})
	case opPresence:
		if s.sessionOf(l) == "" {
			return no(closeNotYet, "op %d before IDENTIFY", p.Op)
		}
	default:
		return no(closeOpcode, "op %d, which no app sends", p.Op)
	}
	return 0
}

func (s *Server) sessionOf(l *line) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.session
}

func (s *Server) heartbeat(l *line, p packet) int {
	s.mu.Lock()
	l.beat = time.Now()
	s.gateway.beats++
	deaf := l.trouble != nil && l.trouble.Deaf || s.gateway.deaf
	var seen int
	if json.Unmarshal(p.D, &seen) == nil && seen > l.seq {
		s.complain("gateway: a heartbeat tells of packet %d, and there were %d", seen, l.seq)
	}
	s.touch()
	s.mu.Unlock()
	if !deaf {
		s.say(l, packet{Op: opAck})
	}
	return 0
}
