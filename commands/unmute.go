package commands

import (
	"context"
	"time"

	"roomwarden/netease"
)

func unmute(j *job) change {
	var found held
	return change{
		send: func(ctx context.Context) error {
			found = j.mayEnd(ctx)
			return j.netease.TemporaryMute(ctx, netease.TemporaryMute{
				RoomID: j.room, Operator: j.operator, Target: j.target(),
				Quiet: j.quiet(), NotifyExt: j.notifyExt, RequestID: j.entry.RequestID, Repeated: j.repeated,
			})
		},
		done: func() ending {
			say := Text{
				"The temporary mute of {target} in room {place} is lifted. A permanent mute, if there is one, stays. By {by}.",
				"已解除 {target} 在聊天室 {place} 的临时禁言；如有永久禁言，则仍然有效。操作人：{by}。",
			}
			switch found {
			case noneKnown:
				say = Text{
					"NetEase has accepted the unmute: {target} has no temporary mute in room {place} now, and had none that this bot knew of. A permanent mute, if there is one, stays. By {by}.",
					"网易云信已接受：{target} 在聊天室 {place} 现在没有临时禁言，据本机器人所知此前也没有；如有永久禁言，则仍然有效。操作人：{by}。",
				}
			case isOver:
				say = Text{
					"NetEase has accepted the unmute: {target} has no temporary mute in room {place} now, and had none before. A permanent mute, if there is one, stays. By {by}.",
					"网易云信已接受：{target} 在聊天室 {place} 现在没有临时禁言，此前也没有；如有永久禁言，则仍然有效。操作人：{by}。",
				}
			}
			return ending{tone: Done, fields: j.why(), text: j.say(say, j.facts())}
		},
		plan:    Text{"The temporary mute of {target} in room {place} will be lifted.", "{target} 在聊天室 {place} 的临时禁言将被解除。"},
		asked:   Text{"the unmute of {target} in room {place}", "解除 {target} 在聊天室 {place} 的禁言"},
		already: Text{"{target} has no temporary mute in room {place}.", "{target} 在聊天室 {place} 没有临时禁言。"},
		look: func(ctx context.Context) (sight, error) {
			left, listed, err := j.muteLeft(ctx)
			if err != nil || !listed {
				return j.notListed(), err
			}
			if left > 0 {
				return sight{so: isNotSo, until: time.Now().Add(left), words: j.say(Text{
					"{target} is still muted in room {place}, for another {left}.",
					"{target} 在聊天室 {place} 仍被禁言，还有 {left}。"}, j.facts(values{"left": left}))}, nil
			}
			return sight{so: isSo, words: j.say(Text{
				"{target} has no temporary mute in room {place}.",
				"{target} 在聊天室 {place} 没有临时禁言。"}, j.facts())}, nil
		},
	}
}

// A held is what an unmute may end.
type held int

const (
	mayBe     held = iota
	noneKnown      // the bot knows of no mute
	isOver         // the one that the bot knows of is over, as NetEase has shown
)

// mayEnd looks what an unmute may end: in the journal, and where there is something, at NetEase, too. NetEase accepts an unmute of nothing: what was meant
// for somebody else would read as if their mute were lifted.
func (j *job) mayEnd(ctx context.Context) held {
	if j.args[undoes].Number != 0 { // it was looked at
		return mayBe
	}
	asking, cancel := context.WithTimeout(ctx, glanceTime)
	defer cancel()
	s, err := j.standing(asking, "mute", targetOf(j.entry), j.entry.Number)
	switch {
	case err != nil:
		return mayBe
	case s == nil:
		return noneKnown
	}
	if left, known := j.glance(ctx); known && left <= 0 && j.retries == nil {
		return isOver
	}
	return mayBe
}
