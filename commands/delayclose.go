package commands

import (
	"cmp"
	"context"
	"slices"
	"time"

	"roomwarden/netease"
)

// roughly is a moment as exactly as NetEase keeps it: rooms close with small deviations.
func roughly(at time.Time, delay time.Duration) time.Time {
	if delay < 10*time.Minute {
		return at
	}
	return at.Round(time.Minute)
}

// checkDelay refuses a delay for a room that is not to close.
func checkDelay(c Call) *Mistake {
	delay, given := c.args["delay"]
	if !given || c.args["policy"].Word != closeOff {
		return nil
	}
	return &Mistake{Word: compact(delay.Length), say: Text{
		"off takes no delay, but {word} is given.",
		"off 表示取消定时关闭，不能再带时长 {word}。"}}
}

func delayClose(j *job) change {
	order := netease.UpdateDelayClosePolicy{RoomID: j.room}
	var say Text
	switch j.args["policy"].Word {
	case closeFixed:
		order.Policy = netease.CloseFixed
		say = Text{
			"Room {place} closes by itself in {for}, at about {until}, and throws out whoever is inside then. Setting it again restarts the countdown. By {by}.",
			"聊天室 {place} 将在 {for}后（约 {until}）自动关闭，届时仍在其中的人都会被移出。每次设置都会重新计时。操作人：{by}。"}
	case closeIdle:
		order.Policy = netease.CloseIdle
		say = Text{
			"Room {place} closes by itself once it has been empty for {for}: at about {until} if it is empty now and stays so, later if people are inside. Setting it again restarts the countdown. By {by}.",
			"聊天室 {place} 连续无人 {for}后将自动关闭：如果现在无人且一直无人，约在 {until} 关闭；有人时会推迟。每次设置都会重新计时。操作人：{by}。"}
	default:
		say = Text{
			"Room {place} no longer closes by itself. By {by}.",
			"聊天室 {place} 已取消定时关闭。操作人：{by}。"}
	}
	if order.Policy != netease.CloseOff {
		order.Delay = cmp.Or(j.total, j.args["delay"].Length, netease.MaxDelay)
	}
	plan := Text{
		"Room {place} will no longer close by itself.",
		"聊天室 {place} 将取消定时关闭。"}
	switch order.Policy {
	case netease.CloseFixed:
		plan = Text{
			"Room {place} will close by itself in {for}, at about {until}, and throw out whoever is inside then.",
			"聊天室 {place} 将在 {for}后（约 {until}）自动关闭，届时仍在其中的人都会被移出。"}
	case netease.CloseIdle:
		plan = Text{
			"Room {place} will close by itself once it has been empty for {for}.",
			"聊天室 {place} 将在连续无人 {for}后自动关闭。"}
	}
	unseen := Text{
		"Whether the timer of room {place} was set is not known, and NetEase offers no way to read timers. {retry} sets it again, which restarts the countdown.",
		"无法确定聊天室 {place} 的定时关闭是否设置成功，网易云信也不提供查询。可用 {retry} 再次设置，但会重新计时。"}
	if order.Policy == netease.CloseOff {
		unseen = Text{
			"Whether the timer of room {place} was cancelled is not known, and NetEase offers no way to read timers. {retry} cancels it again.",
			"无法确定聊天室 {place} 的定时关闭是否已取消，网易云信也不提供查询。可用 {retry} 再次取消。"}
	}
	var started time.Time
	return change{
		send: func(ctx context.Context) (err error) {
			order.RequestID, order.Repeated = j.entry.RequestID, j.repeated
			started, err = j.netease.UpdateDelayClosePolicy(ctx, order)
			return err
		},
		anyone: true,
		done: func() ending {
			end := ending{tone: Done, fields: j.why()}
			at := started.Add(order.Delay)
			if order.Policy == netease.CloseFixed {
				end.until = at
			}
			if order.Policy != netease.CloseOff {
				end.choices = slices.Concat(j.ending(sayCancelTimer, j.choice(Text{}, "delayclose", "policy="+closeOff)),
					j.longer(order.Delay, netease.MaxDelay, time.Hour), []Choice{j.status()})
			}
			end.text = j.say(say, j.facts(values{"for": order.Delay, "until": roughly(at, order.Delay)}))
			return end
		},
		plan:    plan,
		asked:   Text{"the timer of room {place}", "聊天室 {place} 的定时关闭"},
		already: Text{"The timer of room {place} was already set like this.", "聊天室 {place} 的定时关闭此前已是如此。"},
		unseen:  unseen,
	}
}
