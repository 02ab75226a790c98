package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

const (
	testSecret  = "9c1f0a77d0e84f6d8a36b0c2a5e4d1b3"
	testTrigger = "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	testHook    = "https://hooks.slack.com/commands/T0123/397700885554/96rGlfmibIGlgcZRskXaIFfN"
)

// form is what Slack sends when Zhang San types command and text.
func form(command, text string) url.Values {
	return url.Values{
		"token": {"gIkuvaNzQIHg97ATvDxqgjtO"}, "team_id": {"T0123"}, "team_domain": {"example"},
		"enterprise_id": {"E0789"}, "enterprise_name": {"Example"}, "is_enterprise_install": {"false"},
		"channel_id": {"C2147483705"}, "channel_name": {"moderation"}, "user_id": {"U0456"}, "user_name": {"zhangsan"},
		"command": {command}, "text": {text}, "api_app_id": {"A123456"},
		"response_url": {testHook}, "trigger_id": {testTrigger},
	}
}

// signature is Slack's for a body, made without slack-go.
func signature(secret, timestamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, "v0:"+timestamp+":"+body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// signed is a request as Slack makes it, now.
func signed(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/slack/commands", strings.NewReader(body))
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", timestamp)
	r.Header.Set("X-Slack-Signature", signature(testSecret, timestamp, body))
	return r
}

// A journal of log lines that may be read while it is written.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// logTo writes everything, without the time.
func logTo(log *logbook) *slog.Logger {
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// newAdapter answers with handle. When the test ends its log is searched for secrets.
func newAdapter(t *testing.T, handle commands.Handler) (*Adapter, *logbook) {
	t.Helper()
	log := new(logbook)
	t.Cleanup(func() {
		for _, secret := range []string{testSecret, testTrigger, "96rGlfmibIGlgcZRskXaIFfN", "v0=", "gIkuvaNzQIHg97ATvDxqgjtO"} {
			assert.NotContains(t, log.String(), secret)
		}
	})
	return &Adapter{
		SigningSecrets: []string{testSecret},
		CommandPrefix:  "nim-",
		Handle:         handle,
		Log:            logTo(log),
	}, log
}

// say has Zhang San type a line and returns the first response.
func say(t *testing.T, a *Adapter, command, text string) message {
	t.Helper()
	return first(t, a, signed(form(command, text).Encode()))
}

// serve is the status and the body of a response.
func serve(h http.Handler, r *http.Request) (status int, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func first(t *testing.T, a *Adapter, r *http.Request) message {
	t.Helper()
	w := httptest.NewRecorder()
	a.Commands().ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
	var m message
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &m))
	checkMessage(t, m)
	return m
}

// told is a reply with nothing but words.
func told(words string) commands.Reply {
	return commands.Reply{Tone: commands.Done, Text: commands.Prose{{Text: words}}, Number: 41}
}

// after answers with r when d is over, or says that it was cancelled.
func after(d time.Duration, r commands.Reply) commands.Handler {
	return func(ctx context.Context, _ commands.Request) commands.Reply {
		select {
		case <-time.After(d):
			return r
		case <-ctx.Done():
			return told("cancelled")
		}
	}
}

// hooks is hooks.slack.com: a URL takes five posts, JSON that says whom it is for.
type hooks struct {
	t      *testing.T
	script []func(w http.ResponseWriter, r *http.Request) // what the posts meet, one each; afterwards "ok"

	mu     sync.Mutex
	posts  []message
	used   map[string]int
	posted chan struct{} // one per post
}

func newHooks(t *testing.T, script ...func(http.ResponseWriter, *http.Request)) *hooks {
	return &hooks{t: t, script: script, used: map[string]int{}, posted: make(chan struct{}, 2000)}
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.posted <- struct{}{} }()
	assert.Equal(h.t, http.MethodPost, r.Method)
	assert.Equal(h.t, "application/json; charset=utf-8", r.Header.Get("Content-Type"))
	var m message
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	assert.NoError(h.t, d.Decode(&m))
	checkMessage(h.t, m)
	if assert.NotNil(h.t, m.ReplaceOriginal, "replace_original must be said") {
		assert.False(h.t, *m.ReplaceOriginal)
	}
	h.used[r.URL.Path]++
	assert.LessOrEqual(h.t, h.used[r.URL.Path], 5, "a response_url takes 5 posts")
	h.posts = append(h.posts, m)
	if n := len(h.posts); n <= len(h.script) {
		h.script[n-1](w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "ok")
}

func (h *hooks) texts() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for _, m := range h.posts {
		all = append(all, m.ResponseType+": "+m.Text)
	}
	return all
}

// client reaches the hooks without a socket, for tests on a fake clock.
func (h *hooks) client() *http.Client { return &http.Client{Transport: inProcess{h}} }

type inProcess struct{ h http.Handler }

var errCut = errors.New("connection reset by peer")

func (p inProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() {
		if recover() == http.ErrAbortHandler {
			res, err = nil, errCut
		}
	}()
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// What a post can meet.

func status(code int, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func says(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// A guide offers the room lobby and takes what is filled in as it is; "wrong" cannot be taken.
type guide struct {
	home commands.Home
	err  error
}

func (g guide) Rooms(context.Context, permissions.Subject, commands.Command) ([]commands.Place, error) {
	return []commands.Place{{Room: 1600849147, Name: "lobby"}, {Room: 123}}, g.err
}

func (g guide) Fill(_ permissions.Subject, row commands.Command, filled map[string]string, _ string) (string, map[string]commands.Prose) {
	line, wrong, mistaken := row.Name, map[string]commands.Prose{}, false
	for _, arg := range row.Args {
		switch value := filled[arg.Name]; {
		case value == "wrong":
			wrong[arg.Name], mistaken = commands.Prose{{Text: "this cannot be"}}, true
		case value == "forbidden":
			wrong[arg.Name] = commands.Prose{{Text: "not for you"}}
			fallthrough
		case value != "":
			line += " " + arg.Name + "=" + commands.Quote(value)
		}
	}
	if mistaken {
		return "", wrong
	}
	return line, wrong
}

func (g guide) Home(context.Context, permissions.Subject, string) (commands.Home, error) {
	return g.home, g.err
}
