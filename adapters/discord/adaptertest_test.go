package discord

import (
	"context"
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
	"time"

	"github.com/stretchr/testify/require"

	"roomwarden/adapters/adaptertest"
	"roomwarden/commands"
)

func TestAdapter(t *testing.T) {
	start := func(t *testing.T, handle commands.Handler, answered func(int64, bool), log *slog.Logger) adaptertest.Platform {
		g := &guild{originals: map[string]standing{}}
		client := &Client{ApplicationID: testApp, BotToken: testBotToken, HTTP: &http.Client{Transport: inProcess{g}}}
		g.adapter = &Adapter{PublicKey: hex.EncodeToString(testPublic), Client: client, Handle: handle, Answered: answered, Log: log}
		return g
	}
	adaptertest.Run(t, adaptertest.Suite{
		Start: func(t *testing.T, handle commands.Handler, log *slog.Logger) adaptertest.Platform {
			return start(t, handle, nil, log)
		},
		Check: func(t *testing.T, raw []byte) {
			if raw != nil { // "thinking…" has nothing to look at
				checkMessage(t, raw)
			}
		},
		Answers: start, ReplyFor: 15 * time.Minute, Fixed: true,
	})
}

// A guild is Discord, played: signed interactions, and what is posted to them later.
type guild struct {
	adapter *Adapter
	typed   int

	mu        sync.Mutex
	failure   adaptertest.Failure
	originals map[string]standing // first answers, by token
	late      []adaptertest.Message
}

func (g *guild) Type(t *testing.T, line string) adaptertest.Message {
	said, token := g.send(t.Context(), line)
	var first struct {
		Type int
		Data json.RawMessage
	}
	require.NoError(t, json.Unmarshal(said, &first))
	var shown standing
	if len(first.Data) > 0 {
		require.NoError(t, json.Unmarshal(first.Data, &shown))
	}
	m := shownTo(first.Data, false)
	if first.Type == 5 {
		shown.Flags |= 128
		m.Raw = nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.originals[token] = shown
	return m
}

func (g *guild) HangUp(t *testing.T, line string) {
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	g.send(gone, line)
}

// send delivers a line as a new interaction, and returns the first answer and the token.
func (g *guild) send(ctx context.Context, line string) (said []byte, token string) {
	g.typed++
	token = fmt.Sprint(testToken, g.typed)
	p := with(with(payload("help", text("command", line)), "id", fmt.Sprint(1200000000000000000+g.typed)), "token", token)
	w := httptest.NewRecorder()
	g.adapter.Interactions().ServeHTTP(w, signed(p).WithContext(ctx))
	return w.Body.Bytes(), token
}

// ServeHTTP takes questions, edits, follow-ups and deletions. An edit is seen by whom the first answer was for.
func (g *guild) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if strings.HasPrefix(r.URL.Path, "/api/v10/channels/") {
		g.announced(w, r, body)
		return
	}
	token := strings.Split(r.URL.Path, "/")[5] // /api/v10/webhooks/{app}/{token}[/messages/@original]
	first, answered := g.originals[token]
	switch {
	case g.failure == adaptertest.Broken:
		problem(500, 0)(w, r)
	case g.failure != adaptertest.None:
		problem(401, 50027)(w, r)
	case !answered:
		problem(404, 10015)(w, r)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(first)
	case r.Method == http.MethodPatch:
		m := shownTo(body, !first.public())
		m.Replaces = true
		g.late = append(g.late, m)
	case r.Method == http.MethodPost:
		g.late = append(g.late, shownTo(body, false))
	}
}

// announced takes a message to a channel.
func (g *guild) announced(w http.ResponseWriter, r *http.Request, body []byte) {
	switch g.failure {
	case adaptertest.Broken:
		problem(500, 0)(w, r)
	case adaptertest.Nowhere:
		problem(403, 50001)(w, r)
	default:
		g.late = append(g.late, shownTo(body, false))
		io.WriteString(w, "{}")
	}
}

func (g *guild) Fail(f adaptertest.Failure) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failure = f
}

func (g *guild) Deliver(ctx context.Context, l commands.Late) error { return g.adapter.Deliver(ctx, l) }

// asTyped writes options as other platforms do.
var asTyped = strings.NewReplacer("room:", "room=", "target:", "target=")

// shownTo is what people read of a message: its content, escapes undone, and what stands on its buttons and behind them.
func shownTo(body []byte, private bool) adaptertest.Message {
	var m struct {
		Content    string
		Flags      int
		Components []actionRow
	}
	if len(body) > 0 && json.Unmarshal(body, &m) != nil {
		m.Content = "not JSON: " + string(body)
	}
	for _, r := range m.Components {
		for _, b := range r.Buttons {
			m.Content += "\n" + b.Label + ": " + strings.TrimPrefix(b.CustomID, lineID)
		}
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
