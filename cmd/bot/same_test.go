package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/console"
	"roomwarden/adapters/discord/discordtest"
	"roomwarden/adapters/slack/slacktest"
	"roomwarden/commands"
	"roomwarden/journal/sqlstore"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
	"roomwarden/permissions"
)

// TestSame has one conversation with the bot in Slack, in Discord and in a terminal. What people read is the same everywhere, but for how each draws it:
// the readers below take that away, and nothing else. Lines at the margin are played:
//
//	# a remark
//	zhangsan: mute room=123 target=lisi duration=30m reason="spam, again"
//	zhangsan presses Undo on #1
//	policy: confirm: [muteroom]               a line of the policy file, from the beginning on
//	netease: temporaryMute answers 403        what NetEase does wrong next; or: answers 500, 3 times
//
// What must follow is the answer: its tone, whether all read it, its words, its fields, its buttons and its number. Times are <time>; commands stand as
// people write them in files.
//
// go test ./cmd/bot -run TestSame -update writes what a terminal says now; read the difference before you keep it.
func TestSame(t *testing.T) {
	for _, file := range []string{"testdata/same.txt", "testdata/same_zh.txt"} {
		for name, enter := range map[string]func(t *testing.T, script string) room{"Slack": slackRoom, "Discord": discordRoom, "console": consoleRoom} {
			if *update && name != "console" {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+" "+name, func(t *testing.T) {
				t.Parallel()
				script, err := os.ReadFile(file)
				require.NoError(t, err)
				c := &same{t: t, room: enter(t, string(script)), known: map[string]spoken{}}
				playScript(t, file, string(script), c.act)
			})
		}
	}
}

// A room is where people speak with the bot, on one platform.
type room interface {
	say(who, line string) spoken
	press(who, label string, on spoken) spoken
	sandbox() *sandbox.Sandbox
}

// A spoken is an answer, as it is said on all platforms.
type spoken struct {
	tone    string
	public  bool
	words   string // a line each, with "Label: value" for a field
	buttons []string
	number  string

	source any // what the platform presses
}

func (h spoken) String() string {
	to := "to who asked"
	if h.public {
		to = "to all"
	}
	foot := ""
	for _, b := range h.buttons {
		foot += "[" + b + "] "
	}
	said := fmt.Sprintf("%s, %s: %s\n%s%s", h.tone, to, h.words, foot, h.number)
	return "  " + strings.ReplaceAll(strings.TrimSpace(said), "\n", "\n    ") + "\n"
}

// A same is the conversation as it is played in a room.
type same struct {
	t     *testing.T
	room  room
	known map[string]spoken // by number
}

var (
	sameSays    = regexp.MustCompile(`^(\w+): (.+)$`)
	samePresses = regexp.MustCompile(`^(\w+) presses (.+) on (#\d+)$`)
	sameNetEase = regexp.MustCompile(`^netease: (\w+) answers (\d+)(?:, (\d+) times)?$`)
)

// act plays a line, and returns what follows.
func (c *same) act(line, _ string) string {
	var h spoken
	switch {
	case policyLine.MatchString(line):
		return ""
	case sameNetEase.MatchString(line):
		w := sameNetEase.FindStringSubmatch(line)
		code, _ := strconv.Atoi(w[2])
		times, _ := strconv.Atoi(w[3])
		c.room.sandbox().Inject(netease.Op(w[1]), sandbox.Fault{Code: code, Times: times})
		return ""
	case samePresses.MatchString(line):
		w := samePresses.FindStringSubmatch(line)
		require.Contains(c.t, c.known, w[3])
		require.Contains(c.t, c.known[w[3]].buttons, w[2])
		h = c.room.press(w[1], w[2], c.known[w[3]])
	default:
		w := sameSays.FindStringSubmatch(line)
		require.NotNil(c.t, w, line)
		h = c.room.say(w[1], w[2])
	}
	c.known[h.number] = h
	return h.String()
}

var (
	sameDate  = regexp.MustCompile(`<time>|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?( \((in )?[\dhmsd]+( ago)?\)| \(now\)|（[^（）]*[前后]）|（现在）)?`)
	sameWide  = regexp.MustCompile(` *([：，。、；（）]) *`)
	sameTyped = regexp.MustCompile("`/[^`]*`")
)

// plain is text without the marks of code, and with times as <time>. Where Slack needs spaces around code Chinese has none.
func plain(t *testing.T, text string) string {
	text = sameDate.ReplaceAllString(strings.ReplaceAll(text, "`", ""), "<time>")
	return inMinutes(t, sameWide.ReplaceAllString(text, "$1"))
}

