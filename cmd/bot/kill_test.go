package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal/journaltest"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// A killer is the real binary between fakes that can kill it, with SIGKILL, at a step of a command's way.
type killer struct {
	binary  string
	address string // of the journal
	env     []string
	nim     *sandbox.Sandbox
	slack   *httptest.Server
	stderr  *watched

	mu      sync.Mutex
	process *exec.Cmd
	step    string   // kill at this one, once
	lock    func()   // called when NetEase hears of a command
	posts   []string // what came to the response URL
}

// The steps that the fakes see.
const (
	heard    = "NetEase hears of the command"
	applied  = "NetEase has carried it out and not answered"
	answered = "NetEase has answered"
	posted   = "the late answer arrives"
)

var builtOnce = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "roomwarden-kill-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "bot")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return binary, nil
})

// newKiller makes the fakes, and the settings of a binary with its journal at address; empty: in a file.
func newKiller(t *testing.T, address string) *killer {
	binary, err := builtOnce()
	require.NoError(t, err, binary)
	k := &killer{binary: binary, address: address, nim: sandbox.New("app-key", testAppSecret, nil), stderr: newWatched()}
	k.nim.AddRoom(sandbox.Room{ID: 123, Name: "Room 123", Creator: "zhangsan", Common: []netease.AccID{"lisi"}})
	nim := httptest.NewServer(http.HandlerFunc(k.netease))
	t.Cleanup(nim.Close)
	k.slack = httptest.NewServer(http.HandlerFunc(k.hook))
	t.Cleanup(k.slack.Close)
	folder := t.TempDir()
	policy := filepath.Join(folder, "permissions.yaml")
	require.NoError(t, os.WriteFile(policy, []byte(testPolicy), 0o600))
	k.address = cmp.Or(address, "sqlite:"+filepath.Join(folder, "journal.db"))
	k.env = []string{
		"LISTEN_ADDR=127.0.0.1:0", "DATABASE_URL=" + k.address, "PERMISSIONS_FILE=" + policy,
		"NETEASE_APP_KEY=app-key", "NETEASE_APP_SECRET=" + testAppSecret, "NETEASE_BASE_URLS=" + nim.URL + "/nimserver",
		"SLACK_BOT_TOKEN=" + testBotToken, "SLACK_SIGNING_SECRET=" + testSigningSecret, "SLACK_API_URL=" + k.slack.URL + "/api/",
	}
	t.Cleanup(k.kill)
	return k
}

// start starts the binary and returns it as something to speak to.
func (k *killer) start(t *testing.T) *program {
	log := newWatched()
	cmd := exec.Command(k.binary, "serve")
	cmd.Env, cmd.Stderr = k.env, io.MultiWriter(log, k.stderr)
	require.NoError(t, cmd.Start())
	k.mu.Lock()
	k.process = cmd
	k.mu.Unlock()
	return &program{url: "http://" + log.find(t, `msg=listening .*addr=(\S+)`), log: log}
}

// kill kills the binary, if it runs, and waits for its end.
func (k *killer) kill() {
	k.mu.Lock()
	process := k.process
	k.process = nil
	k.mu.Unlock()
	if process != nil {
		process.Process.Kill()
		process.Wait()
	}
}

// reached kills the binary when step is where it is to be killed.
func (k *killer) reached(step string) (killed bool) {
	k.mu.Lock()
	killed = k.step == step
	if killed {
		k.step = ""
	}
	k.mu.Unlock()
	if killed {
		k.kill()
	}
	return killed
}

func (k *killer) netease(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "temporaryMute.action") {
		k.nim.ServeHTTP(w, r)
		return
	}
	if k.reached(heard) {
		panic(http.ErrAbortHandler)
	}
	if k.lock != nil {
		k.lock()
	}
	answer := httptest.NewRecorder()
	k.nim.ServeHTTP(answer, r)
	if k.reached(applied) {
		panic(http.ErrAbortHandler)
	}
	w.Write(answer.Body.Bytes())
	http.NewResponseController(w).Flush()
	k.reached(answered)
}

func (k *killer) hook(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != "/hook" {
		io.WriteString(w, `{"ok":true}`)
		return
	}
	if k.reached(posted) {
		panic(http.ErrAbortHandler)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.posts = append(k.posts, string(body))
}

// heardOf is all that came to the response URL.
func (k *killer) heardOf() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.posts, "\n")
}

// mute sends a signed /mute, and returns the first response; empty when the binary died before it.
func (k *killer) mute(t *testing.T, p *program, trigger string, line ...string) string {
	return k.say(t, p, trigger, "/mute", cmp.Or(strings.Join(line, " "), "123 lisi 30m"))
}

