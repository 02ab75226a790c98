package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

var zhang = permissions.Subject{Platform: permissions.Console, User: "zhangsan", Name: "Zhang San"}

// An ear hears requests and answers each with its line.
type ear struct{ heard []commands.Request }

func (e *ear) handle(_ context.Context, req commands.Request) commands.Reply {
	e.heard = append(e.heard, req)
	return say("heard [" + req.Line + "]")
}

func (e *ear) lines() []string {
	var lines []string
	for _, req := range e.heard {
		lines = append(lines, req.Line)
	}
	return lines
}

func say(text string) commands.Reply {
	return commands.Reply{Tone: commands.Info, Language: commands.English, Text: commands.Prose{{Text: text}}}
}

// piped is a console that reads in and has everything else it needs.
func piped(in string, handle commands.Handler) (*Console, *strings.Builder) {
	var out strings.Builder
	return &Console{Who: zhang, Language: commands.English, Zone: time.UTC, Handle: handle, In: strings.NewReader(in), Out: &out}, &out
}

func TestRunIsAConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		script := "# Silence lisi, then look who I am.\n\n/mute room=lobby target=lisi 5m\n  whoami\n/mute 999 lisi 5m"
		c, out := piped(script, func(_ context.Context, req commands.Request) commands.Reply {
			switch req.Line {
			case "whoami":
				return commands.Reply{Tone: commands.Info, Language: commands.English, Number: 42,
					Text:   commands.Prose{{Text: "You are Zhang San."}},
					Fields: []commands.Field{{Label: "Rights", Value: commands.Prose{{Text: "*"}}}}}
			case "/mute room=lobby target=lisi 5m":
				return muted(commands.English)
			default:
				return commands.Reply{Tone: commands.Failed, Language: commands.English, Number: 43,
					Text: commands.Prose{{Text: "Room "}, {Code: "999"}, {Text: " does not exist (404)."}}}
			}
		})
		require.NoError(t, c.Run(t.Context()))
		golden(t, "session.txt", out.String())
	})
}

func TestRunHandsInRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e ear
		c, _ := piped("whoami\nwhoami\n", e.handle)
		c.Language = commands.Chinese
		require.NoError(t, c.Run(t.Context()))

		require.Len(t, e.heard, 2)
		assert.NotEqual(t, e.heard[0].Key, e.heard[1].Key)
		for _, req := range e.heard {
			assert.Regexp(t, `^console:[A-Z2-7]{26,}$`, req.Key)
			require.NotNil(t, req.Accepted)
			req.Accepted = nil
			assert.Equal(t, commands.Request{Key: req.Key, Who: zhang, Where: "console", Line: "whoami", Locale: "zh-CN", At: time.Now()}, req)
		}
	})
}

func TestRunReadsLines(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, row := range []struct {
		name, in string
		want     []string
		tooLong  int // lines refused
	}{
		{"nothing", "", nil, 0},
		{"last line without an end", "whoami\nhelp", []string{"whoami", "help"}, 0},
		{"line ends of Windows", "whoami\r\nhelp\r\n", []string{"whoami", "help"}, 0},
		{"byte order mark", "\uFEFF# words\nwhoami\n", []string{"whoami"}, 0},
		{"blank lines and comments", "\n \t\n# help\n  #help\nwhoami # me\n", []string{"whoami # me"}, 0},
		{"exit is no command of a pipe", "exit\nwhoami\n", []string{"exit", "whoami"}, 0},
		{"bytes that are no text", "mute \xff\xfe lisi\nwhoami\n", []string{"mute \uFFFD lisi", "whoami"}, 0},
		{"longest line", long + "\nwhoami\n", []string{long, "whoami"}, 0},
		{"longest line, without an end", long, []string{long}, 0},
		{"a byte more", long + "x\nwhoami\n", []string{"whoami"}, 1},
		{"a byte more, without an end", long + "x", nil, 1},
		{"far longer, then on", long + long + long + "\nwhoami\n" + long + "xx\n", []string{"whoami"}, 2},
		{"too long although it begins with little", "mute" + strings.Repeat(" ", maxLine) + "\n", nil, 1},
		{"too long although it seems blank", strings.Repeat(" ", maxLine+1) + "mute\n", nil, 1},
		{"too long although it seems shorter without its byte order mark", "\uFEFF" + long + "\n", nil, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			var e ear
			c, out := piped(row.in, e.handle)
			require.NoError(t, c.Run(t.Context()))
			assert.Equal(t, row.want, e.lines())
			assert.Equal(t, row.tooLong, strings.Count(out.String(), "⊘ refused  This line is longer than 64 KiB."))
		})
	}
}

func TestRunAnnouncesWhatTakesLong(t *testing.T) {
	for _, row := range []struct {
		name             string
		accepted, before time.Duration // when it is written down; how long it takes from then on
		want             func(c *Console) string
	}{
		{"in time", 0, 1999 * time.Millisecond, func(*Console) string { return "" }},
		{"written down", time.Second, 5 * time.Second, func(c *Console) string { return c.draw(commands.Acknowledgement(commands.English, 41)) + "\n" }},
		{"not written down yet", 3 * time.Second, time.Second, func(c *Console) string { return c.draw(commands.Acknowledgement(commands.English, 0)) + "\n" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, out := piped("whoami\n", func(_ context.Context, req commands.Request) commands.Reply {
					time.Sleep(row.accepted)
					req.Accepted(41)
					time.Sleep(row.before)
					return say("ok")
				})
				require.NoError(t, c.Run(t.Context()))
				assert.Equal(t, "> whoami\n"+row.want(c)+"• info  ok\n\n", out.String())
			})
		})
	}
}

