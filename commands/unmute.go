package commands

import (
	"context"
	"time"

	"roomwarden/netease"
)

func unmute(j *job) change {
	unheld := false
	return change{
		send: func(ctx context.Context) error {
			unheld = j.unheld(ctx)
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
			if unheld {
				say = Text{
					"NetEase has accepted the unmute: {target} has no temporary mute in room {place} now, and had none that this bot knew of. A permanent mute, if there is one, stays. By {by}.",
					"网易云信已接受：{target} 在聊天室 {place} 现在没有临时禁言，据本机器人所知此前也没有；如有永久禁言，则仍然有效。操作人：{by}。",
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

// unheldTime is how long an unmute waits for the journal before NetEase is asked: it is good without.
const unheldTime = 300 * time.Millisecond

// unheld tells that the bot knew of no mute that an unmute could have ended. NetEase accepts that one, too: what was meant for somebody else would read
// as if their mute were lifted.
func (j *job) unheld(ctx context.Context) bool {
	if j.args[undoes].Number != 0 { // that was looked at
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, unheldTime)
	defer cancel()
	held, err := j.standing(ctx, "mute", targetOf(j.entry), j.entry.Number)
	return err == nil && held == nil
}
