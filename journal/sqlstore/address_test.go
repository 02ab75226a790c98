package sqlstore

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOpenSQLiteAddress(t *testing.T) {
	for _, c := range []struct {
		address string
		err     string // empty: it opens
		file    string
	}{
		{address: "sqlite:journal.db", file: "journal.db"},
		{address: "sqlite:./journal.db", file: "journal.db"},
		{address: "sqlite:{folder}/journal.db", file: "journal.db"},
		{address: "sqlite:{folder}/100%/日志.db", file: "100%/日志.db"},
		{address: "sqlite::memory:", file: ":memory:"},
		{address: "sqlite:file:journal.db", file: "file:journal.db"},
		{address: "sqlite:none/journal.db", err: "no such file or directory"},
		{address: "sqlite:100%", err: "it is not a file"},
		{address: "sqlite:", err: "sqlite:PATH"},
		{address: "", err: "sqlite:PATH"},
		{address: "journal.db", err: "sqlite:/var/lib/roomwarden/roomwarden.db"},
		{address: "SQLite:journal.db", err: "sqlite:roomwarden.db"},
		{address: "mysql://bot:hunter2@db/journal", err: "sqlite:PATH"},
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
			assert.NoError(t, CheckAddress(address))
			begun(t, s, "slack:1")
			t.Chdir("/") // connections that are opened later find the file too
			assert.Len(t, listed(t, s), 1)
			require.NoError(t, s.Close())
			assert.Equal(t, []string{c.file, c.file + "-lock"}, filesIn(t, folder))

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

// None of these is answered by a journal, and no error tells where or as whom it was tried.
func TestOpenPostgresAddress(t *testing.T) {
	for _, c := range []struct{ address, check, open string }{
		{address: "postgres://bot:hunter2@127.0.0.1:1/journal", open: "the database cannot be reached: connection refused"},
		{address: "postgresql://bot:hunter2@127.0.0.1:1/journal?sslmode=disable", open: "the database cannot be reached: connection refused"},
		{address: "postgres://bot:hunter2@nowhere.invalid/journal", open: "the database cannot be reached"},
		{address: "postgres://bot:hunter2@db:port/journal", check: "cannot be read", open: "cannot be read"},
		{address: "postgres://bot:hunter2%@db/journal", check: "cannot be read", open: "cannot be read"},
		{address: "postgres://bot:hunter2@db/journal?sslmode=perhaps", check: "cannot be read", open: "cannot be read"},
	} {
		err := CheckAddress(c.address)
		if c.check == "" {
			assert.NoError(t, err, c.address)
		} else {
			assert.ErrorContains(t, err, c.check)
		}
		_, openErr := Open(t.Context(), c.address)
		assert.ErrorContains(t, openErr, c.open, c.address)
		_, readErr := OpenReadOnly(t.Context(), c.address)
		assert.ErrorContains(t, readErr, c.open, c.address)
		for _, err := range []error{err, openErr, readErr} {
			for _, secret := range []string{"hunter2", "bot", "127.0.0.1", "nowhere", "@db"} {
				assert.NotContains(t, strings.ReplaceAll(errorText(err), "postgres://user:password@host", ""), secret)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestOpenPostgresThatIsNotThere(t *testing.T) {
	newPostgres(t) // skips
	address := with(t, os.Getenv("TEST_DATABASE_URL"), "dbname", "no_such_database")
	_, err := Open(t.Context(), address)
	assert.ErrorContains(t, err, "it has no database of that name")
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	path := newPath(t)
	s := openAt(t, "sqlite:"+path)
	begun(t, s, "slack:1")
	for _, file := range []string{path, path + "-wal", path + "-shm", path + "-lock"} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode(), file)
	}
	require.NoError(t, s.Close())

	require.NoError(t, os.Chmod(path, 0o640))
	openAt(t, "sqlite:"+path)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o640), info.Mode(), "a mode that somebody chose is left alone")
}
