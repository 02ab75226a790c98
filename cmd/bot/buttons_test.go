package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
)

// press lets Slack deliver a press of a button of a message, by somebody, on a card that everyone sees.
func (k *killer) press(t *testing.T, p *program, message, label, user, trigger string) {
	t.Helper()
	var m struct {
		Blocks []struct {
			Elements []struct {
				Text     json.RawMessage `json:"text"`
				ActionID string          `json:"action_id"`
				Value    string          `json:"value"`
			} `json:"elements"`
		} `json:"blocks"`
	}
	require.NoError(t, json.Unmarshal([]byte(message), &m), "%s", message)
	for _, b := range m.Blocks {
		for _, e := range b.Elements {
			if !strings.Contains(string(e.Text), `"`+label+`"`) {
				continue
			}
			payload, err := json.Marshal(map[string]any{
				"type": "block_actions", "trigger_id": trigger, "response_url": k.slack.URL + "/hook", "team": map[string]string{"id": "T0123"},
				"user": map[string]string{"id": user, "username": user}, "channel": map[string]string{"id": "C0789"},
				"container": map[string]any{"type": "message", "is_ephemeral": false},
				"actions":   []any{map[string]string{"type": "button", "action_id": e.ActionID, "value": e.Value}},
			})
			require.NoError(t, err)
			req := signed(t, p.url, url.Values{"payload": {string(payload)}}.Encode())
			req.URL.Path = "/slack/interactions"
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			require.Equal(t, http.StatusOK, resp.StatusCode)
			return
		}
	}
	require.Fail(t, "no such button", "%s in %s", label, message)
}

// heard waits for a post to the response_url that holds some words, and returns it. What was said before a crash may be said again after it.
func (k *killer) heard(t *testing.T, words string) (post string) {
	await(t, words, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, p := range k.posts {
			if strings.Contains(p, words) {
				post = p
			}
		}
		return post != ""
	})
	return post
}

// times is how many posts hold some words.
func (k *killer) times(words string) (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.posts {
		if strings.Contains(p, words) {
			n++
		}
	}
	return n
}

// TestButtons presses what stands under answers, through the whole program: by its asker, by a stranger, twice, and after a restart.
func TestButtons(t *testing.T) {
	k := newKiller(t, "")
	require.NoError(t, k.nim.Enter(123, "lisi"))
	p := k.start(t)
	muted := k.say(t, p, "trigger-1", "/nim", "mute 123 lisi 30m")
	require.Contains(t, muted, `"in_channel"`)

	k.press(t, p, muted, "+10m", "U0999", "trigger-2")
	refused := k.heard(t, "not on the list of those who may use this bot")
	assert.Contains(t, refused, `"response_type":"ephemeral","replace_original":false`)

	k.kill()
	p = k.start(t)
	k.press(t, p, muted, "+10m", "U0456", "trigger-3")
	longer := k.heard(t, "lasts 10m longer")
	assert.Contains(t, longer, `"response_type":"in_channel","replace_original":true`)

	k.press(t, p, muted, "Undo", "U0456", "trigger-4") // of the card that was there before
	k.heard(t, "is not the last word")
	k.press(t, p, longer, "Undo", "U0456", "trigger-5")
	k.heard(t, "is undone. ")
	k.press(t, p, longer, "Undo", "U0456", "trigger-5") // delivered again: it is not answered again
	k.press(t, p, longer, "Undo", "U0456", "trigger-6")
	k.heard(t, "is undone already, by Zhang San")
	assert.Equal(t, 1, k.times("is undone. "))

	var lengths []string
	for _, c := range k.nim.Calls() {
		if c.Op == netease.OpTemporaryMute {
			lengths = append(lengths, c.Form.Get("muteDuration"))
		}
	}
	require.Len(t, lengths, 3)
	assert.Equal(t, "1800", lengths[0])
}
