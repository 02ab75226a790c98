package slack

import (
	"context"
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

// late posts the answer to where late answers go, and tells how that went.
func (a *Adapter) late(life context.Context, req commands.Request, late answer) (how string) {
	if late.reply.Repeat {
		return byAnother
	}
	how = notAtAll
	a.guarded(func() answer {
		if err := a.post(life, req.ReplyTo, late.message); err != nil {
			a.Log.Warn("slack: late answer not delivered", "number", late.reply.Number, "error", err)
		} else {
			how = afterward
		}
		return answer{}
	})
	if how == afterward {
		a.count(commands.FinalAnswer, req.At)
	} else {
		a.count(commands.Undelivered, req.At)
	}
	return how
}

// answered tells the journal what became of an answer.
func (a *Adapter) answered(r commands.Reply, how string) {
	if a.Answered == nil || r.Number == 0 || r.Repeat {
		return
	}
	a.guarded(func() answer {
		a.Answered(r.Number, how == inFirst || how == afterward)
		return answer{}
	})
}

// Deliver gives a late answer (a commands.Deliver): to the response_url while that is good, and otherwise as a message
// that only the person sees, in the channel where they asked; a report as a message that everyone there sees. It tries each once, within a
// few seconds.
//
// Slack takes messages for the channels that the bot is in, and keeps those for one person for nobody who is away.
func (a *Adapter) Deliver(ctx context.Context, l commands.Late) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.Log.Error("slack: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("draw the answer: %w", commands.ErrNowhere)
		}
	}()
	m := draw(l.Reply)
	if l.Report { // it takes the place of nothing
		c, _ := cardOf(l.To)
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
