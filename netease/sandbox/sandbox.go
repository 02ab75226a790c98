package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"roomwarden/netease"
)

// A Sandbox is one NetEase application with its accounts and rooms. It is an http.Handler and an http.RoundTripper,
// and safe for use by many goroutines.
type Sandbox struct {
	appKey, appSecret string
	now               func() time.Time

	mu       sync.Mutex // guards all below
	accounts map[netease.AccID]bool
	rooms    map[netease.RoomID]*room
	faults   map[netease.Op][]Fault
	limits   map[netease.Op]*limit
	seen     requestIDs
	calls    []Call
}

// New makes an application without accounts or rooms. now is the server's clock, called by many goroutines at once;
// nil is time.Now.
func New(appKey, appSecret string, now func() time.Time) *Sandbox {
	if now == nil {
		now = time.Now
	}
	return &Sandbox{
		appKey:    appKey,
		appSecret: appSecret,
		now:       now,
		accounts:  make(map[netease.AccID]bool),
		rooms:     make(map[netease.RoomID]*room),
		faults:    make(map[netease.Op][]Fault),
		limits:    make(map[netease.Op]*limit),
		seen:      requestIDs{ids: make(map[string]bool)},
	}
}

// AddAccounts registers accounts. Who is not registered can neither act, be acted upon, nor enter a room.
func (s *Sandbox) AddAccounts(ids ...netease.AccID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.register(ids...)
}

func (s *Sandbox) register(ids ...netease.AccID) {
	for _, id := range ids {
		s.accounts[lower(id)] = true
	}
}

// lower is the form in which NetEase keeps an account.
func lower(id netease.AccID) netease.AccID { return netease.AccID(strings.ToLower(string(id))) }

// A Call is one call that reached an interface, whatever became of it.
type Call struct {
	Op        netease.Op
	RequestID string     // empty when none was sent
	Form      url.Values // not to be changed
	At        time.Time  // when it arrived
	Code      int        // answered; 0 where a fault hung up or sent a page of its own
	Applied   bool       // it passed every check and was carried out, whether or not the caller was told
}

// keptCalls is how many calls are remembered, at least.
const keptCalls = 5_000

// Calls returns the calls in the order of their arrival, the oldest first: all of them, or the last 5,000 and more.
func (s *Sandbox) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// call takes one call in. It returns what goes back, and the fault that delays it or keeps it from going. The call is
// carried out, or not, and written down before any delay.
func (s *Sandbox) call(op netease.Op, r *http.Request, body []byte) (page, Fault) {
	form, unreadable := readForm(r, body)

	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	fault := s.nextFault(op)
	c := Call{Op: op, RequestID: r.Header.Get("RequestId"), Form: form, At: now}

	var back page
	if fault.reaches() {
		payload, no := s.answer(op, r.Header, form, unreadable, now)
		c.Applied = no == nil
		if no == nil {
			c.Code, back = codeOK, jsonPage(payload)
		} else {
			c.Code, back = no.Code, jsonPage(no)
		}
	}
	if instead, code, ok := fault.instead(); ok {
		c.Code, back = code, instead
	}

	if len(s.calls) == 2*keptCalls {
		s.calls = slices.Clone(s.calls[keptCalls:])
	}
	s.calls = append(s.calls, c)
	return back, fault
}

// answer takes a call through NetEase's checks and carries it out: the payload of a success, or the refusal.
func (s *Sandbox) answer(op netease.Op, h http.Header, form url.Values, unreadable *refusal, now time.Time) (any, *refusal) {
	if no := s.verify(h, now); no != nil {
		return nil, no
	}
	if !s.limit(op).allow(now) {
		return nil, &refusal{codeTooFast, "query too fast"}
	}
	if id := h.Get("RequestId"); id != "" && !s.seen.first(id, now) {
		return nil, &refusal{Code: codeRepeated}
	}
	if unreadable != nil {
		return nil, unreadable
	}
	return interfaces[op](s, &params{form: form, accounts: s.accounts}, now)
}
