package commands

import (
	"context"
	"slices"
	"time"

	"roomwarden/netease"
)

func mute(j *job) change {
	plan := Text{"{target} will be muted in room {place} for {for}, until about {until}.", "{target} 将在聊天室 {place} 被禁言 {for}，约至 {until}。"}
	asked, noun := j.asking(), Text{"the mute of {target} in room {place}", "对 {target} 在聊天室 {place} 的禁言"}
	if j.args[extends].Number != 0 {
		noun = Text{"the extension of the mute of {target} in room {place}", "{target} 在聊天室 {place} 的禁言延长"}
		plan = Text{"{target} will stay muted in room {place} for another {for}, until about {until}.", "{target} 在聊天室 {place} 的禁言将再持续 {for}，约至 {until}。"}
	}
	return change{
		send: func(ctx context.Context) error {
			return j.netease.TemporaryMute(ctx, netease.TemporaryMute{
				RoomID: j.room, Operator: j.operator, Target: j.target(), For: asked,
				Quiet: j.quiet(), NotifyExt: j.notifyExt, RequestID: j.entry.RequestID, Repeated: j.repeated,
			})
		},
		lasts: asked,
		done: func() ending {
			until := time.Now().Add(asked)
			say := Text{
				"NetEase has accepted the mute: {target} is muted in room {place} for {for}, until {until}. By {by}.",
				"网易云信已接受禁言：{target} 在聊天室 {place} 被禁言 {for}，至 {until}。操作人：{by}。",
			}
			if j.args[extends].Number != 0 {
				say = Text{
					"NetEase has accepted it: the mute of {target} in room {place} (#{old}) lasts {more} longer, until {until}. By {by}.",
					"网易云信已接受：{target} 在聊天室 {place} 的禁言（#{old}）延长 {more}，至 {until}。操作人：{by}。"}
			}
			return ending{tone: Done, until: until, fields: j.why(),
				text:    j.say(say, j.facts(values{"for": asked, "until": until, "more": j.more(), "old": j.args[extends].Number})),
				choices: slices.Concat([]Choice{j.back()}, j.longer(asked, netease.MaxMute, 10*time.Minute, time.Hour), []Choice{j.status()}),
			}
		},
		plan:    plan,
		asked:   noun,
		already: Text{"{target} is muted in room {place} already.", "{target} 在聊天室 {place} 已经被禁言。"},
		look: func(ctx context.Context) (sight, error) {
			left, listed, err := j.muteLeft(ctx)
			if err != nil || !listed {
				return j.notListed(), err
			}
			if left == 0 {
				return sight{so: isNotSo, words: j.say(Text{"{target} is not muted in room {place}.", "{target} 在聊天室 {place} 没有被禁言。"}, j.facts())}, nil
			}
			until := time.Now().Add(left)
			s := sight{until: until, words: j.say(Text{
				"{target} is muted in room {place} for another {left}, until {until}.",
				"{target} 在聊天室 {place} 的禁言还剩 {left}，至 {until}。",
			}, j.facts(values{"left": left, "until": until}))}
			mine, err := j.fits(ctx, until, asked)
			if mine {
				s.so, s.mine = isSo, true
			}
			return s, err
		},
	}
}

// asking is how long the effect is to last. What an extension comes to is known when its turn has come; when another process may have carried it
// out before, it is what that one had to ask for.
func (j *job) asking() time.Duration {
	switch {
	case j.total > 0:
		return j.total
	case j.args[extends].Number != 0 && j.subject != nil && j.subject.Until.After(j.entry.At):
		return wholeSeconds(j.subject.Until.Sub(j.entry.At) + j.args["duration"].Length)
	}
	return j.args["duration"].Length
}

// back is the button that takes the command back.
func (j *job) back() Choice {
	label := sayUndo
	if j.args[undoes].Number != 0 { // pressed by mistake it would bring back what somebody has taken back
		label = sayUndoUndo
	}
	return Choice{Label: label.In(j.language), Line: "undo " + formatNumber(j.entry.Number)}
}

// The labels of buttons that end what was set.
var (
	sayUndo        = Text{"Undo", "撤销"}
	sayUndoUndo    = Text{"Undo the undo", "取消撤销"}
	sayUnmute      = Text{"Unmute", "解除禁言"}
	sayAnew        = Text{"Start anew", "重新开始"}
	sayUnmuteRoom  = Text{"Unmute room", "解除整体禁言"}
	sayCancelTimer = Text{"Cancel timer", "取消定时关闭"}
)

// ending are the buttons that end what the command has set. Taking the command back does so while nothing newer has come, and whoever presses it later
// reads by whom that was done; where it would bring something else back, there is Undo for that, and other is the line that ends it.
func (j *job) ending(label Text, other Choice) []Choice {
	back := j.back()
	if j.over != nil || j.args[extends].Number != 0 || j.args[undoes].Number != 0 {
		other.Label = label.In(j.language)
		return []Choice{other, back}
	}
	back.Label = label.In(j.language)
	return []Choice{back}
}

// longer are the buttons that extend an effect of a length, as far as that may be.
func (j *job) longer(length, most time.Duration, by ...time.Duration) (choices []Choice) {
	for _, more := range by {
		if length+more <= most {
			choices = append(choices, Choice{
				Label: j.say(Text{"+{for}", "+{for}"}, values{"for": more}).String(), Line: "extend " + formatNumber(j.entry.Number) + " " + compact(more)})
		}
	}
	return choices
}

// muteLeft asks NetEase how long the target is still muted. Who is neither online nor a fixed member is not listed, muted or not.
func (j *job) muteLeft(ctx context.Context) (left time.Duration, listed bool, err error) {
	members, err := j.netease.Members(ctx, j.room, []netease.AccID{j.target()})
	if err != nil {
		return 0, false, err
	}
	for _, m := range members {
		if m.AccID == j.target() {
			return m.TempMute, true, nil
		}
	}
	return 0, false, nil
}

func (j *job) notListed() sight {
	return sight{words: j.say(Text{
		"NetEase lists only people who are online or belong to the room, and {target} is not among them.",
		"网易云信只列出在线成员和固定成员，{target} 不在其中。"}, j.facts())}
}
