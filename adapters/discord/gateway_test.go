package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGatewayDelivers: interactions arrive whole, those that discordgo cannot read included, and no intent is asked for.
func TestGatewayDelivers(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.Handler) *httptest.Server{"plain": httptest.NewServer, "through TLS": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveGateway(t, begin)
			r := s.run(nil)
			r.untilLive(t)
			for _, sent := range []string{
				`{"id":"1","type":2,"guild_id":"7","data":{"name":"mute"}}`,
				`{"id":"2","type":5,"data":{"custom_id":"x","components":[{"type":18,"component":{"type":4,"value":"世界"}}]}}`,
				`{"id":3,"type":"two"}`,
				`null`,
			} {
				s.last().interaction(sent)
				assert.Equal(t, sent, <-r.taken)
			}
			s.last().send(0, "OF_TOMORROW", `{"x":1}`)
			assert.Equal(t, GatewayStatus{State: GatewayLive, Identifies: 1, Missing: nil}, r.Status())
			assert.Empty(t, r.Status().Trouble())
			assert.Empty(t, r.Status().Note())
			r.stop()
			assert.Equal(t, []int{websocket.CloseNormalClosure}, s.codes())
			assert.Equal(t, GatewayStopped, r.Status().State)
			assert.Empty(t, r.taken)
			require.Len(t, s.identifies, 1)
			assert.Greater(t, len(s.identifies[0]), maxSmall, "the guard knows it by its length")
			var said struct {
				D struct {
					Token    string
					Compress bool
					Intents  *int
				}
			}
			require.NoError(t, json.Unmarshal([]byte(s.identifies[0]), &said))
			assert.Equal(t, "Bot "+testBotToken, said.D.Token)
			assert.False(t, said.D.Compress)
			require.NotNil(t, said.D.Intents)
			assert.Zero(t, *said.D.Intents)
		})
	}
}

// TestGatewayAskedToMove: what comes right behind Discord's wish for another connection is taken, and what nobody can read ends nothing.
func TestGatewayAskedToMove(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.Handler) *httptest.Server{"plain": httptest.NewServer, "through TLS": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveGateway(t, begin)
			s.talk = func(n int, p *gwPeer) {
				if n > 1 {
					p.live()
					return
				}
				p.login()
				p.ready()
				_ = p.WriteMessage(websocket.TextMessage, []byte("null"))
				p.interaction(`{"id":"1"}`)
				p.send(7, "", "null")
				p.interaction(`{"id":"2"}`)
				p.send(7, "", "null")
				p.interaction(`{"id":"3"}`)
				p.serve()
			}
			r := s.run(nil)
			var taken []string
			for range 3 {
				taken = append(taken, <-r.taken)
			}
			assert.ElementsMatch(t, []string{`{"id":"1"}`, `{"id":"2"}`, `{"id":"3"}`}, taken)
			until(t, "a second connection", func() bool { links, _ := s.counts(); return links == 2 })
			r.untilLive(t)
			s.last().interaction(`{"id":"4"}`)
			assert.Equal(t, `{"id":"4"}`, <-r.taken)
			assert.Equal(t, 2, r.Status().Identifies)
			assert.Equal(t, websocket.CloseNormalClosure, s.codes()[0], "Discord is told")
		})
	}
}

// TestGatewayTakesTheLast: what came before the end of a session is taken, however soon that comes.
func TestGatewayTakesTheLast(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	s.talk = func(n int, p *gwPeer) {
		if !p.login() {
			return
		}
		p.ready()
		for i := range 20 {
			p.interaction(fmt.Sprintf(`{"id":"%d"}`, 20*n+i))
		}
		_ = p.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, ""), time.Now().Add(time.Second))
		p.serve()
	}
	r := s.run(nil)
	until(t, "two sessions", func() bool { links, _ := s.counts(); return links >= 3 })
	until(t, "all", func() bool { return len(r.taken) >= 40 })
	r.stop()
	got := map[string]bool{}
	for range 40 {
		got[<-r.taken] = true
	}
	for i := range 40 {
		assert.True(t, got[fmt.Sprintf(`{"id":"%d"}`, 20+i)], i)
	}
}

// TestGatewayPanics: one interaction that breaks something harms no other.
func TestGatewayPanics(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	taken := make(chan string, 1)
	r := s.run(func(g *Gateway) {
		g.take = func(_ context.Context, raw json.RawMessage, _ time.Time) {
			if string(raw) == `{"id":"1"}` {
				panic("a handler panicked")
			}
			taken <- string(raw)
		}
	})
	r.untilLive(t)
	s.last().interaction(`{"id":"1"}`)
	s.last().interaction(`{"id":"2"}`)
	assert.Equal(t, `{"id":"2"}`, <-taken)
	until(t, "the log", func() bool { return strings.Contains(r.log.String(), "a handler panicked") })
	assert.Equal(t, 1, r.Status().Identifies)
}

