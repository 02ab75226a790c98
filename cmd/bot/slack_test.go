package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
	"roomwarden/commands"
	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
	"roomwarden/permissions"
)

const slackPolicy = `
moderators:
  - name: Zhang San
    slack: [T0123/U0456]
    accid: zhangsan
    commands: ["*"]
    rooms: ["*"]
  - name: On-call
    slack_groups: [T0123/S0789]
    commands: [mute, unmute, room]
    rooms: [123]
rooms:
  lobby: 1600849147
`

// inSlack runs the whole program before a fake Slack: in Socket Mode, or over HTTP.
func inSlack(t testing.TB, o slacktest.Options, socket bool, more ...string) (*slacktest.Server, *program) {
	s := slacktest.New(t, o)
	s.AddUser(slacktest.User{ID: "U0456", Name: "zhangsan"})
	s.AddUser(slacktest.User{ID: "U0789", Name: "wangwu", Locale: "zh-CN"})
	s.AddGroup("S0789", "U0789")
	s.AddChannel(slacktest.Channel{ID: "C0001", Name: "ops", Bot: true, Members: []string{"U0456", "U0789", "U0999"}})
	env := []string{"SLACK_API_URL=" + s.APIURL(), "SLACK_BOT_TOKEN=" + s.BotToken, "NETEASE_OPERATOR=guanli"}
	if socket {
		env = append(env, "SLACK_SIGNING_SECRET=", "SLACK_APP_TOKEN="+s.AppToken)
	} else {
		env = append(env, "SLACK_SIGNING_SECRET="+s.SigningSecret)
	}
	p := start(t, append(env, more...)...)
	p.nim.AddRoom(sandbox.Room{ID: 123, Name: "Room 123", Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: []netease.AccID{"lisi"}})
	require.NoError(t, p.nim.Enter(123, "lisi"))
	p.rewritePolicy(t, slackPolicy)
	if socket {
		s.WaitFor(t, "connections", func() bool { return s.Connections() >= 2 })
	} else {
		s.SetBotURL(p.url)
	}
	return s, p
}

// inBothModes runs a test in Socket Mode and over HTTP: people are not to notice.
func inBothModes(t *testing.T, test func(t *testing.T, s *slacktest.Server, p *program)) {
	for name, socket := range map[string]bool{"Socket Mode": true, "HTTP": false} {
		t.Run(name, func(t *testing.T) {
			s, p := inSlack(t, slacktest.Options{}, socket)
			test(t, s, p)
		})
	}
}

// mutes are the lengths of the mutes that NetEase was asked for.
func (p *program) mutes() (lengths []string) {
	for _, c := range p.nim.Calls() {
		if c.Op == netease.OpTemporaryMute {
			lengths = append(lengths, c.Form.Get("muteDuration"))
		}
	}
	return lengths
}

// ready is a part of /readyz, and its status.
func (p *program) ready(t testing.TB, name string) (code int, is part) {
	res, err := http.Get(p.url + "/readyz")
	require.NoError(t, err)
	defer res.Body.Close()
	var answer struct{ Parts map[string]part }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	return res.StatusCode, answer.Parts[name]
}

