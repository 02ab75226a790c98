package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Forgery is what is wrong with the signatures of payloads in HTTP mode.
type Forgery struct {
	Secret  string        // another signing secret than the right one
	Age     time.Duration // how old the signature is; negative: of the future
	Missing bool          // there is none
}

// Forge has all payloads from now on signed as told; Forge(Forgery{}): rightly.
func (s *Server) Forge(f Forgery) { s.change(func() { s.forgery = f }) }

// Sign sets Slack's headers for a body, now and rightly. https://docs.slack.dev/authentication/verifying-requests-from-slack
func (s *Server) Sign(h http.Header, body []byte) { s.sign(h, body, Forgery{}) }

func (s *Server) sign(h http.Header, body []byte, f Forgery) {
	if f.Missing {
		return
	}
	secret := s.SigningSecret
	if f.Secret != "" {
		secret = f.Secret
	}
	timestamp := strconv.FormatInt(time.Now().Add(-f.Age).Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	h.Set("X-Slack-Request-Timestamp", timestamp)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// request is the path, body and media type of a payload.
func (c *cause) request() (path, body, kind string) {
	const form = "application/x-www-form-urlencoded"
	switch c.kind {
	case "slash_commands":
		fields := url.Values{}
		for key, v := range c.payload {
			text, _ := v.(string)
			fields.Set(key, text)
		}
		return "/slack/commands", fields.Encode(), form
	case "interactive":
		return "/slack/interactions", url.Values{"payload": {string(compact(c.payload))}}.Encode(), form
	default:
		return "/slack/events", string(compact(c.payload)), "application/json"
	}
}

// overHTTP delivers by one POST.
func (s *Server) overHTTP(d *Delivery) {
	s.mu.Lock()
	root, forgery := strings.TrimSuffix(s.botURL, "/"), s.forgery
	path, body, kind := d.cause.request()
	s.mu.Unlock()
	header := http.Header{"Content-Type": {kind}, "User-Agent": {"Slackbot 1.0 (+https://api.slack.com/robots)"}, "Accept": {"application/json,*/*"}}
	s.sign(header, []byte(body), forgery)
	if d.cause.kind == "events_api" && d.repeat > 0 {
		header.Set("X-Slack-Retry-Num", strconv.Itoa(d.repeat))
		header.Set("X-Slack-Retry-Reason", "http_timeout")
	}
	d.finish(s.send(root+path, header, []byte(body)))
}

// send posts to the bot as Slack does. It follows no redirect.
func (s *Server) send(address string, header http.Header, body []byte) Ack {
	ctx, cancel := context.WithTimeout(context.Background(), s.o.AckTime)
	defer cancel()
	go func() {
		select {
		case <-s.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Ack{Problem: Unreachable}
	}
	req.Header = header
	began := time.Now()
	res, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
			return Ack{Problem: TimedOut, After: time.Since(began)}
		}
		return Ack{Problem: Unreachable, After: time.Since(began)}
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	a := Ack{Status: res.StatusCode, Header: res.Header, Body: said, After: time.Since(began)}
	switch class := res.StatusCode / 100; {
	case err != nil:
		a.Problem = TimedOut
	case class == 2:
		a.OK = true
	case class == 4:
		a.Problem = Refused
	default:
		a.Problem = Broken
	}
	return a
}

// Post sends any body to the bot, signed unless Forge says otherwise, and waits: for what no verb makes, such as ssl_check and url_verification.
func (s *Server) Post(path, mediaType, body string) Ack {
	s.mu.Lock()
	root, forgery := strings.TrimSuffix(s.botURL, "/"), s.forgery
	s.mu.Unlock()
	header := http.Header{"Content-Type": {mediaType}}
	s.sign(header, []byte(body), forgery)
	return s.send(root+path, header, []byte(body))
}
