package discordtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

// What our own rules let through, and Discord's OpenAPI document does not.
func TestReferee(t *testing.T) {
	if os.Getenv("SPECS_DIR") == "" {
		t.Skip("SPECS_DIR is not set: bodies are not held against Discord's OpenAPI document")
	}
	for _, row := range []struct {
		name string
		send func(t *testing.T, s *discordtest.Server) result
		want string
	}{
		{"an id that is a number", func(t *testing.T, s *discordtest.Server) result {
			return call(t, s, "PUT", "/applications/"+s.ApplicationID+"/commands", []any{with(mute, "id", 1)})
		}, "/0/id: got number"},
		{"an unknown kind of mention", func(t *testing.T, s *discordtest.Server) result {
			return callback(t, s, command(s), first(4, obj{"content": "x", "allowed_mentions": obj{"parse": []any{"all"}}}))
		}, "parse"},
		{"an option without its description", func(t *testing.T, s *discordtest.Server) result {
			bad := with(mute, "options", []any{obj{"type": 3, "name": "room"}})
			return call(t, s, "PUT", "/applications/"+s.ApplicationID+"/commands", []any{bad})
		}, "/0/options/0: missing property 'description'"},
		{"no body", func(t *testing.T, s *discordtest.Server) result {
			return callback(t, s, command(s), nil)
		}, "want object"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{})
			s.Forgive()
			online(t, s)
			assert.Equal(t, 50035, row.send(t, s).code)
			require.NotEmpty(t, s.Complaints())
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), row.want)
			assert.Contains(t, s.Complaints()[0], "OpenAPI")
		})
	}
}

func TestRefereeOfRequests(t *testing.T) {
	r := discordtest.NewReferee(t)
	if r == nil {
		t.Skip("SPECS_DIR is not set: requests are not held against Discord's OpenAPI document")
	}
	for _, row := range []struct{ name, call, body, want string }{
		{"command", discordtest.PutGlobal, `[{"type":1,"name":"mute","description":"x","default_member_permissions":"0"}]`, ""},
		{"description too long", discordtest.PutGlobal, `[{"type":1,"name":"mute","description":"` + strings.Repeat("x", 101) + `"}]`, "maxLength"},
		{"message", discordtest.FollowUp, `{"content":"x","allowed_mentions":{"parse":[]}}`, ""},
		{"message too long", discordtest.FollowUp, `{"content":"` + strings.Repeat("x", 2001) + `"}`, "maxLength"},
		{"no message", discordtest.FollowUp, ``, "a body is missing"},
		{"no such route", "GET /nowhere", ``, "there is no GET /nowhere"},
		{"no body", discordtest.MyApplication, ``, ""},
		{"a body where there is none", discordtest.MyApplication, `{}`, "a body where none is taken"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := r.Request(row.call, []byte(row.body))
			if row.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, row.want)
		})
	}
}
