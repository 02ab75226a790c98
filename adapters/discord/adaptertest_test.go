package discord

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"roomwarden/adapters/adaptertest"
	"roomwarden/commands"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Start: func(t *testing.T, handle commands.Handler, log *slog.Logger) adaptertest.Platform {
			g := &guild{originals: map[string]bool{}}
			client := &Client{ApplicationID: testApp, BotToken: testBotToken, HTTP: &http.Client{Transport: g}}
			g.adapter = &Adapter{PublicKey: hex.EncodeToString(testPublic), Client: client, Handle: handle, Log: log}
			return g
		},
		Check: func(t *testing.T, raw []byte) {
			if raw != nil { // "thinking…" has nothing to look at
				checkMessage(t, raw)
			}
		},
	})
}

// A guild is Discord, played: signed interactions, and what is posted to them later.
type guild struct {
	adapter *Adapter
	typed   int

	mu        sync.Mutex
	originals map[string]bool // by token: the first answer is for everyone
	late      []adaptertest.Message
}

func (g *guild) Type(t *testing.T, line string) adaptertest.Message {
	g.typed++
	token := fmt.Sprint(testToken, g.typed)
	p := with(with(payload("help", text("command", line)), "id", fmt.Sprint(1200000000000000000+g.typed)), "token", token)
	w := httptest.NewRecorder()
	g.adapter.Interactions().ServeHTTP(w, signed(p))
	require.Equal(t, http.StatusOK, w.Code)
	var first struct {
		Type int
		Data json.RawMessage
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &first))
	m := shownTo(first.Data, false)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.originals[token] = !m.Private
	if first.Type == 5 {
		m.Raw = nil
	}
	return m
}

// RoundTrip takes edits, follow-ups and deletions. An edit is seen by whom the first answer was for.
func (g *guild) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	parts := strings.Split(r.URL.Path, "/") // /api/v10/webhooks/{app}/{token}[/messages/@original]
	token := parts[5]
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	switch r.Method {
	case http.MethodPatch:
		g.late = append(g.late, shownTo(body, !g.originals[token]))
	case http.MethodPost:
		g.late = append(g.late, shownTo(body, false))
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// asTyped writes options as other platforms do.
var asTyped = strings.NewReplacer("room:", "room=", "target:", "target=")

// shownTo is what people read of a message: its content, escapes undone.
func shownTo(body []byte, private bool) adaptertest.Message {
	var m struct {
		Content string
		Flags   int
	}
	if len(body) > 0 && json.Unmarshal(body, &m) != nil {
		m.Content = "not JSON: " + string(body)
	}
	return adaptertest.Message{Text: asTyped.Replace(strings.ReplaceAll(m.Content, `\`, "")), Private: private || m.Flags&64 != 0, Raw: body}
}

func (g *guild) Late(*testing.T) []adaptertest.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.late
}

func (g *guild) Stop(t *testing.T) { require.NoError(t, g.adapter.Stop(t.Context())) }

func (g *guild) Secrets() []string { return []string{testToken, testBotToken} }
