package commands

// Acknowledgement is what a person reads where the answer takes longer than their platform waits. number is the one that Request.Accepted
// was told, or 0 while it was not called: then nothing is promised.
func Acknowledgement(l Language, number int64) Reply {
	say := Text{
		"Working on it. The answer follows here.",
		"正在处理，结果稍后会发到这里。",
	}
	if number == 0 {
		say = Text{
			"The bot is slow at the moment and has not written this command down yet, so nothing is promised. What becomes of it follows here.",
			"机器人当前较慢，这条命令还没有记录下来，因此不保证会执行。结果稍后会发到这里。",
		}
	}
	return Reply{Tone: Working, Language: l, Number: number, Text: Prose{{Text: say.In(l)}}}
}

// Broken is what a person reads where the bot itself failed and nobody can tell what became of the request.
func Broken(l Language) Reply {
	return Reply{Tone: Unknown, Language: l, Text: Prose{{Text: Text{
		"Something went wrong inside the bot. Look at the room before you repeat the command, and tell whoever runs the bot.",
		"机器人内部出错。重复操作之前请先查看聊天室的实际状态，并告知机器人的管理员。",
	}.In(l)}}}
}

// Busy is what a person reads where so much is under way that a request was not taken on: nothing was done, and nothing was written down.
func Busy(l Language) Reply {
	return Reply{Tone: Refused, Language: l, Text: Prose{{Text: Text{
		"Busy: nothing was done. Try again in 20 s.",
		"机器人正忙，未执行任何操作，请 20 秒后重试。",
	}.In(l)}}}
}
