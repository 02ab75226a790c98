package commands

import (
	"fmt"
	"strings"

	"roomwarden/netease"
)

// Reference is docs/commands.md: the table of commands for people to read, in both languages.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Commands

<!-- Made from the table in commands/table.go: go test ./commands -run Reference -update -->

A line is ` + "`command word…`" + `. A word is ` + "`name=value`" + ` or a bare value, in any order. A choice (` + "`idle`" + `) and a length of time with a unit
(` + "`5m`" + `) find their arguments by themselves; other bare words fill the required arguments from left to right. What is written with ` + "`=…`" + `
below goes by its name only; a value with spaces goes in quotation marks. Every command may be typed after ` + "`/nim`" + `, too.

Lengths of time: ` + "`300`" + ` (seconds), ` + "`300s`, `5m`, `1h30m`, `2d`, `1w`, `5分钟`, `1小时30分`, `2天`" + `.

一行是“命令 参数…”。参数可以写成“名称=值”，也可以只写值，顺序不限。选项（如 ` + "`idle`" + `）和带单位的时长（如 ` + "`5m`" + `）会自动对应；
其余的值按从左到右的顺序填入必填参数。下面带 ` + "`=…`" + ` 的参数必须写名称；值中有空格时请加引号。所有命令前面都可以加 ` + "`/nim`" + `。
`)
	for _, c := range Table {
		fmt.Fprintf(&b, "\n## %s\n\n`%s`\n\n%s. %s。\n", c.Name, c.Usage(), c.Help.English, c.Help.Chinese)
		switch {
		case c.open():
			b.WriteString("\nEveryone may use it. 所有人都可以使用。\n")
		case c.About:
			b.WriteString("\nRight in the policy file: that of the command it is about. 权限文件中的名称：与所涉及的命令相同。\n")
		default:
			fmt.Fprintf(&b, "\nRight in the policy file: `%s`. 权限文件中的名称：`%s`。\n", c.Right, c.Right)
		}
		if len(c.Args) == 0 {
			continue
		}
		b.WriteString("\n| argument | | meaning | 含义 |\n|---|---|---|---|\n")
		for _, a := range c.Args {
			required := ""
			if a.Required {
				required = "required"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Name, required, a.Help.English, a.Help.Chinese)
		}
	}
	return b.String()
}

// CodeReference is docs/codes.md: what the status codes of NetEase mean, in both languages.
func CodeReference() string {
	var b strings.Builder
	b.WriteString(`# NetEase's status codes

<!-- Made from the table in netease/codetable.go: go test ./commands -run Reference -update -->

What the bot says of each code, here without the likely causes, which depend on the call; ` + "`bot explain 403`" + ` and ` + "`/nim explain 403`" + ` show them. "in force" tells
what the code alone says about the change: where that is not certain the bot looks at the room before it answers.

| code | in force | meaning, and what to do | 含义与处理 |
|---|---|---|---|
`)
	for _, code := range netease.Codes() {
		x := netease.Explain(code, "")
		inForce := map[netease.Effect]string{netease.Applied: "yes", netease.Already: "it was so before", netease.NotDone: "no", netease.Doubtful: "most likely not", netease.Unclear: "unknown"}[x.Effect]
		fmt.Fprintf(&b, "| %d | %s | %s %s | %s%s |\n", int(code), inForce, x.What.English, x.Next.English, x.What.Chinese, x.Next.Chinese)
	}
	callback := netease.Explain(20000, "")
	fmt.Fprintf(&b, "| 20000–20099 | most likely not | %s %s | %s%s |\n", callback.What.English, callback.Next.English, callback.What.Chinese, callback.Next.Chinese)
	other := netease.Explain(-1, "")
	fmt.Fprintf(&b, "| any other | unknown | %s %s | %s%s |\n", other.What.English, other.Next.English, other.What.Chinese, other.Next.Chinese)
	return b.String()
}
