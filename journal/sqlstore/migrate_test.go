package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMigrationsAreNumbered(t *testing.T) {
	steps, err := migrations()
	require.NoError(t, err)
	require.NotEmpty(t, steps)
	for i, step := range steps {
		assert.Regexp(t, fmt.Sprintf("^%04d_[a-z_]+$", i+1), step.name)
		assert.NotEmpty(t, step.sql)
	}
}

func TestMigrationsAreRecorded(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	steps, err := migrations()
	require.NoError(t, err)
	want := make([]string, len(steps))
	for i, step := range steps {
		want[i] = fmt.Sprint(i+1, " ", step.name)
	}
	names, times := recorded(t, s.write)
	assert.Equal(t, want, names)
	for _, at := range times {
		assert.WithinDuration(t, time.Now(), at, time.Minute)
	}
	require.NoError(t, s.Close())

	namesAgain, timesAgain := recorded(t, openAt(t, path).write)
	assert.Equal(t, names, namesAgain)
	assert.Equal(t, times, timesAgain, "what is there is not done again")
}

// recorded are the migrations in the database, "1 0001_entries", and when they were made.
func recorded(t *testing.T, db *sql.DB) (names []string, times []time.Time) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT number, name, applied_us FROM migrations ORDER BY number")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var number, micros int64
		var name string
		require.NoError(t, rows.Scan(&number, &name, &micros))
		names = append(names, fmt.Sprint(number, " ", name))
		times = append(times, time.UnixMicro(micros))
	}
	require.NoError(t, rows.Err())
	return names, times
}

// database is a connection for writing, as Open makes it, to a file of this test.
func database(t *testing.T, path string) *sql.DB {
	t.Helper()
	require.NoError(t, create(path))
	db, err := connect(path, writing, 1)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func TestMigrateGoesOnFromWhereItWas(t *testing.T) {
	db := database(t, newPath(t))
	one := migration{"0001_one", "CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (1);"}
	two := migration{"0002_two", "INSERT INTO one VALUES (2); CREATE TABLE two (b INTEGER);"}

	require.NoError(t, migrate(t.Context(), db, []migration{one}))
	require.NoError(t, migrate(t.Context(), db, []migration{one, two}))
	names, _ := recorded(t, db)
	assert.Equal(t, []string{"1 0001_one", "2 0002_two"}, names)
	var rows int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM one").Scan(&rows))
	assert.Equal(t, 2, rows)
}

func TestAMigrationHappensWhollyOrNotAtAll(t *testing.T) {
	db := database(t, newPath(t))
	good := migration{"0001_good", "CREATE TABLE good (a INTEGER);"}
	bad := migration{"0002_bad", "CREATE TABLE bad (a INTEGER); INSERT INTO nowhere VALUES (1);"}

	err := migrate(t.Context(), db, []migration{good, bad})
	assert.ErrorContains(t, err, "migration 0002_bad: ")
	assert.ErrorContains(t, err, "nowhere")
	names, _ := recorded(t, db)
	assert.Equal(t, []string{"1 0001_good"}, names)
	var tables string
	require.NoError(t, db.QueryRowContext(t.Context(),
		"SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name)").Scan(&tables))
	assert.Equal(t, "good migrations", tables)
}

func TestMigrateByManyAtOnce(t *testing.T) {
	path := newPath(t)
	steps := []migration{{"0001_one", "CREATE TABLE one (a INTEGER);"}, {"0002_two", "CREATE TABLE two (a INTEGER);"}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			db := database(t, path)
			assert.NoError(t, migrate(t.Context(), db, steps))
		})
	}
	wg.Wait()
	names, _ := recorded(t, database(t, path))
	assert.Equal(t, []string{"1 0001_one", "2 0002_two"}, names)
}

func TestOpenRefusesANewerDatabase(t *testing.T) {
	path := newPath(t)
	s := openAt(t, path)
	_, err := s.write.ExecContext(t.Context(), "INSERT INTO migrations (number, name, applied_us) VALUES (99, '0099_later', 0)")
	require.NoError(t, err)
	require.NoError(t, s.Close())

	for _, open := range []func(context.Context, string) (*Store, error){Open, OpenReadOnly} {
		_, err = open(t.Context(), "sqlite:"+path)
		assert.ErrorContains(t, err, path)
		assert.ErrorContains(t, err, "it was written by a newer program: it is at version 99, this program knows versions up to 1")
	}
}

func TestOpenReadOnlyRefusesAnOlderDatabase(t *testing.T) {
	path := newPath(t)
	require.NoError(t, migrate(t.Context(), database(t, path), nil))
	_, err := OpenReadOnly(t.Context(), "sqlite:"+path)
	assert.ErrorContains(t, err, "it is at version 0, this program reads version 1: start the bot once")
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
