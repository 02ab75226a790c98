package sqlstore

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/journal/journaltest"
)

func TestStore(t *testing.T) {
	journaltest.Test(t, func(t *testing.T) journal.Store { return openAt(t, newPath(t)) })
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func openReadOnlyAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := OpenReadOnly(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// mute is a request of Zhang San's.
func mute(key string) journal.Entry {
	return journal.Entry{Key: key, At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Person: "T0123/U0456", Name: "Zhang San",
		Line: "mute 123 lisi 300s", Command: "mute", Room: 123, Target: "lisi"}
}

func begun(t testing.TB, s *Store, key string) journal.Entry {
	t.Helper()
	entry, fresh, err := s.Begin(t.Context(), mute(key))
	require.NoError(t, err)
	require.True(t, fresh)
	return entry
}

func listed(t testing.TB, s *Store) []journal.Entry {
	t.Helper()
	entries, err := s.List(t.Context(), journal.Query{Limit: 1_000_000})
	require.NoError(t, err)
	return entries
}

func TestReopenKeepsAll(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	first, second := begun(t, s, "slack:1"), begun(t, s, "slack:2")
	require.NoError(t, s.Finish(t.Context(), first.Number, journal.Result{Outcome: journal.Done, Text: "lisi is muted."}))
	require.NoError(t, s.Close())

	s = openAt(t, path)
	first.Outcome, first.Text = journal.Done, "lisi is muted."
	assert.Equal(t, []journal.Entry{second, first}, listed(t, s))

	again, fresh, err := s.Begin(t.Context(), mute("slack:2"))
	require.NoError(t, err)
	assert.False(t, fresh)
	second.Deliveries = 2
	assert.Equal(t, second, again)
	assert.Greater(t, begun(t, s, "slack:3").Number, second.Number)
}

func TestOpenAddress(t *testing.T) {
	for _, c := range []struct {
		address string
		err     string // empty: it opens
		file    string
	}{
		{address: "sqlite:journal.db", file: "journal.db"},
		{address: "sqlite:./journal.db", file: "journal.db"},
		{address: "sqlite:{folder}/journal.db", file: "journal.db"},
		{address: "sqlite://{folder}/journal.db", file: "journal.db"},
		{address: "sqlite:my journal?mode=memory&x=%41#1.db", file: "my journal?mode=memory&x=%41#1.db"},
		{address: "sqlite:{folder}/100%/日志.db", file: "100%/日志.db"},
		{address: "sqlite::memory:", file: ":memory:"},
		{address: "sqlite:file:journal.db", file: "file:journal.db"},
		{address: "sqlite:none/journal.db", err: "no such file or directory"},
		{address: "sqlite:100%", err: "unable to open"},
		{address: "sqlite:", err: "sqlite:PATH"},
		{address: "", err: "sqlite:PATH"},
		{address: "journal.db", err: "sqlite:/var/lib/roomwarden/roomwarden.db"},
		{address: "SQLite:journal.db", err: "sqlite:roomwarden.db"},
		{address: "mysql://bot:hunter2@db/journal", err: "sqlite:PATH"},
		{address: "postgres://bot:hunter2@db/journal", err: "on SQLite only"},
		{address: "postgresql://bot:hunter2@db/journal", err: "on SQLite only"},
	} {
		t.Run(c.address, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			require.NoError(t, os.Mkdir("100%", 0o700))
			address := strings.ReplaceAll(c.address, "{folder}", folder)

			s, err := Open(t.Context(), address)
			if c.err != "" {
				assert.ErrorContains(t, err, c.err)
				assert.NotContains(t, err.Error(), "hunter2")
				_, err = OpenReadOnly(t.Context(), address)
				assert.Error(t, err)
				assert.NotContains(t, err.Error(), "hunter2")
				assert.Empty(t, filesIn(t, folder))
				return
			}
			require.NoError(t, err)
			begun(t, s, "slack:1")
			t.Chdir("/") // connections that are opened later find the file too
			assert.Len(t, listed(t, s), 1)
			require.NoError(t, s.Close())
			assert.Equal(t, []string{c.file}, filesIn(t, folder))

			t.Chdir(folder)
			s, err = OpenReadOnly(t.Context(), address)
			require.NoError(t, err)
			assert.Len(t, listed(t, s), 1)
			require.NoError(t, s.Close())
		})
	}
}

// filesIn are the files in folder and below.
func filesIn(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := filepath.Rel(folder, path)
		files = append(files, file)
		return err
	}))
	return files
}

