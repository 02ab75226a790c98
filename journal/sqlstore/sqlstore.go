// Package sqlstore keeps the journal in a SQLite file.
//
// The file is in WAL mode with synchronous=FULL: a commit is on the disk before it is reported, and readers and the
// writer do not wait for each other (https://www.sqlite.org/wal.html). WAL needs a local disk, and two more files
// beside the first, PATH-wal and PATH-shm, which belong to it: they must not be deleted or left behind in a copy.
//
// Forcing a commit to the disk costs far more than the statements in it, so callers share commits. A Store has one
// goroutine that writes. It takes whatever calls are waiting, up to 256, writes them in one transaction, and answers
// them once that is committed; meanwhile the next ones gather. Nobody waits for company: a lone call is written at
// once. A call that SQLite refuses is refused alone, unless it is the commit that fails. A caller whose context is
// over, or who has waited for 5 s, is told so at once; the call is then not written, unless its turn had come, which
// the caller is not told. When 4096 calls are waiting, more are refused.
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
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
)

const (
	callTimeout      = 5 * time.Second // of every call and of every transaction, all waiting included
	migrationTimeout = time.Minute     // of one migration
	readers          = 4               // connections

	// A transaction takes the write lock when it begins: there it waits for other processes, and not half-way.
	writing = "mode=rw&_journal_mode=WAL&_synchronous=FULL&_txlock=immediate"
	reading = "mode=ro"
)

// A Store is a journal.Store in a file.
type Store struct {
	write *sql.DB      // one connection, the writer's; nil when opened for reading
	read  *sql.DB      // a few, which cannot write
	inUse sync.RWMutex // read-locked by every call, locked by Close

	statements *statements
	queue      chan *call    // to the writer; nil when opened for reading
	ended      chan struct{} // closed by the writer when it ends
	closed     bool

	path string
	file fs.FileInfo // what stood at path when it was opened for writing
}

// CheckAddress is nil when Open could understand the address. Its errors do not show the address, which may hold a password.
func CheckAddress(address string) error {
	_, err := pathOf(address)
	return err
}

// Open opens the journal at address, "sqlite:PATH", for reading and writing, and brings it up to date. A missing
// file is created, readable by its owner only; a missing folder is an error, and so is a journal that a newer
// program has written. Several processes may have one file open.
func Open(ctx context.Context, address string) (*Store, error) {
	path, err := pathOf(address)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the journal %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	if err := create(path); err != nil {
		return nil, err
	}
	s := &Store{path: path}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.file, err = os.Stat(path); err != nil {
		return nil, err
	}
	if s.write, err = connect(path, writing, 1); err != nil {
		return nil, err
	}
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.write, steps); err != nil {
		return nil, err
	}
	if s.read, err = connect(path, reading, readers); err != nil {
		return nil, err
	}
	if s.statements, err = prepare(ctx, s.write); err != nil {
		return nil, err
	}
	s.queue, s.ended = make(chan *call, maxWaiting), make(chan struct{})
	go s.run()
	return s, s.Check(ctx) // SQLite opens a file that it may not write without a word
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

// OpenReadOnly opens the journal at address, "sqlite:PATH", to List only; every other method but Close returns an
// error. A process that writes the journal does not mind. A missing file is an error and is not created. The journal
// must be exactly as new as the program.
func OpenReadOnly(ctx context.Context, address string) (*Store, error) {
	path, err := pathOf(address)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the journal for reading: %w", err)
	}
	_, err = os.Stat(path + "-wal")
	atRest := errors.Is(err, fs.ErrNotExist) // no process has the file open
	db, err := openReadOnly(ctx, path, reading)
	if err != nil && atRest {
		// In a folder that cannot be written SQLite cannot make the files that it shares with writers. Without
		// writers it can do without (https://www.sqlite.org/wal.html#read_only_databases).
		db, err = openReadOnly(ctx, path, "immutable=1")
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal %s for reading: %w", path, err)
	}
	return &Store{read: db}, nil
}

func openReadOnly(ctx context.Context, path, mode string) (*sql.DB, error) {
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	db, err := connect(path, mode, readers)
	if err != nil {
		return nil, err
	}
	if err := upToDate(ctx, db, len(steps)); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for the calls that are running or waiting and closes the file. The other methods then return an error.
func (s *Store) Close() error {
	s.inUse.Lock() // nobody is in update
	defer s.inUse.Unlock()
	if s.queue != nil && !s.closed {
		close(s.queue)
		<-s.ended
	}
	s.closed = true
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} { // the writer last: it tidies up
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// inPlace is an error when the file was deleted or replaced: SQLite would go on writing where nobody finds it again.
func (s *Store) inPlace() error {
	now, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if !os.SameFile(s.file, now) {
		return errors.New("the file was replaced while it was open")
	}
	return nil
}

func transact(ctx context.Context, db *sql.DB, timeout time.Duration, f func(context.Context, *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// pathOf is the absolute PATH of "sqlite:PATH". Its errors do not show address, which may hold a password.
func pathOf(address string) (string, error) {
	scheme, path, _ := strings.Cut(address, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		return "", errors.New("this version keeps its journal on SQLite only: write sqlite:PATH in place of postgres://…")
	case scheme != "sqlite" || path == "":
		return "", errors.New("the journal's address has the form sqlite:PATH, with a relative path (sqlite:roomwarden.db) " +
			"or an absolute one (sqlite:/var/lib/roomwarden/roomwarden.db)")
	}
	return filepath.Abs(path) // connections are opened later too, wherever the process is then
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
