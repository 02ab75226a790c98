package netease

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultBase is NetEase's address in China under its old name. Other regions have their own; a key works in one.
	DefaultBase = "https://api.netease.im/nimserver"

	defaultTimeout = 5 * time.Second
	maxRepeats     = 2
	maxAnswerBytes = 1 << 20 // 200 members are some 60 KB

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
	Rate    float64       // calls a second for each interface; 0: 20
	HTTP    *http.Client  // nil: one that follows no redirects

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

// An attempt's answer: the payload of a 200, and when the attempt was sent.
type answer struct {
	body body
	sent time.Time
}

// call makes one call and repeats it where that is safe. requestID names the effect and stays the same over all attempts; empty
// means a read, whose every attempt has an id of its own.
//
// Errors: *InvalidError, *Error, *CallError; the last may hold a *BusyError or ErrNoTime.
func (c *Client) call(ctx context.Context, f *form, requestID string) (answer, error) {
	if f.err != nil {
		return answer{}, f.err
	}
	var (
		gate    = c.gate(f.op)
		first   = time.Now()
		earlier = false // some attempt may have arrived
		last    error
		repeats = 0
		rested  = false
	)
	for {
		if wait, ok := gate.wait(ctx); !ok {
			return answer{}, final(f.op, cmp.Or(last, tooBusy(ctx, f.op, wait)), earlier)
		}
		if f.op == OpUpdateDelayClosePolicy && last != nil && time.Since(first) > maxRestartAge {
			return answer{}, final(f.op, last, earlier)
		}
		begun := time.Now()
		got, sent, err := c.attempt(ctx, c.base(repeats), f, cmp.Or(requestID, NewRequestID()))
		c.observe(f.op, c.base(repeats), sent, err, time.Since(begun))
		if err == nil {
			return got, nil
		}
		last = err
		if e, ok := errors.AsType[*Error](err); ok {
			if e.Code == CodeTooManyCalls {
				gate.rest()
				if !rested {
					rested = true
					continue
				}
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

// tooBusy is why a first attempt was not begun.
func tooBusy(ctx context.Context, op Op, wait time.Duration) error {
	if ctx.Err() != nil || wait == 0 {
		return ErrNoTime
	}
	return &BusyError{Op: op, Wait: wait}
}

// final is the error of a call: what its last attempt met, and whether an earlier one may have arrived.
func final(op Op, last error, earlier bool) error {
	if e, ok := errors.AsType[*Error](last); ok {
		e.Earlier = earlier
		return e
	}
	return &CallError{Op: op, Sent: earlier, Last: last}
}

// attempt sends once. sent tells, when err is not nil, whether the request may have arrived.
func (c *Client) attempt(ctx context.Context, base string, f *form, requestID string) (_ answer, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()

	// A transport that dials tells when it begins to, and when it has written; one that tells nothing may have sent.
	var dialled, wrote atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { dialled.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
	})
	values := url.Values{}
	for name, value := range f.fields {
		values.Set(name, value)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/chatroom/"+string(f.op)+".action", strings.NewReader(values.Encode()))
	if err != nil {
		return answer{}, false, errors.New("the base address is not a URL")
	}
	at := time.Now()
	sign(req.Header, c.AppKey, c.AppSecret, at)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
	req.Header.Set("RequestId", requestID)

	resp, err := c.httpClient().Do(req)
	if err != nil {
		return answer{}, !dialled.Load() || wrote.Load(), &transportError{withoutURL(err)}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return answer{}, true, &transportError{fmt.Errorf("reading the answer: %w", err)}
	}
	if resp.StatusCode != http.StatusOK {
		return answer{}, true, &statusError{resp.StatusCode}
	}
	if len(raw) > maxAnswerBytes {
		return answer{}, true, errors.New("the answer is too long")
	}
	b, err := decode(raw)
	if err != nil {
		return answer{}, true, err
	}
	if b.Code != CodeOK {
		return answer{}, true, &Error{Op: f.op, Code: b.Code, Desc: b.desc(), Skew: skew(resp.Header, at)}
	}
	return answer{body: b, sent: at}, true, nil
}

// skew is how far NetEase's clock is ahead of ours, to the second.
func skew(h http.Header, now time.Time) time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return date.Sub(now).Round(time.Second)
}

// A transportError is a connection that could not be made, or broke, or was too slow.
type transportError struct{ error }

func (e *transportError) Unwrap() error { return e.error }

// A statusError is an HTTP status other than 200: a gateway spoke, not the chat-room service.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("HTTP status %d", e.status) }

// HTTPStatus is the status of the gateway that answered in the place of NetEase, when err is about one.
func HTTPStatus(err error) (status int, ok bool) {
	e, ok := errors.AsType[*statusError](err)
	if !ok {
		return 0, false
	}
	return e.status, true
}

// repeatable tells whether what an attempt met is likely to pass.
func repeatable(err error) bool {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e.status == http.StatusBadGateway || e.status == http.StatusServiceUnavailable || e.status == http.StatusGatewayTimeout
	}
	_, ok := errors.AsType[*transportError](err)
	return ok
}

// withoutURL takes the address out of an error of http.Client.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
