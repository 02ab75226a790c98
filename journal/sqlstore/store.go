package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"roomwarden/journal"
)

const callTimeout = 5 * time.Second // of waiting for a turn, of every transaction, of every read

var (
	errClosed   = errors.New("the journal is closed")
	errReadOnly = errors.New("the journal is open for reading only")
	errStuck    = errors.New("the database takes too long")
)

// A Store is a journal.Store in a database.
type Store struct {
	db       database
	readOnly bool
	inUse    sync.RWMutex // read-locked by every call, locked by Close
	closed   bool

	queue  chan *call    // to the writer; nil when opened for reading
	ended  chan struct{} // closed by the writer when it ends
	pulse  *pulse        // nil when opened for reading
	orphan orphans
	lost   takeovers
}

var _ journal.Store = (*Store)(nil)

// A database is what SQLite and PostgreSQL do in ways of their own. Statements are written with ? for each argument.
type database interface {
	// write gives the calls of batch their turns, if it can in one transaction, and sets err of each.
	write(ctx context.Context, batch []*call)

	// transact commits what f has done, unless f returns an error. It may call f again, in another transaction.
	transact(ctx context.Context, f func(tx transaction) error) error

	// read calls row for each row of a query.
	read(ctx context.Context, query string, args []any, row func(row) error) error

	// fence makes sure, in a transaction of its own, that none that went before begins an entry any more.
	fence(ctx context.Context, owners ...string) error

	// migrate brings the schema up to date.
	migrate(ctx context.Context) error

	dialect() dialect
	close() error
}

// A dialect is what has to be said differently.
type dialect struct {
	newest     int    // version of the schema
	skipLocked string // at the end of a SELECT: lock its rows, and leave out those that others have locked
	lower      string // %s with ASCII letters in lower case
	contains   string // %s contains the argument
	target     string // the target is the argument, which is given as often as there are marks for it
	on         string // it is a write on the target that the arguments are: the room, and the account for each mark behind it
	byTurns    string // behind the table: with the index of turns
	since      string // it was begun then or later; likewise
}

// A transaction runs statements one after the other.
type transaction interface {
	alone() error // waits until no other transaction that has called it is under way
	exec(query string, args ...any) (affected int64, err error)
	query(row func(row) error, query string, args ...any) error
	each(query string, args [][]any) (affected int64, err error)
}

// A row is one of a result.
type row interface{ Scan(to ...any) error }

// Open opens the journal at an address, "sqlite:PATH" or "postgres://…", for reading and writing, and brings it up to date. A missing file
// is created, readable by its owner only; a missing folder is an error, and so is a journal that a newer program has written in a way this one
// does not know. Several processes may have one journal open. Errors do not show the address.
func Open(ctx context.Context, text string) (*Store, error) { return open(ctx, text, usual) }

func open(ctx context.Context, text string, t timing) (_ *Store, err error) {
	at, err := parse(text)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open the journal%s: %w", at.shown(), err)
		}
	}()
	s := &Store{}
	if at.postgres != nil {
		s.db, err = openPostgres(ctx, at.postgres, false)
	} else {
		s.db, err = openSQLite(ctx, at.file)
	}
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx, t); err != nil {
		return nil, errors.Join(err, s.db.close())
	}
	return s, nil
}

// start brings the schema up to date and the process to life.
func (s *Store) start(ctx context.Context, t timing) error {
	if err := s.db.migrate(ctx); err != nil {
		return err
	}
	s.pulse = newPulse(t)
	if err := s.enter(ctx); err != nil { // SQLite opens a file that it may not write without a word
		return err
	}
	s.queue, s.ended = make(chan *call, maxWaiting), make(chan struct{})
	go s.run()
	go s.beat()
	return nil
}

// shown is the part of an address that may be shown.
func (a address) shown() string {
	if a.file == "" {
		return ""
	}
	return " " + a.file
}

// OpenReadOnly opens the journal at an address to Get, List, Root and Links only; the other methods return an error. A process that writes
// the journal does not mind. A missing file is an error and is not created. The journal must not be older than the program.
func OpenReadOnly(ctx context.Context, text string) (*Store, error) {
	at, err := parse(text)
	if err != nil {
		return nil, err
	}
	s := &Store{readOnly: true}
	if at.postgres != nil {
		s.db, err = openPostgres(ctx, at.postgres, true)
	} else {
		s.db, err = openSQLiteReadOnly(ctx, at.file)
	}
	if err == nil {
		if err = upToDate(ctx, s.db); err != nil {
			s.db.close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal%s for reading: %w", at.shown(), err)
	}
	return s, nil
}

// Close waits for the calls that are running or waiting, frees what this process has in hand and closes the database. The other methods then
// return an error.
func (s *Store) Close() error {
	s.inUse.Lock() // nobody is in another method
	defer s.inUse.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.queue != nil {
		close(s.queue)
		<-s.ended
		err = s.leave()
	}
	return errors.Join(err, s.db.close())
}

// use keeps the store open until done is called.
func (s *Store) use() (done func(), err error) {
	s.inUse.RLock()
	if s.closed {
		s.inUse.RUnlock()
		return nil, errClosed
	}
	return s.inUse.RUnlock, nil
}

// writing begins what is to be written, for callTimeout at most, and until done is called.
func (s *Store) writing(ctx context.Context) (_ context.Context, done func(), err error) {
	leave, err := s.use()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	done = func() { cancel(); leave() }
	switch {
	case s.readOnly:
		err = errReadOnly
	default:
		err = cmp.Or(s.pulse.outdated(), ctx.Err())
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return ctx, done, nil
}

// transact commits what f has done.
func (s *Store) transact(ctx context.Context, f func(tx transaction) error) error {
	ctx, done, err := s.writing(ctx)
	if err != nil {
		return err
	}
	defer done()
	return s.db.transact(ctx, f)
}

// read calls each for every row of a query. It does not wait for those who write.
func (s *Store) read(ctx context.Context, query string, args []any, each func(row) error) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.read(ctx, query, args, each)
}
