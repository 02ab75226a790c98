package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// TestSlackChats plays the conversations of testdata/slack before the whole program, once in Socket Mode and once over HTTP: people read the
// same. Lines that begin at the margin are what somebody does, and are played; lines that are set in are what must follow. These are played:
//
//	# a remark
//	#ops zhangsan: /nim mute 123 lisi 30m         somebody types a command in a channel; #lounge has no bot in it
//	twice: #ops zhangsan: /nim mute 123 lisi 1m   Slack delivers it again as soon as it is acknowledged
//	again                                         Slack delivers the last thing again: a press, a form
//	again, in Socket Mode                         a command; over HTTP neither this nor "twice" is done: it is answered once more there
//	wangwu presses Undo on #1                     under the answer with that number, as it was when it was last seen to change
//	wangwu presses Undo in Home
//	zhangsan chooses Mute a member…               a shortcut
//	zhangsan chooses Mute in a room… in #ops      a shortcut on a message
//	zhangsan sends Room=123, Account=lisi         a form, filled in
//	zhangsan closes the form
//	zhangsan opens Home
//	policy: confirm: [muteroom]                   a line of the policy file, from the beginning on
//	group On-call: wangwu zhaoliu                 who is in the user group from now on
//	netease: temporaryMute is slow, 4s            what NetEase does wrong next; or: answers 403
//	slack: views.open expired_trigger_id          what Slack does wrong next
//	restart the bot
//
// What must follow, in this order: what NetEase was asked to change, what appeared, changed or went away in the channels ("bot" is what all
// read), in forms and on Home tabs. Markup is left as it is, but times are <time>, and what is escaped is shown as people see it: a "<!channel>"
// in a conversation is one that pings nobody, which is checked for each message. Characters that cannot be seen are written as U+202E.
//
// go test ./cmd/bot -run SlackChats -update writes what follows now, in Socket Mode; read the difference before you keep it.
func TestSlackChats(t *testing.T) {
	files, err := filepath.Glob("testdata/slack/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for mode, socket := range map[string]bool{"Socket Mode": true, "HTTP": false} {
			if *update && !socket {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+" "+mode, func(t *testing.T) {
				t.Parallel()
				want, err := os.ReadFile(file)
				require.NoError(t, err)
				newChat(t, socket, string(want)).play(file, string(want))
			})
		}
	}
}

// The people, channels and shortcuts of the conversations.
var (
	chatPeople = []slacktest.User{
		{ID: "U0456", Name: "zhangsan"},                                       // of the policy file
		{ID: "U0789", Name: "wangwu"},                                         // of the user group
		{ID: "U0777", Name: "zhaoliu"},                                        // of neither
		{ID: "U0888", Name: "chenjie", Locale: "zh-CN"},                       // of the policy file
		{ID: "U0666", Name: "guest", Restricted: true},                        // of the user group
		{ID: "U0555", Name: "helper", Restricted: true},                       // a guest of the policy file
		{ID: "U0444", Name: "partner", Team: "T0999"},                         // of another company, in the user group
		{ID: "U0333", Name: "newcomer", Team: "T0999", Stranger: true},        // of another company
		{ID: "U0222", Name: "single", UltraRestricted: true, Locale: "de-DE"}, // of the user group
	}
	chatChannels  = map[string]string{"#ops": "C0001", "#lounge": "C0002"}
	chatShortcuts = map[string]string{"Mute a member…": "mute", "Mute in a room…": "mute_message"}
)

const chatPolicy = `
moderators:
  - name: Zhang San
    slack: [T0123/U0456]
    accid: zhangsan
    commands: ["*"]
    rooms: ["*"]
  - name: Chen Jie
    slack: [T0123/U0888]
    commands: ["*"]
    rooms: [123, lobby]
  - name: Helper
    slack: [T0123/U0555]
    commands: [mute, unmute]
    rooms: [123]
  - name: On-call
    slack_groups: [T0123/S0789]
    commands: [mute, unmute, room]
    rooms: [123]
rooms:
  lobby: 1600849147
`

