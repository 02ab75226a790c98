package slack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// Where answers go that have no response_url: as messages in the channel of the request, for everyone what everyone may read, or all for who asked alone;
// and onto their Home tab.
const (
	inChannel commands.ReplyTo = "channel:"
	toOne     commands.ReplyTo = "one:"
	onHome    commands.ReplyTo = "home:"
)

// posted carries out a request whose answer is posted: of a press, of a filled form, and in Socket Mode of a command. It returns when the
// request is written down or answered, or Slack would not wait longer. What it returns, if anything, is what the person is to be told now: that
// nothing was done; or, where the first response can say it (inFirst), that nothing is promised yet. Elsewhere posted posts that itself.
func (a *Adapter) posted(ctx context.Context, req commands.Request, inFirst bool) *commands.Reply {
	log := a.Log.With("team", req.Who.Space, "user", req.Who.User, "command", word(req.Line))
	log.Debug("slack: request received")
	if c := a.running.ended(req.Key); c != nil { // an earlier delivery was answered, or its answer comes back by Deliver
		log.Info("slack: request answered", "answered", byAnother, "number", c.number.Load())
		return nil
	}
	life, c, end, err := a.running.begin(req.Key, req.Who.ID())
	if err == errFlooded { // its first delivery is answered
		a.logTurned(log, err)
		return nil
	} else if err != nil {
		a.logTurned(log, err)
		turned := a.turnedAway(err, c, req.At).reply
		return &turned
	}
	done, quiet := make(chan struct{}), make(chan struct{})
	req.Accepted = c.accepted
	go func() {
		defer close(quiet)
		a.guarded(func() { a.tellWorking(life, req, c, done, inFirst) })
	}()
	go func() {
		defer end()
		answer := a.work(life, req, c)
		close(done)
		<-quiet // the answer is the last that people read
		how := a.giveLate(life, req, answer)
		a.answered(answer.reply, how)
		log.Info("slack: request answered", "answered", how, "tone", answer.reply.Tone, "number", answer.reply.Number, "ms", time.Since(req.At).Milliseconds())
	}()
	wait, cancel := context.WithDeadline(ctx, req.At.Add(firstAnswer))
	defer cancel()
	select {
	case <-c.written:
		return nil
	case <-done:
		return nil
	case <-wait.Done():
	}
	if !inFirst || !c.told.CompareAndSwap(false, true) {
		return nil
	}
	r := commands.Acknowledgement(c.language(a.Language), c.number.Load())
	return &r
}

// tellWorking tells that the answer follows when it is not there in time; what is not written down yet, where the first response cannot say it.
func (a *Adapter) tellWorking(life context.Context, req commands.Request, c *command, done <-chan struct{}, inFirst bool) {
	if inFirst {
		select {
		case <-c.written:
		case <-done:
			return
		}
	}
	timer := time.NewTimer(time.Until(req.At.Add(firstAnswer)))
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		if req.ReplyTo != onHome && c.told.CompareAndSwap(false, true) { // a Home tab says when it was drawn
			a.tellNow(life, req, commands.Acknowledgement(c.language(a.Language), c.number.Load()))
		}
	}
}

// tellNow shows the asker alone something that is not the answer, once and beside whatever card there is.
func (a *Adapter) tellNow(ctx context.Context, req commands.Request, r commands.Reply) {
	ctx, cancel := context.WithTimeout(ctx, postTime)
	defer cancel()
	c, _ := cardOf(req.ReplyTo)
	var err error
	if address, ok := trusted(c.address, a.APIURL); ok {
		var body []byte
		if body, err = draw(r).late(); err == nil {
			err = a.attempt(ctx, address, body)
		}
	} else {
		err = a.privately(ctx, req.Where, req.Who.User, draw(r))
	}
	if err != nil {
		a.Log.Info("slack: it could not be said how it stands", "error", err)
	}
}

// giveLate gives the answer to a request after the first response, and tells how that went.
func (a *Adapter) giveLate(life context.Context, req commands.Request, got answer) (how string) {
	if got.reply.Repeat || got.reply.Number == 0 && !a.unnumbered.add(req.Key) {
		return byAnother
	}
	how = notAtAll
	a.guarded(func() {
		err := a.give(life, req.ReplyTo, req.Where, req.Who, got.reply, a.postTo)
		if err != nil && got.reply.Number == 0 && req.ReplyTo != toOne { // no journal has it, so nobody tries again
			err = a.privately(life, req.Where, req.Who.User, got.message)
		}
		if err != nil {
			a.notThrough(got.reply, err, req.At)
			return
		}
		how = afterward
		a.count(commands.FinalAnswer, req.At)
	})
	if got.undrawn { // what was said is not the answer
		how = notAtAll
	}
	return how
}

// notThrough notes that an answer did not get through. One with a number comes back by Deliver.
func (a *Adapter) notThrough(r commands.Reply, err error, at time.Time) {
	if r.Number != 0 && !errors.Is(err, commands.ErrNowhere) {
		a.Log.Info("slack: late answer not delivered yet", "number", r.Number, "error", err)
		return
	}
	a.Log.Warn("slack: late answer not delivered", "number", r.Number, "error", err)
	a.count(commands.Undelivered, at)
}

// give shows an answer where its request came from; post posts to a response_url.
func (a *Adapter) give(ctx context.Context, to commands.ReplyTo, where string, who permissions.Subject, r commands.Reply,
	post func(context.Context, *url.URL, []byte) error) error {
	switch {
	case to == onHome:
		return a.showHome(ctx, who, &r)
	case to == inChannel && r.Public && where != "":
		return a.publicly(ctx, where, draw(r))
	case to == inChannel, to == toOne:
		return a.privately(ctx, where, who.User, draw(r))
	}
	c, pressed := cardOf(to)
	address, ok := trusted(c.address, a.APIURL)
	if !ok {
		return errUntrusted
	}
	if pressed && !c.private && r.Settled {
		r.Public = true
	}
	m := draw(r)
	bodies, err := c.posts(r, m)
	if !pressed {
		bodies = make([][]byte, 1)
		bodies[0], err = m.late()
	}
	if err != nil {
		return err
	}
	for i, body := range bodies {
		err := post(ctx, address, body)
		switch {
		case err != nil && i == 0:
			return err
		case err != nil: // the answer is given; a question that stays is answered already
			a.Log.Warn("slack: a card could not be removed", "error", fmt.Sprint(err))
		}
	}
	return nil
}

// isOver tells that an answer will never get through on this way.
func isOver(err error) bool {
	_, never := errors.AsType[*backoff.PermanentError](err)
	return never || errors.Is(err, errUntrusted) || errors.Is(err, commands.ErrNowhere)
}

// maxTurnedAway is how many requests that were not taken on are told so at once; more hear nothing.
const maxTurnedAway = 512

// goOn runs f in the background, unless too much runs there already. Stop does not wait for it: it ends soon.
func (a *Adapter) goOn(f func()) {
	if a.turnedAwayNow.Add(1) > maxTurnedAway {
		a.turnedAwayNow.Add(-1)
		return
	}
	go a.guarded(func() {
		defer a.turnedAwayNow.Add(-1)
		f()
	})
}
