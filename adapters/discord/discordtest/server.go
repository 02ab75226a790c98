package discordtest

import (
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// Options of a fake Discord. All may be left out.
type Options struct {
	BotToken      string           // empty: an example
	ApplicationID string           // empty: an example
	Guild         string           // the id of the guild that is there from the start; empty: an example
	BotURL        string           // where the bot listens, "http://127.0.0.1:8080"; empty: the gateway
	Now           func() time.Time // for tokens, nonces, days and ids; nil: time.Now. Later moves it, also. Signatures and heartbeats keep real time
	AnswerTime    time.Duration    // how long Discord waits for the first answer; 0: 3 s
	Lag           time.Duration    // how long the answer in an HTTP response is on its way, before calls of the bot that begin after it; 0: not at all
	Heartbeat     time.Duration    // the heartbeat_interval; 0: 41.25 s
	IdentifyEvery time.Duration    // how far apart IDENTIFYs must be (max_concurrency is 1); 0: 5 s
	Intents       int              // that the bot may ask for
	EverySession  bool             // interactions go to all live sessions, as when two processes have one token
	Twice         bool             // interactions come twice on a session
}

// A Server is a fake Discord with one application. It may be used by many goroutines at once.
type Server struct {
	BotToken, ApplicationID string
	PublicKey               string // of the application, in hex
	Guild                   string // the id of the guild that is there from the start

	t       testing.TB
	o       Options
	http    *httptest.Server
	private ed25519.PrivateKey
	referee *Referee       // nil: there is no document
	over    chan struct{}  // closed when the test ends
	work    sync.WaitGroup // deliveries and connections

	mu           sync.Mutex
	changed      chan struct{} // closed and made anew by each change
	ended        bool
	count        int // of the last thing made
	later        time.Duration
	token        string // that is good now
	botURL       string
	endpoint     *string // what the portal has as the URL, where that is something else than botURL
	verifyKey    string  // likewise
	forgiving    bool
	complaints   []string
	calls        []Call
	faults       map[string][]*Fault
	waits        map[string]wait
	users        []*User
	guilds       []*Guild
	channels     []*Channel
	commands     map[string][]obj // as registered, by guild; "": global
	creates      map[string][]time.Time
	interactions []*interaction
	posts        []*post
	modals       map[string]*modal // what each person has open, by user id
	gateway      gateway
}

// New starts a fake Discord on 127.0.0.1 that ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	o.AnswerTime = cmp.Or(o.AnswerTime, 3*time.Second)
	o.Heartbeat = cmp.Or(o.Heartbeat, 41250*time.Millisecond)
	o.IdentifyEvery = cmp.Or(o.IdentifyEvery, 5*time.Second)
	s := &Server{
		BotToken:      cmp.Or(o.BotToken, "MTEwMDAwMDAwMDAwMDAwMDAwMQ.example.token"),
		ApplicationID: cmp.Or(o.ApplicationID, "1100000000000000001"),
		PublicKey:     hex.EncodeToString(public),
		Guild:         cmp.Or(o.Guild, "1100000000000000002"),
		t:             t, o: o, private: private, referee: NewReferee(t), over: make(chan struct{}), changed: make(chan struct{}),
		botURL: o.BotURL, faults: map[string][]*Fault{}, waits: map[string]wait{},
		commands: map[string][]obj{}, creates: map[string][]time.Time{}, modals: map[string]*modal{},
	}
	s.token, s.verifyKey = s.BotToken, s.PublicKey
	s.AddGuild(Guild{ID: s.Guild, Name: "Example"})
	mux := http.NewServeMux()
	for _, r := range routes() {
		method, path := r.split()
		mux.HandleFunc(method+" "+apiRoot+path, func(w http.ResponseWriter, req *http.Request) { s.serve(r, w, req) })
	}
	mux.HandleFunc("/", s.serveUnknown)
	mux.HandleFunc("/socket/", s.serveGateway)
	s.http = httptest.NewServer(mux)
	t.Cleanup(s.end)
	return s
}

func (s *Server) end() {
	s.mu.Lock()
	s.ended = true
	close(s.over)
	lines := slices.Clone(s.gateway.lines)
	s.touch()
	s.mu.Unlock()
	for _, l := range lines {
		l.ws.Close()
	}
	s.work.Wait()
	s.http.CloseClientConnections()
	s.http.Close()
}

// APIURL is the root of the API, without /api/v10: DISCORD_API_URL.
func (s *Server) APIURL() string { return s.http.URL }

// SetBotURL tells where the bot listens from now on; empty: the gateway.
func (s *Server) SetBotURL(address string) { s.change(func() { s.botURL = address }) }

// SetEndpointURL has the portal tell another Interactions Endpoint URL than where the bot is; empty: none. Where there is one, the gateway gets no
// interactions.
func (s *Server) SetEndpointURL(address string) { s.change(func() { s.endpoint = &address }) }

// SetVerifyKey has the portal tell another public key than that of the signatures.
func (s *Server) SetVerifyKey(key string) { s.change(func() { s.verifyKey = key }) }

// ResetToken makes another token the good one: BotToken is refused from now on, and all sessions end.
func (s *Server) ResetToken(token string) {
	s.change(func() { s.token = token })
	s.CloseSessions(closeAuthentication)
}

// Later moves the clock on.
func (s *Server) Later(d time.Duration) { s.change(func() { s.later += d }) }

// WaitFor returns when what is true, and ends the test when that takes too long. It looks after each change in this Discord, and now and then for
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
			t.Fatalf("discord waited %v in vain for %s", patience, what)
		}
	}
}

// Forgive keeps complaints from failing the test, for tests that provoke them: Complaints has them.
func (s *Server) Forgive() { s.change(func() { s.forgiving = true }) }

// Complaints are the rules that the bot has broken, each once.
func (s *Server) Complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.complaints)
}

// complain fails the test, once for each sentence. s.mu is held.
func (s *Server) complain(format string, args ...any) {
	sentence := fmt.Sprintf(format, args...)
	if slices.Contains(s.complaints, sentence) {
		return
	}
	s.complaints = append(s.complaints, sentence)
	if !s.forgiving && !s.ended {
		s.t.Errorf("discord: %s", sentence)
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
func (s *Server) next() int { s.count++; return s.count }

// snowflake is a new id: later ones are larger. https://discord.com/developers/docs/reference#snowflakes
func (s *Server) snowflake() string {
	const epoch = 1420070400000 // ms
	return fmt.Sprint((s.now().UnixMilli()-epoch)<<22 + int64(s.next()))
}

// now is the time by the clock that Later moves. s.mu is held.
func (s *Server) now() time.Time {
	now := time.Now
	if s.o.Now != nil {
		now = s.o.Now
	}
	return now().Add(s.later)
}
