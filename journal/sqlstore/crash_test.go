package sqlstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// The test binary, started with this variable, is the process that gets killed.
const victimVariable = "SQLSTORE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if address, ok := os.LookupEnv(victimVariable); ok {
		victim(address)
	}
	os.Exit(m.Run())
}

// victim begins entries until it is killed, and prints the number of each once Begin has returned.
func victim(address string) {
	s, err := Open(context.Background(), address)
	for caller := 0; err == nil && caller < 4; caller++ {
		go func() {
			for i := 0; ; i++ {
				entry, _, err := s.Begin(context.Background(), mute(fmt.Sprintf("slack:%d/%d", caller, i)))
				if err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
				fmt.Println(entry.Number, entry.Key)
			}
		}()
	}
	if err == nil {
		select {}
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestWhatBeginReturnedSurvivesAKill(t *testing.T) {
	path := newPath(t)
	printed := make(map[int64]string) // number: key
	for round := range 3 {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), victimVariable+"=sqlite:"+path)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewReader(out)
		fresh := 0
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break // killed; a line without an end was not printed
			}
			first, key, _ := strings.Cut(strings.TrimSpace(line), " ")
			number, err := strconv.ParseInt(first, 10, 64)
			require.NoError(t, err, line)
			if printed[number] == "" {
				fresh++
			}
			printed[number] = key
			if fresh == 100 {
				require.NoError(t, child.Process.Kill())
			}
		}
		require.EqualError(t, child.Wait(), "signal: killed")

		reader := openReadOnlyAt(t, path) // before anybody mends the file
		assertThere(t, listed(t, reader), printed)
		require.NoError(t, reader.Close())

		s := openAt(t, path)
		assertThere(t, listed(t, s), printed)
		after := begun(t, s, fmt.Sprintf("slack:after/%d", round))
		for number := range printed {
			assert.Less(t, number, after.Number)
		}
		require.NoError(t, s.Close())
	}
}

// assertThere asserts that entries, in Running, has every number with its key.
func assertThere(t *testing.T, entries []journal.Entry, printed map[int64]string) {
	t.Helper()
	there := make(map[int64]string)
	for _, entry := range entries {
		assert.Equal(t, journal.Running, entry.Outcome)
		there[entry.Number] = entry.Key
	}
	assert.Subset(t, there, printed)
}

func TestALockedFileIsAnError(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	other := openAt(t, path)
	tx, err := other.write.BeginTx(t.Context(), nil)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, _, err = s.Begin(ctx, mute("slack:1"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)

	require.NoError(t, tx.Rollback())
	begun(t, s, "slack:1")
}

func TestACallHasADeadlineOfItsOwn(t *testing.T) {
	s := openAt(t, newPath(t))
	require.NoError(t, s.update(context.Background(), func(ctx context.Context, _ *statements) error {
		deadline, ok := ctx.Deadline()
		assert.True(t, ok)
		assert.WithinDuration(t, time.Now().Add(callTimeout), deadline, time.Second)
		return nil
	}))
}

func TestAFullDiskIsAnError(t *testing.T) {
	s := openAt(t, newPath(t))
	first := begun(t, s, "slack:1")
	_, err := s.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1") // as many as there are already
	require.NoError(t, err)

	big := mute("slack:2")
	big.Line = strings.Repeat("a", 100_000)
	_, _, err = s.Begin(t.Context(), big)
	assert.ErrorContains(t, err, "database or disk is full")
	assert.ErrorContains(t, err, "begin a journal entry")
	assert.Equal(t, []journal.Entry{first}, listed(t, s))

	_, err = s.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000")
	require.NoError(t, err)
	_, fresh, err := s.Begin(t.Context(), big)
	require.NoError(t, err)
	assert.True(t, fresh)
}

func TestACorruptFileIsAnError(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	first := begun(t, s, "slack:1")
	require.NoError(t, s.Close())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var page int // where the table of entries begins
	db := database(t, path)
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'entries'").Scan(&page))
	require.NoError(t, db.Close())
	copy(content[(page-1)*4096:page*4096], strings.Repeat("\xff", 4096))
	require.NoError(t, os.WriteFile(path, content, 0o600))

	s = openAt(t, path)
	_, _, err = s.Begin(t.Context(), mute("slack:2"))
	assert.ErrorContains(t, err, "malformed")
	assert.ErrorContains(t, s.Finish(t.Context(), first.Number, journal.Result{Outcome: journal.Done}), "malformed")
	_, err = s.List(t.Context(), journal.Query{})
	assert.ErrorContains(t, err, "malformed")
}
