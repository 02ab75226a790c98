package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// confirmTime is how long a question can be confirmed, from when the command it asks about was received.
const confirmTime = 5 * time.Minute

// asks tells whether the bot asks before it carries the command out: where it hits a whole room for good, or the policy file says so.
func (j *job) asks() bool {
	if j.repeated { // by the policy of then: what was no question may have been sent
		return j.question
	}
	if !j.Command.Write || j.args[confirms].Number != 0 || j.args[ends].Number != 0 || j.args[yes.Name].Yes && j.grant.SkipConfirmation {
		return false
	}
	extending := j.args[extends].Number != 0
	return j.Command.Name == "muteroom" && j.args["duration"].Length == 0 ||
		j.args["policy"].Word == closeFixed && !extending ||
		j.policy.Confirms(j.Command.Right)
}

// ask is the question before a command that is to be confirmed: it tells what will happen.
func (j *job) ask(ctx context.Context) ending {
	end := ending{tone: Asks, question: true, text: j.say(j.Command.change(j).plan, j.facts(values{
		"for": j.lengthOf(), "until": roughly(time.Now().Add(j.lengthOf()), j.lengthOf())}))}
	switch {
	case j.args[undoes].Number != 0:
		end.text = end.text.then(j.say(Text{"That undoes #{number} by {other}.", "这将撤销 {other} 的 #{number}。"}, j.subjectFacts()))
	case j.args[extends].Number != 0:
		end.text = end.text.then(j.say(Text{
			"That makes #{number} by {other} last {more} longer.", "这将使 {other} 的 #{number} 延长 {more}。"}, j.subjectFacts(), values{"more": j.more()}))
	case j.over != nil && (j.retries == nil || j.retries.Number != j.over.entry.Number):
		end.text = end.text.then(j.replaced())
	}
	if room, err := j.netease.Room(ctx, j.room); err == nil {
		if room.Name != "" {
			end.fields = append(end.fields, j.field(Text{"Name in NetEase", "网易云信中的名称"}, Prose{}.add(j.language, shorten(room.Name))))
		}
		if room.Online >= 0 {
			end.fields = append(end.fields, j.field(Text{"People online", "在线人数"}, Prose{}.add(j.language, room.Online)))
		}
	} else {
		end.text = end.text.then(j.say(Text{"How many people are in the room could not be seen.", "未能查询聊天室内的人数。"}, nil))
	}
	number := formatNumber(j.entry.Number)
	end.text = end.text.below(j.say(Text{
		"Nothing is done yet. You can confirm until {by}: {confirm}. {cancel} drops it.",
		"尚未执行。请在 {by} 之前用 {confirm} 确认；{cancel} 可放弃。"},
		values{"confirm": typeable("confirm " + number), "cancel": typeable("cancel " + number), "by": j.entry.At.Add(confirmTime)}))
	if j.args[yes.Name].Yes {
		end.text = end.text.then(j.say(Text{"The policy file does not let you skip this with {yes}.", "权限文件不允许你用 {yes} 跳过确认。"}, values{"yes": id("yes=yes")}))
	}
	end.fields = append(j.why(), end.fields...)
	end.choices = []Choice{
		{Label: Text{"Confirm", "确认"}.In(j.language), Line: "confirm " + number},
		{Label: Text{"Cancel", "取消"}.In(j.language), Line: "cancel " + number},
	}
	return end
}

// lengthOf is how long the effect of the command lasts, or until the room closes.
func (j *job) lengthOf() time.Duration {
	if j.total > 0 {
		return j.total
	}
	if policy := j.args["policy"].Word; policy != "" && policy != closeOff {
		return standing{call: j.Call}.delay()
	}
	return j.args["duration"].Length
}

// isQuestion tells whether an entry is a command that the bot has asked to be confirmed.
func isQuestion(e journal.Entry) bool {
	a, ok := keptOf(e)
	return ok && a.Question
}

// objectConfirm looks whether the question may still be answered, and by this person: by the asker, once, in time.
func (d *Dispatcher) objectConfirm(ctx context.Context, j *job) (ending, bool, error) {
	if j.args[confirms].Number == 0 {
		return ending{}, false, nil
	}
	if j.asked == nil {
		return j.noEntry(j.args[confirms].Number), true, nil
	}
	asked := *j.asked
	v := values{"number": asked.Number, "by": entryBy(asked), "line": id(shorten(asked.Line)), "again": typeable(strings.TrimPrefix(asked.Line, "/"))}
	if !j.isMine(asked) {
		return ending{tone: Refused, text: j.say(Text{
			"#{number} was asked of {by}; only they can confirm it. Nothing was done.",
			"#{number} 是请 {by} 确认的，只有对方可以确认。没有执行。"}, v)}, true, nil
	}
	if end, stop, err := j.dropped(ctx, asked); stop || err != nil {
		return end, stop, err
	}
	answer, err := j.answerTo(ctx, asked)
	if err != nil {
		return ending{}, false, err
	}
	if answer != nil {
		v["later"], v["outcome"] = answer.Number, howEnded(*answer).In(j.language)
		end := ending{tone: NoChange, text: j.say(Text{
			"#{number} was confirmed already (#{later}: {outcome}). Nothing was done now.",
			"#{number} 已经确认过（#{later}：{outcome}）。这次没有执行。"}, v)}
		if answer.Outcome == journal.Failed || answer.Outcome == journal.Unknown {
			end.tone, end.choices = Refused, j.retryOf(answer.Number)
		}
		return end, true, nil
	}
	if j.entry.At.After(asked.At.Add(confirmTime)) {
		return ending{tone: Refused, choices: j.retryOf(asked.Number), text: j.say(Text{
			"#{number} is older than 5 minutes and cannot be confirmed any more. Nothing was done; give the command again: {again}.",
			"#{number} 已超过 5 分钟，无法再确认。没有执行；请重新输入命令：{again}。"}, v)}, true, nil
	}
	return ending{}, false, nil
}

