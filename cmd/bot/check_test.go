package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal/journaltest"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

const (
	testApplication = "123456789012345678"
	testPublicKey   = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
	testDiscordBot  = "discord-bot-token"
	testAppToken    = "xapp-1-A0123-2-f00d"
	testTicket      = "a-ticket"
)

// A hospital is what the doctor looks at, in order unless a test says otherwise.
type hospital struct {
	nim    *sandbox.Sandbox
	ahead  time.Duration // NetEase's clock
	token  string        // the bot token that Slack accepts
	scopes string        // empty: not told
	bot    string
	botApp string         // the app of the bot
	opens  string         // what Slack says to who wants to open a connection
	slacks int            // requests that Slack has met
	dialed bool           // somebody has used a connection's address
	app    map[string]any // what Discord tells of the application
	guilds string         // and of the guilds that it is in, as JSON; empty: it is in none
	env    map[string]string
}

func newHospital(t *testing.T) *hospital {
	folder := t.TempDir()
	h := &hospital{token: testBotToken, bot: "B0BOT", botApp: "A0123", scopes: "commands,usergroups:read,chat:write,users:read", app: map[string]any{
		"id": testApplication, "name": "Roomwarden", "verify_key": testPublicKey, "interactions_endpoint_url": "https://your.host/discord/interactions",
	}}
	h.nim = sandbox.New("app-key", testAppSecret, func() time.Time { return time.Now().Add(h.ahead) })
	h.nim.AddRoom(sandbox.Room{ID: 1600849147, Name: "Lobby", Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: []netease.AccID{"lisi"}})
	nim := httptest.NewServer(h.nim)
	t.Cleanup(nim.Close)
	slack := httptest.NewServer(http.HandlerFunc(h.slack))
	t.Cleanup(slack.Close)
	h.opens = `{"ok":true,"url":"ws://` + slack.Listener.Addr().String() + `/link/?ticket=` + testTicket + `"}`
	discord := httptest.NewServer(http.HandlerFunc(h.discord))
	t.Cleanup(discord.Close)
	policy := filepath.Join(folder, "permissions.yaml")
	require.NoError(t, os.WriteFile(policy, []byte(testPolicy), 0o600))
	h.env = map[string]string{
		"DATABASE_URL": "sqlite:" + filepath.Join(folder, "journal.db"), "PERMISSIONS_FILE": policy,
		"NETEASE_APP_KEY": "app-key", "NETEASE_APP_SECRET": testAppSecret, "NETEASE_OPERATOR": "guanli", "NETEASE_BASE_URLS": nim.URL + "/nimserver",
		"SLACK_BOT_TOKEN": testBotToken, "SLACK_SIGNING_SECRET": testSigningSecret, "SLACK_API_URL": slack.URL + "/api/",
		"DISCORD_BOT_TOKEN": testDiscordBot, "DISCORD_APPLICATION_ID": testApplication, "DISCORD_PUBLIC_KEY": testPublicKey, "DISCORD_API_URL": discord.URL,
	}
	return h
}

func (h *hospital) slack(w http.ResponseWriter, r *http.Request) {
	h.slacks++
	r.ParseForm()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/link/":
		h.dialed = true
		return
	case r.URL.Path == "/api/apps.connections.open" && r.Header.Get("Authorization") == "Bearer "+testAppToken:
		io.WriteString(w, h.opens)
		return
	case r.URL.Path == "/api/bots.info" && r.PostForm.Get("token") == h.token && r.PostForm.Get("bot") == h.bot:
		if !strings.Contains(h.scopes, "users:read") {
			io.WriteString(w, `{"ok":false,"error":"missing_scope"}`)
			return
		}
		fmt.Fprintf(w, `{"ok":true,"bot":{"id":%q,"app_id":%q}}`, h.bot, h.botApp)
		return
	}
	if r.URL.Path == "/api/usergroups.users.list" && r.Header.Get("Authorization") == "Bearer "+h.token || r.PostForm.Get("token") == h.token && r.URL.Path == "/api/usergroups.users.list" {
		if r.Form.Get("usergroup") == "S0789" {
			io.WriteString(w, `{"ok":true,"users":["U0456"]}`)
		} else {
			io.WriteString(w, `{"ok":false,"error":"no_such_subteam"}`)
		}
		return
	}
	if r.URL.Path != "/api/auth.test" || r.Header.Get("Authorization") != "Bearer "+h.token && r.PostForm.Get("token") != h.token {
		io.WriteString(w, `{"ok":false,"error":"invalid_auth"}`)
		return
	}
	if h.scopes != "" {
		w.Header().Set("X-OAuth-Scopes", h.scopes)
	}
	fmt.Fprintf(w, `{"ok":true,"url":"https://example.slack.com/","team":"Example","team_id":"T0123","user":"roomwarden","user_id":"U0BOT","bot_id":%q}`, h.bot)
}

