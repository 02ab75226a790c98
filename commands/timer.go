package commands

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
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
	voidCheck  = time.Minute // how often it is looked whether there is still something to end
	reportTime = 25 * time.Minute
	botName    = "Roomwarden"
)

// endAgain is how long after an end that failed the next one is tried; the last of them again and again.
var endAgain = []time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
}

// endOnTime waits for the time of an entry and ends what it has set, and tries that again until it is ended, by whomever. It is false when ctx has
// ended before, or the entry is another process's: that one ends it.
func (d *Dispatcher) endOnTime(ctx context.Context, j *job, t timer, until time.Time) bool {
	ctx, release := d.Journal.Hold(ctx, j.entry.Owner)
	defer release()
	until = until.Round(0) // by the clock, and not by how much time this process has seen pass
	checked := time.Now()
	for time.Now().Before(until) {
		if !pauseFor(ctx, min(timerCheck, time.Until(until))) {
			return false
		}
		if time.Since(checked) >= voidCheck {
			if checked = time.Now(); d.nothingToEnd(ctx, j) {
				return true
			}
		}
	}
	try, err := d.lastTry(ctx, j)
	for failures := 0; ; {
		ended, known := false, false
		if err == nil {
			ended, known, err = d.endNow(ctx, j, t, try)
		}
		switch {
		case ended:
			return true
		case ctx.Err() != nil:
			return false
		case err != nil:
			j.log.Error("journal: the end of a timed mute", "err", err)
			err = nil
		case known: // an earlier process has made this try
			try++
			continue
		default:
			try++
		}
		pause := endAgain[min(failures, len(endAgain)-1)]
		if failures++; !pauseFor(ctx, pause) {
			return false
		}
	}
}

// timerKey is the key of a try to end what an entry has set.
func timerKey(number int64, try int) string { return fmt.Sprintf("timer:%d:%d", number, try) }

// lastTry is the newest try that was begun, 1 when none was.
func (d *Dispatcher) lastTry(ctx context.Context, j *job) (int, error) {
	at := targetOf(j.entry)
	list, err := d.Journal.List(ctx, journal.Query{On: &at, After: j.entry.Number, Commands: []string{kindOf(j.Command.Name).off}, Limit: 1000})
	for _, e := range list {
		if number, found := strings.CutPrefix(e.Key, timerKey(j.entry.Number, 0)[:len(timerKey(j.entry.Number, 0))-1]); found {
			try, _ := strconv.Atoi(number)
			return max(1, try), nil
		}
	}
	return 1, err
}

// nothingToEnd tells that what an entry has set is certainly not there any more, or another one's to end. An error is no reason to think so.
func (d *Dispatcher) nothingToEnd(ctx context.Context, j *job) bool {
	set, err := d.Journal.Get(ctx, j.entry.Number)
	if err != nil {
		return false
	}
	void, err := d.void(ctx, j, set, 0)
	return err == nil && void != nil && void.Outcome != journal.Running
}

// void is the entry after which there is nothing to end for one that has set something: that one itself when it turned out not to have, or a later one
// that has ended it or set it anew. nil: there is none. before, if not 0, leaves out entries of that number and up.
func (d *Dispatcher) void(ctx context.Context, j *job, set journal.Entry, before int64) (*journal.Entry, error) {
	if set.Outcome != journal.Done && set.Outcome != journal.Unknown {
		return &set, nil
	}
	at := targetOf(set)
	list, err := d.Journal.List(ctx, journal.Query{
		On: &at, After: set.Number, Before: before, Commands: kindOf(set.Command).commands(),
		Outcomes: effective, Limit: 1000,
	})
	if err != nil {
		return nil, err
	}
	for _, later := range list {
		if _, says := j.weigh(later, time.Now()); later.Outcome == journal.Running || says != saysNothing {
			return &later, nil
		}
	}
	return nil, nil
}

