package netease

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	defaultRate = 20 // calls a second; NetEase allows 100 and counts the customer's own servers too
	// NetEase blocks an interface for 10 s after too many calls. Whether calls made meanwhile prolong that is not
	// documented, so none is made, and not all bots come back at once.
	restTime   = 10 * time.Second
	restJitter = 400 * time.Millisecond
	// Rate and burst together stay below NetEase's 100.
	mostAtOnce = 96
	usualBurst = 5
	// An attempt that has less time than this left is not begun.
	minAttempt = 100 * time.Millisecond
)

// A gate lets this process's calls of one interface through: at the rate, none while the interface rests, and none while the queue that is
// shared with other processes is known to be full.
type gate struct {
	limiter *rate.Limiter
	turn    chan struct{} // held by whoever asks the shared queue

	mu     sync.Mutex
	rested time.Time // when the last rest began
	until  time.Time // the interface rests until then
	full   time.Time // the shared queue has no place before then
}

func (c *Client) gate(op Op) *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gates == nil {
		c.gates = map[Op]*gate{}
	}
	g := c.gates[op]
	if g == nil {
		perSecond := c.rate()
		burst := max(1, min(usualBurst, int(mostAtOnce-perSecond)))
		g = &gate{limiter: rate.NewLimiter(rate.Limit(perSecond), burst), turn: make(chan struct{}, 1)}
		c.gates[op] = g
	}
	return g
}

// wait returns true when the next call may be made, as far as this process knows. When ctx ends before that could be it returns at
// once, false and how long it would have taken.
func (g *gate) wait(ctx context.Context) (time.Duration, bool) {
	for {
		if d := g.closed(); d > 0 {
			if !sleep(ctx, d) {
				return d, false
			}
			continue
		}
		r := g.limiter.Reserve()
		if d := r.Delay(); !sleep(ctx, d) {
			r.Cancel()
			return d, false
		}
		if g.resting() == 0 { // a 416 may have come while this one waited for its turn
			return 0, true
		}
	}
}

// resting is how long nobody may call after a 416.
func (g *gate) resting() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, time.Until(g.until))
}

// closed is how long nobody of this process needs to try.
func (g *gate) closed() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, time.Until(g.until), time.Until(g.full))
}

// rest closes the gate for NetEase's ten seconds, after a 416 to an attempt that was sent at a time. It tells whether that is news: an attempt
// sent before a rest began has met the block that the rest is for.
func (g *gate) rest(sent time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.until = now.Add(restTime + rand.N(restJitter))
	if !sent.After(g.rested) {
		return false
	}
	g.rested = now
	return true
}

// pause closes the gate until the shared queue may have a place.
func (g *gate) pause(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.full = time.Now().Add(d)
}

// enter waits for the turn to ask the shared queue; false when ctx leaves no time for it. Whoever entered must leave.
func (g *gate) enter(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-minAttempt))
		defer cancel()
	}
	select {
	case g.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *gate) leave() { <-g.turn }

// sleep waits for d. It is false when ctx ends first, and at once where ctx would leave no time for an attempt afterwards.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d+minAttempt || ctx.Err() != nil {
		return false
	}
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