func (h *hospital) discord(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("Authorization") != "Bot "+testDiscordBot:
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"message":"401: Unauthorized","code":0}`)
	case r.URL.Path == "/api/v10/applications/@me":
		json.NewEncoder(w).Encode(h.app)
	case r.URL.Path == "/api/v10/users/@me/guilds" && h.guilds != "":
		io.WriteString(w, h.guilds)
	default:
		io.WriteString(w, `[]`)
	}
}

// examine runs bot check and returns its exit status and output.
func (h *hospital) examine(t *testing.T, args ...string) (int, string) {
	var environ []string
	for name, value := range h.env {
		environ = append(environ, name+"="+value)
	}
	slices.Sort(environ)
	var out bytes.Buffer
	status := run(t.Context(), append([]string{"check"}, args...), world{Environ: environ, Out: &out, Err: &out})
	for _, secret := range []string{testAppSecret, testSigningSecret, testBotToken, testDiscordBot, testAppToken, testTicket} {
		assert.NotContains(t, out.String(), secret)
	}
	return status, out.String()
}

func TestCheckFindsNothing(t *testing.T) {
	h := newHospital(t)
	status, out := h.examine(t)
	assert.Equal(t, exitOK, status, "%s", out)
	assert.NotContains(t, out, "broken")
	for _, want := range []string{"workspace Example (T0123)", "application Roomwarden", "is healthy", "the key is accepted", "known to NetEase and open: 1", "no journal at"} {
		assert.Contains(t, out, want)
	}
	_, err := os.Stat(strings.TrimPrefix(h.env["DATABASE_URL"], "sqlite:"))
	assert.ErrorIs(t, err, os.ErrNotExist, "the doctor makes no journal")

	status, out = h.examine(t, "--json")
	assert.Equal(t, exitOK, status)
	var answer struct {
		OK       bool
		Findings []finding
	}
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.True(t, answer.OK)
	assert.NotEmpty(t, answer.Findings)
}

// TestCheckFinds: each wrong set-up is found, and told with the way out.
func TestCheckFinds(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	policy := func(t *testing.T, h *hospital, text string) {
		require.NoError(t, os.WriteFile(h.env["PERMISSIONS_FILE"], []byte(text), 0o600))
	}
	tests := []struct {
		name   string
		make   func(t *testing.T, h *hospital)
		status int
		want   []string
	}{
		{"settings missing", func(_ *testing.T, h *hospital) { h.env["NETEASE_APP_KEY"] = "" }, exitFailed, []string{"broken   settings: NETEASE_APP_KEY is not set"}},
		{"no policy file", func(_ *testing.T, h *hospital) { os.Remove(h.env["PERMISSIONS_FILE"]) }, exitFailed, []string{"broken   policy: PERMISSIONS_FILE"}},
		{"a mistake in the policy file", func(t *testing.T, h *hospital) { policy(t, h, "moderators:\n  - nam: x\n") }, exitFailed, []string{"line 2"}},
		{"nobody to act", func(t *testing.T, h *hospital) {
			h.env["NETEASE_OPERATOR"] = ""
			policy(t, h, "moderators:\n  - {name: On-call, slack: [T0123/U0456], commands: [mute], rooms: [1600849147]}\n")
		}, exitFailed, []string{"NETEASE_OPERATOR is not set", "On-call"}},
		{"a room that NetEase does not know", func(t *testing.T, h *hospital) { policy(t, h, testPolicy+"  arena: 456\n") }, exitFailed, []string{"broken   policy: NetEase knows no room 456"}},
		{"a closed room", func(t *testing.T, h *hospital) {
			h.nim.AddRoom(sandbox.Room{ID: 456, Creator: "zhangsan", Closed: true})
			policy(t, h, testPolicy+"  arena: 456\n")
		}, exitOK, []string{"warning  policy: room 456 is closed"}},
		{"an operator who manages nothing", func(_ *testing.T, h *hospital) { h.env["NETEASE_OPERATOR"] = "lisi" }, exitOK, []string{"warning  policy: lisi, which is to act in room 1600849147, is neither"}},
		{"a journal that cannot be made", func(_ *testing.T, h *hospital) { h.env["DATABASE_URL"] = "sqlite:/proc/nowhere/journal.db" }, exitFailed, []string{"broken   journal: nothing can be written into the journal's folder"}},
		{"a journal that is none", func(t *testing.T, h *hospital) {
			require.NoError(t, os.WriteFile(strings.TrimPrefix(h.env["DATABASE_URL"], "sqlite:"), []byte("not a database at all, but long enough to be looked at"), 0o600))
		}, exitFailed, []string{"broken   journal"}},
		{"another kind of database", func(_ *testing.T, h *hospital) { h.env["DATABASE_URL"] = "mysql://x" }, exitFailed, []string{"DATABASE_URL"}},
		{"a Slack token that is none", func(_ *testing.T, h *hospital) { h.token = "xoxb-another" }, exitFailed, []string{"broken   slack: Slack does not accept the bot token", "invalid_auth"}},
		{"a scope missing", func(_ *testing.T, h *hospital) { h.scopes = "chat:write" }, exitFailed, []string{"broken   slack: the scope commands is missing"}},
		{"a scope missing that groups need", func(t *testing.T, h *hospital) {
			h.scopes = "commands"
			policy(t, h, withGroups("T0123/S0789"))
		}, exitFailed, []string{"broken   slack: the scope usergroups:read is missing"}},
		{"scopes missing that the bot can do without", func(_ *testing.T, h *hospital) { h.scopes = "commands" }, exitOK,
			[]string{"warning  slack: the scope chat:write is missing: answers that come more than 30 minutes after", "warning  slack: the scope users:read is missing: everybody is answered in DEFAULT_LANGUAGE"}},
		{"a scope missing that tells guests from members", func(t *testing.T, h *hospital) {
			h.scopes = "commands,chat:write,usergroups:read"
			policy(t, h, withGroups("T0123/S0789"))
		}, exitFailed, []string{"broken   slack: the scope users:read is missing: it cannot be told who is a guest"}},
		{"all scopes", func(*testing.T, *hospital) {}, exitOK, []string{"ok       slack: the token has all scopes that are used", "--url"}},
		{"a scope missing that only groups need", func(_ *testing.T, h *hospital) { h.scopes = "commands,chat:write,users:read" }, exitOK, []string{"ok       slack: the token has all scopes that are used"}},
		{"connections without Socket Mode", func(_ *testing.T, h *hospital) { h.env["SLACK_CONNECTIONS"] = "4" }, exitOK, []string{"warning  settings: SLACK_CONNECTIONS is set, and does nothing"}},
		{"scopes not told", func(_ *testing.T, h *hospital) { h.scopes = "" }, exitOK, []string{"warning  slack: Slack did not tell which scopes"}},
		{"another workspace", func(t *testing.T, h *hospital) { policy(t, h, strings.ReplaceAll(testPolicy, "T0123", "T0999")) }, exitFailed, []string{"broken   policy: T0999/U0456 is of another workspace"}},
		{"a person's token", func(_ *testing.T, h *hospital) { h.bot = "" }, exitFailed, []string{"broken   slack: SLACK_BOT_TOKEN is a person's token"}},
		{"an account that does not exist", func(t *testing.T, h *hospital) {
			policy(t, h, strings.ReplaceAll(testPolicy, "accid: zhangsan", "accid: keinerda"))
		}, exitOK, []string{"warning  policy: keinerda, which is to act in room 1600849147"}},
		{"user groups", func(t *testing.T, h *hospital) {
			policy(t, h, withGroups("T0123/S0789, T0123/S0999"))
		}, exitFailed, []string{"user group T0123/S0789: members: 1", "broken   policy: Slack knows no user group T0123/S0999"}},
		{"Slack out of reach", func(_ *testing.T, h *hospital) { h.env["SLACK_API_URL"] = closed.URL + "/api/" }, exitFailed, []string{"broken   slack: Slack could not be asked"}},
		{"a Discord token that is none", func(_ *testing.T, h *hospital) { h.env["DISCORD_BOT_TOKEN"] = "another-token" }, exitFailed, []string{"broken   discord: Discord does not accept the bot token"}},
		{"another application", func(_ *testing.T, h *hospital) { h.app["id"] = "223456789012345678" }, exitFailed, []string{"broken   discord: DISCORD_APPLICATION_ID is another"}},
		{"another public key", func(_ *testing.T, h *hospital) { h.app["verify_key"] = strings.Repeat("ab", 32) }, exitFailed, []string{"broken   discord: DISCORD_PUBLIC_KEY is not"}},
		{"no endpoint", func(_ *testing.T, h *hospital) { delete(h.app, "interactions_endpoint_url") }, exitFailed, []string{"broken   discord: the application has no Interactions Endpoint URL"}},
		{"another endpoint", func(_ *testing.T, h *hospital) {
			h.app["interactions_endpoint_url"] = "https://your.host/slack/commands"
		}, exitFailed, []string{"broken   discord: commands are sent to https://your.host/slack/commands"}},
		{"commands not registered", func(_ *testing.T, h *hospital) {}, exitOK, []string{"warning  discord: the registered commands are not those of this version"}},
		{"another key", func(_ *testing.T, h *hospital) { h.env["NETEASE_APP_SECRET"] = "another" }, exitFailed, []string{"broken   netease: a signed read was answered 414", "checksum"}},
		{"a clock that is off", func(_ *testing.T, h *hospital) { h.ahead = 7*time.Minute + 30*time.Second }, exitFailed, []string{"clock is 7m", "The clock of the bot's machine differs"}},
		{"a clock that is a little off", func(_ *testing.T, h *hospital) { h.ahead = 2*time.Minute + 30*time.Second }, exitOK, []string{"warning  netease: this machine's clock is 2m"}},
		{"a domain out of reach", func(_ *testing.T, h *hospital) { h.env["NETEASE_BASE_URLS"] += "," + closed.URL + "/nimserver" }, exitFailed, []string{"is not healthy", "the key is accepted"}},
		{"a rate too high", func(_ *testing.T, h *hospital) { h.env["NETEASE_RATE"] = "99" }, exitOK, []string{"warning  settings: NETEASE_RATE=99"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			tt.make(t, h)
			status, out := h.examine(t)
			assert.Equal(t, tt.status, status, "%s", out)
			for _, want := range tt.want {
				assert.Contains(t, out, want)
			}
			for line := range strings.Lines(out) {
				if strings.HasPrefix(line, "broken") && !strings.HasPrefix(line, "broken   settings") && !strings.HasPrefix(line, "broken   policy: PERM") {
					assert.Contains(t, out, line+"         → ", "every finding has its fix")
				}
			}
		})
	}
}

// TestCheckSocketMode: what can be wrong with the app-level token is found, and nobody connects.
func TestCheckSocketMode(t *testing.T) {
	for _, tt := range []struct {
		name   string
		make   func(h *hospital)
		status int
		want   []string
	}{
		{"all is well", func(*hospital) {}, exitOK, []string{"ok       slack: SLACK_APP_TOKEN may open connections (Socket Mode); connections kept by each process: 2", "ok       slack: both tokens are of the app A0123"}},
		{"no scope", func(h *hospital) { h.opens = `{"ok":false,"error":"missing_scope"}` }, exitFailed,
			[]string{"broken   slack: Socket Mode cannot work: apps.connections.open: missing_scope", "→ SLACK_APP_TOKEN may not open connections. Give it the scope connections:write."}},
		{"switched off", func(h *hospital) { h.opens = `{"ok":false,"error":"link_disabled"}` }, exitFailed, []string{"Socket Mode cannot work: apps.connections.open: link_disabled", "→ Socket Mode is switched off"}},
		{"revoked", func(h *hospital) { h.opens = `{"ok":false,"error":"token_revoked"}` }, exitFailed, []string{"→ SLACK_APP_TOKEN was revoked"}},
		{"not now", func(h *hospital) { h.opens = `{"ok":false,"error":"internal_error"}` }, exitOK, []string{"warning  slack: whether Socket Mode works cannot be told now: Slack said internal_error"}},
		{"an answer that is none", func(h *hospital) { h.opens = "<html>" }, exitOK, []string{"warning  slack: whether Socket Mode works cannot be told now"}},
		{"two apps", func(h *hospital) { h.botApp = "A0999" }, exitFailed, []string{"broken   slack: the tokens are of different apps: SLACK_BOT_TOKEN of A0999, SLACK_APP_TOKEN of A0123"}},
		{"the bot's app is not told", func(h *hospital) { h.scopes = "commands,chat:write" }, exitOK, []string{"warning  slack: SLACK_APP_TOKEN is of the app A0123; whether SLACK_BOT_TOKEN is, too, cannot be told without the scope users:read"}},
		{"the bot's app is odd", func(h *hospital) { h.botApp = "x" }, exitOK, []string{"warning  slack: SLACK_APP_TOKEN is of the app A0123; whether SLACK_BOT_TOKEN is, too, cannot be told: bots.info: not ok"}},
		{"a token without an app", func(h *hospital) { h.env["SLACK_APP_TOKEN"] = "xapp-something-else" }, exitFailed,
			[]string{"warning  slack: SLACK_APP_TOKEN does not show which app", "Socket Mode cannot work: apps.connections.open: invalid_auth"}},
		{"both ways", func(h *hospital) { h.env["SLACK_SIGNING_SECRET"] = testSigningSecret }, exitFailed, []string{"SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set", "warning  slack: not looked at, because of SLACK_APP_TOKEN"}},
		{"a bot token that is none", func(h *hospital) { h.token = "xoxb-another" }, exitFailed, []string{"Slack does not accept the bot token", "ok       slack: SLACK_APP_TOKEN may open"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			h.env["SLACK_APP_TOKEN"] = testAppToken
			delete(h.env, "SLACK_SIGNING_SECRET")
			tt.make(h)
			status, out := h.examine(t)
			assert.Equal(t, tt.status, status, "%s", out)
			for _, want := range tt.want {
				assert.Contains(t, out, want)
			}
			assert.False(t, h.dialed, "a connection would take commands away from the running bot")
		})
	}
}

// TestCheckDiscordGateway: what keeps commands from coming through the gateway is found.
func TestCheckDiscordGateway(t *testing.T) {
	const guild, other = "197038439483310086", "197038439483310087"
	for _, tt := range []struct {
		name   string
		make   func(h *hospital)
		status int
		want   []string
	}{
		{"all is well", func(*hospital) {}, exitOK, []string{"ok       discord: the token is good for application Roomwarden", "ok       discord: commands come through the gateway"}},
		{"an endpoint URL", func(h *hospital) { h.app["interactions_endpoint_url"] = "https://your.host/discord/interactions" }, exitFailed,
			[]string{"broken   discord: the application has an Interactions Endpoint URL (https://your.host/discord/interactions), so nothing comes through the gateway\n         → Clear the Interactions Endpoint URL"}},
		{"not in the server", func(h *hospital) { h.env["DISCORD_GUILD_IDS"] = guild + "," + other }, exitFailed,
			[]string{"broken   discord: the bot is no member of " + other + ", and the gateway brings nothing from there\n         → Invite the application with the scopes bot and applications.commands"}},
		{"not in the server, over HTTP", func(h *hospital) {
			h.env["DISCORD_GUILD_IDS"], h.env["DISCORD_PUBLIC_KEY"] = other, testPublicKey
			h.app["interactions_endpoint_url"] = "https://your.host/discord/interactions"
		}, exitOK, []string{"warning  discord: the bot is no member of " + other + ", so it cannot report there what it has done by itself"}},
		{"another application", func(h *hospital) { h.app["id"] = "223456789012345678" }, exitFailed, []string{"broken   discord: DISCORD_APPLICATION_ID is another application's\n         → Set it to 223456789012345678"}},
		{"servers that cannot be read", func(h *hospital) { h.env["DISCORD_GUILD_IDS"], h.guilds = guild, "<html>" }, exitOK,
			[]string{"warning  discord: whether the bot is a member of its servers could not be seen"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHospital(t)
			delete(h.env, "DISCORD_PUBLIC_KEY")
			delete(h.app, "interactions_endpoint_url")
			h.env["DISCORD_GUILD_IDS"], h.guilds = guild, `[{"id":"`+guild+`","name":"Example"}]`
			tt.make(h)
			status, out := h.examine(t)
			assert.Equal(t, tt.status, status, "%s", out)
			for _, want := range tt.want {
				assert.Contains(t, out, want)
			}
		})
	}
}

// withGroups is the policy with an entry for user groups.
func withGroups(groups string) string {
	people, rooms, _ := strings.Cut(testPolicy, "rooms:\n  lobby")
	return people + "  - {name: On-call, slack_groups: [" + groups + "], commands: [mute], rooms: [lobby]}\nrooms:\n  lobby" + rooms
}

// TestCheckKeepsSecrets: what is not encrypted gets no secret, however healthy it looks.
func TestCheckKeepsSecrets(t *testing.T) {
	h := newHospital(t)
	for _, name := range []string{"SLACK_API_URL", "NETEASE_BASE_URLS", "DISCORD_API_URL"} {
		h.env[name] = strings.Replace(h.env[name], "127.0.0.1", "0.0.0.0", 1)
	}
	status, out := h.examine(t)
	assert.Equal(t, exitFailed, status)
	for _, part := range []string{"slack", "netease", "discord"} {
		assert.Contains(t, out, part+": not looked at")
	}
	assert.Zero(t, h.slacks)
	assert.Empty(t, h.nim.Calls())
}

func TestCheckEndsWithItsContext(t *testing.T) {
	h := newHospital(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var environ []string
	for name, value := range h.env {
		environ = append(environ, name+"="+value)
	}
	assert.Equal(t, exitFailed, run(ctx, []string{"check"}, world{Environ: environ, Out: io.Discard, Err: io.Discard}))
}

// TestMetrics: what happened is counted, under the names that the docs tell.
func TestMetrics(t *testing.T) {
	p := start(t)
	p.slack(t, "trigger-1", "/mute", "room=123 target=lisi 300s")
	p.slack(t, "trigger-2", "/mute", "123")
	p.post(t, "command=%2Fmute", fmt.Sprint(time.Now().Unix()), "a forged secret")
	status, body := p.get(t, "/metrics")
	require.Equal(t, http.StatusOK, status)
	for _, want := range []string{
		`roomwarden_commands_total{command="mute",outcome="done",platform="slack"} 1`,
		`roomwarden_commands_total{command="",outcome="refused",platform="slack"} 1`,
		`roomwarden_first_answer_seconds_count{platform="slack"} 2`, `roomwarden_final_answer_seconds_count{platform="slack"} 2`,
		`roomwarden_in_flight{platform="slack"} 0`, `roomwarden_unsigned_requests_total{platform="slack"} 1`,
		`roomwarden_netease_calls_total{code="200",domain="127.0.0.1:`, `roomwarden_netease_call_seconds_count{interface="temporaryMute"} 1`,
		`roomwarden_policy_reloads_total{result="ok"} 0`, `roomwarden_last_signed_request_age_seconds{platform="slack"} `,
		`roomwarden_part_status{part="journal"} 1`, `roomwarden_part_status{part="netease"} 1`, `roomwarden_build_info{`,
	} {
		assert.Contains(t, body, want)
	}
}

