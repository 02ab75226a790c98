package commands

import (
	"context"
	"slices"
	"time"

	"roomwarden/netease"
	"roomwarden/permissions"
)

// A Command is a row of the table: all there is to know of what may be asked.
type Command struct {
	Name    string
	Chinese string            // its name in Chinese, where a platform shows names by language: 1 to 32 letters, unique
	Right   permissions.Right // who may: a right of the policy file; empty: everyone, but see About
	Title   Text              // over its form, at most 24 characters; empty: it has no form
	Help    Text
	Args    []Arg
	Write   bool // it changes something at NetEase: journalled before it acts, public when done
	About   bool // it is about an entry of the journal, mostly becomes another command, and asks for the right of that entry's

	do     func(ctx context.Context, j *job) ending // of what changes nothing
	change func(j *job) change                      // of a Write
	check  func(Call) *Mistake                      // what no single argument shows; nil: nothing
	about  func(ctx context.Context, j *job) error  // of About: turns the job into what it means; an error is the journal's
}

// open tells that everyone may use it; it leaves no trace.
func (c Command) open() bool { return c.Right == "" && !c.About }

// An Arg is one argument of a command.
type Arg struct {
	Name     string
	Chinese  string // its name in Chinese, like a command's; unique within the command
	Label    Text   // in a form; empty: forms do not ask for it
	Kind     Kind
	Required bool
	Help     Text
	Choices  []string      // of OneOf
	Labels   []Text        // of Choices, in a form, in their order
	Most     time.Duration // of Duration: the longest that is accepted; the shortest is 1 s
	Zero     string        // of Duration: the command that no time at all would mean; empty: none
	Bare     bool          // of a Number that is not required: a bare number is it
	Rare     bool          // not in the usage line
}

// A Kind is what the words of an argument must be.
type Kind int

const (
	Room     Kind = iota + 1 // a room's id, or its name in the policy file
	Account                  // a NetEase account id
	Duration                 // a length of time
	OneOf                    // one of Arg.Choices
	YesNo                    // yes or no; by name only
	Words                    // free text; by name only
	Number                   // a whole number
	Topic                    // the name of a command
)

