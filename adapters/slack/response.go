package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// A response_url takes 5 posts. One command has one late answer, so the posts are its attempts: some of them at once,
// and some are left for Deliver.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const (
	quickPosts   = 3                // attempts at once
	postTime     = 3 * time.Second  // one attempt
	lateTime     = 10 * time.Second // all attempts at once
	postPause    = 5 * time.Second  // after them
	maxPostReply = 1 << 20          // bytes read of what Slack says to it
)

var (
	errUntrusted = errors.New("response_url is missing, or not one of Slack's")
	errExpired   = errors.New("response_url has expired")
	errUsedUp    = errors.New("response_url has taken all of its posts")
)

// postTo sends a late answer to a response_url, again after network errors, 429 and 5xx. An attempt that may have arrived is repeated, too:
// read twice is better than never. The error names neither the URL nor the answer.
//
// When life ends, lastWords remain.
func (a *Adapter) postTo(life context.Context, address *url.URL, body []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(life), lateTime)
	defer cancel()
	forget := context.AfterFunc(life, func() { time.AfterFunc(lastWords, cancel) })
	defer forget()

	pauses := &backoff.ExponentialBackOff{
		InitialInterval: 500 * time.Millisecond, Multiplier: 3, RandomizationFactor: 0.25, MaxInterval: lateTime,
	}
	over := false
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := a.attempt(ctx, address, body)
		over = isOver(err)
		return struct{}{}, err
	},
		backoff.WithBackOff(pauses), backoff.WithMaxTries(quickPosts), backoff.WithMaxElapsedTime(lateTime))
	if err != nil && !over { // Deliver comes next, and leaves it some time
		a.holds.hold(address.String(), max(a.holds.left(address.String()), postPause))
	}
	return err
}

// attempt posts once to a response_url. The error tells backoff what to do next.
func (a *Adapter) attempt(ctx context.Context, to *url.URL, body []byte) error {
	const what = "post to response_url"
	if wait := a.holds.left(to.String()); wait > 0 {
		return fmt.Errorf("%s: held back: %w", what, backoff.RetryAfter(int(wait/time.Second)+1))
	}
	if !a.posts.add(to.String()) {
		return backoff.Permanent(errUsedUp)
	}
	res, said, err := a.send(ctx, what, to, "", body)
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone {
		return backoff.Permanent(errExpired)
	}
	err = verdict(what, res, said)
	if limited, ok := errors.AsType[*backoff.RetryAfterError](err); ok {
		a.holds.hold(to.String(), limited.Duration)
	}
	return err
}

// send posts JSON once, and returns what came back. The error names neither the address nor the token.
func (a *Adapter) send(ctx context.Context, what string, to *url.URL, token string, body []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, backoff.Permanent(errUntrusted) // err quotes the URL
	}
	req.Header.Set("Content-Type", contentType)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := a.client().Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, nil, fmt.Errorf("%s: %w", what, failed.Err) // without failed.URL
	} else if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", what, err)
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxPostReply)) // half an answer is as good as none: the status decides
	return res, said, nil
}

// client is a.HTTP, but it follows no redirect.
func (a *Adapter) client() *http.Client {
	var c http.Client
	if a.HTTP != nil {
		c = *a.HTTP
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// verdict is what Slack's answer to a post means. Any 2xx is a delivery unless it says ok: false.
func verdict(what string, res *http.Response, said []byte) error {
	word := refusal(said)
	switch code := res.StatusCode; {
	case code/100 == 2 && word == "":
		return nil
	case code == http.StatusTooManyRequests:
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil {
			return fmt.Errorf("%s: HTTP 429", what)
		}
		seconds = max(0, min(seconds, 3600)) // beyond lateTime backoff gives up
		return fmt.Errorf("%s: HTTP 429: %w", what, backoff.RetryAfter(seconds))
	case code/100 == 5 || slices.Contains(passing, word):
		return fmt.Errorf("%s: %w", what, unsettled(code, word))
	default:
		return backoff.Permanent(fmt.Errorf("%s: %w", what, unsettled(code, word)))
	}
}

// unsettled is an HTTP status and Slack's error word, if it gave one.
func unsettled(code int, word string) error {
	return errors.New(strings.TrimSpace(fmt.Sprintf("HTTP %d %s", code, word)))
}

// passing are Slack's words for trouble of its own, with whatever HTTP status.
//
// https://docs.slack.dev/reference/methods/chat.postEphemeral#errors
var passing = []string{"fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout", "service_unavailable", "team_added_to_org"}

// Slack's error words: "invalid_blocks", "used_url".
var errorWord = regexp.MustCompile(`^[a-z_]{1,64}$`)

// refusal is the error word of an answer that says ok: false, "not ok" when it has none, and empty for any other answer.
func refusal(said []byte) string {
	var answer struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	switch err := json.Unmarshal(said, &answer); {
	case err != nil || answer.OK == nil || *answer.OK:
		return ""
	case errorWord.MatchString(answer.Error):
		return answer.Error
	default:
		return "not ok"
	}
}

// trusted returns a response_url that may be posted to. It came in a form that Slack signed; still, a post carries what
// moderators read, so it goes to Slack's hosts over https alone, or to the host and port of apiURL, over plain http
// only when that is this machine.
func trusted(responseURL, apiURL string) (*url.URL, bool) {
	u, err := url.Parse(responseURL)
	if err != nil || u.User != nil || u.Host == "" {
		return nil, false
	}
	host := strings.ToLower(u.Host) // with the port, if any: Slack's have none
	own := apiURL != "" && host == hostOf(apiURL)
	switch u.Scheme {
	case "https":
		return u, own || strings.HasSuffix(host, ".slack.com") || strings.HasSuffix(host, ".slack-gov.com")
	case "http":
		return u, own && isLoopback(u.Hostname())
	default:
		return nil, false
	}
}

// hostOf is host and port of an URL, or empty.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