// A chat is one conversation as it is played.
type chat struct {
	t      *testing.T
	slack  *slacktest.Server
	bot    *program
	socket bool

	last     *slacktest.Delivery
	waiting  func() bool // what was played last has come to its end
	seen     []slacktest.Message
	told     *slacktest.Delivery
	dealt    int
	forms    map[string]slacktest.View // by person, as they were
	homes    map[string]slacktest.View
	helped   map[string]bool              // lines of Home tabs with a label in front
	numbered map[string]slacktest.Message // by the number of the answer
	asked    int                          // calls that NetEase had met
}

// newChat starts the program before a fake Slack. Policy lines of the script are in its policy file.
func newChat(t *testing.T, socket bool, script string) *chat {
	c := &chat{
		t: t, socket: socket, slack: slacktest.New(t, slacktest.Options{}), numbered: map[string]slacktest.Message{}, helped: map[string]bool{},
		forms: map[string]slacktest.View{}, homes: map[string]slacktest.View{},
	}
	var members []string
	for _, u := range chatPeople {
		c.slack.AddUser(u)
		members = append(members, u.ID)
	}
	c.slack.AddChannel(slacktest.Channel{ID: chatChannels["#ops"], Name: "ops", Bot: true, Members: members})
	c.slack.AddChannel(slacktest.Channel{ID: chatChannels["#lounge"], Name: "lounge", Members: members})
	c.slack.AddGroup("S0789", idsOf("wangwu guest partner single")...)
	file := policyOf(t, chatPolicy, script)
	env := []string{"SLACK_API_URL=" + c.slack.APIURL(), "SLACK_BOT_TOKEN=" + c.slack.BotToken, "NETEASE_OPERATOR=guanli", "PERMISSIONS_FILE=" + file}
	if socket {
		env = append(env, "SLACK_SIGNING_SECRET=", "SLACK_APP_TOKEN="+c.slack.AppToken)
	} else {
		env = append(env, "SLACK_SIGNING_SECRET="+c.slack.SigningSecret)
	}
	c.bot = start(t, env...)
	addChatRooms(t, c.bot.nim)
	c.connect()
	return c
}

// connect waits for the program to be there for Slack.
func (c *chat) connect() {
	if c.socket {
		c.slack.WaitConnections(c.t, 2)
	} else {
		c.slack.SetBotURL(c.bot.url)
	}
}

// play plays a conversation.
func (c *chat) play(file, script string) { playScript(c.t, file, script, c.act) }

// follows is what has happened since it was last called, when that is what is wanted, or nothing more comes.
func (c *chat) follows(want string) string {
	const quiet = 250 * time.Millisecond
	got, since := "", time.Now()
	patience := 2 * time.Second
	if *update {
		patience = quiet
	}
	c.slack.WaitFor(c.t, "quiet", func() bool {
		if now := c.look(); now != got {
			got, since = now, time.Now()
		}
		return got == want && !*update || time.Since(since) > patience
	})
	c.remember()
	return got
}

// A move is a kind of line that is played.
type move struct {
	line *regexp.Regexp
	play func(c *chat, words []string) // what the pattern has found; it may set c.waiting
}

