package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/ergochat/readline"
)

// RunTerminal answers line after line at a prompt, with completion and the history of this session, which is written
// nowhere. In and Out must be the process's own terminal, one that understands ANSI sequences.
//
// It returns nil at Ctrl-D, Ctrl-C on an empty line, "exit" or "quit"; Ctrl-C elsewhere drops the line. When ctx ends it
// returns ctx's error at once: the unfinished line is dropped, and one more key of the terminal may be swallowed.
func (c *Console) RunTerminal(ctx context.Context) error {
	typing := false // whether the line has anything in it; readline does not tell when it reports Ctrl-C
	config := &readline.Config{
		Prompt: prompt,
		Stdin:  c.In,
		Stdout: c.Out,
		Stderr: c.Out,
		Listener: func(line []rune, _ int, _ rune) ([]rune, int, bool) {
			typing = len(line) > 0
			return nil, 0, false
		},
	}
	if c.Complete != nil {
		config.AutoComplete = completer(c.Complete)
	}
	terminal, err := readline.NewFromConfig(config)
	if err != nil {
		return fmt.Errorf("open the terminal: %w", err)
	}
	defer terminal.Close()
	c.atPrompt(terminal)
	defer c.atPrompt(nil)
	defer context.AfterFunc(ctx, func() { terminal.Close() })()

	for {
		line, err := terminal.ReadLine()
		switch {
		case ctx.Err() != nil: // looked at first: closing makes readline return the unfinished line as if it were one
			return ctx.Err()
		case errors.Is(err, readline.ErrInterrupt):
			if !typing {
				return nil
			}
			continue
		case errors.Is(err, io.EOF), slices.Contains([]string{"exit", "quit"}, strings.ToLower(said(line))):
			return nil
		case err != nil:
			return fmt.Errorf("read a line: %w", err)
		case skip(line):
			continue
		}
		if err := c.answer(ctx, line); err != nil {
			return err
		}
	}
}

// atPrompt says where answers go while somebody types.
func (c *Console) atPrompt(terminal io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late = terminal
}

// A completer is Console.Complete as readline wants it.
type completer func(line string) []string

// Do returns what may be appended to the last word before pos, and how many runes of that word stand there already. A
// word without an alternative is finished with a space, unless it waits for a value ("room=").
func (complete completer) Do(line []rune, pos int) (endings [][]rune, length int) {
	for length < pos && !unicode.IsSpace(line[pos-1-length]) {
		length++
	}
	typed := string(line[pos-length : pos])
	for _, word := range complete(string(line[:pos])) {
		runes := []rune(word)
		if len(runes) >= length && strings.EqualFold(string(runes[:length]), typed) && clean(word) == word {
			endings = append(endings, runes[length:])
		}
	}
	if len(endings) == 1 && !strings.HasSuffix(string(endings[0]), "=") {
		endings[0] = append(endings[0], ' ')
	}
	return endings, length
}
