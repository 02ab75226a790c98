package commands

import (
	"cmp"
	"context"
	"errors"
	"time"

	"roomwarden/netease"
)

// A change is what a command wants to be so, how it is asked for, and the words for each way it can end.
type change struct {
	send    func(context.Context) error
	anyone  bool          // no account has to act
	lasts   time.Duration // it ends by itself after this time; 0: it does not, or nobody knows when
	timed   time.Duration // the bot ends it after this time; 0: it does not
	renews  bool          // that it was so before is expected: only its end is new
	plan    Text          // what will happen; with {target}, {place}, {for} and {until}
	done    func() ending // NetEase has accepted it
	already Text          // it was so before; with {place} and {target}
	asked   Text          // what was asked, as a noun: "the mute of {target} in {place}"

	// look asks NetEase what is so now. nil where nothing can be read back; then unseen says what that means.
	look   func(context.Context) (sight, error)
	unseen Text
}

// A sight is what a look has shown.
type sight struct {
	so    settled
	mine  bool      // only this call can have made it so
	words Prose     // what is so now: "lisi is muted for another 4m52s"
	until time.Time // when that ends by itself
}

// settled is what a look says about the change.
type settled int

const (
	cannotTell settled = iota
	isSo
	isNotSo
)

// perform makes a change, or finds out what became of it.
func (j *job) perform(ctx context.Context, c change) ending {
	if j.operator == "" && !c.anyone {
		return j.noOperator()
	}
	call, cancel := writing(ctx)
	defer cancel()
	if j.sent.IsZero() {
		j.sent = time.Now()
	}
	err := c.send(call)
	j.lastSent = time.Now()
	return j.timing(j.settle(ctx, err, c), c)
}

// timing notes in an ending that the bot has to end the effect.
func (j *job) timing(end ending, c change) ending {
	if c.timed == 0 || end.tone != Done && end.tone != Unknown {
		return end
	}
	end.timer = &timer{Operator: j.operator}
	if end.until.IsZero() {
		end.until = j.sent.Add(c.timed)
	}
	return end
}

// lasting notes in an ending that is not known when the effect would end, and that the bot would have to end it.
func (j *job) lasting(end ending) ending {
	length := j.asking()
	if end.tone != Unknown || end.leave || length == 0 || j.Command.Name != "mute" && j.Command.Name != "muteroom" {
		return end
	}
	if end.until.IsZero() {
		from := j.sent
		if from.IsZero() {
			from = j.entry.At
		}
		end.until = from.Add(length)
	}
	if j.Command.Name == "muteroom" && end.timer == nil {
		end.timer = &timer{Operator: j.operator}
	}
	return end
}

// settle makes the ending of a call that was to change something. Where its effect is not certain the room is looked at, and
// the ending says what was seen. An effect that nobody can tell is never called a failure.
func (j *job) settle(ctx context.Context, err error, c change) ending {
	code, _ := errors.AsType[netease.Code](err)
	if err != nil {
		j.log.Warn("netease", "err", err)
	}
	effect := netease.EffectOf(err)
	if effect == netease.Already && c.renews { // it is so, and only its end is new
		effect = netease.Applied
	}
	switch effect {
	case netease.Applied:
		end := c.done()
		end.text = j.framed(end.text)
		if kindOf(j.Command.Name).ends(j.Call) && j.args[ends].Number == 0 && len(end.choices) == 0 {
			end.choices = j.remaining()
		}
		end.code, end.evident = cmp.Or(code, netease.CodeOK), c.look != nil
		return end
	case netease.Already:
		return ending{tone: NoChange, text: j.say(c.already, j.facts()).below(j.report(err).what), code: code}
	case netease.NotDone:
		r := j.report(err)
		return ending{tone: Failed, code: code, text: r.what.then(j.say(sayNothingChanged, nil)).below(r.advice).below(r.words)}
	default:
		e, answered := errors.AsType[*netease.Error](err)
		answered = answered && !e.Earlier // NetEase has answered the only attempt
		if answered && e.Code == netease.CodeRepeated {
			j.log.Error("NetEase knows the RequestId of a first attempt already", "request_id", j.entry.RequestID)
		}
		r := j.report(err)
		j.trouble = r.what
		end := j.looked(ctx, looking{c, doubt{
			Doubtful: effect == netease.Doubtful, Answered: answered, Code: code, Sent: j.sent, LastSent: j.lastSent,
		}})
		if end.tone == Done || end.tone == NoChange && effect == netease.Unclear || end.tone == Unknown && effect == netease.Unclear { // settled, or told what to do already
			r.advice = nil
		}
		end.code = code
		end.text = r.what.below(r.advice).below(r.words).below(end.text)
		return end
	}
}

// remaining is the button that lists what is in force now: whoever takes one thing back from that list may want to take back another. There is none for
// who may not see it.
func (j *job) remaining() []Choice {
	row, _ := find(j.table, "active")
	if reach := j.policy.Reach(j.who, row.Right); !reach.All && len(reach.Rooms) == 0 {
		return nil
	}
	return []Choice{{Label: Text{"In force now", "当前生效"}.In(j.language), Line: row.Name}}
}

// framed puts what a command was about around what it has done.
func (j *job) framed(done Prose) Prose {
	switch {
	case j.args[undoes].Number != 0:
		return j.say(Text{"#{number} by {other} is undone.", "已撤销 {other} 的 #{number}。"}, j.subjectFacts()).then(done)
	case j.args[ends].Number != 0:
		return j.say(Text{"The time of #{number} by {other} is over.", "{other} 的 #{number} 时间已到。"}, j.subjectFacts()).then(done)
	case j.over != nil && j.args[replace.Name].Number != 0:
		return done.then(j.replaced())
	}
	return done
}

func (j *job) subjectFacts() values {
	v := values{"number": j.args[undoes].Number + j.args[ends].Number + j.args[extends].Number, "other": ""}
	if j.subject != nil {
		v["other"] = entryBy(*j.subject)
	}
	return v
}

// facts are the places that sentences about a change may have: {target}, {place}, {by}, and what more gives.
func (j *job) facts(more ...values) values {
	v := values{"target": id(j.target()), "place": j.place(), "by": j.by(), "operator": id(j.operator), "retry": typeable(j.retryLine())}
	for _, m := range more {
		for name, value := range m {
			v[name] = value
		}
	}
	return v
}

// retryLine is the command that does this one again.
func (j *job) retryLine() string { return "retry " + formatNumber(j.entry.Number) }

// retryChoices are the button for that.
func (j *job) retryChoices() []Choice { return j.retryOf(j.entry.Number) }

// writing is the part of ctx's time in which a call that changes something may be made: the rest is kept for looking.
func writing(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(Budget)
	}
	return context.WithDeadline(ctx, deadline.Add(-lookReserve))
}
