package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// TestDiscordChats plays the conversations of testdata/discord before the whole program, once through the gateway and once over HTTP: people read the
// same. Lines that begin at the margin are what somebody does, and are played; lines that are set in are what must follow. These are played:
//
//	# a remark
//	#ops zhangsan: /mute room:123 target:lisi duration:30m    in a channel; the bot cannot write in #quiet, and #theirs is in another server
//	twice: #ops zhangsan: /room room:123                      Discord delivers it twice
//	20m pass meanwhile: #ops zhangsan: /room room:123         between its first answer and what follows
//	zhangsan, alone with the bot: /whoami                     in a direct message, as though Discord still offered it there
//	#ops zhangsan types /mute room:lo|                        so far
//	again                                                     Discord delivers the last thing again: a command, a press, a form
//	wangwu presses Undo on #1                                 under the answer with that number, as it was when it was last seen to change
//	wangwu presses Undo on #1, which is removed then          once the press has its first answer
//	zhangsan presses Correct it                               under the newest answer that has it
//	zhangsan chooses Mute in a room… on lisi in #ops          in the menu of a person
//	zhangsan sends Account=lisi, Reason=spam, again           a form, filled in
//	zhangsan closes the form
//	the channel hears of it                                   what the bot tells later; or: nobody hears of it
//	policy: confirm: [muteroom]                               a line of the policy file, from the beginning on
//	servers: Example                                          DISCORD_GUILD_IDS, likewise
//	roles On-call: wangwu zhaoliu                             who has the role from now on
//	netease: temporaryMute is slow, 4s                        what NetEase does wrong next; or: answers 403, after 4s
//	discord: PATCH @original answers 500, 5 times             what Discord does wrong next
//	later 20m                                                 by Discord's clock alone: what was said can be edited no more
//	restart the bot
//
// What must follow, in this order: what NetEase was asked to change, what became of the interaction, what appeared or changed because of it ("bot" is
// what all read), what went away, what the bot posted by itself. Markup is left as it is, but times are <time>, and what is escaped is shown as people
// see it: a "<@1>" in a conversation is one that pings nobody, which is checked for each message. Characters that cannot be seen are written as U+202E.
//
// go test ./cmd/bot -run DiscordChats -update writes what follows now, through the gateway; read the difference before you keep it.
func TestDiscordChats(t *testing.T) {
	files, err := filepath.Glob("testdata/discord/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for mode, gateway := range map[string]bool{"gateway": true, "HTTP": false} {
			if *update && !gateway {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+" "+mode, func(t *testing.T) {
				t.Parallel()
				script, err := os.ReadFile(file)
				require.NoError(t, err)
				c := newDiscordChat(t, gateway, string(script))
				playScript(t, file, string(script), c.act)
			})
		}
	}
}

// The people, channels and servers of the conversations.
var (
	discordPeople = []discordtest.User{
		{ID: "80351110224678912", Name: "zhangsan"},                                   // of the policy file
		{ID: "80351110224678913", Name: "wangwu", Roles: []string{onCallRole}},        // of the role
		{ID: "80351110224678914", Name: "zhaoliu", Permissions: discordAdministrator}, // of neither, and administrator of the server
		{ID: "80351110224678915", Name: "chenjie", Locale: "zh-CN"},                   // of the policy file
		{ID: "80351110224678916", Name: "lisi"},                                       // of neither
		{ID: "80351110224678917", Name: "partner", Global: "@everyone [x](https://x.example) <@1>"},
		{ID: "80351110224678918", Name: "newcomer", Permissions: discordAdministrator, Roles: []string{"41771983423143937"}}, // of another server
	}
	discordChannels = []discordtest.Channel{
		{ID: "645027906669510661", Name: "#ops"}, {ID: "645027906669510662", Name: "#quiet", ReadOnly: true}, {ID: "645027906669510663", Name: "#theirs", Guild: "Theirs"},
	}
)

const (
	onCallRole           = "41771983423143936"
	discordAdministrator = "8"
)

