package commands

import (
	"context"
	"time"

	"roomwarden/netease"
	"roomwarden/permissions"
)

// A Command is a row of the table: all there is to know of what may be asked.
type Command struct {
	Name  string
	Right permissions.Right // who may: a right of the policy file; empty: everyone
	Help  Text
	Args  []Arg
	Write bool // it changes something at NetEase: journalled before it acts, public when done

	do    func(ctx context.Context, j *job) ending
	check func(Call) *Mistake // what no single argument shows; nil: nothing
}

// An Arg is one argument of a command.
type Arg struct {
	Name     string
	Kind     Kind
	Required bool
	Help     Text
	Choices  []string      // of OneOf
	Most     time.Duration // of Duration: the longest that is accepted; the shortest is 1 s
	Zero     string        // of Duration: the command that no time at all would mean; empty: none
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
	{"mute", "mute", Text{"Mute a member of a room for a time", "禁言聊天室成员一段时间"}, []Arg{
		room,
		{Name: "target", Kind: Account, Required: true, Help: Text{"account to mute", "要禁言的账号"}},
		{Name: "duration", Kind: Duration, Required: true, Most: netease.MaxMute, Zero: "unmute",
			Help: Text{"300s, 5m, 1d12h; at most 30 days", "300s、5分钟、1d12h，最长 30 天"}},
		reason, notify,
	}, true, mute, nil},
	{"unmute", "unmute", Text{"End a member's temporary mute", "解除成员的临时禁言"}, []Arg{
		room,
		{Name: "target", Kind: Account, Required: true, Help: Text{"account to unmute", "要解除禁言的账号"}},
		reason, notify,
	}, true, unmute, nil},
	{"muteroom", "muteroom", Text{"Silence a whole room; its creator and managers still speak", "整个聊天室禁言，创建者和管理员仍可发言"}, []Arg{
		room, reason, notify,
	}, true, muteRoom, nil},
	{"unmuteroom", "unmuteroom", Text{"End the silence of a whole room", "解除整个聊天室的禁言"}, []Arg{
		room, reason, notify,
	}, true, unmuteRoom, nil},
	{"delayclose", "delayclose", Text{"Let a room close by itself; setting it again restarts the countdown", "设置聊天室定时关闭；每次设置都会重新计时"}, []Arg{
		room,
		{Name: "policy", Kind: OneOf, Required: true, Choices: []string{closeOff, closeIdle, closeFixed},
			Help: Text{"off, idle (once it is empty) or fixed (with people inside too)", "off 取消，idle 无人后关闭，fixed 到时关闭（有人也关）"}},
		{Name: "delay", Kind: Duration, Most: netease.MaxDelay,
			Help: Text{"1h, 2d; at most and by default 7 days", "1h、2天；最长 7 天，默认 7 天"}},
	}, true, delayClose, checkDelay},
	{"room", "room", Text{"Show a room: open, muted, people online, members muted by this bot", "查看聊天室：是否开启、是否禁言、在线人数、由本机器人禁言的成员"}, []Arg{
		room,
	}, false, showRoom, nil},
	{"history", "history", Text{"Show what was asked and how it ended", "查看操作记录"}, []Arg{
		{Name: "room", Kind: Room, Help: Text{"only this room", "只看这个聊天室"}},
		{Name: "target", Kind: Account, Help: Text{"only this account", "只看这个账号"}},
		{Name: "by", Kind: Words, Help: Text{"only this person: an id, a name, or me", "只看这个人：ID、名称或 me"}},
		{Name: "since", Kind: Duration, Most: 10 * 365 * 24 * time.Hour, Help: Text{"only the last 24h, 7d, …", "只看最近 24h、7d 等"}},
	}, false, history, nil},
	{"explain", "", Text{"Explain a NetEase status code", "解释网易云信状态码"}, []Arg{
		{Name: "code", Kind: Number, Required: true, Help: Text{"the number, such as 13002", "状态码，例如 13002"}},
	}, false, explain, nil},
	{"whoami", "", Text{"Show who the bot thinks you are, and what you may do", "查看机器人如何识别你，以及你的权限"}, nil, false, whoami, nil},
	{"help", "", Text{"Show the commands, or one of them", "查看命令列表或某个命令的用法"}, []Arg{
		{Name: "command", Kind: Topic, Help: Text{"the command to explain", "要查看的命令"}},
	}, false, help, nil},
}

// The arguments that commands share.
var (
	room   = Arg{Name: "room", Kind: Room, Required: true, Help: Text{"room id or name", "聊天室 ID 或名称"}}
	reason = Arg{Name: "reason", Kind: Words, Help: Text{"why; kept in the journal", "原因，会记入操作记录"}}
	notify = Arg{Name: "notify", Kind: YesNo, Help: Text{"yes or no: is the room told; yes by default", "yes 或 no：是否通知聊天室，默认 yes"}}
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

// Usage is the one-line form: "mute room target duration [reason=…] [notify=…]".
func (c Command) Usage() string {
	usage := c.Name
	for _, a := range c.Args {
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
	return !a.Required && a.Kind != Duration && a.Kind != OneOf && a.Kind != Topic
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
		if c.Right != "" {
			v.Rights = append(v.Rights, c.Right)
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
