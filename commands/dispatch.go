package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

const (
	// Budget is how long a command may take from its receipt. Handle keeps to it; adapters need no time-out of their own.
	Budget = 30 * time.Second
	// lookReserve is the end of the budget that is kept for looking what became of a call without an answer.
	lookReserve = 6 * time.Second
	// A command whose turn comes with less than this left is not begun.
	minRun = 8 * time.Second
	// beginTimeout is how long the journal may take to write a command down. One that takes longer is refused and never run.
	beginTimeout = 10 * time.Second
)

// A Dispatcher owns the order in which a line becomes an answer: parse, write down, allow, wait for its turn, run, write the outcome
// down, reply. Policy, Journal, NetEase and Log are required. It may be used by many goroutines at once.
//
// What it has accepted goes on after Handle has returned: the adapter tells what became of the answer (Answered), an answer that could not be
// given is tried again (Deliver), and an effect that is not known is looked at for ten minutes. What a dead process has left is taken up by
// Recover.
type Dispatcher struct {
	Policy    func() *permissions.Policy // the rules in force
	Journal   journal.Store
	NetEase   Chatrooms
	Operator  netease.AccID // acts where a moderator has no account of their own; may be empty when all have
	NotifyExt NotifyExt     // what members' apps are told; empty: nothing
	Language  Language      // where a platform gives no locale; empty: English
	Log       *slog.Logger
	// Gather is how often outcomes are written that nobody waits for, many together: one commit for many costs little more than for one, and
	// who begins a command waits for less. 0: each before its answer.
	Gather  time.Duration
	Observe func(Observation) // hears of every request that was handled, and not of its redeliveries; nil: nobody does

	// Deliver gives answers after Handle's return. For a platform without one they wait in the journal. It must not change after the
	// first call.
	Deliver map[permissions.Platform]Deliver
	// Renew reads the groups of a person anew, when a command of theirs is taken up after a crash. nil: they are as they were.
	Renew func(context.Context, permissions.Subject) permissions.Subject

	flights   singleflight.Group
	admission admission
	scans     gate
	running   endings
	strangers strangers
	answers   answers
	lookers   atomic.Int64 // how many effects are looked at
	work      background
}

// Stop ends what goes on in the background, and gives outcomes that the journal has not taken yet one last try; but it waits
// no longer than ctx. What remains open is taken up by another process, or the next one. Call it once, when no Handle and no Recover runs any more.
func (d *Dispatcher) Stop(ctx context.Context) error { return d.work.stop(ctx) }

// Handle answers one request, within Budget of its receipt. Every path through it ends in a Reply, and so does a panic.
func (d *Dispatcher) Handle(ctx context.Context, req Request) (reply Reply) {
	ctx, cancel := context.WithDeadline(ctx, req.At.Add(Budget))
	defer cancel()
	language := LanguageOf(req.Locale, d.Language)
	var j *job
	first := false
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			reply = Broken(language)
			if first && j.mine {
				e := j.entry
				d.goesOn(e, func(ctx context.Context) { d.abandon(ctx, e) })
			}
		}
	}()

	call, err := Parse(req.Line)
	if mistake, ok := errors.AsType[*Mistake](err); ok {
		d.observe(req.Who, "", Refused)
		d.Log.Info("not understood", "platform", req.Who.Platform, "person", req.Who.ID(), "why", mistake.say.English)
		return Reply{Tone: Refused, Language: language, Text: mistake.in(language)}
	}
	j = d.job(call, req.Who, language)
	j.allowed = req.Allowed
	if call.Command.open() { // asks nobody, leaves no trace
		end := d.run(j, func() ending { return call.Command.do(ctx, j) })
		d.observe(req.Who, call.Command.Name, end.tone)
		return j.reply(end)
	}
	v, _, _ := d.flights.Do(req.Key, func() (any, error) {
		first = true
		return d.once(ctx, req, j), nil
	})
	reply = v.(Reply)
	reply.Repeat = reply.Repeat || !first
	return reply
}

// job is a call of somebody's, as far as that is known before it is written down.
func (d *Dispatcher) job(call Call, who permissions.Subject, l Language) *job {
	return &job{
		Call: call, who: who, language: l, policy: d.Policy(), table: Table,
		parse: understood, ended: d.ended, netease: d.NetEase, journal: d.Journal, scans: &d.scans, log: d.Log.With("command", call.Command.Name, "person", who.ID()),
	}
}

