package commands

import (
	"fmt"
	"strings"
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
		if c.Right == "" {
			b.WriteString("\nEveryone may use it. 所有人都可以使用。\n")
		} else {
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
