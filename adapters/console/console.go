// Package console lets people try the bot in a terminal, without an account anywhere: what they type becomes a
// [commands.Request], and the [commands.Reply] is drawn as text. The grammar, the rights and the sentences are those
// of every other platform.
//
// A line is one request. Blank lines and lines that start with # are skipped, so that a file of commands may hold
// comments. A terminal shows all replies; those that a channel would see are marked so.
//
// [Console.Run] reads plain lines, from a pipe or a file, and repeats each before its answer: its output reads as a
// conversation. [Console.RunTerminal] is the same with a prompt, history and completion.
package console

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"roomwarden/commands"
	"roomwarden/permissions"
)

const (
	prompt  = "> "
	maxLine = 64 << 10 // bytes of a line, without its end

	patience = 2 * time.Second // after that people read that the answer follows
)

// A Console is one person at one terminal. Who, Language, Handle, In and Out are required.
type Console struct {
	Who      permissions.Subject // whom the typist plays
	Language commands.Language
	Zone     *time.Location // of the times shown; nil: time.Local
	Handle   commands.Handler
	Complete func(line string) []string // whole words that the last word of line may become; nil: no completion
	In       io.Reader
	Out      io.Writer
	Color    bool         // draw with ANSI colours
	Log      *slog.Logger // where a panic of Handle is told; nil: slog.Default()

	// Answered, when set, is called once for each answer that has a journal number and is no Repeat: delivered tells that Out has taken it.
	Answered func(number int64, delivered bool)

	mu   sync.Mutex
	late io.Writer // of the terminal at its prompt; nil: Out
}

// Deliver is a commands.Deliver: it draws an answer that comes late, between the others.
func (c *Console) Deliver(_ context.Context, l commands.Late) error {
	return c.write(c.draw(l.Reply) + "\n")
}

// write writes something whole.
func (c *Console) write(s string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.Out
	if c.late != nil {
		out = c.late
	}
	_, err := io.WriteString(out, s)
	return err
}

// Run answers line after line. It returns nil at the end of In, the error of ctx when that ends first, and what went
// wrong with reading or writing. A read that is under way when ctx ends is left behind: it ends with In's next line.
func (c *Console) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	inputs := make(chan input)
	go read(ctx, c.In, inputs)
	for {
		var in input
		select {
		case <-ctx.Done():
			return ctx.Err()
		case in = <-inputs: // never after the end of ctx, which ends read too
		}
		switch {
		case errors.Is(in.err, io.EOF):
			return nil
		case in.err != nil:
			return fmt.Errorf("read a line: %w", in.err)
		case skip(in.line):
			continue
		}
		if err := c.write(prompt + abridged(clean(said(in.line))) + "\n"); err != nil {
			return fmt.Errorf("repeat a line: %w", err)
		}
		if err := c.answer(ctx, in.line); err != nil {
			return err
		}
	}
}

// An input is a line, or why there are no more.
type input struct {
	line string
	err  error // io.EOF at the end
}

// read sends the lines of r until there are no more or ctx ends.
func read(ctx context.Context, r io.Reader, inputs chan<- input) {
	lines := bufio.NewReaderSize(r, maxLine+len("\n"))
	for {
		line, err := readLine(lines)
		select {
		case inputs <- input{line, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// readLine reads a line without its end, which a last line need not have. Of a line longer than maxLine it returns the
// beginning, also longer than maxLine, and skips the rest.
func readLine(r *bufio.Reader) (string, error) {
	part, err := r.ReadSlice('\n')
	line := strings.TrimSuffix(string(part), "\n")
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return line, err
}

// said is what a line says. Some editors begin a file with a byte order mark; it says nothing.
func said(line string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.ToValidUTF8(line, "\uFFFD"), "\uFEFF"))
}

// skip tells that a line says nothing to the bot.
func skip(line string) bool {
	words := said(line)
	return len(line) <= maxLine && (words == "" || words[0] == '#')
}

// answer has one line handled and draws the reply, with an empty line after it. A reply that is long in coming is announced.
func (c *Console) answer(ctx context.Context, line string) error {
	reply := tooLong(c.Language)
	if len(line) <= maxLine {
		var number atomic.Int64
		announced := make(chan struct{})
		announce := time.AfterFunc(patience, func() {
			defer close(announced)
			c.write(c.draw(commands.Acknowledgement(c.Language, number.Load())) + "\n") // should that fail, so does the answer
		})
		reply = c.handle(ctx, commands.Request{
			Key:      "console:" + rand.Text(),
			Who:      c.Who,
			Where:    "console",
			Line:     said(line),
			Locale:   string(c.Language),
			At:       time.Now(),
			Accepted: number.Store,
		})
		if !announce.Stop() {
			<-announced
		}
	}
	err := c.write(c.draw(reply) + "\n")
	if c.Answered != nil && reply.Number != 0 && !reply.Repeat {
		c.Answered(reply.Number, err == nil)
	}
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	return nil
}

// handle calls Handle. Should that panic, the session goes on.
func (c *Console) handle(ctx context.Context, req commands.Request) (reply commands.Reply) {
	defer func() {
		if p := recover(); p != nil {
			cmp.Or(c.Log, slog.Default()).ErrorContext(ctx, "panic while handling a line",
				"key", req.Key, "panic", p, "stack", string(debug.Stack()))
			reply = commands.Broken(c.Language)
		}
	}()
	return c.Handle(ctx, req)
}

// tooLong answers a line that nobody types.
func tooLong(l commands.Language) commands.Reply {
	return commands.Reply{Tone: commands.Refused, Language: l, Text: commands.Prose{{Text: commands.Text{
		English: "This line is longer than 64 KiB. It was skipped; nothing was done.",
		Chinese: "这一行超过 64 KiB，已跳过，未执行任何操作。",
	}.In(l)}}}
}
