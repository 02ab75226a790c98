package slacktest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What a person reads when a delivery came to nothing.
const (
	TimedOut    = "operation_timeout"  // no acknowledgement in time
	Unreachable = "dispatch_failed"    // the bot cannot be reached, or has no connection
	Refused     = "http_client_error"  // HTTP 4xx
	Broken      = "http_service_error" // another HTTP status than 2xx and 4xx
	trouble     = "we had some trouble connecting"
)

// A cause is something that a person did, and all that came of it, however often it was delivered.
type cause struct {
	kind          string // "slash_commands", "interactive" or "events_api"
	user, channel string
	command       string // the line as it was typed
	shown         bool   // the line is in the channel
	view          string // of a submission
	payload       obj
	repeats       int
	answers       []Message
}

// answer records what was shown because of it. s.mu is held.
func (c *cause) answer(m Message) { c.answers = append(c.answers, m) }

// A Delivery is one payload on its way to the bot.
type Delivery struct {
	Payload     map[string]any // not to be changed
	TriggerID   string         // empty: none
	ResponseURL string         // empty: none

	s      *Server
	cause  *cause
	repeat int           // 0: the first
	same   string        // the envelope_id to use; empty: a new one
	done   chan struct{} // closed when ack is known
	ack    Ack
	errors map[string]string
}

// An Ack is what came of a delivery.
type Ack struct {
	OK          bool          // it came in time, and with HTTP 2xx
	After       time.Duration // after the (first) sending
	Status      int           // HTTP mode
	Header      http.Header   // HTTP mode
	Body        []byte        // of the response; in Socket Mode the payload of the acknowledgement, nil: none
	EnvelopeIDs []string      // Socket Mode: under which it was sent, one per sending
	Problem     string        // what the person reads, when it failed: TimedOut, Unreachable, Refused, Broken
}

// deliver sends a payload in the background. s.mu is held.
func (s *Server) deliver(c *cause, same string) *Delivery {
	d := &Delivery{
		Payload: c.payload, TriggerID: word(c.payload, "trigger_id"), ResponseURL: word(c.payload, "response_url"),
		s: s, cause: c, same: same, repeat: c.repeats, done: make(chan struct{}), errors: map[string]string{},
	}
	send := s.overSocket
	if s.botURL != "" {
		send = s.overHTTP
	}
	if s.ended {
		close(d.done)
		return d
	}
	s.work.Go(func() { send(d) })
	return d
}

// finish records what came of a delivery, and shows it.
func (d *Delivery) finish(a Ack) {
	d.s.change(func() {
		d.ack = a
		if a.OK && !d.s.ended {
			d.show()
		}
		close(d.done)
	})
}

// show does with the body of an acknowledgement what Slack does. s.mu is held.
func (d *Delivery) show() {
	body := d.ack.Body
	switch {
	case d.cause.view != "":
		d.s.react(d, body)
	case d.cause.command == "" || len(body) == 0: // of a click, a shortcut or an event Slack takes no body
	case d.ack.Header != nil && !isJSON(d.ack.Header):
		d.s.tell(d.cause, d.cause.channel, obj{"text": string(body)})
	default:
		message, bad := parse(body)
		if bad {
			var text string
			if json.Unmarshal(body, &text) == nil && text != "" {
				d.s.tell(d.cause, d.cause.channel, obj{"text": text})
				return
			}
			d.s.complain("the acknowledgement is not the JSON of a message: %.200s", body)
			return
		}
		if len(message) == 0 || len(message) == 1 && message["response_type"] != nil {
			d.s.tell(d.cause, d.cause.channel, message)
			return
		}
		if d.s.checkPost("acknowledgement", message, "response_type", "replace_original", "delete_original") == "" {
			d.s.tell(d.cause, d.cause.channel, message)
		}
	}
}

func isJSON(h http.Header) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return kind == "application/json" || strings.HasSuffix(kind, "+json")
}

// Ack waits for what comes of the delivery: an acknowledgement, or none in time.
func (d *Delivery) Ack() Ack {
	<-d.done
	return d.ack
}

// Acked waits for the acknowledgement, and tells whether it came in time and how long it took.
func (d *Delivery) Acked() (ok bool, after time.Duration) {
	a := d.Ack()
	return a.OK, a.After
}

// Errors waits for the acknowledgement and returns what stands beside the inputs of the modal then, by their labels, or by block_id where
// several have the same label: the bot's errors, or those of Slack's client, which then has sent nothing.
func (d *Delivery) Errors() map[string]string {
	<-d.done
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	all := map[string]string{}
	for label, sentence := range d.errors {
		all[label] = sentence
	}
	return all
}

// Answers are the messages shown or changed so far because of what the person did, as they were then: by acknowledgements and response_urls of this
// delivery and of its repeats. What chat.postMessage posts belongs to no delivery.
func (d *Delivery) Answers() []Message {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return append([]Message(nil), d.cause.answers...)
}

// Answer waits for the first of Answers.
func (d *Delivery) Answer(t testing.TB) Message {
	t.Helper()
	return d.AnswerNumber(t, 1)
}

// AnswerNumber waits for the nth of Answers; the first is 1.
func (d *Delivery) AnswerNumber(t testing.TB, n int) Message {
	t.Helper()
	d.s.WaitFor(t, fmt.Sprintf("answer %d to %s", n, d.cause.what()), func() bool { return len(d.Answers()) >= n })
	return d.Answers()[n-1]
}

func (c *cause) what() string {
	if c.command != "" {
		return c.command
	}
	if event := object(c.payload["event"]); event != nil {
		return word(event, "type")
	}
	return word(c.payload, "type")
}

// Again delivers the same payload once more, as Slack's retries do, with what was done in between forgotten: the same trigger_id and response_url. In
// Socket Mode same tells to keep the last envelope_id; in HTTP mode events carry X-Slack-Retry-Num.
func (d *Delivery) Again(same bool) *Delivery {
	<-d.done
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.cause.repeats++
	id := ""
	if same && len(d.ack.EnvelopeIDs) > 0 {
		id = d.ack.EnvelopeIDs[len(d.ack.EnvelopeIDs)-1]
	}
	return d.s.deliver(d.cause, id)
}
