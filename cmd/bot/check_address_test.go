package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack"
	"roomwarden/commands"
)

// slackBot is what listens behind the public address: the adapter's own handlers. Nothing may run.
func slackBot(t *testing.T, secrets ...string) *http.ServeMux {
	a := &slack.Adapter{SigningSecrets: secrets, Log: slog.New(slog.DiscardHandler), Handle: func(context.Context, commands.Request) commands.Reply {
		t.Error("something ran")
		return commands.Reply{}
	}}
	mux := http.NewServeMux()
	mux.Handle("/slack/commands", a.Commands())
	mux.Handle("/slack/interactions", a.Interactions())
	mux.Handle("/slack/events", a.Events())
	return mux
}

func answers(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, "<html>"+http.StatusText(status)+"</html>")
	}
}

func TestCheckAddress(t *testing.T) {
	const other = "another-signing-secret"
	for _, tt := range []struct {
		name    string
		secrets string // SLACK_SIGNING_SECRET
		bot     func(t *testing.T) http.Handler
		status  int
		want    []string // ADDRESS stands for the server's
	}{
		{"a bot", testSigningSecret, func(t *testing.T) http.Handler { return slackBot(t, testSigningSecret) }, exitOK, []string{
			"ok       address: ADDRESS/slack/commands: answered in ", "ok       address: ADDRESS/slack/interactions: answered in ", "ok       address: ADDRESS/slack/events: answered in ",
			"ok       address: ADDRESS leads to a bot with this signing secret. Whether it is the app's, only Slack can prove",
		}},
		{"a bot with both secrets", testSigningSecret + "," + other, func(t *testing.T) http.Handler { return slackBot(t, other, testSigningSecret) }, exitOK, []string{"leads to a bot with this signing secret"}},
		{"a bot with the first of two secrets", testSigningSecret + "," + other, func(t *testing.T) http.Handler { return slackBot(t, testSigningSecret) }, exitFailed,
			[]string{"/slack/commands: the first of the two signing secrets is accepted, and the second is not"}},
		{"a bot with another secret", testSigningSecret, func(t *testing.T) http.Handler { return slackBot(t, other) }, exitFailed, []string{
			"broken   address: ADDRESS/slack/commands: answered 401 to a good signature: the bot there has another signing secret", "/slack/interactions: answered 401", "/slack/events: answered 401"}},
		{"a path that is not forwarded", testSigningSecret, func(t *testing.T) http.Handler {
			mux, bot := http.NewServeMux(), slackBot(t, testSigningSecret)
			mux.Handle("/slack/commands", bot)
			mux.Handle("/slack/interactions", bot)
			return mux
		}, exitFailed, []string{"ok       address: ADDRESS/slack/commands", "ok       address: ADDRESS/slack/interactions", "broken   address: ADDRESS/slack/events: answered 404: the path is not forwarded"}},
		{"bodies changed on the way", testSigningSecret, func(t *testing.T) http.Handler {
			bot := slackBot(t, testSigningSecret)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Body = io.NopCloser(io.MultiReader(r.Body, strings.NewReader("&")))
				bot.ServeHTTP(w, r)
			})
		}, exitFailed, []string{"answered 401 to a good signature"}},
		{"a header changed on the way", testSigningSecret, func(t *testing.T) http.Handler {
			bot := slackBot(t, testSigningSecret)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Content-Type", "text/plain")
				bot.ServeHTTP(w, r)
			})
		}, exitFailed, []string{"answered 415: the request did not arrive as it was sent"}},
		{"a server that is content with anything", testSigningSecret, func(*testing.T) http.Handler { return answers(200) }, exitFailed, []string{
			"broken   address: ADDRESS/slack/commands: a wrong signature was answered 200 as well, and a bot answers 401",
			"broken   address: ADDRESS/slack/events: answered 200, but not with the challenge"}},
		{"a server that repeats any challenge", testSigningSecret, func(*testing.T) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				said, _ := io.ReadAll(r.Body)
				_, challenge, _ := strings.Cut(string(said), `"challenge":"`)
				io.WriteString(w, strings.TrimSuffix(challenge, `"}`))
			})
		}, exitFailed, []string{"/slack/events: a wrong signature was answered 200 as well"}},
		{"a server without an end", testSigningSecret, func(*testing.T) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			})
		}, exitFailed, []string{"a wrong signature was answered 200 as well"}},
		{"another clock", testSigningSecret, func(*testing.T) http.Handler {
			return answers(401, "Date", time.Now().Add(-8*time.Minute).UTC().Format(http.TimeFormat))
		}, exitFailed, []string{"answered 401 to a good signature: the clock there is 8m"}},
		{"a login", testSigningSecret, func(*testing.T) http.Handler { return answers(401, "WWW-Authenticate", "Basic") }, exitFailed, []string{"answered 401 and asks for a login"}},
		{"a way that leads on", testSigningSecret, func(*testing.T) http.Handler {
			return answers(308, "Location", "https://user:pw@elsewhere.example/slack?a=b")
		}, exitFailed,
			[]string{"answered 308: it leads on to elsewhere.example, and Slack's commands do not follow"}},
		{"a way that leads on here", testSigningSecret, func(*testing.T) http.Handler { return answers(301, "Location", "/slack/commands/") }, exitFailed, []string{"answered 301: it leads on to another path"}},
		{"a wall", testSigningSecret, func(*testing.T) http.Handler { return answers(403) }, exitFailed, []string{"answered 403: the proxy, or what protects it"}},
		{"too often", testSigningSecret, func(*testing.T) http.Handler { return answers(429) }, exitFailed, []string{"answered 429: something limits"}},
		{"a bot that is down", testSigningSecret, func(*testing.T) http.Handler { return answers(502) }, exitFailed, []string{"answered 502: the proxy does not reach the bot"}},
		{"trouble", testSigningSecret, func(*testing.T) http.Handler { return answers(500) }, exitFailed, []string{"answered 500, and a bot answers 200"}},
		{"hung up on", testSigningSecret, func(*testing.T) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, exitFailed, []string{"/slack/commands: no answer: EOF"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			h.env["SLACK_SIGNING_SECRET"] = tt.secrets
			var asked []string
			bot := tt.bot(t)
			seen := make(chan string, 100)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.Method + " " + r.URL.String()
				bot.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			status, out := h.examine(t, "--url", server.URL+"/")
			server.Close()
			close(seen)
			for s := range seen {
				asked = append(asked, s)
			}
			assert.Equal(t, tt.status, status, "%s", out)
			for _, want := range tt.want {
				assert.Contains(t, out, strings.ReplaceAll(want, "ADDRESS", server.URL))
			}
			assert.NotContains(t, out, other)
			assert.NotContains(t, out, "pw@")
			for _, path := range []string{"commands", "interactions", "events"} {
				assert.Contains(t, asked, "POST /slack/"+path)
			}
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "broken") || strings.HasPrefix(line, "warning  address") {
					assert.Contains(t, out, line+"         → ", "every finding has its fix")
				}
			}
			if tt.status != exitOK {
				assert.NotContains(t, out, "leads to a bot with this signing secret")
			}
		})
	}
}

