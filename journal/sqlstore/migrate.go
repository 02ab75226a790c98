package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration takes the database from one version to the next.
type migration struct {
	name string // "0001_entries"
	sql  string
}

// migrations are the files in migrations/, in their order: the first takes a database to version 1.
func migrations() ([]migration, error) {
	files, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []migration
	for _, file := range files {
		text, err := fs.ReadFile(migrationFiles, file)
		if err != nil {
			return nil, err
		}
		steps = append(steps, migration{name: strings.TrimSuffix(path.Base(file), ".sql"), sql: string(text)})
	}
	return steps, nil
}

// migrate runs those steps that the database has not seen, each in a transaction of its own. Several processes may
// do so at once.
func migrate(ctx context.Context, db *sql.DB, steps []migration) error {
	giveUp := time.After(callTimeout)
	for {
		var more bool
		err := transact(ctx, db, migrationTimeout, func(ctx context.Context, tx *sql.Tx) (err error) {
			more, err = migrateOnce(ctx, tx, steps)
			return err
		})
		if err == nil && more {
			continue
		}
		if e, ok := errors.AsType[*sqlite.Error](err); !ok || e.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		// When two connections switch a new file to WAL at once, SQLite tells one of them that the file is locked
		// without waiting for the other, whatever the busy timeout.
		select {
		case <-time.After(10 * time.Millisecond):
		case <-giveUp:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// migrateOnce runs the next step, if there is one, and reports whether there may be more.
func migrateOnce(ctx context.Context, tx *sql.Tx, steps []migration) (more bool, err error) {
	_, err = tx.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS migrations (
			number     INTEGER PRIMARY KEY,
			name       TEXT    NOT NULL,
			applied_us BIGINT  NOT NULL
		)`)
	if err != nil {
		return false, err
	}
	version, err := versionOf(ctx, tx)
	if err != nil {
		return false, err
	}
	if version > len(steps) {
		return false, newerError(version, len(steps))
	}
	if version == len(steps) {
		return false, nil
	}
	step := steps[version]
	if _, err := tx.ExecContext(ctx, step.sql); err != nil {
		return false, fmt.Errorf("migration %s: %w", step.name, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO migrations (number, name, applied_us) VALUES (?, ?, ?)`,
		version+1, step.name, time.Now().UnixMicro())
	return true, err
}

// ErrOlder is a journal that an older program has written, met where it is only read.
var ErrOlder = errors.New("start the bot once to bring it up to date")

// upToDate returns an error unless the database is at version want.
func upToDate(ctx context.Context, db *sql.DB, want int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	version, err := versionOf(ctx, db)
	switch {
	case err != nil:
		return err
	case version > want:
		return newerError(version, want)
	case version < want:
		return fmt.Errorf("it is at version %d, this program reads version %d: %w", version, want, ErrOlder)
	}
	return nil
}

// versionOf is the number of the last migration.
func versionOf(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (version int, err error) {
	err = db.QueryRowContext(ctx, `SELECT COALESCE(MAX(number), 0) FROM migrations`).Scan(&version)
	return version, err
}

func newerError(version, ours int) error {
	return fmt.Errorf("it was written by a newer program: it is at version %d, this program knows versions up to %d",
		version, ours)
}
