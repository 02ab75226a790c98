package commands

import (
	"time"

	"roomwarden/journal"
	"roomwarden/permissions"
)

// An Observation is a request that was handled: cmd/bot makes metrics of it.
type Observation struct {
	Platform permissions.Platform
	Command  string // empty: the line was not understood
	Outcome  journal.Outcome
}

// An Event is something an adapter counts: cmd/bot makes metrics of it.
type Event struct {
	Platform permissions.Platform
	Kind     EventKind
	Took     time.Duration // of FirstAnswer, FinalAnswer and Undelivered: from receipt
}

// An EventKind is what happened.
type EventKind int

const (
	Signed      EventKind = iota + 1 // a request came that the platform had signed
	Unsigned                         // one came that it had not signed, or not now
	FirstAnswer                      // the platform's first response was ready: an answer or an acknowledgement
	FinalAnswer                      // the answer itself was given: in the first response, or delivered after it
	Undelivered                      // an answer that came late could not be delivered
)
