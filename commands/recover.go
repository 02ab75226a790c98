package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"roomwarden/journal"
	"roomwarden/permissions"
)

const (
	recoverEvery = time.Second
	recoveries   = 16 // commands carried out at once; any number waits for its turn

	// A command is repeated after a crash when it is not older than this: later nobody expects it any more.
	repeatAge = 2 * time.Minute
)

// Recover takes up what dead processes have left, at once and then every second, until ctx ends; it returns when what it has begun has
// ended too. Each entry's command is carried out or looked after to its end, and its answer given.
func (d *Dispatcher) Recover(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, recoveries)
	trouble := ""
	for {
		entries, err := d.Journal.Take(ctx)
		if text := errorText(err); text != trouble && ctx.Err() == nil {
			trouble = text
			if err != nil {
				d.Log.Error("journal: take over", "err", err)
			} else {
				d.Log.Info("journal: take over works again")
			}
		}
		for _, e := range entries {
			running.Go(func() { d.recover(ctx, e, slots) })
		}
		if !pauseFor(ctx, recoverEvery) {
			return
		}
	}
}

// recover takes up one entry. Nobody else will while this process lives, so it always comes to an end, or to the end of ctx.
func (d *Dispatcher) recover(ctx context.Context, e journal.Entry, slots chan struct{}) {
	log := d.Log.With("number", e.Number)
	defer d.survive(ctx, e)
	log.Info("taken over", "outcome", e.Outcome, "age", time.Since(e.At).Round(time.Millisecond), "attempts", e.Attempts)
	j, err := d.resumed(e)
	if err != nil {
		d.abandon(ctx, e)
		return
	}
	to := late{ReplyTo(e.ReplyTo), e.ReplyBy}
	j.repeated, j.sent, j.lastSent = true, e.At, earlier(time.Now(), e.At.Add(Budget))
	if e.Outcome != journal.Running {
		d.goOnAfter(ctx, j, to)
		return
	}
	ended := d.running.begin(e.Number)
	defer ended()
	end, ok := d.redo(ctx, j, slots)
	if !ok {
		return // the stop came: the next process takes it up
	}
	reply := d.conclude(ctx, j, end, to, ended)
	if !reply.Repeat {
		d.Answered(e.Number, false)
	}
}

// goesOn runs f in the background, for an entry in hand; not after the stop.
func (d *Dispatcher) goesOn(e journal.Entry, f func(context.Context)) (runs bool) {
	return d.work.run(func(ctx context.Context) {
		defer d.survive(ctx, e)
		f(ctx)
	})
}

// survive, deferred, ends an entry that made its work panic. Otherwise the process would end, and the next one would meet the same.
func (d *Dispatcher) survive(ctx context.Context, e journal.Entry) {
	if p := recover(); p != nil {
		d.Log.Error("panic", "number", e.Number, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		d.abandon(ctx, e)
	}
}

// goOnAfter does what remains to be done for an entry that has ended: its answer may not be given, its effect not known.
func (d *Dispatcher) goOnAfter(ctx context.Context, j *job, to late) {
	e := j.entry
	kept, ok := keptOf(e)
	reply, more := kept.Reply, kept.Doubt
	if !ok {
		reply = j.reply(ending{tone: Unknown, text: Prose{}.words(e.Text)})
	}
	a := &answer{job: j, reply: reply, late: to, timer: kept.Timer, until: e.Until}
	if more == nil && kept.Timer == nil && e.Outcome == journal.Unknown && !d.lastWord(ctx, j.log, e) { // of an older version, for example, more may be expected
		return
	}
	j.past, j.total = kept.past, kept.Total
	if more != nil {
		j.linked(ctx)              // only for the words, too
		if d.authorize(j) != nil { // only for the words: looking changes nothing
			j.grant = permissions.Grant{Moderator: e.Moderator, Personal: true}
		}
		j.learn(*more)
		if c := j.Command.change(j); c.look != nil {
			a.look = &looking{c, *more}
		}
	}
	see := func(ctx context.Context) { d.seeTo(ctx, a, false) }
	switch {
	case e.Delivery == journal.Pending:
	case a.look != nil:
		see = func(ctx context.Context) { d.goOnLooking(ctx, a, true) }
	case a.timer != nil:
		see = func(context.Context) {}
	default: // nothing is left but to say so
		d.delivered(ctx, a, e.Delivery)
		return
	}
	d.goesOn(e, func(ctx context.Context) { d.goOn(ctx, a, see) })
}

// redo brings a command to an end that another process was carrying out. It is false when ctx ended before.
func (d *Dispatcher) redo(ctx context.Context, j *job, slots chan struct{}) (ending, bool) {
	for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
		end, err := d.redoNow(ctx, j, slots)
		if err == nil {
			return end, true
		}
		if ctx.Err() != nil {
			return ending{}, false
		}
		j.log.Error("recovery is tried again", "err", err, "again_in", pause)
		if !pauseFor(ctx, pause) {
			return ending{}, false
		}
	}
}

