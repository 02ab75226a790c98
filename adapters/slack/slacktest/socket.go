package slacktest

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// https://docs.slack.dev/apis/events-api/using-socket-mode
const (
	maxLines     = 10
	maxAck       = 20480            // bytes; an acknowledgement of as many vanishes
	warningAhead = 10 * time.Second // from a warning to the end of a connection
	refreshAhead = time.Second      // from refresh_requested to it, unless the app is faster
	writeTime    = 5 * time.Second
)

// A line is a connection in Socket Mode.
type line struct {
	ws     *websocket.Conn
	gone   chan struct{} // closed when it is
	quiet  chan struct{} // closed by Mute
	write  sync.Mutex
	muted  bool
	deaf   bool
	ending bool // no more envelopes
}

// connectionsOpen sells a ticket. s.mu is held.
func (s *Server) connectionsOpen(obj) obj {
	if s.disabled {
		return refuse("link_disabled")
	}
	ticket := itoa(s.next())
	s.tickets[ticket] = true
	return obj{"url": "ws" + s.http.URL[len("http"):] + "/link/?ticket=" + ticket + "&app_id=" + s.AppID}
}

// upgrader lets in whatever Origin: clients say https://api.slack.com.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	good := s.tickets[ticket] && !s.disabled && !s.ended
	s.tickets[ticket] = false
	s.mu.Unlock()
	if !good {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the client went away, or spoke no WebSocket: it has been told
	}
	l := &line{ws: ws, gone: make(chan struct{}), quiet: make(chan struct{})}
	s.mu.Lock()
	full := len(s.lines) >= maxLines
	refused := full || s.ended
	n := len(s.lines) + 1
	s.mu.Unlock()
	if refused {
		_ = l.say(disconnect("too_many_websockets"))
		ws.Close()
		return
	}
	_ = l.say(obj{
		"type": "hello", "num_connections": n, "connection_info": obj{"app_id": s.AppID},
		"debug_info": obj{"host": "applink-example", "build_number": 1, "approximate_connection_time": 18060},
	})
	s.change(func() {
		if s.ended {
			ws.Close()
		}
		s.lines = append(s.lines, l)
		s.opened++
	})
	go s.ping(l)
	s.listen(l)
}

func disconnect(reason string) obj {
	return obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-example"}}
}

// say writes to a line. Its error means that the line is dead, which listen finds out, too.
func (l *line) say(v any) error {
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.ws.SetWriteDeadline(time.Now().Add(writeTime))
	if text, isText := v.(string); isText {
		return l.ws.WriteMessage(websocket.TextMessage, []byte(text))
	}
	return l.ws.WriteMessage(websocket.TextMessage, compact(v))
}

// ping pings at once and then every PingEvery.
func (s *Server) ping(l *line) {
	every := time.NewTicker(s.o.PingEvery)
	defer every.Stop()
	for {
		if l.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-example"), time.Now().Add(writeTime)) != nil {
			return
		}
		select {
		case <-every.C:
		case <-l.quiet:
			return
		case <-l.gone:
			return
		}
	}
}

// listen reads acknowledgements until the line is dead.
func (s *Server) listen(l *line) {
	defer func() {
		l.ws.Close()
		s.change(func() {
			s.lines = slices.DeleteFunc(s.lines, func(other *line) bool { return other == l })
			close(l.gone)
		})
	}()
	for {
		_, said, err := l.ws.ReadMessage()
		if err != nil {
			return
		}
		s.mu.Lock()
		if !l.deaf && len(said) < maxAck {
			s.hear(said)
		}
		s.mu.Unlock()
	}
}

// Connections is how many connections the app has.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}

// Opened is how many connections the app has ever had. After Warn, Refresh or Cut, Connections alone cannot tell the new one from the old one that
// is not yet gone: wait for both.
func (s *Server) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// WaitConnections waits until the app has n connections.
func (s *Server) WaitConnections(t testing.TB, n int) {
	t.Helper()
	s.WaitFor(t, itoa(n)+" connections", func() bool { return s.Connections() == n })
}

// line is the ith connection, the oldest first.
func (s *Server) line(i int) *line {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if i >= len(s.lines) {
		s.t.Fatalf("slack: there is no connection %d, but %d of them", i, len(s.lines))
	}
	return s.lines[i]
}

// Refresh tells the ith connection, counted from 0 and the oldest first, that Slack wants a new one, and closes it a second later at most.
// No envelope is sent on it any more.
func (s *Server) Refresh(i int) {
	s.t.Helper()
	l := s.line(i)
	s.change(func() { l.ending = true })
	_ = l.say(disconnect("refresh_requested"))
	time.AfterFunc(refreshAhead, l.hangUp)
}

// Warn tells the ith connection that it ends in 10 seconds, and ends it then.
func (s *Server) Warn(i int) {
	s.t.Helper()
	l := s.line(i)
	_ = l.say(disconnect("warning"))
	time.AfterFunc(warningAhead, l.hangUp)
}

func (l *line) hangUp() {
	_ = l.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(writeTime))
	l.ws.Close()
}

// Cut breaks the ith connection without a word, and waits until it is gone.
func (s *Server) Cut(i int) {
	s.t.Helper()
	l := s.line(i)
	if tcp, ok := l.ws.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	l.ws.NetConn().Close()
	<-l.gone
}

// Mute lets the ith connection stand without pings; envelopes that are sent on it are lost.
func (s *Server) Mute(i int) {
	s.t.Helper()
	l := s.line(i)
	s.change(func() {
		if !l.muted {
			l.muted = true
			close(l.quiet)
		}
	})
}

// Deaf lets the ith connection stand, and hears no acknowledgement on it any more.
func (s *Server) Deaf(i int) {
	s.t.Helper()
	l := s.line(i)
	s.change(func() { l.deaf = true })
}

// DisableLink switches Socket Mode off, as an administrator may: every connection is told so and closed, and no new one can be opened.
func (s *Server) DisableLink() {
	s.mu.Lock()
	s.disabled = true
	lines := slices.Clone(s.lines)
	s.mu.Unlock()
	for _, l := range lines {
		_ = l.say(disconnect("link_disabled"))
		l.hangUp()
	}
}

// EnableLink takes DisableLink back.
func (s *Server) EnableLink() { s.change(func() { s.disabled = false }) }

// SendRaw sends any text on the ith connection. AckOf tells whether it was acknowledged.
func (s *Server) SendRaw(i int, text string) {
	s.t.Helper()
	if err := s.line(i).say(text); err != nil {
		s.t.Fatalf("slack: connection %d: %v", i, err)
	}
}
