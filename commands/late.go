package commands

import (
	"context"
	"errors"
	"time"

	"roomwarden/permissions"
)

// A Late is an answer that goes to a person after the first response to their request, perhaps from another process than the one
// that was asked.
type Late struct {
	To    ReplyTo
	By    time.Time // until when To is good
	Who   permissions.Subject
	Where string // channel id
	Reply Reply
	More  bool // the person has had an answer before: this one comes besides it, and replaces nothing

	// Report tells that nobody has asked: the bot tells everyone in the channel what it has done by itself, in a message of its own. Who is
	// who asked for that once, and To, while it is good, where they were answered.
	Report bool
}

// A Deliver gives late answers to people on one platform. It returns nil when the platform has taken the answer, ErrNowhere when it never
// will, and another error when it may be tried again. It never shows everyone what is private, and holds no address in an error. A report
// is for everyone.
type Deliver func(ctx context.Context, l Late) error

// ErrNowhere tells that there is no place left where an answer could go.
var ErrNowhere = errors.New("there is nowhere left to give the answer")