// The bot's count of refused signatures is as before, in the end: what it knows of Slack is not covered up by a check.
func TestCheckAddressAtTheProgram(t *testing.T) {
	p := start(t)
	h := newHospital(t)
	status, out := h.examine(t, "--url", p.url)
	assert.Equal(t, exitOK, status, "%s", out)
	assert.Contains(t, out, "leads to a bot with this signing secret")
	_, body := p.get(t, "/readyz")
	assert.NotContains(t, body, "refused because of their signature")
	_, body = p.get(t, "/metrics")
	assert.Contains(t, body, `roomwarden_unsigned_requests_total{platform="slack"} 3`)
	assert.NotContains(t, body, `roomwarden_commands_total{`)
}

func TestCheckAddressUnreached(t *testing.T) {
	plain, secure := httptest.NewServer(answers(200)), httptest.NewTLSServer(answers(200))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	closed := httptest.NewServer(answers(200))
	closed.Close()
	defer plain.Close()
	defer secure.Close()
	for _, tt := range []struct{ name, address, want string }{
		{"a certificate of nobody", secure.URL, "its certificate is not accepted: x509: "},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), "it does not speak TLS"},
		{"nothing there", closed.URL, "nothing listens there"},
		{"no such host", "https://nowhere.invalid", "nowhere.invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out := newHospital(t).examine(t, "--url", tt.address)
			assert.Equal(t, exitFailed, status)
			assert.Contains(t, out, tt.want)
			assert.Equal(t, 3, strings.Count(out, "broken   address: "+tt.address+"/slack/"), "%s", out)
		})
	}

	t.Run("silence", func(t *testing.T) {
		enough := make(chan struct{})
		silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-enough }))
		defer silent.Close()
		half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			<-enough
		}))
		defer half.Close()
		defer close(enough)
		for _, server := range []*httptest.Server{silent, half} {
			var r report
			p := prober{at: server.URL, secrets: []string{testSigningSecret}, wait: 50 * time.Millisecond, client: &http.Client{}}
			p.path(t.Context(), &r, "/slack/commands")
			require.Len(t, r, 1)
			assert.Equal(t, verdictBroken, r[0].Verdict)
			assert.Equal(t, server.URL+"/slack/commands: no answer in time: Slack waits 3 s, and so does this", r[0].Text)
		}
	})
}

