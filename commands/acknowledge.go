package commands

// Acknowledgement is what a person reads where the answer takes longer than their platform waits.
func Acknowledgement(l Language) Reply {
	return Reply{Tone: Working, Language: l, Text: Prose{{Text: Text{
		"Working on it. The answer follows here.",
		"正在处理，结果稍后会发到这里。",
	}.In(l)}}}
}

// Broken is what a person reads where the bot itself failed and nobody can tell what became of the request.
func Broken(l Language) Reply {
	return Reply{Tone: Unknown, Language: l, Text: Prose{{Text: Text{
		"Something went wrong inside the bot. Look at the room before you repeat the command, and tell whoever runs the bot.",
		"机器人内部出错。重复操作之前请先查看房间的实际状态，并告知机器人的管理员。",
	}.In(l)}}}
}
