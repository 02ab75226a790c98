package sqlstore

import (
	"context"
	"fmt"
	"time"

	"roomwarden/journal"
)

const mostPruned = 500 // entries in one transaction

// Tidy is journal.Store's. After an error some may have been pruned.
func (s *Store) Tidy(ctx context.Context, now, before time.Time) (pruned int, err error) {
	err = s.transact(ctx, func(tx transaction) error {
		_, err := tx.exec(`UPDATE entries SET reply_to = NULL WHERE seal = 0 AND open = TRUE AND reply_to IS NOT NULL AND reply_by_us <= ?`, now.UnixMicro())
		return err
	})
	for more := !before.IsZero(); more && err == nil; {
		var n int
		n, err = s.prune(ctx, before)
		pruned += n
		more = n == mostPruned
	}
	if err != nil {
		return pruned, fmt.Errorf("tidy the journal: %w", err)
	}
	return pruned, nil
}

// prune takes links from the beginning of the chain, and keeps the last one taken as its root.
func (s *Store) prune(ctx context.Context, before time.Time) (pruned int, err error) {
	err = s.transact(ctx, func(tx transaction) error {
		pruned = 0
		if err := tx.alone(); err != nil { // as in Seal
			return err
		}
		var last journal.Link
		kept := false
		err := tx.query(func(r row) error {
			var l journal.Link
			var at int64
			var hash []byte
			if err := r.Scan(&l.Seal, &hash, &at); err != nil {
				return err
			}
			if kept = kept || at >= before.UnixMicro(); kept {
				return nil
			}
			last = l
			pruned++
			return setHash(&last, hash)
		}, `SELECT seal, hash, at_us FROM entries WHERE seal > 0 ORDER BY seal LIMIT ?`, mostPruned)
		if err != nil || pruned == 0 {
			return err
		}
		if _, err := tx.exec(`DELETE FROM entries WHERE seal > 0 AND seal <= ?`, last.Seal); err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO root (id, seal, hash) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET seal = excluded.seal, hash = excluded.hash`,
			last.Seal, last.Hash[:])
		return err
	})
	return pruned, err
}
