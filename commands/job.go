package commands

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// Chatrooms is what commands ask of NetEase; netease.Client does it.
type Chatrooms interface {
	TemporaryMute(context.Context, netease.TemporaryMute) error
	MuteRoom(context.Context, netease.MuteRoom) error
	UpdateDelayClosePolicy(context.Context, netease.UpdateDelayClosePolicy) (started time.Time, err error)
	Room(context.Context, netease.RoomID) (netease.Room, error)
	Members(context.Context, netease.RoomID, []netease.AccID) ([]netease.Member, error)
}

// A job is a command that may run: what was asked, by whom, and what it may use. Its arguments are checked already.
type job struct {
	Call
	who      permissions.Subject
	allowed  func(public bool) // Request.Allowed; nil: nobody wants to know
	language Language
	policy   *permissions.Policy
	table    []Command
	parse    func(effect string) (Call, error)
	ended    func(ctx context.Context, number int64) (journal.Entry, error) // waits for an outcome

	retries  *journal.Entry // the entry whose command this does again; nil: none
	subject  *journal.Entry // the entry that this takes back, extends or ends; nil: none
	asked    *journal.Entry // the question that this confirms; nil: none
	unable   Prose          // why a command about an entry cannot be carried out; nil: it can
	offers   []Choice       // what can be done instead
	over     *standing      // what this overwrites, knowingly; nil: nothing
	past     past           // what it takes the place of, for whoever takes it back
	question bool           // by the policy at its begin the bot asks before it carries this out
	total    time.Duration  // with an extension, how long it lasts from now on; 0: not known yet

	entry     journal.Entry // as it was begun; no number before that
	mine      bool          // this request began it
	grant     permissions.Grant
	room      netease.RoomID // of the room argument, 0 when there is none
	operator  netease.AccID  // the account that acts
	notifyExt string

	trouble        Prose     // what went wrong with the call, as the person reads it
	repeated       bool      // another process may have made the call before
	sent, lastSent time.Time // when the first byte of the call may have been sent, and the last

	netease Chatrooms
	journal journal.Store
	scans   *gate
	log     *slog.Logger // carries the journal number
}

// begun tells the job which entry it is.
func (j *job) begun(e journal.Entry) {
	j.entry, j.log = e, j.log.With("number", e.Number)
}

// An ending is what came of a job.
type ending struct {
	tone    Tone
	text    Prose
	fields  []Field
	choices []Choice
	code    netease.Code // NetEase's last code, 0 for none
	until   time.Time    // when the effect ends by itself
	evident bool         // whoever looks at NetEase later finds the same
	mine    bool         // a look has shown that only this call can have made it so

	seen     bool   // of NoChange: a look has shown it
	settled  bool   // of NoChange: what the command is about is over
	question bool   // of Asks: it can be confirmed
	leave    bool   // of Unknown: it may never have been sent, and what was in force before it counts
	timer    *timer // the bot ends the effect at until; nil: it does not

	look *looking // of Unknown: what goes on to find out more; nil: nothing
}

// say fills the places of a text; more are further values.
func (j *job) say(t Text, v values, more ...values) Prose {
	if len(more) > 0 {
		v = maps.Clone(v)
		for _, m := range more {
			maps.Copy(v, m)
		}
	}
	return say(j.language, t, v)
}

func (j *job) field(label Text, value Prose) Field {
	return Field{Label: label.In(j.language), Value: value}
}

// target is the account argument.
func (j *job) target() netease.AccID { return netease.AccID(j.args["target"].Word) }

// quiet tells that the room shall not be told.
func (j *job) quiet() bool {
	notify, given := j.args["notify"]
	return given && !notify.Yes
}

// place is the job's room as people know it.
func (j *job) place() Prose { return placeOf(j.policy, j.room) }

// by is who acts, as people know them: the name in the policy file, and their own where that is the name of a group.
func (j *job) by() string {
	if j.args[ends].Number != 0 {
		return Text{"the bot", "机器人"}.In(j.language)
	}
	if j.grant.Personal || j.who.Name == "" {
		return j.grant.Moderator
	}
	return j.grant.Moderator + " (" + j.who.Name + ")"
}

// noOperator is the ending of a command for which nobody can act.
func (j *job) noOperator() ending { return ending{tone: Refused, text: j.say(sayNoOperator, nil)} }

// why is the reason given, as a field; none when there is none.
func (j *job) why() []Field {
	if text := j.args[reason.Name].Word; text != "" {
		return []Field{j.field(Text{"Reason", "原因"}, Prose{}.add(j.language, text))}
	}
	return nil
}
