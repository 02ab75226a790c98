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

// The manifest asks for what is needed where the policy file names groups, for chat:write, and for nothing else.
func TestNeededScopes(t *testing.T) {
	assert.Equal(t, map[string]string{
		"commands":        "to be asked by slash commands, and to answer them",
		"usergroups:read": "to know who is in the user groups that the policy file names",
	}, NeededScopes(true))
	assert.Equal(t, map[string]string{"commands": "to be asked by slash commands, and to answer them"}, NeededScopes(false))
	text, _, err := Manifest(ManifestOptions{Socket: true})
	require.NoError(t, err)
	for scope, why := range NeededScopes(true) {
		assert.Contains(t, string(text), "    - "+scope+" # "+why+"\n")
	}
	assert.Contains(t, string(text), "    - chat:write # to tell a channel that the bot has ended a timed room mute, and people, in private, answers that come more than 30 minutes after the command\n")
	assert.Equal(t, 3, strings.Count(string(text), "#"))
}
