package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"
)

const (
	callTime  = 5 * time.Second // one call of Slack's Web API
	maxAnswer = 4 << 20         // bytes of an answer; a user group of 10,000 has some 150,000
)

// A Refusal is Slack's word for not doing what it was asked to.
type Refusal struct {
	Method string // "auth.test"
	Word   string // "invalid_auth", "missing_scope"; "not ok" when Slack gave none
}

func (r *Refusal) Error() string { return r.Method + ": " + r.Word }

// webAPI is a client of the Web API at apiURL; empty: Slack's own. It follows no redirect, which could carry the
// token elsewhere. Time-outs are not left to base, which may be nil.
func webAPI(apiURL, token string, base *http.Client, more ...slackapi.Option) *slackapi.Client {
	var c http.Client
	if base != nil {
		c = *base
	}
	c.Timeout = callTime
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Transport = checked{c.Transport}
	root := strings.TrimRight(cmp.Or(apiURL, slackapi.APIURL), "/") + "/"
	return slackapi.New(token, append(more, slackapi.OptionAPIURL(root), slackapi.OptionHTTPClient(&c))...)
}

// checked lets only answers through that say whether they are one: slack-go takes "ok": false without an error for a success. It ends
// answers at maxAnswer with an error.
type checked struct{ next http.RoundTripper } // nil: http.DefaultTransport

var errNotSlack = errors.New("the answer is not what Slack's look like")

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	next := c.next
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body := http.MaxBytesReader(nil, res.Body, maxAnswer)
	res.Body = body
	if res.StatusCode != http.StatusOK {
		return res, nil
	}
	defer body.Close()
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(raw, &said) != nil || !said.OK && said.Error == "" {
		return nil, errNotSlack
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, nil
}

// failure is what a call's error may tell others: a *Refusal where Slack said no, and otherwise what happened, without
// the address and without what an answer quotes.
func failure(method string, err error) error {
	if refused, ok := errors.AsType[slackapi.SlackErrorResponse](err); ok {
		if !errorWord.MatchString(refused.Err) {
			return &Refusal{method, "not ok"}
		}
		return &Refusal{method, refused.Err}
	}
	if answered, ok := errors.AsType[slackapi.StatusCodeError](err); ok {
		return fmt.Errorf("%s: HTTP %d", method, answered.Code)
	}
	if limited, ok := errors.AsType[*slackapi.RateLimitedError](err); ok {
		return fmt.Errorf("%s: %w", method, limited)
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return fmt.Errorf("%s: the answer is larger than %d bytes", method, maxAnswer)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", method, failed.Err)
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() { // in the middle of an answer
		return fmt.Errorf("%s: %w", method, context.DeadlineExceeded)
	}
	return fmt.Errorf("%s: %w", method, errNotSlack)
}
