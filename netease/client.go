package netease

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultBase is NetEase's address in China under its old name. Other regions have their own; a key works in one.
	DefaultBase = "https://api.netease.im/nimserver"

	defaultTimeout = 5 * time.Second
	maxRepeats     = 2

	// A repeated updateDelayClosePolicy starts its count anew: nobody wants that long after they asked.
	maxRestartAge = 2 * time.Minute
)

// repeatPause is the pause before the first and the second repeat.
var repeatPause = [maxRepeats]time.Duration{50 * time.Millisecond, 500 * time.Millisecond}

// A Client calls NetEase for one application. AppKey and AppSecret are required, all else may be left zero. It may be used by
// many goroutines at once; its fields must not change after the first call.
type Client struct {
	AppKey    string
	AppSecret string

	Bases   []string      // addresses ending in /nimserver, main first, all of one region; empty: DefaultBase
	Timeout time.Duration // for one attempt; 0: 5 s
	Rate    float64       // calls a second for each interface, with a Limiter of all processes together; 0: 20
	HTTP    *http.Client  // nil: one that follows no redirects

	// Limiter is the queue that the processes of one application share. nil: this is the only process.
	Limiter Limiter

	// Ready is asked directly before each attempt that is to change something, after the wait for the limit. When it returns an
	// error the attempt is not made: ErrNotReady. What it says holds for 1.5 s: an attempt that has not found a connection by then
	// is given up. Reads do not ask. nil: always ready.
	Ready func() error

	Observe func(Attempt) // hears of every attempt; nil: nobody does

	once  sync.Once
	http  *http.Client
	mu    sync.Mutex
	gates map[Op]*gate
}

// String tells whose client it is, without the secret.
func (c *Client) String() string { return "netease client of " + c.AppKey }

// GoString keeps the secret out of %#v, LogValue out of logs.
func (c *Client) GoString() string       { return c.String() }
func (c *Client) LogValue() slog.Value   { return slog.StringValue(c.String()) }
func (c *Client) timeout() time.Duration { return cmp.Or(c.Timeout, defaultTimeout) }
func (c *Client) rate() float64          { return cmp.Or(c.Rate, defaultRate) }

// base is the address for the first attempt and for each repeat: the next one every time.
func (c *Client) base(repeats int) string {
	if len(c.Bases) == 0 {
		return DefaultBase
	}
	return strings.TrimRight(c.Bases[repeats%len(c.Bases)], "/")
}

func (c *Client) httpClient() *http.Client {
	c.once.Do(func() {
		c.http = c.HTTP
		if c.http == nil {
			transport := http.DefaultTransport.(*http.Transport).Clone()
			transport.IdleConnTimeout = 2500 * time.Millisecond // NetEase's SDKs give idle connections 3 s
			transport.MaxIdleConnsPerHost = 16
			c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse // a redirect would take the signed request elsewhere
			}}
		}
	})
	return c.http
}

// call makes one call and repeats it where that is safe.
//
// Errors: *InvalidError, *Error, *CallError; the last may hold a *BusyError, ErrNoTime, ErrNoLimit or ErrNotReady.
func (c *Client) call(ctx context.Context, f *form) (answer, error) {
	if f.err != nil {
		f.err.Earlier = f.repeated
		return answer{}, f.err
	}
	var (
		first   = time.Now()
		earlier = f.repeated // some attempt may have arrived
		last    error
		repeats = 0
		rested  = false
	)
	for {
		// Waited for before the place: nobody sends on one that was given long before.
		if f.changes() && c.Ready != nil {
			if err := c.awaitReady(ctx); err != nil {
				return answer{}, final(f.op, notMade(fmt.Errorf("%w: %w", ErrNotReady, err), last), earlier)
			}
		}
		if err := c.admit(ctx, f.op); err != nil {
			return answer{}, final(f.op, notMade(err, last), earlier)
		}
		if f.op == OpUpdateDelayClosePolicy && last != nil && time.Since(first) > maxRestartAge {
			return answer{}, final(f.op, last, earlier)
		}
		if f.changes() && c.Ready != nil {
			if err := c.Ready(); err != nil {
				return answer{}, final(f.op, notMade(fmt.Errorf("%w: %w", ErrNotReady, err), last), earlier)
			}
		}
		got, sent, err := c.try(ctx, c.base(repeats), f)
		if err == nil {
			return got, nil
		}
		last = err
		if e, ok := errors.AsType[*Error](err); ok {
			if e.Code == CodeTooManyCalls && !rested {
				rested = true
				continue
			}
			return answer{}, final(f.op, err, earlier)
		}
		earlier = earlier || sent
		if !repeatable(err) || repeats == maxRepeats || !sleep(ctx, repeatPause[repeats]) {
			return answer{}, final(f.op, err, earlier)
		}
		repeats++
	}
}

// readyPatience is how long a call waits for Ready: signs of life come twice a second, and one that is late is no reason to fail.
const readyPatience = 3 * time.Second

// awaitReady waits a short while until Ready is nil.
func (c *Client) awaitReady(ctx context.Context) error {
	for begun := time.Now(); ; {
		err := c.Ready()
		if err == nil || time.Since(begun) >= readyPatience || !sleep(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// try makes one attempt and tells the others when there were too many calls.
func (c *Client) try(ctx context.Context, base string, f *form) (_ answer, sent bool, err error) {
	begun := time.Now()
	got, sent, err := c.attempt(ctx, base, f, cmp.Or(f.requestID, NewRequestID()))
	c.observe(f.op, base, sent, err, time.Since(begun))
	if errors.Is(err, CodeTooManyCalls) {
		c.rest(ctx, f.op, begun)
	}
	return got, sent, err
}

// notMade is the last error of a call whose next attempt was not made for a reason; last is what the attempt before has met, if there was one.
func notMade(reason, last error) error {
	switch {
	case last == nil:
		return reason
	case errors.Is(reason, ErrNotReady), errors.Is(reason, ErrNoLimit):
		return fmt.Errorf("%w; before that: %w", reason, last)
	default: // that time ran out is nothing to be told beside what used it up
		return last
	}
}

// final is the error of a call: what its last attempt met, and whether an earlier one may have arrived.
func final(op Op, last error, earlier bool) error {
	if e, ok := errors.AsType[*Error](last); ok {
		e.Earlier = earlier
		return e
	}
	return &CallError{Op: op, Sent: earlier, Last: last}
}
