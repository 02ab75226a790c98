package commands

import (
	"context"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// lookAfter is when a room is looked at again after a call without an answer, counted from the last byte sent. The first look is made at
// once.
var lookAfter = []time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 7 * time.Minute, 10 * time.Minute,
}

const (
	// What was sent may still arrive and take effect for so long; "it is not so" is no answer before.
	inFlight = time.Minute
	// maxLookers is how many effects may be looked at: when NetEase is away for long, more would only be in each other's way.
	maxLookers = 4096
	// lookTimeout bounds one look.
	lookTimeout = 10 * time.Second
	// slack is how far a remaining time may be off: NetEase tells whole seconds.
	slack = 2 * time.Second
)

// A looking is an effect that is not known, and what is known of it.
type looking struct {
	change
	doubt
}

// A doubt is why an effect is not known. The journal keeps it for a process that goes on looking.
type doubt struct {
	Doubtful bool         `json:"doubtful,omitempty"` // NetEase has refused, by a code that says little: netease.Doubtful. Else the effect is netease.Unclear
	Answered bool         `json:"answered,omitempty"` // NetEase has answered the only attempt
	Code     netease.Code `json:"code,omitempty"`     // its last code, 0 for none
	Sent     time.Time    `json:"sent"`               // when the first byte of the call may have been sent
	LastSent time.Time    `json:"last_sent"`          // and the last
}

// looked looks at once. Where that does not settle it the ending is Unknown, and looking goes on, unless its time is over already.
func (j *job) looked(ctx context.Context, l looking) ending {
	if l.look == nil {
		return ending{tone: Unknown, text: j.say(l.unseen, j.facts()), choices: j.retryChoices()}
	}
	end, settled := j.judge(ctx, l)
	if settled {
		return end
	}
	if j.args[ends].Number != 0 { // nobody waits for an answer, and it is tried again
		return end
	}
	say := sayCannotTell
	if time.Since(l.LastSent) < lookAfter[len(lookAfter)-1] {
		say, end.look = sayUnknown, &l
	}
	end.text = end.text.below(j.say(say, j.facts(values{"asked": j.say(l.asked, j.facts())})))
	if l.timed > 0 {
		end.text = end.text.then(j.say(Text{"If it did, the bot ends it at {until}.", "如已生效，机器人将于 {until} 解除。"}, values{"until": j.latest(l)}))
	}
	end.choices = j.retryChoices()
	return end
}

// judge looks, and tells what the sight says. The ending is Unknown where it settles nothing: it is so, but may have been so before; it is
// not so, but may still become so, or may have been so and be over; NetEase does not tell.
func (j *job) judge(ctx context.Context, l looking) (end ending, settled bool) {
	seen, err := l.look(ctx)
	if err != nil {
		why := j.report(err).what
		if why.String() == j.trouble.String() {
			return ending{tone: Unknown, until: j.latest(l), text: j.say(sayLookFailedToo, nil)}, false
		}
		return ending{tone: Unknown, until: j.latest(l), text: j.say(sayLookFailed, nil).then(why)}, false
	}
	text := j.say(sayLooked, values{"seen": seen.words})
	over := l.lasts > 0 && time.Since(l.Sent) >= l.lasts-slack // what it was to make so would have ended by itself
	switch {
	case seen.so == isSo && l.Doubtful: // NetEase has refused, so it was so before
		return ending{tone: NoChange, text: text}, true
	case seen.so == isSo:
		who := Text{"By {by}.", "操作人：{by}。"}
		if !seen.mine { // it is as it was to be; who made it so cannot be told
			who = Text{"Asked for by {by}.", "由 {by} 提出。"}
		}
		end := l.done()
		if j.args[ends].Number == 0 {
			text = text.then(j.say(who, j.facts()))
		}
		end.text, end.until, end.mine = j.framed(text), seen.until, seen.mine
		if end = j.timing(end, l.change); end.timer != nil {
			end.text = end.text.then(j.say(Text{"The bot ends it at {until}.", "机器人将于 {until} 解除。"}, values{"until": end.until}))
		}
		return end, true
	case seen.so == isNotSo && over:
	case seen.so == isNotSo && l.Doubtful: // NetEase has answered: nothing is under way any more
		return ending{tone: Failed, text: text}, true
	case seen.so == isNotSo && time.Since(l.LastSent) >= inFlight:
		return ending{tone: Failed, text: text.then(j.say(sayRetry, j.facts())), choices: j.retryChoices()}, true
	}
	return ending{tone: Unknown, until: j.latest(l), text: text}, false
}