func TestCheckAddressUsage(t *testing.T) {
	const plain = "--url wants https://host, as Slack knows it, without a path"
	for _, tt := range []struct {
		name, address string
		env           map[string]string
		want          string
	}{
		{"nothing", "", nil, plain},
		{"a host alone", "your.host", nil, plain},
		{"a path", "https://your.host/slack/commands", nil, plain},
		{"a query", "https://your.host?a=b", nil, plain},
		{"a password", "https://user:secret@your.host", nil, plain},
		{"no encryption", "http://your.host", nil, "--url: http://your.host is not encrypted"},
		{"another scheme", "ftp://your.host", nil, "--url: ftp://your.host is not an https URL"},
		{"Socket Mode", "https://your.host", map[string]string{"SLACK_APP_TOKEN": testAppToken, "SLACK_SIGNING_SECRET": ""}, "--url has no place in Socket Mode (SLACK_APP_TOKEN is set): the bot calls Slack, Slack calls no address."},
		{"no Slack", "https://your.host", map[string]string{"SLACK_BOT_TOKEN": "", "SLACK_SIGNING_SECRET": ""}, "Slack is not set up"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			for name, value := range tt.env {
				h.env[name] = value
			}
			status, out := h.examine(t, "--url", tt.address)
			assert.Equal(t, exitUsage, status)
			assert.Contains(t, out, tt.want)
			assert.NotContains(t, out, "secret@")
			assert.Zero(t, h.slacks, "nothing was asked")
		})
	}

	h := newHospital(t)
	delete(h.env, "SLACK_SIGNING_SECRET")
	status, out := h.examine(t, "--url", "http://127.0.0.1:1")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "address: not looked at, because of SLACK_SIGNING_SECRET")
}

// What a probe sends is what Slack sends: it passes the check of slack-go, and no part of it is the secret.
func TestProbe(t *testing.T) {
	sent := make(chan *http.Request, 1)
	bot := slackBot(t, testSigningSecret)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent <- r
		bot.ServeHTTP(w, r)
	}))
	defer server.Close()
	p := prober{at: server.URL, secrets: []string{testSigningSecret}, wait: slackWaits, client: &http.Client{}}
	for path, mediaType := range map[string]string{
		"/slack/commands": "application/x-www-form-urlencoded", "/slack/interactions": "application/x-www-form-urlencoded", "/slack/events": "application/json",
	} {
		got, err := p.post(t.Context(), path, testSigningSecret, "a-challenge")
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, got.status)
		r := <-sent
		assert.Equal(t, mediaType, r.Header.Get("Content-Type"))
		assert.NotContains(t, fmt.Sprint(r.Header), testSigningSecret)
		got, err = p.post(t.Context(), path, "a-guess", "a-challenge")
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, got.status)
		<-sent
	}
}
