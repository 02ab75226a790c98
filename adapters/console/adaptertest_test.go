package console

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/adaptertest"
	"roomwarden/commands"
	"roomwarden/permissions"
)

func TestAdapter(t *testing.T) {
	start := func(_ *testing.T, handle commands.Handler, answered func(int64, bool), log *slog.Logger) adaptertest.Platform {
		return &terminal{Console{Who: permissions.Subject{Platform: permissions.Console, User: "zhangsan"}, Zone: time.UTC, Handle: handle, Answered: answered, Log: log}}
	}
	adaptertest.Run(t, adaptertest.Suite{
		Start: func(t *testing.T, handle commands.Handler, log *slog.Logger) adaptertest.Platform {
			return start(t, handle, nil, log)
		},
		Answers: start,
		Check: func(t *testing.T, raw []byte) {
			assert.False(t, strings.ContainsFunc(string(raw), func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }), "%q", raw)
		},
		Terminal: true,
	})
}

// A terminal is one session for each line.
type terminal struct{ console Console }

func (p *terminal) Type(t *testing.T, line string) adaptertest.Message {
	var out bytes.Buffer
	p.console.In, p.console.Out = strings.NewReader(line+"\n"), &out
	require.NoError(t, p.console.Run(t.Context()))
	_, answer, _ := strings.Cut(out.String(), "\n") // without the line itself
	return adaptertest.Message{Text: answer, Raw: []byte(answer)}
}

func (p *terminal) Late(*testing.T) []adaptertest.Message { return nil }
func (p *terminal) Stop(*testing.T)                       {}
func (p *terminal) Secrets() []string                     { return nil }
