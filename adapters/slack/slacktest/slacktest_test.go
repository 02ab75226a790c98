package slacktest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
)

type obj = map[string]any

// A clock stands until it is told.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

func newClock() *clock { return &clock{at: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)} }

// call calls the Web API as the bot does.
func call(t *testing.T, s *slacktest.Server, token, method string, args obj) obj {
	t.Helper()
	_, body := post(t, s.APIURL()+method, token, args)
	var answer obj
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer
}

func post(t *testing.T, address, token string, args obj) (status int, body string) {
	t.Helper()
	if args == nil {
		args = obj{}
	}
	b, err := json.Marshal(args)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(b))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, strings.TrimSpace(string(said))
}

// httpBot answers what Slack posts, by path, with a body of JSON; empty: nothing.
func httpBot(t *testing.T, s *slacktest.Server, answer func(path, body string) string) {
	t.Helper()
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		right := http.Header{"X-Slack-Request-Timestamp": nil}
		s.Sign(right, body)
		if r.Header.Get("X-Slack-Signature") != right.Get("X-Slack-Signature") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer(r.URL.Path, string(body)))
	}))
	t.Cleanup(bot.Close)
	s.SetBotURL(bot.URL)
}

func silent(string, string) string { return "" }

func words(s string) obj { return obj{"type": "plain_text", "text": s} }

func button(id, label, value string) obj {
	return obj{"type": "button", "action_id": id, "text": words(label), "value": value}
}

func actions(elements ...any) obj { return obj{"type": "actions", "elements": elements} }

func input(id, label string, element obj) obj {
	element["action_id"] = "a"
	return obj{"type": "input", "block_id": id, "label": words(label), "element": element}
}

func modal(blocks ...any) obj {
	return obj{"type": "modal", "callback_id": "mute", "title": words("Mute"), "submit": words("Mute"), "blocks": blocks}
}

func TestTriggers(t *testing.T) {
	rows := []struct {
		name  string
		after time.Duration
		id    func(d *slacktest.Delivery) string
		twice bool
		want  any // the error of the last views.open
	}{
		{"fresh", 3 * time.Second, nil, false, nil},
		{"too late", 3*time.Second + time.Millisecond, nil, false, "expired_trigger_id"},
		{"twice", 0, nil, true, "exchanged_trigger_id"},
		{"unknown", 0, func(*slacktest.Delivery) string { return "1.2.3" }, false, "invalid_trigger_id"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := newClock()
			s := slacktest.New(t, slacktest.Options{Now: c.now})
			httpBot(t, s, silent)
			d := s.Command("U1", "C1", "/mute", "")
			args := obj{"trigger_id": d.TriggerID, "view": modal(input("b", "Who", obj{"type": "plain_text_input"}))}
			if row.id != nil {
				args["trigger_id"] = row.id(d)
			}
			c.pass(row.after)
			answer := call(t, s, s.BotToken, "views.open", args)
			if row.twice {
				answer = call(t, s, s.BotToken, "views.open", args)
			}
			assert.Equal(t, row.want, answer["error"])
		})
	}
}

func TestResponseURL(t *testing.T) {
	c := newClock()
	s := slacktest.New(t, slacktest.Options{Now: c.now})
	httpBot(t, s, silent)

	d := s.Command("U1", "C1", "/mute", "a b")
	for range 5 {
		status, body := post(t, d.ResponseURL, "", obj{"text": "hello"})
		assert.Equal(t, 200, status)
		assert.Equal(t, "ok", body)
	}
	status, body := post(t, d.ResponseURL, "", obj{"text": "hello"})
	assert.Equal(t, 404, status)
	assert.JSONEq(t, `{"ok": false, "error": "used_url"}`, body)
	assert.Len(t, d.Answers(), 5)
	assert.Empty(t, s.Seen("U2", "C1"), "private")

	d = s.Command("U1", "C1", "/mute", "a b")
	c.pass(30 * time.Minute)
	_, body = post(t, d.ResponseURL, "", obj{"text": "hello", "response_type": "in_channel"})
	assert.Equal(t, "ok", body)
	c.pass(time.Second)
	status, body = post(t, d.ResponseURL, "", obj{"text": "hello"})
	assert.Equal(t, 404, status)
	assert.JSONEq(t, `{"ok": false, "error": "expired_url"}`, body)

	seen := s.Seen("U2", "C1")
	require.Len(t, seen, 2)
	assert.True(t, seen[0].Typed)
	assert.Equal(t, "/mute a b", seen[0].Text)
	assert.Equal(t, "hello", d.Answer(t).Text)
}

