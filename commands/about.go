package commands

import (
	"cmp"
	"context"
	"errors"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// resolve turns a command about an entry into what it means: "undo 41" into an unmute, "retry 41" into the command of #41. Where it means nothing
// that could be done the job stays as it is, and unable says why. An error is the journal's.
func (j *job) resolve(ctx context.Context) error {
	if !j.Command.About {
		return nil
	}
	if err := j.Command.about(ctx, j); err != nil {
		return err
	}
	if j.subject != nil && j.room == 0 {
		j.room = netease.RoomID(j.subject.Room)
	}
	return nil
}

// old reads the entry that the command is about. It is nil where there is none that a command could be about: one that the bot has noted of
// itself, for example.
func (j *job) old(ctx context.Context, number int64) (*journal.Entry, Call, error) {
	old, err := j.journal.Get(ctx, number)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, Call{}, nil
	}
	if err != nil {
		return nil, Call{}, err
	}
	if old, err = j.settled(ctx, old); err != nil {
		return nil, Call{}, err
	}
	call, err := j.parse(old.Effect)
	if old.Effect == "" || err != nil || call.Command.About { // what the bot has noted of itself, or an older version
		return nil, Call{}, nil
	}
	j.subject = &old
	return &old, call, nil
}

// settled is an entry with its outcome, which may be written some moments after its answer was read. One that is still under way after outcomeWait is as it was.
func (j *job) settled(ctx context.Context, e journal.Entry) (journal.Entry, error) {
	if e.Outcome != journal.Running {
		return e, nil
	}
	wait, cancel := context.WithTimeout(ctx, outcomeWait)
	defer cancel()
	ended, err := j.ended(wait, e.Number)
	switch {
	case err == nil:
		return ended, nil
	case wait.Err() != nil:
		return e, nil
	}
	return e, err
}

// become makes the job another command, linked to the entry it is about.
func (j *job) become(call Call, link string) {
	for _, name := range []string{again.Name, yes.Name} {
		if v, given := j.args[name]; given {
			call.args[name] = v
		}
	}
	if link != "" {
		call.args[link] = Value{Number: j.subject.Number}
	}
	j.Call = call
}

// right is what the person must have: that of the command, or of the one that is taken back.
func (j *job) right() permissions.Right {
	if j.args[undoes].Number != 0 && j.subject != nil {
		if row, ok := find(j.table, j.subject.Command); ok {
			return row.Right
		}
	}
	return j.Command.Right
}

// linked reads the entries that the links of the command name.
func (j *job) linked(ctx context.Context) error {
	if j.retries != nil && j.retries.Outcome == "" { // another process knew it
		e, err := j.journal.Get(ctx, j.retries.Number)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return err
		}
		if err == nil {
			j.retries = &e
			j.tried()
		}
	}
	for _, link := range links {
		number := j.args[link.Name].Number
		if number == 0 {
			continue
		}
		e, err := j.journal.Get(ctx, number)
		switch {
		case errors.Is(err, journal.ErrNotFound):
		case err != nil:
			return err
		case link.Name == confirms:
			j.asked = &e
		default:
			j.subject = &e
		}
	}
	return nil
}

// named is the number of the entry that the command is about, as its person knows it; 0: it is about none.
func (j *job) named() int64 {
	if j.retries != nil {
		return j.retries.Number
	}
	return cmp.Or(j.args[confirms].Number, j.args[undoes].Number, j.args[extends].Number)
}

// pointless is the ending of a command about an entry that cannot be carried out. What someone may not touch does not exist for them.
func (d *Dispatcher) pointless(ctx context.Context, j *job) ending {
	if j.unable == nil && (j.Command.do == nil || j.subject == nil) {
		return j.noEntry(j.args["number"].Number)
	}
	if j.subject != nil {
		row, _ := find(j.table, j.subject.Command)
		grant, err := j.policy.Allow(j.who, row.Right, j.subject.Room)
		if err != nil || row.Right == "" || j.subject.Room == 0 && !j.policy.Reach(j.who, row.Right).All {
			return j.noEntry(j.subject.Number)
		}
		j.grant = grant
	} else if len(j.policy.Entries(j.who)) == 0 {
		return j.noEntry(0)
	}
	if j.unable != nil {
		return ending{tone: Refused, text: j.unable, choices: j.offers}
	}
	return j.Command.do(ctx, j)
}

// whomToAsk names those who may give somebody the right to a command about an entry; nobody where the entry is not known.
func (j *job) whomToAsk() Prose {
	right := j.right()
	if j.subject != nil && right == "" {
		row, _ := find(j.table, j.subject.Command)
		right = row.Right
	}
	_, err := j.policy.Allow(j.who, right, 0)
	denied, ok := errors.AsType[*permissions.Denied](err)
	if !ok || len(denied.Ask) == 0 {
		return nil
	}
	return j.say(sayAsk, values{"names": list(j.language, denied.Ask)})
}

// noEntry is the ending of a command about an entry that is not there, or not for this person.
func (j *job) noEntry(number int64) ending {
	if len(j.policy.Entries(j.who)) == 0 {
		return ending{tone: Refused, text: j.say(sayStranger, values{"id": id(j.who.ID())}).then(j.whomToAsk()).then(j.unsure())}
	}
	return ending{tone: Refused, text: j.say(Text{
		"There is no entry #{number} that you could use here.",
		"没有你可以使用的记录 #{number}。"}, values{"number": number})}
}

