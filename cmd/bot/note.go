package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"roomwarden/journal"
)

// botPlatform is the platform of what the bot notes of itself.
const botPlatform = "bot"

// A note is something that the bot did of itself, on its way into the journal: an entry without a person, whose answer nobody waits for. It remembers how
// far it has come, so that a call that did not work can be repeated.
type note struct {
	Command string // "reload", "prune"
	Line    string
	Outcome journal.Outcome
	Text    string

	begun time.Time
	hand  journal.Hand // zero: not begun yet
	ended bool
}

// begin writes down that it begins.
func (n *note) begin(ctx context.Context, store journal.Store) error {
	now := time.Now()
	begun, err := bounded(ctx, func(ctx context.Context) (journal.Begun, error) {
		return store.Begin(ctx, journal.Entry{Key: "bot:" + n.Command + ":" + uuid.NewString(), At: now, Platform: botPlatform, Line: n.Line, Effect: n.Line, Command: n.Command})
	})
	if err != nil {
		return fmt.Errorf("note %s: %w", n.Command, err)
	}
	n.begun, n.hand = now, begun.Hand()
	return nil
}

// write writes what is not written yet. After an error it can be called again.
func (n *note) write(ctx context.Context, store journal.Store) error {
	if n.hand.Number == 0 {
		if err := n.begin(ctx, store); err != nil {
			return err
		}
	}
	if !n.ended {
		result := journal.Result{Outcome: n.Outcome, Text: n.Text, Duration: time.Since(n.begun)}
		if err := n.step(ctx, func(ctx context.Context) error { return store.Finish(ctx, n.hand, result) }); err != nil {
			return err
		}
		n.ended = true
	}
	return n.step(ctx, func(ctx context.Context) error { return store.Answered(ctx, n.hand, journal.Delivered) })
}

// step makes a call. That the entry has gone that far already, or is in another process's hand now, is all right.
func (n *note) step(ctx context.Context, call func(context.Context) error) error {
	_, err := bounded(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, call(ctx) })
	if err == nil || errors.Is(err, journal.ErrNotRunning) || errors.Is(err, journal.ErrNotMine) {
		return nil
	}
	return fmt.Errorf("note %s (#%d): %w", n.Command, n.hand.Number, err)
}
