package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

const (
	testAppSecret     = "netease-app-secret"
	testSigningSecret = "8f742231b10e8888abcd99yyyzzz85a5"
	testBotToken      = "xoxb-bot-token"
)

const testPolicy = `
moderators:
  - name: Zhang San
    slack: [T0123/U0456]
    accid: zhangsan
    commands: ["*"]
    rooms: ["*"]
rooms:
  lobby: 1600849147
`

// A watched is a buffer that can be waited for.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // gets a value after each write
}

func newWatched() *watched { return &watched{more: make(chan struct{}, 1)} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// find waits for a match and returns its first group.
func (w *watched) find(t testing.TB, pattern string) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(w.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-w.more:
		case <-deadline:
			t.Fatalf("no %s in:\n%s", pattern, w)
		}
	}
}

// A program is bot serve, running in this process.
type program struct {
	nim    *sandbox.Sandbox
	env    []string
	url    string
	log    *watched
	policy string
	stop   context.CancelFunc
	status chan int
}

// start runs the whole program on a sandbox, an empty journal and a free port.
func start(t testing.TB, more ...string) *program {
	folder := t.TempDir()
	p := &program{nim: sandbox.New("app-key", testAppSecret, nil), log: newWatched(), status: make(chan int, 1), policy: filepath.Join(folder, "permissions.yaml")}
	p.nim.AddRoom(sandbox.Room{ID: 123, Name: "Room 123", Creator: "zhangsan", Common: []netease.AccID{"lisi"}})
	p.nim.AddRoom(sandbox.Room{ID: 1600849147, Name: "Lobby", Creator: "zhangsan", Common: []netease.AccID{"lisi"}})
	nim := httptest.NewServer(p.nim)
	t.Cleanup(nim.Close)
	require.NoError(t, os.WriteFile(p.policy, []byte(testPolicy), 0o600))
	p.env = append([]string{
		"LISTEN_ADDR=127.0.0.1:0", "DATABASE_URL=sqlite:" + filepath.Join(folder, "journal.db"), "PERMISSIONS_FILE=" + p.policy,
		"NETEASE_APP_KEY=app-key", "NETEASE_APP_SECRET=" + testAppSecret, "NETEASE_BASE_URLS=" + nim.URL + "/nimserver",
		"SLACK_BOT_TOKEN=" + testBotToken, "SLACK_SIGNING_SECRET=" + testSigningSecret, "LOG_LEVEL=debug",
	}, more...)
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	go func() { p.status <- run(ctx, []string{"serve"}, world{Environ: p.env, Out: io.Discard, Err: p.log}) }()
	t.Cleanup(func() {
		cancel()
		<-p.status
	})
	p.url = "http://" + p.log.find(t, `msg=listening .*addr=(\S+)`)
	return p
}

// rewritePolicy puts another policy file in force.
func (p *program) rewritePolicy(t testing.TB, text string) {
	require.NoError(t, os.WriteFile(p.policy, []byte(text), 0o600))
	p.log.find(t, `level=INFO msg="policy file in force"`)
}

// end stops the program and returns its exit status.
func (p *program) end() int {
	p.stop()
	status := <-p.status
	p.status <- status // for the clean-up
	return status
}

// slack sends a signed command as Slack does.
func (p *program) slack(t testing.TB, trigger, command, text string) (int, map[string]any) {
	body := url.Values{
		"team_id": {"T0123"}, "user_id": {"U0456"}, "user_name": {"zhangsan"}, "channel_id": {"C0789"}, "command": {command}, "text": {text},
		"trigger_id": {trigger}, "response_url": {"https://hooks.slack.com/commands/T0123/secret-response-url"}, "api_app_id": {"A1"},
	}.Encode()
	return p.post(t, body, strconv.FormatInt(time.Now().Unix(), 10), testSigningSecret)
}