// endNow makes one try to end what an entry has set, under a key of its own. It reports whether nothing is left to be done, and whether the try had been
// made before.
func (d *Dispatcher) endNow(ctx context.Context, j *job, t timer, try int) (ended, known bool, err error) {
	set, err := d.Journal.Get(ctx, j.entry.Number)
	if err != nil {
		return false, false, err
	}
	end := d.endJob(j, t, set)
	for {
		void, err := d.void(ctx, end, set, 0)
		switch {
		case err != nil:
			return false, false, err
		case void == nil:
		case void.Outcome != journal.Running:
			return true, false, nil
		case void.Key == timerKey(set.Number, try): // of a process that has died, and taken over
		default:
			if _, err := d.ended(ctx, void.Number); err != nil {
				return false, false, err
			}
			continue
		}
		break
	}
	req := Request{
		Key: timerKey(set.Number, try), Who: end.who, Where: j.entry.Channel, At: time.Now(),
		Line: end.Command.Name + " " + formatRoom(j.room), ReplyTo: ReplyTo(j.entry.ReplyTo), ReplyBy: j.entry.ReplyBy,
	}
	entry := end.entryOf(req, req.Key)
	entry.Person, entry.Name = "bot", botName
	writing, cancel := context.WithTimeout(ctx, beginTimeout)
	begun, err := d.Journal.Begin(writing, entry)
	cancel()
	if err != nil {
		return false, false, err
	}
	if !begun.Fresh {
		e, err := d.ended(ctx, begun.Number)
		return e.Outcome == journal.Done || e.Outcome == journal.NoChange, true, err
	}
	end.begun(begun.Entry)
	over := d.running.begin(begun.Number)
	defer over()
	came := d.run(end, func() ending { return d.endTurn(ctx, end, begun.Before) })
	if came.tone != Done && came.tone != NoChange && ctx.Err() != nil {
		return false, false, nil // the stop came: another process takes it up, and looks
	}
	reply := d.conclude(ctx, end, came, late{req.ReplyTo, req.ReplyBy}, over)
	d.report(end, reply, try)
	return reply.Tone == Done || reply.Tone == NoChange, false, nil
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
	refused := j.overdue(ending{tone: Refused, text: j.say(sayNoTime, nil)})
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
	return j.overdue(d.perform(ctx, j))
}

// overdue says of an end that did not work that it is tried again.
func (j *job) overdue(end ending) ending {
	if end.tone == Done || end.tone == NoChange {
		return end
	}
	end.choices = nil
	end.text = j.say(Text{
		"The mute of room {place} (#{number}) was to end and could not be ended: it is overdue. I keep trying; {unmute} ends it by hand.",
		"聊天室 {place} 的整体禁言（#{number}）已到时间，但未能解除。我会继续尝试，也可用 {unmute} 手动解除。"},
		j.facts(j.subjectFacts(), values{"unmute": typeable("unmuteroom " + formatRoom(j.room))})).below(end.text)
	return end
}

// objectEnd looks whether there is still something to end for a timer: by the journal, and in the room.
func (d *Dispatcher) objectEnd(ctx context.Context, j *job) (ending, bool, error) {
	if j.subject == nil {
		return ending{tone: NoChange, text: j.noEntry(j.args[ends].Number).text}, true, nil
	}
	void, err := d.void(ctx, j, *j.subject, j.entry.Number)
	if err != nil {
		return ending{}, false, err
	}
	if void != nil {
		return ending{tone: NoChange, text: j.say(Text{
			"There is nothing to end any more for #{number}: #{later} by {other} came after it.",
			"#{number} 已无需解除：之后又有 {other} 的 #{later}。"},
			values{"number": j.subject.Number, "later": void.Number, "other": entryBy(*void)})}, true, nil
	}
	room, err := j.netease.Room(ctx, j.room)
	code, _ := codeOf(err)
	say := Text{"Room {place} was not muted any more.", "聊天室 {place} 此前已不在整体禁言状态。"}
	if j.subject.Outcome == journal.Unknown { // it may never have been
		say = Text{"Room {place} is not muted.", "聊天室 {place} 没有整体禁言。"}
	}
	switch {
	case code == netease.CodeNotFound, err == nil && !room.Open:
		say = Text{"Room {place} is closed, so there is nothing to end.", "聊天室 {place} 已关闭，无需解除。"}
	case err != nil || room.Muted:
		return ending{}, false, nil
	}
	return ending{tone: NoChange, seen: true, code: cmp.Or(code, netease.CodeOK), text: j.framed(j.say(say, j.facts()))}, true, nil
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
	if e.Owner == j.entry.Owner && e.Open {
		d.close(ctx, j.log, e)
	}
}
