package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkStart starts the binary on a new SQLite file. ready-ms is the time until it listens; idle-MiB and load-MiB are its memory (resident set, Linux only)
// then and after 2000 commands, 64 at once.
//
//	go test ./cmd/bot -run '^$' -bench Start -benchtime 5x
func BenchmarkStart(b *testing.B) {
	binary, err := builtOnce()
	require.NoError(b, err, binary)
	nim := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"desc":{"muteDuration":300},"code":200}`)
	}))
	defer nim.Close()
	policy := filepath.Join(b.TempDir(), "permissions.yaml")
	require.NoError(b, os.WriteFile(policy, []byte(benchmarkPolicy()), 0o600))
	var ready, idle, load float64
	for range b.N {
		log := newWatched()
		cmd := exec.Command(binary, "serve")
		cmd.Stderr = log
		cmd.Env = []string{
			"LISTEN_ADDR=127.0.0.1:0", "DATABASE_URL=sqlite:" + filepath.Join(b.TempDir(), "journal.db"), "PERMISSIONS_FILE=" + policy,
			"NETEASE_APP_KEY=app-key", "NETEASE_APP_SECRET=" + testAppSecret, "NETEASE_BASE_URLS=" + nim.URL + "/nimserver", "NETEASE_RATE=1000000",
			"SLACK_BOT_TOKEN=" + testBotToken, "SLACK_SIGNING_SECRET=" + testSigningSecret, "LOG_LEVEL=info",
		}
		begun := time.Now()
		require.NoError(b, cmd.Start())
		address := "http://" + log.find(b, `msg=listening .*addr=(\S+)`)
		ready += float64(time.Since(begun).Microseconds()) / 1000
		idle += resident(b, cmd.Process.Pid)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		var all sync.WaitGroup
		for caller := range 64 {
			all.Go(func() {
				for n := caller; n < 2000; n += 64 {
					sendSigned(b, client, address+"/slack/commands", n+1)
				}
			})
		}
		all.Wait()
		load += resident(b, cmd.Process.Pid)
		client.CloseIdleConnections()
		cmd.Process.Kill()
		cmd.Wait()
	}
	b.ReportMetric(ready/float64(b.N), "ready-ms")
	b.ReportMetric(idle/float64(b.N), "idle-MiB")
	b.ReportMetric(load/float64(b.N), "load-MiB")
}

// resident is the memory of a process in MiB; 0 where that is not known.
func resident(b *testing.B, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			require.NoError(b, err)
			return float64(kib) / 1024
		}
	}
	return 0
}