func TestCards(t *testing.T) {
	card := obj{"text": "sure?", "replace_original": false, "blocks": []any{actions(button("x", "Yes", "mute 1 2"))}}
	rows := []struct {
		name, card string // response_type
		answer     obj
		want       []string // the texts that the presser sees
		complaint  string
	}{
		{"replaced", "ephemeral", obj{"text": "done", "replace_original": true}, []string{"done"}, ""},
		{"below", "ephemeral", obj{"text": "done", "replace_original": false}, []string{"sure?", "done"}, ""},
		{"deleted", "ephemeral", obj{"delete_original": true}, nil, ""},
		{"public", "in_channel", obj{"text": "done", "response_type": "in_channel", "replace_original": true}, []string{"/x", "done"}, ""},
		{"made public", "ephemeral", obj{"text": "done", "response_type": "in_channel", "replace_original": true}, []string{"done"}, "stays private"},
		{"made private", "in_channel", obj{"text": "done", "response_type": "ephemeral", "replace_original": true}, []string{"/x", "done"}, "all see it"},
		{"not said", "ephemeral", obj{"text": "done"}, []string{"done"}, "replace_original"},
		{"not alone", "ephemeral", obj{"delete_original": true, "text": "x"}, []string{"sure?"}, "alone"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := slacktest.New(t, slacktest.Options{})
			s.Forgive()
			httpBot(t, s, silent)
			d := s.Command("U1", "C1", "/x", "")
			card["response_type"] = row.card
			post(t, d.ResponseURL, "", card)
			pressed := s.Press("U1", d.Answer(t), "Yes")
			assert.Equal(t, row.card == "ephemeral", pressed.Payload["container"].(obj)["is_ephemeral"])
			assert.Equal(t, "mute 1 2", pressed.Payload["actions"].([]any)[0].(obj)["value"])
			post(t, pressed.ResponseURL, "", row.answer)
			var texts []string
			for _, m := range s.Seen("U1", "C1") {
				texts = append(texts, m.Text)
			}
			assert.Equal(t, row.want, texts)
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), row.complaint)
			assert.Equal(t, row.complaint == "", len(s.Complaints()) == 0)
		})
	}
}

func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("世", n) }
	section := func(s string) obj {
		return obj{"type": "section", "text": obj{"type": "mrkdwn", "text": s, "verbatim": true}}
	}
	repeat := func(n int, o any) (all []any) {
		for range n {
			all = append(all, o)
		}
		return all
	}
	option := func(value string) obj { return obj{"text": words("x"), "value": value} }
	rows := []struct {
		name   string
		blocks []any
		want   string // of the only problem; empty: none
	}{
		{"full section", []any{section(long(3000))}, ""},
		{"section", []any{section(long(3001))}, "3001"},
		{"empty section", []any{section("")}, "0 characters"},
		{"blocks", repeat(51, obj{"type": "divider"}), "51"},
		{"block_id", []any{obj{"type": "divider", "block_id": "a"}, obj{"type": "divider", "block_id": "a"}}, "twice"},
		{"action_id", []any{actions(button("a", "x", ""), button("a", "y", ""))}, "twice"},
		{"no action_id", []any{actions(button("", "x", ""))}, "action_id"},
		{"value", []any{actions(button("a", "x", long(2001)))}, "2001"},
		{"label", []any{actions(button("a", long(76), ""))}, "76"},
		{"field", []any{obj{"type": "section", "fields": []any{words(long(2001))}}}, "2001"},
		{"options", []any{actions(obj{"type": "static_select", "action_id": "a", "options": repeat(101, option("v"))})}, "101"},
		{"option value", []any{actions(obj{"type": "static_select", "action_id": "a", "options": []any{option(long(76))}})}, "76"},
		{"unknown key", []any{obj{"type": "divider", "text": "x"}}, "unknown key"},
		{"mrkdwn label", []any{actions(obj{"type": "button", "action_id": "a", "text": obj{"type": "mrkdwn", "text": "x"}})}, "plain_text"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			problems := slacktest.CheckMessage(obj{"text": "x", "blocks": row.blocks})
			if row.want == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0], row.want)
		})
	}
	text := input("b", "Who", obj{"type": "plain_text_input", "max_length": 3001})
	assert.Len(t, slacktest.CheckView(modal(text)), 1)
	bare := modal(input("b", "Who", obj{"type": "plain_text_input"}))
	delete(bare, "submit")
	bare["title"] = words(long(25))
	assert.Len(t, slacktest.CheckView(bare), 2)
	assert.Len(t, slacktest.CheckMessage(obj{"blocks": []any{section("x")}}), 1, "no text")

	s := slacktest.New(t, slacktest.Options{})
	s.Forgive()
	s.AddChannel(slacktest.Channel{ID: "C1", Bot: true})
	answer := call(t, s, s.BotToken, "chat.postMessage", obj{"channel": "C1", "text": "x", "blocks": []any{section("")}})
	assert.Equal(t, "invalid_blocks", answer["error"])
	assert.Len(t, s.Complaints(), 1)
}

