package commands

import (
	"strconv"

	"roomwarden/netease"
	"roomwarden/permissions"
)

// placeOf is a room as people know it: its name, if the policy file has one, and its id.
func placeOf(policy *permissions.Policy, room netease.RoomID) Prose {
	number := Prose{{Code: formatRoom(room)}}
	name := policy.RoomName(int64(room))
	if name == "" {
		return number
	}
	return append(Prose{{Code: name}, {Text: " ("}}, append(number, Span{Text: ")"})...)
}

// visibleNames are the room names a person may know of: those of rooms in which they have the right.
func visibleNames(policy *permissions.Policy, who permissions.Subject, right permissions.Right) []string {
	reach := policy.Reach(who, right)
	var visible []string
	for _, name := range policy.RoomNames() {
		if number, ok := policy.Room(name); ok && reach.Has(number) {
			visible = append(visible, name)
		}
	}
	return visible
}

// choice is a next step: a command on the job's room. It carries ids, never names: a name may mean another room by the time
// it is pressed.
func (j *job) choice(label Text, command string, more ...string) Choice {
	line := command + " room=" + formatRoom(j.room)
	for _, word := range more {
		line += " " + word
	}
	return Choice{Label: label.In(j.language), Line: line}
}

// on is a command on the room of the job's entry, without a label.
func (j *job) on(command string, more ...string) Choice {
	of := *j
	of.room = netease.RoomID(j.entry.Room)
	return of.choice(Text{}, command, more...)
}

// status is the button that shows how the room is now.
func (j *job) status() Choice { return j.choice(Text{"Status", "状态"}, "room") }

func formatRoom(room netease.RoomID) string { return strconv.FormatInt(int64(room), 10) }

func formatNumber(number int64) string { return strconv.FormatInt(number, 10) }
