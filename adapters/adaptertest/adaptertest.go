// Package adaptertest is what every adapter must do, as one suite: Run. An adapter's own test starts it on a platform that
// is played in process, on a fake clock, and says how that platform's messages are read.
package adaptertest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

// patience is what a platform waits for the first response: Slack and Discord 3 s, the network included.
const patience = 2500 * time.Millisecond

// A Platform is one chat platform, played: people type, and read what comes back.
type Platform interface {
	// Type has somebody type a line and returns the first response. Each call is another delivery.
	Type(t *testing.T, line string) Message
	// Late are the messages that came after the first responses, in order.
	Late(t *testing.T) []Message
	// Stop stops the adapter and waits for what runs.
	Stop(t *testing.T)
	// Secrets are what must never be in a log: tokens, reply addresses, signatures, delivery ids.
	Secrets() []string
}

// A Message is what people were shown.
type Message struct {
	Text    string // all there is to read, as people see it: escapes undone, times left out
	Private bool   // only the one who typed sees it
	Raw     []byte // as it went to the platform; nil: a sign without words that the answer follows

	Replaces bool // of Late: it takes the place of a message that was there before
}

// A Suite is how Run meets an adapter.
type Suite struct {
	// Start starts the adapter. It runs on a fake clock: nothing of it may wait for a real socket.
	Start func(t *testing.T, handle commands.Handler, log *slog.Logger) Platform
	// Check fails the test where a message breaks a limit of the platform, would ping somebody, forge a link, or leave a code span.
	Check func(t *testing.T, raw []byte)
	// Terminal tells that there is one person at a terminal: everybody sees everything, and nobody waits for a first response.
	Terminal bool

	// Answers, when set, starts the adapter as Start does, with answered as its Answered. Where there is no Terminal the Platform must be a
	// Mishap, too. nil: what becomes of answers is not tested.
	Answers func(t *testing.T, handle commands.Handler, answered func(number int64, delivered bool), log *slog.Logger) Platform
	// ReplyFor is how long the platform takes late answers to one request.
	ReplyFor time.Duration
	// Otherwise tells that people can be reached when the address for late answers is over, and nothing is wrong.
	Otherwise bool
	// Fixed tells that the first response decides who sees what takes its place, and that without one nothing can be said later.
	Fixed bool
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Run("every kind of reply is drawn in both languages", func(t *testing.T) { s.replies(t) })
	t.Run("hostile text stays text", func(t *testing.T) { s.hostile(t) })
	t.Run("a slow answer is acknowledged in time and comes once", func(t *testing.T) { s.slow(t) })
	t.Run("a panic becomes an answer", func(t *testing.T) { s.panics(t) })
	t.Run("an acknowledgement promises what is written down", func(t *testing.T) { s.acknowledged(t) })
	if s.Answers != nil {
		t.Run("what became of an answer is told once", func(t *testing.T) { s.answered(t) })
	}
	if s.Answers != nil && !s.Terminal {
		t.Run("a request says where a late answer can go, and until when", func(t *testing.T) { s.address(t) })
		t.Run("an answer is delivered later", func(t *testing.T) { s.delivered(t) })
	}
}

// with runs test against an adapter that handles lines by handle, and looks at its log afterwards.
func (s Suite) with(t *testing.T, handle commands.Handler, test func(t *testing.T, p Platform)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := new(logbook)
		p := s.Start(t, handle, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		test(t, p)
		p.Stop(t)
		for _, secret := range p.Secrets() {
			assert.NotContains(t, log.String(), secret)
		}
	})
}

var tones = []commands.Tone{commands.Info, commands.Done, commands.NoChange, commands.Asks, commands.Refused, commands.Failed, commands.Unknown}

func (s Suite) replies(t *testing.T) {
	words := commands.Text{English: "lisi may not speak for a while", Chinese: "李四暂时不能发言"}
	for _, language := range []commands.Language{commands.English, commands.Chinese} {
		for _, tone := range tones {
			t.Run(string(language)+" "+string(tone), func(t *testing.T) {
				reply := commands.Reply{Tone: tone, Language: language, Public: tone == commands.Done, Number: 41,
					Text:    commands.Prose{{Text: words.In(language) + " "}, {Code: "room-123"}, {Text: "\n"}, {Time: time.Now().Add(5 * time.Minute)}},
					Fields:  []commands.Field{{Label: "label1", Value: commands.Prose{{Code: "value1"}}}, {Label: "label2", Value: commands.Prose{{Text: "value2"}}}},
					Choices: []commands.Choice{{Label: "choice1", Line: "unmute room=123 target=lisi"}},
				}
				s.with(t, answer(reply), func(t *testing.T, p Platform) {
					m := p.Type(t, "mute 123 lisi 5m")
					s.Check(t, m.Raw)
					for _, want := range []string{words.In(language), "room-123", "label1", "value1", "label2", "value2", "choice1", "unmute room=123 target=lisi", "#41"} {
						assert.Contains(t, m.Text, want)
					}
					if !s.Terminal {
						assert.Equal(t, !reply.Public, m.Private)
					}
					assert.Empty(t, p.Late(t))
				})
			})
		}
		t.Run(string(language)+" much too long", func(t *testing.T) {
			reply := commands.Reply{Tone: commands.Info, Language: language, Number: 41, Text: commands.Prose{{Text: strings.Repeat("世🙂 ", 3000)}}}
			for range 3000 {
				reply.Fields = append(reply.Fields, commands.Field{Label: "label", Value: commands.Prose{{Code: strings.Repeat("值", 50)}}})
			}
			s.with(t, answer(reply), func(t *testing.T, p Platform) {
				m := p.Type(t, "history")
				s.Check(t, m.Raw)
				assert.Contains(t, m.Text, "世")
				assert.Contains(t, m.Text, "#41", "the number is never cut off")
			})
		})
		t.Run(string(language)+" next to nothing", func(t *testing.T) {
			s.with(t, answer(commands.Reply{Tone: commands.Info, Language: language}), func(t *testing.T, p Platform) {
				s.Check(t, p.Type(t, "help").Raw)
			})
		})
	}
}