// redoNow makes one try. An error is the journal's, or tells that its time was over before anything was sent.
func (d *Dispatcher) redoNow(ctx context.Context, j *job, slots chan struct{}) (ending, error) {
	ctx, cancel := context.WithTimeout(ctx, Budget)
	defer cancel()
	if err := j.linked(ctx); err != nil {
		return ending{}, err
	}
	var newest *journal.Entry
	if j.Command.Write {
		before, err := d.before(ctx, j.entry)
		if err == nil {
			newest, err = d.turn(ctx, j.entry, before)
		}
		if err != nil {
			return ending{}, err
		}
	}
	// Only what has its turn takes a slot: who has one waits for nobody.
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return ending{}, ctx.Err()
	}
	if j.Command.Write && timeLeft(ctx) < minRun {
		return ending{}, context.DeadlineExceeded
	}
	fresh := time.Since(j.entry.At) <= repeatAge
	if !j.Command.Write {
		if !fresh || j.Command.About {
			return ending{tone: Failed, text: j.say(sayInterruptedRead, nil)}, nil
		}
		if denied := d.authorizeAgain(ctx, j); denied != nil {
			return ending{tone: Refused, text: denied}, nil
		}
		return d.run(j, func() ending { return j.Command.do(ctx, j) }), nil
	}
	later, err := d.after(ctx, j.entry)
	if err != nil {
		return ending{}, err
	}
	if later != nil {
		return ending{tone: Unknown, text: j.say(sayInterrupted, nil).then(j.say(sayOvertaken, values{
			"later": later.Number, "line": id(shorten(j.lineOf(*later)))}))}, nil
	}
	denied := d.authorizeAgain(ctx, j)
	if denied != nil && j.named() != 0 {
		denied = j.noEntry(j.named()).text
	}
	if denied != nil {
		return ending{tone: Unknown, text: j.say(sayInterrupted, nil).then(denied).below(j.say(sayNotRepeated, nil))}, nil
	}
	// Where the guard says no now it said no before: nothing was sent.
	if end, stop, err := d.guard(ctx, j, newest, newest); stop || err != nil {
		return end, err
	}
	if j.asks() { // nor for a question
		end, _, err := d.object(ctx, j, newest)
		return end, err
	}
	var failed error
	end := d.run(j, func() (end ending) {
		end, failed = d.lookOrRepeat(ctx, j, newest, fresh)
		return end
	})
	return end, failed
}

// lookOrRepeat looks whether the change was made, and makes it, under the same RequestId, where that cannot be seen and the command is
// still fresh. What stood against it stands against it still, unless it is seen that the change was made. An error is the journal's.
func (d *Dispatcher) lookOrRepeat(ctx context.Context, j *job, newest *journal.Entry, fresh bool) (ending, error) {
	ctx, release := d.Journal.Hold(ctx, j.entry.Owner)
	defer release()
	c := j.Command.change(j)
	l := looking{c, doubt{Sent: j.sent, LastSent: j.lastSent}}
	interrupted := func(end ending) (ending, error) {
		end.text = j.say(sayInterrupted, nil).then(end.text)
		return j.timing(end, c), nil
	}
	var end ending
	settled := false
	if c.look != nil {
		if end, settled = j.judge(ctx, l); settled && end.mine {
			return interrupted(end)
		}
	}
	objection, stop, err := ending{}, false, error(nil)
	if j.args[ends].Number != 0 {
		objection, stop, err = d.objectEnd(ctx, j)
	} else {
		objection, stop, err = d.object(ctx, j, newest)
	}
	switch {
	case err != nil:
		return ending{}, err
	case stop && settled && end.tone == Done && objection.seen: // it may be so because of this
	case stop:
		return objection, nil
	}
	if settled && (end.tone == Done || !fresh) {
		return interrupted(end)
	}
	if c = j.Command.change(j); fresh { // anew, with what the objections have found out
		end = j.perform(ctx, c)
	} else if end, err = interrupted(j.looked(ctx, l)); err != nil {
		return end, err
	}
	if j.args[ends].Number != 0 {
		end = j.overdue(end)
	}
	return end, nil
}

