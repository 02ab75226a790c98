package commands

import "context"

func help(_ context.Context, j *job) ending {
	if topic := j.args["command"].Word; topic != "" {
		row, _ := find(j.table, topic)
		return ending{tone: Info, text: usageOf(j.language, row), fields: argFields(j.language, row)}
	}
	end := ending{tone: Info, text: j.say(Text{
		"These are the commands. {help} explains one, here {mute}.",
		"以下是全部命令。{help} 可查看某个命令（例如 {mute}）的用法。",
	}, values{"mute": id("mute"), "help": typeable("help mute")})}
	for _, row := range j.table {
		end.fields = append(end.fields, Field{Label: row.Name, Value: Prose{}.words(row.Help.In(j.language))})
	}
	return end
}

func usageOf(l Language, row Command) Prose {
	p := say(l, Text{"{help}: {usage}", "{help}：{usage}"}, values{"help": row.Help.In(l), "usage": typeable(row.Usage())})
	if row.open() {
		return p.below(say(l, Text{"Everyone may use it.", "所有人都可以使用。"}, nil))
	}
	return p
}

func argFields(l Language, row Command) []Field {
	var fields []Field
	for _, a := range row.Args {
		fields = append(fields, Field{Label: a.Name, Value: Prose{}.words(a.Help.In(l))})
	}
	return fields
}