// Table is all that may be asked, in the order help prints it. To add a command: a row here, a file with its do, a
// transcript in testdata.
var Table = []Command{
	{Name: "mute", Chinese: "禁言", Right: "mute", Title: Text{"Mute a member", "禁言成员"}, Help: Text{"Mute a member of a room for a time", "禁言聊天室成员一段时间"}, Args: []Arg{
		room,
		{Name: "target", Chinese: "账号", Label: Text{"Account", "账号"}, Kind: Account, Required: true, Help: Text{"NetEase account id, not a nickname", "网易云信账号，不是昵称"}},
		{Name: "duration", Chinese: "时长", Label: Text{"For how long", "时长"}, Kind: Duration, Required: true, Most: netease.MaxMute, Zero: "unmute",
			Help: Text{"300s, 5m, 1d12h; at most 30 days", "300s、5分钟、1d12h，最长 30 天"}},
		reason, notify, again, replace, yes,
	}, Write: true, change: mute},
	{Name: "unmute", Chinese: "解除禁言", Right: "unmute", Title: Text{"Unmute a member", "解除成员禁言"}, Help: Text{"End a member's temporary mute", "解除成员的临时禁言"}, Args: []Arg{
		room,
		{Name: "target", Chinese: "账号", Label: Text{"Account", "账号"}, Kind: Account, Required: true, Help: Text{"NetEase account id, not a nickname", "网易云信账号，不是昵称"}},
		reason, notify, again, yes,
	}, Write: true, change: unmute},
	{Name: "muteroom", Chinese: "整体禁言", Right: "muteroom", Title: Text{"Mute a whole room", "整体禁言"}, Help: Text{"Silence a whole room, for a time or until somebody ends it; its creator and managers still speak", "整个聊天室禁言，可设时长，到时自动解除；创建者和管理员仍可发言"}, Args: []Arg{
		room,
		{Name: "duration", Chinese: "时长", Label: Text{"For how long", "时长"}, Kind: Duration, Most: netease.MaxMute, Zero: "unmuteroom",
			Help: Text{"10m, 1h, at most 30 days: the bot ends it then; without it somebody has to", "10m、1h，最长 30 天，到时由机器人解除；不填则需手动解除"}},
		reason, notify, again, replace, yes,
	}, Write: true, change: muteRoom},
	{Name: "unmuteroom", Chinese: "解除整体禁言", Right: "unmuteroom", Title: Text{"Unmute a whole room", "解除整体禁言"}, Help: Text{"End the silence of a whole room", "解除整个聊天室的禁言"}, Args: []Arg{
		room, reason, notify, again, yes,
	}, Write: true, change: unmuteRoom},
	{Name: "delayclose", Chinese: "定时关闭", Right: "delayclose", Title: Text{"Let a room close", "定时关闭聊天室"}, Help: Text{"Let a room close by itself; setting it again restarts the countdown", "设置聊天室定时关闭；每次设置都会重新计时"}, Args: []Arg{
		room,
		{Name: "policy", Chinese: "方式", Label: Text{"When", "方式"}, Kind: OneOf, Required: true, Choices: []string{closeOff, closeIdle, closeFixed},
			Labels: []Text{{"Not at all: cancel the timer", "不关闭（取消定时）"}, {"Once it is empty", "无人后关闭"}, {"At a set time, with people inside too", "到时关闭（有人也关）"}},
			Help:   Text{"off, idle (once it is empty) or fixed (with people inside too)", "off 取消，idle 无人后关闭，fixed 到时关闭（有人也关）"}},
		{Name: "delay", Chinese: "多久后关闭", Label: Text{"Close after", "多久后关闭"}, Kind: Duration, Most: netease.MaxDelay,
			Help: Text{"1h, 2d; at most and by default 7 days", "1h、2天；最长 7 天，默认 7 天"}},
		reason, again, replace, yes,
	}, Write: true, change: delayClose, check: checkDelay},
	{Name: "room", Chinese: "查看聊天室", Right: "room", Help: Text{"Show a room: open, muted, people online, members muted by this bot", "查看聊天室：是否开启、是否禁言、在线人数、由本机器人禁言的成员"}, Args: []Arg{
		room,
	}, do: showRoom},
	{Name: "active", Chinese: "当前生效", Right: "room", Help: Text{"Show what is in force now: mutes, silenced rooms, closing timers", "查看当前生效的禁言、整体禁言和定时关闭"}, Args: []Arg{
		{Name: "room", Chinese: "聊天室", Kind: Room, Help: Text{"only this room", "只看这个聊天室"}},
		{Name: "by", Chinese: "操作人", Kind: Words, Help: Text{"only this person's: an id, a name, or me", "只看这个人的：ID、名称或 me"}},
		{Name: "page", Chinese: "页码", Kind: Number, Help: Text{"the page, 1 and up", "页码，从 1 开始"}},
	}, do: active},
	{Name: "history", Chinese: "操作记录", Right: "history", Help: Text{"Show what was asked and how it ended", "查看操作记录"}, Args: []Arg{
		{Name: "room", Chinese: "聊天室", Kind: Room, Help: Text{"only this room", "只看这个聊天室"}},
		{Name: "target", Chinese: "账号", Kind: Account, Help: Text{"only this account", "只看这个账号"}},
		{Name: "by", Chinese: "操作人", Kind: Words, Help: Text{"only this person: an id, a name, or me", "只看这个人：ID、名称或 me"}},
		{Name: "outcome", Chinese: "结果", Kind: OneOf, Choices: outcomeChoices(), Labels: outcomeLabels(), Help: Text{"only what ended so", "只看这种结果"}},
		{Name: "since", Chinese: "最近", Kind: Duration, Most: 10 * 365 * 24 * time.Hour, Help: Text{"only the last 24h, 7d, …", "只看最近 24h、7d 等"}},
		{Name: "text", Chinese: "包含文字", Kind: Words, Help: Text{"only with these words in the line, the reason or the answer", "只看命令、原因或回复中含有这些文字的"}},
		{Name: "before", Chinese: "早于编号", Kind: Number, Help: Text{"only entries before this number: the next page", "只看此编号之前的记录，用于翻页"}},
	}, do: history},
	{Name: "show", Chinese: "查看记录", Right: "history", Help: Text{"Show one entry of the history: #41", "查看一条操作记录，如 #41"}, Args: []Arg{
		{Name: "number", Chinese: "编号", Kind: Number, Required: true, Help: Text{"the number behind an answer, such as 41", "回复末尾的编号，例如 41"}},
	}, do: show},
	{Name: "undo", Chinese: "撤销", About: true, Help: Text{"Take back what was done as #41, or your own last action within 10 minutes", "撤销一条操作，如 #41；不写编号则撤销你自己 10 分钟内的最后一次操作"}, Args: []Arg{
		{Name: "number", Chinese: "编号", Kind: Number, Bare: true, Help: Text{"the number behind an answer, such as 41", "回复末尾的编号，例如 41"}}, yes,
	}, about: undo},
	{Name: "extend", Chinese: "延长", About: true, Help: Text{"Make a mute, a timed room mute or a delayed close last longer", "延长一次禁言、限时整体禁言或定时关闭"}, Args: []Arg{
		{Name: "number", Chinese: "编号", Kind: Number, Required: true, Help: Text{"the number behind an answer, such as 41", "回复末尾的编号，例如 41"}},
		{Name: "duration", Chinese: "时长", Kind: Duration, Required: true, Most: netease.MaxMute, Help: Text{"how much longer: 10m, 1h", "延长多久，例如 10m、1h"}}, yes,
	}, about: extend},
	{Name: "confirm", Chinese: "确认", About: true, Help: Text{"Do what the bot has asked you to confirm", "确认执行机器人请你确认的操作"}, Args: []Arg{
		{Name: "number", Chinese: "编号", Kind: Number, Required: true, Help: Text{"the number behind the question, such as 42", "确认请求末尾的编号，例如 42"}},
	}, about: confirm},
	{Name: "cancel", Chinese: "放弃", About: true, Help: Text{"Drop what the bot has asked you", "放弃机器人询问的操作"}, Args: []Arg{
		{Name: "number", Chinese: "编号", Kind: Number, Required: true, Help: Text{"the number behind the question, such as 42", "询问末尾的编号，例如 42"}},
	}, about: cancel, do: cancelled},
	{Name: "retry", Chinese: "重试", About: true, Help: Text{"Do again what failed or whose outcome is unknown: #41", "重新执行失败或结果未知的命令，如 #41"}, Args: []Arg{
		{Name: "number", Chinese: "编号", Kind: Number, Required: true, Help: Text{"the number behind an answer, such as 41", "回复末尾的编号，例如 41"}},
		again, yes,
	}, about: retry},
	{Name: "explain", Chinese: "解释状态码", Help: Text{"Explain a NetEase status code", "解释网易云信状态码"}, Args: []Arg{
		{Name: "code", Chinese: "状态码", Kind: Number, Required: true, Help: Text{"the number, such as 13002", "状态码，例如 13002"}},
	}, do: explain},
	{Name: "whoami", Chinese: "我是谁", Help: Text{"Show who the bot thinks you are, and what you may do", "查看机器人如何识别你，以及你的权限"}, do: whoami},
	{Name: "help", Chinese: "帮助", Help: Text{"Show the commands, or one of them", "查看命令列表或某个命令的用法"}, Args: []Arg{
		{Name: "command", Chinese: "命令", Kind: Topic, Help: Text{"the command to explain", "要查看的命令"}},
	}, do: help},
}