// authorizeAgain is authorize with the person's groups as they are now.
func (d *Dispatcher) authorizeAgain(ctx context.Context, j *job) Prose {
	if j.args[ends].Number != 0 {
		var t timer
		if j.subject != nil {
			if kept, _ := keptOf(*j.subject); kept.Timer != nil {
				t = *kept.Timer
			}
		}
		d.onBehalf(j, t)
		return nil
	}
	j.who = d.renewed(ctx, j)
	return d.authorize(j)
}

// renewed is the job's person with the groups as they are now. Where that panics nothing is known of them.
func (d *Dispatcher) renewed(ctx context.Context, j *job) (who permissions.Subject) {
	if d.Renew == nil {
		return j.who
	}
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			who = j.who
			who.Groups, who.Unsure = nil, true
		}
	}()
	return d.Renew(ctx, j.who)
}

// abandon ends an entry that cannot be brought to a better end: an older version has written it, or the bot itself, or a panic came of it. So nobody
// takes it up again.
func (d *Dispatcher) abandon(ctx context.Context, e journal.Entry) {
	log, hand := d.Log.With("number", e.Number), e.Hand()
	if now, err := d.Journal.Get(ctx, e.Number); err == nil {
		e = now // what was said stays said
	}
	e.Owner = hand.Owner
	switch {
	case !e.Open:
		return
	case e.Outcome == journal.Done: // more was to come
		d.close(ctx, log, e)
		return
	case (e.Outcome == journal.Running || e.Outcome == journal.Unknown) && !d.lastWord(ctx, log, e):
		return
	}
	delivery := cmp.Or(e.Delivery, journal.Undelivered)
	if delivery == journal.Pending {
		delivery = journal.Undelivered
	}
	insist(ctx, log, "delivery", func(ctx context.Context) error { return d.Journal.Answered(ctx, hand, delivery) })
}

// close ends an entry as it has ended already, with no more to come.
func (d *Dispatcher) close(ctx context.Context, log *slog.Logger, e journal.Entry) {
	answer := e.Answer
	if kept, ok := keptOf(e); ok {
		kept.Timer = nil
		if b, err := json.Marshal(kept); err == nil {
			answer = b
		}
	}
	result := journal.Result{
		Outcome: e.Outcome, Moderator: e.Moderator, Code: e.Code, Answer: answer, Text: e.Text, Until: e.Until, Duration: e.Duration,
		Given: e.Delivery == journal.Delivered,
	}
	if !insist(ctx, log, "end", func(ctx context.Context) error { return d.Journal.Finish(ctx, e.Hand(), result) }) || result.Given {
		return
	}
	insist(ctx, log, "delivery", func(ctx context.Context) error { return d.Journal.Answered(ctx, e.Hand(), journal.Undelivered) })
}

// lastWord ends an entry as Unknown for good, with what it says by now. It reports whether the entry is still in hand.
func (d *Dispatcher) lastWord(ctx context.Context, log *slog.Logger, e journal.Entry) bool {
	result := journal.Result{
		Outcome: journal.Unknown, Moderator: e.Moderator, Code: e.Code, Answer: e.Answer, Text: cmp.Or(e.Text, sayInterrupted.English),
		Until: e.Until, Duration: cmp.Or(e.Duration, time.Since(e.At)),
	}
	return insist(ctx, log, "outcome", func(ctx context.Context) error { return d.Journal.Finish(ctx, e.Hand(), result) })
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
