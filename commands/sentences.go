package commands

import (
	"errors"

	"roomwarden/netease"
)

// A report is what people read of an error. Whether anything was changed is for the caller to say.
type report struct {
	what   Prose // what happened
	advice Prose // likely causes, and what to do next
	words  Prose // NetEase's own words
}

// whole is all of a report.
func (r report) whole() Prose { return r.what.below(r.advice).below(r.words) }

func (j *job) report(err error) report {
	if e, ok := errors.AsType[*netease.Error](err); ok {
		x := e.Explain()
		r := report{
			what: j.say(Text{"NetEase answered {code}: {what}", "网易云信返回 {code}：{what}"},
				values{"code": int(x.Code), "what": Text(x.What).In(j.language)}),
			advice: causesOf(j.language, x).below(Prose{{Text: Text(x.Next).In(j.language)}}),
		}
		if e.Desc != "" {
			r.words = j.say(Text{"NetEase's own words: “{desc}”.", "网易云信原文：“{desc}”。"}, values{"desc": e.Desc})
		}
		return r
	}
	arrived := errors.Is(err, netease.ErrNoAnswer) // perhaps, whatever came after
	if e, ok := errors.AsType[*netease.BusyError](err); ok && !arrived {
		return report{what: j.say(sayBusyNetEase, nil), advice: j.say(sayTryAgain, values{"wait": e.Wait})}
	}
	if e, ok := errors.AsType[*netease.InvalidError](err); ok && !arrived {
		j.log.Error("a value that NetEase does not accept", "err", err)
		return report{what: j.say(sayInvalid, values{"field": id(e.Field)})}
	}
	if status, ok := netease.HTTPStatus(err); ok {
		return report{what: j.say(sayGateway, values{"status": status})}
	}
	for _, s := range sentences {
		if errors.Is(err, s.is) {
			return report{what: j.say(s.what, nil), advice: j.say(s.advice, nil)}
		}
	}
	j.log.Error("an error without a sentence", "err", err)
	return report{what: Broken(j.language).Text}
}

// errJournal is a journal that cannot be read.
var errJournal = errors.New("journal not readable")

// sentences are for errors that are no codes, tried from the top.
var sentences = []struct {
	is           error
	what, advice Text
}{
	{errJournal,
		Text{"The journal cannot be read.", "操作记录无法读取。"},
		Text{"Tell whoever runs the bot.", "请告知机器人的管理员。"}},
	{netease.ErrNoAnswer,
		Text{"NetEase did not answer in time, or its answer could not be read.", "网易云信没有及时响应，或响应无法识别。"},
		Text{}},
	{netease.ErrNoTime,
		Text{"There was no time left to ask NetEase.", "剩余时间不足，没有向网易云信发出请求。"},
		Text{"Please try again.", "请重试。"}},
	{netease.ErrNotReady,
		Text{"The bot could not make sure that no other part of it is at work on this, so nothing was sent.", "机器人无法确认没有其他副本在处理这条命令，因此没有发出请求。"},
		Text{"Try again in a minute; if it stays so, tell the bot's administrator.", "请稍后再试；如果持续如此，请告知机器人的管理员。"}},
	{netease.ErrNoLimit,
		Text{"The rate limit that the bot's replicas share cannot be asked, so nothing was sent.", "无法查询各副本共用的请求频率限制，因此没有发出请求。"},
		Text{"Try again in a minute; if it stays so, tell the bot's administrator.", "请稍后再试；如果持续如此，请告知机器人的管理员。"}},
	{netease.ErrNotSent,
		Text{"NetEase could not be reached.", "无法连接网易云信。"},
		Text{"Try again in a minute; if it stays so, tell the bot's administrator.", "请稍后再试；如果持续如此，请告知机器人的管理员。"}},
}

