package console

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMain lets this program be started a second time, as the one behind a terminal.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY_CONSOLE") != "" {
		play()
		return
	}
	os.Exit(m.Run())
}

// play is a program around RunTerminal: it says what it heard, and how the session ended.
func play() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := &Console{
		Who:      zhang,
		Handle:   (&ear{}).handle,
		Complete: func(string) []string { return []string{"whoami"} },
		In:       os.Stdin,
		Out:      os.Stdout,
	}
	fmt.Printf("ended: %v.\n", c.RunTerminal(ctx))
}

func TestTerminal(t *testing.T) {
	const (
		ctrlC = "\x03"
		ctrlD = "\x04"
		tab   = "\t"
		enter = "\r"
		up    = "\x1b[A"
	)
	type step struct{ keys, until string } // what is typed at a prompt, and what must then be seen before the next
	for _, row := range []struct {
		name  string
		steps []step
		want  []string // all that was heard
	}{
		{"lines, a comment, Ctrl-D", []step{
			{"mute 123 世界" + enter, "heard [mute 123 世界]"},
			{"# words" + enter, "\n"},
			{"help" + enter, "heard [help]"},
			{ctrlD, "ended: <nil>."},
		}, []string{"mute 123 世界", "help"}},
		{"exit", []step{{" Exit" + enter, "ended: <nil>."}}, nil},
		{"quit", []step{{"quit" + enter, "ended: <nil>."}}, nil},
		{"history", []step{
			{"one" + enter, "heard [one]"},
			{"two" + enter, "heard [two]"},
			{up + up + "!" + enter, "heard [one!]"},
			{ctrlD, "ended: <nil>."},
		}, []string{"one", "two", "one!"}},
		{"completion", []step{
			{"who" + tab + "now" + enter, "heard [whoami now]"},
			{ctrlD, "ended: <nil>."},
		}, []string{"whoami now"}},
		{"Ctrl-C drops a line, and ends an empty one", []step{
			{"mute" + ctrlC, "^C"},
			{"help" + enter, "heard [help]"},
			{ctrlC, "ended: <nil>."},
		}, []string{"help"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := open(t)
			for _, step := range row.steps {
				s.see(t, "> ")
				s.press(t, step.keys)
				s.see(t, step.until)
			}
			s.close(t)
			assert.Equal(t, row.want, s.heard())
		})
	}

	t.Run("the end of the context drops the unfinished line", func(t *testing.T) {
		s := open(t)
		s.see(t, "> ")
		s.press(t, "mute 123 lisi 5m")
		s.see(t, "5m")
		require.NoError(t, s.program.Process.Signal(syscall.SIGTERM))
		s.see(t, "ended: context canceled.")
		s.close(t)
		assert.Empty(t, s.heard())
	})
}

// A screen is a terminal with a program behind it.
type screen struct {
	keyboard *os.File // the person's side
	line     *os.File // the program's side
	program  *exec.Cmd
	before   *unix.Termios // the settings before the program ran
	folder   string        // where it ran

	mu    sync.Mutex
	shown []byte
	seen  int           // how much of shown was waited for
	more  chan struct{} // closed and replaced when something is shown
	off   chan struct{} // closed when nothing more is read
}

// open starts play behind a new terminal of 80 by 24.
// https://man7.org/linux/man-pages/man4/pts.4.html
func open(t *testing.T) *screen {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	fd := int(keyboard.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 80, Row: 24}))

	s := &screen{keyboard: keyboard, line: line, folder: t.TempDir(), more: make(chan struct{}), off: make(chan struct{})}
	s.before, err = unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	s.program = exec.Command(self)
	s.program.Dir = s.folder
	s.program.Env = append(os.Environ(), "PLAY_CONSOLE=1", "HOME="+s.folder,
		"GORACE=atexit_sleep_ms=0") // or a program built with -race takes a second to end
	s.program.Stdin, s.program.Stdout, s.program.Stderr = line, line, line
	s.program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, s.program.Start())
	t.Cleanup(func() {
		_ = s.program.Process.Kill() // has ended, unless the test failed
		_ = s.program.Wait()
		require.NoError(t, line.Close())
		<-s.off // reading ends when nobody holds the line any more
		require.NoError(t, keyboard.Close())
	})
	go s.watch()
	return s
}

// watch takes what the program shows, and answers where the cursor is when it asks.
// https://vt100.net/docs/vt510-rm/DSR-CPR.html
func (s *screen) watch() {
	defer close(s.off)
	b := make([]byte, 4096)
	for {
		n, err := s.keyboard.Read(b)
		if err != nil {
			return
		}
		for range bytes.Count(b[:n], []byte("\x1b[6n")) {
			_, _ = s.keyboard.WriteString("\x1b[1;1R")
		}
		s.mu.Lock()
		s.shown = append(s.shown, b[:n]...)
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
	}
}

func (s *screen) press(t *testing.T, keys string) {
	t.Helper()
	_, err := s.keyboard.WriteString(keys)
	assert.NoError(t, err)
}

// see waits until text is shown after what was seen before.
func (s *screen) see(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		at, more := bytes.Index(s.shown[s.seen:], []byte(text)), s.more
		if at >= 0 {
			s.seen += at + len(text)
		}
		unseen := string(s.shown[s.seen:])
		s.mu.Unlock()
		if at >= 0 {
			return
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("%q does not show; instead: %q", text, unseen)
		}
	}
}

// close waits for the end of the program. It must have left the terminal as it was, and nothing on the disk.
func (s *screen) close(t *testing.T) {
	t.Helper()
	require.NoError(t, s.program.Wait())
	after, err := unix.IoctlGetTermios(int(s.line.Fd()), unix.TCGETS)
	require.NoError(t, err)
	assert.Equal(t, s.before, after)
	files, err := filepath.Glob(s.folder + "/*")
	require.NoError(t, err)
	assert.Empty(t, files)
}

// heard is all that the program says it heard.
func (s *screen) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, part := range strings.Split(string(s.shown), "heard [")[1:] {
		line, _, _ := strings.Cut(part, "]")
		lines = append(lines, line)
	}
	return lines
}
