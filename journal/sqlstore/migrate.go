package sqlstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const migrationTimeout = time.Minute // of one migration

//go:embed migrations
var migrationFiles embed.FS

// A migration takes the database from one version to the next.
type migration struct {
	name   string // "0001_entries"
	oldest int    // programs that know only older versions must not write any more
	sql    string
}

// In the first line of each file.
var oldestLine = regexp.MustCompile(`\A-- Oldest version that may still write: (\d+)\n`)

// migrations are the files in migrations/DIALECT, in their order: the first takes a database to version 1.
func migrations(dialect string) ([]migration, error) {
	files, err := fs.Glob(migrationFiles, "migrations/"+dialect+"/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []migration
	for _, file := range files {
		text, err := fs.ReadFile(migrationFiles, file)
		if err != nil {
			return nil, err
		}
		oldest := oldestLine.FindSubmatch(text)
		if oldest == nil {
			return nil, fmt.Errorf("%s does not tell the oldest version that may still write", file)
		}
		number, err := strconv.Atoi(string(oldest[1]))
		if err != nil {
			return nil, err
		}
		steps = append(steps, migration{strings.TrimSuffix(path.Base(file), ".sql"), number, string(text)})
	}
	return steps, nil
}

const createMigrations = `
	CREATE TABLE IF NOT EXISTS migrations (
		number     INTEGER PRIMARY KEY,
		name       TEXT    NOT NULL,
		applied_us BIGINT  NOT NULL,
		oldest     INTEGER NOT NULL DEFAULT 1 -- the oldest version of the program that may write the journal after this
	)`

// migrateOnce runs the next step, if there is one, in a table of migrations that exists, and reports whether there may be more.
func migrateOnce(tx transaction, steps []migration) (more bool, err error) {
	version, oldest, err := versionOf(tx.query)
	switch {
	case err != nil:
		return false, err
	case oldest > len(steps):
		return false, newerError(version, len(steps))
	case version >= len(steps):
		return false, nil
	}
	step := steps[version]
	if _, err := tx.exec(step.sql); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.name, err)
	}
	_, err = tx.exec(`INSERT INTO migrations (number, name, applied_us, oldest) VALUES (?, ?, ?, ?)`, version+1, step.name, time.Now().UnixMicro(), step.oldest)
	return true, err
}

// ErrOlder is a journal that an older program has written, met where it is only read.
var ErrOlder = errors.New("start the bot once to bring it up to date")

// noSuchTable is PostgreSQL's code (https://www.postgresql.org/docs/current/errcodes-appendix.html) for a database that the bot has not seen yet.
const noSuchTable = "42P01"

// upToDate returns an error unless this program can read the database.
func upToDate(ctx context.Context, db database) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	read := func(each func(row) error, query string, args ...any) error { return db.read(ctx, query, args, each) }
	var version int
	err := read(func(r row) error { return r.Scan(&version) }, `SELECT COALESCE(MAX(number), 0) FROM migrations`)
	want := db.dialect().newest
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == noSuchTable {
		return fmt.Errorf("there is no journal in the database: %w", ErrOlder)
	}
	if err == nil && version < want {
		return fmt.Errorf("it is at version %d, this program reads version %d: %w", version, want, ErrOlder)
	}
	if err == nil {
		var oldest int
		if version, oldest, err = versionOf(read); err == nil && oldest > want {
			return newerError(version, want)
		}
	}
	return err
}

// versionOf is the number of the last migration, and the oldest version of the program that may write after it.
func versionOf(query func(func(row) error, string, ...any) error) (version, oldest int, err error) {
	err = query(func(r row) error { return r.Scan(&version, &oldest) }, `SELECT COALESCE(MAX(number), 0), COALESCE(MAX(oldest), 0) FROM migrations`)
	return version, oldest, err
}

func newerError(version, ours int) error {
	return fmt.Errorf("it was written by a newer program: it is at version %d, this program knows versions up to %d", version, ours)
}