// once handles a request whose key is not under way here.
func (d *Dispatcher) once(ctx context.Context, req Request, j *job) Reply {
	leave, ok := d.admission.enter(req.Who)
	if !ok {
		j.log.Warn("too many commands are under way")
		d.observe(req.Who, j.Command.Name, Refused)
		return Busy(j.language)
	}
	defer leave()
	if err := j.resolve(ctx); err != nil {
		j.log.Error("journal: get", "err", err)
		d.observe(req.Who, j.Command.Name, Refused)
		r := j.report(errJournal)
		return j.reply(ending{tone: Refused, text: r.what.then(j.say(sayNothingChanged, nil)).below(r.advice)})
	}
	// Where a room's name leads is looked up first, so that the entry says which room was meant.
	if ref := j.args[room.Name]; ref.Word != "" {
		number, _ := j.policy.Room(ref.Word)
		j.room = netease.RoomID(number)
	} else if ref.Room != 0 {
		j.room = ref.Room
	}
	key, shared := d.strangers.key(j.policy, req)
	writing, cancel := context.WithTimeout(ctx, beginTimeout)
	begun, err := d.Journal.Begin(writing, j.entryOf(req, key))
	tooLate := errors.Is(writing.Err(), context.DeadlineExceeded)
	cancel()
	if err != nil {
		j.log.Error("journal: begin", "err", err)
		d.observe(req.Who, j.Command.Name, Refused)
		if errors.Is(err, journal.ErrBusy) {
			return Busy(j.language)
		}
		return j.reply(ending{tone: Refused, text: j.say(sayNotWritten, nil)})
	}
	j.begun(begun.Entry)
	j.mine = begun.Fresh
	if !begun.Fresh && !shared {
		j.log.Info("delivered again", "deliveries", begun.Deliveries, "outcome", begun.Outcome)
		if req.Accepted != nil {
			req.Accepted(begun.Number)
		}
		return d.again(ctx, j)
	}
	if req.Accepted != nil && !tooLate {
		req.Accepted(begun.Number)
	}
	if shared && !begun.Fresh {
		end := d.act(ctx, j, begun.Before)
		d.observe(req.Who, j.Command.Name, end.tone)
		return j.reply(end)
	}
	end := d.running.begin(begun.Number)
	ok = false
	defer func() {
		if !ok { // a panic: nobody else is to wait for it
			end()
		}
	}()
	act := func() ending { return d.act(ctx, j, begun.Before) }
	if tooLate { // this includes that the time of the whole command is over
		act = func() ending { return ending{tone: Refused, text: j.say(sayWrittenLate, nil)} }
	}
	reply := d.conclude(ctx, j, d.run(j, act), late{to: req.ReplyTo, by: req.ReplyBy}, end)
	ok = true
	return reply
}

// act allows and runs a command that is written down.
func (d *Dispatcher) act(ctx context.Context, j *job, before *journal.Entry) ending {
	if j.Command.About {
		return d.pointless(ctx, j)
	}
	denied := d.authorize(j)
	switch {
	case denied != nil && j.named() != 0:
		return j.noEntry(j.named()) // what someone may not touch does not exist for them
	case denied != nil:
		return ending{tone: Refused, text: denied}
	}
	if j.allowed != nil {
		j.allowed(j.Command.Write && !j.asks())
	}
	if !j.Command.Write {
		return d.run(j, func() ending { return j.Command.do(ctx, j) })
	}
	behind := before != nil && before.Outcome == journal.Running
	newest, err := d.turn(ctx, j.entry, before)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ending{tone: Refused, text: j.say(sayRestarting, nil)}
	case !behind && timeLeft(ctx) < minRun:
		return ending{tone: Refused, text: j.say(sayNoTime, nil)}
	case err != nil && ctx.Err() == nil:
		j.log.Error("journal: wait for a turn", "err", err)
		return ending{tone: Refused, text: j.report(errJournal).what.then(j.say(sayNothingChanged, nil))}
	case err != nil, timeLeft(ctx) < minRun:
		return ending{tone: Refused, text: j.say(sayBusyTarget, j.facts())}
	}
	end, stop, err := d.guard(ctx, j, before, newest)
	if err != nil {
		j.log.Error("journal: look for the same", "err", err)
		return ending{tone: Refused, text: j.report(errJournal).what.then(j.say(sayNothingChanged, nil))}
	}
	if stop {
		return end
	}
	return d.run(j, func() ending {
		end, stop, err := d.object(ctx, j, newest)
		switch {
		case err != nil:
			j.log.Error("journal: what is in force", "err", err)
			return ending{tone: Refused, text: j.report(errJournal).what.then(j.say(sayNothingChanged, nil))}
		case stop:
			return end
		}
		return d.perform(ctx, j)
	})
}

// perform makes the change of a command whose turn has come, as long as this process has the entry in hand.
func (d *Dispatcher) perform(ctx context.Context, j *job) ending {
	ctx, release := d.Journal.Hold(ctx, j.entry.Owner)
	defer release()
	return j.perform(ctx, j.Command.change(j))
}