// retry becomes the command of the entry, as it was understood then.
func retry(ctx context.Context, j *job) error {
	old, call, err := j.old(ctx, j.args["number"].Number)
	if old == nil || err != nil {
		return err
	}
	if done := old.Outcome == journal.Done || old.Outcome == journal.NoChange; !done || j.args[again.Name].Yes { // otherwise that is what there is to be said
		if call, err = j.anew(ctx, call); err != nil || j.unable != nil {
			return err
		}
	}
	delete(call.args, confirms) // what is to be confirmed is asked anew
	delete(call.args, ends)
	delete(call.args, yes.Name)
	j.become(call, "")
	j.retries, j.subject = old, nil
	j.tried()
	return j.linked(ctx)
}

// outcomeWait is how long a command about another one waits for that one's outcome.
const outcomeWait = 5 * time.Second

// nothingToChange says why an entry can be neither undone nor extended; nil: it can, as far as its outcome tells. what is "nothing to undo".
func (j *job) nothingToChange(old journal.Entry, what Text) Prose {
	v := values{"number": old.Number, "what": what.In(j.language), "outcome": howEnded(old).In(j.language)}
	switch {
	case !old.Write:
		return j.say(Text{"#{number} has changed nothing, so there is {what}.", "#{number} 没有做任何更改，因此{what}。"}, v)
	case old.Outcome == journal.Running:
		return j.say(Text{"#{number} is still under way. Nothing was done; try again in a moment.", "#{number} 仍在执行中。没有执行；请稍后再试。"}, v)
	case leaves(old):
		return j.say(Text{
			"Whether #{number} was carried out is not known, and it was not repeated. Nothing was done now; {retry} does it again.",
			"#{number} 是否执行过未知，之后也没有重复执行。这次没有执行；可用 {retry} 重新执行。"}, v, values{"retry": typeable("retry " + formatNumber(old.Number))})
	case old.Outcome != journal.Done && old.Outcome != journal.Unknown:
		return j.say(Text{"#{number} ended as: {outcome}. It has changed nothing, so there is {what}.", "#{number} 的结果是：{outcome}。它没有做任何更改，因此{what}。"}, v)
	}
	return nil
}

// isMine tells whether the job's person has given the command of e.
func (j *job) isMine(e journal.Entry) bool {
	return e.Platform == string(j.who.Platform) && e.Person == j.who.ID()
}

// changes are the names of the commands that change something.
func changes(table []Command) (list []string) {
	for _, c := range table {
		if c.Write {
			list = append(list, c.Name)
		}
	}
	return list
}

// extend becomes the command of the entry, for so much longer.
func extend(ctx context.Context, j *job) error {
	more := j.args["duration"]
	old, call, err := j.old(ctx, j.args["number"].Number)
	if old == nil || err != nil {
		return err
	}
	if j.unable = j.nothingToChange(*old, Text{"nothing to extend", "没有可延长的内容"}); j.unable != nil {
		return nil
	}
	kind := kindOf(call.Command.Name)
	if kind.set == kind.off && old.Outcome == journal.Unknown {
		j.unable = j.say(Text{
			"Whether #{number} took effect is not known, and NetEase does not show timers. Nothing was done; {retry} sets it again.",
			"#{number} 是否生效未知，网易云信也不提供定时关闭的查询。没有执行；可用 {retry} 重新设置。"},
			values{"number": old.Number, "retry": typeable("retry " + formatNumber(old.Number))})
		j.offers = j.retryOf(old.Number)
		return nil
	}
	lasts := call.args["duration"].Length > 0 || kind.set == kind.off
	if kind.ends(call) || !lasts {
		j.unable = j.say(Text{
			"#{number} has no end that could be put off. Only mutes, timed room mutes and delayed closes can be extended.",
			"#{number} 没有可以推迟的结束时间。只有禁言、限时整体禁言和定时关闭可以延长。"}, values{"number": old.Number})
		return nil
	}
	longer := Call{Command: call.Command, args: map[string]Value{}}
	for _, name := range []string{room.Name, "target", "policy", reason.Name, notify.Name} {
		if v, given := call.args[name]; given {
			longer.args[name] = v
		}
	}
	if kind.set == kind.off {
		longer.args["delay"] = more
		if more.Length > netease.MaxDelay {
			j.unable = j.tooLong(netease.MaxDelay)
			return nil
		}
	} else {
		longer.args["duration"] = more
	}
	j.become(longer, extends)
	return nil
}

func (j *job) tooLong(most time.Duration) Prose {
	return j.say(Text{
		"That would last longer than {most}, which is the limit. Nothing was done.",
		"延长后将超过上限 {most}。没有执行。"}, values{"most": most})
}

// confirm becomes the command that the bot has asked about.
func confirm(ctx context.Context, j *job) error {
	old, call, err := j.old(ctx, j.args["number"].Number)
	if old == nil || err != nil {
		return err
	}
	if kept, ok := keptOf(*old); ok && kept.Tone == Asks && !kept.Question {
		j.unable = j.say(Text{
			"#{number} leaves you a choice, which confirming does not answer. Nothing was done; use one of these lines.",
			"#{number} 需要从下列操作中选择，不能直接确认。没有执行。"}, values{"number": old.Number})
		j.offers = kept.Choices
		return nil
	}
	if !isQuestion(*old) {
		j.unable = j.say(Text{
			"#{number} asks for no confirmation. Nothing was done.",
			"#{number} 不是待确认的操作。没有执行。"}, values{"number": old.Number})
		return nil
	}
	closed, err := j.isClosed(ctx, *old)
	if err == nil && !closed { // otherwise that is what there is to be said
		call, err = j.anew(ctx, call)
	}
	if err != nil || j.unable != nil {
		return err
	}
	j.subject = old
	j.become(call, confirms)
	j.subject = nil
	return j.linked(ctx)
}

// cancel finds what is dropped.
func cancel(ctx context.Context, j *job) error {
	_, _, err := j.old(ctx, j.args["number"].Number)
	return err
}