func (p *program) post(t testing.TB, body, timestamp, secret string) (int, map[string]any) {
	resp, err := http.DefaultClient.Do(signedWith(t, p.url, body, timestamp, secret))
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var message map[string]any
	if resp.StatusCode == http.StatusOK {
		require.NoError(t, json.Unmarshal(raw, &message), "%s", raw)
	}
	return resp.StatusCode, message
}

// signed is a command as Slack posts it.
func signed(t testing.TB, to, body string) *http.Request {
	return signedWith(t, to, body, strconv.FormatInt(time.Now().Unix(), 10), testSigningSecret)
}

func signedWith(t testing.TB, to, body, timestamp, secret string) *http.Request {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", timestamp, body)
	req, err := http.NewRequest(http.MethodPost, to+"/slack/commands", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", timestamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return req
}

func (p *program) get(t testing.TB, path string) (int, string) {
	resp, err := http.Get(p.url + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

// TestServe is the main job, from a signed command to the journal, with everything real but Slack and NetEase.
func TestServe(t *testing.T) {
	p := start(t)

	status, message := p.slack(t, "trigger-1", "/mute", "room=123 target=lisi 300s reason=spam")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "in_channel", message["response_type"])
	assert.Contains(t, message["text"], "lisi")
	status, message = p.slack(t, "trigger-1", "/mute", "room=123 target=lisi 300s reason=spam")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "in_channel", message["response_type"], "a redelivery gets the first answer")
	_, message = p.slack(t, "trigger-2", "/nim", "delayclose 123 idle 1h")
	assert.Equal(t, "in_channel", message["response_type"])
	_, message = p.slack(t, "trigger-3", "/mute", "123 lisi 31d")
	assert.Equal(t, "ephemeral", message["response_type"])
	assert.Contains(t, message["text"], "30d")
	status, _ = p.post(t, "command=%2Fmute", strconv.FormatInt(time.Now().Unix(), 10), "a forged secret")
	assert.Equal(t, http.StatusUnauthorized, status)
	status, _ = p.post(t, "command=%2Fmute", strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10), testSigningSecret)
	assert.Equal(t, http.StatusUnauthorized, status)

	var forms []string
	for _, c := range p.nim.Calls() {
		forms = append(forms, string(c.Op)+" "+c.Form.Encode())
	}
	assert.Equal(t, []string{
		"temporaryMute muteDuration=300&needNotify=true&operator=zhangsan&roomid=123&target=lisi",
		"updateDelayClosePolicy delayClosePolicy=2&delaySeconds=3600&roomid=123",
	}, forms)

	status, body := p.get(t, "/healthz")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "ok\n", body)
	p.slack(t, "trigger-4", "/nim", "whoami") // a good signature after the forged ones
	status, body = p.get(t, "/readyz")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"status":"ready","parts":{"journal":{"status":"ok"},"policy":{"status":"ok"},"slack":{"status":"ok"},"netease":{"status":"ok"}}}`, body)
	for _, path := range []string{"/", "/slack/commands", "/nowhere"} {
		status, _ = p.get(t, path)
		assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, status, path)
	}

	// The journal can be read beside the running bot.
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"history", "--json", "--room", "123"}, world{Environ: p.env, Out: &out, Err: &out}), "%s", &out)
	var entries []map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &entries), "%s", &out)
	require.Len(t, entries, 2)
	assert.Equal(t, "delayclose", entries[0]["command"])
	mute := entries[1]
	for name, want := range map[string]any{
		"number": 1.0, "key": "slack:trigger-1", "platform": "slack", "space": "T0123", "channel": "C0789", "person": "T0123/U0456", "name": "zhangsan",
		"moderator": "Zhang San", "command": "mute", "room": 123.0, "target": "lisi", "reason": "spam", "outcome": "done", "code": 200.0, "deliveries": 2.0,
	} {
		assert.Equal(t, want, mute[name], name)
	}

	assert.Equal(t, exitOK, p.end())
	log := p.log.String()
	assert.Contains(t, log, "number=1")
	for _, secret := range []string{testAppSecret, testSigningSecret, testBotToken, "secret-response-url", "trigger-1"} {
		assert.NotContains(t, log, secret)
	}
}

// TestNotReady: without its journal the bot refuses, says why, and is not ready.
func TestNotReady(t *testing.T) {
	p := start(t)
	for _, name := range []string{"journal.db", "journal.db-wal", "journal.db-shm"} {
		os.Remove(filepath.Join(filepath.Dir(p.policy), name))
	}
	_, message := p.slack(t, "trigger-1", "/mute", "room=123 target=lisi 300s")
	assert.Equal(t, "ephemeral", message["response_type"])
	assert.Contains(t, message["text"], "I could not write this down, so I did not do it")
	assert.Empty(t, p.nim.Calls())
	status, body := p.get(t, "/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, body, `"unready"`)
	assert.Contains(t, body, "journal cannot be written")
}

// TestNetEaseOutOfReach: after some attempts without an answer /readyz says so, and the bot stays ready to explain.
func TestNetEaseOutOfReach(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	p := start(t, "NETEASE_BASE_URLS="+closed.URL+"/nimserver")
	_, message := p.slack(t, "trigger-1", "/mute", "room=123 target=lisi 300s")
	assert.Contains(t, message["text"], "could not be reached")
	status, body := p.get(t, "/readyz")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"degraded"`)
	assert.Contains(t, body, "NetEase has not answered the last 3 attempts (not_sent)")
}

