package commands

import (
	"cmp"
	"context"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// A kind is what commands set, change and end on a target: one such thing at a time.
type kind struct {
	set string // the command that sets it
	off string // the command that ends it; the same one where a choice does
}

var kinds = []kind{{set: "mute", off: "unmute"}, {set: "muteroom", off: "unmuteroom"}, {set: "delayclose", off: "delayclose"}}

// kindOf is the kind of a command that changes something.
func kindOf(command string) kind {
	for _, k := range kinds {
		if command == k.set || command == k.off {
			return k
		}
	}
	return kind{}
}

// ends tells whether a call ends what is in force.
func (k kind) ends(c Call) bool {
	if k.set == k.off {
		return c.args["policy"].Word == closeOff
	}
	return c.Command.Name == k.off
}

func (k kind) commands() []string { return []string{k.set, k.off} }

// A thing is what at most one of is in force: a mute of an account, a silence or a timer of a room.
type thing struct {
	journal.Target
	kind
}

func thingOf(e journal.Entry) thing { return thing{targetOf(e), kindOf(e.Command)} }

// A standing is a mute, a silence or a timer that is in force by the journal. What was set outside the bot is not seen.
type standing struct {
	entry  journal.Entry
	call   Call      // as it was understood
	until  time.Time // when it ends by itself, or the bot ends it, perhaps overdue; zero: nobody knows
	doubt  int64     // the number of a later command that may have ended it; 0: there is none
	longer int64     // the number of a later command that may have made it last longer; 0: there is none
}

// last tells whether no later command may have changed it.
func (s standing) last() bool { return s.doubt == 0 && s.longer == 0 }

// again is what else the command would have that sets it for the time it has left; false when there is none left.
func (s standing) again(now time.Time) (args map[string]Value, ok bool) {
	args = map[string]Value{}
	if why, given := s.call.args[reason.Name]; given {
		args[reason.Name] = why
	}
	left := s.until.Sub(now).Truncate(time.Second)
	if !s.until.IsZero() && left <= 0 {
		return nil, false
	}
	switch policy := s.call.args["policy"]; {
	case policy.Word == closeIdle:
		args["policy"], args["delay"] = policy, Value{Length: s.delay()}
	case policy.Word != "" && s.until.IsZero(): // whether it was set is not known, and so not when
		return nil, false
	case policy.Word != "":
		args["policy"], args["delay"] = policy, Value{Length: min(left, netease.MaxDelay)}
	case !s.until.IsZero():
		args["duration"] = Value{Length: min(left, netease.MaxMute)}
	}
	return args, true
}

// delay is how long the room must be empty before it closes, or until it does.
func (s standing) delay() time.Duration {
	kept, _ := keptOf(s.entry)
	return cmp.Or(kept.Total, s.call.args["delay"].Length, netease.MaxDelay)
}

// A verdict is what an entry says about what is in force.
type verdict int

const (
	saysNothing verdict = iota
	saysOver            // nothing is in force after it
	saysLasts           // what it set is, or may be
)

// weigh reads what an entry that may have had an effect says at a moment. Where a command that sets something has not been answered it may be in
// force; where one that ends something has not, what was before it may.
func (j *job) weigh(e journal.Entry, now time.Time) (standing, verdict) {
	call, err := j.parse(e.Effect)
	if err != nil { // of an older version
		if call, err = j.parse(e.Line); err != nil {
			return standing{}, saysNothing
		}
	}
	unknown := e.Outcome == journal.Unknown || e.Outcome == journal.Running
	s := standing{entry: e, call: call, until: e.Until}
	if length := call.args["duration"].Length; s.until.IsZero() && unknown && length > 0 && call.args[extends].Number == 0 {
		s.until = e.At.Add(length + Budget)
	}
	switch off := kindOf(call.Command.Name).ends(call); {
	case unknown && leaves(e), off && unknown, !off && e.Outcome == journal.NoChange, e.Outcome == journal.NoChange && e.Code == 0: // the last: NetEase was not asked
		return s, saysNothing
	case off:
		return s, saysOver
	case call.Command.Name == "muteroom": // the bot ends it
		return s, saysLasts
	case s.until.IsZero() && (unknown || call.Command.Name != "mute"), s.until.After(now):
		return s, saysLasts
	case unknown: // it may never have taken the place of what was before it
		return s, saysNothing
	}
	return s, saysOver
}

// leaves tells of an entry that may never have been sent, so that what was before it counts.
func leaves(e journal.Entry) bool {
	kept, ok := keptOf(e)
	return ok && e.Outcome == journal.Unknown && kept.Leave
}

// standing is what is in force on a target of the kind that a command is of, nil when nothing is. before, if not 0, leaves out entries of that
// number and up.
func (j *job) standing(ctx context.Context, command string, at journal.Target, before int64) (*standing, error) {
	now := time.Now()
	q := journal.Query{On: &at, Commands: kindOf(command).commands(), Outcomes: effective[1:], Before: before, Limit: 20}
	var maybe *standing // an extension that may not have been carried out
	for doubt := int64(0); ; {
		entries, err := j.journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			switch s, v := j.weigh(e, now); v {
			case saysLasts:
				s.doubt = doubt
				if e.Outcome == journal.Unknown && e.Command == "mute" && s.call.args[extends].Number != 0 {
					maybe = cmp.Or(maybe, &s)
					continue
				}
				if maybe != nil {
					s.longer = maybe.entry.Number
				}
				return &s, nil
			case saysOver:
				return maybe, nil
			}
			if e.Outcome == journal.Unknown {
				doubt = cmp.Or(doubt, e.Number)
			}
		}
		if len(entries) < q.Limit {
			return maybe, nil
		}
		q.Before = entries[len(entries)-1].Number
	}
}

