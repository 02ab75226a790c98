package slacktest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A method of the Web API.
//
// https://docs.slack.dev/reference/methods
type method struct {
	scope string // that the bot token needs; empty: none
	json  bool   // arguments may come as JSON; always as a form
	do    func(s *Server, args obj) obj
}

var methods map[string]method

func init() { // a literal would go round in circles
	methods = map[string]method{
		"auth.test":             {"", true, (*Server).authTest},
		"apps.connections.open": {"", true, (*Server).connectionsOpen},
		"bots.info":             {"users:read", false, (*Server).botsInfo},
		"users.info":            {"users:read", false, (*Server).usersInfo},
		"usergroups.users.list": {"usergroups:read", false, (*Server).groupMembers},
		"chat.postMessage":      {"chat:write", true, (*Server).postMessage},
		"chat.postEphemeral":    {"chat:write", true, (*Server).postEphemeral},
		"chat.update":           {"chat:write", true, (*Server).updateMessage},
		"chat.delete":           {"chat:write", true, (*Server).deleteMessage},
		"views.open":            {"", true, (*Server).viewsOpen},
		"views.push":            {"", true, (*Server).viewsPush},
		"views.update":          {"", true, (*Server).viewsUpdate},
		"views.publish":         {"", true, (*Server).viewsPublish},
	}
}

func usualScopes() []string {
	return []string{"commands", "chat:write", "users:read", "usergroups:read"}
}

// maxBody is how much of a request is read.
const maxBody = 1 << 20

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	args, isJSON, bad := arguments(r)
	token, _ := args["token"].(string)
	delete(args, "token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	} else if name == "apps.connections.open" || isJSON {
		token = "" // the header alone
	}

	s.mu.Lock()
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.scopes, ","))
	place := s.called(name, args)
	f, faulty := s.fault(name)
	s.mu.Unlock()
	if faulty && !s.pause(r, f.Delay) {
		return
	}
	if faulty && !f.Done && f.instead(w) {
		s.change(func() { s.calls[place].Error = f.Error })
		return
	}
	s.mu.Lock()
	answer := s.answer(name, token, args, isJSON, bad)
	s.calls[place].Error, _ = answer["error"].(string)
	s.touch()
	s.mu.Unlock()
	if faulty && f.Done && f.instead(w) {
		return
	}
	reply(w, http.StatusOK, answer)
}

// answer carries a call out. s.mu is held.
func (s *Server) answer(name, token string, args obj, isJSON, bad bool) obj {
	m, known := methods[name]
	own, other := s.BotToken, s.AppToken
	if name == "apps.connections.open" {
		own, other = other, own
	}
	switch {
	case !known:
		return refuse("unknown_method")
	case bad:
		return refuse("invalid_json")
	case token == "":
		return refuse("not_authed")
	case token == other:
		return refuse("not_allowed_token_type")
	case token != own:
		return refuse("invalid_auth")
	case m.scope != "" && !slices.Contains(s.scopes, m.scope):
		return obj{"ok": false, "error": "missing_scope", "needed": m.scope, "provided": strings.Join(s.scopes, ",")}
	}
	if isJSON && !m.json {
		args = obj{} // Slack does not look there
	}
	answer := m.do(s, args)
	if _, said := answer["ok"]; !said {
		answer["ok"] = true
	}
	return answer
}

func refuse(word string, why ...string) obj {
	answer := obj{"ok": false, "error": word}
	if len(why) > 0 {
		answer["response_metadata"] = obj{"messages": why}
	}
	return answer
}

// arguments reads a form or JSON; of a form, the arguments that are JSON are read, too.
func arguments(r *http.Request) (args obj, isJSON, bad bool) {
	args = obj{}
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) > 0 && json.Unmarshal(body, &args) != nil || args == nil {
			return obj{}, true, true
		}
		return args, true, false
	}
	if err := r.ParseMultipartForm(maxBody); err != nil && r.Form == nil {
		return args, false, true
	}
	for key, values := range r.Form {
		args[key] = values[0]
		if slices.Contains([]string{"blocks", "view", "attachments", "metadata"}, key) {
			var v any
			if json.Unmarshal([]byte(values[0]), &v) != nil {
				bad = true
			}
			args[key] = v
		}
	}
	return args, false, bad
}

// pause waits, and tells whether somebody is still waiting for the answer.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-s.over:
	}
	return false
}

func reply(w http.ResponseWriter, status int, answer obj) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// word is an argument that is a string, or empty.
func word(o obj, key string) string { v, _ := o[key].(string); return v }

// truth is a boolean argument, which a form spells.
func truth(o obj, key string) bool {
	switch v := o[key].(type) {
	case bool:
		return v
	case string:
		return v == "true" || v == "1"
	default:
		return false
	}
}

// object and list are never nil's children: reading a missing one reads nothing.
func object(v any) obj { o, _ := v.(obj); return o }

func list(v any) []any { l, _ := v.([]any); return l }

func raw(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came out of JSON
	}
	return b
}

// clone is a copy that shares nothing.
func clone(o obj) obj {
	var c obj
	if err := json.Unmarshal(raw(o), &c); err != nil {
		panic(err)
	}
	return c
}

func (s *Server) authTest(obj) obj {
	who := obj{
		"url": "https://example.slack.com/", "team": "Example", "user": "bot",
		"team_id": s.Team, "user_id": s.BotUser, "bot_id": s.BotID, "is_enterprise_install": false,
	}
	if s.o.Enterprise != "" {
		who["enterprise_id"] = s.o.Enterprise
	}
	return who
}

func (s *Server) botsInfo(args obj) obj {
	if word(args, "bot") != s.BotID {
		return refuse("bot_not_found")
	}
	return obj{"bot": obj{"id": s.BotID, "deleted": false, "name": "bot", "updated": s.now().Unix(), "app_id": s.AppID, "user_id": s.BotUser}}
}
