package commands

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

const (
	shownActive = 10  // on a page
	mostLooked  = 200 // for all pages up to the one that is shown
	// So many entries are read to find out what is in force: mutes that have not ended, and commands on whole rooms.
	mostMutes, mostOfRooms = 1000, 5000
	mostScans              = 4 // at once
	mostRunning            = 10
)

// active lists what is in force by the journal, in the rooms in which the person has the right. What NetEase shows is looked at, the rest is marked.
func active(ctx context.Context, j *job) ending {
	q := journal.Query{Room: int64(j.room)}
	if reach := j.policy.Reach(j.who, j.Command.Right); !reach.All {
		q.Rooms = append([]int64{}, reach.Rooms...) // not nil: no rooms is not all rooms
	}
	all, complete, err := j.inForce(ctx, q)
	if err != nil {
		j.log.Error("journal: list", "err", err)
		return ending{tone: Failed, text: j.report(errJournal).whole()}
	}
	if by := j.mentioned(j.args["by"].Word); by != "" {
		all = slices.DeleteFunc(all, func(s standing) bool { return !isBy(s.entry, by) })
	}
	page := int(min(max(1, j.args["page"].Number), 1<<20))
	there, gone, over, looked := j.there(ctx, all, page*shownActive)
	shown := soonest(there[min((page-1)*shownActive, len(there)):min(page*shownActive, len(there))])
	end := ending{tone: Info, text: j.say(Text{"In force: {n}, what ends first comes first.", "当前生效：{n} 项，最先结束的在前。"}, values{"n": len(all) - gone})}
	if looked < len(all) {
		end.text = j.say(Text{"In force: up to {n}, what ends first comes first.", "当前生效：至多 {n} 项，最先结束的在前。"}, values{"n": len(all) - gone})
	}
	switch who := j.args["by"].Word; {
	case len(all) == gone && strings.EqualFold(who, "me"):
		end.text = j.say(Text{"Nothing that you have set with this bot is in force.", "没有由你通过本机器人设置的、仍在生效的操作。"}, nil)
	case len(all) == gone:
		end.text = j.say(Text{"Nothing that this bot has set is in force.", "没有由本机器人设置的、仍在生效的操作。"}, nil)
		if who != "" {
			end.text = j.say(Text{"Nothing that {by} has set is in force. Is the name right?", "没有由 {by} 设置的、仍在生效的操作。请确认名称无误。"}, values{"by": id(who)})
		}
	case len(shown) == 0:
		end.text = end.text.then(j.say(Text{"There is no such page.", "没有这一页。"}, nil))
	default:
		end.text = end.text.then(j.say(Text{
			"{undo} takes one back, {extend} makes it last longer.",
			"{undo} 可撤销其中一项，{extend} 可延长。"}, values{"undo": typeable("undo N"), "extend": typeable("extend N 10m")}))
	}
	for _, l := range shown {
		end.fields = append(end.fields, Field{Label: "#" + formatNumber(l.entry.Number), Value: j.inWords(l, true)})
	}
	if over > 0 {
		end.text = end.text.then(j.say(Text{
			"Over, or ended outside this bot: {n}.", "另有 {n} 项已经结束，或已在本机器人之外被解除。"}, values{"n": over}))
	}
	if !complete {
		end.text = end.text.then(j.say(Text{"Only the newest entries of the journal were read; there may be more.", "只读取了较新的操作记录，可能还有更多。"}, nil))
	}
	end.choices = j.takingBack(shown)
	if last := (len(there) + shownActive - 1) / shownActive; page > 1 && last > 0 {
		end.choices = append(end.choices, j.turning(Text{"Previous", "上一页"}, min(page-1, last)))
	}
	switch {
	case len(there) > page*shownActive || looked < len(all) && looked < mostLooked:
		end.choices = append(end.choices, j.turning(Text{"More", "更多"}, page+1))
	case looked < len(all):
		end.text = end.text.then(j.say(Text{
			"Only the first {n} were looked at; name a room to see the others.", "只查看了最先结束的 {n} 项；指定聊天室可查看其余的。"}, values{"n": looked}))
	}
	return end
}

// soonest sorts what is in force by its end as NetEase shows it. Pages are made by the journal's before: that does not change from one page to the next.
func soonest(page []lookedAt) []lookedAt {
	slices.SortStableFunc(page, func(a, b lookedAt) int { return endsFirst(a.state.until, b.state.until) })
	return page
}

// there looks at what is in force by the journal until so many are found that are not seen to be over, but at no more than mostLooked. It returns
// those, how many are not in force, how many of these certainly were, and how many it has looked at.
func (j *job) there(ctx context.Context, all []standing, want int) (there []lookedAt, gone, over, looked int) {
	for some := range slices.Chunk(all, shownActive) {
		if len(there) >= want || looked >= mostLooked {
			break
		}
		for _, l := range j.look(ctx, some) {
			looked++
			if l.err == nil && !l.there {
				if gone++; l.entry.Outcome == journal.Done && l.doubt == 0 {
					over++
				}
				continue
			}
			there = append(there, l)
		}
	}
	return there, gone, over, looked
}

