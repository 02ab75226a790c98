package discordtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

func TestHeaders(t *testing.T) {
	const agent = "DiscordBot (https://example.com, 1)"
	for _, row := range []struct {
		name, path, token, agent string
		status, code             int
		complaint                string
	}{
		{"right", "/users/@me", "Bot right", agent, 200, 0, ""},
		{"another token", "/users/@me", "Bot wrong", agent, 401, 0, ""},
		{"not a bot's", "/users/@me", "right", agent, 401, 0, ""},
		{"without token", "/users/@me", "", agent, 401, 0, "without the bot token"},
		{"no agent", "/users/@me", "Bot right", "", 403, 40333, "User-Agent"},
		{"another agent", "/users/@me", "Bot right", "Go-http-client/1.1", 403, 40333, "User-Agent"},
		{"no version", "/users/@me", "Bot right", "DiscordBot (roomwarden)", 403, 40333, "User-Agent"},
		{"token where none is needed", "/webhooks/1100000000000000001/x/messages/@original", "Bot right", agent, 404, 10015, "not needed"},
		{"of the gateway", "/gateway", "", agent, 200, 0, ""},
		{"unknown route", "/users/1", "Bot right", agent, 404, 0, "there is no GET /api/v10/users/1"},
		{"another application", "/applications/1/commands", "Bot right", agent, 403, 20012, "another"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := discordtest.New(t, discordtest.Options{BotToken: "right"})
			s.Forgive()
			r := callAs(t, s, "GET", row.path, nil, http.Header{"Authorization": {row.token}, "User-Agent": {row.agent}})
			assert.Equal(t, row.status, r.status)
			assert.Equal(t, row.code, r.code)
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), row.complaint)
			assert.Equal(t, row.complaint == "", len(s.Complaints()) == 0)
		})
	}
	s := discordtest.New(t, discordtest.Options{})
	s.Forgive()
	res, err := http.Get(s.APIURL() + "/api/v9/gateway")
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, 404, res.StatusCode)
	assert.Len(t, s.Complaints(), 1)
}

func TestApplication(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	s.AddGuild(discordtest.Guild{Name: "Second"})
	s.AddGuild(discordtest.Guild{Name: "For commands alone", NoBot: true})
	app := func() obj { return call(t, s, "GET", "/applications/@me", nil).body }
	assert.Equal(t, s.ApplicationID, app()["id"])
	assert.Equal(t, s.PublicKey, app()["verify_key"])
	assert.Nil(t, app()["interactions_endpoint_url"])
	s.SetBotURL("http://127.0.0.1:1/")
	assert.Equal(t, "http://127.0.0.1:1/discord/interactions", app()["interactions_endpoint_url"])
	s.SetEndpointURL("https://example.com")
	s.SetVerifyKey("00")
	assert.Equal(t, "https://example.com", app()["interactions_endpoint_url"])
	assert.Equal(t, "00", app()["verify_key"])
	assert.Equal(t, true, call(t, s, "GET", "/users/@me", nil).body["bot"])

	for query, want := range map[string]int{"": 2, "?limit=1": 1, "?after=" + s.Guild: 1} {
		var guilds []obj
		require.NoError(t, json.Unmarshal([]byte(call(t, s, "GET", "/users/@me/guilds"+query, nil).text), &guilds))
		assert.Len(t, guilds, want, query)
	}
	limit := call(t, s, "GET", "/gateway/bot", nil).body["session_start_limit"].(obj)
	assert.Equal(t, obj{"total": 1000.0, "remaining": 1000.0, "reset_after": 0.0, "max_concurrency": 1.0}, limit)

	s.ResetToken("new")
	assert.Equal(t, 401, call(t, s, "GET", "/users/@me", nil).status)
}

func TestChannels(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	open := s.AddChannel(discordtest.Channel{Name: "log"})
	hidden := s.AddChannel(discordtest.Channel{Name: "hidden", Hidden: true})
	still := s.AddChannel(discordtest.Channel{Name: "news", ReadOnly: true})
	s.AddGuild(discordtest.Guild{Name: "Elsewhere", NoBot: true})
	away := s.AddChannel(discordtest.Channel{Name: "away", Guild: "Elsewhere"})
	for _, row := range []struct {
		channel      string
		status, code int
	}{
		{open.ID, 200, 0}, {hidden.ID, 403, 50001}, {still.ID, 403, 50013}, {away.ID, 403, 50001}, {"1", 404, 10003},
	} {
		r := call(t, s, "POST", "/channels/"+row.channel+"/messages", says("hello"))
		assert.Equal(t, row.status, r.status)
		assert.Equal(t, row.code, r.code)
	}
	post := func(nonce string, enforce bool) string {
		m := says("report")
		m["nonce"], m["enforce_nonce"] = nonce, enforce
		return call(t, s, "POST", "/channels/"+open.ID+"/messages", m).body["id"].(string)
	}
	one := post("report-1", true)
	assert.Equal(t, one, post("report-1", true))
	assert.NotEqual(t, one, post("report-2", true))
	assert.NotEqual(t, one, post("report-1", false))
	s.Later(5 * time.Minute)
	assert.NotEqual(t, one, post("report-1", true))
	assert.Len(t, s.Seen("lisi", "log"), 5)
	assert.Len(t, s.Calls(discordtest.PostMessage), 10)
	s.WaitSeen(t, "lisi", "log", "report")
}

