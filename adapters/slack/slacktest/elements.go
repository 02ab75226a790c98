package slacktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of elements, in code points.
//
// https://docs.slack.dev/reference/block-kit/block-elements
// https://docs.slack.dev/reference/block-kit/composition-objects
const (
	maxText        = 3000
	maxFields      = 10
	maxField       = 2000
	maxHeader      = 150
	maxContext     = 10
	maxActions     = 25
	maxLabel       = 2000 // and hint, of an input block
	maxButton      = 75
	maxValue       = 2000
	maxURL         = 3000
	maxPlaceholder = 150
	maxOptions     = 100
	maxChoices     = 10 // of radio buttons and checkboxes
	maxOverflow    = 5
	maxOption      = 75 // its text and its description
	maxOptionValue = 75 // Slack's page says 150, others found 75
)

var choosers = []string{"static_select", "multi_static_select", "radio_buttons", "checkboxes", "overflow"}

var lists = []string{
	"users_select", "multi_users_select", "conversations_select", "multi_conversations_select", "channels_select", "multi_channels_select",
	"external_select", "multi_external_select",
}

var pickers = []string{"datepicker", "timepicker", "datetimepicker"}

var writers = []string{"plain_text_input", "number_input", "email_text_input", "url_text_input", "rich_text_input", "file_input"}

func (c *checker) blocks(all []any, most int) {
	c.blockIDs = map[string]bool{}
	if len(all) > most {
		c.add("blocks", "%d, more than %d", len(all), most)
	}
	for i, v := range all {
		path := fmt.Sprintf("blocks[%d]", i)
		b := object(v)
		if b == nil {
			c.add(path, "is no object")
			continue
		}
		c.words(path, b, "block_id", 0, maxID)
		if id := word(b, "block_id"); id != "" {
			if c.blockIDs[id] {
				c.add(path, "block_id %q is there twice", id)
			}
			c.blockIDs[id] = true
		}
		c.actionIDs = map[string]bool{}
		c.block(path, b)
	}
	if c.markdown > maxMarkdown {
		c.add("blocks", "%d characters of markdown, more than %d", c.markdown, maxMarkdown)
	}
}

func (c *checker) block(path string, b obj) {
	known := func(keys ...string) { c.keys(path, b, append(keys, "type", "block_id")) }
	elements, accessory := list(b["elements"]), slices.Concat([]string{"button", "workflow_button", "image"}, choosers, lists, pickers)
	switch kind := word(b, "type"); kind {
	case "section":
		known("text", "fields", "accessory", "expand")
		fields := list(b["fields"])
		if b["text"] != nil || len(fields) == 0 {
			c.text(path+".text", b["text"], marked, 1, maxText)
		}
		if len(fields) > maxFields {
			c.add(path, "%d fields, more than %d", len(fields), maxFields)
		}
		for i, f := range fields {
			c.text(fmt.Sprintf("%s.fields[%d]", path, i), f, marked, 1, maxField)
		}
		if b["accessory"] != nil {
			c.element(path+".accessory", b["accessory"], accessory)
		}
	case "header":
		known("text", "level")
		c.text(path+".text", b["text"], plain, 1, maxHeader)
	case "divider":
		known()
	case "context":
		known("elements")
		c.count(path, "elements", len(elements), maxContext)
		for i, e := range elements {
			if at := fmt.Sprintf("%s.elements[%d]", path, i); word(object(e), "type") == "image" {
				c.element(at, e, []string{"image"})
			} else {
				c.text(at, e, marked, 1, maxText)
			}
		}
	case "actions":
		known("elements")
		c.count(path, "elements", len(elements), maxActions)
		for i, e := range elements {
			c.element(fmt.Sprintf("%s.elements[%d]", path, i), e, slices.DeleteFunc(slices.Clone(accessory), func(s string) bool { return s == "image" }))
		}
	case "input":
		known("label", "element", "hint", "optional", "dispatch_action")
		c.hasInput = true
		c.text(path+".label", b["label"], plain, 1, maxLabel)
		if b["hint"] != nil {
			c.text(path+".hint", b["hint"], plain, 1, maxLabel)
		}
		c.element(path+".element", b["element"], slices.Concat(choosers[:4], lists, pickers, writers))
	case "image":
		known("image_url", "slack_file", "alt_text", "title")
		c.words(path, b, "alt_text", 1, maxValue)
		if b["title"] != nil {
			c.text(path+".title", b["title"], plain, 1, maxValue)
		}
	case "markdown":
		known("text")
		c.words(path, b, "text", 1, maxMarkdown)
		c.markdown += size(word(b, "text"))
	case "rich_text", "video", "file", "table", "context_actions": // whose insides are not looked at
	default:
		c.add(path, "unknown type of block: %q", kind)
	}
}