// The arguments that commands share.
var (
	room    = Arg{Name: "room", Chinese: "聊天室", Label: Text{"Room", "聊天室"}, Kind: Room, Required: true, Help: Text{"room id or name", "聊天室 ID 或名称"}}
	reason  = Arg{Name: "reason", Chinese: "原因", Label: Text{"Reason", "原因"}, Kind: Words, Help: Text{"why; kept in the journal", "原因，会记入操作记录"}}
	notify  = Arg{Name: "notify", Chinese: "通知聊天室", Label: Text{"Tell the room", "通知聊天室"}, Kind: YesNo, Help: Text{"yes or no: is the room told; yes by default", "yes 或 no：是否通知聊天室，默认 yes"}}
	replace = Arg{Name: "replace", Chinese: "替换", Kind: Number, Rare: true, Help: Text{"the number of what is in force and is to be replaced", "要替换的、正在生效的操作编号"}}
	yes     = Arg{Name: "yes", Chinese: "跳过确认", Kind: YesNo, Rare: true, Help: Text{"yes: without confirmation, for those whom the policy file lets", "yes：跳过确认，须由权限文件允许"}}
	again   = Arg{Name: "again", Chinese: "再次执行", Kind: YesNo, Help: Text{"yes: also when the same was done within the last 10 seconds", "yes：即使 10 秒内刚执行过相同命令也再次执行"}}
)