func TestFiles(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := command(s)
	callback(t, s, d, first(5, nil))
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	require.NoError(t, w.WriteField("payload_json", `{"allowed_mentions": {"parse": []}}`))
	f, err := w.CreateFormFile("files[0]", "members.csv")
	require.NoError(t, err)
	_, _ = f.Write([]byte("lisi"))
	require.NoError(t, w.Close())
	req, err := http.NewRequestWithContext(t.Context(), "PATCH", s.APIURL()+"/api/v10"+hook(s, d, original), &b)
	require.NoError(t, err)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	res.Body.Close()
	assert.Equal(t, 200, res.StatusCode)
	assert.Equal(t, []discordtest.File{{Name: "members.csv", Content: []byte("lisi")}}, d.Answer(t).Files)
}

func TestFaults(t *testing.T) {
	for _, row := range []struct {
		name   string
		fault  discordtest.Fault
		status int // 0: no answer
		code   int
		sees   int // messages
	}{
		{"500", discordtest.Fault{Status: 500}, 500, 0, 0},
		{"500, and carried out", discordtest.Fault{Status: 500, Done: true}, 500, 0, 1},
		{"a code", discordtest.Fault{Code: 50240}, 400, 50240, 0},
		{"a known code", discordtest.Fault{Code: 10062}, 404, 10062, 0},
		{"a page", discordtest.Fault{Status: 502, Page: true}, 502, 0, 0},
		{"too many", discordtest.Fault{RetryAfter: 300 * time.Millisecond}, 429, 0, 0},
		{"too many, on a page", discordtest.Fault{RetryAfter: time.Second, Page: true}, 429, 0, 0},
		{"too many, everywhere", discordtest.Fault{RetryAfter: 300 * time.Millisecond, Global: true}, 429, 0, 0},
		{"hangs up", discordtest.Fault{HangUp: true}, 0, 0, 0},
		{"hangs up, and carried out", discordtest.Fault{HangUp: true, Done: true}, 0, 0, 1},
		{"later", discordtest.Fault{Delay: 20 * time.Millisecond}, 204, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{})
			online(t, s)
			s.On(discordtest.Callback, row.fault)
			d := command(s)
			path := "/interactions/" + d.ID + "/" + d.Token + "/callback"
			agent := http.Header{"User-Agent": {"DiscordBot (https://example.com, 1)"}}
			r, err := try(t, s, "POST", path, first(4, says("x")), agent)
			assert.Equal(t, row.status == 0, err != nil)
			assert.Equal(t, row.status, r.status)
			assert.Equal(t, row.code, r.code)
			assert.Len(t, s.Seen("zhangsan", "moderation"), row.sees)
			if row.status == 429 {
				assert.Equal(t, "1", r.header.Get("Retry-After"))
				assert.Equal(t, row.fault.Page, strings.HasPrefix(r.text, "<"))
				if !row.fault.Page {
					assert.Equal(t, 0.3, r.body["retry_after"])
					assert.Equal(t, row.fault.Global, r.body["global"])
					time.Sleep(row.fault.RetryAfter)
				}
			}
			r, _ = try(t, s, "POST", path, first(4, says("x")), agent) // a retry is no second answer
			if row.sees == 1 {
				assert.Equal(t, 40060, r.code)
			} else {
				assert.Equal(t, 204, r.status)
			}
			calls := s.Calls(discordtest.Callback)
			require.Len(t, calls, 2)
			assert.Equal(t, d.Token, calls[0].Token)
			assert.Equal(t, 4.0, calls[0].Body.(obj)["type"])
			assert.Equal(t, r.status, calls[1].Status)
		})
	}
}

func TestHang(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	s.On(discordtest.Callback, discordtest.Fault{Hang: true, Times: -1})
	d := command(s)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "POST", s.APIURL()+"/api/v10/interactions/"+d.ID+"/"+d.Token+"/callback", strings.NewReader(`{"type": 5}`))
		req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
		}
		ended <- err
	}()
	s.WaitFor(t, "the call", func() bool { return len(s.Calls(discordtest.Callback)) == 1 })
	s.Later(3 * time.Second)
	assert.Equal(t, discordtest.TimedOut, d.Ack().Problem)
	cancel()
	assert.ErrorIs(t, <-ended, context.Canceled)
}

func TestImpatience(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	s.Forgive()
	s.On(discordtest.Me, discordtest.Fault{RetryAfter: time.Minute})
	call(t, s, "GET", "/users/@me", nil)
	time.Sleep(50 * time.Millisecond)
	call(t, s, "GET", "/users/@me/guilds", nil)
	assert.Empty(t, s.Complaints())
	call(t, s, "GET", "/users/@me", nil)
	assert.Len(t, s.Complaints(), 1)
}
