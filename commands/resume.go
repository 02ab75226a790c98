package commands

import (
	"encoding/json"
	"maps"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// A resume is what the journal keeps of a request besides its entry, so that another process can take it up.
type resume struct {
	Who      permissions.Subject `json:"who"`
	Language Language            `json:"language"`
	Again    bool                `json:"again,omitempty"`   // again=yes was given
	Asks     bool                `json:"asks,omitempty"`    // the bot asks before it carries this out
	Retries  int64               `json:"retries,omitempty"` // the number of the entry that this one does again
}

func (j *job) resume() []byte {
	r := resume{Who: j.who, Language: j.language, Again: j.args[again.Name].Yes, Asks: j.question}
	if j.retries != nil {
		r.Retries = j.retries.Number
	}
	b, err := json.Marshal(r)
	if err != nil { // it holds strings only
		j.log.Error("a request cannot be kept", "err", err)
	}
	return b
}

// entryOf is what the journal is to know of a request.
func (j *job) entryOf(req Request, key string) journal.Entry {
	e := journal.Entry{
		Key: key, RequestID: netease.NewRequestID(), At: req.At,
		Platform: string(req.Who.Platform), Space: req.Who.Space, Channel: req.Where, Person: req.Who.ID(), Name: plain(req.Who.Name),
		Line: plain(req.Line), Effect: j.effect(), Command: j.Command.Name, Write: j.Command.Write,
		Room: int64(j.room), Target: j.args["target"].Word, Reason: j.args[reason.Name].Word,
		ReplyTo: string(req.ReplyTo), ReplyBy: req.ReplyBy,
	}
	if grant, err := j.policy.Allow(j.who, j.right(), int64(j.room)); err == nil {
		allowed := *j
		allowed.grant = grant
		j.question = allowed.asks()
	}
	e.Resume = j.resume()
	return e
}

// effect is the line as it was understood: every argument by its name, rooms by their ids, and without what does not change what is
// asked for. Parse reads it.
func (j *job) effect() string {
	c := Call{Command: j.Command, args: maps.Clone(j.args)}
	if j.room > 0 {
		c.args[room.Name] = Value{Room: j.room}
	}
	delete(c.args, again.Name)
	delete(c.args, yes.Name)
	return c.String()
}

// resumed is the job of an entry that another process has begun, or why it cannot be made.
func (d *Dispatcher) resumed(e journal.Entry) (*job, error) {
	var r resume
	if err := json.Unmarshal(e.Resume, &r); err != nil {
		return nil, err
	}
	call, err := understood(e.Effect)
	if err != nil {
		return nil, err
	}
	j := d.job(call, r.Who, r.Language)
	j.room = call.args[room.Name].Room
	if r.Again {
		j.args[again.Name] = Value{Yes: true}
	}
	j.question = r.Asks
	if r.Retries != 0 {
		j.retries = &journal.Entry{Number: r.Retries}
	}
	j.begun(e)
	return j, nil
}

// A keptAnswer is an answer as the journal keeps it.
type keptAnswer struct {
	Reply
	Doubt    *doubt `json:"doubt,omitempty"`    // the effect is looked at for another answer
	Timer    *timer `json:"timer,omitempty"`    // the bot ends the effect when its time is over
	Question bool   `json:"question,omitempty"` // it can be confirmed
	past

	Leave bool          `json:"leave,omitempty"` // of Unknown: it may never have been sent, and what was before it counts
	Total time.Duration `json:"total,omitempty"` // with an extension, what it came to
}

// A past is what a command has taken the place of, for whoever takes it back.
type past struct {
	Over  int64      `json:"over,omitempty"`  // the number of that, where it was done knowingly
	Was   *time.Time `json:"was,omitempty"`   // of a mute: when the one before it was to end, as NetEase has shown; zero: there was none; nil: nobody knows
	Tried bool       `json:"tried,omitempty"` // it does again what may have been done, and the rest is of the first try
}

// tried notes the past of a command that does another one again, if that may have had an effect: what was there before that is what was there before
// this, whatever NetEase shows now.
func (j *job) tried() {
	first, ok := keptOf(*j.retries)
	if ok && (first.Tried || j.retries.Outcome == journal.Unknown && !first.Leave) {
		j.past = first.past
		j.past.Tried = true
	}
}

func (j *job) kept(r Reply, end ending) []byte {
	kept := keptAnswer{Reply: r, Timer: end.timer, Question: end.question}
	kept.Total, kept.Leave = j.total, end.leave
	if kept.past = j.past; j.over != nil && !j.past.Tried {
		kept.Over = j.over.entry.Number
	}
	if end.look != nil {
		kept.Doubt = &end.look.doubt
	}
	b, err := json.Marshal(kept)
	if err != nil {
		j.log.Error("an answer cannot be kept", "err", err) // a redelivery will hear that there is no outcome
	}
	return b
}

// keptOf is the answer of an entry that has ended; ok is false when there is none.
func keptOf(e journal.Entry) (a keptAnswer, ok bool) {
	if e.Outcome == journal.Running || json.Unmarshal(e.Answer, &a) != nil {
		return keptAnswer{}, false
	}
	return a, true
}
