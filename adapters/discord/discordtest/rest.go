package discordtest

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const (
	apiRoot = "/api/v10"
	maxBody = 1 << 20 // of a request, without files
)

// Routes, as Discord's OpenAPI document names them: for On and Calls.
const (
	Callback       = "POST /interactions/{interaction_id}/{interaction_token}/callback"
	GetOriginal    = "GET /webhooks/{webhook_id}/{webhook_token}/messages/@original"
	EditOriginal   = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"
	DeleteOriginal = "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original"
	FollowUp       = "POST /webhooks/{webhook_id}/{webhook_token}"
	GetFollowUp    = "GET /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
	EditFollowUp   = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
	DeleteFollowUp = "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
	PostMessage    = "POST /channels/{channel_id}/messages"
	GetGlobal      = "GET /applications/{application_id}/commands"
	PutGlobal      = "PUT /applications/{application_id}/commands"
	GetGuild       = "GET /applications/{application_id}/guilds/{guild_id}/commands"
	PutGuild       = "PUT /applications/{application_id}/guilds/{guild_id}/commands"
	MyApplication  = "GET /applications/@me"
	Me             = "GET /users/@me"
	MyGuilds       = "GET /users/@me/guilds"
	GatewayURL     = "GET /gateway"
	GatewayBot     = "GET /gateway/bot"
)

// A route is something that the bot may ask for.
type route struct {
	name string
	auth access
	do   func(s *Server, r *request) answer // s.mu is held
}

// access tells whose token a route takes.
type access int

const (
	anybody       access = iota
	byBot                // the bot's, in Authorization
	byInteraction        // that of an interaction, in the path
)

func routes() []route {
	return []route{
		{Callback, byInteraction, (*Server).callback},
		{GetOriginal, byInteraction, (*Server).getOriginal},
		{EditOriginal, byInteraction, (*Server).editOriginal},
		{DeleteOriginal, byInteraction, (*Server).deleteOriginal},
		{FollowUp, byInteraction, (*Server).followUp},
		{GetFollowUp, byInteraction, (*Server).getOriginal},
		{EditFollowUp, byInteraction, (*Server).editOriginal},
		{DeleteFollowUp, byInteraction, (*Server).deleteOriginal},
		{PostMessage, byBot, (*Server).postMessage},
		{GetGlobal, byBot, (*Server).getCommands},
		{PutGlobal, byBot, (*Server).putCommands},
		{GetGuild, byBot, (*Server).getCommands},
		{PutGuild, byBot, (*Server).putCommands},
		{MyApplication, byBot, (*Server).myApplication},
		{Me, byBot, (*Server).me},
		{MyGuilds, byBot, (*Server).myGuilds},
		{GatewayURL, anybody, (*Server).gatewayURL},
		{GatewayBot, byBot, (*Server).gatewayBot},
	}
}

func (r route) split() (method, path string) {
	method, path, _ = strings.Cut(r.name, " ")
	return method, path
}

// A request is a call, read.
type request struct {
	*http.Request
	bytes []byte // of JSON; empty: none
	body  any
	files []File
	bad   error // why it could not be read
}

// object is the body as an object.
func (r *request) object() obj { return object(r.body) }

// An answer is what a call gets: nothing but the status when body is nil.
type answer struct {
	status int
	body   any
}

func ok(body any) answer { return answer{http.StatusOK, body} }

// problems are Discord's codes with their statuses and words.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
var problems = map[int]answer{
	0:     {http.StatusUnauthorized, "401: Unauthorized"},
	10003: {http.StatusNotFound, "Unknown Channel"},
	10004: {http.StatusNotFound, "Unknown Guild"},
	10008: {http.StatusNotFound, "Unknown Message"},
	10015: {http.StatusNotFound, "Unknown Webhook"},
	10062: {http.StatusNotFound, "Unknown interaction"},
	20012: {http.StatusForbidden, "You are not authorized to perform this action on this application"},
	30032: {http.StatusBadRequest, "Maximum number of application commands reached (100)"},
	30034: {http.StatusBadRequest, "Max number of daily application command creates has been reached (200)"},
	40060: {http.StatusBadRequest, "Interaction has already been acknowledged."},
	40333: {http.StatusForbidden, "internal network error"},
	50001: {http.StatusForbidden, "Missing Access"},
	50006: {http.StatusBadRequest, "Cannot send an empty message"},
	50013: {http.StatusForbidden, "Missing Permissions"},
	50027: {http.StatusUnauthorized, "Invalid Webhook Token"},
	50035: {http.StatusBadRequest, "Invalid Form Body"},
	50109: {http.StatusBadRequest, "The request body contains invalid JSON."},
}

// refuse is the answer with one of Discord's codes; why goes into the errors of 50035.
func refuse(code int, why ...string) answer {
	p := problems[code]
	body := obj{"code": code, "message": p.body}
	if len(why) > 0 {
		var all []obj
		for _, w := range why {
			all = append(all, obj{"code": "BASE_TYPE_BAD", "message": w})
		}
		body["errors"] = obj{"_errors": all}
	}
	return answer{p.status, body}
}

