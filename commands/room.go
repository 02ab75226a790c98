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
		return ending{tone: Failed, text: j.report(err).whole(), code: code}
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
		until := e.Until
		say := Text{"{target} until {until}, by {by} (#{number})", "{target}，至 {until}，操作人 {by}（#{number}）"}
		switch m, listed := left[netease.AccID(e.Target)]; {
		case listed && m.TempMute == 0:
			continue // ended by somebody else
		case listed:
			until = now.Add(m.TempMute)
		default:
			say = Text{
				"{target} until {until}, by {by} (#{number}); not in the room now",
				"{target}，至 {until}，操作人 {by}（#{number}）；目前不在房间内"}
		}
		out = append(out, j.say(say, values{"target": id(e.Target), "until": until, "by": entryBy(e), "number": int(e.Number)}))
	}
	return out, nil
}

// lastMutes are the mutes of the room that the journal takes to be in force: for each account the newest word, where that is a mute
// which has not ended.
func (j *job) lastMutes(ctx context.Context, now time.Time) ([]journal.Entry, error) {
	q := journal.Query{
		Room: int64(j.room), Commands: []string{"mute", "unmute"}, Outcomes: []journal.Outcome{journal.Done, journal.NoChange},
		Since: now.Add(-netease.MaxMute), Limit: 500,
	}
	var last []journal.Entry
	seen := map[string]bool{}
	for {
		entries, err := j.journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Command == "mute" && e.Outcome != journal.Done {
				continue // an older one is in force
			}
			if !seen[e.Target] && e.Command == "mute" && e.Until.After(now) {
				last = append(last, e)
			}
			seen[e.Target] = true
		}
		if len(entries) < q.Limit {
			return last, nil
		}
		q.Before = entries[len(entries)-1].Number
	}
}
