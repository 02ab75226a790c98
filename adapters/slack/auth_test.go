package slack

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testToken = "xoxb-1234567890-abcdefghijklmnop"

func TestIdentify(t *testing.T) {
	const known = `{"ok":true,"url":"https://example.slack.com/","team":"Example","user":"roomwarden","team_id":"T0123","user_id":"U0777","bot_id":"B0777"`
	scoped := func(scopes string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-OAuth-Scopes", scopes)
			says(200, known+`,"enterprise_id":"E0789"}`)(w, r)
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   Identity
		err    string
		word   string // of the *Refusal; empty: it is none
	}{
		{"a bot", scoped("commands,usergroups:read"),
			Identity{"Example", "T0123", "E0789", "U0777", "B0777", []string{"commands", "usergroups:read"}}, "", ""},
		{"spaces between scopes", scoped("commands, usergroups:read"),
			Identity{"Example", "T0123", "E0789", "U0777", "B0777", []string{"commands", "usergroups:read"}}, "", ""},
		{"scopes not told", says(200, known+"}"), Identity{"Example", "T0123", "", "U0777", "B0777", nil}, "", ""},
		{"refused", says(200, `{"ok":false,"error":"invalid_auth"}`), Identity{}, "auth.test: invalid_auth", "invalid_auth"},
		{"refused in words that quote", says(200, `{"ok":false,"error":"bad token `+testToken+`"}`), Identity{}, "auth.test: not ok", "not ok"},
		{"refused without a word", says(200, `{"ok":false}`), Identity{}, "auth.test: the answer is not what Slack's look like", ""},
		{"not Slack", says(200, `<html>`+testToken), Identity{}, "auth.test: the answer is not what Slack's look like", ""},
		{"values of other kinds", says(200, `{"ok":true,"team_id":{"`+testToken+`":1}}`), Identity{}, "auth.test: the answer is not what Slack's look like", ""},
		{"endless", says(200, `{"team":"`+strings.Repeat("x", maxAnswer)), Identity{}, "auth.test: the answer is larger than 4194304 bytes", ""},
		{"failing", says(503, "down"), Identity{}, "auth.test: HTTP 503", ""},
		{"too many calls", status(429, "Retry-After", "30"), Identity{}, "auth.test: slack rate limit exceeded, retry after 30s", ""},
		{"led elsewhere", status(307, "Location", "https://evil.example/"), Identity{}, "auth.test: HTTP 307", ""},
		{"hung up on", hangsUp, Identity{}, "auth.test: EOF", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/api/auth.test", r.URL.String())
				assert.Equal(t, testToken, r.PostFormValue("token"))
				test.answer(w, r)
			}))
			t.Cleanup(server.Close)
			got, err := Identify(t.Context(), server.URL+"/api", testToken)
			assert.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.err)
			var refusal *Refusal
			if test.word == "" {
				assert.NotErrorAs(t, err, &refusal)
				return
			}
			require.ErrorAs(t, err, &refusal)
			assert.Equal(t, Refusal{"auth.test", test.word}, *refusal)
		})
	}
}

func TestIdentifyWithoutAnAnswer(t *testing.T) {
	for name, begins := range map[string]string{"nothing": "", "half an answer": `{"ok":true,"team_id":"T0123"`} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, testToken, r.PostFormValue("token")) // read, so that the server notices who hangs up
				if begins != "" {
					says(200, begins)(w, r)
					assert.NoError(t, http.NewResponseController(w).Flush())
				}
				silent(w, r)
			}))
			t.Cleanup(server.Close)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := Identify(ctx, server.URL+"/api/", testToken)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.EqualError(t, err, "auth.test: context deadline exceeded")
		})
	}
}

func TestAppOf(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
		err    string
	}{
		{"an app", says(200, `{"ok":true,"bot":{"id":"B0777","app_id":"A0123","user_id":"U0777","deleted":false}}`), "A0123", ""},
		{"no scope", says(200, `{"ok":false,"error":"missing_scope","needed":"users:read","provided":"commands"}`), "", "bots.info: missing_scope"},
		{"another bot", says(200, `{"ok":true,"bot":{"id":"B0999","app_id":"A0123"}}`), "", "bots.info: not ok"},
		{"no app", says(200, `{"ok":true,"bot":{"id":"B0777"}}`), "", "bots.info: not ok"},
		{"an app that is none", says(200, `{"ok":true,"bot":{"id":"B0777","app_id":"`+testToken+`"}}`), "", "bots.info: not ok"},
		{"not Slack", says(200, `<html>`+testToken), "", "bots.info: the answer is not what Slack's look like"},
		{"failing", says(503, "down"), "", "bots.info: HTTP 503"},
		{"led elsewhere", status(307, "Location", "https://evil.example/"), "", "bots.info: HTTP 307"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/api/bots.info", r.URL.String())
				assert.Equal(t, []string{testToken, "B0777", "T0123"}, []string{r.PostFormValue("token"), r.PostFormValue("bot"), r.PostFormValue("team_id")})
				test.answer(w, r)
			}))
			t.Cleanup(server.Close)
			got, err := AppOf(t.Context(), server.URL+"/api", testToken, Identity{TeamID: "T0123", BotID: "B0777"})
			assert.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			assert.EqualError(t, err, test.err)
		})
	}
}