// TestGatewayFlooded: what is more than can be answered is dropped, and counted in the log.
func TestGatewayFlooded(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	var taken atomic.Int64
	goOn := make(chan struct{})
	r := s.run(func(g *Gateway) {
		g.take = func(context.Context, json.RawMessage, time.Time) { taken.Add(1); <-goOn }
	})
	r.untilLive(t)
	for i := range maxTaking + 10 {
		s.last().interaction(fmt.Sprintf(`{"id":"%d"}`, i))
	}
	until(t, "ten to be dropped", func() bool { return r.Status().Dropped == 10 && taken.Load() == maxTaking })
	assert.Equal(t, 1, strings.Count(r.log.String(), "interactions were dropped"))
	close(goOn)
}

// TestGatewayWaits: Run returns when what came was answered, and not before; what is being answered is not cut short.
func TestGatewayWaits(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	var cut atomic.Bool
	r := s.run(func(g *Gateway) {
		g.take = func(ctx context.Context, _ json.RawMessage, _ time.Time) {
			close(began)
			<-goOn
			cut.Store(ctx.Err() != nil)
		}
	})
	r.untilLive(t)
	s.last().interaction(`{}`)
	<-began
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.stop() }()
	until(t, "the session to end", func() bool { return r.Status().State != GatewayLive && len(s.codes()) == 1 })
	select {
	case <-stopped:
		t.Error("something is still being answered")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	<-stopped
	assert.False(t, cut.Load())
}

// TestGatewayLeads: there is a session while this process leads, at once, and only then.
func TestGatewayLeads(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	var leads atomic.Bool
	r := s.run(func(g *Gateway) { g.Leads = leads.Load })
	until(t, "it to stand by", func() bool { return r.Status().State == GatewayStandsBy })
	assert.Empty(t, r.Status().Trouble())
	assert.Contains(t, r.Status().Note(), "stands by")
	links, _ := s.counts()
	assert.Zero(t, links)
	assert.Zero(t, s.asks)
	for i := 1; i <= 2; i++ {
		leads.Store(true)
		r.untilLive(t)
		_, identifies := s.counts()
		assert.Equal(t, i, identifies)
		leads.Store(false)
		until(t, "the session to be closed", func() bool { return len(s.codes()) == i })
		until(t, "it to stand by", func() bool { return r.Status().State == GatewayStandsBy })
	}
	assert.Equal(t, []int{websocket.CloseNormalClosure, websocket.CloseNormalClosure}, s.codes())
	assert.NotContains(t, r.log.String(), "there is no session")
}

// TestGatewayMissing: servers that the bot is not in are told, until something comes from there.
func TestGatewayMissing(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	s.talk = func(_ int, p *gwPeer) { p.live("1", "9") }
	r := s.run(func(g *Gateway) { g.Adapter.GuildIDs = []string{"1", "2", "3"} })
	r.untilLive(t)
	assert.Equal(t, []string{"2", "3"}, r.Status().Missing)
	assert.Contains(t, r.Status().Trouble(), "The bot is not in the servers 2, 3 of DISCORD_GUILD_IDS")
	assert.Contains(t, r.Status().Trouble(), "scopes bot and applications.commands")
	assert.False(t, r.Status().Failed())
	assert.Contains(t, r.log.String(), "guild=2")
	s.last().interaction(`{"guild_id":"2"}`)
	<-r.taken
	assert.Equal(t, []string{"3"}, r.Status().Missing)
}