// code is Discord's code in an answer; 0: none.
func (a answer) code() int {
	code, _ := object(a.body)["code"].(int)
	return code
}

func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	s.change(func() { s.complain("there is no %s %s here", r.Method, r.URL.Path) })
	reply(w, answer{http.StatusNotFound, obj{"code": 0, "message": "404: Not Found"}})
}

func reply(w http.ResponseWriter, a answer) {
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(compact(a.body))
}

// serve takes a call: it is looked at, meets its fault if it has one, and is carried out.
func (s *Server) serve(at route, w http.ResponseWriter, r *http.Request) {
	req := read(r)
	s.mu.Lock()
	place := s.called(at, req)
	f, faulty := s.fault(at.name)
	if i := s.byToken(r.PathValue("interaction_token")); faulty && i != nil {
		i.excused++
	}
	s.mu.Unlock()
	no := s.look(at, req)

	if faulty && !f.Done {
		if !s.pause(r, f) {
			return
		}
		if f.instead(w, func(a answer) { s.keep(place, a) }) {
			s.waitFrom(at, r, f)
			return
		}
	}
	a := s.carryOut(at, req, no)
	s.keep(place, a)
	if faulty && f.Done {
		if !s.pause(r, f) || f.instead(w, func(answer) {}) {
			return
		}
	}
	reply(w, a)
}

func (s *Server) carryOut(at route, r *request, no *answer) answer {
	if no != nil {
		return *no
	}
	s.mu.Lock()
	a := at.do(s, r)
	s.touch()
	s.mu.Unlock()
	s.checkAnswer(at, a)
	return a
}

// keep notes what a call was answered with.
func (s *Server) keep(place int, a answer) {
	s.change(func() { s.calls[place].Status, s.calls[place].Code = a.status, a.code() })
}

// read reads JSON, or the payload_json and the files of a form.
//
// https://discord.com/developers/docs/reference#uploading-files
func read(r *http.Request) *request {
	req := &request{Request: r}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		if req.bad = r.ParseMultipartForm(maxBody); req.bad != nil {
			return req
		}
		defer func() { _ = r.MultipartForm.RemoveAll() }()
		req.bytes = []byte(r.FormValue("payload_json"))
		for _, name := range slices.Sorted(maps.Keys(r.MultipartForm.File)) {
			for _, h := range r.MultipartForm.File[name] {
				f, err := h.Open()
				if err != nil {
					req.bad = err
					return req
				}
				content, _ := io.ReadAll(f)
				_ = f.Close()
				req.files = append(req.files, File{Name: h.Filename, Content: content})
			}
		}
	} else {
		req.bytes, req.bad = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	}
	if req.bad == nil && len(req.bytes) > 0 {
		req.bad = json.Unmarshal(req.bytes, &req.body)
	}
	return req
}

// https://discord.com/developers/docs/reference#user-agent
var isAgent = regexp.MustCompile(`^DiscordBot \([^ ,()]+, [^ ,()]+\)`)

// look complains of a call that no app should make, and returns how Discord refuses it; nil: not.
func (s *Server) look(at route, r *request) *answer {
	s.mu.Lock()
	no := s.admit(at, r)
	s.mu.Unlock()
	if no != nil {
		return no
	}
	if err := s.referee.Request(at.name, r.bytes); err != nil {
		s.change(func() { s.complain("%s: against the OpenAPI document: %v", at.name, err) })
		a := refuse(50035, err.Error())
		return &a
	}
	return nil
}

// admit is the part of look that is about headers and JSON. s.mu is held.
func (s *Server) admit(at route, r *request) *answer {
	no := func(code int, format string, args ...any) *answer {
		if format != "" {
			s.complain(at.name+": "+format, args...)
		}
		a := refuse(code)
		return &a
	}
	auth := r.Header.Get("Authorization")
	switch {
	case !isAgent.MatchString(r.UserAgent()):
		return no(40333, "the User-Agent is %q, not like DiscordBot (url, version)", r.UserAgent())
	case at.auth == byBot && auth == "":
		return no(0, "without the bot token")
	case at.auth == byBot && auth != "Bot "+s.token:
		return no(0, "") // the token may have been changed
	case r.bad != nil:
		return no(50109, "%v", r.bad)
	}
	if at.auth == byInteraction && auth != "" {
		s.complain("%s: with the bot token, which is not needed there", at.name)
	}
	if id := r.PathValue("application_id"); id != "" && id != s.ApplicationID {
		return no(20012, "application %s is another", id)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(r.bytes) > 0 && (r.Method == http.MethodGet || r.Method == http.MethodDelete):
		s.complain("%s: with a body", at.name)
	case len(r.bytes) > 0 && kind != "application/json" && kind != "multipart/form-data":
		return no(50109, "with the Content-Type %q", kind)
	}
	s.patient(at, r.Request)
	return nil
}
