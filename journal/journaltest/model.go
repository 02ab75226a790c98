package journaltest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"roomwarden/journal"
)

// A model is a journal as plainly as it can be said, beside the store that has to agree with it.
type model struct {
	t         *testing.T
	journal   Journal
	processes []*process
	names     map[string]bool // of owners, ever
	entries   []*modelled     // in the order of their numbers
	seals     int64
	pruned    int64 // seals
	highest   int64 // number ever
	keys      int   // given ever
}

// A process is one that is open or was; the model knows it by its owner's name, once that has shown.
type process struct {
	store journal.Store
	name  string // empty until it has begun or taken something
	alive bool
}

type modelled struct {
	journal.Entry          // as its owner sees it
	owner         *process // nil: a process that was found dead and lives on under another name
	more          bool
}

// anyCalls runs random calls of several processes and compares each answer with the model's, for two seconds or a hundred times.
func anyCalls(t *testing.T, new func(t testing.TB) Journal) {
	start, failed := time.Now(), false
	rapid.Check(t, func(rt *rapid.T) {
		if !failed && time.Since(start) > 2*time.Second {
			return // enough; what has failed is made small without regard to time
		}
		defer func() { failed = failed || rt.Failed() }()
		m := &model{t: t, journal: new(t), names: make(map[string]bool)}
		defer m.close()
		m.open(rt)
		m.open(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"begin": m.begin, "begin a known key": m.beginAgain, "finish": m.finish, "answered": m.answered, "": m.compare,
			"take": m.take, "seal": m.seal, "tidy": m.tidy, "list": m.list, "links": m.links,
			"open": m.open, "close": m.closeOne, "kill": m.kill, "lapse": m.lapse,
		})
		m.seal(rt)
		m.links(rt)
	})
}

func (m *model) close() {
	for _, p := range m.processes {
		assert.NoError(m.t, p.store.Close())
	}
}

func (m *model) open(rt *rapid.T) {
	if len(m.living()) < 4 {
		m.processes = append(m.processes, &process{store: m.journal.Open(m.t), alive: true})
	}
}

func (m *model) living() (living []*process) {
	for _, p := range m.processes {
		if p.alive {
			living = append(living, p)
		}
	}
	return living
}

func (m *model) anyone(rt *rapid.T) *process {
	return rapid.SampledFrom(m.living()).Draw(rt, "process")
}

// someone draws a process to end e: most often the one that has it in hand.
func (m *model) someone(rt *rapid.T, e *modelled) *process {
	if e.owner != nil && e.owner.alive && rapid.IntRange(0, 4).Draw(rt, "another?") > 0 {
		return e.owner
	}
	return m.anyone(rt)
}

// end makes one dead, unless it is the last one.
func (m *model) end(rt *rapid.T, how func(p *process)) {
	if len(m.living()) < 2 {
		rt.Skip("the last one")
	}
	p := m.anyone(rt)
	p.alive = false
	how(p)
}

func (m *model) closeOne(rt *rapid.T) {
	m.end(rt, func(p *process) { require.NoError(rt, p.store.Close()) })
}

func (m *model) kill(rt *rapid.T) {
	m.end(rt, func(p *process) { m.journal.Silence(m.t, p.store) })
}

// lapse makes a process fall silent until another one has taken over what it had in hand; then it lives on.
func (m *model) lapse(rt *rapid.T) {
	m.end(rt, func(p *process) {
		m.journal.Silence(m.t, p.store)
		m.take(rt)
		if !slices.ContainsFunc(m.entries, func(e *modelled) bool { return e.Open && e.owner == p }) { // not even more than Take takes at once
			m.journal.Wake(m.t, p.store)
			eventually(m.t, func() bool { return p.store.Ready() == nil }, "ready again")
			for _, e := range m.entries {
				if e.owner == p {
					e.owner = nil
				}
			}
			m.processes = append(m.processes, &process{store: p.store, alive: true})
		}
	})
}

// named notes the name that p goes by: always the same one, and nobody else's.
func (m *model) named(rt *rapid.T, p *process, name string) {
	if p.name == "" {
		require.False(rt, m.names[name], "the name %q was another's", name)
		p.name, m.names[name] = name, true
	}
	require.Equal(rt, p.name, name)
}
