package commands

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// TestNotGatheredInTrouble: a journal that is in trouble is asked to take the outcome before anything is said.
func TestNotGatheredInTrouble(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Gather = time.Second
		s.journal.Silence()
		require.Equal(t, Done, s.ask("1", "zhangsan", "mute 123 lisi 5m").Tone)
		assert.Equal(t, journal.Done, s.entries(t)[0].Outcome)
	})
}

// TestPanicOfAnObserver: the entry that was begun for a request does not stay open for ever.
func TestPanicOfAnObserver(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.dispatcher.Observe = func(Observation) { panic("a metric") }
		assert.Equal(t, Unknown, s.ask("1", "zhangsan", "mute 123 lisi 5m").Tone)
		synctest.Wait()
		e := s.entries(t)[0]
		assert.Equal(t, journal.Unknown, e.Outcome)
		assert.False(t, e.Open)
		assert.Empty(t, s.dispatcher.running.all, "nobody waits for it")
	})
}

// TestUnknownWithoutADoubt: an entry of which more was expected, and nothing tells how to look for it, is closed by whoever takes it over.
func TestUnknownWithoutADoubt(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.nim.Inject(netease.OpMuteRoom, sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3})
		require.Equal(t, Unknown, s.ask("1", "zhangsan", "muteroom 123 yes=yes").Tone)
		e := s.entries(t)[0]
		require.NoError(t, s.journal.Finish(t.Context(), e.Hand(), journal.Result{Outcome: journal.Unknown, More: true, Text: "not known", Answer: []byte("{}")}))
		s.journal.Kill()
		s.heir(t, time.Minute)
		e = s.entriesOf(t)[0]
		assert.Equal(t, journal.Unknown, e.Outcome)
		assert.Equal(t, "not known", e.Text)
		assert.False(t, e.Open)
	})
}

// cancelling is a journal during whose Begin the caller's context ends.
type cancelling struct {
	journal.Store
	cancel func()
}

func (c cancelling) Begin(ctx context.Context, e journal.Entry) (journal.Begun, error) {
	defer c.cancel()
	return c.Store.Begin(ctx, e)
}

// TestStoppedWhileItBegins: what is cut off by a restart is told so.
func TestStoppedWhileItBegins(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.dispatcher.Journal = cancelling{s.journal, cancel}
		reply := s.dispatcher.Handle(ctx, Request{Key: "1", Who: person("zhangsan"), Line: "mute 123 lisi 5m", At: time.Now()})
		assert.Equal(t, Refused, reply.Tone)
		assert.Contains(t, reply.Text.String(), "The bot is restarting. Nothing was done")
		assert.Empty(t, s.ops())
		assert.Equal(t, journal.Refused, s.entries(t)[0].Outcome)
	})
}