// latest is when an effect that is not known would end, at the earliest; zero when it would not.
func (j *job) latest(l looking) time.Time {
	if l.lasts == 0 && l.timed == 0 {
		return time.Time{}
	}
	return l.Sent.Add(max(l.lasts, l.timed))
}

// lookOn looks again, at growing intervals, until the effect is known, a later command has come between, or ten minutes are over. It
// returns what the person is to hear then; ok is false when ctx has ended before. quiet tells that it is not worth another message.
func (d *Dispatcher) lookOn(ctx context.Context, j *job, l looking) (end ending, quiet, ok bool) {
	say := Text{"NetEase did not answer.", "网易云信没有响应。"}
	if l.Answered {
		say = Text{"NetEase's answer left it open.", "网易云信的响应没有说明结果。"}
	}
	if d.lookers.Add(1) > maxLookers {
		d.lookers.Add(-1)
		end := ending{tone: Unknown, until: j.latest(l), choices: j.retryChoices()}
		end.text = j.say(sayTooManyLooks, j.facts(values{"asked": j.say(l.asked, j.facts())}))
		return end, false, true
	}
	defer d.lookers.Add(-1)
	for i, after := range lookAfter {
		last := i == len(lookAfter)-1
		pause := time.Until(l.LastSent.Add(after))
		if pause < 0 && !last {
			continue
		}
		if !pauseFor(ctx, pause) {
			return ending{}, false, false
		}
		look, cancel := context.WithTimeout(ctx, lookTimeout)
		seen, settled := j.judge(look, l)
		cancel()
		if ctx.Err() != nil {
			return ending{}, false, false
		}
		// Asked after the look: what was seen may be the work of a later command.
		at := targetOf(j.entry)
		later, err := d.newest(ctx, journal.Query{On: &at, After: j.entry.Number, Outcomes: effective, Limit: 1})
		switch {
		case err == nil && later != nil && later.Outcome != journal.Running:
			return ending{tone: Unknown, until: j.latest(l), text: j.say(sayOvertakenLook, j.facts(values{
				"asked": j.say(l.asked, j.facts()), "later": later.Number, "line": id(shorten(j.lineOf(*later)))}))}, true, true
		case err != nil, later != nil:
			seen, settled = ending{tone: Unknown, until: j.latest(l)}, false
		}
		seen.text = j.say(say, nil).then(seen.text)
		if settled {
			return seen, false, true
		}
		end = seen
	}
	end.text = end.text.below(j.say(sayUnknownForGood, j.facts(values{"asked": j.say(l.asked, j.facts())})))
	end.choices = j.retryChoices()
	return end, false, true
}

// learn tells the job what the process before it knew of its call.
func (j *job) learn(d doubt) { j.sent, j.lastSent = d.Sent, d.LastSent }

// fits tells whether a mute that ends at until can be the one that was asked for asked: it was set between the first byte sent and a
// minute after the last one, and it is not an earlier mute's end.
func (j *job) fits(ctx context.Context, until time.Time, asked time.Duration) (bool, error) {
	latest := j.lastSent.Add(inFlight)
	if now := time.Now(); now.Before(latest) {
		latest = now
	}
	if until.Before(j.sent.Add(asked-slack)) || until.After(latest.Add(asked+slack)) {
		return false, nil
	}
	at := targetOf(j.entry)
	earlier, err := j.journal.List(ctx, journal.Query{
		On: &at, Before: j.entry.Number, Commands: []string{"mute", "unmute"}, Outcomes: []journal.Outcome{journal.Done, journal.Unknown}, Limit: 20,
	})
	if err != nil {
		j.log.Error("journal: list", "err", err)
		return false, errJournal
	}
	for _, e := range earlier {
		if e.Command == "unmute" {
			if e.Outcome == journal.Done { // what was before it is over
				break
			}
			continue
		}
		latest := e.Until.Add(slack)
		if e.Outcome == journal.Unknown {
			latest = latest.Add(Budget + inFlight) // when it was set is not known
		}
		if !until.Before(e.Until.Add(-slack)) && !until.After(latest) {
			return false, nil
		}
		if e.Outcome == journal.Done { // it has taken the place of those before it
			break
		}
	}
	return true, nil
}