// A trigger stands for a file that may be read but not written, because root may write every file.
func TestOpenWantsToWrite(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	_, err := s.write.ExecContext(t.Context(),
		"CREATE TRIGGER readonly BEFORE INSERT ON checks BEGIN SELECT RAISE(ABORT, 'no writing'); END")
	require.NoError(t, err)
	_, err = Open(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "write to the journal: ")
	assert.ErrorContains(t, err, "no writing")
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	begun(t, s, "slack:1")
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode(), file)
	}
	require.NoError(t, s.Close())

	require.NoError(t, os.Chmod(path, 0o640))
	openAt(t, path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o640), info.Mode(), "a mode that somebody chose is left alone")
}

// The settings that the promises rest on: a commit is forced to the disk, readers do not wait, and cannot write.
func TestConnectionsAreSetUp(t *testing.T) {
	s := openAt(t, newPath(t))
	for _, c := range []struct{ pragma, want string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"}, // FULL
		{"busy_timeout", "5000"},
	} {
		var got string
		require.NoError(t, s.write.QueryRowContext(t.Context(), "PRAGMA "+c.pragma).Scan(&got))
		assert.Equal(t, c.want, got, c.pragma)
	}
	assert.Equal(t, 1, s.write.Stats().MaxOpenConnections)
	assert.Equal(t, readers, s.read.Stats().MaxOpenConnections)
	_, err := s.read.ExecContext(t.Context(), "DELETE FROM entries")
	assert.ErrorContains(t, err, "readonly")
}

func TestListsDoNotBlockWriters(t *testing.T) {
	s := openAt(t, newPath(t))
	begun(t, s, "slack:1")
	for range readers { // every reading connection is in the middle of a list
		rows, err := s.read.QueryContext(t.Context(), "SELECT number FROM entries")
		require.NoError(t, err)
		require.True(t, rows.Next())
		defer rows.Close()
	}
	second := begun(t, s, "slack:2")
	assert.NoError(t, s.Finish(t.Context(), second.Number, journal.Result{Outcome: journal.Done}))
	assert.NoError(t, s.Check(t.Context()))
}

func TestWritersDoNotBlockLists(t *testing.T) {
	s := openAt(t, newPath(t))
	first := begun(t, s, "slack:1")
	tx, err := s.write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	_, err = begin(t.Context(), s.statements.in(t.Context(), tx), mute("slack:2"))
	require.NoError(t, err)
	assert.Equal(t, []journal.Entry{first}, listed(t, s), "what is not committed is not seen")
}

func TestTwoStoresOnOneFile(t *testing.T) {
	path := newPath(t)
	const stores, keys = 2, 25
	var fresh [stores]int
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() { // opening, too, happens at once
			s, err := Open(t.Context(), "sqlite:"+path)
			if !assert.NoError(t, err) {
				return
			}
			for key := range keys {
				entry, isFresh, err := s.Begin(t.Context(), mute("slack:"+string(rune('a'+key))))
				assert.NoError(t, err)
				if isFresh {
					fresh[i]++
					assert.NoError(t, s.Finish(t.Context(), entry.Number, journal.Result{Outcome: journal.Done}))
				}
			}
			assert.NoError(t, s.Close())
		})
	}
	wg.Wait()

	assert.Equal(t, keys, fresh[0]+fresh[1])
	entries := listed(t, openAt(t, path))
	assert.Len(t, entries, keys)
	for _, entry := range entries {
		assert.Equal(t, journal.Done, entry.Outcome)
		assert.Equal(t, stores, entry.Deliveries)
	}
}

