package commands

import (
	"context"
	"time"

	"roomwarden/journal"
)

// sameWithin is the time in which the same person asking for the same again is taken for a slip of the hand.
const sameWithin = 10 * time.Second

// guard keeps a command from hitting twice, or from undoing what came later. It is asked when the turn has come. before is the newest
// earlier write on the target as it was when this one was begun, newest the one now: its target is untouched since. An error is the journal's.
func (d *Dispatcher) guard(ctx context.Context, j *job, before, newest *journal.Entry) (end ending, stop bool, err error) {
	if j.args[again.Name].Yes {
		return ending{}, false, nil
	}
	if j.retries != nil {
		if end, stop, err := d.guardRetry(ctx, j); stop || err != nil {
			return end, stop, err
		}
	}
	if j.args[undoes].Number+j.args[extends].Number+j.args[confirms].Number != 0 { // these name what they are about, and that is looked at
		return ending{}, false, nil
	}
	newest, err = d.first(ctx, j, newest)
	switch {
	case err != nil:
		return ending{}, false, err
	case newest == nil, !j.sameAs(*newest), j.entry.At.Sub(newest.At).Abs() > sameWithin:
		return ending{}, false, nil
	case newest.Outcome == journal.Done:
		return j.alreadyDone(newest.Number), true, nil
	case newest.Outcome == journal.Unknown && before.Number == newest.Number && before.Outcome == journal.Running:
		return ending{tone: Refused, choices: j.retryOf(newest.Number), text: j.say(Text{
			"The same command was under way as #{number}, and how it ended is not known. Nothing was done for this one; {retry} does it again.",
			"相同的命令已作为 #{number} 执行，但结果未知。这条命令没有执行；可用 {retry} 重新执行。"},
			values{"number": newest.Number, "retry": typeable("retry " + formatNumber(newest.Number))})}, true, nil
	}
	return ending{}, false, nil
}

// sameAs tells whether the same person asked for the same in e.
func (j *job) sameAs(e journal.Entry) bool {
	return e.Effect == j.entry.Effect && e.Platform == j.entry.Platform && e.Person == j.entry.Person
}

// first goes back from newest over those that asked for the same and changed nothing, to what they were a repeat of.
func (d *Dispatcher) first(ctx context.Context, j *job, newest *journal.Entry) (*journal.Entry, error) {
	if newest == nil || newest.Outcome != journal.NoChange || !j.sameAs(*newest) {
		return newest, nil
	}
	at := targetOf(j.entry)
	entries, err := d.Journal.List(ctx, journal.Query{On: &at, Before: newest.Number, Outcomes: effective, Limit: 50})
	for _, e := range entries {
		if e.Outcome != journal.NoChange || !j.sameAs(e) {
			return &e, nil
		}
	}
	return nil, err
}

// alreadyDone is the ending of a command that another one has made needless.
func (j *job) alreadyDone(number int64) ending {
	if j.args[undoes].Number != 0 { // once more it would find that there is nothing left
		return ending{tone: NoChange, text: j.say(Text{"Already done (#{number}).", "已经执行过（#{number}）。"}, values{"number": number})}
	}
	return ending{tone: NoChange, text: j.say(Text{
		"Already done (#{number}). {again} does it once more.",
		"已经执行过（#{number}）。加上 {again} 可再次执行。"}, values{"number": number, "again": j.onceMore()})}
}

// onceMore is what has the command carried out all the same.
func (j *job) onceMore() Prose {
	if j.retries != nil {
		return Prose{}.add(j.language, typeable("retry "+formatNumber(j.retries.Number)+" again=yes"))
	}
	return Prose{}.add(j.language, id("again=yes"))
}

// guardRetry looks what became of the entry to be done again, and of its target since.
func (d *Dispatcher) guardRetry(ctx context.Context, j *job) (end ending, stop bool, err error) {
	old, err := d.Journal.Get(ctx, j.retries.Number)
	same := func(e journal.Entry) bool { return j.sameWork(e, old) }
	var later *journal.Entry
	if err == nil {
		later, err = d.sinceTried(ctx, j, old, same)
	}
	number := values{"number": old.Number}
	switch {
	case err != nil:
		return ending{}, false, err
	case (old.Outcome == journal.Done || old.Outcome == journal.NoChange) && (later == nil || same(*later)):
		return ending{tone: NoChange, text: j.say(Text{
			"#{number} is done already; there is nothing to do again.", "#{number} 已经完成，无需重新执行。"}, number)}, true, nil
	case later != nil && same(*later) && (later.Outcome == journal.Done || later.Outcome == journal.NoChange):
		at := targetOf(old)
		done, err := d.newest(ctx, journal.Query{On: &at, After: old.Number, Before: later.Number, Outcomes: []journal.Outcome{journal.Done}, Limit: 1})
		if err != nil {
			return ending{}, false, err
		}
		if later.Outcome == journal.NoChange && done != nil && same(*done) {
			later = done // the one that those without a change were repeats of
		}
		return j.alreadyDone(later.Number), true, nil
	case later != nil:
		return ending{tone: Refused, text: j.say(Text{
			"#{later} came after #{number} on the same target: {line}. Nothing was done; give the command itself if you still want it.",
			"#{number} 之后同一对象上又有 #{later}：{line}。没有执行；如仍需要，请直接输入命令。"},
			values{"number": old.Number, "later": later.Number, "line": id(shorten(j.lineOf(*later)))})}, true, nil
	case old.Outcome == journal.Running:
		return ending{tone: Refused, text: j.say(Text{
			"#{number} is still under way. Nothing was done.", "#{number} 仍在执行中。没有重新执行。"}, number)}, true, nil
	}
	return ending{}, false, nil
}

// sameWork tells whether two entries ask for the same. What an undo comes to depends on when it is asked for.
func (j *job) sameWork(a, b journal.Entry) bool {
	if a.Effect == b.Effect {
		return true
	}
	one, err := j.parse(a.Effect)
	other, err2 := j.parse(b.Effect)
	return err == nil && err2 == nil && one.args[undoes].Number != 0 && one.args[undoes].Number == other.args[undoes].Number
}

// sinceTried is the newest write on the target of old after it, and before the job's, that has or may have had an effect. One that found that there was
// nothing to take back or to extend has said nothing about what should be, and one that did old again without an answer no more than old.
func (d *Dispatcher) sinceTried(ctx context.Context, j *job, old journal.Entry, same func(journal.Entry) bool) (*journal.Entry, error) {
	at := targetOf(old)
	list, err := d.Journal.List(ctx, journal.Query{On: &at, After: old.Number, Before: j.entry.Number, Outcomes: effective[1:], Limit: 50})
	for _, e := range list {
		call, err := j.parse(e.Effect)
		switch linked := err == nil && call.args[undoes].Number+call.args[extends].Number != 0; {
		case e.Outcome == journal.NoChange && linked && !same(e), e.Outcome == journal.Unknown && same(e):
			continue
		}
		return &e, nil
	}
	return nil, err
}

func (j *job) retryOf(number int64) []Choice {
	return []Choice{{Label: Text{"Try again", "重试"}.In(j.language), Line: "retry " + formatNumber(number)}}
}