const discordPolicy = `
moderators:
  - name: Zhang San
    discord: ["80351110224678912"]
    accid: zhangsan
    commands: ["*"]
    rooms: ["*"]
  - name: Chen Jie
    discord: ["80351110224678915"]
    commands: ["*"]
    rooms: [123, lobby]
  - name: On-call
    discord_roles: ["41771983423143936"]
    commands: [mute, unmute, room]
    rooms: [123]
rooms:
  lobby: 1600849147
`

// A discordChat is one conversation as it is played.
type discordChat struct {
	unheard int // answers and reports that found nobody, as the conversation says
	t       *testing.T
	discord *discordtest.Server
	bot     *program
	gateway bool

	last    *discordtest.Delivery
	all     []*discordtest.Delivery // one of each interaction
	waiting func() bool             // what was played last has come to its end
	met     int                     // first answers that Discord had met before
	told    discordTold
	next    discordTold // what is told when look's lines are kept
}

// newDiscordChat starts the program before a fake Discord. Policy lines of the script are in its policy file.
func newDiscordChat(t *testing.T, gateway bool, script string) *discordChat {
	c := &discordChat{t: t, gateway: gateway, discord: discordtest.New(t, discordtest.Options{IdentifyEvery: time.Nanosecond})}
	c.discord.AddGuild(discordtest.Guild{Name: "Theirs"})
	for _, u := range discordPeople {
		c.discord.AddUser(u)
	}
	for _, channel := range discordChannels {
		c.discord.AddChannel(channel)
	}
	env := []string{"NETEASE_OPERATOR=guanli", "PERMISSIONS_FILE=" + policyOf(t, discordPolicy, script)}
	if serversLine.MatchString(script) {
		env = append(env, "DISCORD_GUILD_IDS="+c.discord.Guild)
	}
	c.bot = startInDiscord(t, c.discord, gateway, env...)
	return c
}

// inDiscord are the settings of a bot before a fake Discord alone, through the gateway or over HTTP.
func inDiscord(s *discordtest.Server, gateway bool) []string {
	env := []string{"SLACK_BOT_TOKEN=", "SLACK_SIGNING_SECRET=", "DISCORD_API_URL=" + s.APIURL(), "DISCORD_BOT_TOKEN=" + s.BotToken, "DISCORD_APPLICATION_ID=" + s.ApplicationID}
	if !gateway {
		env = append(env, "DISCORD_PUBLIC_KEY="+s.PublicKey)
	}
	return env
}

// startInDiscord runs the whole program there, and returns when commands can be used.
func startInDiscord(t *testing.T, s *discordtest.Server, gateway bool, more ...string) *program {
	p := start(t, append(inDiscord(s, gateway), more...)...)
	addChatRooms(t, p.nim)
	s.WaitFor(t, "the commands", func() bool { return len(s.Registered(""))+len(s.Registered(s.Guild)) > 0 })
	if gateway {
		s.WaitSessions(t, 1)
	} else {
		s.SetBotURL(p.url)
	}
	return p
}

// follows is what has happened since it was last called, when that is what is wanted, or nothing more comes.
func (c *discordChat) follows(want string) string {
	const quiet = 250 * time.Millisecond
	got, since := "", time.Now()
	patience := 2 * time.Second
	if *update {
		patience = quiet
	}
	c.discord.WaitFor(c.t, "quiet", func() bool {
		if now := c.look(); now != got {
			got, since = now, time.Now()
		}
		return got == want && !*update || time.Since(since) > patience
	})
	c.told = c.next
	return got
}

// A discordMove is a kind of line that is played.
type discordMove struct {
	line *regexp.Regexp
	play func(c *discordChat, words []string) // what the pattern has found; it may set c.waiting
}

var serversLine = regexp.MustCompile(`(?m)^servers: Example$`)

