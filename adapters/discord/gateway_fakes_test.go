package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gwServer is Discord's gateway, and says where it is.
type gwServer struct {
	t     *testing.T
	http  *httptest.Server
	asked func(n int, w http.ResponseWriter) bool // answers the n-th question for the address, if it returns true
	talk  func(n int, p *gwPeer)                  // what comes of the n-th connection; nil: a session

	mu         sync.Mutex
	asks       int
	peers      []*gwPeer
	identifies []string
	closed     []int // codes the bot closed with; 1006: it just went
}

func newGateway(t *testing.T) *gwServer { return serveGateway(t, httptest.NewServer) }

func serveGateway(t *testing.T, begin func(http.Handler) *httptest.Server) *gwServer {
	s := &gwServer{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v10/gateway/bot", s.address)
	mux.HandleFunc("/ws/", s.connect)
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		t.Error("nothing else is asked for:", r.Method, r.URL.Path)
	})
	s.http = begin(mux)
	t.Cleanup(func() {
		s.http.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range s.peers {
			p.Close()
		}
	})
	return s
}

func (s *gwServer) address(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asks++
	n := s.asks
	s.mu.Unlock()
	assert.Equal(s.t, "Bot "+testBotToken, r.Header.Get("Authorization"))
	if s.asked == nil || !s.asked(n, w) {
		s.tell(w, 999, 0)
	}
}

// tell answers where the gateway is, and how many sessions are left.
func (s *gwServer) tell(w http.ResponseWriter, left int, again time.Duration) {
	fmt.Fprintf(w, `{"url":"ws%s/ws","shards":1,"session_start_limit":{"total":1000,"remaining":%d,"reset_after":%d,"max_concurrency":1}}`,
		strings.TrimPrefix(s.http.URL, "http"), left, again.Milliseconds())
}

func (s *gwServer) connect(w http.ResponseWriter, r *http.Request) {
	assert.Equal(s.t, "v=10&encoding=json", r.URL.RawQuery)
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	p := &gwPeer{Conn: ws, server: s}
	s.mu.Lock()
	s.peers = append(s.peers, p)
	n := len(s.peers)
	s.mu.Unlock()
	defer ws.Close()
	if s.talk != nil {
		s.talk(n, p)
		return
	}
	p.live()
}

// counts are how many connections were made, and how many IDENTIFYs came.
func (s *gwServer) counts() (links, identifies int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.peers), len(s.identifies)
}

func (s *gwServer) codes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.closed...)
}

// last is the newest connection.
func (s *gwServer) last() *gwPeer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers[len(s.peers)-1]
}

// gwPeer is Discord's end of a connection.
type gwPeer struct {
	*websocket.Conn
	server *gwServer
	mu     sync.Mutex
	seq    int
}

func (p *gwPeer) send(op int, kind string, data string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seq, t := "null", "null"
	if op == 0 {
		p.seq++
		seq, t = fmt.Sprint(p.seq), fmt.Sprintf("%q", kind)
	}
	_ = p.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"op":%d,"s":%s,"t":%s,"d":%s}`, op, seq, t, data))
}

func (p *gwPeer) hello(interval time.Duration) {
	p.send(10, "", fmt.Sprintf(`{"heartbeat_interval":%d,"_trace":[]}`, interval.Milliseconds()))
}

func (p *gwPeer) ready(guilds ...string) {
	list := []map[string]any{}
	for _, g := range guilds {
		list = append(list, map[string]any{"id": g, "unavailable": true})
	}
	said, _ := json.Marshal(map[string]any{
		"v": 10, "session_id": "s", "resume_gateway_url": "wss://x", "guilds": list, "session_type": "normal", "_trace": []any{},
		"user": map[string]any{"id": testApp, "username": "roomwarden", "bot": true}, "application": map[string]any{"id": testApp, "flags": 0},
	})
	p.send(0, "READY", string(said))
}

func (p *gwPeer) interaction(data string) { p.send(0, "INTERACTION_CREATE", data) }

// end closes with a code of Discord's.
func (p *gwPeer) end(code int) {
	_ = p.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "said "+testBotToken), time.Now().Add(time.Second))
	p.Close()
}

// next reads the next packet.
func (p *gwPeer) next() (op int, ok bool) {
	_, raw, err := p.ReadMessage()
	p.server.mu.Lock()
	defer p.server.mu.Unlock()
	if err != nil {
		code := websocket.CloseAbnormalClosure
		if said, ok := err.(*websocket.CloseError); ok {
			code = said.Code
		}
		p.server.closed = append(p.server.closed, code)
		return 0, false
	}
	var packet struct{ Op int }
	assert.NoError(p.server.t, json.Unmarshal(raw, &packet))
	if packet.Op == 2 {
		p.server.identifies = append(p.server.identifies, string(raw))
	}
	return packet.Op, true
}

// login says hello and waits for the IDENTIFY.
func (p *gwPeer) login() bool {
	p.hello(41250 * time.Millisecond)
	op, ok := p.next()
	return ok && op == 2
}

// serve answers heartbeats until the connection is gone.
func (p *gwPeer) serve() {
	for {
		switch op, ok := p.next(); {
		case !ok:
			return
		case op == 1:
			p.send(11, "", "null")
		}
	}
}

// live is a session in which the bot is in no server.
func (p *gwPeer) live(guilds ...string) {
	if p.login() {
		p.ready(guilds...)
		p.serve()
	}
}

// quickTimes are a Gateway's times where nothing goes wrong on its side.
func quickTimes() gatewayTimes {
	t := usualTimes
	t.poll, t.minRedial, t.maxRedial, t.spacing = 10*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond, time.Millisecond
	t.close = 100 * time.Millisecond // the close frame is on its way then; discordgo takes a second
	return t
}

// gwRun is a Gateway that runs.
type gwRun struct {
	*Gateway
	log   *logbook
	stop  func()      // ends Run and waits for it
	taken chan string // the payloads of interactions
	ended chan struct{}
}

// run runs a Gateway that is connected to the server, until the test ends.
func (s *gwServer) run(change func(*Gateway)) *gwRun {
	t := s.t
	t.Helper()
	logger, book := newLog(t)
	taken := make(chan string, 4096)
	g := &Gateway{
		Adapter: &Adapter{Client: &Client{ApplicationID: testApp, BotToken: testBotToken, BaseURL: s.http.URL, HTTP: s.http.Client()}, Log: logger},
		take:    func(_ context.Context, raw json.RawMessage, _ time.Time) { taken <- string(raw) },
		times:   quickTimes(),
	}
	if change != nil {
		change(g)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &gwRun{Gateway: g, log: book, taken: taken, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		g.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		select {
		case <-r.ended:
		case <-time.After(10 * time.Second):
			t.Error("Run does not end")
		}
	}
	t.Cleanup(r.stop)
	return r
}

// until waits for something.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 10*time.Second, 2*time.Millisecond, what)
}

func (r *gwRun) untilLive(t *testing.T) {
	t.Helper()
	until(t, "a session", func() bool { return r.Status().State == GatewayLive })
}

// gwProxy is an HTTP proxy that counts its tunnels.
func gwProxy(t *testing.T) (*url.URL, *atomic.Int64) {
	tunnels := new(atomic.Int64)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		there, err := net.Dial("tcp", r.Host)
		if r.Method != http.MethodConnect || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		tunnels.Add(1)
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			there.Close()
			return
		}
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { defer there.Close(); _, _ = io.Copy(there, here) }()
		defer here.Close()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	return address, tunnels
}
