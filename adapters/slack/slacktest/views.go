package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// https://docs.slack.dev/surfaces/modals
const (
	triggerLife = 3 * time.Second
	maxStack    = 3
)

// A trigger lets the bot open one modal.
type trigger struct {
	user, channel string // who did something, and where
	made          time.Time
	used          bool
	modal         bool // it was made by something done in a modal
}

// newTrigger is a new trigger_id. s.mu is held.
func (s *Server) newTrigger(t trigger) string {
	t.made = s.now()
	id := fmt.Sprintf("%d.%d.%032x", 3987386630150000+s.next(), 47445629121, s.next())
	s.triggers[id] = &t
	return id
}

// A view is a modal or a Home tab that somebody has.
type view struct {
	body           obj
	id, hash       string
	user, channel  string // channel: where it was opened from
	root, previous string
	state          map[string]map[string]obj // what is filled in, by block_id and action_id
	blocks         json.RawMessage
}

// A View is a modal or Home tab as a person has it.
type View struct {
	ID, Hash, Type, CallbackID, ExternalID, PrivateMetadata string
	Title, Submit, Close                                    string
	Blocks                                                  json.RawMessage
	Inputs                                                  []Input
}

// An Input is an input block of a view, with what is filled in.
type Input struct {
	Label, Hint, BlockID, ActionID, Type string
	Options                              []string // their texts
	Optional                             bool
	Value                                string // the text, the option's text (several with commas between), the chosen id
}

// Buttons are all of them, in order. Submit and close are none.
func (v View) Buttons() []Button { return buttons(v.Blocks) }

// Words are all texts of the blocks, a line each.
func (v View) Words() string { return words(v.Blocks) }

// Home is the Home tab that a person sees; false: the bot has published none.
func (s *Server) Home(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.homes[user].shown()
}

// Modal is the topmost modal that a person has open.
func (s *Server) Modal(user string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.top(user).shown()
}

