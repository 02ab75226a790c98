package discordtest_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/adapters/discord/discordtest"
)

// signed tells whether a request comes from this Discord, and is fresh.
func signed(s *discordtest.Server, r *http.Request, body []byte) bool {
	key, _ := hex.DecodeString(s.PublicKey)
	signature, err := hex.DecodeString(r.Header.Get("X-Signature-Ed25519"))
	stamp := r.Header.Get("X-Signature-Timestamp")
	return err == nil && len(signature) == ed25519.SignatureSize && ed25519.Verify(key, append([]byte(stamp), body...), signature)
}

func TestSignatures(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	httpBot(t, s, waits)
	for _, row := range []struct {
		name   string
		f      discordtest.Forgery
		status int
	}{
		{"right", discordtest.Forgery{}, 200},
		{"old, and right", discordtest.Forgery{Age: time.Hour}, 200},
		{"another key", discordtest.Forgery{Key: true}, 401},
		{"missing", discordtest.Forgery{Missing: true}, 401},
		{"altered", discordtest.Forgery{Altered: true}, 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := s.Ping(row.f)
			assert.Equal(t, row.status, a.Status)
			if row.status == 200 {
				assert.JSONEq(t, `{"type": 1}`, string(a.Body))
			}
			assert.Equal(t, row.status == 200, s.Post(`{"type": 1}`, row.f).Status == 200)
		})
	}
	assert.NoError(t, s.CheckEndpoint())
}

func TestCheckEndpoint(t *testing.T) {
	for _, row := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"lets all pass", `{"type": 1}`, 200, "a wrong signature is answered with HTTP 200, not 401"},
		{"lets nothing pass", ``, 401, "PING is answered with HTTP 401"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := discordtest.New(t, discordtest.Options{})
			bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			}))
			t.Cleanup(bot.Close)
			s.SetBotURL(bot.URL)
			assert.ErrorContains(t, s.CheckEndpoint(), row.want)
		})
	}
}

func TestHTTPProblems(t *testing.T) {
	wait := make(chan struct{})
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // the problem
		odd    bool   // there is a complaint
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, discordtest.Refused, false},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, discordtest.Refused, false},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, discordtest.Nonsense, true},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, discordtest.Nonsense, true},
		{"202 alone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }, discordtest.TimedOut, false},
		{"too slow", func(http.ResponseWriter, *http.Request) { <-wait }, discordtest.TimedOut, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{AnswerTime: brief})
			s.Forgive()
			bot := httptest.NewServer(row.answer)
			s.SetBotURL(bot.URL)
			d := command(s)
			assert.Equal(t, row.want, d.Ack().Problem)
			assert.True(t, d.Failed())
			assert.Equal(t, row.odd, len(s.Complaints()) > 0)
			if row.name == "too slow" {
				close(wait)
			}
			bot.Close()
			assert.Equal(t, discordtest.Unreachable, command(s).Ack().Problem)
		})
	}
}

// A PATCH may overtake the answer in the HTTP response.
func TestLag(t *testing.T) {
	s := there(t, discordtest.Options{Lag: 200 * time.Millisecond})
	httpBot(t, s, func(obj) obj { return first(5, nil) })
	d := command(s)
	assert.Equal(t, 10015, call(t, s, "PATCH", hook(s, d, original), says("done")).code)
	d.Ack()
	assert.Equal(t, 200, call(t, s, "PATCH", hook(s, d, original), says("done")).status)
}
