package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
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
)

// A Dispatcher owns the order in which a line becomes an answer: parse, write down, allow, run, write the outcome down,
// reply. Policy, Journal, NetEase and Log are required. It may be used by many goroutines at once.
type Dispatcher struct {
	Policy    func() *permissions.Policy // the rules in force
	Journal   journal.Store
	NetEase   Chatrooms
	Operator  netease.AccID // acts where a moderator has no account of their own; may be empty when all have
	NotifyExt NotifyExt     // what members' apps are told; empty: nothing
	Language  Language      // where a platform gives no locale; empty: English
	Log       *slog.Logger
	Observe   func(Observation) // hears of every request that was handled, and not of its redeliveries; nil: nobody does

	flights    singleflight.Group
	turns      turns
	strangers  strangers
	unfinished unfinished
}

// Stop waits for outcomes that the journal has not taken yet, but not longer than ctx. Call it once, when no Handle runs any more.
func (d *Dispatcher) Stop(ctx context.Context) error { return d.unfinished.stop(ctx) }

// Handle answers one request, within Budget of its receipt. Every path through it ends in a Reply, and so does a panic.
func (d *Dispatcher) Handle(ctx context.Context, req Request) (reply Reply) {
	ctx, cancel := context.WithDeadline(ctx, req.At.Add(Budget))
	defer cancel()
	language := LanguageOf(req.Locale, d.Language)
	defer func() {
		if p := recover(); p != nil {
			d.Log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			reply = Broken(language)
		}
	}()

	call, err := Parse(req.Line)
	if mistake, ok := errors.AsType[*Mistake](err); ok {
		d.observe(req, "", Refused)
		d.Log.Info("not understood", "platform", req.Who.Platform, "person", req.Who.ID(), "why", mistake.say.English)
		return Reply{Tone: Refused, Language: language, Text: mistake.in(language)}
	}
	j := &job{
		Call: call, who: req.Who, allowed: req.Allowed, language: language, policy: d.Policy(), table: Table,
		netease: d.NetEase, journal: d.Journal, log: d.Log.With("command", call.Command.Name, "person", req.Who.ID()),
	}
	if call.Command.Right == "" { // open to everyone, asks nobody, leaves no trace
		end := d.run(ctx, j)
		d.observe(req, call.Command.Name, end.tone)
		return d.reply(j, 0, end)
	}
	first := false
	v, _, _ := d.flights.Do(req.Key, func() (any, error) {
		first = true
		return d.once(ctx, req, j), nil
	})
	reply = v.(Reply)
	reply.Repeat = !first
	return reply
}

// once handles a request whose key is not under way here.
func (d *Dispatcher) once(ctx context.Context, req Request, j *job) Reply {
	// Where a room's name leads is looked up first, so that the entry says which room was meant.
	ref := j.args[room.Name]
	j.room = ref.Room
	if ref.Word != "" {
		number, _ := j.policy.Room(ref.Word)
		j.room = netease.RoomID(number)
	}
	key, shared := d.strangers.key(j.policy, req)
	entry := journal.Entry{
		Key: key, RequestID: netease.NewRequestID(), At: req.At,
		Platform: string(req.Who.Platform), Space: req.Who.Space, Channel: req.Where, Person: req.Who.ID(), Name: plain(req.Who.Name),
		Line: plain(req.Line), Command: j.Command.Name, Room: int64(j.room), Target: j.args["target"].Word, Reason: j.args[reason.Name].Word,
	}
	var fresh bool
	var err error
	begin := func() { entry, fresh, err = d.Journal.Begin(ctx, entry) }
	if j.Command.Write {
		j.turn = d.turns.enter(target{j.room, entry.Target}, begin)
		defer j.turn.leave()
	} else {
		begin()
	}
	if err != nil {
		j.log.Error("journal: begin", "err", err)
		say := sayNotWritten
		if ctx.Err() != nil {
			say = sayNoTime
		}
		d.observe(req, j.Command.Name, Refused)
		return d.reply(j, 0, ending{tone: Refused, text: j.say(say, nil)})
	}
	j.log, j.number, j.requestID = j.log.With("number", entry.Number), entry.Number, entry.RequestID
	if !fresh && !shared {
		j.log.Info("delivered again", "deliveries", entry.Deliveries, "outcome", entry.Outcome)
		return d.again(j, entry)
	}
	begun := time.Now()
	end := d.act(ctx, j)
	d.observe(req, j.Command.Name, end.tone)
	reply := d.reply(j, entry.Number, end)
	j.log.Info("answered", "outcome", outcomeOf(end.tone), "code", int(end.code), "ms", time.Since(begun).Milliseconds())
	if fresh && !d.finish(ctx, j, entry.Number, reply, end, time.Since(begun)) {
		reply.Text = reply.Text.below(j.say(sayNotFinished, nil))
	}
	return reply
}

