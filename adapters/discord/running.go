package discord

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxRunning = 1024            // commands at once, those whose late answer is on its way included
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
	keys     map[string]*command        // what is told of each key that runs
	persons  map[string]int             // how many commands of each person run
	stopping bool
	idle     chan struct{} // made when stopping begins, closed when nothing runs any more
}

// A command is one interaction, in however many deliveries.
type command struct {
	person     string
	deliveries int // those that run; guarded by running.mu

	once      sync.Once
	sent      chan struct{} // closed when a first answer has gone to Discord, or could not
	elsewhere atomic.Bool   // Discord has taken another first answer, by another process or before

	told    atomic.Bool // that the answer takes longer, in a message besides a card, or it is there
	working chan string // has room for one: the id of that message; empty: there is none

	mu           sync.Mutex
	now          acknowledgement // as it would be
	acknowledged bool            // it is fixed: ack
	ack          acknowledgement
}

// An acknowledgement is a first answer without the outcome.
type acknowledgement struct {
	number int64 // the command is written down as this one; 0: it is not, and nothing may be promised
	public bool  // everyone sees it
}

// accepted is a Request's Accepted.
func (c *command) accepted(number int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.number = number
}

// allowed is a Request's Allowed.
func (c *command) allowed(public bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.public = public
}

// acknowledge is the acknowledgement by what is known the first time it is asked: public when the command was written down and a
// success was said to be. All deliveries get the same, since nobody knows which of them Discord heeds.
func (c *command) acknowledge() acknowledgement {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.acknowledged {
		c.acknowledged, c.ack = true, acknowledgement{c.now.number, c.now.public && c.now.number != 0}
	}
	return c.ack
}

// settle tells that a first answer has gone to Discord, or that it could not.
func (c *command) settle() { c.once.Do(func() { close(c.sent) }) }

// wait waits until settle was called, since what follows must not overtake the first answer, but no longer than Discord would wait for that, or ctx. It is false
// when ctx ended.
func (c *command) wait(ctx context.Context) bool {
	timer := time.NewTimer(underWay)
	defer timer.Stop()
	select {
	case <-c.sent:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// quiet has nothing more said besides the card, and returns the id of what was; empty: nothing was. It waits for what is being said.
func (c *command) quiet() string {
	if c.told.CompareAndSwap(false, true) {
		return ""
	}
	return <-c.working
}

// begin takes on a delivery of a command of somebody's, until end is called, which must be once. life is cancelled when a stop loses its
// patience; it has no other end. A delivery whose key runs already is not told errBusy or errStopping, because nobody may tell
// it that nothing was done. When there are too many of those, it is told errFlooded, and of what command.
func (r *running) begin(key, person string) (life context.Context, c *command, end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, runs := r.keys[key]
	switch {
	case !runs && r.stopping:
		return nil, nil, nil, errStopping
	case !runs && (len(r.keys) >= maxRunning || r.persons[person] >= maxOfOne):
		return nil, nil, nil, errBusy
	case runs && len(r.cancels)-len(r.keys) >= maxAgain:
		return nil, c, nil, errFlooded
	case r.cancels == nil:
		r.cancels, r.keys, r.persons = make(map[int]context.CancelFunc), make(map[string]*command), make(map[string]int)
	}
	if !runs {
		c = &command{person: person, sent: make(chan struct{}), working: make(chan string, 1)}
		r.keys[key] = c
		r.persons[person]++
	}
	c.deliveries++
	life, cancel := context.WithCancel(context.Background())
	r.last++
	number := r.last
	r.cancels[number] = cancel
	return life, c, func() { r.end(number, key) }, nil
}

func (r *running) end(number int, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancels[number]()
	delete(r.cancels, number)
	c := r.keys[key]
	if c.deliveries--; c.deliveries == 0 {
		delete(r.keys, key)
		if r.persons[c.person]--; r.persons[c.person] == 0 {
			delete(r.persons, c.person)
		}
	}
	if r.stopping && len(r.cancels) == 0 {
		close(r.idle)
	}
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
