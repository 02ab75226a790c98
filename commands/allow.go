package commands

import (
	"errors"

	"roomwarden/netease"
	"roomwarden/permissions"
)

// authorize lets the job act with the rights of its person, or returns what they read when it may not.
func (d *Dispatcher) authorize(j *job) Prose {
	grant, denied := d.allow(j)
	if denied != nil && j.args[room.Name].Word != "" && !j.knowsRoom(int64(j.room)) {
		return denied.below(usageLine(j.language, j.Command))
	} else if denied != nil {
		return denied
	}
	j.grant = grant
	j.operator = netease.AccID(grant.AccID)
	if j.operator == "" {
		j.operator = d.Operator
	}
	j.notifyExt = d.NotifyExt.of(j)
	return nil
}

// nowhere is the room that a name leads to which no room has.
const nowhere = -1

// allow tells whether the person may do it, or what they read when not. What someone may not touch does not exist for them: a
// name that leads nowhere and one that leads to a room of others are refused in the same words.
func (d *Dispatcher) allow(j *job) (permissions.Grant, Prose) {
	named, right := j.args[room.Name].Word, j.right()
	number := int64(j.room)
	if named != "" && number == 0 {
		number = nowhere
	}
	grant, err := j.policy.Allow(j.who, right, number)
	if err == nil && number != nowhere {
		return grant, nil
	}
	denied := &permissions.Denied{Right: right}
	errors.As(err, &denied)
	var ask Prose
	if len(denied.Ask) > 0 {
		ask = j.say(sayAsk, values{"names": list(j.language, denied.Ask)})
	}
	if unsure := j.unsure(); unsure != nil {
		ask = unsure.then(ask)
	}
	switch {
	case denied.Stranger:
		return grant, j.say(sayNotYou, values{"right": id(right)}).then(j.say(sayStranger, values{"id": id(j.who.ID())})).then(ask)
	case named != "" && number != nowhere && j.knowsRoom(number):
		return grant, j.say(sayNotThere, values{"right": id(right), "room": id(named)}).then(ask)
	case named != "":
		near := nearest(named, visibleNames(j.policy, j.who, right))
		p := j.say(sayNoSuchRoom, values{"room": id(named), "right": id(right)})
		return grant, p.then(didYouMean(j.language, near)).then(ask)
	case j.room != 0:
		return grant, j.say(sayNotThere, values{"right": id(right), "room": id(formatRoom(j.room))}).then(ask)
	default:
		return grant, j.say(sayNotYou, values{"right": id(right)}).then(ask)
	}
}

// knowsRoom tells whether the person may do anything in a room, so that it exists for them.
func (j *job) knowsRoom(number int64) bool {
	if number <= 0 {
		return false
	}
	for _, e := range j.policy.Entries(j.who) {
		if e.Rooms.Has(number) {
			return true
		}
	}
	return false
}
