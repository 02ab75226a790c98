package netease

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxAnswerBytes = 1 << 20 // 200 members are some 60 KB

	// What Ready has said is good for so long. Another process takes the work over three seconds after the last sign of life, and
	// that sign may be a second old: half a second remains.
	readyHolds = 1500 * time.Millisecond
)

var errSlowConnect = errors.New("connecting took too long")

// An attempt's answer: the payload of a 200, and when the attempt was sent.
type answer struct {
	body body
	sent time.Time
}

// attempt sends once. sent tells, when err is not nil, whether the request may have arrived.
func (c *Client) attempt(ctx context.Context, base string, f *form, requestID string) (_ answer, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)

	client := c.httpClient()
	// net/http tells when it hands the head of the request over to the connection: before that no byte is out. Of another
	// transport nothing is known, so it may have sent.
	var wrote atomic.Bool
	wrote.Store(!tells(client))
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }})
	if f.changes() && c.Ready != nil {
		defer time.AfterFunc(readyHolds, func() {
			if !wrote.Load() {
				giveUp(errSlowConnect)
			}
		}).Stop()
	}
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

	resp, err := client.Do(req)
	if err != nil {
		if context.Cause(ctx) == errSlowConnect {
			err = errSlowConnect
		}
		return answer{}, wrote.Load(), &transportError{withoutURL(err)}
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

// tells reports whether a client's transport is one that tells what it does.
func tells(c *http.Client) bool {
	if c.Transport == nil {
		return true
	}
	_, ok := c.Transport.(*http.Transport)
	return ok
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