// Links are arguments that only the bot gives: they name the entry that a command of the journal is about. Lines as people type them have
// none; undo 41 is understood as, for example, unmute room=123 target=lisi undoes=41.
var links = []Arg{
	{Name: undoes, Kind: Number}, {Name: extends, Kind: Number}, {Name: confirms, Kind: Number}, {Name: ends, Kind: Number},
}

const (
	undoes   = "undoes"
	extends  = "extends"
	confirms = "confirms"
	ends     = "ends" // the timer of that entry is over
)

// The choices of delayclose's policy.
const (
	closeOff   = "off"
	closeIdle  = "idle"
	closeFixed = "fixed"
)

// find is the row of a command by its name, in lower case.
func find(table []Command, name string) (Command, bool) {
	for _, c := range table {
		if c.Name == name {
			return c, true
		}
	}
	return Command{}, false
}

func (c Command) arg(name string) (Arg, bool) {
	for _, a := range c.Args {
		if a.Name == name {
			return a, true
		}
	}
	return Arg{}, false
}

// Usage is the one-line form: "mute room target duration [reason=…] [notify=…]". Arguments that are seldom given are left to help.
func (c Command) Usage() string {
	usage := c.Name
	for _, a := range c.Args {
		if a.Rare {
			continue
		}
		name := a.Name
		if a.byNameOnly() {
			name += "=…"
		}
		if !a.Required {
			name = "[" + name + "]"
		}
		usage += " " + name
	}
	return usage
}

// byNameOnly tells whether the argument is only ever given as name=value: nothing could tell its bare words
// from those of others.
func (a Arg) byNameOnly() bool {
	return !a.Required && a.Kind != Duration && a.Kind != OneOf && a.Kind != Topic && !a.Bare
}

// Vocabulary is what a policy file may say of commands and rooms.
func Vocabulary() permissions.Vocabulary {
	v := permissions.Vocabulary{
		Reserved: reserved,
		AccID: func(s string) (string, error) {
			a, err := netease.ParseAccID(s)
			return string(a), err
		},
	}
	for _, c := range Table {
		if c.Right != "" && !slices.Contains(v.Rights, c.Right) {
			v.Rights = append(v.Rights, c.Right)
		}
		if c.Write {
			v.Changes = append(v.Changes, c.Right)
		}
	}
	return v
}

// reserved tells of words that the grammar takes for something else than a room's name.
func reserved(word string) bool {
	if looksMeasured(word) {
		return true
	}
	for _, c := range Table {
		for _, a := range c.Args {
			for _, choice := range a.Choices {
				if choice == word {
					return true
				}
			}
		}
	}
	return false
}