// attacks are what strangers put into names, reasons and NetEase's answers.
var attacks = []string{
	"@everyone @here <!channel> <!here> <!everyone>", "<@U0456> <@80351110224678912> <@!80351110224678912> <@&41771983423143936> <#C0123> <!subteam^S0789>",
	"[free](https://evil.example) <https://evil.example|free> https://evil.example", "`code` ``` **bold** __under__ ~~strike~~ ||spoiler|| > quote # head - list 1. one",
	"\u202eevil\u202c \u200b\ufeff", "\x1b[31mred\x1b[0m \x07\x00", "</b>&lt;&amp;&amp;lt;", ":skull: <:x:1> <t:0:R> </mute:1>", "\\` \\* \\\\", "a\r\nb\u2028c", "\xff\xfe",
}

func (s Suite) hostile(t *testing.T) {
	for _, attack := range attacks {
		t.Run(attack, func(t *testing.T) {
			prose := commands.Prose{{Text: "before "}, {Text: attack}, {Text: " between "}, {Code: attack}, {Text: ", "}, {Line: attack}, {Text: " after"}}
			reply := commands.Reply{Tone: commands.Done, Language: commands.English, Public: true, Number: 41, Text: prose,
				Fields: []commands.Field{{Label: attack, Value: prose}}, Choices: []commands.Choice{{Label: attack, Line: attack}}}
			s.with(t, answer(reply), func(t *testing.T, p Platform) {
				m := p.Type(t, "mute 123 lisi 5m reason=\"x\"")
				s.Check(t, m.Raw)
				for _, ours := range []string{"before", "between", "after", "#41"} {
					assert.Contains(t, m.Text, ours)
				}
			})
		})
	}
}

func (s Suite) slow(t *testing.T) {
	for _, public := range []bool{true, false} {
		const took = 10 * time.Second
		reply := commands.Reply{Tone: commands.Failed, Language: commands.English, Number: 41, Text: commands.Prose{{Text: "the outcome"}}}
		if public {
			reply.Tone, reply.Public = commands.Done, true
		}
		handle := func(ctx context.Context, req commands.Request) commands.Reply {
			if req.Accepted != nil {
				req.Accepted(41)
			}
			if req.Allowed != nil {
				req.Allowed(true)
			}
			time.Sleep(took)
			return reply
		}
		s.with(t, handle, func(t *testing.T, p Platform) {
			begun := time.Now()
			first := p.Type(t, "mute 123 lisi 5m")
			s.Check(t, first.Raw)
			if s.Terminal {
				assert.Contains(t, first.Text, "the outcome")
				return
			}
			assert.LessOrEqual(t, time.Since(begun), patience)
			assert.NotContains(t, first.Text, "the outcome")
			time.Sleep(took)
			synctest.Wait()
			var said []Message
			for _, m := range p.Late(t) {
				s.Check(t, m.Raw)
				if strings.Contains(m.Text, "the outcome") {
					said = append(said, m)
				}
			}
			require.Len(t, said, 1)
			assert.Equal(t, !public, said[0].Private, "what failed is told privately, what was done to everyone")
			assert.Contains(t, said[0].Text, "#41")
		})
	}
}

func (s Suite) panics(t *testing.T) {
	s.with(t, func(context.Context, commands.Request) commands.Reply { panic("a nil map") }, func(t *testing.T, p Platform) {
		m := p.Type(t, "mute 123 lisi 5m")
		s.Check(t, m.Raw)
		assert.Contains(t, m.Text, "Something went wrong inside the bot")
		assert.NotContains(t, m.Text, "nil map")
		assert.Contains(t, p.Type(t, "whoami").Text, "Something went wrong", "the next one is answered, too")
	})
}

func answer(r commands.Reply) commands.Handler {
	return func(context.Context, commands.Request) commands.Reply { return r }
}

// A logbook is a log that may be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
