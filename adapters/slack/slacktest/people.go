package slacktest

import (
	"fmt"
	"strings"
)

// Command has a person type a slash command.
func (s *Server) Command(user, channel, command, text string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, c := s.person(user), s.place(channel, user)
	made := &cause{kind: "slash_commands", user: user, channel: channel, command: strings.TrimSpace(command + " " + text)}
	made.payload = obj{
		"token": verification, "team_id": s.Team, "team_domain": "example", "channel_id": c.ID, "channel_name": c.shownName(),
		"user_id": u.ID, "user_name": u.Name, "command": command, "text": text, "api_app_id": s.AppID, "is_enterprise_install": "false",
		"response_url": s.newHook(&hook{cause: made, channel: channel}), "trigger_id": s.newTrigger(trigger{user: user, channel: channel}),
	}
	if s.o.Enterprise != "" {
		made.payload["enterprise_id"], made.payload["enterprise_name"] = s.o.Enterprise, "Example"
	}
	if s.o.Sparse && s.botURL == "" {
		delete(made.payload, "api_app_id")
		delete(made.payload, "is_enterprise_install")
	}
	return s.deliver(made, "")
}

// Press has a person press a button of a message, which is found by its label, action_id or value. The message may be an older state of one that was
// changed meanwhile: people are not always faster.
func (s *Server) Press(user string, on Message, label string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	action, found := button(on.Blocks, label)
	if !found {
		s.t.Fatalf("slack: no button %q, but %q, below %q", label, labels(on.Buttons()), on.Text)
	}
	if on.Private != "" && on.Private != user {
		s.t.Fatalf("slack: %s does not see the message %q", user, on.Text)
	}
	c := s.place(on.Channel, user)
	h := &hook{channel: c.ID, message: s.message(c.ID, on.ID)}
	if h.message == nil { // deleted since
		gone := on
		gone.Deleted = true
		h.message = &gone
	}
	made := &cause{kind: "interactive", user: user, channel: c.ID}
	h.cause = made
	made.payload = s.action(user, action, trigger{user: user, channel: c.ID})
	made.payload["channel"] = obj{"id": c.ID, "name": c.shownName()}
	made.payload["container"] = obj{"type": "message", "message_ts": on.ID, "channel_id": c.ID, "is_ephemeral": on.Private != ""}
	made.payload["state"] = obj{"values": obj{}}
	made.payload["response_url"] = s.newHook(h)
	if on.Private == "" {
		made.payload["message"] = s.json(&on)
	}
	return s.send1(made)
}

// PressHome has a person press a button of the Home tab, which is found as Press finds it.
func (s *Server) PressHome(user, label string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pressView(user, s.homes[user], label, "Home tab")
}

// PressModal has a person press a button inside the open modal, after filling values in, which may be nil.
func (s *Server) PressModal(user, label string, values map[string]string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.top(user)
	if v != nil {
		if err := v.enter(values); err != nil {
			s.t.Fatalf("slack: %v", err)
		}
	}
	return s.pressView(user, v, label, "modal")
}

func (s *Server) pressView(user string, v *view, label, what string) *Delivery {
	s.t.Helper()
	if v == nil {
		s.t.Fatalf("slack: %s has no %s", user, what)
	}
	action, found := button(v.blocks, label)
	if !found {
		s.t.Fatalf("slack: no button %q, but %q, in the %s", label, labels(buttons(v.blocks)), what)
	}
	made := &cause{kind: "interactive", user: user}
	made.payload = s.action(user, action, trigger{user: user, channel: v.channel, modal: what == "modal"})
	made.payload["container"] = obj{"type": "view", "view_id": v.id}
	made.payload["view"] = s.view(v)
	return s.send1(made)
}

// Shortcut has a person choose a global shortcut.
func (s *Server) Shortcut(user, callbackID string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &cause{kind: "interactive", user: user}
	made.payload = s.interaction("shortcut", user)
	made.payload["callback_id"], made.payload["action_ts"] = callbackID, s.stamp()
	made.payload["trigger_id"] = s.newTrigger(trigger{user: user})
	return s.send1(made)
}

// MessageShortcut has a person choose a message shortcut on the last message that all see in a channel; when there is none, on one that the person
// writes.
func (s *Server) MessageShortcut(user, channel, callbackID string) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person(user)
	c := s.place(channel, user)
	var on *Message
	for _, m := range s.messages {
		if m.Channel == channel && m.Private == "" && !m.Deleted {
			on = m
		}
	}
	if on == nil {
		on = s.post(&Message{Channel: channel, User: user, Text: "hello"})
	}
	made := &cause{kind: "interactive", user: user, channel: channel}
	made.payload = s.interaction("message_action", user)
	made.payload["callback_id"], made.payload["action_ts"], made.payload["message_ts"] = callbackID, s.stamp(), on.ID
	made.payload["trigger_id"] = s.newTrigger(trigger{user: user, channel: channel})
	made.payload["response_url"] = s.newHook(&hook{cause: made, channel: channel})
	made.payload["channel"], made.payload["message"] = obj{"id": c.ID, "name": c.shownName()}, s.json(on)
	return s.send1(made)
}

