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
	// journalTimeout bounds one try to write an outcome down, which is made also when everything else has run out of time.
	journalTimeout = 5 * time.Second

	firstRetry, longestRetry = time.Second, 30 * time.Second
)

// unfinished writes down outcomes that the journal would not take at once: nobody else knows them. The zero value is ready.
type unfinished struct {
	once    sync.Once
	ended   chan struct{} // closed by stop
	running sync.WaitGroup
}

func (u *unfinished) end() chan struct{} {
	u.once.Do(func() { u.ended = make(chan struct{}) })
	return u.ended
}

// keep tries to finish an entry until that has worked, the entry has ended otherwise, or stop was called.
func (u *unfinished) keep(store journal.Store, number int64, result journal.Result, log *slog.Logger) {
	ended := u.end()
	u.running.Go(func() {
		for pause := firstRetry; ; pause = min(2*pause, longestRetry) {
			timer := time.NewTimer(pause)
			last := false
			select {
			case <-timer.C:
			case <-ended:
				timer.Stop()
				last = true
			}
			err := finish(context.Background(), store, number, result)
			switch {
			case err == nil, errors.Is(err, journal.ErrNotRunning): // the latter: an earlier try had worked
				log.Info("journal: finished late")
				return
			case last:
				log.Error("journal: an outcome is lost", "outcome", result.Outcome, "code", result.Code, "err", err)
				return
			}
		}
	})
}

// stop gives every outcome that is still to be written one last try, and waits for that, but not longer than ctx.
func (u *unfinished) stop(ctx context.Context) error {
	close(u.end())
	done := make(chan struct{})
	go func() {
		u.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func finish(ctx context.Context, store journal.Store, number int64, result journal.Result) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	return store.Finish(ctx, number, result)
}