// marked reads a message whose title and labels are between marks, after an emoji for the tone.
func marked(t *testing.T, words, mark string) (h spoken) {
	sign, rest, ok := strings.Cut(words, " ")
	require.True(t, ok, words)
	tone, known := sameSigns[sign]
	require.True(t, known, words)
	for _, l := range []commands.Language{commands.English, commands.Chinese} {
		if title := tone.Title().In(l); title != "" {
			rest = strings.TrimPrefix(rest, mark+title+mark+"\n")
		}
	}
	require.False(t, strings.HasPrefix(rest, mark), "a title of another tone: %s", words)
	label := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(mark) + `(.*?[:：])` + regexp.QuoteMeta(mark) + ` `)
	rest = label.ReplaceAllStringFunc(rest, func(s string) string { return label.FindStringSubmatch(s)[1] + " " })
	return spoken{tone: sameTones[tone], words: plain(t, rest)}
}

var (
	sameSigns = map[string]commands.Tone{
		"ℹ️": commands.Info, "✅": commands.Done, "☑️": commands.NoChange, "❔": commands.Asks, "⛔": commands.Refused, "❌": commands.Failed, "⚠️": commands.Unknown,
	}
	sameTones = map[commands.Tone]string{
		commands.Info: "info", commands.Done: "done", commands.NoChange: "no change", commands.Asks: "please answer", commands.Refused: "refused",
		commands.Failed: "failed", commands.Unknown: "unknown",
	}
	sameInChinese = map[string]string{"信息": "info", "已完成": "done", "无变化": "no change", "请选择": "please answer", "已拒绝": "refused", "失败": "failed", "结果未知": "unknown"}
)

// A slackChannel is #ops in Slack.
type slackChannel struct{ *chat }

func slackRoom(t *testing.T, script string) room { return slackChannel{newChat(t, false, script)} }

func (c slackChannel) sandbox() *sandbox.Sandbox { return c.bot.nim }

func (c slackChannel) say(who, line string) spoken {
	return c.answer(func() *slacktest.Delivery {
		return c.slack.Command(idOf(who), chatChannels["#ops"], "/nim", line)
	})
}

func (c slackChannel) press(who, label string, on spoken) spoken {
	return c.answer(func() *slacktest.Delivery { return c.slack.Press(idOf(who), on.source.(slacktest.Message), label) })
}

// slackLookalikes stand for what Slack would take for markup.
var slackLookalikes = strings.NewReplacer("ˍ", "_", "∗", "*", "∼", "~")

// answer is what comes of something that somebody does.
func (c slackChannel) answer(do func() *slacktest.Delivery) spoken {
	c.slack.WaitFor(c.t, "outcomes", func() bool { return c.bot.settled(c.t) })
	c.dealt = c.dealtWith()
	d := do()
	c.answered(d)
	c.slack.WaitFor(c.t, "the end", c.waiting)
	answers := d.Answers()
	require.Len(c.t, answers, 1)
	m := answers[0]
	words, number := parted(slackLookalikes.Replace(c.readable(m.Words())))
	words = sameTyped.ReplaceAllStringFunc(words, func(s string) string {
		require.True(c.t, strings.HasPrefix(s, "`/nim "), s)
		return "`/" + s[len("`/nim "):]
	})
	h := marked(c.t, words, "*")
	h.public, h.number, h.source = m.Private == "", number, m
	for _, b := range m.Buttons() {
		h.buttons = append(h.buttons, b.Label)
	}
	return h
}

// A discordChannel is #ops in Discord.
type discordChannel struct{ *discordChat }

func discordRoom(t *testing.T, script string) room {
	return discordChannel{newDiscordChat(t, true, script)}
}

func (c discordChannel) sandbox() *sandbox.Sandbox { return c.bot.nim }

var sameArgument = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)

// say fills in the options that a line names.
func (c discordChannel) say(who, line string) spoken {
	return c.answer(func() *discordtest.Delivery {
		name, rest, _ := strings.Cut(line, " ")
		rest = sameArgument.ReplaceAllStringFunc(rest, func(s string) string {
			w := sameArgument.FindStringSubmatch(s)
			return w[1] + ":" + strings.Trim(w[2], `"`)
		})
		return c.use("#ops", who, name, rest)
	})
}

func (c discordChannel) press(who, label string, on spoken) spoken {
	return c.answer(func() *discordtest.Delivery { return c.discord.Press(who, on.source.(discordtest.Message), label) })
}

// sameOptions are options that people elsewhere give by their places alone.
var sameOptions = regexp.MustCompile("^(`/(?:undo|extend|confirm|cancel|retry|show|help)) (?:number|command):(\\S+?)(?: duration:(\\S+?))?`$")

// sameOption is one option by itself, as it was given.
var sameOption = regexp.MustCompile("`([a-z]+):([^ `][^`]*)`")

