package netease

import (
	"context"
	"fmt"
	"time"
)

// A Limiter keeps one queue for each interface, which all processes that call NetEase for one application share. Its methods may be called
// by many goroutines at once. They get a second; whoever implements them ends with their ctx.
type Limiter interface {
	// Take takes the next place in the queue of interface name, from which perSecond calls a second are let out, and returns how long to wait for
	// it. When that is longer than most, no place is taken and ok is false. After an error nothing is sent.
	Take(ctx context.Context, name string, perSecond float64, most time.Duration) (wait time.Duration, ok bool, err error)

	// Rest empties the queue for d: nobody, in any process, gets a place that comes before d is over.
	Rest(ctx context.Context, name string, d time.Duration) error
}

const (
	limiterTime = time.Second // for one question to a Limiter

	// A place is taken only when it is as near as this. So nobody holds one from before a 416 for long, and no place is lost when
	// somebody's time runs out.
	nearPlace = 50 * time.Millisecond
	// Where the next place is farther than this the whole process waits, and who cannot is told at once.
	farPlace = time.Second

	// Who comes later than this to their place would meet those who come after them, and takes a new one. Of the time that Take needs nobody
	// knows whether it lies before or after the place was given, so it has a bound of its own.
	maxOversleep = 50 * time.Millisecond
	maxTakeTime  = 250 * time.Millisecond
	maxMissed    = 3 // places that one attempt may miss: a process so slow takes them from the others
)

// admit waits until the next attempt of op may be made: by this process's own gate, and by the queue that is shared with others.
// nil: now. Its errors, *BusyError, ErrNoTime and ErrNoLimit, mean that it must not be made.
func (c *Client) admit(ctx context.Context, op Op) error {
	g := c.gate(op)
	for {
		if wait, ok := g.wait(ctx); !ok {
			return tooBusy(ctx, op, wait)
		}
		if c.Limiter == nil {
			return nil
		}
		if ok, err := c.place(ctx, op, g); ok || err != nil {
			return err
		}
	}
}

// place waits for a place in the shared queue, and is false when the gate has closed meanwhile. One of a process asks at a time: so the
// processes share evenly, and those behind cost the Limiter nothing.
func (c *Client) place(ctx context.Context, op Op, g *gate) (bool, error) {
	begun := time.Now()
	if !g.enter(ctx) {
		return false, tooBusy(ctx, op, max(time.Second, time.Since(begun)))
	}
	defer g.leave()
	for missed := 0; missed < maxMissed; {
		if g.closed() > 0 {
			return false, nil
		}
		asked := time.Now()
		wait, ok, err := c.take(ctx, op)
		taken := time.Now()
		switch {
		case err != nil && ctx.Err() != nil:
			return false, ErrNoTime
		case err != nil:
			return false, fmt.Errorf("%w: %w", ErrNoLimit, err)
		case !ok && wait > farPlace:
			g.pause(wait - nearPlace)
			return false, nil
		case !ok: // come again when the place is near
			if !sleep(ctx, max(wait-nearPlace, time.Millisecond)) {
				return false, tooBusy(ctx, op, wait)
			}
			continue
		}
		wait = max(0, wait)
		if !sleep(ctx, wait) {
			return false, tooBusy(ctx, op, wait)
		}
		if taken.Sub(asked) > maxTakeTime || time.Since(taken)-wait > maxOversleep {
			missed++
			continue
		}
		return g.resting() == 0, nil // a 416 may have come meanwhile
	}
	return false, &BusyError{Op: op, Wait: time.Second}
}

func (c *Client) take(ctx context.Context, op Op) (wait time.Duration, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limiterTime)
	defer cancel()
	return c.Limiter.Take(ctx, string(op), c.rate(), nearPlace)
}

// rest keeps everybody from op after a 416 to an attempt that was sent at a time: this process, and the others if the Limiter can be asked.
// Otherwise they meet a 416 of their own. It outlasts ctx by a second at most.
func (c *Client) rest(ctx context.Context, op Op, sent time.Time) {
	if news := c.gate(op).rest(sent); !news || c.Limiter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limiterTime)
	defer cancel()
	_ = c.Limiter.Rest(ctx, string(op), restTime) // this process keeps quiet whatever comes of it
}

// tooBusy is why an attempt was not made that would have had to wait.
func tooBusy(ctx context.Context, op Op, wait time.Duration) error {
	if ctx.Err() != nil || wait == 0 {
		return ErrNoTime
	}
	return &BusyError{Op: op, Wait: wait}
}