// TestCheckDatabase: a journal on a server is looked at, and its password shown to nobody.
func TestCheckDatabase(t *testing.T) {
	folder := t.TempDir()
	policy := filepath.Join(folder, "permissions.yaml")
	require.NoError(t, os.WriteFile(policy, []byte(testPolicy), 0o600))
	environ := func(address string) []string {
		return []string{
			"DATABASE_URL=" + address, "PERMISSIONS_FILE=" + policy, "NETEASE_APP_KEY=k", "NETEASE_APP_SECRET=" + testAppSecret,
			"NETEASE_BASE_URLS=http://127.0.0.1:1/nimserver", "SLACK_BOT_TOKEN=" + testBotToken, "SLACK_SIGNING_SECRET=" + testSigningSecret,
			"SLACK_API_URL=http://127.0.0.1:1/api/",
		}
	}
	check := func(address string) string {
		var out bytes.Buffer
		run(t.Context(), []string{"check"}, world{Environ: environ(address), Out: &out, Err: &out})
		assert.NotContains(t, out.String(), "a-password")
		return out.String()
	}
	assert.Contains(t, check("postgres://roomwarden:a-password@127.0.0.1:1/roomwarden?sslmode=disable"), "broken   journal: ")
	assert.Contains(t, check(journaltest.Postgres(t)), "ok       journal: the database answers; its journal is missing")
}
