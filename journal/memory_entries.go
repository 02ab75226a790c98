package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Begin is Store's.
func (p *Process) Begin(ctx context.Context, e Entry) (Begun, error) {
	m, err := p.enter(ctx, "Begin")
	if err != nil {
		return Begun{}, said("begin a journal entry", err)
	}
	defer m.mu.Unlock()
	if e.Key == "" {
		return Begun{}, said("begin a journal entry", errors.New("it has no key"))
	}
	if known := m.byKey[e.Key]; known != nil {
		known.Deliveries++
		if known.Owner != p.name {
			return Begun{Entry: shown(known)}, nil
		}
		return Begun{Entry: copied(known.Entry)}, nil
	}
	m.given++
	e = copied(e)
	e.Number, e.At, e.ReplyBy = m.given, cut(e.At), cut(e.ReplyBy)
	e.Outcome, e.Delivery, e.Open, e.Deliveries, e.Owner, e.Attempts = Running, Pending, true, 1, p.name, 1
	e.Moderator, e.Code, e.Answer, e.Text, e.Until, e.Duration, e.Seal = "", 0, nil, "", time.Time{}, 0, 0
	begun := Begun{Entry: copied(e), Fresh: true, Before: m.before(e)}
	m.add(&kept{Entry: e})
	return begun, nil
}

// before is Begun.Before for a new entry.
func (m *Memory) before(e Entry) *Entry {
	if !e.Write {
		return nil
	}
	for _, earlier := range slices.Backward(m.writes[Target{e.Room, e.Target}]) {
		if earlier.Outcome != Refused && earlier.Outcome != Failed {
			before := shown(earlier)
			return &before
		}
	}
	return nil
}

func (m *Memory) add(e *kept) {
	if m.byKey == nil {
		m.byKey, m.writes = make(map[string]*kept), make(map[Target][]*kept)
	}
	m.entries, m.byKey[e.Key] = append(m.entries, e), e
	if on := (Target{e.Room, e.Target}); e.Write {
		m.writes[on] = append(m.writes[on], e)
	}
}

// Finish is Store's.
func (p *Process) Finish(ctx context.Context, h Hand, r Result) error {
	doing := fmt.Sprintf("finish journal entry %d", h.Number)
	m, err := p.enter(ctx, "Finish")
	if err != nil {
		return said(doing, err)
	}
	defer m.mu.Unlock()
	e := m.find(h.Number)
	switch {
	case r.Outcome == "" || r.Outcome == Running:
		return said(doing, fmt.Errorf("%q is not an end", r.Outcome))
	case r.More && r.Outcome != Unknown && r.Outcome != Done:
		return said(doing, fmt.Errorf("no more can come after %q", r.Outcome))
	case r.More && r.Given:
		return said(doing, errGiven)
	case e == nil:
		return said(doing, ErrNotRunning)
	case e.Owner != h.Owner:
		return said(doing, ErrNotMine)
	case e.Outcome != Running && !e.more:
		return said(doing, ErrNotRunning)
	}
	e.Outcome, e.Moderator, e.Code, e.Answer, e.Text = r.Outcome, r.Moderator, r.Code, bytes.Clone(r.Answer), r.Text
	e.Until, e.Duration = cut(r.Until), r.Duration.Truncate(time.Microsecond)
	e.Delivery, e.more = Pending, r.More
	if r.Given {
		e.close(Delivered)
	}
	return nil
}

// close notes what became of the last answer.
func (e *kept) close(d Delivery) {
	e.Delivery, e.Open, e.Resume, e.ReplyTo, e.ReplyBy = d, false, nil, "", time.Time{}
}

// Answered is Store's.
func (p *Process) Answered(ctx context.Context, h Hand, d Delivery) error {
	doing := fmt.Sprintf("write what became of the answer of journal entry %d", h.Number)
	m, err := p.enter(ctx, "Answered")
	if err != nil {
		return said(doing, err)
	}
	defer m.mu.Unlock()
	e := m.find(h.Number)
	switch {
	case d != Delivered && d != Undelivered:
		return said(doing, fmt.Errorf("%q is no end of an answer", d))
	case e == nil:
		return said(doing, ErrNotRunning)
	case e.Owner != h.Owner:
		return said(doing, ErrNotMine)
	case e.Outcome == Running || !e.Open:
		return said(doing, ErrNotRunning)
	}
	e.Delivery = d
	if !e.more {
		e.close(d)
	}
	return nil
}

// Get is Store's.
func (p *Process) Get(ctx context.Context, number int64) (Entry, error) {
	doing := fmt.Sprintf("read journal entry %d", number)
	m, err := p.enter(ctx, "Get")
	if err != nil {
		return Entry{}, said(doing, err)
	}
	defer m.mu.Unlock()
	if e := m.find(number); e != nil {
		return shown(e), nil
	}
	return Entry{}, said(doing, ErrNotFound)
}

// List is Store's.
func (p *Process) List(ctx context.Context, q Query) ([]Entry, error) {
	m, err := p.enter(ctx, "List")
	if err != nil {
		return nil, said("list journal entries", err)
	}
	defer m.mu.Unlock()
	var list []Entry
	for _, e := range slices.Backward(m.entries) {
		if len(list) == cmp.Or(q.Limit, 100) {
			break
		}
		if q.selects(e.Entry) {
			list = append(list, shown(e))
		}
	}
	return list, nil
}

func (q Query) selects(e Entry) bool {
	by := strings.ToLower(q.By)
	text := asciiLower(q.Text)
	return (q.Room == 0 || e.Room == q.Room) &&
		(q.Rooms == nil || slices.Contains(q.Rooms, e.Room)) &&
		(q.Target == "" || e.Target == q.Target) &&
		(q.On == nil || e.Write && *q.On == Target{e.Room, e.Target}) &&
		(q.By == "" || e.Person == q.By || strings.ToLower(e.Name) == by || strings.ToLower(e.Moderator) == by) &&
		(len(q.Commands) == 0 || slices.Contains(q.Commands, e.Command)) &&
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, e.Outcome)) &&
		(q.Since.IsZero() || !e.At.Before(cut(q.Since))) &&
		(q.Lasting.IsZero() || e.Until.After(cut(q.Lasting))) &&
		(q.Text == "" || slices.ContainsFunc([]string{e.Line, e.Reason, e.Text}, func(s string) bool { return strings.Contains(asciiLower(s), text) })) &&
		e.Number > q.After && (q.Before == 0 || e.Number < q.Before)
}

func asciiLower(s string) string {
	lower := []byte(s)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// find returns the entry of that number, or nil.
func (m *Memory) find(number int64) *kept {
	i, found := slices.BinarySearchFunc(m.entries, number, func(e *kept, number int64) int { return cmp.Compare(e.Number, number) })
	if !found {
		return nil
	}
	return m.entries[i]
}

// shown is the entry as everybody may see it.
func shown(k *kept) Entry {
	e := copied(k.Entry)
	e.Resume, e.ReplyTo = nil, ""
	return e
}

// copied is e with bytes of its own.
func copied(e Entry) Entry {
	e.Resume, e.Answer = bytes.Clone(e.Resume), bytes.Clone(e.Answer)
	return e
}

// cut is t as the journal keeps it.
func cut(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

func said(doing string, err error) error { return fmt.Errorf("%s: %w", doing, err) }
