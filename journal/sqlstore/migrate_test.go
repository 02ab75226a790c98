package sqlstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func TestMigrationsAreNumbered(t *testing.T) {
	for _, dialect := range []string{"sqlite", "postgres"} {
		steps, err := migrations(dialect)
		require.NoError(t, err)
		require.NotEmpty(t, steps)
		for i, step := range steps {
			assert.Regexp(t, fmt.Sprintf("^%04d_[a-z_]+$", i+1), step.name)
			assert.NotEmpty(t, step.sql)
			assert.Positive(t, step.oldest)
			assert.LessOrEqual(t, step.oldest, i+1)
		}
	}
}

func TestMigrationsAreDoneOnceByManyAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				s, err := Open(t.Context(), address)
				if !assert.NoError(t, err) {
					return
				}
				_, err = s.Begin(t.Context(), mute(fmt.Sprintf("slack:%d", i)))
				assert.NoError(t, err)
				assert.NoError(t, s.Close())
			})
		}
		wg.Wait()
		s := openAt(t, address)
		assert.Len(t, listed(t, s), 4)
		var names []string
		require.NoError(t, s.read(t.Context(), `SELECT name, applied_us FROM migrations ORDER BY number`, nil, func(r row) error {
			var name string
			var at int64
			err := r.Scan(&name, &at)
			names = append(names, name)
			assert.WithinDuration(t, time.Now(), time.UnixMicro(at), time.Minute)
			return err
		}))
		assert.Len(t, names, s.db.dialect().newest)
	})
}

// A later program may have added what this one can live with, or what it cannot.
func TestANewerJournal(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		running, err := open(t.Context(), address, lasting)
		require.NoError(t, err)
		defer running.Close()
		newest := running.db.dialect().newest

		say(t, address, "INSERT INTO migrations (number, name, applied_us, oldest) VALUES (98, '0098_harmless', 0, ?)", newest)
		running.live()
		assert.NoError(t, running.Ready())
		begun(t, running, "slack:1")
		begun(t, openAt(t, address), "slack:2")
		assert.Len(t, listed(t, openReadOnlyAt(t, address)), 2)

		say(t, address, "INSERT INTO migrations (number, name, applied_us, oldest) VALUES (99, '0099_other', 0, 99)")
		want := fmt.Sprintf("it was written by a newer program: it is at version 99, this program knows versions up to %d", newest)
		running.live()
		assert.ErrorContains(t, running.Ready(), want)
		assert.False(t, running.Leads())
		_, err = running.Begin(t.Context(), mute("slack:3"))
		assert.ErrorContains(t, err, want)
		for _, open := range []func(context.Context, string) (*Store, error){Open, OpenReadOnly} {
			_, err := open(t.Context(), address)
			assert.ErrorContains(t, err, want)
		}
	})
}

// What version 1 has left behind: one entry that has ended, one that has not.
func TestAJournalOfVersion1(t *testing.T) {
	path := newPath(t)
	steps, err := migrations("sqlite")
	require.NoError(t, err)
	require.NoError(t, create(path))
	address := "sqlite:" + path
	for _, query := range []string{
		"CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_us BIGINT NOT NULL)",
		steps[0].sql,
		"INSERT INTO migrations VALUES (1, '0001_entries', 0)",
		`INSERT INTO entries (number, key, request_id, at_us, platform, space, channel, person, name, name_lower, line, command, room, target, reason,
			outcome, moderator, moderator_lower, code, answer, text, until_us, duration_us, deliveries) VALUES
			(7, 'slack:7', 'r7', 1000000, 'slack', 'T', 'C', 'T/U', 'Zhang San', 'zhang san', 'mute 123 lisi 5m', 'mute', 123, 'lisi', 'spam',
				'done', 'Zhang San', 'zhang san', 200, 'x', 'muted', 2000000, 3000, 2),
			(9, 'slack:9', 'r9', 4000000, 'slack', 'T', 'C', 'T/U', 'Zhang San', 'zhang san', 'room 123', 'room', 123, '', '',
				'running', '', '', 0, NULL, '', NULL, 0, 1)`,
	} {
		say(t, address, query)
	}
	_, err = OpenReadOnly(t.Context(), address)
	assert.ErrorContains(t, err, "it is at version 1, this program reads version 2: start the bot once")
	assert.ErrorIs(t, err, ErrOlder)

	s := openAt(t, address)
	ended := journal.Entry{Number: 7, Key: "slack:7", RequestID: "r7", At: time.Unix(1, 0).UTC(), Platform: "slack", Space: "T", Channel: "C", Person: "T/U", Name: "Zhang San",
		Line: "mute 123 lisi 5m", Command: "mute", Room: 123, Target: "lisi", Reason: "spam", Write: true, Outcome: journal.Done, Moderator: "Zhang San", Code: 200,
		Answer: []byte("x"), Text: "muted", Until: time.Unix(2, 0).UTC(), Duration: 3 * time.Millisecond, Delivery: journal.Delivered, Deliveries: 2, Attempts: 1}
	running := journal.Entry{Number: 9, Key: "slack:9", RequestID: "r9", At: time.Unix(4, 0).UTC(), Platform: "slack", Space: "T", Channel: "C", Person: "T/U", Name: "Zhang San",
		Line: "room 123", Command: "room", Room: 123, Outcome: journal.Running, Open: true, Delivery: journal.Pending, Deliveries: 1, Attempts: 1}
	assert.Equal(t, []journal.Entry{running, ended}, listed(t, s))

	taken, err := s.Take(t.Context())
	require.NoError(t, err)
	require.Len(t, taken, 1)
	assert.Equal(t, int64(9), taken[0].Number)
	require.NoError(t, s.Finish(t.Context(), taken[0].Hand(), journal.Result{Outcome: journal.Unknown}))
	require.NoError(t, s.Answered(t.Context(), taken[0].Hand(), journal.Undelivered))
	b, err := s.Begin(t.Context(), mute("slack:7"))
	require.NoError(t, err)
	assert.False(t, b.Fresh, "keys are known")
	b, err = s.Begin(t.Context(), mute("slack:10"))
	require.NoError(t, err)
	assert.Equal(t, int64(10), b.Number)
	assert.Equal(t, int64(7), b.Before.Number)
	sealed, err := s.Seal(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, sealed)
	_, _, err = journal.Verify(t.Context(), s, journal.Link{})
	assert.NoError(t, err)
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	path := newPath(t)
	garbage := []byte(strings.Repeat("this is no database. ", 1000))
	require.NoError(t, os.WriteFile(path, garbage, 0o600))
	for _, open := range []func(context.Context, string) (*Store, error){Open, OpenReadOnly} {
		_, err := open(t.Context(), "sqlite:"+path)
		assert.ErrorContains(t, err, path)
		assert.ErrorContains(t, err, "file is not a database")
	}
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, garbage, left, "and leaves it as it was")
}

