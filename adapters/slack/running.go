package slack

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"roomwarden/commands"
)

const (
	maxRunning = 1024            // commands at once, those whose late answer is being posted included
	maxOfOne   = 64              // of one person's: a flood leaves room for the others
	maxAgain   = 1024            // further deliveries of them at once
	lastWords  = time.Second     // for late answers once the work was cancelled
	stopGrace  = 2 * time.Second // for everything once the work was cancelled
)

var (
	errBusy     = errors.New("too many commands at once")
	errFlooded  = errors.New("too many deliveries of running commands at once")
	errStopping = errors.New("stopping")
)

// running knows the commands being worked on: how many there are, and how to cancel them. The zero value is ready.
type running struct {
	mu       sync.Mutex
	last     int                        // number of the newest command
	cancels  map[int]context.CancelFunc // by number, of those that run
	keys     map[string]*command        // those of each key that run
	past     map[string]*command        // those that were written down and have ended, for recentTime
	order    []seenAt                   // their keys, the oldest first
	persons  map[string]int             // how many commands of each person run
	stopping bool
	idle     chan struct{} // made when stopping begins, closed when nothing runs any more
}

// A command is one request, in however many deliveries.
type command struct {
	person     string
	deliveries int          // those that run
	number     atomic.Int64 // in the journal; 0: it is not written down, and nothing may be promised
	told       atomic.Bool  // that the answer takes longer
	given      atomic.Bool  // the answer was the first response to one of its deliveries
	locale     atomic.Value // a string, as soon as it is known

	once    sync.Once
	written chan struct{} // closed when it has its number
}

// accepted notes the number of a command.
func (c *command) accepted(number int64) {
	c.number.Store(number)
	c.once.Do(func() { close(c.written) })
}

// language is that of the command's person, as far as it is known.
func (c *command) language(otherwise commands.Language) commands.Language {
	locale, _ := c.locale.Load().(string)
	return commands.LanguageOf(locale, otherwise)
}

// begin takes on a delivery of a command of somebody's, until end is called, which must be once. c is the same for all of its
// deliveries. life is cancelled when a stop loses its patience; it has no other end. A delivery whose key runs already is not told errBusy or
// errStopping, because nobody may tell it that nothing was done; neither is one whose command has ended. When there are too many of those, it is told
// errFlooded, and the command.
func (r *running) begin(key, person string) (life context.Context, c *command, end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, runs := r.keys[key]
	full := r.stopping || len(r.keys) >= maxRunning || r.persons[person] >= maxOfOne
	switch {
	case !runs && full && r.past[key] != nil:
		return nil, r.past[key], nil, errFlooded
	case !runs && r.stopping:
		return nil, nil, nil, errStopping
	case !runs && full:
		return nil, nil, nil, errBusy
	case runs && len(r.cancels)-len(r.keys) >= maxAgain:
		return nil, c, nil, errFlooded
	case r.cancels == nil:
		r.cancels, r.keys, r.persons = make(map[int]context.CancelFunc), make(map[string]*command), make(map[string]int)
	}
	if !runs {
		c = &command{person: person, written: make(chan struct{})}
		r.keys[key] = c
		r.persons[person]++
	}
	c.deliveries++
	life, cancel := context.WithCancel(context.Background())
	r.last++
	n := r.last
	r.cancels[n] = cancel
	return life, c, func() { r.end(n, key) }, nil
}

// several tells whether more than one delivery of a command runs.
func (r *running) several(c *command) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.deliveries > 1
}

func (r *running) end(number int, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancels[number]()
	delete(r.cancels, number)
	c := r.keys[key]
	if c.deliveries--; c.deliveries == 0 {
		delete(r.keys, key)
		r.remember(key, c)
		if r.persons[c.person]--; r.persons[c.person] == 0 {
			delete(r.persons, c.person)
		}
	}
	if r.stopping && len(r.cancels) == 0 {
		close(r.idle)
	}
}

// remember keeps a command that has ended; r.mu is held.
func (r *running) remember(key string, c *command) {
	if c.number.Load() == 0 || r.past[key] != nil {
		return
	}
	now := time.Now()
	for len(r.order) > 0 && (now.Sub(r.order[0].at) > recentTime || len(r.order) >= maxRecent) {
		delete(r.past, r.order[0].id)
		r.order = r.order[1:]
	}
	if r.past == nil {
		r.past = make(map[string]*command)
	}
	r.past[key] = c
	r.order = append(r.order, seenAt{key, now})
}

// ended is the command of a key, if it was written down and has ended; nil: nobody knows.
func (r *running) ended(key string) *command {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.past[key]
}

// stop lets no command begin any more and waits for those that run. When ctx ends first it cancels them, waits
// for stopGrace at most, and returns how many they were.
func (r *running) stop(ctx context.Context) (cut int) {
	r.mu.Lock()
	if !r.stopping {
		r.stopping, r.idle = true, make(chan struct{})
		if len(r.cancels) == 0 {
			close(r.idle)
		}
	}
	r.mu.Unlock()

	select {
	case <-r.idle:
		return 0
	case <-ctx.Done():
	}
	r.mu.Lock()
	cut = len(r.cancels)
	for _, cancel := range r.cancels {
		cancel()
	}
	r.mu.Unlock()

	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-r.idle:
	case <-grace.C:
	}
	return cut
}
