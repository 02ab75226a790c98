package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"roomwarden/commands"
	"roomwarden/journal"
)

const (
	tidyInterval  = 2 * time.Second  // between two rounds
	pruneInterval = time.Minute      // between two looks at what is old
	tidyCallTime  = 30 * time.Second // for one call to the store; the first prunings of a long journal take longest
	lastNotesTime = 2 * time.Second  // for what is not written when the process ends
	mostNotes     = 64               // that wait for a store that does not answer
	sealBatch     = 500              // what Store.Seal seals at most
)

// errCutShort is why a pruning has not come to its end.
var errCutShort = errors.New("this process stopped; the one that leads goes on")

// A tidier looks after the journal of one process: it seals what is closed, forgets what is over, prunes what is older than Keep, and notes what
// the bot does of itself. Every process has one running; the process that leads does the work.
type tidier struct {
	Store    journal.Store
	Keep     time.Duration     // how long entries are kept, to the end of the day (UTC); 0: for ever
	Language commands.Language // of what is noted; empty: English
	Log      *slog.Logger

	mu    sync.Mutex
	notes []*note // to be written, oldest first

	pruned  time.Time // when this process last looked at what is old
	pruning *pruning  // not nil: it has begun, and did not work yet
	trouble string    // what went wrong in the last round
}

