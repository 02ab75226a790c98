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
}

// A Deliver gives late answers to people on one platform. It returns nil when the platform has taken the answer, ErrNowhere when it never
// will, and another error when it may be tried again. It never shows everyone what is private, and holds no address in an error.
type Deliver func(ctx context.Context, l Late) error

// ErrNowhere tells that there is no place left where an answer could go.
var ErrNowhere = errors.New("there is nowhere left to give the answer")
