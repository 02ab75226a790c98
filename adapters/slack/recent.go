package slack

import (
	"sync"
	"time"
)

const (
	recentTime = 15 * time.Minute // Slack's last delivery of an event comes some five minutes after its first
	maxRecent  = 20_000           // ids that are remembered
)

// A recent remembers ids for a while. The zero value is ready.
type recent struct {
	mu    sync.Mutex
	known map[string]bool
	order []seenAt // the oldest first
}

type seenAt struct {
	id string
	at time.Time
}

// add tells whether an id is new, and remembers it. What is longer ago than recentTime, or than maxRecent other ids, is new again.
func (r *recent) add(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for len(r.order) > 0 && (now.Sub(r.order[0].at) > recentTime || len(r.order) >= maxRecent) {
		delete(r.known, r.order[0].id)
		r.order = r.order[1:]
	}
	if r.known[id] {
		return false
	}
	if r.known == nil {
		r.known = make(map[string]bool)
	}
	r.known[id] = true
	r.order = append(r.order, seenAt{id, now})
	return true
}

// maxPosts is how many posts a response_url takes.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const maxPosts = 5

// A tally counts the posts to response_urls. The zero value is ready.
type tally struct {
	mu    sync.Mutex
	posts map[string]int
	order []seenAt // the oldest first
}

// add counts one more post, and tells whether Slack still takes it.
func (t *tally) add(address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for len(t.order) > 0 && (now.Sub(t.order[0].at) > replyTime || len(t.order) >= maxRecent) {
		delete(t.posts, t.order[0].id)
		t.order = t.order[1:]
	}
	if t.posts == nil {
		t.posts = make(map[string]int)
	}
	if t.posts[address] == 0 {
		t.order = append(t.order, seenAt{address, now})
	}
	if t.posts[address] >= maxPosts {
		return false
	}
	t.posts[address]++
	return true
}

// holds are the methods of which Slack wants no calls for a while. The zero value is ready.
type holds struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (h *holds) hold(method string, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.until == nil {
		h.until = make(map[string]time.Time)
	}
	h.until[method] = time.Now().Add(d)
}

func (h *holds) left(method string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(h.until[method])
}