// run runs a command. A panic in it leaves its effect unknown.
func (d *Dispatcher) run(j *job, do func() ending) (end ending) {
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("a command panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			end = ending{tone: Unknown, text: Broken(j.language).Text}
		}
	}()
	return do()
}

// reply makes the answer of an ending. What changed something is for everyone in the channel, and so is what the bot did by itself; all else for the
// person alone.
func (j *job) reply(end ending) Reply {
	return Reply{
		Tone: end.tone, Language: j.language, Text: end.text, Fields: end.fields, Choices: end.choices,
		Public: end.tone == Done || j.args[ends].Number != 0, Settled: end.settled, Number: j.entry.Number,
	}
}

// conclude writes an end down, also when the command has used up its time, and returns the answer. An end that another process would find out if
// this one died now is written while the person reads; any other one before. What the journal does not take at once is tried again in the
// background. written is called when the journal has it, or another process has the entry.
func (d *Dispatcher) conclude(ctx context.Context, j *job, end ending, to late, written func()) Reply {
	end = j.lasting(end)
	took := time.Since(j.entry.At)
	d.observe(j.who, j.Command.Name, end.tone)
	j.log.Info("answered", "outcome", outcomeOf(end.tone), "code", int(end.code), "ms", took.Milliseconds())
	reply := j.reply(end)
	a := &answer{job: j, late: to, look: end.look, timer: end.timer, until: end.until, written: make(chan struct{}), adapter: make(chan bool, 1)}
	result := j.result(end, reply, took)
	write := func(ctx context.Context) error { return d.Journal.Finish(ctx, j.entry.Hand(), result) }
	later := end.evident && d.Gather > 0 && d.Journal.Ready() == nil // a journal in trouble is asked before anything is said
	writeOn := func(ctx context.Context) {
		defer written()
		defer close(a.written)
		if later {
			given := a.told(ctx, d.Gather)
			result.Given = given && !result.More
		}
		if insist(ctx, j.log, "outcome", write) {
			a.closed = result.Given
		}
	}
	a.reply = reply
	if later && d.goesOn(j.entry, writeOn) {
		d.answers.add(a)
		return reply
	}
	switch err := try(ctx, write); {
	case err == nil, errors.Is(err, journal.ErrNotRunning):
		written()
		close(a.written)
	case errors.Is(err, journal.ErrNotMine): // another process carries it out, and answers
		written()
		j.log.Warn("another process has taken this over")
		reply = Acknowledgement(j.language, j.entry.Number)
		reply.Repeat = true
		return reply
	default:
		j.log.Error("journal: finish", "err", err)
		reply.Text = reply.Text.below(j.say(sayNotFinished, nil))
		d.goesOn(j.entry, writeOn)
	}
	a.reply = reply
	d.answers.add(a)
	return reply
}

// result is what the journal is to know of an end.
func (j *job) result(end ending, reply Reply, took time.Duration) journal.Result {
	return journal.Result{
		Outcome: outcomeOf(end.tone), Moderator: j.grant.Moderator, Code: int(end.code),
		Answer: j.kept(reply, end), Text: reply.Text.String(), Until: end.until, Duration: took, More: end.look != nil || end.timer != nil,
	}
}

// again answers a delivery that the journal knows: with the first answer, for which it waits while the command is under way in another
// process. Where that does not come it says so.
func (d *Dispatcher) again(ctx context.Context, j *job) Reply {
	e := j.entry
	if e.Outcome == journal.Running {
		wait, cancel := context.WithDeadline(ctx, e.At.Add(Budget+lookReserve))
		if ended, err := d.ended(wait, e.Number); err == nil {
			e = ended
		}
		cancel()
	}
	kept, ok := keptOf(e)
	reply := kept.Reply
	switch {
	case ok:
	case e.Outcome == journal.Refused: // the store has ended what could not be written down in time
		reply = j.reply(ending{tone: Refused, text: j.say(sayNotWritten, nil)})
	case e.Outcome != journal.Running:
		reply = j.reply(ending{tone: Unknown, text: Prose{}.words(e.Text)})
	default:
		reply = j.reply(ending{tone: Unknown, text: j.say(sayUnfinished, values{
			"number": "#" + formatNumber(e.Number), "show": typeable("show " + formatNumber(e.Number))})})
	}
	reply.Repeat = true
	return reply
}

func (d *Dispatcher) observe(who permissions.Subject, command string, tone Tone) {
	if d.Observe != nil {
		d.Observe(Observation{Platform: who.Platform, Command: command, Outcome: outcomeOf(tone)})
	}
}

func outcomeOf(t Tone) journal.Outcome {
	switch t {
	case Done, Info:
		return journal.Done
	case NoChange:
		return journal.NoChange
	case Refused, Asks:
		return journal.Refused
	case Failed:
		return journal.Failed
	}
	return journal.Unknown
}

func timeLeft(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return Budget
	}
	return time.Until(deadline)
}
