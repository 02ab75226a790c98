package journal

import (
	"context"
	"slices"
	"time"
)

// Seal is Store's.
func (p *Process) Seal(ctx context.Context) (int, error) {
	m, err := p.enter(ctx, "Seal")
	if err != nil {
		return 0, said("seal journal entries", err)
	}
	defer m.mu.Unlock()
	sealed, last := 0, m.root
	if n := len(m.chain); n > 0 {
		last = m.chain[n-1].link
	}
	for _, e := range m.entries {
		if sealed < 500 && !e.Open && e.Seal == 0 {
			last = last.Next(e.Entry)
			last.Entry = Entry{}
			e.Seal, e.link = last.Seal, last
			m.chain = append(m.chain, e)
			sealed++
		}
	}
	return sealed, nil
}

// Tidy is Store's.
func (p *Process) Tidy(ctx context.Context, now, before time.Time) (int, error) {
	m, err := p.enter(ctx, "Tidy")
	if err != nil {
		return 0, said("tidy the journal", err)
	}
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if !e.ReplyBy.IsZero() && !e.ReplyBy.After(now) {
			e.ReplyTo = ""
		}
	}
	pruned := slices.IndexFunc(m.chain, func(e *kept) bool { return !e.At.Before(cut(before)) })
	if pruned < 0 {
		pruned = len(m.chain)
	}
	if pruned == 0 {
		return 0, nil
	}
	m.root, m.chain = m.chain[pruned-1].link, slices.Clone(m.chain[pruned:])
	gone := func(e *kept) bool { return e.Seal != 0 && e.Seal <= m.root.Seal }
	for _, e := range m.entries {
		if on := (Target{e.Room, e.Target}); gone(e) {
			delete(m.byKey, e.Key)
			if m.writes[on] = slices.DeleteFunc(m.writes[on], gone); len(m.writes[on]) == 0 {
				delete(m.writes, on)
			}
		}
	}
	m.entries = slices.DeleteFunc(m.entries, gone)
	return pruned, nil
}

// Root is Store's.
func (p *Process) Root(ctx context.Context) (Link, error) {
	m, err := p.enter(ctx, "Root")
	if err != nil {
		return Link{}, said("read the beginning of the chain", err)
	}
	defer m.mu.Unlock()
	return m.root, nil
}

// Links is Store's.
func (p *Process) Links(ctx context.Context, after int64, limit int) ([]Link, error) {
	m, err := p.enter(ctx, "Links")
	if err != nil {
		return nil, said("read the chain", err)
	}
	defer m.mu.Unlock()
	var links []Link
	for _, e := range m.chain {
		if e.Seal > after && len(links) < limit {
			l := e.link
			l.Entry = shown(e)
			links = append(links, l)
		}
	}
	return links, nil
}