func (c *checker) count(path, what string, n, most int) {
	if n < 1 || n > most {
		c.add(path, "%d %s, not 1 to %d", n, what, most)
	}
}

func (c *checker) element(path string, v any, allowed []string) {
	e := object(v)
	kind := word(e, "type")
	if !slices.Contains(allowed, kind) {
		c.add(path, "no %q here", kind)
		return
	}
	if kind == "image" {
		c.keys(path, e, []string{"type", "image_url", "slack_file", "alt_text"})
		c.words(path, e, "alt_text", 1, maxValue)
		return
	}
	c.words(path, e, "action_id", 1, maxID)
	if id := word(e, "action_id"); id != "" && c.actionIDs[id] {
		c.add(path, "action_id %q is there twice in the block", id)
	} else {
		c.actionIDs[id] = true
	}
	if e["confirm"] != nil {
		c.confirm(path+".confirm", e["confirm"])
	}
	if e["placeholder"] != nil {
		c.text(path+".placeholder", e["placeholder"], plain, 1, maxPlaceholder)
	}
	if truth(e, "focus_on_load") {
		c.focused++
	}
	known := func(keys ...string) { c.keys(path, e, append(keys, "type", "action_id", "confirm", "focus_on_load")) }
	switch {
	case kind == "button":
		known("text", "url", "value", "style", "accessibility_label")
		c.text(path+".text", e["text"], plain, 1, maxButton)
		c.words(path, e, "value", 0, maxValue)
		c.words(path, e, "url", 0, maxURL)
		c.words(path, e, "accessibility_label", 0, maxButton)
		c.oneOf(path, e, "style", "primary", "danger")
	case kind == "plain_text_input":
		known("placeholder", "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config")
		c.number(path, e, "min_length", 0, 3000)
		c.number(path, e, "max_length", 1, 3000)
		most := 3000
		if n, ok := e["max_length"].(float64); ok {
			most = min(most, int(n))
		}
		c.words(path, e, "initial_value", 0, most)
	case slices.Contains(choosers, kind):
		known("placeholder", "options", "option_groups", "initial_option", "initial_options", "max_selected_items")
		c.choices(path, kind, e)
	case slices.Contains(lists, kind):
		if truth(e, "response_url_enabled") && c.surface != "modal" {
			c.add(path, "response_url_enabled is for modals")
		}
	}
}

func (c *checker) choices(path, kind string, e obj) {
	most, text := maxOptions, plain
	switch kind {
	case "radio_buttons", "checkboxes":
		most, text = maxChoices, marked
	case "overflow":
		most = maxOverflow
	}
	groups := list(e["option_groups"])
	if e["options"] != nil || len(groups) == 0 {
		c.count(path, "options", len(list(e["options"])), most)
	}
	if len(groups) > maxOptions || len(groups) > 0 && e["options"] != nil {
		c.add(path, "too many option_groups, or options beside them")
	}
	for i, g := range groups {
		c.text(fmt.Sprintf("%s.option_groups[%d].label", path, i), object(g)["label"], plain, 1, maxOption)
		c.count(path, "options of a group", len(list(object(g)["options"])), maxOptions)
	}
	all := options(e)
	var offered []string
	for i, o := range all {
		at := fmt.Sprintf("%s.options[%d]", path, i)
		c.keys(at, o, []string{"text", "value", "description", "url"})
		c.text(at+".text", o["text"], text, 1, maxOption)
		c.words(at, o, "value", 1, maxOptionValue)
		if o["description"] != nil {
			c.text(at+".description", o["description"], text, 1, maxOption)
		}
		offered = append(offered, string(compact(o)))
	}
	for _, first := range append(list(e["initial_options"]), e["initial_option"]) {
		if first != nil && !slices.Contains(offered, string(compact(first))) {
			c.add(path, "the initial option is not one of the options")
		}
	}
}

// options are those of a chooser, of its groups, too.
func options(e obj) []obj {
	var all []obj
	for _, o := range list(e["options"]) {
		all = append(all, object(o))
	}
	for _, g := range list(e["option_groups"]) {
		for _, o := range list(object(g)["options"]) {
			all = append(all, object(o))
		}
	}
	return all
}

func (c *checker) confirm(path string, v any) {
	o := object(v)
	c.keys(path, o, []string{"title", "text", "confirm", "deny", "style"})
	c.text(path+".title", o["title"], plain, 1, 100)
	c.text(path+".text", o["text"], marked, 1, 300)
	c.text(path+".confirm", o["confirm"], plain, 1, 30)
	c.text(path+".deny", o["deny"], plain, 1, 30)
	c.oneOf(path, o, "style", "primary", "danger")
}

// compact is JSON as short as it can be, < and > as they are.
func compact(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it came out of JSON
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

func itoa(n int) string { return strconv.Itoa(n) }
