package discordtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Forgery is what is wrong with the signatures of interactions over HTTP.
type Forgery struct {
	Key     bool          // another key than the right one
	Age     time.Duration // how old the signature is; negative: of the future
	Missing bool          // there is none
	Altered bool          // the body is another than was signed
}

// Sign sets Discord's headers for a body. Forgery{} is right.
//
// https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint-validating-security-request-headers
func (s *Server) Sign(h http.Header, body []byte, f Forgery) {
	if f.Missing {
		return
	}
	key := s.private
	if f.Key {
		_, key, _ = ed25519.GenerateKey(nil)
	}
	timestamp := strconv.FormatInt(time.Now().Add(-f.Age).Unix(), 10)
	signed := append([]byte(timestamp), body...)
	if f.Altered {
		signed = append(signed, ' ')
	}
	h.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, signed)))
	h.Set("X-Signature-Timestamp", timestamp)
}

// Post sends any body to the bot, signed as told, and waits: for what no verb makes. Nothing is done with the answer.
func (s *Server) Post(body string, f Forgery) Ack {
	s.mu.Lock()
	root := s.botURL
	s.mu.Unlock()
	return s.post(root, []byte(body), f)
}

// Ping sends a PING, as Discord does when an Interactions Endpoint URL is saved, signed as told.
func (s *Server) Ping(f Forgery) Ack {
	s.mu.Lock()
	i := s.begin(kindPing, s.person("owner"), nil, "a PING")
	body := compact(s.envelope(i, nil))
	s.mu.Unlock()
	return s.Post(string(body), f)
}

// CheckEndpoint does what Discord does before it saves an Interactions Endpoint URL, and now and then later: a PING, and signatures that are wrong. The
// error is why the URL is not saved.
func (s *Server) CheckEndpoint() error {
	if a := s.Ping(Forgery{Key: true}); a.Status != http.StatusUnauthorized {
		return fmt.Errorf("a wrong signature is answered with HTTP %d, not 401", a.Status)
	}
	a := s.Ping(Forgery{})
	var pong struct{ Type int }
	if a.Status != http.StatusOK || !isJSON(a.Header) || json.Unmarshal(a.Body, &pong) != nil || pong.Type != Pong {
		return fmt.Errorf("PING is answered with HTTP %d, %s: %.200s", a.Status, a.Header.Get("Content-Type"), a.Body)
	}
	return nil
}

func isJSON(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "application/json"
}

// overHTTP delivers by one POST.
func (d *Delivery) overHTTP() Ack {
	s := d.s
	s.mu.Lock()
	root := s.botURL
	s.mu.Unlock()
	a := s.post(root, compact(d.i.payload), Forgery{})
	switch {
	case a.Problem != "":
		return a
	case a.Status == http.StatusAccepted && len(a.Body) == 0:
		a.Problem = d.await()
		return a
	case a.Status != http.StatusOK:
		a.Problem = Refused
		return a
	}
	var body obj
	if !isJSON(a.Header) || json.Unmarshal(a.Body, &body) != nil || body == nil {
		s.change(func() {
			s.complain("the HTTP response to %s is no JSON, but %q: %.200s", d.i.what, a.Header.Get("Content-Type"), a.Body)
		})
		a.Problem = Nonsense
		return a
	}
	s.lag()
	if err := s.referee.Request(Callback, a.Body); err != nil {
		s.change(func() { s.complain("the HTTP response to %s: against the OpenAPI document: %v", d.i.what, err) })
		a.Problem = Nonsense
		return a
	}
	s.change(func() {
		switch no := s.answer(d.i, body, nil, false); {
		case no == nil:
		case no.code() == 10062:
			a.Problem = TimedOut
		default:
			a.Problem = Nonsense
		}
	})
	return a
}

// lag waits as long as an answer in an HTTP response is on its way.
func (s *Server) lag() {
	if s.o.Lag <= 0 {
		return
	}
	select {
	case <-time.After(s.o.Lag):
	case <-s.over:
	}
}

// post posts to the bot as Discord does. It follows no redirect.
func (s *Server) post(root string, body []byte, f Forgery) Ack {
	ctx, cancel := context.WithTimeout(context.Background(), s.o.AnswerTime)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-s.over:
			cancel()
		case <-stop:
		}
	}()
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}
	address := strings.TrimSuffix(root, "/") + interactionsPath
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return Ack{Problem: Unreachable}
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Discord-Interactions/1.0 (+https://discord.com)"}}
	s.Sign(req.Header, body, f)
	res, err := client.Do(req)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return Ack{Problem: TimedOut}
		}
		return Ack{Problem: Unreachable}
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	a := Ack{Status: res.StatusCode, Header: res.Header, Body: said}
	if err != nil {
		a.Problem = TimedOut
	}
	return a
}
