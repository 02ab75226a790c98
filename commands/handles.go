package commands

import (
	"maps"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// handles are the buttons of something in force, as far as the person may press them: first those that end it.
func (j *job) handles(l lookedAt) []Choice {
	command := l.call.Command.Name
	if !j.may(command, l.entry.Room) {
		return nil
	}
	own, choices := j.inPlaceOf(l), j.endings(l)
	left := time.Until(l.state.until)
	switch {
	case !l.last():
	case command == "delayclose" && l.state.until.IsZero(): // once it is empty
		choices = append(choices, own.longer(l.delay(), netease.MaxDelay, time.Hour)...)
	case command == "delayclose" && left > 0:
		choices = append(choices, own.longer(left, netease.MaxDelay, time.Hour)...)
	case left > 0 && command == "mute":
		choices = append(choices, own.longer(left, netease.MaxMute, 10*time.Minute, time.Hour)...)
	case left > 0 && command == "muteroom":
		choices = append(choices, own.longer(left, netease.MaxMute, 10*time.Minute)...)
	}
	return choices
}

// endings are the buttons that end something in force, as far as the person may press them.
func (j *job) endings(l lookedAt) []Choice {
	own, command := j.inPlaceOf(l), l.call.Command.Name
	last := func(all []Choice) []Choice { // what is not the last word can only be ended
		if !l.last() {
			all = all[:1]
		}
		return all
	}
	switch {
	case !j.may(command, l.entry.Room):
		return nil
	case command == "muteroom" && j.may("unmuteroom", l.entry.Room):
		return last(own.ending(sayUnmuteRoom, own.on("unmuteroom")))
	case command == "delayclose":
		return last(own.ending(sayCancelTimer, own.on("delayclose", "policy="+closeOff)))
	case !l.prolonged() && l.last(): // otherwise taking it back is refused
		end := own.back()
		end.Label = sayUndo.In(j.language) // also of what an undo has set again: here it is what ends it
		return []Choice{end}
	case command == "mute" && j.may("unmute", l.entry.Room):
		end := own.on("unmute", "target="+Quote(l.entry.Target))
		end.Label = sayUnmute.In(j.language)
		return []Choice{end}
	}
	return nil
}

// may tells whether the person may give a command in a room.
func (j *job) may(command string, room int64) bool {
	row, _ := find(j.table, command)
	_, err := j.policy.Allow(j.who, row.Right, room)
	return err == nil
}

// inPlaceOf is the job as if it were the one that has set what is in force.
func (j *job) inPlaceOf(l lookedAt) *job {
	own := *j
	own.entry, own.Call = l.entry, l.call
	if kept, _ := keptOf(l.entry); kept.Over != 0 || !l.last() {
		own.over = &standing{}
	}
	return &own
}

// prolonged tells of a mute that lasts longer than this bot has set it, so that it is another one.
func (l lookedAt) prolonged() bool {
	return l.listed && l.longer == 0 && l.entry.Outcome == journal.Done && l.call.Command.Name == "mute" && l.state.until.After(l.standing.until.Add(time.Minute))
}

// takingBack are the buttons that end what is shown, one for each that the person may end; the number says which.
func (j *job) takingBack(shown []lookedAt) (choices []Choice) {
	for _, l := range shown {
		if ends := j.endings(l); len(ends) > 0 {
			end := ends[0]
			end.Label += " #" + formatNumber(l.entry.Number)
			choices = append(choices, end)
		}
	}
	return choices
}

// turning is the button that shows another page of active.
func (j *job) turning(label Text, page int) Choice {
	to := Call{Command: j.Command, args: maps.Clone(j.args)}
	to.args["page"] = Value{Number: int64(page)}
	if by := to.args["by"].Word; by != "" {
		to.args["by"] = Value{Word: j.mentioned(by)} // who presses the button may be another "me"
	}
	if j.room > 0 {
		to.args[room.Name] = Value{Room: j.room}
	}
	return Choice{Label: label.In(j.language), Line: to.String()}
}
