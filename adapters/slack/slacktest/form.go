package slacktest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// fields tell, by the type of an element, under which key Slack gives what is filled in.
var fields = map[string]string{
	"plain_text_input": "value", "number_input": "value", "email_text_input": "value", "url_text_input": "value",
	"static_select": "selected_option", "radio_buttons": "selected_option", "external_select": "selected_option",
	"checkboxes": "selected_options", "multi_static_select": "selected_options",
	"conversations_select": "selected_conversation", "channels_select": "selected_channel", "users_select": "selected_user",
	"datepicker": "selected_date", "timepicker": "selected_time", "datetimepicker": "selected_date_time",
}

// initials are the same for what an element begins with.
var initials = map[string]string{
	"value": "initial_value", "selected_option": "initial_option", "selected_options": "initial_options",
	"selected_conversation": "initial_conversation", "selected_channel": "initial_channel", "selected_user": "initial_user",
	"selected_date": "initial_date", "selected_time": "initial_time", "selected_date_time": "initial_date_time",
}

// initial is the state of an element that nobody has touched; holds is false for elements without state.
func initial(e obj, channel string) (state obj, holds bool) {
	kind := word(e, "type")
	key, holds := fields[kind]
	if !holds {
		return nil, false
	}
	value := e[initials[key]]
	if value == nil && key == "selected_options" {
		value = []any{}
	}
	if kind == "conversations_select" && truth(e, "default_to_current_conversation") && channel != "" {
		value = channel
	}
	return obj{"type": kind, key: value}, true
}

// value is a state in words; empty: nothing is filled in.
func value(state obj) string {
	key := fields[word(state, "type")]
	switch v := state[key].(type) {
	case string:
		return v
	case obj:
		return word(object(v["text"]), "text")
	case []any:
		var all []string
		for _, o := range v {
			all = append(all, word(object(object(o)["text"]), "text"))
		}
		return strings.Join(all, ",")
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}

// fill is the state after a person has filled something in.
func fill(e obj, said string) (obj, error) {
	kind := word(e, "type")
	key := fields[kind]
	state := obj{"type": kind, key: any(said)}
	if said == "" {
		state[key] = nil
	}
	switch key {
	case "selected_option":
		if said != "" {
			o, err := choose(e, said)
			if err != nil {
				return nil, err
			}
			state[key] = o
		}
	case "selected_options":
		chosen := []any{}
		for _, one := range several(e, said) {
			o, err := choose(e, one)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, o)
		}
		state[key] = chosen
	case "selected_date_time":
		if n, err := strconv.Atoi(said); err == nil {
			state[key] = n
		}
	}
	return state, nil
}

