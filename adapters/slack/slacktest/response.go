package slacktest

import (
	"io"
	"net/http"
	"time"
)

// Limits of a response_url. What Slack answers beyond them is not documented: 404 and these words were reported.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const (
	maxPosts = 5
	urlLife  = 30 * time.Minute
)

// A hook is a response_url.
type hook struct {
	cause   *cause
	channel string
	made    time.Time
	posts   int
	message *Message // the bot's message that was clicked on, which may be replaced; nil: none may
}

// newHook is a new response_url. s.mu is held.
func (s *Server) newHook(h *hook) string {
	h.made = s.now()
	path := "/response/" + s.Team + "/" + itoa(s.next()) + "/example" + itoa(s.next())
	s.hooks[path] = h
	return s.http.URL + path
}

func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	args, isJSON, bad := arguments(r)
	if p, inForm := args["payload"]; inForm && !isJSON { // the old way
		args, bad = parse(p)
	}
	s.mu.Lock()
	place := s.called(ResponseURL, args)
	f, faulty := s.fault(ResponseURL)
	s.mu.Unlock()
	if faulty && !s.pause(r, f.Delay) {
		return
	}
	if faulty && !f.Done && f.instead(w) {
		s.change(func() { s.calls[place].Error = f.Error })
		return
	}
	s.mu.Lock()
	status, no := s.respond(r.URL.Path, args, bad)
	s.calls[place].Error = no
	s.touch()
	s.mu.Unlock()
	switch {
	case faulty && f.Done && f.instead(w):
	case no != "":
		reply(w, status, refuse(no))
	default:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "ok")
	}
}

// respond takes one post to a response_url. s.mu is held.
func (s *Server) respond(path string, body obj, bad bool) (status int, no string) {
	h, known := s.hooks[path]
	switch {
	case !known:
		return http.StatusNotFound, "no_such_url"
	case s.now().Sub(h.made) > urlLife:
		return http.StatusNotFound, "expired_url"
	case h.posts >= maxPosts:
		return http.StatusNotFound, "used_url"
	case bad:
		s.complain("a response_url got a body that is not JSON")
		return http.StatusBadRequest, "invalid_payload"
	}
	h.posts++
	if truth(body, "delete_original") {
		return s.remove(h, body)
	}
	if no := s.checkPost(ResponseURL, body, "response_type", "replace_original", "delete_original"); no != "" {
		return http.StatusBadRequest, no
	}
	replace := truth(body, "replace_original")
	if _, said := body["replace_original"]; !said && h.message != nil {
		s.complain("an answer to a click does not say replace_original: it may overwrite the message")
		replace = true
	}
	if !replace || h.message == nil {
		s.tell(h.cause, h.channel, body)
		return http.StatusOK, ""
	}
	m := h.message
	switch kind := word(body, "response_type"); {
	case m.Deleted:
		return http.StatusNotFound, "message_not_found"
	case kind == "in_channel" && m.Private != "":
		s.complain("a private message is to be replaced by one for all: it stays private")
	case kind == "ephemeral" && m.Private == "":
		s.complain("a message that all see is to be replaced by a private one: all see it")
	}
	s.edit(m, body)
	h.cause.answer(*m)
	return http.StatusOK, ""
}

// remove deletes the message that was clicked on. s.mu is held.
func (s *Server) remove(h *hook, body obj) (status int, no string) {
	for key := range body {
		if key != "delete_original" {
			s.complain("delete_original must stand alone: not with %s", key)
			return http.StatusBadRequest, "invalid_arguments"
		}
	}
	if h.message == nil {
		s.complain("delete_original where no message of the bot was clicked on")
		return http.StatusBadRequest, "cant_delete_message"
	}
	if h.message.Deleted {
		return http.StatusNotFound, "message_not_found"
	}
	h.message.Deleted = true
	return http.StatusOK, ""
}

// tell posts an answer in a channel: to the person alone, unless it says in_channel, which shows a typed command, too. s.mu is held.
func (s *Server) tell(c *cause, channel string, body obj) {
	public := word(body, "response_type") == "in_channel"
	if public && c.command != "" && !c.shown {
		c.shown = true
		s.post(&Message{Channel: channel, User: c.user, Text: c.command, Typed: true})
	}
	if word(body, "text") == "" && len(list(body["blocks"])) == 0 {
		return
	}
	m := &Message{Channel: channel, User: s.BotUser, Text: word(body, "text"), Blocks: s.blocks(body), Thread: word(body, "thread_ts")}
	if !public {
		m.Private = c.user
	}
	c.answer(*s.post(m))
}
