package commands

import (
	"context"

	"roomwarden/netease"
)

func muteRoom(j *job) change {
	return silence(j, true, change{
		done: func() ending {
			return ending{tone: Done, fields: j.why(), text: j.say(Text{
				"Room {place} is muted: only its creator and managers can speak, until somebody ends it. By {by}.",
				"聊天室 {place} 已整体禁言：只有创建者和管理员能发言，直到有人解除。操作人：{by}。",
			}, j.facts()),
				choices: []Choice{j.choice(Text{"Unmute room", "解除整体禁言"}, "unmuteroom")},
			}
		},
		asked:   Text{"the mute of room {place}", "聊天室 {place} 的整体禁言"},
		already: Text{"Room {place} was muted already.", "聊天室 {place} 此前已经整体禁言。"},
	})
}

func unmuteRoom(j *job) change {
	return silence(j, false, change{
		done: func() ending {
			return ending{tone: Done, fields: j.why(), text: j.say(Text{
				"Room {place} is no longer muted as a whole. Members muted individually stay muted. By {by}.",
				"聊天室 {place} 已解除整体禁言，被单独禁言的成员不受影响。操作人：{by}。",
			}, j.facts())}
		},
		asked:   Text{"the end of the mute of room {place}", "解除聊天室 {place} 的整体禁言"},
		already: Text{"Room {place} was not muted.", "聊天室 {place} 此前没有整体禁言。"},
	})
}

func silence(j *job, mute bool, c change) change {
	c.look = func(ctx context.Context) (sight, error) {
		room, err := j.netease.Room(ctx, j.room)
		if err != nil {
			return sight{}, err
		}
		s := sight{so: isNotSo}
		if room.Muted == mute {
			s.so = isSo
		}
		if room.Muted {
			s.words = j.say(Text{"Room {place} is muted.", "聊天室 {place} 处于整体禁言状态。"}, j.facts())
		} else {
			s.words = j.say(Text{"Room {place} is not muted.", "聊天室 {place} 没有整体禁言。"}, j.facts())
		}
		return s, nil
	}
	c.send = func(ctx context.Context) error {
		return j.netease.MuteRoom(ctx, netease.MuteRoom{
			RoomID: j.room, Operator: j.operator, Mute: mute,
			Quiet: j.quiet(), NotifyExt: j.notifyExt, RequestID: j.entry.RequestID, Repeated: j.repeated,
		})
	}
	return c
}
