package discordtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Why a delivery came to nothing.
const (
	TimedOut    = "no answer in time"
	Unreachable = "the bot cannot be reached, or has no session"
	Refused     = "HTTP status other than 200 and 202"
	Nonsense    = "an answer that Discord refuses"
	Unsent      = "Discord's client sends nothing"
)

// A Delivery is one interaction on its way to the bot.
type Delivery struct {
	Payload   map[string]any // not to be changed
	ID, Token string         // of the interaction

	s      *Server
	i      *interaction
	done   chan struct{} // closed when ack is known
	ack    Ack
	errors map[string]string
}

// An Ack is what came of a delivery.
type Ack struct {
	Type     int             // of the interaction's first answer: Reply, Thinking …; 0: there was none in time
	Private  bool            // it said that the person alone is to see it
	Data     json.RawMessage // of it
	After    time.Duration   // the first delivery
	Callback bool            // it came by the callback, not in an HTTP response
	Problem  string          // why there was none: TimedOut, Unreachable, Refused, Nonsense, Unsent

	Status int         // of the HTTP response to this delivery
	Header http.Header // likewise
	Body   []byte      // likewise
}

// deliver sends an interaction in the background. s.mu is held.
func (s *Server) deliver(i *interaction) *Delivery {
	d := &Delivery{Payload: i.payload, ID: i.id, Token: i.token, s: s, i: i, done: make(chan struct{})}
	if s.ended {
		close(d.done)
		return d
	}
	way := d.overGateway
	if s.botURL != "" {
		way = d.overHTTP
	}
	i.sent++
	s.work.Go(func() { d.finish(way()) })
	return d
}

// finish records what came of a delivery.
func (d *Delivery) finish(a Ack) {
	d.s.change(func() {
		if f := d.i.first; f != nil {
			a.Type, a.After, a.Callback, a.Problem = f.kind, f.after, f.callback, ""
			a.Private, a.Data = number(f.data, "flags")&flagEphemeral != 0, raw(f.data)
		} else {
			d.i.void = true // the person has been told
		}
		d.ack = a
		close(d.done)
	})
}

// await waits for the first answer, and returns why there is none.
func (d *Delivery) await() string {
	for {
		d.s.mu.Lock()
		changed, answered := d.s.changed, d.i.first != nil
		void, left := d.s.expire(d.i), d.s.o.AnswerTime-d.s.now().Sub(d.i.made)
		d.s.mu.Unlock()
		switch {
		case answered:
			return ""
		case void:
			return TimedOut
		}
		late := time.NewTimer(left)
		select {
		case <-changed:
		case <-late.C: // also when Options.Now stands
			d.s.change(func() { d.i.void = d.i.first == nil })
		case <-d.s.over:
			late.Stop()
			return TimedOut
		}
		late.Stop()
	}
}

// Ack waits for what comes of the delivery: a first answer, or none in time.
func (d *Delivery) Ack() Ack {
	<-d.done
	return d.ack
}

// Failed waits for the first answer and tells whether the person reads that the bot did not respond, or, 15 minutes later, still that it is thinking.
func (d *Delivery) Failed() bool {
	<-d.done
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	p := d.i.original
	return d.i.first == nil || p != nil && p.loading() && !p.deleted && d.s.now().Sub(d.i.made) >= tokenLife
}

// Errors are what stands beside the inputs of the modal, by label, when Discord's client has not sent it.
func (d *Delivery) Errors() map[string]string { return maps.Clone(d.errors) }

// Answers are the messages shown or changed so far because of what the person did, as they were then, without “thinking…”. What the bot posts in
// channels belongs to no delivery.
func (d *Delivery) Answers() []Message {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return slices.Clone(d.i.answers)
}

// Answer waits for the first of Answers.
func (d *Delivery) Answer(t testing.TB) Message {
	t.Helper()
	return d.AnswerNumber(t, 1)
}

// AnswerNumber waits for the nth of Answers; the first is 1.
func (d *Delivery) AnswerNumber(t testing.TB, n int) Message {
	t.Helper()
	d.waitFor(t, fmt.Sprintf("answer %d to %s", n, d.i.what), func() bool { return len(d.Answers()) >= n })
	return d.Answers()[n-1]
}

// Original is the message of the first answer as it is now, for an update or a click that was noted the one that was clicked on; false: there is none.
func (d *Delivery) Original() (Message, bool) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.i.original == nil {
		return Message{}, false
	}
	return d.s.shown(d.i.original), true
}

// Modal waits for the modal that the bot asks with. Submit fills it in.
func (d *Delivery) Modal(t testing.TB) Modal {
	t.Helper()
	if a := d.Ack(); a.Type != Ask {
		t.Fatalf("discord: %s: no modal, but a first answer of type %d (%s)", d.i.what, a.Type, a.Problem)
	}
	return *d.i.opened
}

// Choices waits for what Autocomplete offers.
func (d *Delivery) Choices(t testing.TB) []Choice {
	t.Helper()
	if a := d.Ack(); a.Type != Suggest {
		t.Fatalf("discord: %s: nothing to choose from, but a first answer of type %d (%s)", d.i.what, a.Type, a.Problem)
	}
	return d.i.choices
}

// waitFor is WaitFor that ends the test as soon as it is clear that there will be no answer.
func (d *Delivery) waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	failed := ""
	d.s.WaitFor(t, what, func() bool {
		select {
		case <-d.done:
			failed = d.ack.Problem
		default:
		}
		return is() || failed != ""
	})
	if !is() {
		t.Fatalf("discord: no %s: %s (HTTP %d)", what, failed, d.ack.Status)
	}
}

// Again delivers the same interaction once more, with the same id and token.
func (d *Delivery) Again() *Delivery {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.s.deliver(d.i)
}