// What is said where no row of a table is at fault.
var (
	sayNotWritten = Text{
		"I could not write this down, so I did not do it, and nothing was sent. Tell whoever runs the bot.",
		"无法写入操作记录，因此没有执行，也没有发出任何请求。请告知机器人的管理员。"}
	sayNotFinished = Text{
		"The outcome could not be written to the journal yet; the bot keeps trying. Tell whoever runs it.",
		"结果暂时未能写入操作记录，机器人会继续尝试。请告知机器人的管理员。"}
	sayWrittenLate = Text{
		"Writing this down took too long, so I did not do it, and nothing was sent. Try again; if it stays so, tell whoever runs the bot.",
		"写入操作记录用时过长，因此没有执行，也没有发出任何请求。请重试；如果持续如此，请告知机器人的管理员。"}
	sayRestarting = Text{
		"The bot is restarting. Nothing was done; please try again in a moment.",
		"机器人正在重启，未做任何操作。请稍后重试。"}
	sayNoTime = Text{
		"There was no time left for this command. Nothing was done; please try again.",
		"没有足够的时间执行这条命令，未做任何操作。请重试。"}
	sayNothingChanged = Text{"Nothing was changed.", "未做任何更改。"}
	sayUnfinished     = Text{
		"This command was taken up before as {number}, and how it ended is not written down yet. {show} tells when it is; do not repeat it before.",
		"这条命令之前已作为 {number} 受理，目前还没有结果记录。可用 {show} 查看，在此之前请勿重复操作。"}
	sayBusyTarget = Text{
		"Earlier commands on the same target in room {place} are still under way. Nothing was done for this one; try again in 20 s.",
		"聊天室 {place} 的同一对象还有之前的命令正在执行，这条命令没有执行。请 20 秒后再试。"}
	sayNoOperator = Text{
		"The policy file gives you no NetEase account to act as, and the bot has none of its own. Nothing was done; tell whoever keeps the policy file.",
		"权限文件没有为你指定网易云信操作账号，机器人也没有默认账号。没有执行；请告知权限文件的管理员。"}

	sayNotYou = Text{
		"You do not have the {right} right.",
		"你没有 {right} 权限。"}
	sayStranger = Text{
		"You are not on the list of those who may use this bot. Your id is {id}; whoever keeps the policy file can add it.",
		"你不在可使用本机器人的名单中。你的 ID 是 {id}，请让权限文件的管理员添加。"}
	sayNoSuchRoom = Text{
		"{room} was read as the room, and you have no room of that name to use {right} in.",
		"{room} 被当作聊天室名称，而你没有在这个聊天室使用 {right} 的权限，或没有这个聊天室。"}
	sayNotThere = Text{
		"You do not have the {right} right in room {room}.",
		"你没有在聊天室 {room} 使用 {right} 的权限。"}
	sayUnsure = Text{
		"Your groups could not all be read just now, and one of them may let you in: repeat the command in a moment, and if that lasts tell whoever runs the bot.",
		"你所在的用户组暂时未能全部读取，其中可能有能让你使用的组：请稍后重试；如果一直如此，请告知机器人的管理员。"}
	sayAsk = Text{
		"You can ask {names}.",
		"可联系 {names}。"}

	sayGateway = Text{
		"A gateway answered in the place of NetEase, with HTTP status {status}.",
		"网易云信的网关返回了 HTTP {status}。"}
	sayBusyNetEase = Text{
		"There are too many calls to NetEase at the moment, so none was made.",
		"当前对网易云信的请求过多，没有发出请求。"}
	sayTryAgain = Text{"Try again in {wait}.", "请在 {wait}后再试。"}
	sayInvalid  = Text{
		"NetEase would not accept the value of {field}, so nothing was sent.",
		"{field} 的值不符合网易云信的要求，请求没有发出。"}
	sayLooked = Text{
		"I looked: {seen}",
		"查询结果：{seen}"}
	sayLookFailed = Text{
		"I tried to see what became of it, and could not.",
		"尝试查询结果，但没有成功。"}
	sayLookFailedToo = Text{
		"I tried to see what became of it, and that failed in the same way.",
		"尝试查询结果，但出现了同样的问题。"}
	sayUnknown = Text{
		"Whether {asked} took effect is not known yet. I will keep looking for ten minutes and tell you here. {retry} tries again.",
		"暂时无法确定{asked}是否生效。我会在十分钟内继续查询，并在这里告知结果。{retry} 可重新执行。"}
	sayCannotTell = Text{
		"Whether {asked} took effect cannot be told any more. {retry} tries again.",
		"已无法确定{asked}是否生效。{retry} 可重新执行。"}
	sayUnknownForGood = Text{
		"I looked for ten minutes, and cannot tell whether {asked} took effect. {retry} tries again.",
		"查询了十分钟，仍无法确定{asked}是否生效。{retry} 可重新执行。"}
	sayTooManyLooks = Text{
		"So much is unknown at the moment that I cannot keep looking whether {asked} took effect. Look at the room; {retry} tries again.",
		"目前结果未知的操作过多，无法继续查询{asked}是否生效。请查看聊天室；{retry} 可重新执行。"}
	sayOvertakenLook = Text{
		"Whether {asked} took effect is not known. I stopped looking: #{later} came after it on the same target, {line}.",
		"无法确定{asked}是否生效。同一对象上之后又有 #{later}（{line}），已停止查询。"}
	sayRetry = Text{
		"{retry} tries again.",
		"{retry} 可重新执行。"}

	sayInterrupted = Text{
		"The bot was interrupted while it carried this out.",
		"机器人在执行这条命令时中断过。"}
	sayInterruptedRead = Text{
		"The bot was interrupted before it could answer this. Nothing was changed; please ask again.",
		"机器人在回复之前中断过，未做任何更改。请重新输入。"}
	sayOvertaken = Text{
		"Whether it took effect is not known, and it was not repeated: #{later} came after it on the same target, {line}.",
		"无法确定是否生效，也没有重新执行：同一对象上之后又有 #{later}：{line}。"}
	sayNotRepeated = Text{
		"Whether it took effect before that is not known. It was not repeated.",
		"无法确定中断前是否已经生效。没有重新执行。"}
)
