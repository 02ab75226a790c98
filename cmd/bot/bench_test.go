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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkSlackCommand sends signed /mute commands over loopback, in turn to the whole program (policy, journal on a SQLite file
// with synchronous=FULL) and to a bare handler that does nothing but verify, call NetEase and answer. It reports the
// median time of each and how much of the bare handler's speed is left.
//
//	go test ./cmd/bot -run '^$' -bench SlackCommand -benchtime 2000x
func BenchmarkSlackCommand(b *testing.B) {
	nim := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, `{"desc":{"muteDuration":300},"code":200}`)
	}))
	defer nim.Close()
	bare := httptest.NewServer(bareHandler(nim.URL + "/nimserver/chatroom/temporaryMute.action"))
	defer bare.Close()
	bot := startQuietly(b, nim.URL+"/nimserver")

	var took [2][]time.Duration
	n := 0
	for b.Loop() {
		for i, target := range []string{bare.URL, bot} {
			begun := time.Now()
			answer := sendSigned(b, target+"/slack/commands", n)
			took[i] = append(took[i], time.Since(begun))
			if !strings.Contains(answer, "in_channel") {
				b.Fatalf("%s answered %s", target, answer)
			}
		}
		n++
	}
	for i := range took {
		slices.Sort(took[i])
	}
	bareMedian, botMedian := took[0][n/2], took[1][n/2]
	b.ReportMetric(float64(bareMedian.Microseconds()), "bare-µs")
	b.ReportMetric(float64(botMedian.Microseconds()), "bot-µs")
	b.ReportMetric(float64(bareMedian)/float64(botMedian), "bot/bare-speed")
}

// startQuietly runs bot serve with a rate that no benchmark reaches, and returns its address.
func startQuietly(b *testing.B, nimBase string) string {
	folder := b.TempDir()
	policy := filepath.Join(folder, "permissions.yaml")
	require.NoError(b, os.WriteFile(policy, []byte(testPolicy), 0o600))
	log := newWatched()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve"}, world{Out: io.Discard, Err: log, Environ: []string{
			"LISTEN_ADDR=127.0.0.1:0", "DATABASE_URL=sqlite:" + filepath.Join(folder, "journal.db"), "PERMISSIONS_FILE=" + policy,
			"NETEASE_APP_KEY=app-key", "NETEASE_APP_SECRET=" + testAppSecret, "NETEASE_BASE_URLS=" + nimBase, "NETEASE_RATE=1000000",
			"SLACK_BOT_TOKEN=" + testBotToken, "SLACK_SIGNING_SECRET=" + testSigningSecret,
		}})
	}()
	b.Cleanup(func() { cancel(); <-done })
	return "http://" + log.find(b, `msg=listening .*addr=(\S+)`)
}

func sendSigned(b *testing.B, address string, n int) string {
	body := url.Values{
		"team_id": {"T0123"}, "user_id": {"U0456"}, "user_name": {"zhangsan"}, "channel_id": {"C0789"}, "command": {"/mute"}, "text": {"room=123 target=lisi 300s"},
		"trigger_id": {fmt.Sprint("trigger-", n)}, "response_url": {"https://hooks.slack.com/commands/1"},
	}.Encode()
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	require.NoError(b, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", timestamp)
	req.Header.Set("X-Slack-Signature", signature(timestamp, []byte(body)))
	resp, err := http.DefaultClient.Do(req)
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