var discordMoves = []discordMove{
	{regexp.MustCompile(`^(#\w+) (\w+): /(\S+) ?(.*)$`), func(c *discordChat, w []string) { c.answered(c.use(w[0], w[1], w[2], w[3])) }},
	{regexp.MustCompile(`^twice: (#\w+) (\w+): /(\S+) ?(.*)$`), func(c *discordChat, w []string) {
		d := c.use(w[0], w[1], w[2], w[3])
		d.Again()
		c.answered(d)
		before, waiting := c.met, c.waiting
		c.waiting = func() bool { return waiting() && (!c.gateway || c.answersMet() >= before+2) }
	}},
	{regexp.MustCompile(`^(\S+) pass meanwhile: (#\w+) (\w+): /(\S+) ?(.*)$`), func(c *discordChat, w []string) {
		d := c.use(w[1], w[2], w[3], w[4])
		d.Ack()
		c.discord.Later(c.length(w[0]))
		c.answered(d)
	}},
	{regexp.MustCompile(`^(#\w+) (\w+) types /(\S+) ?(.*)$`), func(c *discordChat, w []string) {
		command := c.registered(w[2])
		options, focused := command.filled(c.t, w[3])
		typed, _ := options[focused].(string)
		delete(options, focused)
		c.answered(c.discord.Autocomplete(w[1], w[0], command.Name, options, focused, strings.TrimSuffix(typed, "|")))
	}},
	{regexp.MustCompile(`^(\w+), alone with the bot: /(\S+) ?(.*)$`), func(c *discordChat, w []string) {
		c.answered(c.use(c.discord.DirectChannel(w[0]).ID, w[0], w[1], w[2]))
	}},
	{regexp.MustCompile(`^again$`), func(c *discordChat, w []string) { c.answered(c.last.Again()) }},
	{regexp.MustCompile(`^(\w+) presses (.+) on (#\d+)(, which is removed then)?$`), func(c *discordChat, w []string) {
		on, there := c.told.numbered[w[2]]
		require.True(c.t, there, "there is no answer %s", w[2])
		d := c.discord.Press(w[0], on, w[1])
		if w[3] != "" {
			d.Ack()
			c.discord.Remove(on)
		}
		c.answered(d)
	}},
	{regexp.MustCompile(`^(\w+) presses ([^#]+)$`), func(c *discordChat, w []string) {
		c.answered(c.discord.Press(w[0], c.newest(w[0], w[1]), w[1]))
	}},
	{regexp.MustCompile(`^(\w+) chooses (.+) on (\w+) in (#\w+)$`), func(c *discordChat, w []string) { c.answered(c.discord.Menu(w[0], w[3], w[1], w[2])) }},
	{regexp.MustCompile(`^(\w+) sends (.+)$`), func(c *discordChat, w []string) { c.answered(c.discord.Submit(w[0], filledIn(w[1]))) }},
	{regexp.MustCompile(`^(\w+) closes the form$`), func(c *discordChat, w []string) { c.discord.CloseModal(w[0]) }},
	{regexp.MustCompile(`^the channel hears of it$`), func(c *discordChat, _ []string) {
		before := c.appeared()
		c.waiting = func() bool { return c.appeared() > before }
	}},
	{regexp.MustCompile(`^nobody hears of it$`), func(c *discordChat, _ []string) {
		c.unheard++
		c.waiting = func() bool {
			return strings.Count(c.bot.log.String(), "could not be given; it waits in the journal") >= c.unheard
		}
	}},
	{policyLine, func(*discordChat, []string) {}},
	{serversLine, func(*discordChat, []string) {}},
	{regexp.MustCompile(`^roles On-call:(.*)$`), func(c *discordChat, w []string) {
		for _, u := range discordPeople {
			u.Roles = nil
			if strings.Contains(w[0]+" ", " "+u.Name+" ") {
				u.Roles = []string{onCallRole}
			}
			c.discord.AddUser(u)
		}
	}},
	{regexp.MustCompile(`^netease: (\w+) is slow, (\S+)$`), func(c *discordChat, w []string) {
		c.bot.nim.Inject(netease.Op(w[0]), sandbox.Fault{Delay: c.length(w[1]), Applied: true})
	}},
	{regexp.MustCompile(`^netease: (\w+) answers (\d+)(?:, after (\S+))?$`), func(c *discordChat, w []string) {
		fault := sandbox.Fault{Code: c.number(w[1])}
		if w[2] != "" {
			fault.Delay = c.length(w[2])
		}
		c.bot.nim.Inject(netease.Op(w[0]), fault)
	}},
	{regexp.MustCompile(`^discord: (\w+ [\w@]+) answers (\d+)(?:, (\d+) times)?$`), func(c *discordChat, w []string) {
		fault := discordtest.Fault{Status: c.number(w[1]), Times: 1}
		if w[2] != "" {
			fault.Times = c.number(w[2])
		}
		c.discord.On(discordRoutes[w[0]], fault)
	}},
	{regexp.MustCompile(`^later (\S+)$`), func(c *discordChat, w []string) { c.discord.Later(c.length(w[0])) }},
	{regexp.MustCompile(`^restart the bot$`), func(c *discordChat, _ []string) {
		c.bot = c.bot.restarted(c.t)
		if c.gateway {
			c.discord.WaitSessions(c.t, 1)
		} else {
			c.discord.SetBotURL(c.bot.url)
		}
	}},
}

