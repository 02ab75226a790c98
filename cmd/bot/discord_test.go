package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A discordAPI is the part of Discord that the bot calls: lists of commands.
type discordAPI struct {
	mu   sync.Mutex
	puts []string // "PUT /applications/…/commands: 18 commands"
}

func (d *discordAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Bot "+testDiscordBot {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodPut {
		var list []map[string]any
		json.NewDecoder(r.Body).Decode(&list)
		d.puts = append(d.puts, fmt.Sprintf("%s: %d commands", strings.TrimPrefix(r.URL.Path, "/api/v10"), len(list)))
	}
	io.WriteString(w, "[]")
}

// TestServeDiscord: the same lines do the same from Discord, roles let people in, and forged interactions are refused.
func TestServeDiscord(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	api := &discordAPI{}
	server := httptest.NewServer(api)
	defer server.Close()
	p := start(t, "DISCORD_BOT_TOKEN="+testDiscordBot, "DISCORD_APPLICATION_ID="+testApplication, "DISCORD_PUBLIC_KEY="+hex.EncodeToString(public), "DISCORD_API_URL="+server.URL)
	const guild, role = "197038439483310086", "41771983423143936"
	p.rewritePolicy(t, testPolicy[:strings.Index(testPolicy, "rooms:\n  lobby")]+
		"  - {name: On-call, discord_roles: [\""+role+"\"], accid: zhangsan, commands: [mute, delayclose], rooms: [123]}\nrooms:\n  lobby: 1600849147\n")

	send := func(id string, key ed25519.PrivateKey, roles []string, command string, options ...any) (int, string) {
		body, err := json.Marshal(map[string]any{
			"id": id, "application_id": testApplication, "type": 2, "token": "interaction-token-" + id, "version": 1, "guild_id": guild, "channel_id": "645027906669510667", "locale": "zh-CN",
			"member": map[string]any{"user": map[string]any{"id": "80351110224678912", "username": "zhangsan", "global_name": "Zhang San"}, "roles": roles, "permissions": "8"},
			"data":   map[string]any{"id": "1", "name": command, "type": 1, "options": options},
		})
		require.NoError(t, err)
		timestamp := fmt.Sprint(time.Now().Unix())
		req, err := http.NewRequest(http.MethodPost, p.url+"/discord/interactions", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("X-Signature-Timestamp", timestamp)
		req.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, append([]byte(timestamp), body...))))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(raw)
	}
	text := func(name, value string) any { return map[string]any{"name": name, "type": 3, "value": value} }
	mute := []any{text("duration", "300s"), text("target", "lisi"), text("room", "123"), text("reason", `spam, "again" room=456`)}

	status, answer := send("1200000000000000001", private, []string{role}, "mute", mute...)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, answer, "**已完成**\\n网易云信已接受禁言")
	assert.Regexp(t, `"label":"撤销","custom_id":"v1:undo \d+"`, answer)
	assert.NotContains(t, answer, `"flags":68`, "everyone sees it")
	_, again := send("1200000000000000001", private, []string{role}, "mute", mute...)
	assert.Equal(t, answer, again, "a redelivery gets the first answer")
	_, answer = send("1200000000000000002", private, []string{role}, "delayclose", text("room", "123"), text("policy", "idle"), text("delay", "1h"))
	assert.Contains(t, answer, "自动关闭")
	_, answer = send("1200000000000000003", private, nil, "mute", mute...)
	assert.Contains(t, answer, "80351110224678912", "without the role a stranger, administrator of the guild or not")
	assert.Contains(t, answer, `"flags":68`)
	_, forged, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	status, answer = send("1200000000000000004", forged, []string{role}, "mute", mute...)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Empty(t, answer)

	var forms []string
	for _, c := range p.nim.Calls() {
		forms = append(forms, string(c.Op)+" "+c.Form.Encode())
	}
	assert.Equal(t, []string{
		"temporaryMute muteDuration=300&needNotify=true&operator=zhangsan&roomid=123&target=lisi",
		"updateDelayClosePolicy delayClosePolicy=2&delaySeconds=3600&roomid=123",
	}, forms)
	p.log.find(t, `discord`)
	assert.Equal(t, exitOK, p.end())
	api.mu.Lock()
	defer api.mu.Unlock()
	assert.Contains(t, api.puts, "/applications/"+testApplication+"/commands: 18 commands")
	for _, secret := range []string{"interaction-token", testDiscordBot} {
		assert.NotContains(t, p.log.String(), secret)
	}
}
