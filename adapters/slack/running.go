package slack

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	maxRunning = 1024            // commands at once, those whose late answer is being posted included
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
	keys     map[string]int             // how many deliveries of each key run
	stopping bool
	idle     chan struct{} // made when stopping begins, closed when nothing runs any more
}

// begin takes on a command, until end is called, which must be once. life is cancelled when a stop loses its
// patience; it has no other end. A delivery whose key runs already is not told errBusy or errStopping, because nobody
// may tell it that nothing was done. When there are too many of those, it is told errFlooded.
func (r *running) begin(key string) (life context.Context, end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[key] == 0 && r.stopping {
		return nil, nil, errStopping
	}
	if r.keys[key] == 0 && len(r.keys) >= maxRunning {
		return nil, nil, errBusy
	}
	if r.keys[key] > 0 && len(r.cancels)-len(r.keys) >= maxAgain {
		return nil, nil, errFlooded
	}
	if r.cancels == nil {
		r.cancels, r.keys = make(map[int]context.CancelFunc), make(map[string]int)
	}
	life, cancel := context.WithCancel(context.Background())
	r.last++
	number := r.last
	r.cancels[number] = cancel
	r.keys[key]++
	return life, func() { r.end(number, key) }, nil
}

func (r *running) end(number int, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancels[number]()
	delete(r.cancels, number)
	if r.keys[key]--; r.keys[key] == 0 {
		delete(r.keys, key)
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
