package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	readers = 4 // connections

	// What is forgotten, such as reply addresses, is overwritten with zeros; in the write-ahead log it stays until that is used anew.
	writing = "mode=rw&_journal_mode=WAL&_synchronous=FULL&_pragma=secure_delete(fast)"
	reading = "mode=ro"
)

// A sqliteDB is a journal in a SQLite file.
type sqliteDB struct {
	steps  []migration
	reader *sql.DB // a few connections, which cannot write

	// When opened for writing.
	path   string
	file   fs.FileInfo // what stood at path then
	lock   *fileLock
	alone  bool // nobody else had it open
	writer *sql.DB
	conn   *sql.Conn     // writer's only one
	turn   chan struct{} // holds a token: who has taken it uses conn
	own    map[*statement]*sql.Stmt

	inTransaction bool
}

func openSQLite(ctx context.Context, path string) (_ *sqliteDB, err error) {
	if err := create(path); err != nil {
		return nil, err
	}
	db := &sqliteDB{path: path, turn: make(chan struct{}, 1)}
	db.turn <- struct{}{}
	defer func() {
		if err != nil {
			db.close()
		}
	}()
	if db.steps, err = migrations("sqlite"); err != nil {
		return nil, err
	}
	if db.file, err = os.Stat(path); err != nil {
		return nil, err
	}
	if !db.file.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if db.lock, err = lockFile(ctx, real+"-lock"); err != nil {
		return nil, err
	}
	db.alone = db.lock.alone
	if db.writer, err = connect(path, writing, 1); err != nil {
		return nil, err
	}
	if db.reader, err = connect(path, reading, readers); err != nil {
		return nil, err
	}
	return db, nil
}

// create makes an empty file that only its owner can read; SQLite gives the files beside it the same mode. A file
// that exists is not touched: closing it here would end the locks that this process has on it
// (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
func create(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func openSQLiteReadOnly(ctx context.Context, path string) (*sqliteDB, error) {
	steps, err := migrations("sqlite")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	_, err = os.Stat(path + "-wal")
	atRest := errors.Is(err, fs.ErrNotExist) // no process has the file open
	db := &sqliteDB{steps: steps}
	if db.reader, err = connect(path, reading, readers); err != nil {
		return nil, err
	}
	if err := db.reader.PingContext(ctx); err == nil || !atRest {
		return db, nil
	}
	if err := upToDate(ctx, db); err == nil {
		return db, nil
	}
	// In a folder that cannot be written SQLite cannot make the files that it shares with writers. Without
	// writers it can do without (https://www.sqlite.org/wal.html#read_only_databases).
	db.reader.Close()
	db.reader, err = connect(path, "immutable=1", readers)
	return db, err
}

// connect makes a pool of connections to the file at path, which are opened when needed, with parameters of SQLite
// (https://www.sqlite.org/uri.html) and of the driver (https://pkg.go.dev/modernc.org/sqlite#Driver.Open).
func connect(path, parameters string, connections int) (*sql.DB, error) {
	file := url.URL{Path: path}
	connector, err := sqlite.NewConnector(fmt.Sprintf("file:%s?%s&_busy_timeout=%d&_error_rc=1",
		file.EscapedPath(), parameters, callTimeout.Milliseconds()))
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func (db *sqliteDB) dialect() dialect {
	return dialect{newest: len(db.steps), lower: `lower(%s)`, contains: `instr(%s, ?) > 0`, target: `target = ?`, on: `write AND room = ? AND target = ?`, byTurns: ` INDEXED BY entries_turns`,
		// SQLite goes through the numbers, so it is told where to stop; the plus sign has it use the index of times for that.
		since: `at_us >= ? AND number >= (SELECT COALESCE(MIN(+number), 0) FROM entries WHERE at_us >= ?)`}
}

// migrate opens the connection that writes, and runs those steps that the database has not seen, each in a transaction of its own. Several
// processes may do so at once.
func (db *sqliteDB) migrate(ctx context.Context) error {
	giveUp := time.After(callTimeout)
	for {
		err := db.connectAndMigrate(ctx)
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

func (db *sqliteDB) connectAndMigrate(ctx context.Context) error {
	if db.conn == nil {
		conn, err := db.writer.Conn(ctx)
		if err != nil {
			return err
		}
		db.conn = conn
	}
	for more := true; more; {
		ctx, cancel := context.WithTimeout(ctx, migrationTimeout)
		err := db.transact(ctx, func(tx transaction) (err error) {
			if err := prepareMigrations(tx); err != nil {
				return err
			}
			more, err = migrateOnce(tx, db.steps)
			return err
		})
		cancel()
		if err != nil {
			return err
		}
	}
	if err := db.prepare(ctx); err != nil {
		return err
	}
	return db.lock.share(ctx, func() error { // nobody else is there: whoever was is dead
		return db.transact(ctx, func(tx transaction) error {
			_, err := tx.exec(`DELETE FROM replicas`)
			return err
		})
	})
}

// prepareMigrations makes the table of migrations. That of version 1 lacks a column.
func prepareMigrations(tx transaction) error {
	if _, err := tx.exec(createMigrations); err != nil {
		return err
	}
	var has bool
	err := tx.query(func(r row) error { return r.Scan(&has) }, `SELECT COUNT(*) > 0 FROM pragma_table_info('migrations') WHERE name = 'oldest'`)
	if err != nil || has {
		return err
	}
	_, err = tx.exec(`ALTER TABLE migrations ADD COLUMN oldest INTEGER NOT NULL DEFAULT 1`)
	return err
}

// Alone reports whether no other process had the journal open for writing when this one opened it. Of PostgreSQL nothing is known.
func (s *Store) Alone() bool {
	db, ok := s.db.(*sqliteDB)
	return !ok || db.alone
}

// Sound is an error when the file is damaged, as far as can be seen before ctx ends. PostgreSQL looks after its files itself.
func (s *Store) Sound(ctx context.Context) error {
	if _, ok := s.db.(*sqliteDB); !ok {
		return nil
	}
	err := s.read(ctx, `PRAGMA quick_check(1)`, nil, func(r row) error {
		var found string
		if err := r.Scan(&found); err != nil || found == "ok" {
			return err
		}
		return errors.New(found)
	})
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// inPlace is an error when the file was deleted or replaced: SQLite would go on writing where nobody finds it again.
func (db *sqliteDB) inPlace() error {
	now, err := os.Stat(db.path)
	if err != nil {
		return err
	}
	if !os.SameFile(db.file, now) {
		return errors.New("the file was replaced while it was open")
	}
	return nil
}

func (db *sqliteDB) read(ctx context.Context, query string, args []any, each func(row) error) error {
	rows, err := db.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return eachOf(rows, each)
}

// eachOf calls each for every one of rows, and closes them.
func eachOf(rows *sql.Rows, each func(row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// close ends the connections, the writer's last: it tidies up.
func (db *sqliteDB) close() error {
	var errs []error
	if db.reader != nil {
		errs = append(errs, db.reader.Close())
	}
	if db.conn != nil {
		for _, stmt := range db.own {
			errs = append(errs, stmt.Close())
		}
		errs = append(errs, db.conn.Close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.Close())
	}
	return errors.Join(append(errs, db.lock.close())...)
}