// act allows and runs a command that is written down.
func (d *Dispatcher) act(ctx context.Context, j *job) ending {
	grant, denied := d.allow(j)
	if denied != nil {
		return ending{tone: Refused, text: denied}
	}
	j.grant = grant
	if j.allowed != nil {
		j.allowed(j.Command.Write)
	}
	j.operator = netease.AccID(grant.AccID)
	if j.operator == "" {
		j.operator = d.Operator
	}
	j.notifyExt = d.NotifyExt.of(j)
	if j.Command.Write {
		others := !j.turn.isNext()
		if err := j.turn.wait(ctx); err != nil || timeLeft(ctx) < minRun {
			if others && !errors.Is(err, context.Canceled) {
				return ending{tone: Refused, text: j.say(sayBusyTarget, j.facts())}
			}
			return ending{tone: Refused, text: j.say(sayNoTime, nil)}
		}
	}
	return d.run(ctx, j)
}

// run calls the command. A panic in it leaves its effect unknown.
func (d *Dispatcher) run(ctx context.Context, j *job) (end ending) {
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("a command panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			end = ending{tone: Unknown, text: Broken(j.language).Text}
		}
	}()
	return j.Command.do(ctx, j)
}

// reply makes the answer of an ending. What changed something is for everyone in the channel, all else for the person alone.
func (d *Dispatcher) reply(j *job, number int64, end ending) Reply {
	return Reply{
		Tone: end.tone, Language: j.language, Text: end.text, Fields: end.fields, Choices: end.choices,
		Public: end.tone == Done, Number: number,
	}
}

// finish writes the outcome down, also when the command has used up its time. False tells that the journal has not taken it yet: it
// is tried again in the background.
func (d *Dispatcher) finish(ctx context.Context, j *job, number int64, reply Reply, end ending, took time.Duration) bool {
	answer, err := json.Marshal(reply)
	if err != nil {
		j.log.Error("an answer cannot be kept", "err", err) // a redelivery will hear that there is no outcome
	}
	result := journal.Result{
		Outcome: outcomeOf(end.tone), Moderator: j.grant.Moderator, Code: int(end.code),
		Answer: answer, Text: reply.Text.String(), Until: end.until, Duration: took,
	}
	if err := finish(ctx, d.Journal, number, result); err != nil {
		j.log.Error("journal: finish", "err", err)
		d.unfinished.keep(d.Journal, number, result, j.log)
		return false
	}
	return true
}

// again answers a delivery that the journal knows: with the first answer, or, where its outcome was never written, by saying so.
func (d *Dispatcher) again(j *job, entry journal.Entry) Reply {
	var reply Reply
	if entry.Outcome == journal.Running || json.Unmarshal(entry.Answer, &reply) != nil {
		reply = d.reply(j, entry.Number, ending{tone: Unknown, text: j.say(sayUnfinished, values{
			"number": "#" + formatNumber(entry.Number), "room": id("room " + formatRoom(j.room))})})
	}
	return reply
}

func (d *Dispatcher) observe(req Request, command string, tone Tone) {
	if d.Observe != nil {
		d.Observe(Observation{Platform: req.Who.Platform, Command: command, Outcome: outcomeOf(tone)})
	}
}

func outcomeOf(t Tone) journal.Outcome {
	switch t {
	case Done, Info:
		return journal.Done
	case NoChange:
		return journal.NoChange
	case Refused:
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

// nowhere is the room that a name leads to which no room has.
const nowhere = -1

// allow tells whether the person may do it, or what they read when not. What someone may not touch does not exist for them: a
// name that leads nowhere and one that leads to a room of others are refused in the same words.
func (d *Dispatcher) allow(j *job) (permissions.Grant, Prose) {
	named := j.args[room.Name].Word
	number := int64(j.room)
	if named != "" && number == 0 {
		number = nowhere
	}
	grant, err := j.policy.Allow(j.who, j.Command.Right, number)
	if err == nil && number != nowhere {
		return grant, nil
	}
	denied := &permissions.Denied{Right: j.Command.Right}
	errors.As(err, &denied)
	var ask Prose
	if len(denied.Ask) > 0 {
		ask = j.say(sayAsk, values{"names": list(j.language, denied.Ask)})
	}
	if j.who.Unsure {
		ask = j.say(sayUnsure, nil).then(ask)
	}
	switch {
	case denied.Stranger:
		return grant, j.say(sayNotYou, values{"right": id(j.Command.Right)}).then(j.say(sayStranger, values{"id": id(j.who.ID())})).then(ask)
	case named != "":
		near := nearest(named, visibleNames(j.policy, j.who, j.Command.Right))
		p := j.say(sayNoSuchRoom, values{"room": id(named), "right": id(j.Command.Right)})
		return grant, p.then(didYouMean(j.language, near)).then(ask).below(usageLine(j.language, j.Command))
	case j.room != 0:
		return grant, j.say(sayNotThere, values{"right": id(j.Command.Right), "room": id(formatRoom(j.room))}).then(ask)
	default:
		return grant, j.say(sayNotYou, values{"right": id(j.Command.Right)}).then(ask)
	}
}
