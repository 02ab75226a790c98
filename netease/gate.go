package netease

import (
	"cmp"
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

// A gate lets the calls of one interface through: at the rate, and none while the interface rests.
type gate struct {
	limiter *rate.Limiter

	mu    sync.Mutex
	until time.Time // the interface rests until then
}

func (c *Client) gate(op Op) *gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gates == nil {
		c.gates = map[Op]*gate{}
	}
	g := c.gates[op]
	if g == nil {
		perSecond := cmp.Or(c.Rate, defaultRate)
		g = &gate{limiter: rate.NewLimiter(rate.Limit(perSecond), max(1, min(usualBurst, int(mostAtOnce-perSecond))))}
		c.gates[op] = g
	}
	return g
}

// wait returns true when the next call may be made. When ctx ends before that could be it returns at once,
// false and how long it would have taken.
func (g *gate) wait(ctx context.Context) (time.Duration, bool) {
	for {
		if d := g.resting(); d > 0 {
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

func (g *gate) resting() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, time.Until(g.until))
}

// rest closes the gate for NetEase's ten seconds.
func (g *gate) rest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Now().Add(restTime + rand.N(restJitter))
}

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
