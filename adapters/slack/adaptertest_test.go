package slack

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/adaptertest"
	"roomwarden/commands"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Start: func(t *testing.T, handle commands.Handler, log *slog.Logger) adaptertest.Platform {
			p := &workspace{hooks: newHooks(t)}
			p.adapter = &Adapter{SigningSecrets: []string{testSecret}, Handle: handle, Log: log, HTTP: p.hooks.client()}
			return p
		},
		Check: func(t *testing.T, raw []byte) {
			var m message
			require.NoError(t, json.Unmarshal(raw, &m))
			checkMessage(t, m)
			for _, mark := range marks.FindAllString(string(raw), -1) {
				assert.True(t, strings.HasPrefix(mark, "<!date^"), "a mark that is not ours: %s", mark)
			}
		},
	})
}

// marks is everything that Slack takes for a mention, a link or a date.
var marks = regexp.MustCompile(`<[^>]*>`)

// A workspace is Slack, played: signed commands, and the messages at response_urls.
type workspace struct {
	adapter *Adapter
	hooks   *hooks
	typed   int
}

func (w *workspace) Type(t *testing.T, line string) adaptertest.Message {
	w.typed++
	f := form("/nim", line)
	f.Set("trigger_id", fmt.Sprint(testTrigger, w.typed))
	f.Set("response_url", fmt.Sprint(testHook, w.typed))
	return shown(t, first(t, w.adapter, signed(f.Encode())))
}

func (w *workspace) Late(t *testing.T) []adaptertest.Message {
	w.hooks.mu.Lock()
	defer w.hooks.mu.Unlock()
	var late []adaptertest.Message
	for _, m := range w.hooks.posts {
		late = append(late, shown(t, m))
	}
	return late
}

func (w *workspace) Stop(t *testing.T) { require.NoError(t, w.adapter.Stop(t.Context())) }

func (w *workspace) Secrets() []string {
	return []string{testSecret, testTrigger, testHook, "96rGlfmibIGlgcZRskXaIFfN", "v0="}
}

// shown is what people read of a message: its blocks, escapes undone.
func shown(t *testing.T, m message) adaptertest.Message {
	raw, err := m.encode()
	require.NoError(t, err)
	var text strings.Builder
	for _, b := range m.Blocks {
		if b.Text != nil {
			text.WriteString(b.Text.Text + "\n")
		}
		for _, e := range b.Elements {
			text.WriteString(e.Text + "\n")
		}
	}
	unescaped := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text.String())
	return adaptertest.Message{Text: unescaped, Private: m.ResponseType == "ephemeral", Raw: raw}
}
