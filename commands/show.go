package commands

import (
	"context"
	"errors"
	"slices"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// shownText is how many characters of an answer show repeats.
const shownText = 800

// show shows one entry, under the same rules as history: what someone may not see does not exist for them.
func show(ctx context.Context, j *job) ending {
	number := j.args["number"].Number
	e, err := j.journal.Get(ctx, number)
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		j.log.Error("journal: get", "err", err)
		return ending{tone: Failed, text: j.report(errJournal).whole()}
	}
	reach := j.policy.Reach(j.who, j.Command.Right)
	if err != nil || !reach.All && (e.Room == 0 || !reach.Has(e.Room)) {
		return j.noEntry(number)
	}
	end := ending{tone: Info, text: j.say(
		Text{"#{number} by {by}, {at}: {outcome}.", "#{number}，操作人 {by}，{at}：{outcome}。"},
		values{"number": number, "by": entryBy(e), "at": e.At, "outcome": howEnded(e).In(j.language)})}
	add := func(label Text, value any) {
		end.fields = append(end.fields, j.field(label, Prose{}.add(j.language, value)))
	}
	if e.Line != "" {
		add(Text{"Typed", "输入"}, id(shorten(e.Line)))
	}
	if line := j.lineOf(e); line != "" && line != e.Line {
		add(Text{"Understood as", "理解为"}, id(shorten(line)))
	}
	end.fields = append(end.fields, j.linksOf(ctx, e)...)
	if e.Room > 0 {
		add(Text{"Room", "聊天室"}, placeOf(j.policy, netease.RoomID(e.Room)))
	}
	if e.Text != "" {
		add(Text{"Answer", "回复"}, clip(plain(e.Text), shownText))
	}
	if e.Code != 0 {
		add(Text{"NetEase's code", "网易云信状态码"}, e.Code)
	}
	if e.Outcome == journal.Done && e.Until.After(e.At) {
		add(Text{"Until", "至"}, e.Until)
	}
	if e.Outcome != journal.Running {
		add(Text{"Took", "用时"}, e.Duration.Round(time.Millisecond).String())
		add(Text{"Answer given", "回复送达"}, deliveries[e.Delivery].In(j.language))
	}
	if e.Deliveries > 1 {
		add(Text{"Times delivered by the platform", "平台投递次数"}, e.Deliveries)
	}
	if e.Seal > 0 {
		add(Text{"Seal", "封存序号"}, e.Seal)
	}
	if e.Write && (e.Outcome == journal.Unknown || e.Outcome == journal.Failed || e.Outcome == journal.Refused) {
		end.choices = j.retryOf(number)
	}
	return end
}

// linksOf are the entries that e is about, and those that are about it.
func (j *job) linksOf(ctx context.Context, e journal.Entry) (fields []Field) {
	labels := []struct {
		link       string
		about, its Text
	}{
		{undoes, Text{"Undoes", "撤销"}, Text{"Undone by", "被撤销"}},
		{extends, Text{"Extends", "延长"}, Text{"Extended by", "被延长"}},
		{confirms, Text{"Confirms", "确认"}, Text{"Confirmed by", "被确认"}},
		{ends, Text{"Ends, its time being over", "到时解除"}, Text{"Ended in time by", "到时被解除"}},
		{replace.Name, Text{"Replaces", "替换"}, Text{"Replaced by", "被替换"}},
	}
	number := func(n int64) Prose { return Prose{}.words("#" + formatNumber(n)) }
	if call, err := j.parse(e.Effect); err == nil {
		for _, l := range labels {
			if n := call.args[l.link].Number; n != 0 {
				fields = append(fields, j.field(l.about, number(n)))
			}
		}
	}
	if !e.Write {
		return fields
	}
	at := targetOf(e)
	later, err := j.journal.List(ctx, journal.Query{On: &at, After: e.Number, Outcomes: []journal.Outcome{journal.Running, journal.Done, journal.Unknown}, Limit: 200})
	if err != nil {
		j.log.Error("journal: list", "err", err)
	}
	for _, other := range slices.Backward(later) {
		call, err := j.parse(other.Effect)
		for _, l := range labels {
			if err == nil && call.args[l.link].Number == e.Number {
				fields = append(fields, j.field(l.its, number(other.Number)))
			}
		}
	}
	return fields
}

// clip is s, cut to most characters.
func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// deliveries are what became of answers, in words.
var deliveries = map[journal.Delivery]Text{
	journal.Pending:     {"not yet", "尚未送达"},
	journal.Delivered:   {"yes", "已送达"},
	journal.Undelivered: {"no; it waits here", "未能送达，保存在这里"},
}
