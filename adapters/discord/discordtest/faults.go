package discordtest

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// A Fault is what a call meets instead of its answer. With Delay alone it is answered as ever, later.
type Fault struct {
	Status     int           // of HTTP, with Discord's JSON; 0 with a Code: that of the code
	Code       int           // Discord's own, 0: none
	RetryAfter time.Duration // 429, with the headers
	Global     bool          // 429 for all routes
	Page       bool          // the body is a page of HTML, as of Cloudflare
	Delay      time.Duration // before the answer, and before its effect unless Done
	Hang       bool          // there is no answer, and the connection stays open
	HangUp     bool          // the connection breaks
	Done       bool          // the call is carried out all the same, only its answer is lost
	Times      int           // how many calls meet it; 0: one; -1: all until Heal
}

// On has the next calls of a route fail, after those faults that it is told of already.
func (s *Server) On(route string, f Fault) {
	s.t.Helper()
	known := false
	for _, r := range routes() {
		known = known || r.name == route
	}
	if !known {
		s.t.Fatalf("discord: no route %q", route)
	}
	s.change(func() {
		if f.Times == 0 {
			f.Times = 1
		}
		s.faults[route] = append(s.faults[route], &f)
	})
}

// Heal takes back all faults of a route.
func (s *Server) Heal(route string) { s.change(func() { delete(s.faults, route) }) }

// fault is what this call meets, if anything. s.mu is held.
func (s *Server) fault(route string) (Fault, bool) {
	all := s.faults[route]
	if len(all) == 0 {
		return Fault{}, false
	}
	f := *all[0]
	if all[0].Times--; all[0].Times == 0 {
		s.faults[route] = all[1:]
	}
	return f, true
}

// pause waits as the fault says, and tells whether somebody is still waiting for the answer.
func (s *Server) pause(r *http.Request, f Fault) bool {
	var timer <-chan time.Time
	if !f.Hang {
		timer = time.After(f.Delay)
	}
	select {
	case <-timer:
		return true
	case <-r.Context().Done():
	case <-s.over:
	}
	return false
}

// instead answers a call with the fault, and tells whether it did.
func (f Fault) instead(w http.ResponseWriter, keep func(answer)) bool {
	a := answer{f.Status, obj{"code": f.Code, "message": http.StatusText(f.Status)}}
	switch known := problems[f.Code]; {
	case f.HangUp:
		panic(http.ErrAbortHandler)
	case f.RetryAfter > 0:
		f.limited(w.Header())
		a.status, a.body = http.StatusTooManyRequests, obj{
			"message": "You are being rate limited.", "retry_after": f.RetryAfter.Seconds(), "global": f.Global, "code": 0,
		}
	case f.Code != 0 && f.Status == 0:
		a = answer{known.status, obj{"code": f.Code, "message": known.body}}
		if known.status == 0 {
			a = answer{http.StatusBadRequest, obj{"code": f.Code, "message": "Error"}}
		}
	case f.Status == 0:
		return false
	}
	keep(a)
	if f.Page {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.Header().Set("Server", "cloudflare")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, "<!doctype html><html><head><title>discord.com | "+http.StatusText(a.status)+"</title></head><body></body></html>")
		return true
	}
	reply(w, a)
	return true
}

// limited sets the headers of 429. https://discord.com/developers/docs/topics/rate-limits
func (f Fault) limited(h http.Header) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	if f.Page {
		return
	}
	if f.Global {
		h.Set("X-RateLimit-Global", "true")
		h.Set("X-RateLimit-Scope", "global")
		return
	}
	h.Set("X-RateLimit-Scope", "user")
	h.Set("X-RateLimit-Limit", "5")
	h.Set("X-RateLimit-Remaining", "0")
	h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", f.RetryAfter.Seconds()))
	h.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", float64(time.Now().Add(f.RetryAfter).UnixMilli())/1000))
	h.Set("X-RateLimit-Bucket", "0123456789abcdef0123456789abcdef")
}

// A wait is how long the bot was told to leave a bucket alone.
type wait struct{ from, until time.Time }

// crossing is how long a call may have been on its way already when another was answered with 429.
const crossing = 25 * time.Millisecond

func bucket(at route, r *http.Request) string {
	return at.name + " " + r.PathValue("interaction_token") + r.PathValue("webhook_token") + r.PathValue("channel_id") + r.PathValue("guild_id")
}

const everything = "all routes"

// waitFrom notes that the bot was told to wait.
func (s *Server) waitFrom(at route, r *http.Request, f Fault) {
	if f.RetryAfter <= 0 || f.Page {
		return
	}
	b := bucket(at, r)
	if f.Global {
		b = everything
	}
	now := time.Now()
	s.change(func() { s.waits[b] = wait{now, now.Add(f.RetryAfter)} })
}

// patient complains of a call that comes before the wait is over. s.mu is held.
func (s *Server) patient(at route, r *http.Request) {
	buckets := []string{bucket(at, r)}
	if at.auth != byInteraction { // those do not count for the global limit
		buckets = append(buckets, everything)
	}
	now := time.Now()
	for _, b := range buckets {
		if w, told := s.waits[b]; told && now.After(w.from.Add(crossing)) && now.Before(w.until.Add(-crossing)) {
			s.complain("%s: again before the wait that 429 asked for was over", at.name)
		}
	}
}

// A Call is one that the bot has made.
type Call struct {
	Route  string
	Path   string // without /api/v10
	Token  string // of the interaction; empty: none
	Body   any    // of JSON
	Files  []File
	At     time.Time
	Status int // of the answer; 0: there was none (yet)
	Code   int // Discord's code in it
}

// Calls are those of a route, in order; of all routes when it is empty.
func (s *Server) Calls(route string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []Call
	for _, c := range s.calls {
		if route == "" || c.Route == route {
			some = append(some, c)
		}
	}
	return some
}

// called records a call and returns its place. s.mu is held.
func (s *Server) called(at route, r *request) int {
	s.calls = append(s.calls, Call{
		Route: at.name, Path: r.URL.Path[len(apiRoot):], Token: r.PathValue("interaction_token") + r.PathValue("webhook_token"),
		Body: r.body, Files: r.files, At: time.Now(),
	})
	s.touch()
	return len(s.calls) - 1
}
