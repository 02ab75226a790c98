package commands

import (
	"strconv"

	"roomwarden/netease"
)

// choice is a next step: a command on a room and, where there is one, an account. It carries ids, never names: a name may
// mean another room by the time it is pressed.
func (j *job) choice(label Text, command string, room netease.RoomID, target netease.AccID) Choice {
	line := command + " room=" + formatRoom(room)
	if target != "" {
		line += " target=" + Quote(string(target))
	}
	return Choice{Label: label.In(j.language), Line: line}
}

func formatRoom(room netease.RoomID) string { return strconv.FormatInt(int64(room), 10) }

func formatNumber(number int64) string { return strconv.FormatInt(number, 10) }
