package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

const (
	// lateTime is how long after its receipt a command can be answered. An interaction's token is good for 15 minutes by Discord's clock;
	// what this machine's clock says of the interaction's creation is not relied on, so a minute is left for the way.
	//
	// https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
	lateTime = 14 * time.Minute
	// underWay is how long after the receipt the first answer may still be on its way to Discord.
	underWay = 5 * time.Second
)

// late tells the answer after the acknowledgement, or to a press, and returns how that went. What the command's first delivery tells, it tells for the
// repeated ones, too: they have one token, and whichever Discord heeded is the one that is edited.
func (a *Adapter) late(life context.Context, req commands.Request, late answer, on card, command *command, log *slog.Logger) (how string) {
	if late.reply.Repeat {
		return "by its first delivery"
	}
	delivered := false
	a.guarded(func() {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(life), req.ReplyBy)
		defer cancel()
		forget := context.AfterFunc(life, func() { time.AfterFunc(lastWords, cancel) })
		defer forget()
		command.wait(ctx)
		tell := func() error { return a.tell(ctx, req.ReplyTo, late, command.acknowledge().public) }
		if on.pressed || command.elsewhere.Load() { // something else may stand there by now
			working := command.quiet() // the answer is the last that people read
			tell = func() error {
				return a.deliver(ctx, commands.Late{To: req.ReplyTo, By: req.ReplyBy, Who: req.Who, Where: req.Where, Reply: late.reply}, working)
			}
		}
		if err := tell(); err != nil {
			log.Warn("discord: late answer not delivered", "number", late.reply.Number, "error", err)
		} else {
			delivered = true
		}
	})
	a.answered(late.reply.Number, delivered)
	if !delivered {
		a.observe(commands.Undelivered, time.Since(req.At))
		return "not at all"
	}
	a.observe(commands.FinalAnswer, time.Since(req.At))
	return "late"
}

// tell puts the answer in the place of the acknowledgement, which public says everyone sees or the person alone. That cannot be changed any
// more. So an answer for the person alone is posted after the public acknowledgement was deleted, and not before: Discord takes the
// first post for an edit while "thinking…" still stands. An answer for everyone is edited into the private one, which is when the person has
// it, and posted besides, once.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
func (a *Adapter) tell(ctx context.Context, to commands.ReplyTo, late answer, public bool) error {
	if public && !late.reply.Public {
		if err := a.Client.remove(ctx, to); err != nil {
			// It stays, so it must say something else before anything private is posted.
			neutral := drawn(commands.Reply{Tone: commands.Info, Language: late.reply.Language, Text: commands.Prose{{Text: privately.In(late.reply.Language)}}})
			if err := a.Client.edit(ctx, to, neutral.message); err != nil && !isGone(err) {
				return err
			}
		}
		return a.post(ctx, to, late)
	}
	err := a.Client.edit(ctx, to, late.message)
	switch {
	case hasNoPlace(err):
		return a.post(ctx, to, late)
	case err == nil && public != late.reply.Public:
		a.postAlso(ctx, to, late)
	}
	return err
}

// post gives an answer besides the first one. Everyone is told once at most: where that may have worked or not, the person
// is told alone.
func (a *Adapter) post(ctx context.Context, to commands.ReplyTo, late answer) error {
	_, err := a.Client.followUp(ctx, to, late.message)
	if late.reply.Public && mayHaveArrived(err) {
		late.message.Flags |= discordgo.MessageFlagsEphemeral
		_, err = a.Client.followUp(ctx, to, late.message)
	}
	return err
}

var errPanic = errors.New("a panic, see the log")

// Deliver is a commands.Deliver. It asks Discord first how the interaction stands, so it may be called by any process, and again when nobody
// knows whether it worked: an answer that is in its place is not given again. One that is posted besides, or because its place was removed,
// cannot be looked for, and such a second call posts it twice.
func (a *Adapter) Deliver(ctx context.Context, l commands.Late) error {
	if l.Report {
		return a.report(ctx, l)
	}
	if !isReplyTo.MatchString(string(l.To)) || !time.Now().Before(l.By) {
		return commands.ErrNowhere
	}
	ctx, cancel := context.WithDeadline(ctx, l.By)
	defer cancel()
	err := errPanic
	a.guarded(func() { err = a.deliver(ctx, l, "") })
	switch {
	case err == nil:
		return nil
	case isOver(err, l.By.Add(-lateTime)):
		return fmt.Errorf("%w: %w", commands.ErrNowhere, err)
	}
	return fmt.Errorf("discord: late answer: %w", err)
}

// report posts a message in the channel; where the bot may not, besides the answer that was given there, while that can be done.
func (a *Adapter) report(ctx context.Context, l commands.Late) error {
	err := errPanic
	a.guarded(func() {
		m := drawn(l.Reply).message
		m.Flags &^= discordgo.MessageFlagsEphemeral
		if err = a.Client.announce(ctx, l.Where, fmt.Sprint("report-", l.Reply.Number), m); err == nil || !isNotForUs(err) {
			return
		}
		if !isReplyTo.MatchString(string(l.To)) || !time.Now().Before(l.By) {
			err = fmt.Errorf("%w: %w", commands.ErrNowhere, err)
			return
		}
		if _, err = a.Client.followUp(ctx, l.To, m); err != nil && isOver(err, l.By.Add(-lateTime)) {
			err = fmt.Errorf("%w: %w", commands.ErrNowhere, err)
		}
	})
	if err != nil {
		return fmt.Errorf("discord: report: %w", err)
	}
	return nil
}

// isNotForUs tells of a refusal that trying again does not change.
func isNotForUs(err error) bool {
	e, answered := errors.AsType[*Error](err)
	return answered && e.Status/100 == 4 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusUnauthorized // a token may be renewed
}

// deliver gives an answer where its first answer or its card stands, as that is by now. working is the id of what tells the presser that it takes longer.
func (a *Adapter) deliver(ctx context.Context, l commands.Late, working string) error {
	stands, err := a.Client.original(ctx, l.To)
	gone := isGone(err)
	if err != nil && !gone {
		return err
	}
	late := drawn(l.Reply)
	_, on := cardOf(l.To)
	on.private = !stands.public() // it may be the first answer that stands there, and not the card
	switch {
	case gone: // removed: by somebody, or to make way for a private answer
		return a.besides(ctx, l.To, late, working)
	case stands.waiting():
		return a.tell(ctx, l.To, late, stands.public())
	case stands.Content == late.message.Content:
		return nil
	case on.pressed && stands.number() > l.Reply.Number && l.Reply.Number != 0: // what came after it has the card
		return a.besides(ctx, l.To, late, working)
	case on.pressed && (!l.More || l.Reply.Public): // a card that everyone sees shows what is true
		return a.tellCard(ctx, l.To, late, on, working)
	case !l.More && stands.number() > l.Reply.Number && l.Reply.Number != 0: // it was read: somebody has pressed a button of it
		return nil
	case l.More, stands.public() && !l.Reply.Public:
		return a.post(ctx, l.To, late)
	default: // other words, such as that something went wrong
		return a.tell(ctx, l.To, late, stands.public())
	}
}

// isOver tells of an error after which no answer to a command received at that time can be given any more.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
func isOver(err error, received time.Time) bool {
	e, answered := errors.AsType[*Error](err)
	switch {
	case !answered:
		return false
	case e.Code == discordgo.ErrCodeUnknownWebhook: // the first answer was never given, and cannot be after 3 s
		return time.Since(received) > underWay
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusNotFound:
		return true
	}
	return e.Status/100 == 4 && e.Status != http.StatusTooManyRequests && e.Code != 0
}
