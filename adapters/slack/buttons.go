package slack

import (
	"encoding/json"
	"strconv"
	"strings"

	"roomwarden/commands"
)

// Limits of buttons, in code points.
//
// https://docs.slack.dev/reference/block-kit/blocks/actions-block
// https://docs.slack.dev/reference/block-kit/block-elements/button-element
const (
	maxButtons     = 25   // in one block of actions
	maxButtonLabel = 75   // of a button
	maxButtonValue = 2000 // of what it carries
)

// actionPrefix begins the action_id of every button that carries a line; the rest makes it unique in its block.
const actionPrefix = "line-"

// An element is a piece of a context, or a button among actions.
type element struct {
	note   text
	button *button // nil: a note
}

// A button carries a line: pressing it is typing it.
type button struct {
	Type     string    `json:"type"` // "button"
	Text     plainText `json:"text"`
	ActionID string    `json:"action_id"`
	Value    string    `json:"value"`
	Style    string    `json:"style,omitempty"` // "primary"; empty: plain
}

// A plainText has no markup.
type plainText struct {
	Type string `json:"type"` // "plain_text"
	Text string `json:"text"`
}

func (e element) MarshalJSON() ([]byte, error) {
	if e.button != nil {
		return encode(e.button)
	}
	return encode(e.note)
}

func (e *element) UnmarshalJSON(b []byte) error {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		return err
	}
	if kind.Type == "button" {
		e.button = new(button)
		return json.Unmarshal(b, e.button)
	}
	return json.Unmarshal(b, &e.note)
}

// noMarks takes what markup begins and ends with out of a label, though plain text has none.
var noMarks = strings.NewReplacer("<", "‹", ">", "›")

// label is text without markup, in one line of so many code points at most.
func label(s string, most int) string { return cut(noMarks.Replace(oneLine(s)), most) }

func plainOf(s string, most int) *plainText { return &plainText{"plain_text", label(s, most)} }

// buttons are the choices as buttons, and those that no button can carry. Where the bot asks, the first one stands out.
func buttons(all []commands.Choice, asks bool) (block, []commands.Choice) {
	b := block{Type: "actions"}
	var rest []commands.Choice
	for i, c := range all {
		label := label(c.Label, maxButtonLabel)
		if len(b.Elements) == maxButtons || label == "" || c.Line == "" || size(c.Line) > maxButtonValue {
			rest = append(rest, c)
			continue
		}
		made := &button{Type: "button", Text: plainText{"plain_text", label}, ActionID: actionPrefix + strconv.Itoa(i), Value: c.Line}
		if asks && i == 0 {
			made.Style = "primary"
		}
		b.Elements = append(b.Elements, element{button: made})
	}
	return b, rest
}
