package discordtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

type obj = map[string]any

func nobody() obj { return obj{"parse": []any{}} }

// says is a message that only has words.
func says(text string) obj { return obj{"content": text, "allowed_mentions": nobody()} }

func private(m obj) obj { m["flags"] = 64; return m }

// below is a message with a row of buttons.
func below(m obj, buttons ...any) obj {
	m["components"] = []any{row(buttons...)}
	return m
}

func row(children ...any) obj { return obj{"type": 1, "components": children} }

func button(label, id string) obj { return obj{"type": 2, "style": 1, "label": label, "custom_id": id} }

func first(kind int, data obj) obj {
	if data == nil {
		return obj{"type": kind}
	}
	return obj{"type": kind, "data": data}
}

// A result is what a call came to.
type result struct {
	status, code int
	header       http.Header
	body         obj
	text         string
}

// call calls the API as an app does.
func call(t *testing.T, s *discordtest.Server, method, path string, body any) result {
	t.Helper()
	token := ""
	if !strings.HasPrefix(path, "/webhooks/") && !strings.HasPrefix(path, "/interactions/") {
		token = "Bot " + s.BotToken
	}
	return callAs(t, s, method, path, body, http.Header{"Authorization": {token}, "User-Agent": {"DiscordBot (https://example.com, 1)"}})
}

func callAs(t *testing.T, s *discordtest.Server, method, path string, body any, header http.Header) result {
	t.Helper()
	r, err := try(t, s, method, path, body, header)
	require.NoError(t, err)
	return r
}

func try(t *testing.T, s *discordtest.Server, method, path string, body any, header http.Header) (result, error) {
	t.Helper()
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(t, err)
		reader = bytes.NewReader(b)
		header.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.APIURL()+"/api/v10"+path, reader)
	require.NoError(t, err)
	req.Header = header
	if header.Get("Authorization") == "" {
		header.Del("Authorization")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return result{}, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return result{}, err
	}
	r := result{status: res.StatusCode, header: res.Header, text: string(said)}
	_ = json.Unmarshal(said, &r.body)
	code, _ := r.body["code"].(float64)
	r.code = int(code)
	return r, nil
}

func callback(t *testing.T, s *discordtest.Server, d *discordtest.Delivery, answer obj) result {
	t.Helper()
	return call(t, s, "POST", "/interactions/"+d.ID+"/"+d.Token+"/callback", answer)
}

// hook is the path of an interaction's messages.
func hook(s *discordtest.Server, d *discordtest.Delivery, more string) string {
	return "/webhooks/" + s.ApplicationID + "/" + d.Token + more
}

const original = "/messages/@original"

// An app is one connection to the gateway. What comes is in got.
type app struct {
	t   *testing.T
	ws  *websocket.Conn
	got chan obj // closed with the connection
	err error    // then
}

func dial(t *testing.T, s *discordtest.Server) *app {
	t.Helper()
	address, _ := call(t, s, "GET", "/gateway", nil).body["url"].(string)
	ws, res, err := websocket.DefaultDialer.Dial(address+"?v=10&encoding=json", nil)
	require.NoError(t, err)
	res.Body.Close()
	a := &app{t: t, ws: ws, got: make(chan obj, 100)}
	ended := make(chan struct{})
	t.Cleanup(func() { ws.Close(); <-ended })
	go func() {
		defer close(ended)
		defer close(a.got)
		for {
			var o obj
			if a.err = ws.ReadJSON(&o); a.err != nil {
				return
			}
			a.got <- o
		}
	}()
	return a
}

func (a *app) say(op int, d any) {
	a.t.Helper()
	_ = a.ws.WriteJSON(obj{"op": op, "d": d})
}

func (a *app) identify(s *discordtest.Server) {
	a.t.Helper()
	a.say(2, obj{"token": "Bot " + s.BotToken, "intents": 0, "properties": obj{"os": "linux", "browser": "x", "device": "x"}})
}

// closed waits for the end of the connection and returns its code; 0: it broke.
func (a *app) closed() int {
	a.t.Helper()
	for range a.got {
		continue
	}
	if c, ok := a.err.(*websocket.CloseError); ok {
		return c.Code
	}
	return 0
}

// online is an app with a session, which answers nothing of itself.
func online(t *testing.T, s *discordtest.Server) *app {
	t.Helper()
	a := dial(t, s)
	assert.Equal(t, 10.0, (<-a.got)["op"])
	a.identify(s)
	assert.Equal(t, "READY", (<-a.got)["t"])
	s.WaitSessions(t, 1)
	return a
}

// httpBot answers what Discord posts, by its payload; nil: 202.
func httpBot(t *testing.T, s *discordtest.Server, answer func(p obj) obj) {
	t.Helper()
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/discord/interactions", r.URL.Path)
		body, _ := io.ReadAll(r.Body)
		if !signed(s, r, body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var p obj
		assert.NoError(t, json.Unmarshal(body, &p))
		reply := obj{"type": 1}
		if p["type"] != 1.0 {
			reply = answer(p)
		}
		if reply == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(reply)
	}))
	t.Cleanup(bot.Close)
	s.SetBotURL(bot.URL)
}

// waits answers by the callback alone, which the test makes.
func waits(obj) obj { return nil }

var mute = obj{
	"name": "mute", "description": "Mute somebody", "default_member_permissions": "0", "options": []any{
		obj{"type": 3, "name": "room", "description": "which room", "required": true, "autocomplete": true},
		obj{"type": 3, "name": "target", "description": "whom", "required": true, "max_length": 5},
		obj{"type": 4, "name": "minutes", "description": "how long", "min_value": 1, "max_value": 60},
		obj{"type": 3, "name": "why", "description": "why", "choices": []any{obj{"name": "Noise", "value": "noise"}, obj{"name": "Spam", "value": "spam"}}},
		obj{"type": 5, "name": "quiet", "description": "tell nobody"},
	},
}

var (
	whois = obj{"type": 2, "name": "Who is"}
	rooms = obj{"name": "room", "description": "Rooms", "options": []any{
		obj{"type": 1, "name": "list", "description": "All", "options": []any{obj{"type": 5, "name": "closed", "description": "also closed ones"}}},
	}}
)

// there is a Discord where these commands are registered for all.
func there(t *testing.T, o discordtest.Options) *discordtest.Server {
	t.Helper()
	s := discordtest.New(t, o)
	s.AddUser(discordtest.User{Name: "zhangsan", Global: "Zhang San", Roles: []string{"539082325061836999"}, Locale: "zh-CN"})
	s.Register(t, "", []any{mute, whois, rooms})
	return s
}

func args() obj { return obj{"room": "123", "target": "lisi"} }

func command(s *discordtest.Server) *discordtest.Delivery {
	return s.Command("zhangsan", "moderation", "mute", args())
}

// brief is for tests in which nobody answers.
const brief = 300 * time.Millisecond