// isBy tells whether a person, as history's by names them, has given the command of an entry.
func isBy(e journal.Entry, by string) bool {
	return e.Person == by || strings.EqualFold(e.Name, by) || strings.EqualFold(e.Moderator, by)
}

// A gate lets few through at a time: what is in force takes thousands of entries to find out, which would fill the memory if many asked at once. The zero
// value is ready.
type gate struct {
	once  sync.Once
	slots chan struct{}
}

// enter waits until there is room; leave must be called after a nil error, which is ctx's.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	g.once.Do(func() { g.slots = make(chan struct{}, mostScans) })
	select {
	case g.slots <- struct{}{}:
		return func() { <-g.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inForce is what is in force by the journal in the rooms that q selects, what ends first before the rest; complete is false when there were too many entries to
// read all.
func (j *job) inForce(ctx context.Context, q journal.Query) (all []standing, complete bool, err error) {
	leave, err := j.scans.enter(ctx)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	running := q // what somebody has just done is there, though its outcome may be written some moments after its answer was read
	running.Commands, running.Outcomes, running.Limit = changes(j.table), []journal.Outcome{journal.Running}, mostRunning
	if _, err := j.newest(ctx, running); err != nil {
		return nil, false, err
	}
	now := time.Now()
	mutes := q
	mutes.Commands, mutes.Outcomes, mutes.Lasting, mutes.Limit = []string{"mute"}, []journal.Outcome{journal.Done, journal.Unknown}, now, mostMutes
	mutes.Since = now.Add(-netease.MaxMute - time.Hour)
	entries, err := j.journal.List(ctx, mutes)
	if err != nil {
		return nil, false, err
	}
	complete = len(entries) < mostMutes
	met := map[journal.Target]bool{}
	for _, e := range entries {
		at := targetOf(e)
		if met[at] {
			continue
		}
		met[at] = true
		s, err := j.standing(ctx, "mute", at, 0)
		if err != nil {
			return nil, false, err
		}
		if s != nil {
			all = append(all, *s)
		}
	}
	ofRooms, enough, err := j.inForceOnRooms(ctx, q, now)
	all = append(all, ofRooms...)
	slices.SortStableFunc(all, func(a, b standing) int { return endsFirst(a.until, b.until) })
	return all, complete && enough, err
}

// endsFirst compares two ends; what has none comes last.
func endsFirst(a, b time.Time) int {
	switch {
	case a.IsZero() && !b.IsZero():
		return 1
	case b.IsZero() && !a.IsZero():
		return -1
	}
	return a.Compare(b)
}

// inForceOnRooms are the silences and timers of whole rooms.
func (j *job) inForceOnRooms(ctx context.Context, q journal.Query, now time.Time) (all []standing, complete bool, err error) {
	settled, doubts := map[thing]bool{}, map[thing]int64{}
	q.Commands, q.Outcomes, q.Limit = []string{"muteroom", "unmuteroom", "delayclose"}, effective[1:], 500
	for range mostOfRooms / q.Limit {
		entries, err := j.journal.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, e := range entries {
			of := thingOf(e)
			s, v := j.weigh(e, now)
			if settled[of] || v == saysNothing {
				if e.Outcome == journal.Unknown {
					doubts[of] = cmp.Or(doubts[of], e.Number)
				}
				continue
			}
			s.doubt = doubts[of]
			if settled[of] = true; v == saysLasts {
				all = append(all, s)
			}
		}
		if len(entries) < q.Limit {
			return all, true, nil
		}
		q.Before = entries[len(entries)-1].Number
	}
	return all, false, nil
}

// A lookedAt is what is in force by the journal, and what NetEase shows of it.
type lookedAt struct {
	standing
	state
	err error // NetEase could not be asked
}

// look looks at NetEase for all of a list, with as few calls as there can be.
func (j *job) look(ctx context.Context, list []standing) []lookedAt {
	accounts := map[netease.RoomID][]netease.AccID{}
	var order []netease.RoomID
	for _, s := range list {
		if s.call.Command.Name == "mute" {
			at := netease.RoomID(s.entry.Room)
			if accounts[at] == nil {
				order = append(order, at)
			}
			accounts[at] = append(accounts[at], netease.AccID(s.entry.Target))
		}
	}
	type member struct {
		room netease.RoomID
		id   netease.AccID
	}
	left, failed := map[member]time.Duration{}, map[netease.RoomID]error{}
	for _, at := range order {
		for some := range slices.Chunk(accounts[at], netease.MaxQueryMembers) {
			members, err := j.netease.Members(ctx, at, some)
			if err != nil {
				j.log.Warn("netease", "err", err)
				failed[at] = err
			}
			for _, m := range members {
				left[member{at, m.AccID}] = m.TempMute
			}
		}
	}
	type answer struct {
		netease.Room
		err error
	}
	rooms := map[netease.RoomID]answer{}
	out := make([]lookedAt, len(list))
	for i, s := range list {
		at, l := netease.RoomID(s.entry.Room), lookedAt{standing: s, state: state{there: true, until: s.until}}
		if s.call.Command.Name == "mute" {
			if remains, listed := left[member{at, netease.AccID(s.entry.Target)}]; listed {
				l.state = state{there: remains > 0, listed: true, until: time.Now().Add(remains)}
				if l.there {
					l.standing = j.fitting(ctx, s, l.state.until)
				}
			} else {
				l.err = failed[at]
			}
			out[i] = l
			continue
		}
		a, asked := rooms[at]
		if !asked {
			a.Room, a.err = j.netease.Room(ctx, at)
			rooms[at] = a
		}
		switch l.err = a.err; {
		case a.err != nil:
			j.log.Warn("netease", "err", a.err)
		case s.call.Command.Name == "muteroom":
			l.there, l.listed = a.Open && a.Muted, true
		default:
			l.there = a.Open
		}
		out[i] = l
	}
	return out
}

// inWords is a line about what is in force: what, until when, by whom and why. where tells that the room is named.
func (j *job) inWords(l lookedAt, where bool) Prose {
	v := values{"target": id(l.entry.Target), "place": placeOf(j.policy, netease.RoomID(l.entry.Room)), "until": l.state.until, "by": entryBy(l.entry),
		"at": l.entry.At, "delay": l.delay(), "number": l.entry.Number, "doubt": l.doubt, "longer": l.longer}
	var say Text
	switch command := l.call.Command.Name; {
	case command == "mute" && where:
		say = Text{"{target} muted in room {place} until {until}, by {by}", "{target} 在聊天室 {place} 被禁言，至 {until}，操作人 {by}"}
	case command == "mute":
		say = Text{"{target} until {until}, by {by} (#{number})", "{target}，至 {until}，操作人 {by}（#{number}）"}
	case command == "muteroom" && l.state.until.IsZero():
		say = Text{"room {place} muted until somebody ends it, by {by} at {at}", "聊天室 {place} 整体禁言，直到有人解除，操作人 {by}，{at}"}
	case command == "muteroom" && !l.state.until.After(time.Now()):
		say = Text{"room {place} muted; its end at {until} is overdue, by {by}", "聊天室 {place} 整体禁言，应于 {until} 解除，已逾期，操作人 {by}"}
	case command == "muteroom":
		say = Text{"room {place} muted until {until}, by {by}", "聊天室 {place} 整体禁言，至 {until}，操作人 {by}"}
	case l.call.args["policy"].Word == closeIdle:
		say = Text{"room {place} closes once it has been empty for {delay}, by {by}", "聊天室 {place} 连续无人 {delay}后关闭，操作人 {by}"}
	case l.state.until.IsZero():
		say = Text{"room {place} closes by itself, when is not known, by {by}", "聊天室 {place} 将定时关闭，时间未知，操作人 {by}"}
	default:
		say = Text{"room {place} closes at about {until}, by {by}", "聊天室 {place} 约 {until} 关闭，操作人 {by}"}
	}
	if l.call.Command.Name == "delayclose" && !l.state.until.IsZero() {
		v["until"] = roughly(l.state.until, l.delay())
	}
	mark := Text{}
	switch {
	case l.entry.Outcome == journal.Unknown && !l.listed:
		mark = Text{"; whether it took effect is not known", "；是否生效未知"}
	case l.doubt != 0 && !l.listed:
		mark = Text{"; whether #{doubt} ended it is not known", "；是否已被 #{doubt} 结束未知"}
	case l.longer != 0 && !l.listed:
		mark = Text{"; whether #{longer} made it last longer is not known", "；是否已被 #{longer} 延长未知"}
	case l.call.Command.Name == "mute" && l.listed && l.longer == 0 && l.entry.Outcome == journal.Done && l.state.until.Sub(l.standing.until).Abs() > time.Minute:
		mark = Text{"; its end was changed outside this bot", "；结束时间已在本机器人之外被更改"}
	case l.err != nil:
		mark = Text{"; as of {at}, NetEase could not be asked", "；截至 {at} 的记录，未能向网易云信查询"}
	case l.call.Command.Name == "mute" && !l.listed:
		mark = Text{"; as of {at}, not in the room now", "；截至 {at} 的记录，目前不在聊天室内"}
	case l.call.Command.Name == "delayclose":
		mark = Text{"; as of {at}, NetEase does not show timers", "；截至 {at} 的记录，网易云信不提供定时关闭的查询"}
	}
	p := append(j.say(say, v), j.say(mark, v)...)
	if l.entry.Reason != "" { // last: where there is little room it is what can be cut
		p = append(p, j.say(Text{"; reason: {reason}", "；原因：{reason}"}, values{"reason": clip(plain(l.entry.Reason), 80)})...)
	}
	return p
}