// A folder that cannot be written, as SQLite meets it. A symbolic link to nowhere stands in its way, because a test
// that runs as root may write everywhere.
func TestReadOnlyInAFolderThatCannotBeWritten(t *testing.T) {
	path := newPath(t)
	writer := openAt(t, "sqlite:"+path)
	first := begun(t, writer, "slack:1")
	require.NoError(t, writer.Close())
	require.NoError(t, os.Symlink("nowhere", path+"-shm"))
	assert.Equal(t, []journal.Entry{shown(first)}, listed(t, openReadOnlyAt(t, "sqlite:"+path)))

	require.NoError(t, os.WriteFile(path+"-wal", nil, 0o600))
	_, err := OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "unable to open", "somebody may be writing")
}

func TestReadOnly(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		writer := openAt(t, address)
		first := closed(t, writer, "slack:1")
		_, err := writer.Seal(t.Context())
		require.NoError(t, err)
		first.Seal = 1

		reader := openReadOnlyAt(t, address)
		assert.Equal(t, []journal.Entry{first}, listed(t, reader))
		second := begun(t, writer, "slack:2")
		assert.Equal(t, []journal.Entry{shown(second), first}, listed(t, reader))
		got, err := reader.Get(t.Context(), 1)
		assert.NoError(t, err)
		assert.Equal(t, first, got)
		_, looked, err := journal.Verify(t.Context(), reader, journal.Link{})
		assert.NoError(t, err)
		assert.Equal(t, int64(1), looked)

		_, err = reader.Begin(t.Context(), mute("slack:3"))
		_, takeErr := reader.Take(t.Context())
		_, sealErr := reader.Seal(t.Context())
		_, tidyErr := reader.Tidy(t.Context(), time.Now(), time.Now())
		for _, err := range []error{err, takeErr, sealErr, tidyErr, reader.Ready(), reader.Check(t.Context()),
			reader.Finish(t.Context(), journal.Hand{Number: 2}, muted), reader.Answered(t.Context(), journal.Hand{Number: 1}, journal.Delivered)} {
			assert.ErrorIs(t, err, errReadOnly)
		}
		assert.False(t, reader.Leads())
		_, limiterErr := reader.Limiter(t.Context())
		assert.ErrorIs(t, limiterErr, errReadOnly)
		held, cancel := reader.Hold(t.Context(), second.Owner)
		assert.Error(t, held.Err())
		cancel()
		assert.ErrorContains(t, reader.read(t.Context(), `DELETE FROM entries RETURNING number`, nil, func(row) error { return nil }), "read", "the connection could not either")
	})
}

func TestReadOnlyWantsAJournal(t *testing.T) {
	path := newPath(t)
	_, err := OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "no such table: migrations")
	assert.Equal(t, []string{filepath.Base(path)}, filesIn(t, filepath.Dir(path)))
	address := newPostgres(t)
	_, err = OpenReadOnly(t.Context(), address)
	assert.ErrorContains(t, err, "there is no journal in the database")
}