// While one process switches a new file to WAL, others find it locked, and SQLite does not make them wait.
func TestOpenWaitsWhileAnotherMakesTheFile(t *testing.T) {
	path := newPath(t)
	require.NoError(t, create(path))
	other, err := connect(path, "mode=rw&_txlock=immediate", 1)
	require.NoError(t, err)
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, "sqlite:"+path)
	assert.ErrorContains(t, err, path)

	time.AfterFunc(30*time.Millisecond, func() { assert.NoError(t, tx.Rollback()) })
	begun(t, openAt(t, path), "slack:1")
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	path := newPath(t)
	writer := openAt(t, path)
	first := begun(t, writer, "slack:1")

	reader := openReadOnlyAt(t, path)
	assert.Equal(t, []journal.Entry{first}, listed(t, reader))
	second := begun(t, writer, "slack:2")
	assert.Equal(t, []journal.Entry{second, first}, listed(t, reader))

	_, _, err := reader.Begin(t.Context(), mute("slack:3"))
	assert.ErrorContains(t, err, "for reading only")
	assert.ErrorContains(t, reader.Finish(t.Context(), first.Number, journal.Result{Outcome: journal.Done}), "for reading only")
	assert.ErrorContains(t, reader.Check(t.Context()), "for reading only")
	assert.Equal(t, []journal.Entry{second, first}, listed(t, writer))

	require.NoError(t, writer.Close())
	assert.Equal(t, []journal.Entry{second, first}, listed(t, reader))
}

func TestReadOnlyWithoutAWriter(t *testing.T) {
	path := newPath(t)
	writer := openAt(t, path)
	first := begun(t, writer, "slack:1")
	require.NoError(t, writer.Close())
	assert.Equal(t, []journal.Entry{first}, listed(t, openReadOnlyAt(t, path)))
}

// A folder that cannot be written, as SQLite meets it. A symbolic link to nowhere stands in its way, because a test
// that runs as root may write everywhere.
func TestReadOnlyInAFolderThatCannotBeWritten(t *testing.T) {
	path := newPath(t)
	writer := openAt(t, path)
	first := begun(t, writer, "slack:1")
	require.NoError(t, writer.Close())
	require.NoError(t, os.Symlink("nowhere", path+"-shm"))

	assert.Equal(t, []journal.Entry{first}, listed(t, openReadOnlyAt(t, path)))

	require.NoError(t, os.WriteFile(path+"-wal", nil, 0o600))
	_, err := OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "unable to open", "somebody may be writing")
}

func TestReadOnlyWantsAJournal(t *testing.T) {
	path := newPath(t)
	_, err := OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, path)
	assert.NoFileExists(t, path)

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "no such table: migrations")
}

func TestCloseWaitsForUseToEnd(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	inUse := make(chan struct{})
	var closed atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		<-inUse
		assert.NoError(t, s.Close())
		closed.Store(true)
	})
	require.NoError(t, s.update(t.Context(), func(ctx context.Context, prepared *statements) error {
		close(inUse)
		for !closed.Load() && s.inUse.TryRLock() { // until Close waits for its turn
			s.inUse.RUnlock()
			runtime.Gosched()
		}
		assert.False(t, closed.Load())
		_, err := begin(ctx, prepared, mute("slack:1"))
		return err
	}))
	wg.Wait()

	_, _, err := s.Begin(t.Context(), mute("slack:2"))
	assert.ErrorContains(t, err, "the journal is closed")
	assert.Len(t, listed(t, openAt(t, path)), 1)
}

// TestFileTakenAway: what would be written where nobody finds it again is not written.
func TestFileTakenAway(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, path string){
		"deleted": func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"replaced": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path+".new", nil, 0o600))
			require.NoError(t, os.Rename(path+".new", path))
		},
		"folder": func(t *testing.T, path string) { require.NoError(t, os.RemoveAll(filepath.Dir(path))) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "folder")
			require.NoError(t, os.Mkdir(folder, 0o700))
			path := filepath.Join(folder, "journal.db")
			s, err := Open(t.Context(), "sqlite:"+path)
			require.NoError(t, err)
			defer s.Close()
			require.NoError(t, s.Check(t.Context()))
			entry, _, err := s.Begin(t.Context(), journal.Entry{Key: "slack:1", At: time.Now()})
			require.NoError(t, err)
			take(t, path)
			assert.Error(t, s.Check(t.Context()))
			_, _, err = s.Begin(t.Context(), journal.Entry{Key: "slack:2", At: time.Now()})
			assert.Error(t, err)
			assert.Error(t, s.Finish(t.Context(), entry.Number, journal.Result{Outcome: journal.Done}))
		})
	}
}
