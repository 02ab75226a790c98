package commands

import (
	"cmp"
	"context"
	"maps"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// objectOther looks whether something else is in force on the target that the command would overwrite. By the journal first, and only then at NetEase.
func (j *job) objectOther(ctx context.Context) (ending, bool, error) {
	kind := kindOf(j.Command.Name)
	if kind.ends(j.Call) || j.args[undoes].Number != 0 || j.args[extends].Number != 0 {
		return ending{}, false, nil
	}
	other, err := j.standing(ctx, j.Command.Name, targetOf(j.entry), j.entry.Number)
	if other == nil || err != nil {
		return ending{}, false, err
	}
	muting, given := j.Command.Name == "mute", j.args[replace.Name].Number
	own := func() bool { return given == 0 && j.isMine(other.entry) && !j.shortens(*other) }
	if given == other.entry.Number || own() && !muting {
		if muting {
			if left, known := j.glance(ctx); known && left <= 0 {
				return ending{}, false, nil
			}
		}
		j.over = other
		return ending{}, false, nil
	}
	seen, err := j.sees(ctx, *other)
	if muting && seen.listed {
		j.saw(time.Until(seen.until))
		*other = j.fitting(ctx, *other, seen.until)
	}
	if err == nil && !seen.there {
		return ending{}, false, nil
	}
	if j.past.Tried && other.entry.Outcome == journal.Unknown && j.sameWork(other.entry, *j.retries) { // this is that once more
		return ending{}, false, nil
	}
	if given == other.entry.Number ||
		own() && (err != nil || !seen.listed || !time.Now().Add(j.asking()).Before(seen.until.Add(-slack))) { // nor does it shorten what somebody has set outside
		j.over = other
		return ending{}, false, nil
	}
	return j.already(*other, seen, err), true, nil
}

// A state is what NetEase shows of what the journal has in force.
type state struct {
	there  bool      // it may be
	listed bool      // NetEase has shown it
	until  time.Time // when it ends; zero: nobody knows
}

// sees looks at what the journal has in force.
func (j *job) sees(ctx context.Context, s standing) (state, error) {
	switch s.call.Command.Name {
	case "mute":
		left, listed, err := j.muteLeft(ctx)
		if err != nil || !listed {
			return state{there: true, until: s.until}, err
		}
		return state{there: left > 0, listed: true, until: time.Now().Add(left)}, nil
	case "muteroom":
		room, err := j.netease.Room(ctx, j.room)
		return state{there: room.Muted, listed: true, until: s.until}, err
	}
	room, err := j.netease.Room(ctx, j.room)
	return state{there: room.Open, until: s.until}, err
}

// shortens tells whether the command would end before what it overwrites.
func (j *job) shortens(s standing) bool {
	asked, delay := j.args["duration"].Length, j.args["delay"].Length
	switch policy, other := j.args["policy"].Word, s.call.args["policy"].Word; {
	case policy != other: // one throws people out, the other does not
		return false
	case policy == closeIdle:
		return delay < s.delay()
	case policy == closeFixed:
		return s.until.IsZero() || time.Now().Add(delay).Before(s.until.Add(-slack))
	case asked == 0:
		return false
	case s.until.IsZero():
		return true
	}
	return time.Now().Add(asked).Before(s.until.Add(-slack))
}

// already is the ending of a command that would overwrite something: whose that is, until when and why, and what can be done.
func (j *job) already(s standing, seen state, failed error) ending {
	number := s.entry.Number
	v := j.facts(values{"other": entryBy(s.entry), "number": number, "until": seen.until, "at": s.entry.At, "delay": s.delay()})
	if s.call.Command.Name == "delayclose" && !seen.until.IsZero() {
		v["until"] = roughly(seen.until, s.delay())
	}
	say, end := Text{
		"{target} is muted in room {place} already, by {other}, until {until} (#{number}).",
		"{target} 在聊天室 {place} 已被 {other} 禁言，至 {until}（#{number}）。"}, ending{tone: Asks}
	switch {
	case s.call.Command.Name == "muteroom" && seen.until.IsZero():
		say = Text{
			"Room {place} is muted already, by {other}, until somebody ends it (#{number}).",
			"聊天室 {place} 已由 {other} 整体禁言，直到有人解除（#{number}）。"}
	case s.call.Command.Name == "muteroom" && !seen.until.After(time.Now()):
		say = Text{
			"Room {place} is muted already, by {other}; its end at {until} is overdue (#{number}).",
			"聊天室 {place} 已由 {other} 整体禁言，应于 {until} 解除，已逾期（#{number}）。"}
	case s.call.Command.Name == "muteroom":
		say = Text{
			"Room {place} is muted already, by {other}, until {until} (#{number}).",
			"聊天室 {place} 已由 {other} 整体禁言，至 {until}（#{number}）。"}
	case s.call.args["policy"].Word == closeIdle:
		say = Text{
			"Room {place} is to close already once it has been empty for {delay}: set by {other} at {at} (#{number}). NetEase does not show timers.",
			"聊天室 {place} 已由 {other} 于 {at} 设置为连续无人 {delay}后关闭（#{number}）。网易云信不提供定时关闭的查询。"}
	case s.call.Command.Name == "delayclose" && !seen.until.IsZero():
		say = Text{
			"Room {place} is to close already at about {until}: set by {other} at {at} (#{number}). NetEase does not show timers.",
			"聊天室 {place} 已由 {other} 于 {at} 设置为约 {until} 关闭（#{number}）。网易云信不提供定时关闭的查询。"}
	case s.call.Command.Name == "delayclose":
		say = Text{
			"Room {place} may be about to close: how {other}'s timer of {at} ended is not known (#{number}), and NetEase does not show timers.",
			"聊天室 {place} 可能即将关闭：{other} 于 {at} 设置的定时关闭结果未知（#{number}），网易云信也不提供查询。"}
	case s.entry.Outcome == journal.Unknown && !seen.listed:
		say = Text{
			"{target} may be muted in room {place}, until about {until}: whether {other}'s mute took effect is not known (#{number}).",
			"{target} 在聊天室 {place} 可能已被禁言，约至 {until}：{other} 的禁言是否生效未知（#{number}）。"}
	}
	end.text = j.say(say, v)
	if given := j.args[replace.Name].Number; given != 0 {
		end.text = j.say(Text{"#{given} is not what is in force now.", "#{given} 不是当前生效的操作。"}, values{"given": given}).then(end.text)
	}
	if failed != nil {
		end.text = end.text.then(j.say(Text{"That is from the journal; NetEase could not be asked.", "以上来自操作记录，未能向网易云信查询。"}, nil))
	} else if s.call.Command.Name == "mute" && !seen.listed {
		end.text = end.text.then(j.say(Text{"That is from the journal; NetEase does not list the account now.", "以上来自操作记录，目前网易云信未列出该账号。"}, nil))
	}
	if s.longer != 0 && !seen.listed {
		end.text = end.text.then(j.say(Text{"Whether #{longer} made it last longer is not known.", "是否已被 #{longer} 延长未知。"}, values{"longer": s.longer}))
	}
	if s.entry.Reason != "" {
		end.fields = append(end.fields, j.field(Text{"Reason", "原因"}, Prose{}.add(j.language, s.entry.Reason)))
	}
	asked, most := cmp.Or(j.args["duration"].Length, j.args["delay"].Length), netease.MaxMute
	if s.call.Command.Name == "delayclose" {
		most = netease.MaxDelay
	}
	if j.args["duration"].Length > 0 && (seen.until.IsZero() || time.Now().Add(asked).Before(seen.until)) {
		end.text = end.text.then(j.say(Text{"Yours would end earlier.", "你的操作会提前结束它。"}, nil))
	}
	if s.call.Command.Name == "delayclose" && j.shortens(s) && (!s.until.IsZero() || s.call.args["policy"].Word == closeIdle) {
		end.text = end.text.then(j.say(Text{"Yours would close it earlier.", "你的操作会让它提前关闭。"}, nil))
	}
	left := time.Until(seen.until)
	if seen.until.IsZero() {
		left = s.delay()
	}
	if asked > 0 && s.last() && left+asked <= most && (!seen.until.IsZero() || s.call.args["policy"].Word == closeIdle) {
		end.choices = append(end.choices, Choice{
			Label: j.say(Text{"+{for}", "+{for}"}, values{"for": asked}).String(), Line: "extend " + formatNumber(number) + " " + compact(asked)})
	}
	mine := *j
	mine.Call = Call{Command: j.Command, args: maps.Clone(j.args)}
	mine.args[replace.Name] = Value{Number: number}
	end.choices = append(end.choices, Choice{Label: Text{"Replace it", "替换"}.In(j.language), Line: mine.bare()})
	sure := !j.repeated || s.call.Command.Name == "mute" && seen.listed && seen.until.Sub(s.until).Abs() <= endsAlike
	if !sure { // another process may have seen it ended, and gone on
		end.tone, end.leave = Unknown, true
		end.text = j.say(sayInterrupted, nil).then(end.text).then(j.say(sayNotRepeated, nil))
		return end
	}
	end.text = end.text.then(j.say(Text{"Nothing was done.", "没有执行。"}, nil))
	end.choices = append(end.choices, Choice{Label: Text{"Leave it", "保持不变"}.In(j.language), Line: "cancel " + formatNumber(j.entry.Number)})
	return end
}
