package journal

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
)

// A Memory is a journal without a file: it lasts as long as the program. The zero value is an empty one. Several processes can share it, each
// with a store of its own (Open): so a test kills one and sees what the others do. It has no goroutine and reads no clock.
type Memory struct {
	mu      sync.Mutex
	opened  int        // names given to processes so far
	alive   []*Process // the first one leads
	given   int64      // the highest number so far
	entries []*kept    // in the order of their numbers
	byKey   map[string]*kept
	writes  map[Target][]*kept // in the order of their numbers
	chain   []*kept            // in the order of their seals
	root    Link
}

// A kept is an entry and what the journal knows of it besides.
type kept struct {
	Entry
	more bool // another Finish will follow
	link Link // its place in the chain; without the entry, whose Deliveries count on
}

// A Process is a Store: a Memory as one process has it.
type Process struct {
	// Fail, when set, is called before every method that can return an error, with the method's name; not before Close. When it returns an
	// error the method does nothing and returns that. It may wait, for ctx or for something else. It is set before the process is used.
	Fail func(ctx context.Context, method string) error

	memory *Memory
	name   string // of the owner; empty once the process is closed or killed
	holds  map[*context.CancelCauseFunc]struct{}
}

var (
	_ Store = (*Process)(nil)

	errClosed = errors.New("the journal is closed")
	errSilent = errors.New("it has been silent for too long")
	errGiven  = errors.New("more is to come, so the answer that was given is not the last")
)

// Open starts one more process.
func (m *Memory) Open() *Process {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &Process{memory: m, holds: make(map[*context.CancelCauseFunc]struct{})}
	m.start(p)
	return p
}

func (m *Memory) start(p *Process) {
	m.opened++
	p.name = "memory-" + strconv.Itoa(m.opened)
	m.alive = append(m.alive, p)
}

// bury makes p dead for the others: what it has in hand is free.
func (m *Memory) bury(p *Process) {
	m.alive = slices.DeleteFunc(m.alive, func(other *Process) bool { return other == p })
}

// stop makes p dead for itself too.
func (m *Memory) stop(p *Process) {
	m.bury(p)
	p.name = ""
	for end := range p.holds {
		(*end)(ErrNotMine)
	}
	clear(p.holds)
}

// Close is Store's.
func (p *Process) Close() error {
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	p.memory.stop(p)
	return nil
}

// Kill ends the process on the spot. For the others it is dead at once; its own methods return errors.
func (p *Process) Kill() { p.Close() }

// Silence is what happens to a process that freezes, or whose signs of life do not get through: for the others it is dead at once. It is
// not Ready and does not lead, but its other methods work until Wake; they know nothing of it.
func (p *Process) Silence() {
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	p.memory.bury(p)
}

// Wake lets a silent process live on: it notices that it was found dead, so its Holds end, and it goes on under a new name.
func (p *Process) Wake() {
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	if p.name != "" && !slices.Contains(p.memory.alive, p) {
		p.memory.stop(p)
		p.memory.start(p)
	}
}

// Take is Store's.
func (p *Process) Take(ctx context.Context) ([]Entry, error) {
	m, err := p.enter(ctx, "Take")
	if err != nil {
		return nil, said("take over journal entries", err)
	}
	defer m.mu.Unlock()
	alive := make(map[string]bool)
	for _, p := range m.alive {
		alive[p.name] = true
	}
	var taken []Entry
	for _, e := range m.entries {
		if len(taken) < 100 && e.Open && !alive[e.Owner] {
			e.Owner, e.Attempts = p.name, e.Attempts+1
			taken = append(taken, copied(e.Entry))
		}
	}
	return taken, nil
}

// Hold is Store's. Its contexts end before Kill, Wake and Close return.
func (p *Process) Hold(ctx context.Context, owner string) (context.Context, context.CancelFunc) {
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	ctx, end := context.WithCancelCause(ctx)
	if owner == "" || owner != p.name {
		end(ErrNotMine)
		return ctx, func() {}
	}
	p.holds[&end] = struct{}{}
	return ctx, func() {
		end(context.Canceled)
		p.memory.mu.Lock()
		defer p.memory.mu.Unlock()
		delete(p.holds, &end)
	}
}

// Ready is Store's.
func (p *Process) Ready() error {
	m, err := p.enter(context.Background(), "Ready")
	if err != nil {
		return said("show that this process lives", err)
	}
	defer m.mu.Unlock()
	if !slices.Contains(m.alive, p) {
		return said("show that this process lives", errSilent)
	}
	return nil
}

// Leads is Store's: the process that has been alive for longest leads.
func (p *Process) Leads() bool {
	p.memory.mu.Lock()
	defer p.memory.mu.Unlock()
	return len(p.memory.alive) > 0 && p.memory.alive[0] == p
}

// Check is Store's.
func (p *Process) Check(ctx context.Context) error {
	m, err := p.enter(ctx, "Check")
	if err != nil {
		return said("write to the journal", err)
	}
	m.mu.Unlock()
	return nil
}

// enter locks the memory, unless the method has to return an error.
func (p *Process) enter(ctx context.Context, method string) (*Memory, error) {
	if p.Fail != nil {
		if err := p.Fail(ctx, method); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.memory.mu.Lock()
	if p.name == "" {
		p.memory.mu.Unlock()
		return nil, errClosed
	}
	return p.memory, nil
}
