package commands

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"roomwarden/journal"
)

const (
	// journalTimeout bounds one try to write to the journal, which is made also when everything else has run out of time.
	journalTimeout = 5 * time.Second

	firstRetry, longestRetry = time.Second, 30 * time.Second
)

// background owns what goes on after a command was answered. The zero value is ready.
type background struct {
	mu      sync.Mutex
	ctx     context.Context // of all that runs; ended by stop
	cancel  context.CancelFunc
	stopped bool
	running sync.WaitGroup
}

// run runs f beside everything else, until it returns or, soon after its context has ended, at the stop. After the stop it does nothing, and reports that.
func (b *background) run(f func(ctx context.Context)) (runs bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	if b.ctx == nil {
		b.ctx, b.cancel = context.WithCancel(context.Background())
	}
	ctx := b.ctx
	b.running.Go(func() { f(ctx) })
	return true
}

// stop ends what runs and waits for it, but not longer than ctx.
func (b *background) stop(ctx context.Context) error {
	b.mu.Lock()
	b.stopped = true
	if b.cancel != nil {
		b.cancel()
	}
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		b.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// insist writes to the journal until that has worked, the entry is no longer this process's to write, or ctx has ended: then a try
// is the last. It reports whether the entry is still in hand and written.
func insist(ctx context.Context, log *slog.Logger, what string, write func(context.Context) error) bool {
	for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
		err := try(ctx, write)
		last := ctx.Err() != nil
		switch {
		case err == nil, errors.Is(err, journal.ErrNotRunning): // the latter: an earlier try had worked
			return true
		case errors.Is(err, journal.ErrNotMine):
			log.Warn("journal: another process has taken this over", "what", what)
			return false
		case last:
			log.Error("journal: not written before the stop", "what", what, "err", err)
			return false
		}
		log.Warn("journal: tried again soon", "what", what, "err", err, "again_in", pause)
		pauseFor(ctx, pause)
	}
}

// try makes one try to write to the journal, also when ctx is over.
func try(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	return write(ctx)
}

// pauseFor waits for d, and reports whether ctx has not ended meanwhile.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