func TestWebAPI(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{})
	s.AddUser(slacktest.User{ID: "U1", Locale: "zh-CN"})
	s.AddGroup("S1", "U1", "U2")
	s.AddChannel(slacktest.Channel{ID: "C1", Bot: true, Members: []string{"U1"}})
	s.AddChannel(slacktest.Channel{ID: "C2"})
	s.AddChannel(slacktest.Channel{ID: "G1", Private: true})
	s.On("chat.update", slacktest.Fault{Error: "internal_error"})
	rows := []struct {
		token, method string
		args          obj
		want          any // the error
	}{
		{s.BotToken, "auth.test", nil, nil},
		{"xoxb-wrong", "auth.test", nil, "invalid_auth"},
		{"", "auth.test", nil, "not_authed"},
		{s.BotToken, "apps.connections.open", nil, "not_allowed_token_type"},
		{s.AppToken, "apps.connections.open", nil, nil},
		{s.BotToken, "users.info", obj{"user": "U1"}, "user_not_found"}, // no JSON there
		{s.BotToken, "chat.postMessage", obj{"channel": "C1", "text": "x"}, nil},
		{s.BotToken, "chat.postMessage", obj{"channel": "C2", "text": "x"}, "not_in_channel"},
		{s.BotToken, "chat.postMessage", obj{"channel": "G1", "text": "x"}, "channel_not_found"},
		{s.BotToken, "chat.postMessage", obj{"channel": "U1", "text": "x"}, nil},
		{s.BotToken, "chat.postEphemeral", obj{"channel": "C1", "user": "U1", "text": "x"}, nil},
		{s.BotToken, "chat.postEphemeral", obj{"channel": "C1", "user": "U2", "text": "x"}, "user_not_in_channel"},
		{s.BotToken, "chat.update", obj{"channel": "C1", "ts": "1.2", "text": "x"}, "internal_error"},
		{s.BotToken, "chat.update", obj{"channel": "C1", "ts": "1.2", "text": "x"}, "message_not_found"},
		{s.BotToken, "views.publish", obj{"user_id": "U1", "view": obj{"type": "home", "blocks": []any{}}}, nil},
		{s.BotToken, "chat.meMessage", nil, "unknown_method"},
	}
	for _, row := range rows {
		assert.Equal(t, row.want, call(t, s, row.token, row.method, row.args)["error"], "%s %v", row.method, row.args)
	}
	assert.Len(t, s.Seen("U1", s.Direct("U1")), 1)
	assert.Len(t, s.Seen("U1", "C1"), 2)
	assert.Len(t, s.Calls("chat.update"), 2)

	res, err := http.Get(s.APIURL() + "users.info?user=U1&include_locale=true&token=" + s.BotToken)
	require.NoError(t, err)
	defer res.Body.Close()
	var answer obj
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	assert.Equal(t, "zh-CN", answer["user"].(obj)["locale"])
	assert.Contains(t, res.Header.Get("X-OAuth-Scopes"), "usergroups:read")
}
