package slack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// root is the command that takes every line as its text: "/nim mute 123 lisi 5m" is "/mute 123 lisi 5m".
const root = "nim"

var (
	errIncomplete = errors.New("team_id, user_id or command is missing")
	errNotJSON    = errors.New("the payload is not the JSON expected") // the error of encoding/json quotes it
)

// request translates a verified command. The form's fields:
// https://docs.slack.dev/interactivity/implementing-slash-commands#app_command_handling
//
// delivery stands for the request where it has no trigger id.
func (a *Adapter) request(form url.Values, delivery string, at time.Time) (commands.Request, error) {
	field := func(name string) string { return strings.ToValidUTF8(form.Get(name), "\uFFFD") }
	req := commands.Request{
		Key: "slack:" + cmp.Or(field("trigger_id"), delivery),
		Who: permissions.Subject{
			Platform: permissions.Slack,
			Org:      field("enterprise_id"),
			Space:    field("team_id"),
			User:     field("user_id"),
			Name:     field("user_name"),
		},
		Where:   field("channel_id"),
		Line:    line(field("command"), a.CommandPrefix, typed(field("text"))),
		At:      at,
		ReplyTo: commands.ReplyTo(field("response_url")),
	}
	if req.Who.Space == "" || req.Who.User == "" || field("command") == "" {
		return commands.Request{}, errIncomplete
	}
	if _, ok := trusted(string(req.ReplyTo), a.APIURL); ok {
		req.ReplyBy = at.Add(replyTime)
	} else {
		req.ReplyTo = ""
	}
	return req, nil
}

// fields are a command's fields as Socket Mode brings them: JSON in the place of a form, and not all of them strings.
func fields(payload []byte) (url.Values, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, errNotJSON
	}
	form := make(url.Values, len(all))
	for name, raw := range all {
		var value string
		if json.Unmarshal(raw, &value) == nil {
			form.Set(name, value)
		}
	}
	return form, nil
}

// fingerprint stands for one signed request. It is a hash because a signature is good for five minutes.
func fingerprint(header http.Header) string {
	sum := sha256.Sum256([]byte(strings.ToLower(header.Get("X-Slack-Signature"))))
	return hex.EncodeToString(sum[:])
}

// line is what would have been typed on a line of its own: the command's name, without slash and prefix, and the
// text; for the root command the text alone, which is "help" when there is none.
func line(command, prefix, text string) string {
	name := strings.TrimPrefix(command, "/")
	if own := strings.TrimPrefix(name, prefix); own != "" && name != root {
		name = own
	}
	text = strings.TrimSpace(text)
	switch {
	case name != root:
		return strings.TrimSpace(name + " " + text)
	case text == "":
		return "help"
	default:
		return text
	}
}

// word is the first word of a line, short enough for a log.
func word(line string) string {
	first, _, _ := strings.Cut(line, " ")
	return cut(clean(first), 32)
}

// Slack's markup for what it made a link of, with or without the text it stands under.
//
// https://docs.slack.dev/messaging/formatting-message-text#retrieving-messages
var link = regexp.MustCompile(`(?i)<([a-z][a-z0-9+.-]*:[^<>|]*)(?:\|([^<>|]*))?>`)

var decode = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// typed is a command's text as its author typed it: what Slack made a link of is unwrapped, and entities are
// decoded, each once. Mentions (<@U…|name>, <#C…|name>, <!subteam^…>) stay as they are, for the grammar to answer.
//
// Links go first: angle brackets that come out of entities were typed, and are markup for nobody. So a typed
// "<https://x|y>" keeps all its parts. A typed "<@U1>" reads like a mention afterwards, which grants nothing: no mention
// is ever taken for an account.
func typed(text string) string {
	unwrapped := link.ReplaceAllStringFunc(text, func(found string) string {
		parts := link.FindStringSubmatch(found)
		if label := parts[2]; label != "" {
			return label
		}
		return strings.TrimPrefix(parts[1], "mailto:")
	})
	return decode.Replace(unwrapped)
}