func (k *killer) say(t *testing.T, p *program, trigger, command, text string) string {
	body := url.Values{
		"team_id": {"T0123"}, "user_id": {"U0456"}, "user_name": {"zhangsan"}, "channel_id": {"C0789"}, "command": {command}, "text": {text},
		"trigger_id": {trigger}, "response_url": {k.slack.URL + "/hook"}, "api_app_id": {"A1"},
	}.Encode()
	resp, err := http.DefaultClient.Do(signed(t, p.url, body))
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return ""
	}
	return string(raw)
}

// entries are what the journal holds.
func (k *killer) entries(t *testing.T) (entries []map[string]any) {
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"history", "--json"}, world{Environ: k.env, Out: &out, Err: &out}), "%s", &out)
	require.NoError(t, json.Unmarshal(out.Bytes(), &entries))
	return entries
}

// settled waits until the journal holds no open entry, and returns its entries.
func (k *killer) settled(t *testing.T) (entries []map[string]any) {
	await(t, "all is settled", func() bool {
		entries = k.entries(t)
		return !slices.ContainsFunc(entries, func(e map[string]any) bool { return e["outcome"] == "running" || e["delivery"] == "pending" })
	})
	return entries
}

// TestKilled kills the bot at each step of a command's way. The next process finishes what it has left: the command acts once, its
// outcome is known, and its answer arrives.
func TestKilled(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testKilled(t, func(*testing.T) string { return "" }) })
	t.Run("postgres", func(t *testing.T) { testKilled(t, func(t *testing.T) string { return journaltest.Postgres(t) }) })
}

func testKilled(t *testing.T, address func(*testing.T) string) {
	tests := []struct {
		step string
		slow bool // NetEase takes longer than Slack waits
	}{
		{heard, false}, {applied, false}, {answered, false}, {heard, true}, {applied, true}, {answered, true}, {posted, true},
	}
	for _, tt := range tests {
		name := tt.step
		if tt.slow {
			name += ", slowly"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKiller(t, address(t))
			if tt.slow {
				k.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Delay: 3 * time.Second, Applied: true})
			}
			k.step = tt.step
			first := k.mute(t, k.start(t), "trigger-1")
			if tt.slow && tt.step != heard {
				assert.Contains(t, first, "Working on it", "the acknowledgement")
			}
			await(t, "the kill", func() bool {
				k.mu.Lock()
				defer k.mu.Unlock()
				return k.process == nil
			})
			k.start(t)
			k.finished(t, first)
		})
	}
}

// TestKilledBeforeBegin kills the bot while the journal does not take the command. It was not promised anything, and either it is not in the journal and
// never acted, or it got in all the same, as PostgreSQL's server may still carry out what the dead had sent, and then it is brought to its end.
func TestKilledBeforeBegin(t *testing.T) {
	onBoth(t, func(t *testing.T, k *killer) {
		p := k.start(t)
		unlock := journaltest.Lock(t, k.address)
		first := k.mute(t, p, "trigger-1")
		assert.Contains(t, first, "nothing is promised")
		k.kill()
		unlock()
		k.start(t)
		if entries := k.settled(t); len(entries) == 0 {
			assert.Empty(t, k.nim.Calls())
			assert.Empty(t, k.heardOf())
			return
		}
		k.finished(t, first)
	})
}

// TestKilledBeforeFinish kills the bot when NetEase has answered and the journal does not take the outcome. The person has read what the next process
// finds, too.
func TestKilledBeforeFinish(t *testing.T) {
	onBoth(t, func(t *testing.T, k *killer) {
		p := k.start(t)
		var unlock func()
		k.lock = sync.OnceFunc(func() { unlock = journaltest.Lock(t, k.address) })
		first := k.mute(t, p, "trigger-1")
		assert.Contains(t, first, "muted")
		k.kill()
		unlock()
		k.start(t)
		k.finished(t, first)
	})
}

// TestKilledBeforeItsTurn kills the bot while one command is at NetEase and another one waits behind it. The next process carries out both, in their
// order.
func TestKilledBeforeItsTurn(t *testing.T) {
	onBoth(t, func(t *testing.T, k *killer) {
		p := k.start(t)
		dead := make(chan struct{})
		k.lock = sync.OnceFunc(func() { <-dead })
		var both sync.WaitGroup
		both.Go(func() { k.mute(t, p, "trigger-1") })
		await(t, "the first is at NetEase", func() bool { return len(k.entries(t)) == 1 })
		both.Go(func() { k.mute(t, p, "trigger-2", "123 lisi 45m") })
		both.Wait() // both are acknowledged
		require.Len(t, k.entries(t), 2)
		k.kill()
		close(dead)
		k.start(t)
		for _, e := range k.settled(t) {
			assert.Equal(t, "done", e["outcome"], "%s", k.stderr)
			assert.Equal(t, "delivered", e["delivery"])
		}
		var applied []string
		ids := map[string]bool{}
		for _, c := range k.nim.Calls() {
			if c.Op == netease.OpTemporaryMute && c.Applied {
				applied = append(applied, c.Form.Get("muteDuration"))
				ids[c.RequestID] = true
			}
		}
		assert.Len(t, ids, 2)
		assert.Equal(t, "2700", applied[len(applied)-1], "the later one has the last word")
	})
}

