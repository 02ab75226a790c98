package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"roomwarden/journal"
)

// inserted are the columns that Begin writes besides the number, in the order of a beginning's args.
const inserted = `key, request_id, at_us, platform, space, channel, person, name, name_lower, line, effect, command, room, target, reason, write,
	resume, reply_to, reply_by_us, owner`

const refuseSQL = `
	UPDATE entries SET outcome = 'refused', text = ?, open = FALSE, delivery = 'undelivered', resume = NULL, reply_to = NULL, reply_by_us = NULL
	WHERE key = ? AND request_id = ? AND owner = ? AND outcome = 'running'`

// A beginning is a Begin that waits for the writer, and what comes of it.
type beginning struct {
	entry journal.Entry // as it would be written
	began journal.Begun
	lost  bool // it was sent, and may have been written
}

// Begin is journal.Store's.
func (s *Store) Begin(ctx context.Context, e journal.Entry) (journal.Begun, error) {
	b, err := s.begin(ctx, e)
	if err != nil {
		return journal.Begun{}, fmt.Errorf("begin a journal entry: %w", err)
	}
	return b, nil
}

func (s *Store) begin(ctx context.Context, e journal.Entry) (journal.Begun, error) {
	if e.Key == "" {
		return journal.Begun{}, errors.New("it has no key")
	}
	b := &beginning{}
	if !s.readOnly {
		b.entry = asBegun(e, s.pulse.name())
	}
	err := s.submit(ctx, b)
	return b.began, err
}

// args are the values of the inserted columns.
func (b *beginning) args() []any {
	e := &b.entry
	return []any{[]byte(e.Key), e.RequestID, e.At.UnixMicro(), e.Platform, e.Space, e.Channel, e.Person, e.Name, strings.ToLower(e.Name), e.Line, e.Effect,
		e.Command, e.Room, e.Target, e.Reason, e.Write, e.Resume, blob(e.ReplyTo), micros(e.ReplyBy), e.Owner}
}

// fresh notes that the entry was made, and has that number.
func (b *beginning) fresh(number int64) {
	b.began = journal.Begun{Entry: b.entry, Fresh: true}
	b.began.Number = number
}

// known notes that the key was known, as row says.
func (b *beginning) known(r row) error {
	e, err := scanAll(r)
	if err != nil {
		return err
	}
	if e.Owner != b.entry.Owner {
		e.Resume, e.ReplyTo = nil, ""
	}
	b.began = journal.Begun{Entry: e, Fresh: b.lost && e.Owner == b.entry.Owner && e.RequestID == b.entry.RequestID}
	return nil
}

// before notes the write that row shows.
func (b *beginning) before(r row) error {
	e, err := scan(r)
	if err == nil && b.began.Fresh {
		b.began.Before = &e
	}
	return err
}

// An orphan is an entry that may have been begun though Begin has returned an error. Nobody runs it.
type orphan struct {
	key       []byte
	requestID string
	owner     string
}

type orphans struct {
	mu  sync.Mutex
	all []orphan
}

const (
	maxOrphans = 4096 // then no entries are begun until these are settled
	settleMost = 256  // at once
)

func (o *orphans) add(b *beginning) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, orphan{[]byte(b.entry.Key), b.entry.RequestID, b.entry.Owner})
}

func (o *orphans) tooMany() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all) >= maxOrphans
}

// some are the first of the orphans.
func (o *orphans) some() []orphan {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[:min(len(o.all), settleMost)]
}

func (o *orphans) settled(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all = o.all[n:]; len(o.all) == 0 {
		o.all = nil
	}
}

// settle ends the orphans as Refused, those that are there. One goroutine at a time does so.
func (s *Store) settle(ctx context.Context) error {
	for {
		some := s.orphan.some()
		if len(some) == 0 {
			return nil
		}
		var owners []string
		args := make([][]any, len(some))
		for i, o := range some {
			if !slices.Contains(owners, o.owner) {
				owners = append(owners, o.owner)
			}
			args[i] = []any{"It could not be written down in time, so it was not carried out.", o.key, o.requestID, o.owner}
		}
		if err := s.db.fence(ctx, owners...); err != nil {
			return err
		}
		err := s.db.transact(ctx, func(tx transaction) error {
			_, err := tx.each(refuseSQL, args)
			return err
		})
		if err != nil {
			return err
		}
		s.orphan.settled(len(some))
	}
}
