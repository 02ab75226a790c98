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
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"roomwarden/commands"
)

// A response_url takes 5 posts within 30 minutes. One command has one late answer, so the posts are its attempts,
// and we stop long before the 30 minutes are over: an answer that comes much later helps nobody.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const (
	maxPosts     = 5
	postTime     = 10 * time.Second // one attempt
	lateTime     = 2 * time.Minute  // all attempts
	maxPostReply = 4 << 10          // bytes read of what Slack says to it
)

var (
	errUntrusted = errors.New("response_url is missing, or not one of Slack's")
	errExpired   = errors.New("response_url has expired")
)

// post sends a late answer to a response_url, again after network errors, 429 and 5xx. An attempt that may have
// arrived is repeated, too: read twice is better than never. The error names neither the URL nor the answer.
//
// When life ends, lastWords remain.
func (a *Adapter) post(life context.Context, to commands.ReplyTo, m message) error {
	address, ok := trusted(string(to), a.APIURL)
	if !ok {
		return errUntrusted
	}
	replace := false
	m.ReplaceOriginal = &replace // when it is left out, Slack has been seen to replace other messages
	body, err := m.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(life), lateTime)
	defer cancel()
	forget := context.AfterFunc(life, func() { time.AfterFunc(lastWords, cancel) })
	defer forget()

	pauses := &backoff.ExponentialBackOff{
		InitialInterval: time.Second, Multiplier: 3, RandomizationFactor: 0.25, MaxInterval: 30 * time.Second,
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, a.attempt(ctx, address, body) },
		backoff.WithBackOff(pauses), backoff.WithMaxTries(maxPosts), backoff.WithMaxElapsedTime(lateTime))
	return err
}

// attempt posts once. The error tells backoff what to do next.
func (a *Adapter) attempt(ctx context.Context, to *url.URL, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(errUntrusted) // err quotes the URL
	}
	req.Header.Set("Content-Type", contentType)
	res, err := a.client().Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("post to response_url: %w", failed.Err) // without failed.URL
	} else if err != nil {
		return fmt.Errorf("post to response_url: %w", err)
	}
	defer res.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(res.Body, maxPostReply)) // half an answer is as good as none: the status decides
	return verdict(res, said)
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
func verdict(res *http.Response, said []byte) error {
	refusal := refusal(said)
	switch code := res.StatusCode; {
	case code/100 == 2 && refusal == "":
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return backoff.Permanent(errExpired)
	case code == http.StatusTooManyRequests:
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil {
			return errors.New("post to response_url: HTTP 429")
		}
		seconds = max(0, min(seconds, int(lateTime/time.Second)+1)) // beyond lateTime backoff gives up
		return fmt.Errorf("post to response_url: HTTP 429: %w", backoff.RetryAfter(seconds))
	case code/100 == 5:
		return fmt.Errorf("post to response_url: HTTP %d", code)
	default:
		return backoff.Permanent(fmt.Errorf("post to response_url: HTTP %d %s", code, refusal))
	}
}

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
