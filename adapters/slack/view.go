package slack

import (
	"context"
	"encoding/json"
	"fmt"
)

// Limits of views, in code points.
//
// https://docs.slack.dev/reference/views
// https://docs.slack.dev/reference/block-kit/blocks/input-block
// https://docs.slack.dev/reference/block-kit/composition-objects/option-object
const (
	maxTitle  = 24   // of a modal, and of its two buttons
	maxHeader = 150  // of a header's text
	maxInput  = 2000 // of an input's label and hint; shorter ones read better
	maxOption = 75   // of an option's text and value
	maxChoice = 100  // options of one menu
)

// A view is a modal or a Home tab.
type view struct {
	Type       string     `json:"type"` // "modal", "home"
	Title      *plainText `json:"title,omitempty"`
	Submit     *plainText `json:"submit,omitempty"`
	Close      *plainText `json:"close,omitempty"`
	CallbackID string     `json:"callback_id,omitempty"`
	Private    string     `json:"private_metadata,omitempty"`
	Blocks     []any      `json:"blocks"` // block, header or input
}

// A header is a title within a view.
type header struct {
	Type string     `json:"type"` // "header"
	Text *plainText `json:"text"`
}

func headline(s string) header { return header{"header", plainOf(s, maxHeader)} }

// An input is a field of a form.
type input struct {
	Type     string     `json:"type"` // "input"
	BlockID  string     `json:"block_id"`
	Label    *plainText `json:"label"`
	Hint     *plainText `json:"hint,omitempty"`
	Optional bool       `json:"optional"`
	Element  field      `json:"element"`
}

// A field is what is filled in, or chosen from.
type field struct {
	Type      string   `json:"type"`      // "plain_text_input", "static_select", "checkboxes", "conversations_select"
	ActionID  string   `json:"action_id"` // fieldAction
	Multiline bool     `json:"multiline,omitempty"`
	MaxLength int      `json:"max_length,omitempty"`
	Options   []option `json:"options,omitempty"`
	Selected  *option  `json:"initial_option,omitempty"`
	Chosen    []option `json:"initial_options,omitempty"`

	Current     bool    `json:"default_to_current_conversation,omitempty"`
	ResponseURL bool    `json:"response_url_enabled,omitempty"`
	Filter      *filter `json:"filter,omitempty"`
}

type filter struct {
	Include []string `json:"include"`
}

type option struct {
	Text  *plainText `json:"text"`
	Value string     `json:"value"`
}

const fieldAction = "value"

// An openedView is a view that Slack shows.
type openedView struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
}

// showView calls a method that shows a view: views.open, views.update or views.publish.
func (a *Adapter) showView(ctx context.Context, method string, arguments any) (openedView, error) {
	said, err := a.call(ctx, method, arguments)
	if err != nil {
		return openedView{}, err
	}
	var answer struct {
		View openedView `json:"view"`
	}
	if err := json.Unmarshal(said, &answer); err != nil {
		return openedView{}, fmt.Errorf("%s: %w", method, errNotSlack)
	}
	return answer.View, nil
}
