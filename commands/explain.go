package commands

import (
	"context"

	"roomwarden/netease"
)

func explain(_ context.Context, j *job) ending {
	x := netease.Explain(netease.Code(j.args["code"].Number), "")
	return ending{tone: Info, text: Explanation(j.language, x)}
}

// Explanation is what people read of a code when it is no answer to a call of theirs.
func Explanation(l Language, x netease.Explanation) Prose {
	effect := map[netease.Effect]Text{
		netease.Applied:  {"When a command is answered with it, the change is in force.", "命令返回此码时，更改已生效。"},
		netease.Already:  {"When a command is answered with it, nothing had to be changed.", "命令返回此码时，无需更改。"},
		netease.NotDone:  {"When a command is answered with it, nothing was changed.", "命令返回此码时，未做任何更改。"},
		netease.Doubtful: {"When a command is answered with it, most likely nothing was changed, and the bot looks to be sure.", "命令返回此码时，很可能未做更改，机器人会再核实。"},
		netease.Unclear:  {"When a command is answered with it, whether anything was changed is not known, and the bot looks.", "命令返回此码时，无法确定是否已更改，机器人会核实。"},
	}[x.Effect]
	p := say(l, Text{"Code {code}: {what}", "状态码 {code}：{what}"}, values{"code": int(x.Code), "what": Text(x.What).In(l)})
	p = p.then(Prose{{Text: effect.In(l)}})
	return p.below(causesOf(l, x)).below(Prose{{Text: Text(x.Next).In(l)}})
}

// causesOf lists the likely causes, a line each; nothing when there are none.
func causesOf(l Language, x netease.Explanation) Prose {
	if len(x.Causes) == 0 {
		return nil
	}
	p := say(l, Text{"Likely causes:", "可能的原因："}, nil)
	for _, c := range x.Causes {
		p = p.below(Prose{{Text: "• " + Text(c).In(l)}})
	}
	return p
}
