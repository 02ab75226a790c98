package console

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

// TestDeliver: what the bot tells by itself is drawn whole, between the lines of a conversation that goes on.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, typed := io.Pipe()
		var out bytes.Buffer
		report := commands.Reply{Tone: commands.Done, Text: commands.Prose{{Text: "The time of #1 is over."}}, Number: 2, Public: true}
		c := &Console{Zone: time.UTC, In: in, Out: &out, Handle: func(context.Context, commands.Request) commands.Reply {
			time.Sleep(3 * time.Second)
			return commands.Reply{Tone: commands.Info, Text: commands.Prose{{Text: "Nothing is in force."}}, Number: 3}
		}}
		ended := make(chan error)
		go func() { ended <- c.Run(t.Context()) }()
		io.WriteString(typed, "/active\n")
		time.Sleep(time.Second)
		require.NoError(t, c.Deliver(t.Context(), commands.Late{Reply: report, Report: true}))
		time.Sleep(10 * time.Second)
		typed.Close()
		require.NoError(t, <-ended)
		order := -1
		for _, want := range []string{"> /active\n", "✔ done  The time of #1 is over.\n  #2 (everyone in the channel sees this)\n\n", "… working", "• info  Nothing is in force.\n  #3\n"} {
			at := strings.Index(out.String(), want)
			assert.Greater(t, at, order, "%q in\n%s", want, out.String())
			order = at
		}
		c.Out = &pipe{err: io.ErrClosedPipe}
		assert.ErrorIs(t, c.Deliver(t.Context(), commands.Late{Reply: report}), io.ErrClosedPipe)
	})
}
