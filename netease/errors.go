package netease

import (
	"errors"
	"fmt"
	"time"
)

// An Error is an answer other than 200.
type Error struct {
	Op      Op
	Code    Code
	Desc    string        // NetEase's own words, shortened: shown as a detail, never compared
	Skew    time.Duration // NetEase's clock minus ours, by the answer's Date header; 0 when it has none
	Earlier bool          // an earlier attempt of this call may have arrived, and this code says nothing about it
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: code %d", e.Op, int(e.Code))
	if e.Desc != "" {
		s += fmt.Sprintf(" (%q)", e.Desc)
	}
	if e.Earlier {
		s += ", after an attempt without an answer"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Code }

// A CallError is a call that brought no usable answer. It is ErrNoAnswer when any attempt may have
// arrived, else ErrNotSent.
type CallError struct {
	Op   Op
	Sent bool  // some attempt may have arrived
	Last error // what the last attempt met; it holds no URL, header or body
}

func (e *CallError) Error() string { return fmt.Sprintf("%s: %v: %v", e.Op, e.kind(), e.Last) }

func (e *CallError) Unwrap() []error { return []error{e.kind(), e.Last} }

func (e *CallError) kind() error {
	if e.Sent {
		return ErrNoAnswer
	}
	return ErrNotSent
}

// An InvalidError is a value that a documented limit forbids. Nothing was sent: it is ErrNotSent.
type InvalidError struct {
	Op     Op
	Field  string // NetEase's name of it: "muteDuration"
	Reason string
}

func (e *InvalidError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Op, e.Field, e.Reason) }

func (e *InvalidError) Unwrap() error { return ErrNotSent }

// A BusyError is a call of which nothing was sent, because it would have had to wait longer than its caller can: for
// the rate, or for the rest of an interface after a 416.
type BusyError struct {
	Op   Op
	Wait time.Duration // when to try again, from now
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s: busy for another %v", e.Op, e.Wait.Round(time.Second))
}

// An Effect is what is known about the change a call was to make.
type Effect int

const (
	Applied  Effect = iota // it is in force
	Already                // it was so before
	NotDone                // nothing happened, for certain
	Doubtful               // refused, by a code that is not documented for these calls: look to be sure
	Unclear                // nobody knows: look
)

// EffectOf tells what err, the result of a call, says about its effect. An error that is not of this package is Unclear.
func EffectOf(err error) Effect {
	if err == nil {
		return Applied
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Earlier {
			return Unclear // a later attempt's refusal tells nothing about the first
		}
		return Explain(e.Code, e.Op).Effect
	}
	if errors.Is(err, ErrNoAnswer) {
		return Unclear
	}
	if errors.Is(err, ErrNotSent) {
		return NotDone
	}
	return Unclear
}
