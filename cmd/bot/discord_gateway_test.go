package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
	"roomwarden/journal/journaltest"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// TestDiscordStorm: many commands of several people through the gateway, which Discord ends a few times in between, and with answers that Discord does not
// take at once; each acts once and is answered once. COMMANDS=1000 sends as many.
func TestDiscordStorm(t *testing.T) {
	t.Parallel()
	const together = 10
	commands := 100
	if n, err := strconv.Atoi(os.Getenv("COMMANDS")); err == nil {
		commands = n
	}
	file := filepath.Join(t.TempDir(), "permissions.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.NewReplacer("[123]", "[456]", "[123, lobby]", "[456]").Replace(discordPolicy)), 0o600))
	s := discordtest.New(t, discordtest.Options{})
	for _, u := range discordPeople {
		s.AddUser(u)
	}
	p := startInDiscord(t, s, true, "PERMISSIONS_FILE="+file, "NETEASE_OPERATOR=guanli", "NETEASE_RATE=80", "LOG_LEVEL=info")
	members := make([]netease.AccID, commands)
	for i := range members {
		members[i] = netease.AccID(fmt.Sprint("member", i))
	}
	p.nim.AddRoom(sandbox.Room{ID: 456, Name: "Room 456", Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: members})

	people := []string{"zhangsan", "wangwu", "chenjie"}
	ends := []func(){s.Reconnect, s.Invalidate, func() { s.CloseSessions(0) }}
	faults := []discordtest.Fault{{Status: 500}, {RetryAfter: 200 * time.Millisecond}, {Status: 502, Page: true, Done: true}, {HangUp: true}}
	deliveries := make([]*discordtest.Delivery, commands)
	rounds := (commands + together - 1) / together
	ended := 0
	for round := range rounds {
		if ended < len(ends) && round == (ended+1)*rounds/(len(ends)+1) { // no command is on its way: Discord delivers nothing twice
			ends[ended]()
			ended++
			s.WaitReady(t, 1+ended)
		}
		s.On(discordtest.Callback, faults[round%len(faults)])
		if round%max(1, rounds/3) == 0 {
			p.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: 2 * time.Second, Applied: true})
			s.On(discordtest.EditOriginal, discordtest.Fault{Status: 500})
		}
		var all sync.WaitGroup
		for i := round * together; i < min((round+1)*together, commands); i++ {
			deliveries[i] = s.Command(people[i%len(people)], "#ops", "mute", map[string]any{"room": "456", "target": fmt.Sprint("member", i), "duration": fmt.Sprint(1000+i, "s")})
			all.Go(func() {
				answer := deliveries[i].Answer(t)
				assert.Contains(t, answer.Words(), fmt.Sprintf("`member%d`", i))
				assert.False(t, answer.Private())
			})
		}
		all.Wait()
	}
	s.WaitFor(t, "the last words", func() bool {
		return strings.Count(p.log.String(), `msg="discord: command answered"`) == commands
	})
	for i, d := range deliveries {
		assert.Len(t, d.Answers(), 1, "%d: %v", i, d.Answers())
		assert.Empty(t, d.Ack().Problem)
	}
	met := map[string]int{}
	for _, c := range p.nim.Calls() {
		if c.Op == netease.OpTemporaryMute && c.Code == 200 {
			met[c.Form.Get("muteDuration")]++
		}
	}
	assert.Len(t, met, commands)
	for length, times := range met {
		assert.Equal(t, 1, times, length)
	}
	assert.Len(t, s.Identifies(), 1+len(ends))
	assert.NotContains(t, p.log.String(), "level=ERROR")
	assert.NotContains(t, p.log.String(), "answer could not be given")
}

// TestDiscordGatewayHealth: /readyz and /metrics tell how the gateway is, and that Discord refuses it for good.
func TestDiscordGatewayHealth(t *testing.T) {
	t.Parallel()
	s := discordtest.New(t, discordtest.Options{IdentifyEvery: time.Nanosecond})
	p := startInDiscord(t, s, true, "DISCORD_GUILD_IDS="+s.Guild)
	s.WaitFor(t, "all is well", func() bool { _, is := p.ready(t, "discord"); return is == part{Status: statusOK} })
	assert.Equal(t, "1", p.metric(t, "roomwarden_discord_gateway_live"))
	assert.Equal(t, "1", p.metric(t, "roomwarden_discord_gateway_sessions_24h"))
	assert.Equal(t, "0", p.metric(t, "roomwarden_discord_gateway_dropped_total"))

	s.CloseSessions(0)
	s.WaitFor(t, "trouble", func() bool { _, is := p.ready(t, "discord"); return is.Status == statusDegraded })
	code, is := p.ready(t, "discord")
	assert.Equal(t, http.StatusOK, code, "it connects again by itself")
	assert.Contains(t, is.Detail, "There is no session with Discord's gateway")
	s.WaitFor(t, "another session", func() bool { return p.metric(t, "roomwarden_discord_gateway_reconnects_total") == "1" })
	_, is = p.ready(t, "discord")
	assert.Equal(t, part{Status: statusOK}, is)

	s.ResetToken("another")
	s.WaitFor(t, "the end", func() bool { _, is := p.ready(t, "discord"); return is.Status == statusFailed })
	code, is = p.ready(t, "discord")
	assert.Equal(t, http.StatusServiceUnavailable, code, "no other platform is heard")
	assert.Contains(t, is.Detail, "The gateway has ended: the bot token is refused.")
	assert.Contains(t, is.Detail, "DISCORD_BOT_TOKEN")
	assert.Equal(t, "0", p.metric(t, `roomwarden_part_status{part="discord"}`))
	assert.Equal(t, "0", p.metric(t, "roomwarden_discord_gateway_live"))
	assert.Contains(t, p.log.String(), "the gateway has ended")
	assert.NotContains(t, p.log.String(), s.BotToken)
	assert.Equal(t, exitOK, p.end())
}

