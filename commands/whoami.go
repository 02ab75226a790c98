package commands

import (
	"context"

	"roomwarden/netease"
	"roomwarden/permissions"
)

func whoami(_ context.Context, j *job) ending {
	entries := j.policy.Entries(j.who)
	end := ending{tone: Info}
	end.fields = []Field{
		j.field(Text{"Your id", "你的 ID"}, Prose{}.add(j.language, id(j.who.ID()))),
		j.field(Text{"Platform", "平台"}, Prose{}.add(j.language, string(j.who.Platform))),
	}
	if len(entries) == 0 {
		end.text = j.say(sayStranger, values{"id": id(j.who.ID())}).then(j.unsure())
		return end
	}
	end.text = j.say(Text{"This is who you are to the bot, and what you may do.", "你的身份和权限："}, nil).then(j.unsure())
	for _, e := range entries {
		rooms, rights := j.rooms(e.Rooms), list(j.language, e.Rights)
		if e.AllRights {
			rights = j.say(Text{"all commands", "所有命令"}, nil)
		}
		value := j.say(Text{"{rights} in {rooms}", "{rights}；范围：{rooms}"}, values{"rights": rights, "rooms": rooms})
		if e.AccID != "" {
			value = append(value, j.say(Text{"; acts as {accid}", "；操作账号 {accid}"}, values{"accid": id(e.AccID)})...)
		}
		end.fields = append(end.fields, Field{Label: e.Moderator, Value: value})
	}
	return end
}

// unsure says that not all groups of the person are known; nothing where they are, or would make no difference.
func (j *job) unsure() Prose {
	if !j.who.Unsure {
		return nil
	}
	for _, e := range j.policy.Entries(j.who) {
		if e.AllRights && e.Rooms.All {
			return nil
		}
	}
	return j.say(sayUnsure, nil)
}

// rooms names the rooms somebody may act in.
func (j *job) rooms(r permissions.Reach) Prose {
	if r.All {
		return j.say(Text{"all rooms", "所有聊天室"}, nil)
	}
	places := make([]Prose, len(r.Rooms))
	for i, number := range r.Rooms {
		places[i] = placeOf(j.policy, netease.RoomID(number))
	}
	return list(j.language, places)
}
