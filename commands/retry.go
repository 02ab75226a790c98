package commands

import (
	"context"
	"errors"

	"roomwarden/journal"
)

// resolve turns "retry 41" into the command of entry 41. Where there is none that could be done again the job stays a retry.
func (d *Dispatcher) resolve(ctx context.Context, j *job) error {
	if !j.Command.Repeats {
		return nil
	}
	old, err := d.Journal.Get(ctx, j.args["number"].Number)
	if errors.Is(err, journal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	call, err := Parse(old.Effect)
	if old.Effect == "" || err != nil || call.Command.Repeats { // what the bot has noted of itself, or an older version
		return nil
	}
	if v, given := j.args[again.Name]; given {
		call.args[again.Name] = v
	}
	j.Call, j.retries = call, &old
	return nil
}

// noEntry is the ending of a command about an entry that is not there, or not for this person.
func (j *job) noEntry(number int64) ending {
	if len(j.policy.Entries(j.who)) == 0 {
		return ending{tone: Refused, text: j.say(sayStranger, values{"id": id(j.who.ID())})}
	}
	return ending{tone: Refused, text: j.say(Text{
		"There is no entry #{number} that you could use here.",
		"没有你可以使用的记录 #{number}。"}, values{"number": number})}
}
