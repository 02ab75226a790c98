package sqlstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const connectTimeout = 2 * time.Second // of one try, unless the address says otherwise

// The first statement of every transaction that writes: the server gives up what takes too long or lost its client. A commit is on the disk
// before it is reported, unless somebody wants even more.
const settings = `
	SELECT set_config('statement_timeout', '4000', true), set_config('lock_timeout', '4000', true),
		set_config('idle_in_transaction_session_timeout', '4000', true),
		set_config('tcp_keepalives_idle', '5', true), set_config('tcp_keepalives_interval', '1', true), set_config('tcp_keepalives_count', '3', true),
		set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)`

// Locks until the end of the transaction. The first numbers are ours; each journal in a database has its own second one.
const (
	migrateLock = `SELECT pg_advisory_xact_lock(1383)`
	beginLock   = `SELECT pg_advisory_xact_lock(1383, 'entries'::regclass::oid::int)` // orders what begins entries
	aloneLock   = `SELECT pg_advisory_xact_lock(1384, 'entries'::regclass::oid::int)`
)

// A postgresDB is a journal in a PostgreSQL database.
type postgresDB struct {
	steps    []migration
	readOnly bool
	pool     *pgxpool.Pool // for all but what own is for
	own      *pgxpool.Pool // for the writer; nil when opened for reading
	epoch    atomic.Int64  // of the transactions that begin entries; a lost one ends it
}

func openPostgres(ctx context.Context, config *pgxpool.Config, readOnly bool) (_ *postgresDB, err error) {
	db := &postgresDB{readOnly: readOnly}
	defer func() {
		if err != nil {
			db.close()
		}
	}()
	if db.steps, err = migrations("postgres"); err != nil {
		return nil, err
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if db.pool, err = pgxpool.NewWithConfig(ctx, config.Copy()); err != nil {
		return nil, plain(err)
	}
	if readOnly {
		return db, nil
	}
	config.MaxConns, config.MinConns, config.MinIdleConns = 1, 0, 0
	if db.own, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, plain(err)
	}
	return db, nil
}

// onTarget is a write on a target, given its room and twice its account. Only the index of turns can find it: on a table that is still empty PostgreSQL would else
// choose another one, and stay with that plan.
const onTarget = `write AND (room::text || '/' || left(target, 100)) = ?::bigint::text || '/' || left(?, 100) AND target = ?`

func (db *postgresDB) dialect() dialect {
	return dialect{newest: len(db.steps), skipLocked: `FOR UPDATE SKIP LOCKED`, lower: `lower(%s COLLATE "C")`, contains: `strpos(%s, ?) > 0`,
		target: `left(target, 100) = left(?, 100) AND target = ?`, on: onTarget, since: `at_us >= ?`}
}

// migrate runs those steps that the database has not seen, each in a transaction of its own, one process at a time.
func (db *postgresDB) migrate(ctx context.Context) error {
	var isolation string
	err := db.read(ctx, `SELECT current_setting('default_transaction_isolation')`, nil, func(r row) error { return r.Scan(&isolation) })
	if err == nil && isolation != "read committed" {
		err = fmt.Errorf("default_transaction_isolation is %q in this database; the journal needs \"read committed\"", isolation)
	}
	if err != nil {
		return err
	}
	if upToDate(ctx, db) == nil {
		return nil
	}
	for more := true; more && err == nil; {
		err = db.migrateNext(ctx, &more)
	}
	return err
}

func (db *postgresDB) migrateNext(ctx context.Context, more *bool) error {
	ctx, cancel := context.WithTimeout(ctx, migrationTimeout)
	defer cancel()
	return plain(pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) (err error) {
		t := postgresTx{ctx, tx}
		// Several processes may do so at once. Nobody must wait long for a lock that a migration waits for.
		if _, err := tx.Exec(ctx, migrateLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', '2000', true)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, createMigrations); err != nil {
			return err
		}
		*more, err = migrateOnce(t, db.steps)
		return err
	}))
}

func (db *postgresDB) read(ctx context.Context, query string, args []any, each func(row) error) error {
	return db.again(ctx, func() (retry bool, err error) {
		retry = true
		once := func(r row) error { retry = false; return each(r) }
		if !db.readOnly {
			err = readRows(ctx, db.pool, query, args, once)
			return retry, err
		}
		err = pgx.BeginTxFunc(ctx, db.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return readRows(ctx, tx, query, args, once) })
		return retry, err
	})
}

// again calls f once more when a connection breaks and f says that this does no harm: a server that has been away leaves a pool of dead connections behind.
func (db *postgresDB) again(ctx context.Context, f func() (retry bool, err error)) error {
	retry, err := f()
	if broken(err) && ctx.Err() == nil {
		db.pool.Reset()
		if retry {
			_, err = f()
		}
	}
	return plain(err)
}

func readRows(ctx context.Context, from interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}, query string, args []any, each func(row) error) error {
	rows, err := from.Query(ctx, numbered(query), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// transact begins anew when another transaction had to go first (a deadlock): the server has taken everything back then.
func (db *postgresDB) transact(ctx context.Context, f func(transaction) error) error {
	for {
		err := db.transactOnce(ctx, f)
		if !ofClass(err, "40") || ctx.Err() != nil {
			return err
		}
	}
}

func (db *postgresDB) transactOnce(ctx context.Context, f func(transaction) error) error {
	return db.again(ctx, func() (retry bool, err error) {
		committing := false
		err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, settings); err != nil {
				return err
			}
			err := f(postgresTx{ctx, tx})
			committing = err == nil
			return err
		})
		return !committing, err
	})
}

// A postgresTx is a transaction in the time of its context.
type postgresTx struct {
	ctx context.Context
	tx  pgx.Tx
}

func (t postgresTx) alone() error {
	_, err := t.tx.Exec(t.ctx, aloneLock)
	return err
}

func (t postgresTx) exec(query string, args ...any) (int64, error) {
	if len(args) == 0 { // it may be a script
		results, err := t.tx.Conn().PgConn().Exec(t.ctx, query).ReadAll()
		if err != nil || len(results) == 0 {
			return 0, err
		}
		return results[len(results)-1].CommandTag.RowsAffected(), nil
	}
	tag, err := t.tx.Exec(t.ctx, numbered(query), args...)
	return tag.RowsAffected(), err
}

func (t postgresTx) query(each func(row) error, query string, args ...any) error {
	return readRows(t.ctx, t.tx, query, args, each)
}

func (t postgresTx) each(query string, args [][]any) (affected int64, err error) {
	query = numbered(query)
	var batch pgx.Batch
	for _, a := range args {
		batch.Queue(query, a...).Exec(func(tag pgconn.CommandTag) error {
			affected += tag.RowsAffected()
			return nil
		})
	}
	return affected, t.tx.SendBatch(t.ctx, &batch).Close()
}

func (db *postgresDB) close() error {
	for _, pool := range []*pgxpool.Pool{db.pool, db.own} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}
