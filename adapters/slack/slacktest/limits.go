package slacktest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of messages and views, in code points. Those of elements stand in elements.go.
//
// https://docs.slack.dev/reference/block-kit/blocks
// https://docs.slack.dev/reference/views
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxAllBlocks     = 13000 // of a message, as JSON: observed
	maxMessageText   = 40000
	maxMarkdown      = 12000 // of all markdown blocks together
	maxID            = 255
	maxTitle         = 24 // and submit and close
	maxMetadata      = 3000
)

// A checker looks for what Slack would refuse.
type checker struct {
	surface   string // "message", "modal" or "home"
	problems  []string
	blockIDs  map[string]bool
	markdown  int
	hasInput  bool
	focused   int
	actionIDs map[string]bool // of the block being checked
}

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, path+": "+fmt.Sprintf(format, args...))
}

// checkPost checks a message, complains, and returns Slack's word when it would refuse it. s.mu is held.
func (s *Server) checkPost(where string, body obj, more ...string) string {
	no, problems := checkMessage(body, more...)
	if len(problems) > 0 {
		s.complain("%s: %s: %s", where, no, strings.Join(problems, "; "))
	}
	return no
}

var messageKeys = []string{"text", "blocks", "attachments", "thread_ts", "metadata", "unfurl_links", "unfurl_media", "parse", "link_names", "mrkdwn"}

// CheckMessage tells all that Slack would refuse in a message: the body of an acknowledgement, of a post to a response_url or of chat.postMessage.
func CheckMessage(body map[string]any) []string {
	_, problems := checkMessage(clone(body), "response_type", "replace_original", "delete_original", "channel", "user", "ts")
	return problems
}

func checkMessage(body obj, more ...string) (no string, problems []string) {
	c := &checker{surface: "message"}
	c.keys("message", body, slices.Concat(messageKeys, more))
	if kind, said := body["response_type"]; said && kind != "in_channel" && kind != "ephemeral" {
		c.add("response_type", "unknown: %v", kind)
	}
	if text, said := body["text"]; said && text != nil {
		if _, ok := text.(string); !ok {
			c.add("text", "is not a string")
		}
	}
	if size(word(body, "text")) > maxMessageText {
		c.add("text", "has more than %d characters", maxMessageText)
	}
	if len(c.problems) > 0 {
		return "invalid_arguments", c.problems
	}
	blocks, isList := body["blocks"].([]any)
	if body["blocks"] != nil && !isList {
		return "invalid_blocks_format", []string{"blocks: not a list"}
	}
	if word(body, "text") == "" && len(list(body["attachments"])) == 0 {
		if len(blocks) == 0 {
			return "no_text", []string{"text: missing, and no blocks"}
		}
		c.add("text", "missing: notifications and screen readers get nothing")
	}
	c.blocks(blocks, maxMessageBlocks)
	if n := utf8.RuneCount(compact(blocks)); len(blocks) > 0 && n > maxAllBlocks {
		c.add("blocks", "%d characters of JSON, more than %d", n, maxAllBlocks)
		return "msg_blocks_too_long", c.problems
	}
	if len(c.problems) > 0 {
		return "invalid_blocks", c.problems
	}
	return "", nil
}

var viewKeys = []string{
	"type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close", "notify_on_close", "external_id", "submit_disabled",
}

// CheckView tells all that Slack would refuse in a modal or a Home tab.
func CheckView(view map[string]any) []string {
	v := clone(view)
	c := &checker{surface: word(v, "type")}
	c.keys("view", v, viewKeys)
	c.words("view", v, "private_metadata", 0, maxMetadata)
	c.words("view", v, "callback_id", 0, maxID)
	c.words("view", v, "external_id", 0, maxID)
	blocks, isList := v["blocks"].([]any)
	if !isList {
		c.add("blocks", "missing")
	}
	c.blocks(blocks, maxViewBlocks)
	switch c.surface {
	case "modal":
		c.text("title", v["title"], plain, 1, maxTitle)
		for _, key := range []string{"submit", "close"} {
			if v[key] != nil {
				c.text(key, v[key], plain, 1, maxTitle)
			}
		}
		if c.hasInput && v["submit"] == nil {
			c.add("submit", "missing, with an input block")
		}
	case "home":
		for _, key := range []string{"title", "submit", "close"} {
			if v[key] != nil {
				c.add(key, "a Home tab has none")
			}
		}
	default:
		c.add("type", "unknown: %q", c.surface)
	}
	if c.focused > 1 {
		c.add("focus_on_load", "of more than one element")
	}
	return c.problems
}

// keys complains of keys that are not among those known.
func (c *checker) keys(path string, o obj, known []string) {
	for key := range o {
		if !slices.Contains(known, key) {
			c.add(path, "unknown key %q", key)
		}
	}
	slices.Sort(c.problems)
}

// words checks a string; it may be missing when least is 0.
func (c *checker) words(path string, o obj, key string, least, most int) {
	v, said := o[key]
	s, isString := v.(string)
	switch n := size(s); {
	case !said || v == nil:
		if least > 0 {
			c.add(path, "%s is missing", key)
		}
	case !isString:
		c.add(path, "%s is not a string", key)
	case n < least || n > most:
		c.add(path, "%s has %d characters, not %d to %d", key, n, least, most)
	}
}

// number checks a number that may be missing.
func (c *checker) number(path string, o obj, key string, least, most float64) {
	if v, said := o[key]; said {
		if n, ok := v.(float64); !ok || n < least || n > most {
			c.add(path, "%s is %v, not %v to %v", key, v, least, most)
		}
	}
}

// oneOf checks a string that may be missing.
func (c *checker) oneOf(path string, o obj, key string, values ...string) {
	if v, said := o[key]; said && !slices.Contains(values, word(o, key)) {
		c.add(path, "%s is unknown: %v", key, v)
	}
}

const plain, marked = true, false

// text checks a text object.
func (c *checker) text(path string, v any, onlyPlain bool, least, most int) {
	t := object(v)
	if t == nil {
		c.add(path, "text object missing")
		return
	}
	switch word(t, "type") {
	case "plain_text":
		c.keys(path, t, []string{"type", "text", "emoji"})
	case "mrkdwn":
		c.keys(path, t, []string{"type", "text", "verbatim"})
		if onlyPlain {
			c.add(path, "must be plain_text")
		}
	default:
		c.add(path, "unknown type of text: %q", word(t, "type"))
	}
	c.words(path, t, "text", least, most)
}

func size(s string) int { return utf8.RuneCountInString(s) }
