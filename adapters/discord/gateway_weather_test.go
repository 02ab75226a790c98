package discord

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
)

// TestGatewayRecovers: whatever a session dies of, the next one is there soon, for one IDENTIFY more, and the log says what it was.
func TestGatewayRecovers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first      func(p *gwPeer) // what becomes of the first connection
		times      func(*gatewayTimes)
		identifies int
		says       string
	}{
		"op 7":                     {func(p *gwPeer) { p.login(); p.ready(); p.send(7, "", "null"); p.serve() }, nil, 2, "asked for another connection"},
		"op 7 as the first packet": {func(p *gwPeer) { p.login(); p.send(7, "", "null"); p.serve() }, nil, 2, "asked for another connection"},
		"an answer as the first packet": {func(p *gwPeer) { p.login(); p.send(11, "", "null"); p.serve() },
			func(t *gatewayTimes) { t.open = 300 * time.Millisecond }, 2, "the session was not opened in time"},
		"op 9 as the first packet": {func(p *gwPeer) { p.login(); p.send(9, "", "false"); p.serve() }, nil, 2, "the session was declared invalid"},
		"op 9 on a session":        {func(p *gwPeer) { p.login(); p.ready(); p.send(9, "", "false"); p.serve() }, nil, 2, "the session was declared invalid"},
		"op 9 before all else":     {func(p *gwPeer) { p.many(10, 9, 9, 9, 9, 9, 9); p.serve() }, nil, 2, "the session was declared invalid"},
		"READY twice":              {func(p *gwPeer) { p.login(); p.ready(); p.ready(); p.serve() }, nil, 2, "the session was begun a second time"},
		"closed after READY":       {func(p *gwPeer) { p.login(); p.ready(); p.end(4000) }, nil, 2, "the session has ended"},
		"closed after IDENTIFY":    {func(p *gwPeer) { p.login(); p.end(4008) }, nil, 2, "closed the connection with code 4008"},
		"gone after READY":         {func(p *gwPeer) { p.login(); p.ready(); p.Close() }, nil, 2, "the session has ended"},
		"gone before hello":        {func(p *gwPeer) { p.Close() }, nil, 1, "without saying why"},
		"no hello but something":   {func(p *gwPeer) { p.send(0, "READY", "{}"); p.serve() }, nil, 1, "was not made, or broke"},
		"null for a packet":        {func(p *gwPeer) { _ = p.WriteMessage(websocket.TextMessage, []byte("null")); p.serve() }, nil, 1, "was not made, or broke"},
		"no packet":                {func(p *gwPeer) { _ = p.WriteMessage(websocket.TextMessage, []byte("<html>")); p.serve() }, nil, 1, "was not made, or broke"},
		"hello and then silence": {func(p *gwPeer) { p.hello(time.Hour); p.next(); p.next() },
			func(t *gatewayTimes) { t.ready = 300 * time.Millisecond }, 2, "no session was begun in time"},
		"silence": {func(p *gwPeer) { p.next() }, func(t *gatewayTimes) { t.ready = 300 * time.Millisecond }, 1, "no session was begun in time"},
		"heartbeats not answered": {func(p *gwPeer) { p.login(); p.ready(); p.next(); p.next() },
			func(t *gatewayTimes) { t.idle = 300 * time.Millisecond }, 2, "nothing was heard of Discord any more"},
		"asks for heartbeats a lot": {func(p *gwPeer) { p.login(); p.ready(); p.many(slices.Repeat([]int{1}, 50)...); p.serve() }, nil, 2, "wrote too often"},
		"a packet without an end":   {func(p *gwPeer) { p.login(); p.ready(); p.large(); p.serve() }, nil, 2, "a packet was too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newGateway(t)
			s.talk = func(n int, p *gwPeer) {
				if n == 1 {
					tt.first(p)
					return
				}
				p.live()
			}
			r := s.run(func(g *Gateway) {
				if tt.times != nil {
					tt.times(&g.times)
				}
			})
			until(t, "a second connection", func() bool { links, _ := s.counts(); return links == 2 })
			r.untilLive(t)
			s.last().interaction(`{"id":"1"}`)
			assert.Equal(t, `{"id":"1"}`, <-r.taken)
			_, identifies := s.counts()
			assert.Equal(t, tt.identifies, identifies)
			assert.Equal(t, identifies, r.Status().Identifies)
			assert.Contains(t, r.log.String(), tt.says)
		})
	}
}

