package commands

import (
	"context"
	"errors"

	"roomwarden/journal"
	"roomwarden/netease"
)

// shownMutes is how many muted members a room's answer lists.
const shownMutes = 20

func showRoom(ctx context.Context, j *job) ending {
	room, err := j.netease.Room(ctx, j.room)
	if err != nil {
		code, _ := errors.AsType[netease.Code](err)
		r := j.report(err)
		if netease.EffectOf(err) == netease.Unclear { // a read changes nothing, so its advice about repeating is not meant
			r.advice = j.say(Text{"Nothing was changed. Try again in a minute.", "未做任何更改，请稍后再试。"}, nil)
		}
		return ending{tone: Failed, text: r.whole(), code: code}
	}
	state := Text{"closed", "已关闭"}
	if room.Open && room.Muted {
		state = Text{"open; muted: only its creator and managers speak", "开启，整体禁言中，仅创建者和管理员可发言"}
	} else if room.Open {
		state = Text{"open; not muted as a whole", "开启，未整体禁言"}
	}
	end := ending{tone: Info, code: netease.CodeOK,
		text: j.say(Text{"Room {place}: {state}.", "聊天室 {place}：{state}。"}, j.facts(values{"state": state.In(j.language)})),
	}
	if room.Name != "" {
		end.fields = append(end.fields, j.field(Text{"Name in NetEase", "网易云信中的名称"}, Prose{}.add(j.language, shorten(room.Name))))
	}
	if room.Creator != "" {
		end.fields = append(end.fields, j.field(Text{"Creator", "创建者"}, Prose{}.add(j.language, id(room.Creator))))
	}
	if room.Online >= 0 {
		end.fields = append(end.fields, j.field(Text{"People online", "在线人数"}, Prose{}.add(j.language, room.Online)))
	}
	return j.withForce(ctx, end, room)
}

// withForce adds what is in force in the room by the journal, as far as NetEase does not show the contrary.
func (j *job) withForce(ctx context.Context, end ending, room netease.Room) ending {
	all, complete, err := j.inForce(ctx, journal.Query{Room: int64(j.room)})
	if err != nil {
		j.log.Error("journal: list", "err", err)
		end.text = end.text.below(j.say(Text{"What this bot has set here could not be found out.", "未能查到由本机器人设置的操作。"}, nil)).then(j.report(errJournal).what)
		return end
	}
	var mutes []standing
	for _, s := range all {
		l := lookedAt{standing: s, state: state{there: room.Open, until: s.until}}
		switch s.call.Command.Name {
		case "mute":
			mutes = append(mutes, s)
			continue
		case "muteroom":
			l.there, l.listed = room.Open && room.Muted, true
		}
		if l.there {
			end.fields = append(end.fields, Field{Label: "#" + formatNumber(s.entry.Number), Value: j.inWords(l, true)})
		}
	}
	label := j.field(Text{"Members muted by this bot", "由本机器人禁言的成员"}, nil).Label
	shown := 0
	for _, l := range j.look(ctx, mutes[:min(len(mutes), shownMutes)]) {
		if l.there || l.err != nil {
			shown++
			end.fields = append(end.fields, Field{Label: label, Value: j.inWords(l, false)})
		}
	}
	if more := len(mutes) - shownMutes; more > 0 {
		end.fields = append(end.fields, Field{Label: label, Value: j.say(Text{"and up to {n} more", "另有至多 {n} 人"}, values{"n": more})})
	} else if !complete {
		end.fields = append(end.fields, Field{Label: label, Value: j.say(Text{"perhaps others", "可能还有其他人"}, nil)})
	} else if shown == 0 {
		end.fields = append(end.fields, Field{Label: label, Value: j.say(Text{"nobody", "无"}, nil)})
	}
	return end
}
