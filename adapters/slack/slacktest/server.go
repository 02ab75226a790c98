package slacktest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// obj is a JSON object.
type obj = map[string]any

// Options of a fake Slack. All may be left out.
type Options struct {
	BotToken, AppToken, SigningSecret string           // empty: examples
	AppID                             string           // empty: "A0123"
	Team                              string           // empty: "T0123"
	Enterprise                        string           // "E0789": the workspace is part of an Enterprise Grid
	BotURL                            string           // where the bot listens, "http://127.0.0.1:8080"; empty: Socket Mode
	Scopes                            []string         // of the bot token; nil: all that the known methods need, but not chat:write.public
	Now                               func() time.Time // for triggers, response_urls and ts; nil: time.Now. Acks and signatures keep real time
	AckTime                           time.Duration    // how long Slack waits for an acknowledgement; 0: 3 s
	PingEvery                         time.Duration    // 0: 5 s
	Redeliver                         bool             // Socket Mode: what is not acknowledged in time is sent again, up to three times
	NewEnvelopes                      bool             // Socket Mode: what is sent again has a new envelope_id
	Seed                              uint64           // 0: connections take turns; else they are drawn
	Sparse                            bool             // Socket Mode: commands come without api_app_id and is_enterprise_install
}

// A Server is a fake Slack with one workspace and one app. It may be used by many goroutines at once.
type Server struct {
	BotToken, AppToken, SigningSecret string
	AppID, Team                       string
	BotUser, BotID                    string // "U0B0T", "B0B0T"

	t    testing.TB
	o    Options
	http *httptest.Server
	over chan struct{}  // closed when the test ends
	work sync.WaitGroup // deliveries

	mu         sync.Mutex
	changed    chan struct{} // closed and made anew by each change
	ended      bool
	number     int // of the last thing made
	rand       *rand.Rand
	scopes     []string
	botURL     string
	forgery    Forgery
	forgiving  bool
	complaints []string
	calls      []Call
	faults     map[string][]*Fault
	users      map[string]User
	channels   map[string]*Channel
	groups     map[string][]string
	messages   []*Message
	triggers   map[string]*trigger
	hooks      map[string]*hook // response_urls, by path
	homes      map[string]*view
	modals     map[string][]*view // what each person has open, the topmost last
	tickets    map[string]bool    // true: not used yet
	lines      []*line
	opened     int // lines, ever
	turn       int
	disabled   bool
	pending    map[string]chan []byte // envelopes that wait for an acknowledgement
	heard      map[string][]byte      // all acknowledgements
}

// New starts a fake Slack on 127.0.0.1 that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{
		BotToken:      cmp.Or(o.BotToken, "xoxb-"+"1-2-example"),
		AppToken:      cmp.Or(o.AppToken, "xapp-"+"1-A0123-2-example"),
		SigningSecret: cmp.Or(o.SigningSecret, strings.Repeat("0123abcd", 4)),
		AppID:         cmp.Or(o.AppID, "A0123"), Team: cmp.Or(o.Team, "T0123"),
		BotUser: "U0B0T", BotID: "B0B0T",
		t: t, o: o, over: make(chan struct{}), changed: make(chan struct{}),
		scopes: o.Scopes, botURL: o.BotURL,
		faults: map[string][]*Fault{}, users: map[string]User{}, channels: map[string]*Channel{}, groups: map[string][]string{},
		triggers: map[string]*trigger{}, hooks: map[string]*hook{}, homes: map[string]*view{}, modals: map[string][]*view{},
		tickets: map[string]bool{}, pending: map[string]chan []byte{}, heard: map[string][]byte{},
	}
	if s.o.AckTime == 0 {
		s.o.AckTime = 3 * time.Second
	}
	if s.o.PingEvery == 0 {
		s.o.PingEvery = 5 * time.Second
	}
	if s.scopes == nil {
		s.scopes = usualScopes()
	}
	if o.Seed != 0 {
		s.rand = rand.New(rand.NewPCG(o.Seed, o.Seed)) //nolint:gosec // a test repeats its draws
	}
	s.users[s.BotUser] = User{ID: s.BotUser, Name: "bot", Bot: true}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("POST /response/", s.serveResponse)
	mux.HandleFunc("/link/", s.serveLink)
	s.http = httptest.NewServer(mux)
	t.Cleanup(s.end)
	return s
}

func (s *Server) end() {
	s.mu.Lock()
	s.ended = true
	close(s.over)
	lines := slices.Clone(s.lines)
	s.mu.Unlock()
	for _, l := range lines {
		l.ws.Close()
	}
	s.work.Wait()
	s.http.CloseClientConnections()
	s.http.Close()
}

// APIURL is the root of the Web API, with a slash at its end: SLACK_API_URL.
func (s *Server) APIURL() string { return s.http.URL + "/api/" }

// SetBotURL tells where the bot listens from now on; empty: Socket Mode.
func (s *Server) SetBotURL(address string) { s.change(func() { s.botURL = address }) }

// SetScopes changes what the bot token may do, and what X-OAuth-Scopes says.
func (s *Server) SetScopes(scopes ...string) { s.change(func() { s.scopes = scopes }) }

// WaitFor returns when what is true, and ends the test when that takes too long. It looks after each change in this Slack, and now and then for
// changes elsewhere.
func (s *Server) WaitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	elsewhere := time.NewTicker(25 * time.Millisecond)
	defer elsewhere.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if is() {
			return
		}
		select {
		case <-changed:
		case <-elsewhere.C:
		case <-late.C:
			t.Fatalf("slack waited %v in vain for %s", patience, what)
		}
	}
}

// Forgive keeps complaints from failing the test, for tests that provoke them: Complaints has them.
func (s *Server) Forgive() { s.change(func() { s.forgiving = true }) }

// Complaints are the rules that the bot has broken, each once.
func (s *Server) Complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.complaints...)
}

// complain fails the test, once for each sentence. s.mu is held.
func (s *Server) complain(format string, args ...any) {
	sentence := fmt.Sprintf(format, args...)
	for _, said := range s.complaints {
		if said == sentence {
			return
		}
	}
	s.complaints = append(s.complaints, sentence)
	if !s.forgiving && !s.ended {
		s.t.Errorf("slack: %s", sentence)
	}
}

// change does something to the state and wakes who waits.
func (s *Server) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	s.touch()
}

// touch wakes who waits. s.mu is held.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// next is a number that was not used yet. s.mu is held.
func (s *Server) next() int { s.number++; return s.number }

// stamp is a new ts. s.mu is held.
func (s *Server) stamp() string { return fmt.Sprintf("%d.%06d", s.now().Unix(), s.next()) }

func (s *Server) now() time.Time {
	if s.o.Now != nil {
		return s.o.Now()
	}
	return time.Now()
}
