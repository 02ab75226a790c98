package sqlstore

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func TestAFullDisk(t *testing.T) {
	s := openAt(t, "sqlite:"+newPath(t))
	first := begun(t, s, "slack:1")
	limit := func(pages string) {
		t.Helper()
		db := s.db.(*sqliteDB)
		<-db.turn
		defer func() { db.turn <- struct{}{} }()
		_, err := db.conn.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages)
		require.NoError(t, err)
	}
	limit("1") // as many as there are already

	big := mute("slack:2")
	big.Line = strings.Repeat("a", 100_000)
	_, err := s.Begin(t.Context(), big)
	assert.ErrorContains(t, err, "begin a journal entry: database or disk is full")
	assert.Equal(t, []journal.Entry{shown(first)}, listed(t, s))
	limit("1000000")
	b, err := s.Begin(t.Context(), big)
	require.NoError(t, err)
	assert.True(t, b.Fresh)
}

// Every file of the process has a limit: the write-ahead log hits it in the middle of commits.
func TestADiskThatGetsFull(t *testing.T) {
	path := newPath(t)
	v := startVictim(t, "sqlite:"+path, "full")
	told := v.read(func(victimLine) bool { return false }) // until it ends by itself
	require.NoError(t, v.wait())
	require.NotEmpty(t, told.begun)
	require.Positive(t, told.failed, "the limit was never hit")

	s := openAt(t, "sqlite:"+path)
	there := listed(t, s)
	keys := make(map[int64]string)
	for _, e := range there {
		keys[e.Number] = e.Key
	}
	assert.Subset(t, keys, told.begun)
	for _, e := range there {
		if told.begun[e.Number] == "" {
			assert.NotEqual(t, journal.Done, e.Outcome, "#%d was told to have failed", e.Number)
		}
	}
}

// spoil overwrites the first page of a table or an index.
func spoil(t *testing.T, path, name string) {
	t.Helper()
	var page int
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = ?", name).Scan(&page))
	require.NoError(t, db.Close())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	copy(content[(page-1)*4096:page*4096], strings.Repeat("\xff", 4096))
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

// Check touches all that a command does, so whoever asks it knows that commands fail.
func TestACorruptIndex(t *testing.T) {
	for _, index := range []string{"entries_room", "entries_target", "entries_at", "entries_turns", "entries_unsealed"} {
		path := newPath(t)
		s := openAt(t, "sqlite:"+path)
		begun(t, s, "slack:1")
		require.NoError(t, s.Check(t.Context()))
		require.NoError(t, s.Sound(t.Context()))
		require.NoError(t, s.Close())
		spoil(t, path, index)
		s = openAt(t, "sqlite:"+path)
		assert.ErrorContains(t, s.Check(t.Context()), "malformed", index)
		assert.Error(t, s.Sound(t.Context()), index)
	}
}

func TestACorruptFile(t *testing.T) {
	path := newPath(t)
	s := openAt(t, "sqlite:"+path)
	first := begun(t, s, "slack:1")
	require.NoError(t, s.Close())
	spoil(t, path, "entries")

	s = openAt(t, "sqlite:"+path)
	_, err := s.Begin(t.Context(), mute("slack:2"))
	assert.ErrorContains(t, err, "malformed")
	assert.ErrorContains(t, s.Finish(t.Context(), first.Hand(), muted), "malformed")
	_, err = s.List(t.Context(), journal.Query{})
	assert.ErrorContains(t, err, "malformed")
	_, err = s.Take(t.Context())
	assert.ErrorContains(t, err, "malformed")
}

// What would be written where nobody finds it again is not written.
func TestAFileTakenAway(t *testing.T) {
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
			s, err := open(t.Context(), "sqlite:"+path, lasting)
			require.NoError(t, err)
			defer s.Close()
			e := begun(t, s, "slack:1")
			take(t, path)
			assert.Error(t, s.Check(t.Context()))
			_, err = s.Begin(t.Context(), mute("slack:2"))
			assert.Error(t, err)
			assert.Error(t, s.Finish(t.Context(), e.Hand(), muted))
		})
	}
}

