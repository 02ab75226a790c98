package sqlstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"roomwarden/journal"
)

const mostSealed = 500 // entries at once

// Seal is journal.Store's.
func (s *Store) Seal(ctx context.Context) (sealed int, err error) {
	err = s.transact(ctx, func(tx transaction) error {
		sealed = 0
		if err := tx.alone(); err != nil { // two may think that they lead: the second one sees what the first has sealed
			return err
		}
		last, err := head(tx)
		if err != nil {
			return err
		}
		var links []journal.Link
		err = tx.query(func(r row) error {
			e, err := scan(r)
			last = last.Next(e)
			links = append(links, last)
			return err
		}, `SELECT `+columns+` FROM entries WHERE seal = 0 AND open = FALSE ORDER BY number LIMIT ?`, mostSealed)
		if err != nil {
			return err
		}
		sealed = len(links)
		return seal(tx, links)
	})
	if err != nil {
		return 0, fmt.Errorf("seal journal entries: %w", err)
	}
	return sealed, nil
}

func seal(tx transaction, links []journal.Link) error {
	updates := make([][]any, len(links))
	for i, l := range links {
		updates[i] = []any{l.Seal, l.Hash[:], l.Entry.Number}
	}
	n, err := tx.each(`UPDATE entries SET seal = ?, hash = ? WHERE number = ? AND seal = 0`, updates)
	if err == nil && n != int64(len(links)) {
		err = errors.New("entries have gone meanwhile")
	}
	return err
}

// head is the last link of the chain.
func head(tx transaction) (last journal.Link, err error) {
	last, err = root(tx.query)
	if err != nil {
		return last, err
	}
	err = tx.query(func(r row) error { return scanLink(r, &last) }, `SELECT seal, hash FROM entries WHERE seal > 0 ORDER BY seal DESC LIMIT 1`)
	return last, err
}

func root(query func(func(row) error, string, ...any) error) (l journal.Link, err error) {
	err = query(func(r row) error { return scanLink(r, &l) }, `SELECT seal, hash FROM root`)
	return l, err
}

// scanLink reads a seal and its hash.
func scanLink(r row, l *journal.Link) error {
	var hash []byte
	if err := r.Scan(&l.Seal, &hash); err != nil {
		return err
	}
	return setHash(l, hash)
}

func setHash(l *journal.Link, hash []byte) error {
	if len(hash) != sha256.Size {
		return &journal.BrokenError{Seal: l.Seal, Number: l.Entry.Number, Why: "its hash is not one"}
	}
	l.Hash = [sha256.Size]byte(hash)
	return nil
}

// Root is journal.Store's.
func (s *Store) Root(ctx context.Context) (journal.Link, error) {
	l, err := root(func(each func(row) error, query string, args ...any) error { return s.read(ctx, query, args, each) })
	if err != nil {
		return journal.Link{}, fmt.Errorf("read the beginning of the chain: %w", err)
	}
	return l, nil
}

// What a hash does not cover follows from what it covers: names in lower case, by which entries are found, and that nothing is left to be done.
const linksSQL = `SELECT ` + columns + `, hash, name_lower, moderator_lower, NOT open AND NOT more AND resume IS NULL AND reply_to IS NULL AND reply_by_us IS NULL
	FROM entries WHERE seal > 0 AND seal > ? ORDER BY seal LIMIT ?`

// Links is journal.Store's.
func (s *Store) Links(ctx context.Context, after int64, limit int) (links []journal.Link, err error) {
	err = s.read(ctx, linksSQL, []any{after, max(limit, 0)}, func(r row) error {
		var hash []byte
		var name, moderator string
		var closed bool
		e, err := scan(r, &hash, &name, &moderator, &closed)
		l := journal.Link{Seal: e.Seal, Entry: e}
		links = append(links, l)
		err = errors.Join(err, setHash(&links[len(links)-1], hash))
		if name != strings.ToLower(e.Name) || moderator != strings.ToLower(e.Moderator) || !closed {
			links[len(links)-1].Hash = [sha256.Size]byte{}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the chain: %w", err)
	}
	return links, nil
}