// metric is the line of a metric without its name.
func (p *program) metric(t testing.TB, name string) string {
	res, err := http.Get(p.url + "/metrics")
	require.NoError(t, err)
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	for line := range strings.SplitSeq(string(all), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

// TestSlackDay: what a moderator does in a day.
func TestSlackDay(t *testing.T) {
	inBothModes(t, func(t *testing.T, s *slacktest.Server, p *program) {
		muted := s.Command("U0456", "C0001", "/nim", "mute 123 lisi 30m").Answer(t)
		assert.Contains(t, muted.Words(), "is muted in room")
		assert.Empty(t, muted.Private, "everyone sees it")

		stranger := s.Press("U0999", muted, "Undo").Answer(t)
		assert.Equal(t, "U0999", stranger.Private)
		assert.Contains(t, stranger.Words(), "not on the list")

		undone := s.Press("U0789", muted, "Undo").Answer(t) // of the group, and reads Chinese
		assert.Equal(t, muted.ID, undone.ID, "the card itself has changed")
		assert.Contains(t, undone.Words(), "已撤销")
		again := s.Press("U0456", muted, "Undo").Answer(t)
		assert.Equal(t, "U0456", again.Private)
		assert.Contains(t, again.Words(), "is undone already, by On-call (wangwu)")

		d := s.Command("U0456", "C0001", "/nim", "mute")
		s.WaitFor(t, "a form", func() bool { _, open := s.Modal("U0456"); return open })
		form, _ := s.Modal("U0456")
		assert.Contains(t, string(form.Blocks), "lobby (1600849147)")
		assert.Empty(t, d.Answers(), "the form is the answer")
		wrong := s.Submit("U0456", map[string]string{"Room": "123", "Account": "<@U1>", "For how long": "10m"})
		s.WaitFor(t, "the mistake", func() bool { return len(wrong.Errors()) > 0 })
		assert.Contains(t, wrong.Errors()["Account"], "is a mention")
		filled := s.Submit("U0456", map[string]string{"Room": "123", "Account": "lisi", "For how long": "10m", "Reason": "spam, again"})
		shown := filled.Answer(t)
		assert.Contains(t, shown.Words(), "spam, again")
		assert.Equal(t, "C0001", shown.Channel)
		assert.Equal(t, []string{"1800", "0", "600"}, p.mutes())

		s.OpenHome("U0456")
		s.WaitFor(t, "the Home tab", func() bool { _, there := s.Home("U0456"); return there })
		home, _ := s.Home("U0456")
		assert.Contains(t, home.Words(), "In force now")
		s.PressHome("U0456", "+10m")
		s.WaitFor(t, "the Home tab, after it", func() bool { home, _ := s.Home("U0456"); return strings.Contains(home.Words(), "lasts 10m longer") })
		s.OpenHome("U0999")
		s.WaitFor(t, "a stranger's Home tab", func() bool { _, there := s.Home("U0999"); return there })
		home, _ = s.Home("U0999")
		assert.Contains(t, home.Words(), "T0123/U0999")
		assert.NotContains(t, home.Words(), "lisi")
	})
}

// TestSlackSocketStorm: many commands while connections are refreshed, cut and redelivered; each acts once and is answered. COMMANDS=1000 sends as many.
func TestSlackSocketStorm(t *testing.T) {
	commands := 150
	if n, err := strconv.Atoi(os.Getenv("COMMANDS")); err == nil {
		commands = n
	}
	s, p := inSlack(t, slacktest.Options{Redeliver: true, NewEnvelopes: true, Seed: 7}, true, "SLACK_CONNECTIONS=4", "NETEASE_RATE=80", "LOG_LEVEL=info")
	s.WaitConnections(t, 4)
	members := make([]netease.AccID, commands)
	for i := range members {
		members[i] = netease.AccID(fmt.Sprint("member", i))
	}
	p.nim.AddRoom(sandbox.Room{ID: 456, Name: "Room 456", Creator: "zhangsan", Common: members})
	deliveries := make([]*slacktest.Delivery, commands)
	slots := make(chan struct{}, 10)
	var all sync.WaitGroup
	for i := range deliveries {
		slots <- struct{}{}
		switch {
		case i%50 == 10:
			s.Refresh(i / 50 % 4)
		case i%50 == 30:
			s.Cut(i / 50 % 4)
		}
		all.Go(func() {
			defer func() { <-slots }()
			deliveries[i] = s.Command("U0456", "C0001", "/nim", fmt.Sprintf("mute 456 member%d %ds", i, 1000+i))
			if i%3 == 0 {
				deliveries[i].Again(i%2 == 0)
			}
			answer := deliveries[i].Answer(t)
			assert.Contains(t, answer.Words(), "is muted in room")
		})
	}
	all.Wait()
	for i, d := range deliveries {
		assert.Len(t, d.Answers(), 1, "%d: %v", i, d.Answers())
		acked, after := d.Acked()
		assert.True(t, acked, "%d", i)
		assert.Less(t, after, 3*time.Second)
	}
	met := map[string]int{}
	for _, c := range p.nim.Calls() {
		if c.Op == netease.OpTemporaryMute {
			met[c.Form.Get("muteDuration")]++
		}
	}
	assert.Len(t, met, commands)
	for length, times := range met {
		assert.Equal(t, 1, times, length)
	}
	assert.NotContains(t, p.log.String(), "level=ERROR")
}

// TestSlackSocketHealth: /readyz and /metrics tell how the connections are, and that Slack refuses them for good.
func TestSlackSocketHealth(t *testing.T) {
	s, p := inSlack(t, slacktest.Options{}, true)
	s.WaitFor(t, "both connections", func() bool { _, is := p.ready(t, "slack"); return is == part{Status: statusOK} })
	assert.Equal(t, "2", p.metric(t, "roomwarden_slack_connections"))
	assert.Equal(t, "2", p.metric(t, "roomwarden_slack_connections_wanted"))
	s.Cut(0)
	s.WaitFor(t, "another one", func() bool { return p.metric(t, "roomwarden_slack_reconnects_total") == "1" })
	s.DisableLink()
	s.WaitFor(t, "the end", func() bool { _, is := p.ready(t, "slack"); return is.Status == statusFailed })
	code, is := p.ready(t, "slack")
	assert.Equal(t, http.StatusServiceUnavailable, code, "no other platform is heard")
	assert.Contains(t, is.Detail, "Socket Mode is switched off")
	assert.Equal(t, "0", p.metric(t, `roomwarden_part_status{part="slack"}`))
	assert.Contains(t, p.log.String(), "Socket Mode has ended")
	for _, secret := range []string{s.AppToken, s.BotToken} {
		assert.NotContains(t, p.log.String(), secret)
	}
	assert.Equal(t, 0, p.end())
}

// TestReadyWithOnePlatform: while another platform is heard the bot does its job.
func TestReadyWithOnePlatform(t *testing.T) {
	h := newHealth(journal.Store((&journal.Memory{}).Open()), openPolicy(t), []permissions.Platform{permissions.Slack, permissions.Discord})
	is := part{statusFailed, "Slack is over."}
	h.asked[permissions.Slack] = func() part { return is }
	mux := http.NewServeMux()
	h.routes(mux)
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w.Code, w.Body.String()
	}
	code, body := ask()
	assert.Equal(t, http.StatusOK, code)
	assert.Contains(t, body, `"status":"degraded"`)
	assert.Contains(t, body, "Slack is over.")
	h.asked[permissions.Discord] = func() part { return is }
	code, body = ask()
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, body, `"status":"unready"`)
}

func openPolicy(t *testing.T) *permissions.File {
	path := filepath.Join(t.TempDir(), "permissions.yaml")
	require.NoError(t, os.WriteFile(path, []byte(testPolicy), 0o600))
	policy, err := permissions.Open(path, commands.Vocabulary())
	require.NoError(t, err)
	return policy
}
