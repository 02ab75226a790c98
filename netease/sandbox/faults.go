package sandbox

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"roomwarden/netease"
)

// A Hangup is a connection closed without an answer.
type Hangup int

const (
	NoHangup Hangup = iota
	BeforeApplying
	AfterApplying
)

// A Fault is something that goes wrong with a call. What goes back is the first of these that is set: nothing
// (Hangup), a page (Status or Body), an answer (Code), and otherwise what NetEase would have said.
//
// A fault that applies lets the call through all checks and carries it out if it passes them. One that does not
// apply comes from in front of NetEase: signature and form are not looked at, nothing is counted for the rate limit,
// the RequestId is not used up.
type Fault struct {
	Times int // how many calls it meets; 0: one

	// Delay passes between the call, carried out or not, and what goes back: a caller who gave up meanwhile does not
	// undo it. It is real time (or that of a testing/synctest bubble), whatever the clock of the sandbox, and ends
	// early with the request's context.
	Delay time.Duration

	Hangup Hangup

	Status int    // an HTTP status; 0 with a Body: 200
	Body   string // empty with a Status: a small HTML page

	Code int // a code in NetEase's own form, with Desc if not empty
	Desc string

	Applied bool // with Status, Body or Code: the call is carried out nevertheless
}

// Inject puts a fault at the end of the queue of op. Each call of op that has the right path and method takes the
// fault at its head.
func (s *Sandbox) Inject(op netease.Op, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], f)
}

// Mend takes back all faults that no call has met yet.
func (s *Sandbox) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// nextFault takes what is to happen to this call of op: the zero Fault for nothing.
func (s *Sandbox) nextFault(op netease.Op) Fault {
	queue := s.faults[op]
	if len(queue) == 0 {
		return Fault{}
	}
	f := queue[0]
	if f.Times > 1 {
		queue[0].Times--
	} else {
		s.faults[op] = queue[1:]
	}
	return f
}

// reaches tells whether the call reaches NetEase.
func (f Fault) reaches() bool {
	if f.Hangup != NoHangup {
		return f.Hangup == AfterApplying
	}
	_, _, instead := f.instead()
	return f.Applied || !instead
}

// instead is the page that goes back in place of NetEase's answer, with the code it tells; false when there is none.
// A hang-up's page goes nowhere.
func (f Fault) instead() (back page, code int, ok bool) {
	switch {
	case f.Hangup != NoHangup:
		return page{}, 0, true
	case f.Body != "":
		back = page{status: cmp.Or(f.Status, http.StatusOK), contentType: typeJSON, body: []byte(f.Body)}
		if strings.HasPrefix(f.Body, "<") {
			back.contentType = typeHTML
		}
		return back, 0, true
	case f.Status != 0:
		return htmlPage(f.Status), 0, true
	case f.Code != 0:
		return jsonPage(refusal{f.Code, f.Desc}), f.Code, true
	default:
		return page{}, 0, false
	}
}