var discordRoutes = map[string]string{
	"PATCH @original": discordtest.EditOriginal, "DELETE @original": discordtest.DeleteOriginal, "GET @original": discordtest.GetOriginal,
	"POST webhook": discordtest.FollowUp, "POST messages": discordtest.PostMessage,
}

// act plays a line, and returns what follows.
func (c *discordChat) act(line, want string) string {
	for _, m := range discordMoves {
		if words := m.line.FindStringSubmatch(line); words != nil {
			c.discord.WaitFor(c.t, "outcomes", func() bool { return c.bot.settled(c.t) })
			c.met, c.waiting = c.answersMet(), func() bool { return true }
			m.play(c, words[1:])
			c.discord.WaitFor(c.t, "the end of "+line, c.waiting)
			return c.follows(want)
		}
	}
	c.t.Fatalf("nobody knows how to play %q", line)
	return ""
}

func (c *discordChat) length(said string) time.Duration {
	d, err := time.ParseDuration(said)
	require.NoError(c.t, err)
	return d
}

func (c *discordChat) number(said string) int {
	n, err := strconv.Atoi(said)
	require.NoError(c.t, err)
	return n
}

// answered notes a delivery, and waits for its first answer, and for the bot to have dealt with it.
func (c *discordChat) answered(d *discordtest.Delivery) {
	c.last = d
	if len(c.all) == 0 || c.all[len(c.all)-1].ID != d.ID {
		c.all = append(c.all, d)
	}
	heard := d.Ack().Problem == ""
	before := c.met
	c.waiting = func() bool {
		log := c.bot.log.String()
		dealtWith := strings.Count(log, `msg="discord: command answered"`) + strings.Count(log, `msg="discord: command turned away"`)
		return (!c.gateway || !heard || c.answersMet() > before) && dealtWith == strings.Count(log, `msg="discord: command received"`)
	}
}

// appeared is how much people have read so far.
func (c *discordChat) appeared() int {
	n := len(c.posts())
	for _, d := range c.all {
		n += len(d.Answers())
	}
	return n
}

// newest is the newest answer that somebody sees with such a button.
func (c *discordChat) newest(who, label string) discordtest.Message {
	for _, d := range slices.Backward(c.all) {
		for _, m := range slices.Backward(d.Answers()) {
			if slices.ContainsFunc(m.Buttons(), func(b discordtest.Button) bool { return b.Label == label }) && (!m.Private() || m.For == c.discord.User(who).ID) {
				return m
			}
		}
	}
	c.t.Fatalf("%s sees no button %s", who, label)
	return discordtest.Message{}
}

// answersMet is how many first answers Discord has met through the API.
func (c *discordChat) answersMet() (n int) {
	for _, call := range c.discord.Calls(discordtest.Callback) {
		if call.Status != 0 {
			n++
		}
	}
	return n
}
