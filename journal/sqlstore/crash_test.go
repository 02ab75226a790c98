package sqlstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"roomwarden/journal"
)

// The test binary, started with these variables, is a process that gets killed, or whose disk gets full.
const (
	victimVariable = "SQLSTORE_TEST_VICTIM"
	fateVariable   = "SQLSTORE_TEST_FATE"
)

func TestMain(m *testing.M) {
	if address, ok := os.LookupEnv(victimVariable); ok {
		if err := live(address, os.Getenv(fateVariable) == "full"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// live begins entries until it is killed, and prints what each call has returned. With a disk that gets full it ends after some failures.
func live(address string, full bool) error {
	s, err := Open(context.Background(), address)
	if err != nil {
		return err
	}
	if full {
		const most = 1 << 20
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	ended := make(chan struct{})
	for caller := range 4 {
		go func() {
			failures := 0
			for i := 0; failures < 10; i++ {
				b, err := s.Begin(context.Background(), mute(fmt.Sprintf("slack:%s/%d/%d", s.pulse.name(), caller, i)))
				if err != nil {
					failures++
					fmt.Printf("failed %d -\n", i)
					if !full {
						fmt.Fprintln(os.Stderr, err)
					}
					continue
				}
				fmt.Printf("begun %d %s\n", b.Number, b.Key)
				if s.Finish(context.Background(), b.Hand(), muted) == nil {
					fmt.Printf("done %d %s\n", b.Number, b.Key)
				}
			}
			ended <- struct{}{}
		}()
	}
	for range 4 {
		<-ended
	}
	return nil
}

type victim struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

type victimLine struct {
	what   string
	number int64
	key    string
}

// A told is what a victim has printed.
type told struct {
	begun, done map[int64]string // number: key
	failed      int
}

func startVictim(t *testing.T, address, fate string) *victim {
	t.Helper()
	v := &victim{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	v.cmd.Env = append(os.Environ(), victimVariable+"="+address, fateVariable+"="+fate)
	v.cmd.Stderr = os.Stderr
	out, err := v.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, v.cmd.Start())
	v.out = bufio.NewReader(out)
	return v
}

// read reads what is printed until the end, and kills the victim when enough says so.
func (v *victim) read(enough func(victimLine) bool) told {
	all := told{begun: make(map[int64]string), done: make(map[int64]string)}
	for {
		text, err := v.out.ReadString('\n')
		if err != nil {
			return all // a line without an end was not printed
		}
		var l victimLine
		fmt.Sscan(text, &l.what, &l.number, &l.key)
		switch l.what {
		case "begun":
			all.begun[l.number] = l.key
		case "done":
			all.done[l.number] = l.key
		case "failed":
			all.failed++
		}
		if enough(l) {
			v.cmd.Process.Kill()
		}
	}
}

func (v *victim) wait() error { return v.cmd.Wait() }

func TestWhatWasReturnedSurvivesAKill(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		all := told{begun: make(map[int64]string), done: make(map[int64]string)}
		last := int64(0)
		for range 5 {
			v := startVictim(t, address, "kill")
			n := 0
			now := v.read(func(victimLine) bool { n++; return n == 300 })
			require.EqualError(t, v.wait(), "signal: killed")
			assert.Zero(t, now.failed)
			for number, key := range now.begun {
				assert.Greater(t, number, last, "no number twice")
				all.begun[number] = key
			}
			for number, key := range now.done {
				all.done[number] = key
			}
			reader := openReadOnlyAt(t, address) // before anybody mends the file
			there, done := make(map[int64]string), make(map[int64]string)
			for _, e := range listed(t, reader) {
				there[e.Number] = e.Key
				if e.Outcome == journal.Done {
					done[e.Number] = e.Key
				}
				last = max(last, e.Number)
			}
			require.NoError(t, reader.Close())
			assert.Subset(t, there, all.begun)
			assert.Subset(t, done, all.done)
		}

		// The next one gets all that is open, once.
		s := openAt(t, address)
		open := make(map[int64]bool)
		for _, e := range listed(t, s) {
			open[e.Number] = e.Open
		}
		require.Len(t, open, len(listed(t, s)))
		taken := make(map[int64]bool)
		deadline := time.Now().Add(20 * time.Second)
		for len(taken) < len(open) && time.Now().Before(deadline) {
			entries, err := s.Take(t.Context())
			require.NoError(t, err)
			for _, e := range entries {
				assert.False(t, taken[e.Number], "#%d twice", e.Number)
				assert.NotEmpty(t, e.Resume)
				taken[e.Number] = true
			}
			if len(entries) == 0 {
				<-time.After(20 * time.Millisecond)
			}
		}
		assert.Equal(t, open, taken)
	})
}