// isClosed tells whether a question certainly cannot be answered any more: it was, or dropped, or its time is over. What is under way is not waited for, as
// the command is not written down yet.
func (j *job) isClosed(ctx context.Context, asked journal.Entry) (bool, error) {
	if time.Since(asked.At) > confirmTime+Budget {
		return true, nil
	}
	cancels, err := j.cancels(ctx, asked)
	for _, e := range cancels {
		if e.Outcome == journal.Done {
			return true, nil
		}
	}
	if err != nil {
		return false, err
	}
	answer, err := j.answerTo(ctx, asked)
	return answer != nil, err
}

// answerTo is the entry by which the asker has confirmed a question before the job's command; nil: none has. Also one that met something in its way
// is an answer: a question is answered once.
func (j *job) answerTo(ctx context.Context, asked journal.Entry) (*journal.Entry, error) {
	at := targetOf(asked)
	list, err := j.journal.List(ctx, journal.Query{On: &at, After: asked.Number, Before: j.entry.Number, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(list) { // the first one
		call, err := j.parse(e.Effect)
		if err != nil || call.args[confirms].Number != asked.Number || e.Person != asked.Person || e.Platform != asked.Platform {
			continue
		}
		kept, _ := keptOf(e)
		if e.Outcome != journal.Refused || kept.Tone == Asks { // refused: it was too late, or dropped
			return &e, nil
		}
	}
	return nil, nil
}

// dropped looks whether a question was dropped before the job's command came.
func (j *job) dropped(ctx context.Context, asked journal.Entry) (ending, bool, error) {
	list, err := j.cancels(ctx, asked)
	for _, e := range list {
		if e.Outcome == journal.Running {
			if e, err = j.ended(ctx, e.Number); err != nil {
				return ending{}, false, err
			}
		}
		if e.Outcome == journal.Done {
			return ending{tone: Refused, text: j.say(Text{
				"#{number} was dropped before (#{later}). Nothing was done.",
				"#{number} 此前已放弃（#{later}）。没有执行。"}, values{"number": asked.Number, "later": e.Number})}, true, nil
		}
	}
	return ending{}, false, err
}

// cancels are the commands to drop a question that came before the job's.
func (j *job) cancels(ctx context.Context, asked journal.Entry) (of []journal.Entry, err error) {
	list, err := j.journal.List(ctx, journal.Query{
		Room: asked.Room, Commands: []string{"cancel"}, After: asked.Number, Before: j.entry.Number, Limit: 1000,
	})
	for _, e := range list {
		if call, err := j.parse(e.Effect); err == nil && call.args["number"].Number == asked.Number {
			of = append(of, e)
		}
	}
	return of, err
}

// cancelled drops a question of the bot's.
func cancelled(ctx context.Context, j *job) ending {
	asked := *j.subject
	v := values{"number": asked.Number, "by": entryBy(asked), "line": id(shorten(asked.Line))}
	kept, ok := keptOf(asked)
	switch {
	case !ok || kept.Tone != Asks:
		return ending{tone: Refused, text: j.say(Text{
			"#{number} is no question of the bot's, so there is nothing to cancel. {undo} takes back what is done.",
			"#{number} 不是机器人的询问，无需取消。撤销已执行的操作请用 {undo}。"}, values{"number": asked.Number, "undo": typeable("undo " + formatNumber(asked.Number))})}
	case !j.isMine(asked):
		return ending{tone: Refused, text: j.say(Text{
			"#{number} was asked of {by}; only they can drop it.",
			"#{number} 是询问 {by} 的，只有对方可以放弃。"}, v)}
	}
	answer, err := j.answerTo(ctx, asked)
	if err != nil {
		j.log.Error("journal: list", "err", err)
		return ending{tone: Failed, text: j.report(errJournal).whole()}
	}
	if answer != nil {
		return ending{tone: Refused, text: j.say(Text{
			"#{number} was confirmed already (#{later}). {undo} takes it back.",
			"#{number} 已经确认（#{later}）。可用 {undo} 撤销。"},
			values{"number": asked.Number, "later": answer.Number, "undo": typeable("undo " + formatNumber(answer.Number))})}
	}
	if end, stop, err := j.dropped(ctx, asked); stop && err == nil {
		return end
	}
	return ending{tone: Info, text: j.say(Text{
		"#{number} is dropped; nothing was done for it: {line}.",
		"已放弃 #{number}，这条命令没有执行：{line}。"}, v)}
}

func codeOf(err error) (netease.Code, bool) { return errors.AsType[netease.Code](err) }

// replaced says what the command replaces.
func (j *job) replaced() Prose {
	return j.say(Text{"It takes the place of #{number} by {other}.", "取代 {other} 的 #{number}。"}, values{"number": j.over.entry.Number, "other": entryBy(j.over.entry)})
}
