package commands

import (
	"context"
	"slices"
	"sync"

	"roomwarden/netease"
)

// A target is what commands take turns on: an account in a room, or with no account the room itself.
type target struct {
	room    netease.RoomID
	account string
}

// turns lets the commands on one target run one at a time, in the order of their journal numbers.
type turns struct {
	mu     sync.Mutex
	queues map[target]*queue
}

type queue struct {
	entering sync.Mutex // held while a command gets its number and its place
	waiting  []*turn    // guarded by turns.mu; the first one runs
	users    int        // guarded by turns.mu; turns that are not left yet
}

// A turn is one command's place in a queue. Whoever enters must leave.
type turn struct {
	all   *turns
	at    target
	ready chan struct{} // closed when nobody is before this one
}

// enter calls number, in which the command gets its journal number, and takes the place that goes with it.
func (t *turns) enter(at target, number func()) *turn {
	t.mu.Lock()
	if t.queues == nil {
		t.queues = map[target]*queue{}
	}
	q := t.queues[at]
	if q == nil {
		q = &queue{}
		t.queues[at] = q
	}
	q.users++
	t.mu.Unlock()

	q.entering.Lock()
	defer q.entering.Unlock()
	number()
	mine := &turn{all: t, at: at, ready: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	q.waiting = append(q.waiting, mine)
	if q.waiting[0] == mine {
		close(mine.ready)
	}
	return mine
}

// isNext tells whether the turn has come.
func (t *turn) isNext() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

// wait returns nil when the turn has come, or ctx's error.
func (t *turn) wait(ctx context.Context) error {
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave gives the place up, whether its turn had come or not.
func (t *turn) leave() {
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	q := t.all.queues[t.at]
	first := q.waiting[0] == t
	q.waiting = slices.DeleteFunc(q.waiting, func(other *turn) bool { return other == t })
	if first && len(q.waiting) > 0 {
		close(q.waiting[0].ready)
	}
	if q.users--; q.users == 0 {
		delete(t.all.queues, t.at)
	}
}