// run goes round until ctx ends. What goes wrong is logged, once as long as it stays the same, and tried again in the next round.
func (t *tidier) run(ctx context.Context) {
	ticker := time.NewTicker(tidyInterval)
	defer ticker.Stop()
	for {
		err := t.round(ctx)
		if ctx.Err() != nil {
			break
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		switch {
		case text == t.trouble:
		case err != nil:
			t.Log.Error("the journal could not be tidied; that is tried again", "err", err)
		default:
			t.Log.Info("the journal is tidied again")
		}
		t.trouble = text
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastNotesTime)
	defer cancel()
	if err := errors.Join(t.endPruning(last, errCutShort), t.write(last)); err != nil {
		t.Log.Error("not in the journal", "err", err)
	}
}

func (t *tidier) round(ctx context.Context) error {
	err := t.write(ctx)
	if !t.Store.Leads() {
		t.pruned = time.Time{}
		return errors.Join(err, t.endPruning(ctx, errCutShort))
	}
	if err := errors.Join(err, t.seal(ctx)); err != nil {
		return err
	}
	now := time.Now()
	if now.Sub(t.pruned) < pruneInterval {
		return nil
	}
	if err := t.prune(ctx, now); err != nil {
		return err
	}
	t.pruned = now
	return nil
}

// seal seals until less is left than one call would take.
func (t *tidier) seal(ctx context.Context) error {
	for {
		n, err := bounded(ctx, t.Store.Seal)
		if err != nil {
			return err
		}
		if n < sealBatch {
			return nil
		}
	}
}

// prune forgets reply addresses that are over and, once a day, entries older than Keep.
func (t *tidier) prune(ctx context.Context, now time.Time) error {
	if t.pruning == nil {
		before := now.Add(-t.Keep).UTC().Truncate(24 * time.Hour)
		old, err := t.old(ctx, before)
		if err != nil {
			return err
		}
		if !old {
			_, err := t.tidy(ctx, now, time.Time{})
			return err
		}
		n := &note{Command: "prune", Line: "prune before=" + before.Format(time.DateOnly)}
		if err := n.begin(ctx, t.Store); err != nil {
			return err // nothing goes that is not noted first
		}
		t.pruning = &pruning{note: n, before: before}
	}
	for {
		n, err := t.tidy(ctx, now, t.pruning.before)
		if t.pruning.total += n; err != nil {
			return err
		}
		if n == 0 {
			return t.endPruning(ctx, nil)
		}
	}
}

// A pruning is on its way: noted, and not at its end.
type pruning struct {
	note   *note
	before time.Time
	total  int // entries that are gone for certain
}

// endPruning notes what became of the pruning under way, if there is one; problem is why it did not come to its end.
func (t *tidier) endPruning(ctx context.Context, problem error) error {
	p := t.pruning
	if p == nil {
		return nil
	}
	t.pruning = nil
	day := p.before.Format(time.DateOnly)
	p.note.Outcome, p.note.Text = journal.Done, t.prunedText(ctx, p.total, day)
	switch {
	case problem != nil:
		p.note.Outcome = journal.Unknown
		p.note.Text += commands.Text{English: " It did not come to its end: ", Chinese: "未能完成："}.In(t.Language) + problem.Error()
	case p.total == 0:
		p.note.Outcome = journal.NoChange
	}
	t.Log.Info("old entries pruned", "entries", p.total, "before", day, "outcome", string(p.note.Outcome))
	t.mu.Lock()
	t.notes = append(t.notes, p.note)
	t.mu.Unlock()
	return t.write(ctx)
}

// old reports whether the beginning of the chain was begun before a time. Without Keep nothing is old.
func (t *tidier) old(ctx context.Context, before time.Time) (bool, error) {
	if t.Keep == 0 {
		return false, nil
	}
	root, err := bounded(ctx, t.Store.Root)
	if err != nil {
		return false, err
	}
	links, err := bounded(ctx, func(ctx context.Context) ([]journal.Link, error) { return t.Store.Links(ctx, root.Seal, 1) })
	return len(links) > 0 && links[0].Entry.At.Before(before), err
}

func (t *tidier) tidy(ctx context.Context, now, before time.Time) (int, error) {
	return bounded(ctx, func(ctx context.Context) (int, error) { return t.Store.Tidy(ctx, now, before) })
}

// prunedText says how many entries went, and up to which seal.
func (t *tidier) prunedText(ctx context.Context, total int, day string) string {
	text := commands.Text{English: "Entries begun before %s were pruned: %d", Chinese: "已清除 %s 之前的操作记录，共 %d 条"}
	words := fmt.Sprintf(text.In(t.Language), day, total)
	if root, err := bounded(ctx, t.Store.Root); err == nil && root.Seal > 0 {
		upTo := commands.Text{English: ", up to seal %d.", Chinese: "，截至封存序号 %d。"}
		return words + fmt.Sprintf(upTo.In(t.Language), root.Seal)
	}
	return words + commands.Text{English: ".", Chinese: "。"}.In(t.Language)
}

// reloaded notes that a new version of the policy file is in force, or why it is not. It does not wait: the next round writes it down. It may be called
// by any goroutine; as permissions.File's OnReload, for example.
func (t *tidier) reloaded(problem error) {
	outcome, text := journal.Done, commands.Text{English: "A new policy file is in force.", Chinese: "新的权限文件已生效。"}.In(t.Language)
	if problem != nil {
		kept := commands.Text{English: "A new policy file is not in force: ", Chinese: "新的权限文件未生效："}
		outcome, text = journal.Failed, kept.In(t.Language)+firstProblem(problem)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.notes) >= mostNotes {
		t.Log.Error("not in the journal: too many notes wait", "command", "reload", "text", text)
		return
	}
	t.notes = append(t.notes, &note{Command: "reload", Line: "reload", Outcome: outcome, Text: text})
}

// firstProblem is what a problem of the policy file says first: its heading and the line below.
func firstProblem(problem error) string {
	const most = 300
	text := []rune(strings.Replace(problem.Error(), ":\n", ": ", 1))
	line, _, _ := strings.Cut(string(text[:min(len(text), most)]), "\n")
	return line
}

// write writes the notes that wait, in their order, up to the first that cannot be written.
func (t *tidier) write(ctx context.Context) error {
	for {
		t.mu.Lock()
		waiting := t.notes
		t.mu.Unlock()
		if len(waiting) == 0 {
			return nil
		}
		if err := waiting[0].write(ctx, t.Store); err != nil {
			return err
		}
		t.mu.Lock()
		t.notes = t.notes[1:]
		t.mu.Unlock()
	}
}

// bounded makes a call that takes tidyCallTime at most.
func bounded[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, tidyCallTime)
	defer cancel()
	return call(ctx)
}
