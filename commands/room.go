package commands

import (
	"context"
	"errors"
	"slices"
	"time"

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
	muted, err := j.mutedHere(ctx)
	if err != nil {
		end.text = end.text.below(j.say(Text{"Who is muted by this bot could not be found out.", "未能查到由本机器人禁言的成员。"}, nil)).then(j.report(err).what)
		return end
	}
	label := Text{"Muted by this bot", "由本机器人禁言"}
	if len(muted) == 0 {
		end.fields = append(end.fields, j.field(label, j.say(Text{"nobody", "无"}, nil)))
	}
	for i, m := range muted {
		if i == shownMutes {
			end.fields = append(end.fields, j.field(label, j.say(Text{"and {n} more", "另有 {n} 人"}, values{"n": len(muted) - i})))
			break
		}
		end.fields = append(end.fields, j.field(label, m))
	}
	return end
}

// mutedHere are the members of the room whose last mute by this bot still runs, in the order of its end. What the journal knows
// is checked with NetEase: somebody else may have ended or replaced a mute. Whom NetEase does not list is marked.
func (j *job) mutedHere(ctx context.Context) ([]Prose, error) {
	now := time.Now()
	last, err := j.lastMutes(ctx, now)
	if err != nil {
		j.log.Error("journal: list", "err", err)
		return nil, errJournal
	}
	var accounts []netease.AccID
	for _, e := range last {
		accounts = append(accounts, netease.AccID(e.Target))
	}
	slices.SortStableFunc(last, func(a, b journal.Entry) int { return a.Until.Compare(b.Until) })
	left := map[netease.AccID]netease.Member{}
	for batch := range slices.Chunk(accounts, netease.MaxQueryMembers) {
		members, err := j.netease.Members(ctx, j.room, batch)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			left[m.AccID] = m
		}
	}
	var out []Prose
	for _, e := range last {
		m, listed := left[netease.AccID(e.Target)]
		if listed && m.TempMute == 0 {
			continue // ended by somebody else, or never done
		}
		v := values{"target": id(e.Target), "until": e.Until, "by": entryBy(e), "number": int(e.Number)}
		say := Text{"{target} until {until}, by {by} (#{number})", "{target}，至 {until}，操作人 {by}（#{number}）"}
		switch {
		case listed:
			v["until"] = now.Add(m.TempMute)
		case e.Outcome != journal.Done:
			say = Text{
				"{target}: how #{number} by {by} ended is not known, and NetEase does not list the account now",
				"{target}：{by} 的 #{number} 结果未知，目前网易云信未列出该账号"}
		default:
			say = Text{
				"{target} until {until}, by {by} (#{number}); not in the room now",
				"{target}，至 {until}，操作人 {by}（#{number}）；目前不在房间内"}
		}
		out = append(out, j.say(say, v))
	}
	return out, nil
}

// lastMutes are the mutes of the room that may be in force by the journal: for each account the newest mute that has not ended and was not
// taken back since. Where a mute's outcome is not known it may be in force, where an unmute's is not known, the mute before it.
func (j *job) lastMutes(ctx context.Context, now time.Time) ([]journal.Entry, error) {
	q := journal.Query{
		Room: int64(j.room), Commands: []string{"mute", "unmute"},
		Outcomes: []journal.Outcome{journal.Done, journal.NoChange, journal.Unknown, journal.Running},
		Since:    now.Add(-netease.MaxMute), Limit: 500,
	}
	var last []journal.Entry
	settled := map[string]bool{}
	for {
		entries, err := j.journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			open := e.Outcome == journal.Unknown || e.Outcome == journal.Running
			switch {
			case settled[e.Target], e.Command == "unmute" && open, e.Command == "mute" && e.Outcome == journal.NoChange:
				continue
			case e.Command == "mute" && (open || e.Until.After(now)):
				last = append(last, e)
			}
			settled[e.Target] = true
		}
		if len(entries) < q.Limit {
			return last, nil
		}
		q.Before = entries[len(entries)-1].Number
	}
}