// saw notes how long the target of the command is still muted, as NetEase has shown just before. What a command that is carried out once more shows may be its
// own work.
func (j *job) saw(left time.Duration) {
	switch {
	case j.repeated, j.past.Tried:
	case left <= 0:
		j.past.Was = &time.Time{}
	default:
		until := time.Now().Add(left)
		j.past.Was = &until
	}
}

// glanceTime is how long a glance may take: whoever waits for the command does without what it shows.
const glanceTime = 1500 * time.Millisecond

// glance looks how long the target of the command is still muted, and notes it for whoever takes the command back. It is false where that is not known.
func (j *job) glance(ctx context.Context) (left time.Duration, known bool) {
	if j.repeated { // it may have been carried out already
		return 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, glanceTime)
	defer cancel()
	left, listed, err := j.muteLeft(ctx)
	if err != nil || !listed {
		return 0, false
	}
	j.saw(left)
	return left, true
}

// fitting is the mute that ends when NetEase says: s, or, where nobody knows whether s took effect and its end does not fit, one before it.
func (j *job) fitting(ctx context.Context, s standing, until time.Time) standing {
	for e := s; ; {
		off, most := until.Sub(e.until), endsAlike
		if e.entry.Outcome == journal.Unknown {
			most = Budget + inFlight // when it was set is not known
		}
		if off.Abs() <= most {
			return e
		}
		if e.entry.Outcome != journal.Unknown {
			return s
		}
		earlier, err := j.standing(ctx, "mute", targetOf(e.entry), e.entry.Number)
		if err != nil {
			j.log.Error("journal: list", "err", err)
		}
		if err != nil || earlier == nil {
			return s
		}
		e = *earlier
	}
}

// changedSince is the newest entry that has, or may have, changed what e has set or ended, nil when e is that. before, if not 0, leaves out entries of
// that number and up.
func (j *job) changedSince(ctx context.Context, e journal.Entry, before int64) (*journal.Entry, error) {
	at := targetOf(e)
	list, err := j.journal.List(ctx, journal.Query{
		On: &at, Commands: kindOf(e.Command).commands(), Outcomes: []journal.Outcome{journal.Running, journal.Done, journal.Unknown},
		After: e.Number, Before: before, Limit: 50,
	})
	for _, later := range list {
		if !leaves(later) {
			return &later, nil
		}
	}
	return nil, err
}
