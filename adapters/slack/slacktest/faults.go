package slacktest

import (
	"net/http"
	"strconv"
	"time"
)

// ResponseURL is the method's name of posts to response_urls, for On and Calls.
const ResponseURL = "response_url"

// A Fault is what a call meets instead of its answer. Delay comes first; with nothing else the call is answered as ever after it.
type Fault struct {
	Error      string        // Slack's word, in HTTP 200: "ratelimited", "internal_error"
	Status     int           // an HTTP status with a body that is not JSON
	RetryAfter time.Duration // HTTP 429 with Retry-After
	Delay      time.Duration // before the answer, and before its effect
	Cut        bool          // the connection breaks
	Done       bool          // the call is carried out all the same, only its answer is lost
	Times      int           // how many calls meet it; 0: one; -1: all until Heal
}

// On has the next calls of a method fail, after those faults that it is told of already.
func (s *Server) On(method string, f Fault) {
	s.change(func() {
		if f.Times == 0 {
			f.Times = 1
		}
		s.faults[method] = append(s.faults[method], &f)
	})
}

// Heal takes back all faults of a method.
func (s *Server) Heal(method string) { s.change(func() { delete(s.faults, method) }) }

// fault is what this call meets, if anything. s.mu is held.
func (s *Server) fault(method string) (Fault, bool) {
	all := s.faults[method]
	if len(all) == 0 {
		return Fault{}, false
	}
	f := *all[0]
	if all[0].Times--; all[0].Times == 0 {
		s.faults[method] = all[1:]
	}
	return f, true
}

// instead answers a call with the fault, and tells whether it did.
func (f Fault) instead(w http.ResponseWriter) bool {
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.RetryAfter > 0:
		w.Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
		reply(w, http.StatusTooManyRequests, obj{"ok": false, "error": "ratelimited"})
	case f.Status != 0:
		http.Error(w, "no healthy upstream", f.Status)
	case f.Error != "":
		reply(w, http.StatusOK, obj{"ok": false, "error": f.Error})
	default:
		return false
	}
	return true
}

// A Call is one that the bot has made.
type Call struct {
	Method string
	Args   map[string]any // of a form, strings, with blocks, view and the like read as JSON; without the token
	At     time.Time
	Error  string // the word it was refused with; empty: none, or the fault was no word
}

// Calls are those of a method, in order; of all methods when it is empty.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			some = append(some, c)
		}
	}
	return some
}

// called records a call and returns its place. s.mu is held.
func (s *Server) called(method string, args obj) int {
	s.calls = append(s.calls, Call{Method: method, Args: args, At: s.now()})
	s.touch()
	return len(s.calls) - 1
}