func TestAppOfToken(t *testing.T) {
	for token, want := range map[string]string{
		"xapp-1-A0123-2-f00d": "A0123", "xapp-1-A012ABCDEFG-1234567890123-f00d": "A012ABCDEFG", "xapp-12-A0123-": "A0123",
		"": "", "xapp-1": "", "xapp-1-A0123": "", "xapp-1-T0123-2-f00d": "", "xapp-1-a0123-2-f00d": "", "xoxb-1-A0123-2": "", "xapp-A0123-2": "",
		"xapp-1-A0123 4-2": "", "xapp-1-A" + strings.Repeat("0", 50) + "-2": "",
	} {
		assert.Equal(t, want, AppOfToken(token), token)
	}
}

func TestMayConnect(t *testing.T) {
	const appToken = "xapp-1-A0123-2-f00d"
	for _, test := range []struct {
		name     string
		answer   http.HandlerFunc
		fix, err string
	}{
		{"it may", says(200, `{"ok":true,"url":"wss://wss.slack.example/link/?ticket=secret"}`), "", ""},
		{"no scope", says(200, `{"ok":false,"error":"missing_scope"}`), "SLACK_APP_TOKEN may not open connections. Give it the scope connections:write", "apps.connections.open: missing_scope"},
		{"switched off", says(200, `{"ok":false,"error":"link_disabled"}`), "Socket Mode is switched off. Switch it on, on the app's page, Socket Mode, or set SLACK_SIGNING_SECRET in the place of SLACK_APP_TOKEN", "apps.connections.open: link_disabled"},
		{"not now", says(200, `{"ok":false,"error":"internal_error"}`), "", "apps.connections.open: internal_error"},
		{"nowhere", says(200, `{"ok":true}`), "", "apps.connections.open: not ok"},
		{"not Slack", says(200, `<html>`+appToken), "", "apps.connections.open: the answer is not what Slack's look like"},
		{"too many calls", status(429, "Retry-After", "30"), "", "apps.connections.open: slack rate limit exceeded, retry after 30s"},
		{"led elsewhere", status(307, "Location", "https://evil.example/"), "", "apps.connections.open: HTTP 307"},
		{"hung up on", hangsUp, "", "apps.connections.open: EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/api/apps.connections.open", r.URL.String())
				assert.Equal(t, "Bearer "+appToken, r.Header.Get("Authorization"))
				test.answer(w, r)
			}))
			t.Cleanup(server.Close)
			fix, err := MayConnect(t.Context(), server.URL+"/api", appToken)
			assert.Equal(t, test.fix, fix)
			if test.err == "" {
				require.NoError(t, err)
				return
			}
			assert.EqualError(t, err, test.err)
		})
	}
}

// The manifest asks for all scopes and for nothing else, each with what it is for.
func TestScopes(t *testing.T) {
	text, _, err := Manifest(ManifestOptions{Socket: true})
	require.NoError(t, err)
	without, with := Scopes(false), Scopes(true)
	for i, s := range with {
		assert.Contains(t, string(text), "    - "+s.Name+" # "+s.Why+"\n")
		assert.Equal(t, s.Name, without[i].Name)
		assert.NotEmpty(t, s.Lost, s.Name)
	}
	assert.Equal(t, len(with), strings.Count(string(text), "#"))

	needed := func(all []Scope) (names []string) {
		for _, s := range all {
			if s.Needed {
				names = append(names, s.Name)
			}
		}
		return names
	}
	assert.Equal(t, []string{"commands", "usergroups:read", "users:read"}, needed(with))
	assert.Equal(t, []string{"commands"}, needed(without))
	for _, s := range without {
		assert.Equal(t, s.Name == "usergroups:read", s.Lost == "", "without groups nothing else is for nothing: %s", s.Name)
	}
}
