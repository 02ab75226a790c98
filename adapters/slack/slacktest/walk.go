package slacktest

import (
	"encoding/json"
	"slices"
	"strings"
)

// parse reads JSON that must be an object; bad tells that it is not.
func parse(v any) (o obj, bad bool) {
	var body []byte
	switch v := v.(type) {
	case string:
		body = []byte(v)
	case []byte:
		body = v
	}
	err := json.Unmarshal(body, &o)
	return o, err != nil || o == nil
}

// A part is an element of a block, with the block.
type part struct {
	block, element obj
}

// parts are all elements that people may act on or fill in, in order.
func parts(blocks json.RawMessage) []part {
	var all []any
	if blocks != nil && json.Unmarshal(blocks, &all) != nil {
		return nil
	}
	var found []part
	for _, v := range all {
		b := object(v)
		for _, e := range append(list(b["elements"]), b["accessory"], b["element"]) {
			if o := object(e); word(o, "action_id") != "" {
				found = append(found, part{b, o})
			}
		}
	}
	return found
}

func buttons(blocks json.RawMessage) []Button {
	var all []Button
	for _, p := range parts(blocks) {
		if e := p.element; word(e, "type") == "button" {
			all = append(all, Button{
				Label: word(object(e["text"]), "text"), ActionID: word(e, "action_id"), Value: word(e, "value"), URL: word(e, "url"),
				Style: word(e, "style"), BlockID: word(p.block, "block_id"),
			})
		}
	}
	return all
}

// button is the action that pressing a button makes, the first one with this label, action_id or value.
func button(blocks json.RawMessage, label string) (action obj, found bool) {
	for _, p := range parts(blocks) {
		e := p.element
		names := []string{word(object(e["text"]), "text"), word(e, "action_id"), word(e, "value")}
		if word(e, "type") != "button" || !slices.Contains(names, label) {
			continue
		}
		action = obj{"type": "button", "action_id": word(e, "action_id"), "block_id": word(p.block, "block_id"), "text": e["text"]}
		for _, key := range []string{"value", "style", "url", "confirm"} { // the dialog changes nothing but that it is there
			if e[key] != nil {
				action[key] = e[key]
			}
		}
		return action, true
	}
	return nil, false
}

// words are the texts of blocks without labels of buttons and options, a line each.
func words(blocks json.RawMessage) string {
	var all []any
	if json.Unmarshal(blocks, &all) != nil {
		return ""
	}
	var lines []string
	add := func(v any) {
		if text := word(object(v), "text"); text != "" {
			lines = append(lines, text)
		}
	}
	for _, v := range all {
		b := object(v)
		if word(b, "type") == "markdown" {
			add(b)
		}
		add(b["text"])
		add(b["label"])
		for _, f := range list(b["fields"]) {
			add(f)
		}
		if word(b, "type") == "context" {
			for _, e := range list(b["elements"]) {
				add(e)
			}
		}
		add(b["hint"])
	}
	return strings.Join(lines, "\n")
}