// many sends packets at once.
func (p *gwPeer) many(ops ...int) {
	raw := new(bytes.Buffer)
	for _, op := range ops {
		said := fmt.Sprintf(`{"op":%d,"d":{"heartbeat_interval":41250}}`, op)
		raw.Write([]byte{0x81, byte(len(said))}) // a text frame
		raw.WriteString(said)
	}
	_, _ = p.NetConn().Write(raw.Bytes())
}

// large sends a packet that does not end for a long time.
func (p *gwPeer) large() {
	w, _ := p.NextWriter(websocket.TextMessage)
	fmt.Fprint(w, `{"op":0,"t":"X","d":"`)
	for i := 0; i < 4*maxPacket; i += 1 << 16 {
		if _, err := fmt.Fprint(w, strings.Repeat("x", 1<<16)); err != nil {
			return
		}
	}
}

// TestGatewayInvalidAlways: where every session is invalid, each attempt costs one IDENTIFY, and the pauses grow.
func TestGatewayInvalidAlways(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		begin func(http.Handler) *httptest.Server
		talk  func(*gwPeer)
	}{
		"at once":                  {httptest.NewServer, func(p *gwPeer) { p.login() }},
		"at once, through TLS":     {httptest.NewTLSServer, func(p *gwPeer) { p.login() }},
		"after READY":              {httptest.NewServer, func(p *gwPeer) { p.login(); p.ready() }},
		"after READY, through TLS": {httptest.NewTLSServer, func(p *gwPeer) { p.login(); p.ready() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveGateway(t, tt.begin)
			s.talk = func(_ int, p *gwPeer) {
				tt.talk(p)
				for ok := true; ok; _, ok = p.next() {
					p.send(9, "", "false")
				}
			}
			r := s.run(func(g *Gateway) { g.times.minRedial, g.times.maxRedial = 10*time.Millisecond, time.Minute })
			until(t, "a few attempts", func() bool { links, _ := s.counts(); return links == 6 })
			r.stop()
			links, identifies := s.counts()
			assert.LessOrEqual(t, r.Status().Identifies, links)
			assert.LessOrEqual(t, identifies, r.Status().Identifies, "the last one may not have been read")
		})
	}
}

// TestGatewayStaysUp: what is unusual and does no harm ends no session.
func TestGatewayStaysUp(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	s.talk = func(_ int, p *gwPeer) {
		p.login()
		p.send(1, "", "null") // before READY
		p.ready()
		p.serve()
	}
	r := s.run(nil)
	r.untilLive(t)
	for _, raw := range []string{"{}", "[]", "", `{"op":0,"t":"READY?"}`, `{"op":10,"d":{"heartbeat_interval":1}}`, `{"op":99}`} {
		p := s.last()
		p.mu.Lock()
		_ = p.WriteMessage(websocket.TextMessage, []byte(raw))
		p.mu.Unlock()
	}
	_ = s.last().WriteControl(websocket.PingMessage, []byte(strings.Repeat("x", 125)), time.Now().Add(time.Second))
	s.last().interaction(`{"id":"1"}`)
	assert.Equal(t, `{"id":"1"}`, <-r.taken)
	assert.Equal(t, 1, r.Status().Identifies)
	assert.Equal(t, GatewayLive, r.Status().State)
}

