package commands

import (
	"context"
	"time"

	"roomwarden/netease"
)

func muteRoom(j *job) change {
	length := j.asking()
	c := change{
		timed: length,
		done: func() ending {
			end := ending{tone: Done, fields: j.why(), choices: j.ending(sayUnmuteRoom, j.choice(Text{}, "unmuteroom"))}
			say, v := Text{
				"Room {place} is muted: only its creator and managers can speak, until somebody ends it. By {by}.",
				"聊天室 {place} 已整体禁言：只有创建者和管理员能发言，直到有人解除。操作人：{by}。",
			}, j.facts()
			if length > 0 {
				end.until = time.Now().Add(length)
				v["for"], v["until"] = length, end.until
				end.choices = append(end.choices, j.longer(length, netease.MaxMute, 10*time.Minute)...)
				say = Text{
					"Room {place} is muted for {for}, until {until}: only its creator and managers can speak. The bot ends it then. By {by}.",
					"聊天室 {place} 已整体禁言 {for}，至 {until}：期间只有创建者和管理员能发言，到时由机器人解除。操作人：{by}。"}
			}
			if j.args[extends].Number != 0 {
				v["more"], v["old"] = j.more(), j.args[extends].Number
				say = Text{
					"The mute of room {place} (#{old}) lasts {more} longer, until {until}. By {by}.",
					"聊天室 {place} 的整体禁言（#{old}）延长 {more}，至 {until}。操作人：{by}。"}
			}
			end.choices = append(end.choices, j.status())
			end.text = j.say(say, v)
			return end
		},
		plan: Text{
			"Room {place} will be muted: only its creator and managers will be able to speak, until somebody ends it.",
			"聊天室 {place} 将被整体禁言：只有创建者和管理员能发言，直到有人解除。"},
		asked:   Text{"the mute of room {place}", "聊天室 {place} 的整体禁言"},
		already: Text{"Room {place} was muted already.", "聊天室 {place} 此前已经整体禁言。"},
	}
	if length > 0 {
		c.plan = Text{
			"Room {place} will be muted for {for}, until about {until}: only its creator and managers will be able to speak.",
			"聊天室 {place} 将被整体禁言 {for}，约至 {until}：期间只有创建者和管理员能发言。"}
		if j.args[extends].Number != 0 {
			c.plan = Text{
				"Room {place} will stay muted for another {for}, until about {until}: only its creator and managers will be able to speak.",
				"聊天室 {place} 的整体禁言将再持续 {for}，约至 {until}：期间只有创建者和管理员能发言。"}
		}
		c.already = Text{
			"Room {place} was muted already, by nothing that the journal has in force, so the bot will not end it either.",
			"聊天室 {place} 此前已经整体禁言，操作记录中没有对应的生效操作，因此机器人到时也不会解除。"}
	}
	c.renews = j.args[undoes].Number != 0 || j.over != nil && (length > 0 || !j.over.until.IsZero())
	c = silence(j, true, c)
	if j.args[extends].Number != 0 { // it was just seen to be so, and only its end is new
		c.send = func(context.Context) error { return nil }
	}
	return c
}

func unmuteRoom(j *job) change {
	return silence(j, false, change{
		done: func() ending {
			return ending{tone: Done, fields: j.why(), text: j.say(Text{
				"Room {place} is no longer muted as a whole. Members muted individually stay muted. By {by}.",
				"聊天室 {place} 已解除整体禁言，被单独禁言的成员不受影响。操作人：{by}。",
			}, j.facts())}
		},
		plan: Text{
			"Room {place} will no longer be muted as a whole.",
			"聊天室 {place} 将解除整体禁言。"},
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