var moves = []move{
	{regexp.MustCompile(`^(#\w+) (\w+): (/\S+) ?(.*)$`), func(c *chat, w []string) {
		c.answered(c.slack.Command(idOf(w[1]), chatChannels[w[0]], w[2], w[3]))
	}},
	{regexp.MustCompile(`^twice: (#\w+) (\w+): (/\S+) ?(.*)$`), func(c *chat, w []string) {
		c.answered(c.slack.Command(idOf(w[1]), chatChannels[w[0]], w[2], w[3]))
		if !c.socket {
			return
		}
		c.answered(c.last.Again(true))
		before := c.dealt
		c.waiting = func() bool { return c.dealtWith() >= before+2 }
	}},
	{regexp.MustCompile(`^again(, in Socket Mode)?$`), func(c *chat, w []string) {
		if w[0] == "" || c.socket {
			c.answered(c.last.Again(true))
		}
	}},
	{regexp.MustCompile(`^(\w+) presses (.+) on (#\d+)$`), func(c *chat, w []string) {
		on, there := c.numbered[w[2]]
		require.True(c.t, there, "there is no answer %s", w[2])
		c.answered(c.slack.Press(idOf(w[0]), on, w[1]))
	}},
	{regexp.MustCompile(`^(\w+) presses (.+) in Home$`), func(c *chat, w []string) { c.answered(c.slack.PressHome(idOf(w[0]), w[1])) }},
	{regexp.MustCompile(`^(\w+) chooses ([^#]+…)$`), func(c *chat, w []string) { c.answered(c.slack.Shortcut(idOf(w[0]), chatShortcuts[w[1]])) }},
	{regexp.MustCompile(`^(\w+) chooses (.+) in (#\w+)$`), func(c *chat, w []string) {
		c.answered(c.slack.MessageShortcut(idOf(w[0]), chatChannels[w[2]], chatShortcuts[w[1]]))
	}},
	{regexp.MustCompile(`^(\w+) sends (.+)$`), func(c *chat, w []string) { c.answered(c.slack.Submit(idOf(w[0]), filledIn(w[1]))) }},
	{regexp.MustCompile(`^(\w+) closes the form$`), func(c *chat, w []string) { c.slack.CloseModal(idOf(w[0]), true) }},
	{regexp.MustCompile(`^(\w+) opens Home$`), func(c *chat, w []string) {
		before := len(c.slack.Calls("views.publish"))
		c.last = c.slack.OpenHome(idOf(w[0]))
		c.waiting = func() bool { return len(c.slack.Calls("views.publish")) > before }
	}},
	{policyLine, func(*chat, []string) {}},
	{regexp.MustCompile(`^group On-call:(.*)$`), func(c *chat, w []string) {
		before := len(c.slack.Calls("usergroups.users.list"))
		c.slack.AddGroup("S0789", idsOf(w[0])...)
		c.slack.Event("subteam_members_changed", map[string]any{"subteam_id": "S0789", "team_id": c.slack.Team})
		c.waiting = func() bool { return len(c.slack.Calls("usergroups.users.list")) > before }
	}},
	{regexp.MustCompile(`^netease: (\w+) is slow, (\S+)$`), func(c *chat, w []string) {
		delay, err := time.ParseDuration(w[1])
		require.NoError(c.t, err)
		c.bot.nim.Inject(netease.Op(w[0]), sandbox.Fault{Delay: delay, Applied: true})
	}},
	{regexp.MustCompile(`^netease: (\w+) answers (\d+)$`), func(c *chat, w []string) {
		code, err := strconv.Atoi(w[1])
		require.NoError(c.t, err)
		c.bot.nim.Inject(netease.Op(w[0]), sandbox.Fault{Code: code})
	}},
	{regexp.MustCompile(`^slack: (\S+) (\w+)$`), func(c *chat, w []string) { c.slack.On(w[0], slacktest.Fault{Error: w[1]}) }},
	{regexp.MustCompile(`^restart the bot$`), func(c *chat, _ []string) { c.restart() }},
}

// act plays a line, and returns what follows.
func (c *chat) act(line, want string) string {
	for _, m := range moves {
		if words := m.line.FindStringSubmatch(line); words != nil {
			c.slack.WaitFor(c.t, "outcomes", func() bool { return c.bot.settled(c.t) })
			c.dealt, c.waiting = c.dealtWith(), func() bool { return true }
			m.play(c, words[1:])
			c.slack.WaitFor(c.t, "the end of "+line, c.waiting)
			return c.follows(want)
		}
	}
	c.t.Fatalf("nobody knows how to play %q", line)
	return ""
}

// dealtWith is how many deliveries the bot has dealt with: its log says so once for each.
func (c *chat) dealtWith() int {
	log := c.bot.log.String()
	return strings.Count(log, `msg="slack: command answered"`) + strings.Count(log, `msg="slack: request answered"`) + strings.Count(log, `msg="slack: form opened"`)
}

// answered notes a delivery, and waits for it to be acknowledged, and dealt with or refused.
func (c *chat) answered(d *slacktest.Delivery) {
	c.last = d
	before := c.dealt
	c.waiting = func() bool {
		wrong := len(d.Errors()) > 0
		return wrong || !d.Ack().OK || c.dealtWith() > before
	}
}

// restart ends the program, and starts it again with the same journal.
func (c *chat) restart() {
	c.bot = c.bot.restarted(c.t)
	c.connect()
}