// TestGatewayRefused: what no further attempt mends ends the attempts, and is told with what to do.
func TestGatewayRefused(t *testing.T) {
	t.Parallel()
	for code, says := range map[int]string{
		401:  "the bot token is refused",
		4004: "the bot token is refused",
		4010: "newer version",
		4011: "2500",
		4012: "version of the gateway",
		4013: "intents",
		4014: "Privileged Gateway Intents",
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := newGateway(t)
			s.talk = func(_ int, p *gwPeer) {
				p.login()
				p.end(code)
			}
			s.asked = func(_ int, w http.ResponseWriter) bool {
				if code == 401 {
					w.WriteHeader(code)
				}
				return code == 401
			}
			r := s.run(nil)
			<-r.ended
			links, _ := s.counts()
			assert.LessOrEqual(t, links, 1)
			assert.Equal(t, 1, s.asks)
			assert.True(t, r.Status().Failed())
			assert.Equal(t, GatewayRefused, r.Status().State)
			assert.Contains(t, r.Status().Refused, says)
			assert.Contains(t, r.Status().Trouble(), "The gateway has ended: ")
			assert.Contains(t, r.log.String(), "level=ERROR")
			assert.Contains(t, r.log.String(), says)
		})
	}
}

// TestGatewayRefusedLater: a token that is reset while there is a session.
func TestGatewayRefusedLater(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	s.asked = func(n int, w http.ResponseWriter) bool {
		if n > 1 {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return n > 1
	}
	r := s.run(nil)
	r.untilLive(t)
	s.last().end(4004)
	<-r.ended
	assert.True(t, r.Status().Failed())
}

// TestGatewayAddress: without a usable answer there is no attempt to connect, and Discord's wishes are heeded.
func TestGatewayAddress(t *testing.T) {
	t.Parallel()
	const enough = `{"url":"ws://gateway.example","session_start_limit":{"total":1000,"remaining":999,"reset_after":0}}`
	for name, tt := range map[string]struct {
		answer func(s *gwServer, w http.ResponseWriter)
		says   string
		least  time.Duration // until it is asked again
	}{
		"few sessions left": {func(s *gwServer, w http.ResponseWriter) { s.tell(w, 19, 300*time.Millisecond) },
			"Discord allows 1000 sessions a day and 19 are left", 300 * time.Millisecond},
		"an error": {func(_ *gwServer, w http.ResponseWriter) { w.WriteHeader(403) }, "GET /gateway/bot: HTTP 403", 0},
		"too many requests": {func(_ *gwServer, w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0.4")
			w.WriteHeader(429)
		}, "", 400 * time.Millisecond},
		"not JSON":              {func(_ *gwServer, w http.ResponseWriter) { fmt.Fprint(w, "<html>") }, "not the JSON expected", 0},
		"no address":            {func(_ *gwServer, w http.ResponseWriter) { fmt.Fprint(w, "{}") }, "begins with wss://", 0},
		"an address in the raw": {func(_ *gwServer, w http.ResponseWriter) { fmt.Fprint(w, enough) }, "begins with wss://", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newGateway(t)
			began := time.Now()
			s.asked = func(n int, w http.ResponseWriter) bool {
				if n == 1 {
					tt.answer(s, w)
				}
				return n == 1
			}
			r := s.run(nil)
			if tt.says != "" {
				until(t, "the trouble", func() bool { return strings.Contains(r.log.String(), tt.says) })
			}
			r.untilLive(t)
			assert.GreaterOrEqual(t, time.Since(began), tt.least)
			links, _ := s.counts()
			assert.Equal(t, 1, links)
		})
	}
}

