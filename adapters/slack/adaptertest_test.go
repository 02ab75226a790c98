package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/adaptertest"
	"roomwarden/commands"
)

func TestAdapter(t *testing.T) {
	start := func(t *testing.T, handle commands.Handler, answered func(int64, bool), log *slog.Logger) adaptertest.Platform {
		p := &workspace{t: t, hooks: newHooks(t)}
		p.adapter = &Adapter{
			SigningSecrets: []string{testSecret}, BotToken: testToken, Handle: handle, Answered: answered, Log: log, HTTP: &http.Client{Transport: inProcess{p}},
		}
		return p
	}
	adaptertest.Run(t, adaptertest.Suite{
		Start: func(t *testing.T, handle commands.Handler, log *slog.Logger) adaptertest.Platform {
			return start(t, handle, nil, log)
		},
		Check: func(t *testing.T, raw []byte) {
			var m message
			require.NoError(t, json.Unmarshal(raw, &m))
			checkMessage(t, m)
			for _, b := range m.Blocks { // what a button carries is shown to nobody
				for _, e := range b.Elements {
					if e.button != nil {
						e.button.Value = "-"
					}
				}
			}
			raw, err := encode(m)
			require.NoError(t, err)
			for _, mark := range marks.FindAllString(string(raw), -1) {
				assert.True(t, strings.HasPrefix(mark, "<!date^"), "a mark that is not ours: %s", mark)
			}
		},
		Answers: start, ReplyFor: 30 * time.Minute, Otherwise: true,
	})
}

// marks is everything that Slack takes for a mention, a link or a date.
var marks = regexp.MustCompile(`<[^>]*>`)

// A workspace is Slack, played: signed commands, the messages at response_urls, and those that one person sees.
type workspace struct {
	t       *testing.T
	adapter *Adapter
	hooks   *hooks
	typed   int

	mu      sync.Mutex
	failure adaptertest.Failure
	private []message // beside the response_urls
}

// ServeHTTP is all of Slack that can be called.
func (w *workspace) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	report := r.URL.Host == "slack.com" && r.URL.Path == "/api/chat.postMessage"
	post := report || r.URL.Host == "slack.com" && r.URL.Path == "/api/chat.postEphemeral"
	switch {
	case w.failure == adaptertest.Broken:
		status(500)(out, r)
	case !post && w.failure != adaptertest.None:
		says(404, `{"ok":false,"error":"expired_url"}`)(out, r)
	case !post:
		w.hooks.ServeHTTP(out, r)
	case w.failure == adaptertest.Nowhere:
		says(200, `{"ok":false,"error":"not_in_channel"}`)(out, r)
	default:
		assert.Equal(w.t, "Bearer "+testToken, r.Header.Get("Authorization"))
		if report {
			w.private = append(w.private, seenByAll(w.t, r, "C2147483705"))
		} else {
			w.private = append(w.private, seenBy(w.t, r, "C2147483705", "U0456"))
		}
		says(200, `{"ok":true,"message_ts":"1502210682.580145"}`)(out, r)
	}
}

// seenBy reads a message that one person is to see, and no other.
func seenBy(t *testing.T, r *http.Request, channel, user string) message {
	var e ephemeral
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	assert.NoError(t, d.Decode(&e))
	assert.Equal(t, channel, e.Channel)
	assert.Equal(t, user, e.User)
	m := message{ResponseType: "ephemeral", Text: e.Text, Blocks: e.Blocks}
	checkMessage(t, m)
	return m
}

// seenByAll reads a message that everyone in the channel is to see.
func seenByAll(t *testing.T, r *http.Request, channel string) message {
	var p posting
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	assert.NoError(t, d.Decode(&p))
	assert.Equal(t, channel, p.Channel)
	assert.False(t, p.UnfurlLinks || p.UnfurlMedia, "no previews")
	m := message{ResponseType: "in_channel", Text: p.Text, Blocks: p.Blocks}
	checkMessage(t, m)
	return m
}

func (w *workspace) command(line string) *http.Request {
	w.typed++
	f := form("/nim", line)
	f.Set("trigger_id", fmt.Sprint(testTrigger, w.typed))
	f.Set("response_url", fmt.Sprint(testHook, w.typed))
	return signed(f.Encode())
}

func (w *workspace) Type(t *testing.T, line string) adaptertest.Message {
	return shown(t, first(t, w.adapter, w.command(line)))
}

func (w *workspace) HangUp(t *testing.T, line string) {
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	w.adapter.Commands().ServeHTTP(httptest.NewRecorder(), w.command(line).WithContext(ctx))
}

func (w *workspace) Fail(f adaptertest.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failure = f
}

func (w *workspace) Deliver(ctx context.Context, l commands.Late) error {
	return w.adapter.Deliver(ctx, l)
}

func (w *workspace) Late(t *testing.T) []adaptertest.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks.mu.Lock()
	defer w.hooks.mu.Unlock()
	var late []adaptertest.Message
	for _, m := range append(w.hooks.posts[:len(w.hooks.posts):len(w.hooks.posts)], w.private...) {
		late = append(late, shown(t, m))
	}
	return late
}

func (w *workspace) Stop(t *testing.T) { require.NoError(t, w.adapter.Stop(t.Context())) }

func (w *workspace) Secrets() []string {
	return []string{testSecret, testToken, testTrigger, testHook, "96rGlfmibIGlgcZRskXaIFfN", "v0="}
}

// shown is what people read of a message: its blocks, escapes undone.
func shown(t *testing.T, m message) adaptertest.Message {
	raw, err := encode(m)
	require.NoError(t, err)
	var text strings.Builder
	for _, b := range m.Blocks {
		if b.Text != nil {
			text.WriteString(b.Text.Text + "\n")
		}
		for _, e := range b.Elements {
			if e.button != nil {
				text.WriteString(e.button.Text.Text + ": " + e.button.Value + "\n")
				continue
			}
			text.WriteString(e.note.Text + "\n")
		}
	}
	unescaped := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text.String())
	return adaptertest.Message{Text: unescaped, Private: m.ResponseType == "ephemeral", Raw: raw, Replaces: m.ReplaceOriginal != nil && *m.ReplaceOriginal}
}
