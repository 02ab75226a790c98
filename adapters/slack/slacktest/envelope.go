package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxRepeats is how often Slack sends again what is not acknowledged.
const maxRepeats = 3

// hear takes an acknowledgement, on whatever connection it comes. s.mu is held.
func (s *Server) hear(said []byte) {
	var ack struct {
		ID      string          `json:"envelope_id"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(said, &ack); err != nil || ack.ID == "" {
		s.complain("the app said what is no acknowledgement: %.200s", said)
		return
	}
	body := []byte(ack.Payload)
	if string(body) == "null" {
		body = nil
	}
	if s.heard[ack.ID] == nil {
		s.heard[ack.ID] = append([]byte{}, body...)
	}
	if waiting := s.pending[ack.ID]; waiting != nil {
		select {
		case waiting <- body:
		default: // the second one counts for nothing
		}
	}
	s.touch()
}

// AckOf is the payload of the acknowledgement of an envelope, on time or not, empty when it had none; false: there was no acknowledgement.
func (s *Server) AckOf(envelopeID string) (payload []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	payload, ok = s.heard[envelopeID]
	return payload, ok
}

// pick chooses a connection, another than the last one if it can; nil: there is none. s.mu is held.
func (s *Server) pick(last *line) *line {
	live := slices.DeleteFunc(slices.Clone(s.lines), func(l *line) bool { return l.ending })
	if others := slices.DeleteFunc(slices.Clone(live), func(l *line) bool { return l == last }); len(others) > 0 {
		live = others
	}
	if len(live) == 0 {
		return nil
	}
	if s.rand != nil {
		return live[s.rand.IntN(len(live))]
	}
	s.turn++
	return live[s.turn%len(live)]
}

// await is pick, waiting for a connection when something is sent again.
func (s *Server) await(last *line, again bool) *line {
	late := time.NewTimer(s.o.AckTime)
	defer late.Stop()
	for {
		s.mu.Lock()
		l, changed := s.pick(last), s.changed
		s.mu.Unlock()
		if l != nil || !again {
			return l
		}
		select {
		case <-changed:
		case <-late.C:
			return nil
		case <-s.over:
			return nil
		}
	}
}

// overSocket delivers in an envelope to one connection, and again to another when that one dies before the acknowledgement, and with
// Options.Redeliver when none comes in time.
func (s *Server) overSocket(d *Delivery) {
	var a Ack
	heard := make(chan []byte, 1)
	began := time.Now()
	id, reason := d.same, ""
	if d.repeat > 0 {
		reason = "timeout"
	}
	var last *line
	for attempt := range maxRepeats + 1 {
		l := s.await(last, attempt > 0)
		if l == nil {
			a.Problem = Unreachable
			break
		}
		last = l
		s.mu.Lock()
		if id == "" || attempt > 0 && s.o.NewEnvelopes {
			id = fmt.Sprintf("%08x-0000-4000-8000-%012x", s.next(), s.next())
		}
		s.pending[id] = heard
		muted := l.muted
		s.mu.Unlock()
		a.EnvelopeIDs = append(a.EnvelopeIDs, id)
		if !muted {
			_ = l.say(d.envelope(id, attempt, reason))
		}
		body, why := s.wait(l, heard)
		if a.After = time.Since(began); why == "" {
			a.OK, a.Body, a.Problem = true, body, ""
			break
		}
		a.Problem, reason = TimedOut, why
		if why == "timeout" && !s.o.Redeliver || why == "over" {
			break
		}
	}
	s.change(func() {
		for _, id := range a.EnvelopeIDs {
			delete(s.pending, id)
		}
	})
	d.finish(a)
}

// wait returns the payload of the acknowledgement, or why there is none.
func (s *Server) wait(l *line, heard <-chan []byte) (body []byte, why string) {
	late := time.NewTimer(s.o.AckTime)
	defer late.Stop()
	select {
	case body = <-heard:
		return body, ""
	case <-l.gone:
		why = "connection_failed"
	case <-late.C:
		why = "timeout"
	case <-s.over:
		return nil, "over"
	}
	select { // it came at the last moment
	case body = <-heard:
		return body, ""
	default:
		return nil, why
	}
}

func (d *Delivery) envelope(id string, attempt int, reason string) obj {
	kind := word(d.cause.payload, "type")
	e := obj{
		"envelope_id": id, "type": d.cause.kind, "payload": d.cause.payload,
		"accepts_response_payload": d.cause.command != "" || strings.HasPrefix(kind, "view_sub"),
	}
	if n := attempt + d.repeat; n > 0 || d.cause.kind == "events_api" {
		e["retry_attempt"], e["retry_reason"] = n, reason
	}
	return e
}
