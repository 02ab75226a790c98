package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
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
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"roomwarden/journal/journaltest"
)

// BenchmarkSlackCommand sends signed /mute commands over loopback, 1, 16 and 64 at once, with NetEase at 0 and 50 ms: to a bare handler that
// does nothing but verify, call NetEase and answer, and to the whole program on SQLite (synchronous=FULL) and, where TEST_DATABASE_URL is
// set, on PostgreSQL. ns/op is the time in which one more command is answered, p50-µs what its sender waits.
//
//	go test ./cmd/bot -run '^$' -bench SlackCommand -benchtime 2000x
func BenchmarkSlackCommand(b *testing.B) {
	for _, delay := range []time.Duration{0, 50 * time.Millisecond} {
		nim := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			time.Sleep(delay)
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			io.WriteString(w, `{"desc":{"muteDuration":300},"code":200}`)
		}))
		defer nim.Close()
		bare := httptest.NewServer(bareHandler(nim.URL + "/nimserver/chatroom/temporaryMute.action"))
		defer bare.Close()
		for _, callers := range []int{1, 16, 64} {
			at := fmt.Sprintf("NetEase %v, %d at once, ", delay, callers)
			b.Run(at+"bare", func(b *testing.B) { benchmarkAt(b, bare.URL, callers) })
			b.Run(at+"SQLite", func(b *testing.B) {
				benchmarkAt(b, startQuietly(b, nim.URL+"/nimserver", "sqlite:"+filepath.Join(b.TempDir(), "journal.db")), callers)
			})
			b.Run(at+"PostgreSQL", func(b *testing.B) {
				benchmarkAt(b, startQuietly(b, nim.URL+"/nimserver", journaltest.Postgres(b)), callers)
			})
		}
	}
}

func benchmarkAt(b *testing.B, address string, callers int) {
	var n atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	one := func() {
		begun := time.Now()
		answer := sendSigned(b, client, address+"/slack/commands", int(n.Add(1)))
		if !strings.Contains(answer, "in_channel") {
			b.Errorf("%s answered %s", address, answer)
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(begun))
	}
	one()
	b.ReportAllocs()
	b.ResetTimer()
	if callers == 1 {
		for range b.N {
			one()
		}
	} else {
		b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one()
			}
		})
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// startQuietly runs bot serve with a rate that no benchmark reaches, and returns its address.
func startQuietly(b *testing.B, nimBase, journal string) string {
	policy := filepath.Join(b.TempDir(), "permissions.yaml")
	require.NoError(b, os.WriteFile(policy, []byte(benchmarkPolicy()), 0o600))
	log := newWatched()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, world{Out: io.Discard, Err: log, Environ: []string{
			"LISTEN_ADDR=127.0.0.1:0", "DATABASE_URL=" + journal, "PERMISSIONS_FILE=" + policy,
			"NETEASE_APP_KEY=app-key", "NETEASE_APP_SECRET=" + testAppSecret, "NETEASE_BASE_URLS=" + nimBase, "NETEASE_RATE=1000000",
			"SLACK_BOT_TOKEN=" + testBotToken, "SLACK_SIGNING_SECRET=" + testSigningSecret,
		}})
	}()
	b.Cleanup(func() { cancel(); <-done })
	return "http://" + log.find(b, `msg=listening .*addr=(\S+)`)
}

const moderators = 64

// benchmarkPolicy lets many people in: one alone may not have so many commands under way.
func benchmarkPolicy() string {
	text := "moderators:\n  - {name: Moderators, accid: zhangsan, commands: ['*'], rooms: ['*'], slack: ["
	for i := range moderators {
		text += fmt.Sprintf("T0123/U%d, ", i)
	}
	return strings.TrimSuffix(text, ", ") + "]}\n"
}

// sendSigned sends the nth command. Each has another target, so that none waits for its turn or is taken for a repeat.
func sendSigned(b *testing.B, client *http.Client, address string, n int) string {
	body := url.Values{
		"team_id": {"T0123"}, "user_id": {fmt.Sprint("U", n%moderators)}, "user_name": {"zhangsan"}, "channel_id": {"C0789"},
		"command": {"/mute"}, "text": {fmt.Sprintf("room=123 target=lisi%d 300s", n)},
		"trigger_id": {fmt.Sprint("trigger-", n)}, "response_url": {"https://hooks.slack.com/commands/1"},
	}.Encode()
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	require.NoError(b, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", timestamp)
	req.Header.Set("X-Slack-Signature", signature(timestamp, []byte(body)))
	resp, err := client.Do(req)
	require.NoError(b, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	return string(raw)
}

func signature(timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(testSigningSecret))
	fmt.Fprintf(mac, "v0:%s:%s", timestamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// bareHandler is the least that does the job: no grammar, no policy, no journal, no limits.
func bareHandler(mute string) http.Handler {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 5 * time.Second}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		want := signature(r.Header.Get("X-Slack-Request-Timestamp"), body)
		if err != nil || !hmac.Equal([]byte(want), []byte(r.Header.Get("X-Slack-Signature"))) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		form, _ := url.ParseQuery(string(body))
		words := strings.Fields(form.Get("text"))
		call := url.Values{
			"roomid": {strings.TrimPrefix(words[0], "room=")}, "operator": {"zhangsan"}, "target": {strings.TrimPrefix(words[1], "target=")},
			"muteDuration": {strings.TrimSuffix(words[2], "s")},
		}.Encode()
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, mute, strings.NewReader(call))
		curTime := strconv.FormatInt(time.Now().Unix(), 10)
		sum := sha1.Sum([]byte(testAppSecret + "nonce" + curTime))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
		req.Header.Set("AppKey", "app-key")
		req.Header.Set("Nonce", "nonce")
		req.Header.Set("CurTime", curTime)
		req.Header.Set("CheckSum", hex.EncodeToString(sum[:]))
		resp, err := client.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		var answer struct{ Code int }
		json.NewDecoder(resp.Body).Decode(&answer)
		var out bytes.Buffer
		json.NewEncoder(&out).Encode(map[string]string{"response_type": "in_channel", "text": fmt.Sprint("code ", answer.Code)})
		w.Header().Set("Content-Type", "application/json")
		w.Write(out.Bytes())
	})
}