// top is the topmost modal of a person, or nil. s.mu is held.
func (s *Server) top(user string) *view {
	if all := s.modals[user]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

func (v *view) shown() (View, bool) {
	if v == nil {
		return View{}, false
	}
	title := func(key string) string { return word(object(v.body[key]), "text") }
	return View{
		ID: v.id, Hash: v.hash, Type: word(v.body, "type"), CallbackID: word(v.body, "callback_id"), ExternalID: word(v.body, "external_id"),
		PrivateMetadata: word(v.body, "private_metadata"), Title: title("title"), Submit: title("submit"), Close: title("close"),
		Blocks: v.blocks, Inputs: v.inputs(),
	}, true
}

// redraw gives a view a new body and hash, and keeps what was filled in where block_id, action_id and type are the same. s.mu is held.
func (s *Server) redraw(v *view, body obj) {
	v.body, v.blocks, v.hash = body, s.blocks(body), fmt.Sprintf("%d.example%d", s.now().Unix(), s.next())
	old := v.state
	v.state = map[string]map[string]obj{}
	for _, p := range parts(v.blocks) {
		block, action := word(p.block, "block_id"), word(p.element, "action_id")
		value, holds := initial(p.element, v.channel)
		if !holds {
			continue
		}
		if kept := old[block][action]; kept != nil && kept["type"] == value["type"] {
			value = kept
		}
		if v.state[block] == nil {
			v.state[block] = map[string]obj{}
		}
		v.state[block][action] = value
	}
	s.touch()
}

// view is a view as payloads and answers have it. s.mu is held.
func (s *Server) view(v *view) obj {
	j := obj{
		"id": v.id, "team_id": s.Team, "app_id": s.AppID, "bot_id": s.BotID, "app_installed_team_id": s.Team, "hash": v.hash,
		"root_view_id": v.root, "previous_view_id": nil, "private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false,
		"notify_on_close": false, "title": nil, "close": nil, "submit": nil, "blocks": []any{}, "state": obj{"values": v.state},
	}
	if v.previous != "" {
		j["previous_view_id"] = v.previous
	}
	for _, key := range viewKeys {
		if v.body[key] != nil {
			j[key] = v.body[key]
		}
	}
	return clone(j)
}

// checkView complains of a view that Slack would refuse, and returns that answer. s.mu is held.
func (s *Server) checkView(where string, body obj, kind string) (no obj) {
	if body == nil {
		return refuse("invalid_arguments", "missing required field: view")
	}
	problems := CheckView(body)
	if word(body, "type") != kind {
		problems = append(problems, "view: not of type "+kind)
	}
	if len(problems) == 0 {
		return nil
	}
	for _, p := range problems {
		s.complain("%s: invalid_arguments: %s", where, p)
	}
	return refuse("invalid_arguments", problems...)
}

// viewOf is the view in arguments, where it may be a JSON text.
func viewOf(args obj) obj {
	if text, isText := args["view"].(string); isText {
		o, _ := parse(text)
		return o
	}
	return object(args["view"])
}

// pull takes a trigger that is still good. s.mu is held.
func (s *Server) pull(args obj) (*trigger, string) {
	t := s.triggers[word(args, "trigger_id")]
	switch {
	case t == nil:
		return nil, "invalid_trigger_id"
	case t.used:
		return nil, "exchanged_trigger_id"
	case s.now().Sub(t.made) > triggerLife:
		return nil, "expired_trigger_id"
	}
	return t, ""
}

func (s *Server) viewsOpen(args obj) obj { return s.open("views.open", args) }
func (s *Server) viewsPush(args obj) obj { return s.open("views.push", args) }

func (s *Server) open(method string, args obj) obj {
	body := viewOf(args)
	if no := s.checkView(method, body, "modal"); no != nil {
		return no
	}
	if s.external(word(body, "external_id")) != nil {
		return refuse("duplicate_external_id")
	}
	t, no := s.pull(args)
	if no != "" {
		return refuse(no)
	}
	stack := s.modals[t.user]
	if method == "views.push" {
		switch {
		case !t.modal || len(stack) == 0:
			return refuse("not_found")
		case len(stack) >= maxStack:
			return refuse("push_limit_reached")
		}
	} else {
		stack = nil
	}
	t.used = true
	return obj{"view": s.view(s.push(t.user, t.channel, stack, body))}
}

// push opens a modal on top of others. s.mu is held.
func (s *Server) push(user, channel string, stack []*view, body obj) *view {
	v := &view{id: s.viewID(), user: user, channel: channel}
	v.root = v.id
	if len(stack) > 0 {
		v.root, v.previous = stack[0].id, stack[len(stack)-1].id
	}
	s.redraw(v, body)
	s.modals[user] = append(slices.Clone(stack), v)
	return v
}

func (s *Server) viewID() string { return fmt.Sprintf("V%08d", s.next()) }

// external finds an open view by its external_id. s.mu is held.
func (s *Server) external(id string) *view {
	return s.find(func(v *view) bool { return id != "" && word(v.body, "external_id") == id })
}

// find finds an open modal or a Home tab. s.mu is held.
func (s *Server) find(is func(*view) bool) *view {
	for _, stack := range s.modals {
		if i := slices.IndexFunc(stack, is); i >= 0 {
			return stack[i]
		}
	}
	for _, home := range s.homes {
		if is(home) {
			return home
		}
	}
	return nil
}

func (s *Server) viewsUpdate(args obj) obj {
	id := word(args, "view_id")
	v := s.external(word(args, "external_id"))
	if id != "" {
		v = s.find(func(v *view) bool { return v.id == id })
	}
	body := viewOf(args)
	kind := "modal"
	if v != nil {
		kind = word(v.body, "type")
	}
	if no := s.checkView("views.update", body, kind); no != nil {
		return no
	}
	if v == nil {
		return refuse("not_found")
	}
	if hash := word(args, "hash"); hash != "" && hash != v.hash {
		return refuse("hash_conflict")
	}
	s.redraw(v, body)
	return obj{"view": s.view(v)}
}

func (s *Server) viewsPublish(args obj) obj {
	body, user := viewOf(args), word(args, "user_id")
	if no := s.checkView("views.publish", body, "home"); no != nil {
		return no
	}
	if _, known := s.users[user]; !known {
		return refuse("invalid_arguments", "user_id: unknown")
	}
	v := s.homes[user]
	if v == nil {
		v = &view{id: s.viewID(), user: user}
		v.root = v.id
	} else if hash := word(args, "hash"); hash != "" && hash != v.hash {
		return refuse("hash_conflict")
	}
	s.homes[user] = v
	s.redraw(v, body)
	return obj{"view": s.view(v)}
}