// Submit has a person fill in the open modal, by the labels of its inputs, and submit it. An input may be named by its block_id, and must be where
// others have the same label. Options are named by text or value, several with commas between, conversations by id; empty is nothing;
// inputs that are not named keep what is in them. What Slack's client does not let pass is not sent: Errors has it.
func (s *Server) Submit(user string, values map[string]string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.top(user)
	if v == nil {
		s.t.Fatalf("slack: %s has no modal open", user)
	}
	if v.body["submit"] == nil {
		s.t.Fatalf("slack: the modal has nothing to submit it with")
	}
	if err := v.enter(values); err != nil {
		s.t.Fatalf("slack: %v", err)
	}
	made := &cause{kind: "interactive", user: user, channel: v.channel, view: v.id}
	if no := v.refuses(); len(no) > 0 {
		d := &Delivery{s: s, cause: made, done: make(chan struct{}), errors: no}
		close(d.done)
		return d
	}
	made.payload = s.interaction("view_submission", user)
	made.payload["trigger_id"] = s.newTrigger(trigger{user: user, channel: v.channel, modal: true})
	made.payload["view"] = s.view(v)
	made.payload["response_urls"] = s.toConversations(v, made)
	return s.send1(made)
}

// CloseModal has a person close the topmost modal; all tells of the ✕, which closes all. The bot hears of it when the view wants that; else the
// result is nil.
func (s *Server) CloseModal(user string, all bool) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.top(user)
	if v == nil {
		s.t.Fatalf("slack: %s has no modal open", user)
	}
	s.modals[user] = s.modals[user][:len(s.modals[user])-1]
	if all {
		delete(s.modals, user)
	}
	s.touch()
	if !truth(v.body, "notify_on_close") {
		return nil
	}
	made := &cause{kind: "interactive", user: user}
	made.payload = s.interaction("view_closed", user)
	made.payload["view"], made.payload["is_cleared"] = s.view(v), all
	return s.send1(made)
}

// OpenHome has a person open the Home tab: the event app_home_opened.
func (s *Server) OpenHome(user string) *Delivery {
	event := obj{"user": user, "channel": s.Direct(user), "tab": "home"}
	s.mu.Lock()
	s.person(user)
	s.place(s.Direct(user), user)
	if v := s.homes[user]; v != nil {
		event["view"] = s.view(v)
	}
	s.mu.Unlock()
	return s.Event("app_home_opened", event)
}

// Event tells the bot of any event with the fields of its own.
func (s *Server) Event(kind string, fields map[string]any) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	event := obj{"type": kind, "event_ts": s.stamp()}
	for key, v := range fields {
		event[key] = v
	}
	made := &cause{kind: "events_api", user: word(event, "user")}
	made.payload = obj{
		"type": "event_callback", "token": verification, "team_id": s.Team, "context_team_id": s.Team, "context_enterprise_id": nil,
		"api_app_id": s.AppID, "event": event, "event_id": fmt.Sprintf("Ev%08d", s.next()), "event_time": s.now().Unix(),
		"authorizations": []obj{{
			"enterprise_id": s.enterpriseID(), "team_id": s.Team, "user_id": s.BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
		"is_ext_shared_channel": false, "event_context": fmt.Sprintf("4-example%d", s.next()),
	}
	return s.send1(made)
}

func labels(all []Button) []string {
	var some []string
	for _, b := range all {
		some = append(some, b.Label)
	}
	return some
}

// verification is the deprecated token of payloads.
const verification = "example-verification-token"

func (c *Channel) shownName() string {
	if c.Private && !strings.HasPrefix(c.ID, "D") {
		return "privategroup"
	}
	return c.Name
}

// send1 delivers a payload for the first time, as a copy that nobody else holds. s.mu is held.
func (s *Server) send1(c *cause) *Delivery {
	c.payload = clone(c.payload)
	return s.deliver(c, "")
}

// interaction is what all interactive payloads have. s.mu is held.
func (s *Server) interaction(kind, user string) obj {
	u := s.person(user)
	p := obj{
		"type": kind, "token": verification, "api_app_id": s.AppID, "is_enterprise_install": false, "enterprise": nil,
		"team": obj{"id": s.Team, "domain": "example"},
		"user": obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.Team},
	}
	if s.o.Enterprise != "" {
		p["enterprise"] = obj{"id": s.o.Enterprise, "name": "Example"}
		p["team"] = obj{"id": s.Team, "domain": "example", "enterprise_id": s.o.Enterprise, "enterprise_name": "Example"}
	}
	return p
}

func (s *Server) enterpriseID() any {
	if s.o.Enterprise == "" {
		return nil
	}
	return s.o.Enterprise
}

// action is a block_actions payload without what it was done in. s.mu is held.
func (s *Server) action(user string, action obj, t trigger) obj {
	p := s.interaction("block_actions", user)
	action["action_ts"] = s.stamp()
	p["actions"], p["trigger_id"] = []obj{action}, s.newTrigger(t)
	return p
}
