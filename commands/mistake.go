package commands

import (
	"cmp"

	"github.com/agnivade/levenshtein"
)

// A Mistake is a line that cannot be understood: what is wrong, at which word, and the way out. Nothing was sent.
type Mistake struct {
	Command Command // the row, when its name was understood
	Word    string  // the word at fault, as typed; empty when one is missing
	Near    string  // the nearest right word or line; empty when none is near

	say    Text
	values values
}

func (m *Mistake) Error() string { return m.in(English).String() }

// in is what a person reads: the problem, and the usage line.
func (m *Mistake) in(l Language) Prose {
	if m.Command.Name != "" {
		return m.problem(l).below(usageLine(l, m.Command))
	}
	return m.problem(l).below(say(l, Text{"{help} shows all commands.", "{help} 可查看所有命令。"}, values{"help": typeable("help")}))
}

// problem is the word at fault, what was expected, and the nearest right word.
func (m *Mistake) problem(l Language) Prose {
	v := values{"word": id(shorten(m.Word))}
	for name, value := range m.values {
		if t, ok := value.(Text); ok {
			value = t.In(l)
		}
		v[name] = value
	}
	p := say(l, m.say, v)
	return p.then(didYouMean(l, m.Near))
}

func usageLine(l Language, c Command) Prose {
	return say(l, Text{"Usage: {usage}", "用法：{usage}"}, values{"usage": typeable(c.Usage())})
}

func didYouMean(l Language, near string) Prose {
	if near == "" {
		return nil
	}
	return say(l, Text{"Did you mean {near}?", "你是想输入 {near} 吗？"}, values{"near": id(near)})
}

