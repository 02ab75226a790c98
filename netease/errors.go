package netease

import (
	"fmt"
	"time"
)

// An Error is an answer other than 200.
type Error struct {
	Op      Op
	Code    Code
	Desc    string        // NetEase's own words, shortened: shown as a detail, never compared
	Skew    time.Duration // NetEase's clock minus ours, by the answer's Date header; 0 when it has none
	Earlier bool          // an earlier attempt, of this call or of an earlier process, may have arrived, and this code says nothing about it
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
	Sent bool  // some attempt may have arrived, of this call or, where it is Repeated, of an earlier process
	Last error // what the last attempt met; it holds no URL, header or body
}

func (e *CallError) Error() string { return fmt.Sprintf("%s: %v: %v", e.Op, kind(e.Sent), e.Last) }

func (e *CallError) Unwrap() []error { return []error{kind(e.Sent), e.Last} }

// kind is what a call without an answer is.
func kind(sent bool) error {
	if sent {
		return ErrNoAnswer
	}
	return ErrNotSent
}

// An InvalidError is a value that a documented limit forbids. This call has sent nothing: it is ErrNotSent.
type InvalidError struct {
	Op     Op
	Field  string // NetEase's name of it: "muteDuration"
	Reason string

	Earlier bool // an earlier process may have sent the same request: it is ErrNoAnswer then
}

func (e *InvalidError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Op, e.Field, e.Reason) }

func (e *InvalidError) Unwrap() error { return kind(e.Earlier) }

// A BusyError is an attempt that was not made, because it would have had to wait longer than its caller can: for
// the rate, or for the rest of an interface after a 416. It comes in a CallError, which tells whether anything was sent before.
type BusyError struct {
	Op   Op
	Wait time.Duration // when to try again, from now, at the earliest
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s: busy for another %v", e.Op, e.Wait.Round(time.Second))
}
