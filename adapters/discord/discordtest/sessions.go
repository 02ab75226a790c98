package discordtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gorilla/websocket"
)

// Sessions is how many live sessions the app has.
func (s *Server) Sessions() int { return len(s.live()) }

func (s *Server) live() []*line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.gateway.lines), func(l *line) bool { return !l.live })
}

// Connections is how many connections to the gateway the app has ever opened.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.opened
}

// Identifies are all beginnings of sessions, also those that came to nothing.
func (s *Server) Identifies() []Identify {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.gateway.identifies)
}

// Heartbeats is how many there were.
func (s *Server) Heartbeats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.beats
}

// CloseCodes are those that the app has closed connections with.
func (s *Server) CloseCodes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.gateway.closes)
}

// WaitReady waits until the nth READY was sent, counted from the start.
func (s *Server) WaitReady(t testing.TB, n int) {
	t.Helper()
	s.WaitFor(t, fmt.Sprintf("READY, %d times", n), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.gateway.ready >= n
	})
}

// WaitSessions waits until the app has n live sessions.
func (s *Server) WaitSessions(t testing.TB, n int) {
	t.Helper()
	s.WaitFor(t, fmt.Sprintf("%d sessions", n), func() bool { return s.Sessions() == n })
}

// Reconnect tells all sessions that Discord wants new ones (op 7). Nothing is sent on them any more.
func (s *Server) Reconnect() {
	for _, l := range s.live() {
		s.change(func() { l.live = false })
		s.command(l, opReconnect)
	}
}

// Invalidate tells all sessions that they are none (op 9, not to be resumed).
func (s *Server) Invalidate() {
	for _, l := range s.live() {
		s.command(l, opInvalid)
	}
}

// CloseSessions closes all sessions with a code; 0: their connections break.
func (s *Server) CloseSessions(code int) {
	for _, l := range s.live() {
		s.change(func() { l.live = false })
		l.close(code)
	}
}

// Freeze lets the sessions stand without a word, and without an acknowledgement of heartbeats; interactions that are sent on them are lost.
func (s *Server) Freeze() {
	live := s.live()
	s.change(func() {
		for _, l := range live {
			l.frozen = true
		}
	})
}

// Deafen acknowledges no more heartbeats on any session, until HealGateway.
func (s *Server) Deafen() { s.change(func() { s.gateway.deaf = true }) }

// SendRaw sends any text on the newest session, as it is.
func (s *Server) SendRaw(text string) {
	s.t.Helper()
	live := s.live()
	if len(live) == 0 {
		s.t.Fatal("discord: there is no session")
	}
	l := live[len(live)-1]
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.ws.WriteMessage(websocket.TextMessage, []byte(text))
}
