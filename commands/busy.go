package commands

// Busy is what a person reads where so much is under way that a request was not taken on: nothing was done, and nothing was written down.
func Busy(l Language) Reply {
	return Reply{Tone: Refused, Language: l, Text: Prose{{Text: Text{
		"Busy: nothing was done. Try again in 20 s.",
		"机器人正忙，未执行任何操作，请 20 秒后重试。",
	}.In(l)}}}
}
