package commands

import (
	"context"
	"log/slog"
	"time"

	"roomwarden/permissions"
)

// A Request is one line somebody typed, as an adapter hands it in. The adapter has verified who sent it;
// nothing below asks a platform anything.
type Request struct {
	Key     string              // the platform's delivery id, "slack:<trigger id>"; the same key acts once
	Who     permissions.Subject // who typed it
	Where   string              // channel id, for the journal
	Line    string              // "mute room=123 target=lisi 300s", a leading slash or "nim" allowed
	Locale  string              // the person's language as the platform tells it, "zh-CN"; empty: the default
	At      time.Time           // when it was received
	ReplyTo ReplyTo             // where a late answer can still go
	ReplyBy time.Time           // until when; zero: there is no such place

	// Accepted, when set, is called at most once: when the request is written down as number, before it is judged, or is found to be written
	// down already. Until then nothing may be promised to the person. Of several deliveries at once that one process gets only the first one is told,
	// and the adapter tells the others. It must not block.
	Accepted func(number int64)

	// Allowed, when set, is called at most once: when the person is allowed and before NetEase is asked. public tells whether a success
	// will be for everyone in the channel. A platform whose first answer fixes that for good waits for it; without a call, what is
	// acknowledged is private. It must not block.
	Allowed func(public bool)
}

// A ReplyTo is an address for a late answer. It is opaque to all but its adapter, secret, and expires;
// it prints as "redacted" in texts and logs.
type ReplyTo string

func (r ReplyTo) String() string {
	if r == "" {
		return ""
	}
	return "redacted"
}

// GoString keeps the address out of %#v.
func (r ReplyTo) GoString() string { return r.String() }

// LogValue keeps the address out of logs.
func (r ReplyTo) LogValue() slog.Value { return slog.StringValue(r.String()) }

// A Handler answers one request. It never panics, and returns when the answer is known or ctx ends;
// every path ends in a Reply. Dispatcher.Handle is the one in use.
type Handler func(ctx context.Context, req Request) Reply
