package commands

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// undoWithin is how old the last action of one's own may be that undo without a number takes back.
const undoWithin = 10 * time.Minute

// undo becomes the command that makes the target as it was before the entry.
func undo(ctx context.Context, j *job) error {
	number := j.args["number"].Number
	if _, given := j.args["number"]; !given {
		last, taken, err := j.myLast(ctx)
		if err != nil {
			return err
		}
		if taken != 0 {
			j.unable = j.say(Text{
				"The last thing you did was to undo #{number} (#{last}). Nothing was done; {undo} takes that back.",
				"你最后一次操作是撤销 #{number}（#{last}）。没有执行；可用 {undo} 恢复。"},
				values{"number": taken, "last": last.Number, "undo": typeable("undo " + formatNumber(last.Number))})
			j.offers = []Choice{{Label: sayUndoUndo.In(j.language), Line: "undo " + formatNumber(last.Number)}}
			return nil
		}
		if last != nil && last.Outcome == journal.Running {
			j.subject, j.unable = last, j.nothingToChange(*last, Text{})
			return nil
		}
		if last == nil {
			j.unable = j.say(Text{
				"You have done nothing in the last 10 minutes that could be undone. {undo} undoes an older entry.",
				"你在最近 10 分钟内没有可以撤销的操作。可用 {undo} 撤销更早的操作。"}, values{"undo": typeable("undo 41")})
			return nil
		}
		number = last.Number
	}
	old, call, err := j.old(ctx, number)
	if old == nil || err != nil {
		return err
	}
	if j.unable = j.nothingToChange(*old, Text{"nothing to undo", "没有可撤销的内容"}); j.unable != nil {
		return nil
	}
	back, err := j.takingBackOf(ctx, *old, call)
	if err != nil || j.unable != nil {
		return err
	}
	j.become(back, undoes)
	return nil
}

// takingBackOf is the command that takes old back, which call had done. Where there is none unable says so.
func (j *job) takingBackOf(ctx context.Context, old journal.Entry, call Call) (Call, error) {
	back, ok, err := j.inverse(ctx, old, call)
	if err != nil {
		return Call{}, err
	}
	if !ok {
		j.unable = j.say(Text{
			"#{number} cannot be undone: it has ended nothing that this bot had set and that would still last. Nothing was done.",
			"#{number} 无法撤销：它没有结束任何由本机器人设置且尚未到期的操作。没有执行。"}, values{"number": old.Number})
		return Call{}, nil
	}
	if v, given := call.args[notify.Name]; given && hasArg(back.Command, notify.Name) {
		back.args[notify.Name] = v
	}
	return back, nil
}

// anew is a call that is carried out later than it was given: one that takes something back brings back what is left of that by now.
func (j *job) anew(ctx context.Context, call Call) (Call, error) {
	number := call.args[undoes].Number
	if number == 0 {
		return call, nil
	}
	old, done, err := j.old(ctx, number)
	if old == nil || err != nil {
		return call, err
	}
	back, err := j.takingBackOf(ctx, *old, done)
	if err != nil || j.unable != nil {
		return call, err
	}
	back.args[undoes] = Value{Number: number}
	return back, nil
}

func hasArg(c Command, name string) bool { _, ok := c.arg(name); return ok }

// myLast is the newest thing the person has done within ten minutes; nil: nothing. When that was to take something back, taken is its number.
func (j *job) myLast(ctx context.Context) (last *journal.Entry, taken int64, err error) {
	q := journal.Query{
		By: j.who.ID(), Commands: changes(j.table), Outcomes: []journal.Outcome{journal.Running, journal.Done, journal.Unknown},
		Since: time.Now().Add(-undoWithin), Limit: 50,
	}
	for {
		entries, err := j.journal.List(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range entries {
			call, err := j.parse(e.Effect)
			if err != nil || !j.isMine(e) {
				continue
			}
			if e, err = j.settled(ctx, e); err != nil {
				return nil, 0, err
			}
			if e.Outcome != journal.Refused && e.Outcome != journal.Failed && e.Outcome != journal.NoChange {
				return &e, call.args[undoes].Number, nil
			}
		}
		if len(entries) < q.Limit {
			return nil, 0, nil
		}
		q.Before = entries[len(entries)-1].Number
	}
}

// inverse is the command that makes the target as it was before old: what it has ended or replaced is set again for the time it had left. It is false
// where that cannot be done. An error is the journal's.
func (j *job) inverse(ctx context.Context, old journal.Entry, call Call) (back Call, ok bool, err error) {
	target := map[string]Value{room.Name: {Room: netease.RoomID(old.Room)}}
	if old.Target != "" {
		target["target"] = Value{Word: old.Target}
	}
	kind := kindOf(call.Command.Name)
	ended := kind.ends(call) // it has ended something
	before, err := j.before(ctx, old, call)
	if err != nil {
		return Call{}, false, err
	}
	if before != nil {
		if args, ok := before.again(time.Now()); ok {
			maps.Copy(target, args)
			row, _ := find(j.table, kind.set)
			return Call{Command: row, args: target}, true, nil
		}
	}
	if ended {
		return Call{}, false, nil
	}
	row, _ := find(j.table, kind.off)
	if kind.set == kind.off {
		target["policy"] = Value{Word: closeOff}
	}
	return Call{Command: row, args: target}, true, nil
}

// before is what old has ended or replaced, nil when that was nothing: by what NetEase has shown at the time, and by the journal where it has shown nothing.
func (j *job) before(ctx context.Context, old journal.Entry, call Call) (*standing, error) {
	kept, _ := keptOf(old)
	if kept.Was != nil && kept.Was.IsZero() {
		return nil, nil
	}
	before, err := j.standing(ctx, call.Command.Name, targetOf(old), old.Number)
	if err != nil {
		return nil, err
	}
	replaced := cmp.Or(kept.Over, call.args[extends].Number, call.args[undoes].Number)
	if named := call.args[replace.Name].Number; replaced == 0 && before != nil && before.entry.Number == named { // a process died before it could keep that
		replaced = named
	}
	if replaced != 0 && (before == nil || before.entry.Number != replaced) { // something between them that may never have been carried out
		e, err := j.journal.Get(ctx, replaced)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return nil, err
		}
		s, says := j.weigh(e, time.Now())
		if before = nil; err == nil && says == saysLasts && thingOf(e) == thingOf(old) {
			before = &s
		}
	}
	switch {
	case kept.Was != nil && before == nil:
		return &standing{until: *kept.Was}, nil
	case kept.Was != nil:
		fits := j.fitting(ctx, *before, *kept.Was)
		fits.until = *kept.Was
		return &fits, nil
	case replaced == 0 && !kindOf(call.Command.Name).ends(call): // it has set something where nothing was
		return nil, nil
	}
	return before, nil
}