// TestGatewayStops: soon, whatever it is doing.
func TestGatewayStops(t *testing.T) {
	t.Parallel()
	asked := func(n int) func(*gwServer, *gwRun) bool {
		return func(s *gwServer, _ *gwRun) bool { s.mu.Lock(); defer s.mu.Unlock(); return s.asks >= n }
	}
	linked := func(s *gwServer, _ *gwRun) bool { links, _ := s.counts(); return links == 1 }
	identified := func(s *gwServer, _ *gwRun) bool { _, n := s.counts(); return n == 1 }
	is := func(state GatewayPhase) func(*gwServer, *gwRun) bool {
		return func(_ *gwServer, r *gwRun) bool { return r.Status().State == state }
	}
	for name, tt := range map[string]struct {
		talk   func(n int, p *gwPeer)
		asked  func(*gwServer, http.ResponseWriter) bool
		change func(*Gateway)
		when   func(*gwServer, *gwRun) bool
	}{
		"standing by":     {nil, nil, func(g *Gateway) { g.Leads = gwTimes(0) }, is(GatewayStandsBy)},
		"asking":          {nil, func(*gwServer, http.ResponseWriter) bool { time.Sleep(300 * time.Millisecond); return false }, nil, asked(1)},
		"few sessions":    {nil, func(s *gwServer, w http.ResponseWriter) bool { s.tell(w, 0, time.Hour); return true }, nil, is(GatewayWaiting)},
		"before hello":    {func(_ int, p *gwPeer) { p.next() }, nil, nil, linked},
		"before READY":    {func(_ int, p *gwPeer) { p.login(); p.next() }, nil, nil, identified},
		"stuck":           {func(_ int, p *gwPeer) { p.login(); p.send(7, "", "null"); p.next() }, nil, nil, identified},
		"live":            {nil, nil, nil, is(GatewayLive)},
		"deaf":            {func(_ int, p *gwPeer) { p.login(); p.ready(); time.Sleep(2 * time.Second) }, nil, nil, is(GatewayLive)},
		"between two":     {func(_ int, p *gwPeer) { p.end(4000) }, nil, func(g *Gateway) { g.times.minRedial = time.Hour }, is(GatewayWaiting)},
		"paced":           {func(_ int, p *gwPeer) { p.login(); p.end(4000) }, nil, func(g *Gateway) { g.times.spacing = time.Hour }, asked(2)},
		"while it closes": {nil, nil, func(g *Gateway) { g.Leads = gwTimes(20) }, func(s *gwServer, _ *gwRun) bool { return len(s.codes()) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newGateway(t)
			s.talk = tt.talk
			if tt.asked != nil {
				s.asked = func(_ int, w http.ResponseWriter) bool { return tt.asked(s, w) }
			}
			r := s.run(func(g *Gateway) {
				g.times.close = usualTimes.close
				if tt.change != nil {
					tt.change(g)
				}
			})
			until(t, "it to be so", func() bool { return tt.when(s, r) })
			began := time.Now()
			r.stop()
			assert.Less(t, time.Since(began), 2900*time.Millisecond)
			assert.Equal(t, GatewayStopped, r.Status().State)
			assert.Empty(t, r.Status().Trouble())
		})
	}
}

// gwTimes says yes n times.
func gwTimes(n int64) func() bool {
	var asked atomic.Int64
	return func() bool { return asked.Add(1) <= n }
}

// TestGatewayTakesOver: with the usual times, in much less than a second from the moment that this process leads.
func TestGatewayTakesOver(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	var leads atomic.Bool
	r := s.run(func(g *Gateway) { g.Leads, g.times = leads.Load, usualTimes; g.times.close = quickTimes().close })
	until(t, "it to stand by", func() bool { return r.Status().State == GatewayStandsBy })
	began := time.Now()
	leads.Store(true)
	r.untilLive(t)
	assert.Less(t, time.Since(began), 1500*time.Millisecond)
}

// TestGatewayThroughProxy: it goes the way that the Client's transport goes.
func TestGatewayThroughProxy(t *testing.T) {
	t.Parallel()
	s := serveGateway(t, httptest.NewTLSServer)
	proxy, tunnels := gwProxy(t)
	r := s.run(func(g *Gateway) {
		through := s.http.Client().Transport.(*http.Transport).Clone()
		through.Proxy = http.ProxyURL(proxy)
		g.Adapter.Client.HTTP = &http.Client{Transport: through}
	})
	r.untilLive(t)
	assert.Equal(t, int64(2), tunnels.Load(), "one for the address, one for the gateway")
	s.last().interaction(`{"id":"1"}`)
	assert.Equal(t, `{"id":"1"}`, <-r.taken)
}

// TestGatewayKeepsSecrets: nothing that is printed of it holds the token. Logs are looked through by newLog.
func TestGatewayKeepsSecrets(t *testing.T) {
	t.Parallel()
	s := newGateway(t)
	r := s.run(nil)
	r.untilLive(t)
	g := r.Gateway
	r.stop()
	said := fmt.Sprintf("%v %+v %#v %v", g, g, g, g.Status())
	assert.NotContains(t, said, testBotToken)
	failed := &url.Error{Op: "proxy", URL: "http://user:password@proxy", Err: fmt.Errorf("no %q", "http://user:password@proxy")}
	assert.NotContains(t, gatewayFailure(failed), "password")
}
