package commands

import (
	"cmp"
	"context"
	"maps"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// endsAlike is how far the journal's end of a mute and NetEase's may be apart: the way there and back, and whole seconds.
const endsAlike = 5 * time.Second

// object tells what stands against a command whose turn has come: it is about something that is over, somebody has set another thing on its target, or it is to be
// confirmed first. newest is the newest earlier write on the target that had, or may have had, an effect. An error is the journal's. It notes in the
// job what the command needs to know of that.
func (d *Dispatcher) object(ctx context.Context, j *job, newest *journal.Entry) (end ending, stop bool, err error) {
	if end, stop, err = d.objectConfirm(ctx, j); stop || err != nil {
		return end, stop, err
	}
	if err = d.still(ctx, j); err != nil {
		return ending{}, false, err
	}
	if end, stop, err = j.objectLink(ctx); stop || err != nil {
		return end, stop, err
	}
	if newest != nil { // otherwise nothing is in force
		if end, stop, err = j.objectOther(ctx); stop || err != nil {
			return end, stop, err
		}
	}
	if j.asks() {
		return j.ask(ctx), true, nil
	}
	return ending{}, false, nil
}

// still forgets what was there before the first try where something has come since that changed it.
func (d *Dispatcher) still(ctx context.Context, j *job) error {
	if !j.past.Tried || j.retries == nil {
		return nil
	}
	later, err := d.sinceTried(ctx, j, *j.retries, func(e journal.Entry) bool { return j.sameWork(e, *j.retries) })
	if later != nil {
		j.past = past{}
	}
	return err
}

// objectLink looks whether what the command is to take back or extend is the last word on its target, by the journal, and still so, by NetEase.
func (j *job) objectLink(ctx context.Context) (ending, bool, error) {
	undoing, extending := j.args[undoes].Number != 0, j.args[extends].Number != 0
	if !undoing && !extending {
		return ending{}, false, nil
	}
	if j.subject == nil {
		return j.noEntry(j.args[undoes].Number + j.args[extends].Number), true, nil
	}
	for before := j.entry.Number; ; {
		later, err := j.changedSince(ctx, *j.subject, before)
		if err != nil {
			return ending{}, false, err
		}
		if later == nil {
			break
		}
		call, _ := j.parse(later.Effect)
		failed := call.args[ends].Number == j.subject.Number && later.Outcome != journal.Done // the bot tries to end it, and tries again
		tried := j.retries != nil && (j.retries.Number == later.Number || later.Outcome == journal.Unknown && j.sameWork(*later, *j.retries))
		if failed || tried {
			before = later.Number
			continue
		}
		return j.notLast(*later, call), true, nil
	}
	if undoing {
		return j.objectUndo(ctx)
	}
	return j.objectExtend(ctx)
}

// notLast is the ending of an undo or an extension where later came after the entry.
func (j *job) notLast(later journal.Entry, call Call) ending {
	undoing, number := j.args[undoes].Number != 0, j.subject.Number
	v := values{"number": number, "later": later.Number, "by": entryBy(later), "at": later.At, "line": id(shorten(j.lineOf(later)))}
	same := undoing && call.args[undoes].Number == number || !undoing && call.args[extends].Number == number
	switch {
	case same && later.Outcome != journal.Done:
		return ending{tone: Refused, choices: j.retryOf(later.Number), text: j.say(Text{
			"#{later} by {by} asked for the same, and how it ended is not known. Nothing was done now; {retry} tries it again.",
			"{by} 的 #{later} 要求过同样的操作，但结果未知。这次没有执行；可用 {retry} 重新执行。"}, v, values{"retry": typeable("retry " + formatNumber(later.Number))})}
	case same && undoing:
		return j.isSettled(later, j.say(Text{
			"#{number} is undone already, by {by} at {at} (#{later}).",
			"#{number} 已由 {by} 于 {at} 撤销（#{later}）。"}, v))
	case call.args[undoes].Number == number && later.Outcome == journal.Done:
		return j.isSettled(later, j.say(Text{
			"#{number} was undone by {by} at {at} (#{later}), so there is nothing to extend.",
			"#{number} 已由 {by} 于 {at} 撤销（#{later}），无法延长。"}, v))
	case same:
		return ending{tone: Refused, text: j.say(Text{
			"#{number} was extended already, by {by} at {at} (#{later}). Nothing was done.",
			"#{number} 已由 {by} 于 {at} 延长（#{later}）。没有执行。"}, v), choices: []Choice{
			{Label: Text{"Extend it once more", "再延长一次"}.In(j.language), Line: "extend " + formatNumber(later.Number) + " " + compact(j.more())}}}
	case call.args[ends].Number == number:
		return j.isSettled(later, j.say(Text{
			"#{number} is over: its time was up, and the bot ended it at {at} (#{later}).",
			"#{number} 已经结束：时间已到，机器人已于 {at} 解除（#{later}）。"}, v))
	}
	if call.args[ends].Number != 0 {
		v["by"] = Text{"the bot", "机器人"}.In(j.language)
	}
	end := ending{tone: Refused, text: j.say(Text{
		"#{number} is not the last word: {line} by {by} came after it, at {at} (#{later}). Nothing was done.",
		"#{number} 之后，{by} 于 {at} 又执行了 {line}（#{later}）。没有执行。"}, v)}
	if later.Outcome == journal.Unknown {
		end.text = end.text.then(j.say(Text{"How that ended is not known; {retry} tries it again.", "它的结果未知；可用 {retry} 重新执行。"},
			values{"retry": typeable("retry " + formatNumber(later.Number))}))
		end.choices = j.retryOf(later.Number)
	}
	switch ending := kindOf(call.Command.Name).ends(call); {
	case undoing && call.args[ends].Number == 0:
		end.text = end.text.then(j.say(Text{"Undo that one?", "要撤销那一条吗？"}, nil))
		end.choices = append(end.choices, Choice{Label: Text{"Undo that one", "撤销那一条"}.In(j.language), Line: "undo " + formatNumber(later.Number)})
		if kind := kindOf(later.Command); later.Command == kind.set && kind.set != kind.off && j.may(kind.off, later.Room) { // that may bring another one back
			row, _ := find(j.table, kind.off)
			off := Call{Command: row, args: map[string]Value{room.Name: {Room: netease.RoomID(later.Room)}}}
			if later.Target != "" {
				off.args["target"] = Value{Word: later.Target}
			}
			end.choices = append(end.choices, Choice{Label: Text{"End it", "直接解除"}.In(j.language), Line: off.String()})
		}
	case !undoing && !ending:
		end.choices = append(end.choices, Choice{
			Label: Text{"Extend that one", "延长那一条"}.In(j.language), Line: "extend " + formatNumber(later.Number) + " " + compact(j.more())})
	}
	return end
}

// isSettled is the ending of a command about what is over. by is what has ended it; zero: nothing here. Where that is but a moment ago the card tells of it
// already: others may have pressed the same button.
func (j *job) isSettled(by journal.Entry, text Prose) ending {
	return ending{tone: NoChange, settled: j.entry.At.Sub(by.At) > sameWithin, text: text, choices: j.remaining()}
}

// lineOf is the command of an entry as somebody could type it; of an undo, what it came to follows.
func (j *job) lineOf(e journal.Entry) string {
	c, err := j.parse(e.Effect)
	if err != nil {
		return cmp.Or(e.Line, e.Effect)
	}
	if n := c.args[extends].Number; n != 0 {
		return "extend " + formatNumber(n) + " " + compact(c.args["duration"].Length+c.args["delay"].Length)
	}
	undone := c.args[undoes].Number
	c.args = maps.Clone(c.args)
	for _, l := range links {
		delete(c.args, l.Name)
	}
	if undone != 0 {
		return "undo " + formatNumber(undone) + ": " + c.String()
	}
	return c.String()
}

// more is how much longer an extension is to last.
func (j *job) more() time.Duration { return j.args["duration"].Length + j.args["delay"].Length }

// objectUndo looks whether there is still something to take back.
func (j *job) objectUndo(ctx context.Context) (ending, bool, error) {
	old := *j.subject
	v := j.facts(values{"number": old.Number, "end": old.Until})
	if old.Command == "delayclose" {
		return j.objectClosed(ctx)
	}
	seen, err := j.Command.change(j).look(ctx)
	if err != nil {
		return j.notLooked(err), true, nil
	}
	kind := kindOf(old.Command)
	setting, had := j.Command.Name == kind.set, old.Command == kind.set // what the undo does, what was done
	muted := seen.so == isSo
	if kind.set == "mute" {
		muted = !seen.until.IsZero()
		if muted || seen.so != cannotTell {
			j.saw(time.Until(seen.until))
		}
	} else if !setting {
		muted = seen.so == isNotSo
	}
	unlisted := kind.set == "mute" && seen.so == cannotTell && seen.until.IsZero()
	switch {
	case !unlisted && muted != had: // it was ended, or muted again, outside the bot or by itself
		end := j.isSettled(journal.Entry{}, j.say(sayLooked, values{"seen": seen.words}).then(j.say(Text{
			"There is nothing left to undo of #{number}.", "#{number} 已没有可撤销的内容。"}, v)))
		end.seen, end.code = true, netease.CodeOK
		return end, true, nil
	case unlisted && had && old.Outcome == journal.Done && !old.Until.After(time.Now()):
		return j.isSettled(journal.Entry{}, j.say(Text{
			"#{number} ended by itself at {end}; there is nothing left to undo.",
			"#{number} 已于 {end} 自动结束，没有可撤销的内容。"}, v)), true, nil
	case kind.set == "mute" && had && old.Outcome == journal.Done && seen.until.After(old.Until.Add(time.Minute)):
		return ending{tone: Refused, text: j.say(sayLooked, values{"seen": seen.words}).then(j.say(Text{
			"That is not the mute of #{number}, which ends at {end}: it was set outside this bot. Nothing was done; {unmute} ends it.",
			"这不是 #{number} 的禁言（#{number} 至 {end}），而是在本机器人之外设置的。没有执行；可用 {unmute} 解除。"},
			v, values{"unmute": typeable("unmute room=" + formatRoom(j.room) + " target=" + Quote(old.Target))})),
			choices: []Choice{j.choice(sayUnmute, "unmute", "target="+Quote(old.Target))}}, true, nil
	}
	return ending{}, false, nil
}

// notLooked is the ending of a command that needs to know what is so, where NetEase does not tell.
func (j *job) notLooked(err error) ending {
	r := j.report(err)
	code, _ := codeOf(err)
	end := ending{tone: Failed, code: code, text: j.say(Text{
		"What is so in the room now could not be seen, so nothing was done.",
		"无法查询聊天室当前的状态，因此没有执行。"}, nil)}
	if j.repeated {
		end.tone, end.leave = Unknown, j.args[extends].Number != 0
		end.text = j.say(sayInterrupted, nil).then(j.say(sayLookFailed, nil)).then(j.say(sayNotRepeated, nil))
	}
	end.text = end.text.then(r.what).below(r.words)
	return end
}

// objectClosed looks whether the room of a timer is still open.
func (j *job) objectClosed(ctx context.Context) (ending, bool, error) {
	room, err := j.netease.Room(ctx, j.room)
	if err != nil {
		return j.notLooked(err), true, nil
	}
	if !room.Open {
		return ending{tone: Refused, text: j.say(Text{
			"Room {place} is closed already. Nothing was done.",
			"聊天室 {place} 已经关闭。没有执行。"}, j.facts())}, true, nil
	}
	return ending{}, false, nil
}

// bare is the command without links, as somebody may type it.
func (j *job) bare() string {
	c := Call{Command: j.Command, args: maps.Clone(j.args)}
	c.args[room.Name] = Value{Room: j.room}
	for _, l := range links {
		delete(c.args, l.Name)
	}
	delete(c.args, again.Name)
	delete(c.args, yes.Name)
	return c.String()
}

// objectExtend finds out how long the thing still lasts, which more is added to.
func (j *job) objectExtend(ctx context.Context) (ending, bool, error) {
	old, now := *j.subject, time.Now()
	call, err := j.parse(old.Effect)
	if err != nil {
		return j.noEntry(old.Number), true, nil
	}
	isOver := ending{tone: Refused, choices: []Choice{{Label: sayAnew.In(j.language), Line: j.bare()}}, text: j.say(Text{
		"#{number} is over, so there is nothing to extend. Nothing was done; {again} starts anew.",
		"#{number} 已经结束，无法延长。没有执行；可用 {again} 重新开始。"}, values{"number": old.Number, "again": typeable(j.bare())})}
	left, most := max(0, old.Until.Sub(now)), netease.MaxMute
	switch j.Command.Name {
	case "mute":
		seen, listed, err := j.muteLeft(ctx)
		switch {
		case err != nil:
			return j.notLooked(err), true, nil
		case listed:
			left = seen
			j.saw(left)
		}
		off := now.Add(left).Sub(old.Until)
		extended := (off-j.more()).Abs() < off.Abs() && (off-j.more()).Abs() <= Budget+inFlight
		if (j.repeated || j.retries != nil) && left > 0 && (extended || off.Abs() > endsAlike) { // perhaps it is done already
			v := j.facts(values{"until": now.Add(left)})
			if extended {
				return ending{tone: NoChange, code: netease.CodeOK, text: j.say(Text{
					"{target} is muted in room {place} until {until}, which is with the extension.",
					"{target} 在聊天室 {place} 被禁言至 {until}，已包含这次延长。"}, v)}, true, nil
			}
			return ending{tone: Unknown, until: now.Add(left), text: j.say(Text{
				"{target} is muted in room {place} until {until}. Whether that is with the extension cannot be told, so it was not repeated.",
				"{target} 在聊天室 {place} 被禁言至 {until}。无法确定是否已经延长，因此没有重复执行。"}, v)}, true, nil
		}
		if left <= 0 {
			return isOver, true, nil
		}
	case "muteroom":
		seen, err := j.netease.Room(ctx, j.room)
		switch {
		case err != nil:
			return j.notLooked(err), true, nil
		case !seen.Muted:
			return isOver, true, nil
		}
	default:
		most = netease.MaxDelay
		if end, stop, err := j.objectClosed(ctx); stop || err != nil {
			return end, stop, err
		}
		if old.Until.IsZero() { // once it is empty, or nobody knows since when
			left = standing{entry: old, call: call}.delay()
		}
	}
	j.total = wholeSeconds(left + j.more())
	if j.total > most {
		return ending{tone: Refused, text: j.tooLong(most)}, true, nil
	}
	return ending{}, false, nil
}

// wholeSeconds is what NetEase can be asked for, and not less.
func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}
