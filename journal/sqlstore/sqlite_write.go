package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// begin starts a transaction on the writing connection, with the write lock: there it waits for other processes, and not half-way. end gives
// the connection back, and takes back what was not committed.
func (db *sqliteDB) begin(ctx context.Context) error {
	select {
	case <-db.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := db.inPlace()
	if err == nil {
		if err = db.run(ctx, sqliteStartSQL); errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("another process has the file locked: %w", err)
		}
	}
	db.inTransaction = err == nil
	if err != nil {
		db.turn <- struct{}{}
	}
	return err
}

func (db *sqliteDB) end() {
	if db.inTransaction {
		db.run(context.Background(), sqliteBackSQL) // an error when SQLite has done so itself
	}
	db.turn <- struct{}{}
}

// commit ends the transaction. Nothing in it waits but for the disk, where no context could end the wait.
func (db *sqliteDB) commit() error {
	err := db.run(context.Background(), sqliteCommitSQL)
	db.inTransaction = err != nil
	return err
}

func (db *sqliteDB) transact(ctx context.Context, f func(transaction) error) error {
	if err := db.begin(ctx); err != nil {
		return err
	}
	defer db.end()
	if err := f(sqliteTx{db.conn}); err != nil {
		return err
	}
	return db.commit()
}

// A sqliteTx is the transaction of a connection.
type sqliteTx struct{ conn *sql.Conn }

func (tx sqliteTx) alone() error { return nil } // it always is

func (tx sqliteTx) exec(query string, args ...any) (int64, error) {
	result, err := tx.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (tx sqliteTx) query(each func(row) error, query string, args ...any) error {
	rows, err := tx.conn.QueryContext(context.Background(), query, args...)
	if err != nil {
		return err
	}
	return eachOf(rows, each)
}

func (tx sqliteTx) each(query string, args [][]any) (affected int64, err error) {
	stmt, err := tx.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	for _, a := range args {
		result, err := stmt.ExecContext(context.Background(), a...)
		if err != nil {
			return affected, err
		}
		n, err := result.RowsAffected()
		if affected += n; err != nil {
			return affected, err
		}
	}
	return affected, nil
}

// run carries out a statement without arguments.
func (db *sqliteDB) run(ctx context.Context, s *statement) (err error) {
	if prepared := db.own[s]; prepared != nil {
		_, err = prepared.ExecContext(ctx)
	} else {
		_, err = db.conn.ExecContext(ctx, s.text)
	}
	return err
}

var (
	sqliteStartSQL  = newStatement(`BEGIN IMMEDIATE`)
	sqliteCommitSQL = newStatement(`COMMIT`)
	sqliteBackSQL   = newStatement(`ROLLBACK`)

	sqliteAgainSQL = newStatement(`UPDATE entries SET deliveries = deliveries + 1 WHERE key = ?`)
	sqliteKnownSQL = newStatement(`SELECT ` + columns + secrets + ` FROM entries WHERE key = ?`)
	sqliteBeginSQL = newStatement(`INSERT INTO entries (` + inserted + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)

	// The newest write on a target before a number. Mostly there is none.
	sqliteBeforeSQL = newStatement(`
		SELECT number FROM entries
		WHERE write AND room = ? AND target = ? AND outcome NOT IN ('refused', 'failed') AND number < ?
		ORDER BY number DESC LIMIT 1`)
	sqliteGetSQL = newStatement(`SELECT ` + columns + ` FROM entries WHERE number = ?`)
)

// prepare prepares what is said often.
func (db *sqliteDB) prepare(ctx context.Context) (err error) {
	db.own = make(map[*statement]*sql.Stmt)
	for _, s := range []*statement{sqliteStartSQL, sqliteCommitSQL, sqliteBackSQL, sqliteAgainSQL, sqliteKnownSQL, sqliteBeginSQL, sqliteBeforeSQL, sqliteGetSQL, finishSQL, closeSQL, answeredSQL, checkSQL} {
		if db.own[s], err = db.conn.PrepareContext(ctx, s.text); err != nil {
			return err
		}
	}
	return nil
}

// write writes the calls of batch in one transaction. When one fails in a way that may have spoiled the transaction, each gets one of its own.
func (db *sqliteDB) write(ctx context.Context, batch []*call) {
	spoiled, err := db.attempt(ctx, batch)
	if spoiled && len(batch) > 1 {
		for i := range batch {
			db.write(ctx, batch[i:i+1])
		}
		return
	}
	for _, c := range batch {
		c.err = cmp.Or(err, c.err) // what a call saw in a transaction that failed did not happen
	}
}

// attempt gives the calls of batch their turns in one transaction. Its error is that of all; spoiled tells that one call is to blame.
func (db *sqliteDB) attempt(ctx context.Context, batch []*call) (spoiled bool, err error) {
	if err := db.begin(ctx); err != nil {
		return false, err
	}
	defer db.end()
	for _, c := range batch {
		if c.err = nil; !c.take() {
			continue
		}
		if err := db.carryOut(c.op); err != nil {
			return true, err
		}
	}
	if err = db.commit(); err != nil {
		for _, c := range batch {
			if b, ok := c.op.(*beginning); ok {
				b.lost = true
			}
		}
	}
	return false, err
}

func (db *sqliteDB) carryOut(op operation) error {
	ctx := context.Background()
	switch op := op.(type) {
	case *update:
		result, err := db.own[op.statement].ExecContext(ctx, op.args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		op.hit = n > 0
		return err
	case *beginning:
		return db.carryOutBegin(ctx, op)
	}
	return errors.New("unknown operation")
}

func (db *sqliteDB) carryOutBegin(ctx context.Context, b *beginning) error {
	key := []byte(b.entry.Key)
	// A key that is known is looked for first: an INSERT that meets a conflict would use a number up.
	counted, err := db.own[sqliteAgainSQL].ExecContext(ctx, key)
	if err != nil {
		return err
	}
	if n, err := counted.RowsAffected(); err != nil {
		return err
	} else if n > 0 {
		return b.known(db.own[sqliteKnownSQL].QueryRowContext(ctx, key))
	}
	made, err := db.own[sqliteBeginSQL].ExecContext(ctx, b.args()...)
	if err != nil {
		return err
	}
	number, err := made.LastInsertId()
	if err != nil {
		return err
	}
	b.fresh(number)
	if !b.entry.Write {
		return nil
	}
	var before int64
	err = db.own[sqliteBeforeSQL].QueryRowContext(ctx, b.entry.Room, b.entry.Target, number).Scan(&before)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.before(db.own[sqliteGetSQL].QueryRowContext(ctx, before))
}

// fence has nothing to hold off: no transaction is on its way to a file. But what was not committed might come up again after a power
// cut, unless another commit has taken its place in the write-ahead log, so there is one.
func (db *sqliteDB) fence(ctx context.Context, _ ...string) error {
	return db.transact(ctx, func(tx transaction) error {
		_, err := tx.exec(checkSQL.text, time.Now().UnixMicro())
		return err
	})
}
