package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal/journaltest"
	"roomwarden/netease"
)

// ends are the calls that ended the mute of a room, as NetEase has heard them.
func (k *killer) ends() (ends []string) {
	for _, c := range k.nim.Calls() {
		if c.Op == netease.OpMuteRoom && c.Form.Get("mute") == "false" {
			ends = append(ends, c.RequestID)
		}
	}
	return ends
}

// closed waits until the journal has so many entries, all of them closed: sealed, that is.
func (k *killer) closed(t *testing.T, n int) {
	t.Helper()
	var entries []map[string]any
	await(t, "all is sealed", func() bool {
		entries = k.entries(t)
		sealed := 0
		for _, e := range entries {
			if seal, _ := e["seal"].(float64); seal > 0 {
				sealed++
			}
		}
		return sealed == n && len(entries) == n
	})
	for _, e := range entries {
		assert.Equal(t, "done", e["outcome"], "%v", e)
		assert.Equal(t, "delivered", e["delivery"], "%v", e)
	}
}

// TestTimedMuteOutlivesAKill kills the bot while a timed room mute runs, and once more when NetEase has heard of its end. The mute is ended once, and the
// channel is told.
func TestTimedMuteOutlivesAKill(t *testing.T) {
	onBoth(t, func(t *testing.T, k *killer) {
		require.Contains(t, k.say(t, k.start(t), "trigger-1", "/nim", "muteroom 123 2s"), "muted for 2s")
		k.kill()
		assert.Empty(t, k.ends())
		k.start(t)
		await(t, "the end", func() bool { return len(k.ends()) > 0 })
		k.kill()
		k.start(t)
		k.closed(t, 2)
		assert.Len(t, k.ends(), 1)
		assert.Contains(t, k.heardOf(), "The time of #1 by Zhang San (zhangsan) is over.")
	})
}

// TestTimedMuteOfADeadReplica kills one of two replicas, which has a timed room mute in hand. The other one ends it, in time and once.
func TestTimedMuteOfADeadReplica(t *testing.T) {
	k := newKiller(t, journaltest.Postgres(t))
	other := newKiller(t, "")
	other.env, other.nim, other.slack = k.env, k.nim, k.slack // the same journal, NetEase and Slack
	other.start(t)
	began := time.Now()
	require.Contains(t, k.say(t, k.start(t), "trigger-1", "/nim", "muteroom 123 5s"), "muted for 5s")
	k.kill()
	await(t, "the end", func() bool { return len(k.ends()) > 0 })
	assert.GreaterOrEqual(t, time.Since(began), 5*time.Second)
	k.closed(t, 2)
	assert.Len(t, k.ends(), 1)
}
