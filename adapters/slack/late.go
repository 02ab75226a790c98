package slack

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"roomwarden/commands"
)

// replyTime is how long an answer may go to a response_url: Slack takes it for 30 minutes, by its own clock.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
const replyTime = 30*time.Minute - 30*time.Second

// How an answer was given, for the log.
const (
	inFirst   = "in time"
	afterward = "late"
	byAnother = "by its first delivery"
	notAtAll  = "not at all"
)

// answered tells the journal what became of an answer.
func (a *Adapter) answered(r commands.Reply, how string) {
	if a.Answered == nil || r.Number == 0 || r.Repeat {
		return
	}
	a.guarded(func() { a.Answered(r.Number, how == inFirst || how == afterward) })
}

// Deliver gives a late answer (a commands.Deliver): to the response_url while that is good, and otherwise as a message
// that only the person sees, in the channel where they asked; a report as a message that everyone there sees. It tries each once, within a
// few seconds.
//
// Slack takes messages for the channels that the bot is in, and keeps those for one person for nobody who is away.
func (a *Adapter) Deliver(ctx context.Context, l commands.Late) error {
	err := a.deliver(ctx, l)
	if errors.Is(err, commands.ErrNowhere) {
		a.notThrough(l.Reply, err, time.Now())
	}
	return err
}

func (a *Adapter) deliver(ctx context.Context, l commands.Late) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.Log.Error("slack: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("draw the answer: %w", commands.ErrNowhere)
		}
	}()
	m := draw(l.Reply)
	// What nobody has asked for, and what comes besides an earlier answer, takes the place of nothing; but a card that everyone sees shows what is true.
	if c, _ := cardOf(l.To); l.Report || l.More && (c.private || !l.Reply.Public) {
		l.To = commands.ReplyTo(c.address)
	}
	if l.To != "" && time.Now().Before(l.By) {
		err := a.give(ctx, l.To, l.Where, l.Who, l.Reply, a.attempt)
		if err == nil || !isOver(err) {
			return err
		}
		a.Log.Info("slack: the way of an answer is closed", "number", l.Reply.Number, "error", err)
	}
	if l.Report {
		return a.publicly(ctx, l.Where, m)
	}
	return a.privately(ctx, l.Where, l.Who.User, m)
}