func TestAnsweredTellsWhetherItWasWritten(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, row := range []struct {
		name     string
		writable int
		want     []bool
	}{
		{"written", 2, []bool{true}},
		{"not written", 1, []bool{false}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := piped("mute 123 lisi 5m\n", func(context.Context, commands.Request) commands.Reply { return muted(commands.English) })
			var got []bool
			c.Out = &pipe{left: row.writable, err: broken}
			c.Answered = func(number int64, delivered bool) {
				assert.Equal(t, muted(commands.English).Number, number)
				got = append(got, delivered)
			}
			err := c.Run(t.Context())
			assert.Equal(t, row.want[0], err == nil)
			assert.Equal(t, row.want, got)
		})
	}
}

func TestRunRepeatsLinesHarmlessly(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"escape sequence", "mute \x1b[2Jlisi\x07", "> mute �[2Jlisi�\n"},
		{"direction", "mute \u202eisil", "> mute �isil\n"},
		{"carriage return", "mute\r> done", "> mute�> done\n"},
		{"long", strings.Repeat("世", 2001), "> " + strings.Repeat("世", 2000) + "…\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, out := piped(row.in, func(context.Context, commands.Request) commands.Reply { return say("ok") })
			require.NoError(t, c.Run(t.Context()))
			assert.Equal(t, row.want+"• info  ok\n\n", out.String())
		})
	}
}

func TestRunSurvivesAPanic(t *testing.T) {
	var log bytes.Buffer
	c, out := piped("mute 123 lisi 5m\nwhoami\n", func(_ context.Context, req commands.Request) commands.Reply {
		if req.Line == "whoami" {
			return say("You are Zhang San.")
		}
		panic("nil map")
	})
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	require.NoError(t, c.Run(t.Context()))
	assert.Equal(t, "> mute 123 lisi 5m\n"+c.draw(commands.Broken(commands.English))+"\n> whoami\n• info  You are Zhang San.\n\n", out.String())
	assert.Contains(t, log.String(), `panic="nil map"`)
	assert.Contains(t, log.String(), "console_test.go", "the stack")
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Run("while it waits for a line", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, out := piped("", (&ear{}).handle)
			in, w := io.Pipe()
			c.In = in
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			require.ErrorIs(t, c.Run(ctx), context.DeadlineExceeded)
			assert.Empty(t, out.String())
			require.NoError(t, w.Close()) // the read left behind
		})
	})
	t.Run("after the answer under way", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, out := piped("one\ntwo\n", func(ctx context.Context, _ commands.Request) commands.Reply {
			cancel()
			<-ctx.Done()
			return say("stopped")
		})
		require.ErrorIs(t, c.Run(ctx), context.Canceled)
		assert.Equal(t, "> one\n• info  stopped\n\n", out.String())
	})
	t.Run("although a line is there too", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // chance must not decide
			c, out := piped("one\n", (&ear{}).handle)
			require.ErrorIs(t, c.Run(ctx), context.Canceled)
			assert.Empty(t, out.String())
		}
	})
}

func TestRunReportsBrokenPipes(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, row := range []struct {
		name      string
		in        io.Reader
		writable  int // writes before the pipe breaks
		want      string
		wantHeard []string
	}{
		{"reading", io.MultiReader(strings.NewReader("one\ntw"), iotest.ErrReader(broken)), 9, "read a line: broken pipe", []string{"one"}},
		{"repeating", strings.NewReader("one\ntwo\n"), 0, "repeat a line: broken pipe", nil},
		{"answering", strings.NewReader("one\ntwo\n"), 1, "write an answer: broken pipe", []string{"one"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var e ear
			c, _ := piped("", e.handle)
			c.In, c.Out = row.in, &pipe{left: row.writable, err: broken}
			err := c.Run(t.Context())
			require.ErrorIs(t, err, broken)
			assert.EqualError(t, err, row.want)
			assert.Equal(t, row.wantHeard, e.lines())
		})
	}
}

// A pipe takes a few writes and then breaks.
type pipe struct {
	left int
	err  error
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.left == 0 {
		return 0, p.err
	}
	p.left--
	return len(b), nil
}

// golden compares with a file of testdata. With UPDATE_GOLDEN set it writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func FuzzRun(f *testing.F) {
	f.Add([]byte("/mute room=123 target=lisi 300s\r\n# words\n\n\x1b]0;title\x07\n"))
	f.Add([]byte("\xef\xbb\xbfmute \xff\xe2\x80\xae"))
	f.Add(bytes.Repeat([]byte("世"), maxLine/2))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, out := piped(string(in), func(_ context.Context, req commands.Request) commands.Reply {
			assert.LessOrEqual(t, len(req.Line), 3*maxLine) // a stray byte grows to U+FFFD
			assert.Equal(t, strings.ToValidUTF8(req.Line, ""), req.Line)
			assert.NotContains(t, req.Line, "\n")
			return say("ok")
		})
		require.NoError(t, c.Run(t.Context()))
		assertHarmless(t, out.String())
	})
}