// shorten cuts what is quoted back to people.
func shorten(s string) string {
	const most = 60
	s = plain(s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// nearest is the one of the words that is most like the one typed, or empty when none is near: one letter in three may differ, and one
// more, so that two letters that changed places (two differences) are forgiven in short words.
func nearest(typed string, words []string) string {
	best, distance := "", len([]rune(typed))/3+1
	for _, w := range words {
		if d := levenshtein.ComputeDistance(typed, w); d <= distance && d < len(w) {
			if best == "" || d < distance {
				best, distance = w, d
			}
		}
	}
	return best
}

// meant is the command that a word may stand for, or empty.
func meant(word string) string {
	for _, c := range Table {
		if c.Chinese == word {
			return c.Name
		}
	}
	return cmp.Or(spoken[word], nearest(word, names(Table)))
}

// spoken are further words of people who have not learnt the commands.
var spoken = map[string]string{
	"解禁": "unmute", "取消禁言": "unmute", "全员禁言": "muteroom", "关闭": "delayclose", "聊天室": "room", "房间": "room", "状态": "room", "历史": "history", "记录": "history",
	"取消": "cancel", "解释": "explain",
}

// What is said of mistakes. {word} is the word at fault.
var (
	sayTooLong = Text{
		"A line may have at most {most} characters; this one has {count}.",
		"一行最多 {most} 个字符，这一行有 {count} 个。"}
	sayUnknownCommand = Text{
		"{word} is not a command.",
		"没有 {word} 这个命令。"}
	sayUnclosed = Text{
		"A quotation mark is opened at {word} and not closed.",
		"{word} 处的引号没有闭合。"}
	sayControl = Text{
		"{word} holds a control character that cannot be seen. Type the word anew.",
		"{word} 中含有不可见的控制字符，请重新输入这个词。"}
	sayUnknownName = Text{
		"{command} has no argument called {name} (in {word}).",
		"{command} 没有名为 {name} 的参数（{word}）。"}
	sayTwice = Text{
		"{name} is given twice; the second time by {word}.",
		"参数 {name} 重复，第二次是 {word}。"}
	sayTwoDurations = Text{
		"{name} is given twice; the second time by {word}. Give one length of time, written as one word: 1h30m.",
		"参数 {name} 重复，第二次是 {word}。请只写一个时长，并且连写，例如 1h30m。"}
	sayNoValue = Text{
		"{word} has no value ({help}).",
		"{word} 没有填写值（{help}）。"}
	sayStray = Text{
		"{word} is not expected here.",
		"多余的词：{word}。"}
	sayStrayText = Text{
		"{word} is not expected here; the rest was read as {read}. A reason of several words needs quotation marks: {example}.",
		"多余的词：{word}；其余部分理解为 {read}。含空格的原因请加引号：{example}。"}
	sayUnquoted = Text{
		"{word} is not expected here. A text of several words needs quotation marks: {example}.",
		"多余的词：{word}。含空格的文字请加引号：{example}。"}
	sayStrayTime = Text{
		"{word} is a length of time, and {command} takes none.",
		"{word} 是时长，而 {command} 不需要时长。"}
	sayStrayUnit = Text{
		"{word} is not expected here. A length of time is one word, without a space: 5m, 1h30m.",
		"多余的词：{word}。时长请连写，不要有空格，例如 5m、1h30m。"}
	sayByName = Text{
		"{word} alone is not expected here. Write it with its name: {example}.",
		"{word} 需要写明参数名，例如 {example}。"}
	sayMissing = Text{
		"Missing: {missing}.",
		"缺少参数：{missing}。"}
	sayMissingRoom = Text{
		"Missing: {missing}. {word} was read as the room's name.",
		"缺少参数：{missing}。{word} 被当作聊天室名称。"}

	sayRoom = Text{
		"{word} is not a room. Expected: a room id, such as 123, or a room's name.",
		"{word} 不是聊天室。应为聊天室 ID（如 123）或聊天室名称。"}
	sayRoomRange = Text{
		"{word} is not a room id. Room ids go from 1 to 9223372036854775807.",
		"{word} 不是有效的聊天室 ID，范围是 1 到 9223372036854775807。"}
	sayRoomMention = Text{
		"{word} is a channel, not a NetEase room. Expected: a room id, such as 123, or a room's name.",
		"{word} 是频道，不是网易云信聊天室。应为聊天室 ID（如 123）或聊天室名称。"}
	sayAccount = Text{
		"{word} is not a NetEase account id. Expected: at most 32 letters, digits and {signs}, not a nickname.",
		"{word} 不是网易云信账号。账号最多 32 个字符，只含字母、数字和 {signs}，不是昵称。"}
	sayAccountMention = Text{
		"{word} is a mention of somebody here. Expected: the account id in NetEase, such as lisi.",
		"{word} 提及的是本平台的用户。这里需要网易云信账号，例如 lisi。"}
	sayAccountAt = Text{
		"{word} looks like a mention of somebody here. Expected: the account id in NetEase, such as lisi. If the id really begins with @, put it in quotation marks: {example}.",
		"{word} 看起来是在提及本平台的用户。这里需要网易云信账号，例如 lisi。如果账号确实以 @ 开头，请加引号：{example}。"}
	sayAccountTime = Text{
		"{word} is a length of time, and {command} takes none here. If an account really has this name, write {example}.",
		"{word} 是时长，{command} 在这里不需要时长。如果账号确实叫这个名字，请写 {example}。"}
	sayChoice = Text{
		"{word} is not one of {choices}.",
		"{word} 无效，可选值：{choices}。"}
	sayYesNo = Text{
		"{word} is neither yes nor no.",
		"{word} 无效，应为 yes 或 no。"}
	sayNumber = Text{
		"{word} is not a number ({help}).",
		"{word} 不是数字（{help}）。"}
	sayWordsLong = Text{
		"{name} may have at most {most} characters; this one has {count}.",
		"{name} 最多 {most} 个字符，现在有 {count} 个。"}

	sayDuration = Text{
		"{word} is not a length of time ({help}).",
		"{word} 不是时长（{help}）。"}
	sayNegative = Text{
		"{word} is negative. A length of time is more than nothing.",
		"{word} 是负数，时长必须大于零。"}
	sayFractional = Text{
		"{word} is not in whole numbers.",
		"{word} 含有小数，时长只能用整数。"}
	sayUnknownUnit = Text{
		"{word} has a unit that is not known. Units are s, m, h, d and w, or 秒, 分钟, 小时, 天 and 周.",
		"{word} 的单位无法识别。可用单位：s、m、h、d、w，或秒、分钟、小时、天、周。"}
	sayBareTail = Text{
		"{word} ends in a number without a unit.",
		"{word} 末尾的数字没有单位。"}
	sayDisordered = Text{
		"{word} has a unit twice, or a smaller one before a larger one.",
		"{word} 的单位重复或顺序颠倒，应从大到小。"}
	sayLonger = Text{
		"{word} is too long: {name} is at most {most}.",
		"{word} 太长：{name} 最长为 {most}。"}
	sayZeroMeans = Text{
		"{word} is no time at all: {command} lasts at least 1s.",
		"{word} 时长为零，{command} 至少 1 秒。"}
	sayZero = Text{
		"{word} is no time at all. The shortest is 1s.",
		"{word} 时长为零，最短为 1 秒。"}
)