// The lock that another process has is waited for until the caller gives up; nothing is written then.
func TestALockedFile(t *testing.T) {
	address := "sqlite:" + newPath(t)
	s, other := openQuiet(t, address), openQuiet(t, address)
	require.NoError(t, other.db.(*sqliteDB).begin(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Begin(ctx, mute("slack:1"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	other.db.(*sqliteDB).end()
	begun(t, s, "slack:1")
}

// A trigger stands for a file that may be read but not written, because root may write every file.
func TestOpenWantsToWrite(t *testing.T) {
	path := newPath(t)
	openAt(t, "sqlite:"+path)
	say(t, "sqlite:"+path, "CREATE TRIGGER readonly BEFORE INSERT ON replicas BEGIN SELECT RAISE(ABORT, 'no writing'); END")
	_, err := Open(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "no writing")
}

// The settings that the promises rest on: a commit is forced to the disk, readers do not wait, and cannot write.
func TestSQLiteConnections(t *testing.T) {
	db := openAt(t, "sqlite:"+newPath(t)).db.(*sqliteDB)
	<-db.turn
	defer func() { db.turn <- struct{}{} }()
	for _, c := range []struct{ pragma, want string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"}, // FULL
		{"busy_timeout", "5000"},
	} {
		var got string
		require.NoError(t, db.conn.QueryRowContext(t.Context(), "PRAGMA "+c.pragma).Scan(&got))
		assert.Equal(t, c.want, got, c.pragma)
	}
	_, err := db.reader.ExecContext(t.Context(), "DELETE FROM entries")
	assert.ErrorContains(t, err, "readonly")
}

// A server that refuses to write, and an administrator who would rather have it fast than safe.
func TestPostgresThatIsNotAsItShouldBe(t *testing.T) {
	address := newPostgres(t)
	openAt(t, address)
	_, err := Open(t.Context(), with(t, address, "default_transaction_read_only", "on"))
	assert.ErrorContains(t, err, "read-only transaction")
	_, err = Open(t.Context(), with(t, address, "default_transaction_isolation", "serializable"))
	assert.ErrorContains(t, err, `default_transaction_isolation is "serializable"`)

	s := openQuiet(t, with(t, address, "synchronous_commit", "off"))
	var during string
	require.NoError(t, s.transact(t.Context(), func(tx transaction) error {
		return tx.query(func(r row) error { return r.Scan(&during) }, `SELECT current_setting('synchronous_commit')`)
	}))
	assert.Equal(t, "on", during)
}

// As a proxy that pools transactions and knows no prepared statements wants it.
func TestPostgresWithoutPreparedStatements(t *testing.T) {
	address := newPostgres(t)
	s := openAt(t, with(t, address, "default_query_exec_mode", "exec"))
	closed(t, s, "slack:1")
	b, err := s.Begin(t.Context(), mute("slack:2"))
	require.NoError(t, err)
	assert.Equal(t, int64(1), b.Before.Number)
	b, err = s.Begin(t.Context(), mute("slack:2"))
	require.NoError(t, err)
	assert.Equal(t, 2, b.Deliveries)
	require.NoError(t, s.Check(t.Context()))
	_, err = s.Take(t.Context())
	require.NoError(t, err)
	sealed, err := s.Seal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, sealed)
	_, err = s.Tidy(t.Context(), time.Now(), time.Now())
	require.NoError(t, err)
	_, err = s.List(t.Context(), journal.Query{Rooms: []int64{123}, Target: "lisi", Text: "LISI", Outcomes: []journal.Outcome{journal.Running}, Commands: []string{"mute"}, Since: time.Unix(0, 0)})
	require.NoError(t, err)
	_, _, err = limiterOf(t, s).Take(t.Context(), "mute", 20, 0)
	require.NoError(t, err)
	require.NoError(t, limiterOf(t, s).Rest(t.Context(), "mute", time.Second))
}