// TestDiscordGatewayRefused: what Discord refuses for good when a session begins is told with what to do, and is not tried again.
func TestDiscordGatewayRefused(t *testing.T) {
	t.Parallel()
	for code, says := range map[int]string{4004: "the bot token is refused", 4011: "more servers than one session may serve", 4014: "does not allow the intents"} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			s := discordtest.New(t, discordtest.Options{})
			s.OnConnect(discordtest.Trouble{Code: code, Times: -1})
			p := start(t, inDiscord(s, true)...)
			s.WaitFor(t, "the end", func() bool { _, is := p.ready(t, "discord"); return is.Status == statusFailed })
			_, is := p.ready(t, "discord")
			assert.Contains(t, is.Detail, says)
			assert.Len(t, s.Identifies(), 1)
		})
	}
}

// TestDiscordGatewayStandsBy: of two processes on one journal one holds the gateway, and the other takes it over.
func TestDiscordGatewayStandsBy(t *testing.T) {
	t.Parallel()
	journal := journaltest.Postgres(t) // SQLite has no replicas
	s := discordtest.New(t, discordtest.Options{IdentifyEvery: time.Nanosecond})
	s.AddUser(discordPeople[0])
	first := startInDiscord(t, s, true, "NETEASE_OPERATOR=guanli", "PERMISSIONS_FILE="+policyOf(t, discordPolicy, ""), "DATABASE_URL="+journal)
	second := first.beside(t)
	second.log.find(t, "this process stands by")
	s.WaitFor(t, "all is well", func() bool {
		_, is := second.ready(t, "discord")
		return is == part{statusOK, "This process stands by: another one holds the gateway, or the journal is out of reach."}
	})
	code, _ := second.ready(t, "discord")
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "0", second.metric(t, "roomwarden_discord_gateway_live"))
	assert.Equal(t, 1, s.Sessions())

	mute := map[string]any{"room": "123", "target": "lisi", "duration": "5m"}
	s.Command("zhangsan", "#ops", "mute", mute).Answer(t)
	require.Equal(t, exitOK, first.end())
	s.WaitReady(t, 2)
	s.WaitFor(t, "all is well", func() bool { _, is := second.ready(t, "discord"); return is == part{Status: statusOK} })
	answer := s.Command("zhangsan", "#ops", "mute", mute).Answer(t)
	assert.Contains(t, answer.Words(), "Already done (#1)", "they have one journal")
}

// TestDiscordPortal: where the application's page does not fit the settings, /readyz tells, and what to do.
func TestDiscordPortal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		gateway bool
		set     func(s *discordtest.Server)
		want    string
	}{
		{"an endpoint URL silences the gateway", true, func(s *discordtest.Server) { s.SetEndpointURL("https://your.host/discord/interactions") },
			"The application has an Interactions Endpoint URL (https://your.host/discord/interactions), so nothing comes through the gateway. Clear the Interactions Endpoint URL"},
		{"no endpoint URL", false, func(*discordtest.Server) {}, "The application has no Interactions Endpoint URL, so commands do not come here. Set it on the application's page"},
		{"another public key", false, func(s *discordtest.Server) {
			s.SetEndpointURL("https://your.host/discord/interactions")
			s.SetVerifyKey(strings.Repeat("ab", 32))
		}, "DISCORD_PUBLIC_KEY is not this application's. Set it to the Public Key"},
		{"a server without the bot", true, func(s *discordtest.Server) { s.AddGuild(discordtest.Guild{ID: s.Guild, NoBot: true}) },
			"The bot is not in the servers 1100000000000000002 of DISCORD_GUILD_IDS, so no command comes from there: invite it with the scopes bot and applications.commands."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := discordtest.New(t, discordtest.Options{})
			tt.set(s)
			p := start(t, append(inDiscord(s, tt.gateway), "DISCORD_GUILD_IDS="+s.Guild)...)
			s.WaitFor(t, "the sentence", func() bool {
				_, is := p.ready(t, "discord")
				return is.Status == statusDegraded && strings.HasPrefix(is.Detail, tt.want)
			})
			code, _ := p.ready(t, "discord")
			assert.Equal(t, http.StatusOK, code)
		})
	}
}