// TestGatewayFewSessions: while hardly any are left, that is said, loudly, and none is begun.
func TestGatewayFewSessions(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	s.asked = func(_ int, w http.ResponseWriter) bool { s.tell(w, 7, time.Hour); return true }
	r := s.run(nil)
	until(t, "the trouble", func() bool { return strings.Contains(r.Status().Trouble(), "7 are left") })
	assert.Equal(t, GatewayWaiting, r.Status().State)
	assert.Contains(t, r.Status().Trouble(), "in 1h0m0s")
	assert.False(t, r.Status().Failed())
	assert.Contains(t, r.log.String(), "level=ERROR")
	links, _ := s.counts()
	assert.Zero(t, links)
}

// TestGatewayInBadWeather: the pauses grow, and begin anew when a session has lived long.
func TestGatewayInBadWeather(t *testing.T) {
	for name, tt := range map[string]struct {
		lives       func(n int) time.Duration // how long the n-th session does; less than nothing: none is begun
		within      time.Duration
		least, most int // sessions that are begun
	}{
		"none is begun":              {func(int) time.Duration { return -1 }, 10 * time.Minute, 40, 60},
		"none lives":                 {func(int) time.Duration { return 0 }, 10 * time.Minute, 9, 12},
		"none lives, for a day":      {func(int) time.Duration { return 0 }, 24 * time.Hour, 250, 340},
		"each lives for two seconds": {func(int) time.Duration { return 2 * time.Second }, 10 * time.Minute, 9, 12},
		"each lives for a minute":    {func(int) time.Duration { return time.Minute }, 10 * time.Minute, 5, 8},
		"each lives for ten minutes": {func(int) time.Duration { return 10 * time.Minute }, 24 * time.Hour, 143, 145},
		"good ones between bad ones": {func(n int) time.Duration { return time.Duration(n%5/4) * time.Hour }, 24 * time.Hour, 110, 125},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logger, _ := newLog(t)
				begun := 0
				g := &Gateway{Adapter: &Adapter{Client: &Client{}, Log: logger}}
				g.session = func(ctx context.Context) (time.Duration, error) {
					begun++
					d := tt.lives(begun)
					if d < 0 {
						return 0, errNoSession
					}
					g.state.identify()
					sleep(ctx, d)
					return d, errNoSession
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				g.Run(ctx)
				t.Logf("%d sessions were begun in %v", begun, tt.within)
				assert.LessOrEqual(t, begun, tt.most)
				assert.GreaterOrEqual(t, begun, tt.least)
			})
		})
	}
}

// TestGatewayWithAFlappingLead: a journal that is out of reach every now and then costs few sessions, too; the first take-over is immediate.
func TestGatewayWithAFlappingLead(t *testing.T) {
	for _, every := range []time.Duration{3 * time.Second, 30 * time.Second, 5 * time.Minute} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logger, _ := newLog(t)
				began, begun, first := time.Now(), 0, time.Duration(0)
				g := &Gateway{Adapter: &Adapter{Client: &Client{}, Log: logger}}
				g.Leads = func() bool { return time.Since(began)/every%2 == 1 }
				g.session = func(ctx context.Context) (time.Duration, error) {
					if begun++; begun == 1 {
						first = time.Since(began)
					}
					since := time.Now()
					<-ctx.Done()
					return time.Since(since), ctx.Err()
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				g.Run(ctx)
				t.Logf("%d sessions were begun in 2 h", begun)
				assert.LessOrEqual(t, begun, 40)
				assert.GreaterOrEqual(t, begun, 8)
				assert.Less(t, first-every, time.Second)
			})
		})
	}
}

// TestGatewaySpacing: IDENTIFYs keep their distance, however quick the pauses are.
func TestGatewaySpacing(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	s.talk = func(_ int, p *gwPeer) { p.login(); p.end(4000) }
	r := s.run(func(g *Gateway) { g.times.minRedial, g.times.spacing = time.Millisecond, 100*time.Millisecond })
	time.Sleep(350 * time.Millisecond)
	r.stop()
	_, identifies := s.counts()
	assert.LessOrEqual(t, identifies, 4)
	assert.GreaterOrEqual(t, identifies, 2)
}