// several splits at commas what is not one option as it stands.
func several(e obj, said string) []string {
	if said == "" {
		return nil
	}
	if _, err := choose(e, said); err == nil {
		return []string{said}
	}
	all := strings.Split(said, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// choose finds an option by its text or value.
func choose(e obj, said string) (obj, error) {
	var offered []string
	for _, o := range options(e) {
		text := word(object(o["text"]), "text")
		if text == said || word(o, "value") == said {
			return o, nil
		}
		offered = append(offered, text)
	}
	return nil, fmt.Errorf("no option %q, but %q", said, offered)
}

// entries are the input blocks of a view.
func (v *view) entries() []part {
	var all []part
	for _, p := range parts(v.blocks) {
		if word(p.block, "type") == "input" {
			all = append(all, p)
		}
	}
	return all
}

func (v *view) at(p part) obj {
	return v.state[word(p.block, "block_id")][word(p.element, "action_id")]
}

func (v *view) inputs() []Input {
	var all []Input
	for _, p := range v.entries() {
		in := Input{
			Label: labelOf(p), Hint: word(object(p.block["hint"]), "text"), BlockID: word(p.block, "block_id"), ActionID: word(p.element, "action_id"),
			Type: word(p.element, "type"), Optional: truth(p.block, "optional"), Value: value(v.at(p)),
		}
		for _, o := range options(p.element) {
			in.Options = append(in.Options, word(object(o["text"]), "text"))
		}
		all = append(all, in)
	}
	return all
}

func labelOf(p part) string { return word(object(p.block["label"]), "text") }

// name is the label of an input block, or its block_id where others have the same label.
func (v *view) name(p part) string {
	same := 0
	for _, other := range v.entries() {
		if labelOf(other) == labelOf(p) {
			same++
		}
	}
	if same > 1 {
		return word(p.block, "block_id")
	}
	return labelOf(p)
}

// enter fills in a view by the labels or block_ids of its input blocks.
func (v *view) enter(values map[string]string) error {
	for label, said := range values {
		found := false
		for _, p := range v.entries() {
			if v.name(p) != label && word(p.block, "block_id") != label {
				continue
			}
			state, err := fill(p.element, said)
			if err != nil {
				return fmt.Errorf("%s: %w", label, err)
			}
			v.state[word(p.block, "block_id")][word(p.element, "action_id")], found = state, true
			break
		}
		if !found {
			var all []string
			for _, p := range v.entries() {
				all = append(all, v.name(p))
			}
			return fmt.Errorf("no input %q, but %q", label, all)
		}
	}
	return nil
}

// refuses tells what Slack's client would not submit, by name.
func (v *view) refuses() map[string]string {
	no := map[string]string{}
	for _, p := range v.entries() {
		said := value(v.at(p))
		least, _ := p.element["min_length"].(float64)
		most, limited := p.element["max_length"].(float64)
		switch {
		case said == "" && !truth(p.block, "optional"):
			no[v.name(p)] = "Please complete this required field."
		case said != "" && size(said) < int(least):
			no[v.name(p)] = fmt.Sprintf("This entry needs at least %d characters.", int(least))
		case limited && size(said) > int(most):
			no[v.name(p)] = fmt.Sprintf("This entry may have at most %d characters.", int(most))
		}
	}
	return no
}

// toConversations are the response_urls that a submission brings, of inputs with response_url_enabled. s.mu is held.
func (s *Server) toConversations(v *view, c *cause) []obj {
	urls := []obj{}
	for _, p := range v.entries() {
		if channel := value(v.at(p)); channel != "" && truth(p.element, "response_url_enabled") {
			s.place(channel, v.user)
			urls = append(urls, obj{
				"block_id": word(p.block, "block_id"), "action_id": word(p.element, "action_id"), "channel_id": channel,
				"response_url": s.newHook(&hook{cause: c, channel: channel}),
			})
		}
	}
	return urls
}

// react does with a modal what the answer to its submission says. s.mu is held.
func (s *Server) react(d *Delivery, body []byte) {
	v := s.find(func(v *view) bool { return v.id == d.cause.view })
	if v == nil {
		return // closed meanwhile
	}
	stack := s.modals[v.user]
	pop := func() { s.modals[v.user] = stack[:len(stack)-1] }
	if len(body) == 0 {
		pop()
		return
	}
	var says struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   obj               `json:"view"`
	}
	if err := json.Unmarshal(body, &says); err != nil {
		s.complain("the answer to a submission is not JSON: %s", body)
		d.ack.Problem = trouble
		return
	}
	switch says.Action {
	case "":
		pop()
	case "clear":
		delete(s.modals, v.user)
	case "errors":
		s.reject(d, v, says.Errors)
	case "update", "push":
		if s.checkView("response_action "+says.Action, says.View, "modal") != nil {
			d.ack.Problem = trouble
		} else if says.Action == "update" {
			s.redraw(v, says.View)
		} else if len(stack) >= maxStack {
			s.complain("response_action push: more than %d views", maxStack)
			d.ack.Problem = trouble
		} else {
			s.push(v.user, v.channel, stack, says.View)
		}
	default:
		s.complain("unknown response_action %q", says.Action)
		d.ack.Problem = trouble
	}
}

// reject shows errors beside inputs. s.mu is held.
func (s *Server) reject(d *Delivery, v *view, said map[string]string) {
	if len(said) == 0 {
		s.complain("response_action errors without errors")
		d.ack.Problem = trouble
	}
	for block, sentence := range said {
		found := false
		for _, p := range v.entries() {
			if word(p.block, "block_id") == block {
				d.errors[v.name(p)], found = sentence, true
			}
		}
		if !found || sentence == "" {
			s.complain("response_action errors: %q for %q, which must be the block_id of an input block", sentence, block)
			d.ack.Problem = trouble
		}
	}
}
