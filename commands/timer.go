package commands

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// A timer is that the bot ends what an entry has set when its time is over. The entry stays open until that is done, so that another process
// takes it up when this one dies; and the end is an entry of its own, whose key makes it happen once.
type timer struct {
	Operator netease.AccID `json:"operator,omitempty"` // who acted, and acts when the author has lost the right meanwhile
}

const (
	timerCheck = time.Second // how often the clock is looked at: it may be set meanwhile
	reportTime = 25 * time.Minute
	botName    = "Roomwarden"
)

// endAgain is how long after an end that failed the next one is tried; the last of them again and again.
var endAgain = []time.Duration{5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

// endOnTime waits for the time of an entry and ends what it has set, and tries that again until it is ended, by whomever. It is false when ctx has
// ended before, or the entry is another process's: that one ends it.
func (d *Dispatcher) endOnTime(ctx context.Context, j *job, t timer, until time.Time) bool {
	ctx, release := d.Journal.Hold(ctx, j.entry.Owner)
	defer release()
	for time.Now().Before(until) {
		if !pauseFor(ctx, min(timerCheck, time.Until(until))) {
			return false
		}
	}
	failures := 0
	for try := 1; ; try++ {
		ended, err := d.endNow(ctx, j, t, try)
		if ended {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		pause := endAgain[min(failures, len(endAgain)-1)]
		failures++
		if err != nil {
			j.log.Error("journal: the end of a timed mute", "err", err)
			try--
		}
		if !pauseFor(ctx, pause) {
			return false
		}
	}
}

// endNow makes one try to end what an entry has set, under a key of its own. It reports whether nothing is left to be done.
func (d *Dispatcher) endNow(ctx context.Context, j *job, t timer, try int) (ended bool, err error) {
	later, err := j.lastWord(ctx, j.entry, 0)
	for err == nil && later != nil && later.Outcome == journal.Running {
		if _, err = d.ended(ctx, later.Number); err == nil {
			later, err = j.lastWord(ctx, j.entry, 0)
		}
	}
	if err != nil {
		return false, err
	}
	if later != nil {
		call, err := j.parse(later.Effect)
		mine := err == nil && call.args[ends].Number == j.entry.Number
		if settled := later.Outcome == journal.Done || later.Outcome == journal.NoChange; settled || !mine && later.Command == j.Command.Name {
			return true, nil
		}
	}
	set, err := d.Journal.Get(ctx, j.entry.Number)
	if err != nil {
		return false, err
	}
	end := d.endJob(j, t, set)
	req := Request{
		Key: fmt.Sprintf("timer:%d:%d", j.entry.Number, try), Who: end.who, Where: j.entry.Channel, At: time.Now(),
		Line: end.Call.Command.Name + " " + formatRoom(j.room), ReplyTo: ReplyTo(j.entry.ReplyTo), ReplyBy: j.entry.ReplyBy,
	}
	entry := end.entryOf(req, req.Key)
	entry.Person, entry.Name = "bot", botName
	writing, cancel := context.WithTimeout(ctx, beginTimeout)
	begun, err := d.Journal.Begin(writing, entry)
	cancel()
	if err != nil {
		return false, err
	}
	e := begun.Entry
	if begun.Fresh {
		end.begun(e)
		ended := d.running.begin(e.Number)
		defer ended()
		outcome := d.conclude(ctx, end, d.endTurn(ctx, end, begun.Before), late{req.ReplyTo, req.ReplyBy}, ended)
		d.report(end, outcome, try)
		return outcome.Tone == Done || outcome.Tone == NoChange, nil
	}
	if e, err = d.ended(ctx, e.Number); err != nil { // another process had begun it, and it is taken over
		return false, err
	}
	return e.Outcome == journal.Done || e.Outcome == journal.NoChange, nil
}

// endJob is the job that ends what another one has set, as the journal has it. It needs nobody's right: who set it had that.
func (d *Dispatcher) endJob(j *job, t timer, set journal.Entry) *job {
	row, _ := find(Table, kindOf(j.Command.Name).off)
	call := Call{Command: row, args: map[string]Value{room.Name: {Room: j.room}, ends: {Number: j.entry.Number}}}
	if v, given := j.args[notify.Name]; given {
		call.args[notify.Name] = v
	}
	end := d.job(call, j.who, cmp.Or(d.Language, English))
	end.room, end.subject = j.room, &set
	d.onBehalf(end, t)
	return end
}

// onBehalf lets a timer's end act: as its author does, or did.
func (d *Dispatcher) onBehalf(j *job, t timer) {
	j.grant = permissions.Grant{Personal: true}
	if j.subject != nil {
		j.grant.Moderator = j.subject.Moderator
	}
	j.operator = cmp.Or(t.Operator, d.Operator)
	j.notifyExt = d.NotifyExt.of(j)
}

// endTurn carries out an end when its turn has come. The room is looked at first: somebody may have ended the mute already.
func (d *Dispatcher) endTurn(ctx context.Context, j *job, before *journal.Entry) ending {
	ctx, cancel := context.WithTimeout(ctx, Budget)
	defer cancel()
	refused := ending{tone: Refused, text: j.overdue(j.say(sayNoTime, nil))}
	if _, err := d.turn(ctx, j.entry, before); err != nil {
		return refused
	}
	end, stop, err := d.objectEnd(ctx, j)
	switch {
	case err != nil:
		return refused
	case stop:
		return end
	}
	end = d.run(j, func() ending { return d.perform(ctx, j) })
	end.look = nil // the next try looks
	if end.tone != Done && end.tone != NoChange {
		end.text, end.choices = j.overdue(end.text), nil
	}
	return end
}

// overdue says that an end is tried again.
func (j *job) overdue(why Prose) Prose {
	return j.say(Text{
		"The mute of room {place} (#{number}) was to end and could not be ended: it is overdue. I keep trying; {unmute} ends it by hand.",
		"聊天室 {place} 的整体禁言（#{number}）已到时间，但未能解除。我会继续尝试，也可用 {unmute} 手动解除。"},
		j.facts(j.subjectFacts(), values{"unmute": id("unmuteroom " + formatRoom(j.room))})).below(why)
}

// objectEnd looks whether the mute that a timer ends is still there, and still the last word.
func (d *Dispatcher) objectEnd(ctx context.Context, j *job) (ending, bool, error) {
	if j.subject == nil {
		return ending{tone: NoChange, text: j.noEntry(j.args[ends].Number).text}, true, nil
	}
	later, err := j.lastWord(ctx, *j.subject, j.entry.Number)
	if err != nil {
		return ending{}, false, err
	}
	if later != nil && later.Command == j.subject.Command && later.Outcome != journal.NoChange {
		return ending{tone: NoChange, text: j.say(Text{
			"#{number} is over, and #{later} by {other} came after it; nothing was done.",
			"#{number} 时间已到，但之后又有 {other} 的 #{later}，因此没有执行。"},
			values{"number": j.subject.Number, "later": later.Number, "other": entryBy(*later)})}, true, nil
	}
	room, err := j.netease.Room(ctx, j.room)
	if err == nil && !room.Muted {
		return ending{tone: NoChange, code: netease.CodeOK, text: j.about(j.say(Text{
			"Room {place} was not muted any more.", "聊天室 {place} 此前已不在整体禁言状态。"}, j.facts()))}, true, nil
	}
	return ending{}, false, nil
}

// report tells the channel how an end went: one that has worked, and the first that has not.
func (d *Dispatcher) report(j *job, outcome Reply, try int) {
	if outcome.Repeat { // another process has it
		return
	}
	if outcome.Tone == Done || outcome.Tone == NoChange || try == 1 {
		d.Answered(outcome.Number, false)
		return
	}
	if a := d.answers.take(outcome.Number); a != nil {
		d.goesOn(j.entry, func(ctx context.Context) {
			select {
			case <-a.written:
				d.delivered(ctx, a, journal.Undelivered)
			case <-ctx.Done():
			}
		})
	}
}

// through notes that nothing more is to come for an entry whose effect the bot had to end. answered is closed when its answer is given or given up.
func (d *Dispatcher) through(ctx context.Context, j *job, answered <-chan struct{}) {
	select {
	case <-answered:
	case <-ctx.Done():
		return
	}
	e, err := d.Journal.Get(ctx, j.entry.Number)
	for pause := firstRetry; err != nil; pause = min(2*pause, longestRetry) {
		if !pauseFor(ctx, pause) {
			return
		}
		e, err = d.Journal.Get(ctx, j.entry.Number)
	}
	kept, _ := keptOf(e)
	result := journal.Result{
		Outcome: e.Outcome, Moderator: e.Moderator, Code: e.Code, Answer: j.kept(kept.Reply, ending{question: kept.Question}), Text: e.Text,
		Until: e.Until, Duration: e.Duration, Given: e.Delivery == journal.Delivered,
	}
	hand := j.entry.Hand()
	if !insist(ctx, j.log, "end", func(ctx context.Context) error { return d.Journal.Finish(ctx, hand, result) }) || result.Given {
		return
	}
	insist(ctx, j.log, "delivery", func(ctx context.Context) error { return d.Journal.Answered(ctx, hand, journal.Undelivered) })
}