// answer is what comes of something that somebody does. What all should read, and was asked for on a card of one's own, is told in both places.
func (c discordChannel) answer(do func() *discordtest.Delivery) spoken {
	c.discord.WaitFor(c.t, "outcomes", func() bool { return c.bot.settled(c.t) })
	c.met = c.answersMet()
	d := do()
	c.answered(d)
	c.discord.WaitFor(c.t, "the end", c.waiting)
	answers := d.Answers()
	require.NotEmpty(c.t, answers)
	m := answers[len(answers)-1]
	for _, other := range answers {
		require.Equal(c.t, m.Content, other.Content)
	}
	words, number := partedFoot(m.Content)
	words = sameTyped.ReplaceAllStringFunc(c.readable(words), func(s string) string {
		if sameOptions.MatchString(s) {
			return strings.Replace(sameOptions.ReplaceAllString(s, "$1 $2 $3`"), " `", "`", 1)
		}
		return strings.ReplaceAll(s, ":", "=")
	})
	words = sameOption.ReplaceAllStringFunc(words, func(s string) string {
		part := sameOption.FindStringSubmatch(s)
		return "`" + part[1] + "=" + commands.Quote(part[2]) + "`"
	})
	h := marked(c.t, words, "**")
	h.public, h.number, h.source = !m.Private(), number, m
	for _, b := range m.Buttons() {
		h.buttons = append(h.buttons, b.Label)
	}
	return h
}

// A terminal is one in which everybody types: `bot demo`, with rooms and rules as on the other platforms.
type terminal struct {
	t          *testing.T
	nim        *sandbox.Sandbox
	dispatcher *commands.Dispatcher
}

func consoleRoom(t *testing.T, script string) room {
	c := &terminal{t: t, nim: sandbox.New(demoKey, demoSecret, nil)}
	addChatRooms(t, c.nim)
	nim := httptest.NewServer(c.nim)
	t.Cleanup(nim.Close)
	rules, err := os.ReadFile(policyOf(t, strings.NewReplacer("slack: [T0123/U0456]", "console: [zhangsan]", "slack: [T0123/U0888]", "console: [chenjie]").Replace(chatPolicy), script))
	require.NoError(t, err)
	policy, err := permissions.Parse(rules, commands.Vocabulary())
	require.NoError(t, err)
	store, err := sqlstore.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "journal.db"))
	require.NoError(t, err)
	c.dispatcher = &commands.Dispatcher{
		Policy: func() *permissions.Policy { return policy }, Journal: store, Operator: "guanli", Log: newLog(t.Output(), settings{}),
		NetEase: &netease.Client{AppKey: demoKey, AppSecret: demoSecret, Bases: []string{nim.URL + "/nimserver"}},
	}
	t.Cleanup(func() {
		assert.NoError(t, c.dispatcher.Stop(context.WithoutCancel(t.Context())))
		assert.NoError(t, store.Close())
	})
	return c
}

func (c *terminal) sandbox() *sandbox.Sandbox { return c.nim }

// say has somebody type a line at a prompt.
func (c *terminal) say(who, line string) spoken {
	language := commands.English
	if i := slices.IndexFunc(chatPeople, func(u slacktest.User) bool { return u.Name == who }); chatPeople[i].Locale == "zh-CN" {
		language = commands.Chinese
	}
	var out bytes.Buffer
	typist := console.Console{
		Who: permissions.Subject{Platform: permissions.Console, User: who, Name: who}, Language: language, In: strings.NewReader(line + "\n"), Out: &out,
		Handle: c.dispatcher.Handle, Answered: c.dispatcher.Answered,
	}
	require.NoError(c.t, typist.Run(c.t.Context()))
	_, answer, _ := strings.Cut(out.String(), "\n") // without the line itself
	return c.read(answer)
}

// press types what stands after a label.
func (c *terminal) press(who, label string, on spoken) spoken {
	return c.say(who, on.source.(map[string]string)[label])
}

var (
	consoleHead   = regexp.MustCompile(`^. (\S+(?: \S+)?)  `)
	consoleField  = regexp.MustCompile(`(?m)^(\S.*?(?:: |：)) +`)
	consoleChoice = regexp.MustCompile(`^→ (.+?)(?:: |：)(.+)$`)
	consoleFoot   = regexp.MustCompile(`^(#\d+)?( ?[(（].*[)）])?$`)
)

// read reads what a console has drawn: every line but the first is set in.
func (c *terminal) read(drawn string) (h spoken) {
	head := consoleHead.FindStringSubmatch(drawn)
	require.NotNil(c.t, head, drawn)
	h.tone = head[1]
	if english, ok := sameInChinese[h.tone]; ok {
		h.tone = english
	}
	lines := map[string]string{}
	h.source = lines
	var words []string
	for i, line := range strings.Split(strings.TrimRight(drawn[len(head[0]):], "\n"), "\n") {
		rest, setIn := strings.CutPrefix(line, "  ")
		require.True(c.t, i == 0 || setIn, drawn)
		choice, foot := consoleChoice.FindStringSubmatch(rest), consoleFoot.FindStringSubmatch(rest)
		switch {
		case i > 0 && choice != nil:
			h.buttons = append(h.buttons, choice[1])
			lines[choice[1]] = choice[2]
		case i > 0 && foot != nil:
			h.number, h.public = foot[1], foot[2] != ""
		default:
			words = append(words, consoleField.ReplaceAllString(rest, "$1"))
		}
	}
	h.words = plain(c.t, strings.Join(words, "\n"))
	return h
}
