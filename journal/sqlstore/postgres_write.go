package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// Makes an entry, unless its key is known or the transaction is one of an epoch that is over.
	postgresBeginSQL = newStatement(`
		INSERT INTO entries (number, ` + inserted + `)
		SELECT nextval('entry_numbers'), n.* FROM (SELECT ?::bytea AS key, ?::text, ?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text,
			?::text, ?::text, ?::text, ?::bigint, ?::text, ?::text, ?::boolean, ?::bytea, ?::bytea, ?::bigint, ?::text AS owner) AS n
		WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.key = n.key)
			AND NOT EXISTS (SELECT 1 FROM fences WHERE fences.owner = n.owner AND fences.epoch > ?)
		RETURNING number`)

	// Counts a delivery, unless it is the one that made the entry and was lost.
	postgresAgainSQL = newStatement(`
		UPDATE entries SET deliveries = deliveries + CASE WHEN request_id = ? AND owner = ? AND ?::boolean THEN 0 ELSE 1 END WHERE key = ?
		RETURNING ` + columns + secrets)

	// The newest write on a target before the entry of a key.
	postgresBeforeSQL = newStatement(`
		SELECT ` + columns + ` FROM entries
		WHERE ` + onTarget + ` AND outcome NOT IN ('refused', 'failed')
			AND number < (SELECT number FROM entries WHERE key = ?)
		ORDER BY number DESC LIMIT 1`)
)

var errFenced = errors.New("the connection to the database was lost meanwhile")

// write tries again until ctx ends while nobody knows what has become of what begins entries, or while the server cannot be reached.
func (db *postgresDB) write(ctx context.Context, batch []*call) {
	var fence bool // something that was sent may yet be written
	var err error
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		if fence {
			err = db.fence(ctx, owners(batch)...)
			fence = err != nil
		}
		if !fence {
			batch, fence, err = db.attempt(ctx, batch)
		}
		if len(batch) == 0 {
			return
		}
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done():
		}
		for _, c := range batch {
			c.err = plain(err)
		}
		return
	}
}

// owners are the names under which the entries of a batch begin.
func owners(batch []*call) (names []string) {
	for _, c := range batch {
		if b, ok := c.op.(*beginning); ok && (len(names) == 0 || names[len(names)-1] != b.entry.Owner) {
			names = append(names, b.entry.Owner)
		}
	}
	return names
}

// attempt gives the calls of batch their turns, and returns those that are to be tried again, for now because of err. fence tells that they may have been
// sent.
func (db *postgresDB) attempt(ctx context.Context, batch []*call) (again []*call, fence bool, err error) {
	conn, err := db.own.Acquire(ctx)
	if err != nil {
		for _, c := range batch {
			if c.turn.Load() != left {
				again = append(again, c)
			}
		}
		return again, false, err
	}
	defer conn.Release()
	var calls []*call
	for _, c := range batch {
		if c.err = nil; c.take() {
			calls = append(calls, c)
		}
	}
	if len(calls) == 0 {
		return nil, false, nil
	}
	switch err := db.begin(ctx, conn.Conn(), calls); {
	case err == nil:
		return db.count(ctx, conn.Conn(), calls)
	case lost(err):
		for _, c := range calls {
			if b, ok := c.op.(*beginning); ok {
				b.lost = true
				again = append(again, c)
			} else {
				c.err = plain(err) // its caller tries again, and finds out
			}
		}
		return again, true, err
	case ofClass(err, "40"): // a deadlock with another process
		return calls, false, err
	case len(calls) == 1 || ofClass(err, "25", "53", "55", "57", "58", "XX"): // read-only, full, locked, stopped, broken: for all
		for _, c := range calls {
			c.err = plain(err)
		}
		return nil, false, nil
	}
	conn.Release()
	for i := range calls { // one of them is to blame
		db.write(ctx, calls[i:i+1])
	}
	return nil, false, nil
}

// begin carries out calls in one message to the server, which makes one transaction of it, but for keys that are known already.
func (db *postgresDB) begin(ctx context.Context, conn *pgx.Conn, calls []*call) error {
	var batch pgx.Batch
	batch.Queue(settings)
	for _, c := range calls {
		if _, ok := c.op.(*beginning); ok {
			batch.Queue(beginLock)
			break
		}
	}
	epoch := db.epoch.Load()
	for _, c := range calls {
		switch op := c.op.(type) {
		case *update:
			batch.Queue(op.statement.numbered, op.args...).Exec(func(tag pgconn.CommandTag) error {
				op.hit = tag.RowsAffected() > 0
				return nil
			})
		case *beginning:
			op.began.Number = 0
			batch.Queue(postgresBeginSQL.numbered, append(op.args(), epoch)...).Query(first(func(r row) error {
				var number int64
				err := r.Scan(&number)
				op.fresh(number)
				return err
			}))
			if op.entry.Write {
				queueBefore(&batch, op)
			}
		}
	}
	return conn.SendBatch(ctx, &batch).Close()
}

// count counts one more delivery for the keys that were known, and returns the calls whose keys are not.
func (db *postgresDB) count(ctx context.Context, conn *pgx.Conn, calls []*call) (again []*call, fence bool, err error) {
	var batch pgx.Batch
	var known []*call
	for _, c := range calls {
		b, ok := c.op.(*beginning)
		if !ok || b.began.Number != 0 {
			continue
		}
		if len(known) == 0 {
			batch.Queue(settings)
		}
		known = append(known, c)
		batch.Queue(postgresAgainSQL.numbered, b.entry.RequestID, b.entry.Owner, b.lost, []byte(b.entry.Key)).Query(first(b.known))
		if b.lost && b.entry.Write {
			queueBefore(&batch, b)
		}
	}
	if len(known) == 0 {
		return nil, false, nil
	}
	switch err := conn.SendBatch(ctx, &batch).Close(); {
	case lost(err), ofClass(err, "40"): // it may count once too often
		return known, false, err
	case err != nil:
		for _, c := range known {
			c.err = plain(err)
		}
		return nil, false, nil
	}
	for _, c := range known {
		if b := c.op.(*beginning); b.began.Number == 0 { // of an epoch that is over; or the entry was pruned in between
			again = append(again, c)
		}
	}
	return again, len(again) > 0, errFenced
}

func queueBefore(batch *pgx.Batch, b *beginning) {
	batch.Queue(postgresBeforeSQL.numbered, b.entry.Room, b.entry.Target, b.entry.Target, []byte(b.entry.Key)).Query(first(b.before))
}

// first reads the first of rows, if there is one.
func first(read func(row) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		defer rows.Close()
		if rows.Next() {
			if err := read(rows); err != nil {
				return err
			}
		}
		rows.Close()
		return rows.Err()
	}
}

// fence ends the epoch: transactions that were sent before begin no entries any more, except one that is there already, which it waits for.
func (db *postgresDB) fence(ctx context.Context, owners ...string) error {
	epoch := db.epoch.Load() + 1
	err := db.transact(ctx, func(tx transaction) error {
		if _, err := tx.exec(beginLock); err != nil {
			return err
		}
		for _, owner := range owners {
			_, err := tx.exec(`INSERT INTO fences (owner, epoch) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET epoch = greatest(fences.epoch, excluded.epoch)`, owner, epoch)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		db.epoch.CompareAndSwap(epoch-1, epoch)
	}
	return err
}
