package slack

import (
	"maps"
	"sync"
	"time"
)

const (
	recentTime = 30 * time.Minute // a response_url is good for as long, and an event's last delivery comes some five minutes after its first
	maxRecent  = 20_000           // ids that are remembered
)

// A recent counts how often it has met ids, for a while. The zero value is ready.
type recent struct {
	mu    sync.Mutex
	met   map[string]int
	order []seenAt // the oldest first
}

type seenAt struct {
	id string
	at time.Time
}

// add tells whether an id is new, and remembers it.
func (r *recent) add(id string) bool { return r.count(id) == 1 }

// count remembers an id, and tells how often it has been met since it was new. What is longer ago than recentTime, or than maxRecent other ids, is new again.
func (r *recent) count(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for len(r.order) > 0 && (now.Sub(r.order[0].at) > recentTime || len(r.order) >= maxRecent) {
		delete(r.met, r.order[0].id)
		r.order = r.order[1:]
	}
	if r.met == nil {
		r.met = make(map[string]int)
	}
	if r.met[id]++; r.met[id] == 1 {
		r.order = append(r.order, seenAt{id, now})
	}
	return r.met[id]
}

// maxPosts is how many posts a response_url takes.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const maxPosts = 5

// posts counts the posts to response_urls. The zero value is ready.
type posts struct{ recent }

// add counts one more post, and tells whether Slack still takes it.
func (p *posts) add(address string) bool { return p.count(address) <= maxPosts }

// holds are the methods and response_urls of which Slack wants no calls for a while. The zero value is ready.
type holds struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (h *holds) hold(what string, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if len(h.until) >= maxRecent {
		maps.DeleteFunc(h.until, func(_ string, until time.Time) bool { return now.After(until) })
	}
	if h.until == nil {
		h.until = make(map[string]time.Time)
	}
	h.until[what] = now.Add(d)
}

func (h *holds) left(what string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(h.until[what])
}
