package commands

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"roomwarden/journal"
)

const (
	deliverTimeout = 15 * time.Second // of one try to give an answer late

	firstRedelivery, longestRedelivery = 30 * time.Second, 8 * time.Minute

	// For so long after an address is over a private message is tried.
	privateTime = 5 * time.Minute
)

// late is where an answer can go after Handle has returned.
type late struct {
	to ReplyTo
	by time.Time
}

// An answer is one that is not given yet, of an entry that this process has in hand.
type answer struct {
	job     *job
	reply   Reply
	late    late
	look    *looking      // goes on after the answer; nil: it does not
	timer   *timer        // the bot ends the effect; nil: it does not
	until   time.Time     // then
	written chan struct{} // closed when the journal has the outcome, or will not have it from this process
	closed  bool          // and that the answer was given; to be read when written is closed
	adapter chan bool     // has room for one: what the adapter told
}

// tellTime is the least that an adapter has to tell what became of an answer, where its outcome is gathered.
const tellTime = time.Millisecond

// told waits until outcomes are written next, and reports whether the answer is given by then. One that could not be given is to be given again, so
// its outcome is written at once.
func (a *answer) told(ctx context.Context, gather time.Duration) (given bool) {
	now := time.Now()
	timer := time.NewTimer(now.Add(tellTime).Truncate(gather).Add(gather).Sub(now))
	defer timer.Stop()
	for {
		select {
		case given = <-a.adapter:
			if !given {
				return false
			}
		case <-timer.C:
			return given
		case <-ctx.Done():
			return given
		}
	}
}

// answers are those that Handle has returned, until the adapter tells what became of them. The zero value is ready.
type answers struct {
	mu  sync.Mutex
	all map[int64]*answer
}

func (as *answers) add(a *answer) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.all == nil {
		as.all = map[int64]*answer{}
	}
	as.all[a.job.entry.Number] = a
}

func (as *answers) take(number int64) *answer {
	as.mu.Lock()
	defer as.mu.Unlock()
	a := as.all[number]
	delete(as.all, number)
	return a
}

// Answered hears from an adapter what became of the answer with a journal number that Handle has returned: whether the platform has taken
// it. One that it has not taken is given later, if Deliver can. It does not block.
func (d *Dispatcher) Answered(number int64, delivered bool) {
	a := d.answers.take(number)
	if a == nil {
		return
	}
	if a.adapter != nil {
		a.adapter <- delivered
	}
	d.goesOn(a.job.entry, func(ctx context.Context) {
		select {
		case <-a.written:
		case <-ctx.Done():
			select {
			case <-a.written: // the outcome got in at the last moment: so does this
			case <-time.After(journalTimeout):
				return
			}
		}
		if !a.closed {
			d.goOn(ctx, a, func(ctx context.Context) { d.seeTo(ctx, a, delivered) })
		}
	})
}

// goOn does what remains to be done for an entry that has ended: see to its answer, and end its effect when its time is over.
func (d *Dispatcher) goOn(ctx context.Context, a *answer, see func(context.Context)) {
	if a.timer == nil {
		see(ctx)
		return
	}
	answered := make(chan struct{})
	d.goesOn(a.job.entry, func(ctx context.Context) {
		defer close(answered)
		see(ctx)
	})
	if d.endOnTime(ctx, a.job, *a.timer, a.until) {
		d.through(ctx, a.job, answered)
	}
}

// seeTo does what remains to be done for an answer: gives it, if it is not given, and looks on where its effect is not known.
func (d *Dispatcher) seeTo(ctx context.Context, a *answer, delivered bool) {
	switch {
	case delivered:
		d.delivered(ctx, a, journal.Delivered)
	case a.look == nil:
		d.give(ctx, a, false)
	default: // what looking brings will be given in its place
		delivered = d.giveOnce(ctx, a, false) == nil
		if delivered {
			d.delivered(ctx, a, journal.Delivered)
		}
	}
	if a.look != nil {
		d.goOnLooking(ctx, a, delivered)
	}
}

// goOnLooking looks on, and writes down and gives what that brings. delivered tells that the person knows that nothing was known.
func (d *Dispatcher) goOnLooking(ctx context.Context, a *answer, delivered bool) {
	j := a.job
	ctx, release := d.Journal.Hold(ctx, j.entry.Owner)
	defer release()
	end, quiet, ok := d.lookOn(ctx, j, *a.look)
	if !ok {
		return // another process goes on
	}
	end = j.timing(end, a.look.change)
	end.code = a.look.Code
	reply := j.reply(end)
	result := j.result(end, reply, time.Since(j.entry.At))
	if !insist(ctx, j.log, "outcome after looking", func(ctx context.Context) error { return d.Journal.Finish(ctx, j.entry.Hand(), result) }) {
		return
	}
	j.log.Info("looked", "outcome", result.Outcome)
	a = &answer{job: j, reply: reply, late: a.late}
	if quiet && delivered {
		d.delivered(ctx, a, journal.Delivered)
		return
	}
	d.give(ctx, a, delivered)
}

// give gives an answer late, and tries again until the platform has taken it or never will, or its address is over. more tells that the person
// has had an answer before.
func (d *Dispatcher) give(ctx context.Context, a *answer, more bool) {
	last := a.late.by.Add(privateTime)
	if a.job.args[ends].Number != 0 && last.Before(a.job.entry.At.Add(reportTime)) { // a report needs no address
		last = a.job.entry.At.Add(reportTime)
	}
	for pause := firstRedelivery; ; pause = min(2*pause, longestRedelivery) {
		over := time.Now().After(last)
		err := d.giveOnce(ctx, a, more)
		switch {
		case err == nil:
			d.delivered(ctx, a, journal.Delivered)
			return
		case ctx.Err() != nil:
			return
		case over, errors.Is(err, ErrNowhere):
			a.job.log.Warn("the answer could not be given; it waits in the journal", "err", err)
			d.delivered(ctx, a, journal.Undelivered)
			return
		}
		a.job.log.Warn("the answer could not be given; it is tried again", "err", err, "again_in", pause)
		// One try is made as soon as the address is over: the person may be told privately then.
		if left := time.Until(a.late.by); left > 0 {
			pause = min(pause, left+time.Second)
		} else {
			pause = min(pause, time.Minute)
		}
		if !pauseFor(ctx, pause) {
			return
		}
	}
}

func (d *Dispatcher) giveOnce(ctx context.Context, a *answer, more bool) (err error) {
	defer func() {
		if p := recover(); p != nil { // what remains to be done for the entry is done all the same
			a.job.log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: a panic", ErrNowhere)
		}
	}()
	deliver := d.Deliver[a.job.who.Platform]
	if deliver == nil {
		return ErrNowhere
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	return deliver(ctx, Late{
		To: a.late.to, By: a.late.by, Who: a.job.who, Where: a.job.entry.Channel, Reply: a.reply, More: more, Report: a.job.args[ends].Number != 0,
	})
}

func (d *Dispatcher) delivered(ctx context.Context, a *answer, what journal.Delivery) {
	insist(ctx, a.job.log, "delivery", func(ctx context.Context) error { return d.Journal.Answered(ctx, a.job.entry.Hand(), what) })
}