func onBoth(t *testing.T, test func(t *testing.T, k *killer)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, newKiller(t, "")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, newKiller(t, journaltest.Postgres(t))) })
}

// TestKilledUnderLoad kills the bot again and again while it carries out many commands, each time at another call to NetEase, some of which hang up before or
// after applying. Of what was accepted nothing is lost, nothing is done under two RequestIds, and everything is answered.
func TestKilledUnderLoad(t *testing.T) {
	const rounds, atOnce = 5, 12
	onBoth(t, func(t *testing.T, k *killer) {
		var members []netease.AccID
		for i := range rounds * atOnce {
			members = append(members, netease.AccID(fmt.Sprint("member", i)))
		}
		k.nim.AddRoom(sandbox.Room{ID: 456, Name: "Room 456", Creator: "zhangsan", Common: members})
		accepted := map[string]bool{} // keys
		for round := range rounds {
			k.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Hangup: sandbox.BeforeApplying})
			k.nim.Inject(netease.OpTemporaryMute, sandbox.Fault{Hangup: sandbox.AfterApplying})
			var calls atomic.Int64
			k.lock = func() {
				if calls.Add(1) == int64(2*round+3) {
					k.kill()
				}
			}
			p := k.start(t)
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range atOnce {
				all.Go(func() {
					n := round*atOnce + i
					if first := k.mute(t, p, fmt.Sprint("trigger-", n), fmt.Sprintf("456 member%d 30m", n)); first != "" {
						mu.Lock()
						defer mu.Unlock()
						accepted[fmt.Sprint("slack:trigger-", n)] = true
					}
				})
			}
			all.Wait()
			k.kill()
		}
		k.lock = nil
		k.start(t)
		for _, e := range k.settled(t) {
			assert.Equal(t, "done", e["outcome"], "%v", e)
			assert.Equal(t, "delivered", e["delivery"])
			delete(accepted, e["key"].(string))
		}
		assert.Empty(t, accepted, "lost")
		ids := map[string]string{} // of RequestIds, by target
		for _, c := range k.nim.Calls() {
			if target := c.Form.Get("target"); c.Applied && c.Op == netease.OpTemporaryMute {
				if was := ids[target]; was != "" {
					assert.Equal(t, was, c.RequestID, "%s was muted twice", target)
				}
				ids[target] = c.RequestID
			}
		}
		t.Logf("%d begun of %d sent, 0 lost, 0 doubled", len(ids), rounds*atOnce)
	})
}

// TestReplicaKilled kills one of two replicas on one database while NetEase has its command. The other carries it to its end, without a restart,
// and goes on with its own.
func TestReplicaKilled(t *testing.T) {
	k := newKiller(t, journaltest.Postgres(t))
	other := newKiller(t, "")
	other.env, other.nim, other.slack = k.env, k.nim, k.slack // the same journal, NetEase and Slack
	survivor := other.start(t)
	k.step = applied
	first := k.mute(t, k.start(t), "trigger-1")
	k.finished(t, first)
	assert.Contains(t, other.mute(t, survivor, "trigger-2"), "Already done (#1)", "the other one goes on, and knows")
	assert.Contains(t, other.mute(t, survivor, "trigger-1"), "muted", "a redelivery of the dead one's command hears what came of it")
}

// finished waits for the end of the one command that was given, and checks it. first is what came back for it at once.
func (k *killer) finished(t *testing.T, first string) {
	t.Helper()
	entries := k.settled(t)
	require.Len(t, entries, 1)
	assert.Equal(t, "done", entries[0]["outcome"], "%s", k.stderr)
	assert.Equal(t, "delivered", entries[0]["delivery"])
	ids, done := map[string]bool{}, 0
	for _, c := range k.nim.Calls() {
		if c.Op == netease.OpTemporaryMute {
			ids[c.RequestID] = true
			if c.Applied {
				done++
			}
		}
	}
	assert.Len(t, ids, 1, "one effect, one RequestId")
	assert.Equal(t, 1, done, "it acts once")
	if !strings.Contains(first, "muted") {
		assert.Contains(t, k.heardOf(), "muted", "the answer arrives")
	}
	assert.NotContains(t, k.stderr.String(), k.slack.URL, "the reply address is secret")
}

func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !ready(); time.Sleep(20 * time.Millisecond) { // another process does it: there is nothing to wait on
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}