// TestPolicyReload: a broken new file is told by /readyz, and the old rules stay; a good one is in force soon.
func TestPolicyReload(t *testing.T) {
	p := start(t)
	require.NoError(t, os.WriteFile(p.policy, []byte("moderators:\n  - nam: x\n"), 0o600))
	p.log.find(t, `level=(ERROR|WARN).*line 2`)
	status, body := p.get(t, "/readyz")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"degraded"`)
	assert.Contains(t, body, "line 2")
	_, message := p.slack(t, "trigger-1", "/mute", "123 lisi 5m")
	assert.Equal(t, "in_channel", message["response_type"])
	p.rewritePolicy(t, strings.ReplaceAll(testPolicy, "U0456", "U0999"))
	_, message = p.slack(t, "trigger-2", "/mute", "123 lisi 5m")
	assert.Equal(t, "ephemeral", message["response_type"])
	assert.Contains(t, message["text"], "T0123/U0456")
}

func TestSettings(t *testing.T) {
	folder := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	good := []string{"NETEASE_APP_KEY=k", "NETEASE_APP_SECRET=s", "SLACK_BOT_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=abc"}
	tests := []struct {
		name string
		set  []string // in place of, or beside, the good ones; NAME= alone unsets
		want []string // the beginnings of the problems
	}{
		{"good", nil, nil},
		{"empty is not set", []string{"LISTEN_ADDR=", "NETEASE_RATE=", "DEFAULT_LANGUAGE= "}, nil},
		{"all good", []string{"LISTEN_ADDR=127.0.0.1:80", "NETEASE_OPERATOR=Robot", "NETEASE_BASE_URLS=https://a.example/nimserver, https://b.example/nimserver/", "NETEASE_TIMEOUT=3s", "NETEASE_RATE=95", "NETEASE_NOTIFY_EXT=full", "SLACK_SIGNING_SECRET=a,b", "SLACK_API_URL=http://127.0.0.1:9/api/", "SLACK_COMMAND_PREFIX=nim-", "DEFAULT_LANGUAGE=zh-CN", "LOG_LEVEL=debug", "LOG_FORMAT=json"}, nil},
		{"nothing is set", []string{"NETEASE_APP_KEY=", "NETEASE_APP_SECRET=", "SLACK_BOT_TOKEN=", "SLACK_SIGNING_SECRET="}, []string{"NETEASE_APP_KEY is not set", "NETEASE_APP_SECRET is not set", "No chat platform"}},
		{"no token", []string{"SLACK_BOT_TOKEN="}, []string{"SLACK_SIGNING_SECRET is set, but SLACK_BOT_TOKEN"}},
		{"no signing secret", []string{"SLACK_SIGNING_SECRET="}, []string{"SLACK_BOT_TOKEN is set, but SLACK_SIGNING_SECRET"}},
		{"three signing secrets", []string{"SLACK_SIGNING_SECRET=a,b,c"}, []string{"SLACK_SIGNING_SECRET has 3"}},
		{"everything wrong", []string{"LISTEN_ADDR=8080", "NETEASE_OPERATOR=li si", "NETEASE_BASE_URLS=http://a.example/nimserver,https://a.example/x,ftp://b", "NETEASE_TIMEOUT=5x", "NETEASE_RATE=many", "NETEASE_NOTIFY_EXT=all", "SLACK_API_URL=slack", "SLACK_COMMAND_PREFIX=A b", "DEFAULT_LANGUAGE=de", "LOG_LEVEL=loud", "LOG_FORMAT=xml"},
			[]string{"NETEASE_TIMEOUT cannot be read", "NETEASE_RATE cannot be read", "LOG_LEVEL cannot be read", "LISTEN_ADDR=8080", "NETEASE_OPERATOR=li si",
				"NETEASE_BASE_URLS: http://a.example/nimserver is not encrypted", "NETEASE_BASE_URLS: https://a.example/x does not end", "NETEASE_BASE_URLS: ftp://b is not an https",
				"NETEASE_NOTIFY_EXT=all", "SLACK_API_URL: slack", "SLACK_COMMAND_PREFIX=A b", "DEFAULT_LANGUAGE=de", "LOG_FORMAT=xml"}},
		{"a prefix like a command", []string{"SLACK_COMMAND_PREFIX=unmuter"}, []string{"SLACK_COMMAND_PREFIX=unmuter is how the command unmuteroom begins"}},
		{"nonsense numbers", []string{"NETEASE_TIMEOUT=-1s", "NETEASE_RATE=NaN"}, []string{"NETEASE_TIMEOUT=-1s", "NETEASE_RATE=NaN"}},
		{"nonsense times", []string{"NETEASE_TIMEOUT=1ns", "NETEASE_RATE=+Inf"}, []string{"NETEASE_TIMEOUT=1ns", "NETEASE_RATE=+Inf"}},
		{"an app-level token", []string{"SLACK_BOT_TOKEN=xapp-1"}, []string{"SLACK_BOT_TOKEN holds an app-level token"}},
		{"Socket Mode", []string{"SLACK_SIGNING_SECRET=", "SLACK_APP_TOKEN=xapp-1-A0123-1-f", "SLACK_CONNECTIONS=10"}, nil},
		{"both ways", []string{"SLACK_APP_TOKEN=xapp-1-A0123-1-f"}, []string{"SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set"}},
		{"Socket Mode without the bot's token", []string{"SLACK_BOT_TOKEN=", "SLACK_SIGNING_SECRET=", "SLACK_APP_TOKEN=xapp-1-A0123-1-f"}, []string{"SLACK_APP_TOKEN is set, but SLACK_BOT_TOKEN"}},
		{"a bot token in the wrong place", []string{"SLACK_SIGNING_SECRET=", "SLACK_APP_TOKEN=xoxb-1"}, []string{"SLACK_APP_TOKEN is not an app-level token"}},
		{"too many connections", []string{"SLACK_CONNECTIONS=11"}, []string{"SLACK_CONNECTIONS=11"}},
		{"no connections", []string{"SLACK_CONNECTIONS=0"}, []string{"SLACK_CONNECTIONS=0"}},
		{"connections, in words", []string{"SLACK_CONNECTIONS=two"}, []string{"SLACK_CONNECTIONS cannot be read"}},
		{"another database", []string{"DATABASE_URL=mysql://x:y@z"}, []string{"DATABASE_URL"}},
		{"no rate", []string{"NETEASE_RATE=0"}, []string{"NETEASE_RATE=0"}},
		{"a secret in a file", []string{"NETEASE_APP_SECRET=", "NETEASE_APP_SECRET_FILE=" + file("secret", "from-a-file\n")}, nil},
		{"both", []string{"NETEASE_APP_SECRET_FILE=" + file("both", "x")}, []string{"NETEASE_APP_SECRET and NETEASE_APP_SECRET_FILE"}},
		{"an empty file", []string{"NETEASE_APP_SECRET=", "NETEASE_APP_SECRET_FILE=" + file("empty", " \n")}, []string{"NETEASE_APP_SECRET_FILE", "NETEASE_APP_SECRET is not set"}},
		{"a file that is not there", []string{"NETEASE_APP_SECRET=", "NETEASE_APP_SECRET_FILE=" + filepath.Join(folder, "nowhere")}, []string{"NETEASE_APP_SECRET_FILE", "NETEASE_APP_SECRET is not set"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, problems := readSettings(append(append([]string{}, good...), tt.set...))
			require.Len(t, problems, len(tt.want), "%v", problems)
			for i, want := range tt.want {
				assert.True(t, strings.HasPrefix(problems[i].String(), want), "%s", problems[i])
				assert.NotEmpty(t, problems[i].fix)
			}
			switch tt.name {
			case "a secret in a file":
				assert.Equal(t, "from-a-file", set.NetEaseAppSecret)
			case "good", "empty is not set":
				assert.Equal(t, settings{ListenAddr: ":8080", DatabaseURL: "sqlite:roomwarden.db", PermissionsFile: "permissions.yaml", NetEaseAppKey: "k", NetEaseAppSecret: "s",
					NetEaseBaseURLs: []string{"https://api.netease.im/nimserver"}, NetEaseTimeout: 5 * time.Second, NetEaseRate: 20, NetEaseNotifyExt: "off",
					SlackBotToken: "xoxb-1", SlackSigningSecrets: []string{"abc"}, SlackConnections: 2, SlackAPIURL: "https://slack.com/api/", DefaultLanguage: "en", LogFormat: "text"}, set)
			}
		})
	}
}

// TestSecretsStayOut: a problem with a secret never shows it.
func TestSecretsStayOut(t *testing.T) {
	_, problems := readSettings([]string{"SLACK_SIGNING_SECRET=one-secret,two-secret,three-secret", "NETEASE_APP_SECRET=app-secret-value",
		"NETEASE_BASE_URLS=https://user:a-secret@host/nimserver,://user:b-secret@", "SLACK_API_URL=https://host/api/?token=c-secret"})
	assert.NotContains(t, fmt.Sprint(problems), "-secret")
}

func TestServeDoesNotStart(t *testing.T) {
	folder := t.TempDir()
	policy := filepath.Join(folder, "permissions.yaml")
	require.NoError(t, os.WriteFile(policy, []byte("moderators:\n  - name: On-call\n    slack: [T1/U1]\n    commands: [mute]\n    rooms: [1]\n"), 0o600))
	base := []string{"LISTEN_ADDR=127.0.0.1:0", "NETEASE_APP_KEY=k", "NETEASE_APP_SECRET=s", "SLACK_BOT_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=abc", "PERMISSIONS_FILE=" + policy, "NETEASE_OPERATOR=robot"}
	tests := []struct {
		name   string
		set    []string
		status int
		want   string
	}{
		{"no operator", []string{"NETEASE_OPERATOR=", "DATABASE_URL=sqlite:" + filepath.Join(folder, "a.db")}, exitUsage, "On-call"},
		{"no policy", []string{"PERMISSIONS_FILE=" + filepath.Join(folder, "nowhere.yaml")}, exitUsage, "PERMISSIONS_FILE"},
		{"no database", []string{"DATABASE_URL=mysql://x:password@y/z"}, exitUsage, "DATABASE_URL"},
		{"no folder", []string{"DATABASE_URL=sqlite:" + filepath.Join(folder, "no", "such", "a.db")}, exitFailed, "DATABASE_URL"},
		{"no port", []string{"DATABASE_URL=sqlite:" + filepath.Join(folder, "b.db"), "LISTEN_ADDR=127.0.0.1:99999"}, exitUsage, "LISTEN_ADDR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			assert.Equal(t, tt.status, run(t.Context(), nil, world{Environ: append(append([]string{}, base...), tt.set...), Out: io.Discard, Err: &out}))
			assert.Contains(t, out.String(), tt.want)
			assert.NotContains(t, out.String(), "password")
		})
	}
}

// TestSubcommands: what the others print, and their exit status.
func TestSubcommands(t *testing.T) {
	tests := []struct {
		args   string
		in     string
		status int
		out    []string
		err    string
	}{
		{"version", "", exitOK, []string{"roomwarden "}, ""},
		{"version 2", "", exitUsage, nil, "too many"},
		{"explain 13002", "", exitOK, []string{"Code 13002", "closed"}, ""},
		{"explain 13002 --lang zh-CN", "", exitOK, []string{"状态码 13002", "已关闭"}, ""},
		{"explain --lang=de 13002", "", exitUsage, nil, "not a language"},
		{"explain", "", exitUsage, nil, "give one code"},
		{"explain x", "", exitUsage, nil, "not a number"},
		{"help", "", exitOK, []string{"bot serve", "bot demo"}, ""},
		{"--help", "", exitOK, []string{"bot serve", "bot demo"}, ""},
		{"dmeo", "", exitUsage, nil, `no subcommand "dmeo"`},
		{"history --nonsense", "", exitUsage, nil, "nonsense"},
		{"history --since soon", "", exitUsage, nil, "soon"},
		{"history --limit 0", "", exitUsage, nil, "limit"},
		{"history", "", exitFailed, nil, "DATABASE_URL"},
		{"history --room x", "", exitUsage, nil, "room"},
		{"demo", "/mute room=123 target=lisi 300s\n/delayclose 123 idle 1h\n", exitOK, []string{"lisi is muted in room 123 for 5m", "closes by itself once it has been empty for 1h", "#2"}, ""},
		{"demo --as oncall --lang zh-CN", "/mute 456 lisi 5m\n/mute lobby lisi 5m\n", exitOK, []string{"没有在聊天室 456 使用 mute 的权限", "lobby (1600849147)"}, ""},
		{"demo --as nobody", "/mute 123 lisi 5m\n/whoami\n", exitOK, []string{"not on the list", "nobody"}, ""},
		{"demo --as", "", exitUsage, nil, "as"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var out, errs bytes.Buffer
			w := world{Environ: []string{"DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "journal.db")}, In: strings.NewReader(tt.in), Out: &out, Err: &errs}
			assert.Equal(t, tt.status, run(t.Context(), strings.Fields(tt.args), w), "%s", &errs)
			for _, want := range tt.out {
				assert.Contains(t, out.String(), want)
			}
			if tt.err == "" {
				assert.Empty(t, errs.String())
			} else {
				assert.Contains(t, errs.String(), tt.err)
			}
		})
	}
}

// TestDemoLeavesNothing: the demo writes in a temporary folder alone, and takes it away.
func TestDemoLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	work := t.TempDir()
	t.Chdir(work)
	require.Equal(t, exitOK, run(t.Context(), []string{"demo"}, world{In: strings.NewReader("/mute 123 lisi 5m\n"), Out: io.Discard, Err: io.Discard}))
	for _, dir := range []string{folder, work} {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}
