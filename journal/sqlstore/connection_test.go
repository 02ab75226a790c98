package sqlstore

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// A wire stands between a store and the server, and breaks in many ways.
type wire struct {
	server string
	mu     sync.Mutex
	cond   *sync.Cond
	conns  []net.Conn // of the clients
	gone   bool       // nobody gets through
	deaf   bool       // what the server says gets lost
	slow   bool       // what a client says is kept, even when it is gone, until that is over
}

// newWire returns an address that leads through the wire, and the one that does not.
func newWire(t *testing.T) (w *wire, through, direct string) {
	t.Helper()
	direct = newPostgres(t)
	u, err := url.Parse(direct)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w = &wire{server: u.Host}
	w.cond = sync.NewCond(&w.mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.set(func() { w.slow = false })
		w.cut()
		wg.Wait()
	})
	u.Host = listener.Addr().String()
	return w, u.String(), direct
}

func (w *wire) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.cond.Broadcast()
}

// cut ends all connections as the clients see it.
func (w *wire) cut() {
	w.set(func() {
		for _, c := range w.conns {
			c.Close()
		}
		w.conns = nil
	})
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	w.mu.Lock()
	gone := w.gone
	w.conns = append(w.conns, client)
	w.mu.Unlock()
	if gone {
		return
	}
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer client.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			w.mu.Lock()
			deaf := w.deaf
			w.mu.Unlock()
			if !deaf {
				client.Write(buffer[:n])
			}
		}
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		w.mu.Lock()
		for w.slow {
			w.cond.Wait()
		}
		w.mu.Unlock()
		server.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	server.(*net.TCPConn).CloseWrite() // the server carries out what it has got, and then ends
	wg.Wait()
	io.Copy(io.Discard, server)
	server.Close()
}

// beginAsync begins an entry in the background.
func beginAsync(t *testing.T, s *Store, key string) (result func() (journal.Begun, error)) {
	var b journal.Begun
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { b, err = s.Begin(t.Context(), mute(key)) })
	return func() (journal.Begun, error) { wg.Wait(); return b, err }
}

// The commit has worked, and the answer got lost: the store finds its own entry.
func TestAnAnswerThatGetsLost(t *testing.T) {
	w, through, direct := newWire(t)
	s, other := openQuiet(t, through), openQuiet(t, direct)
	begun(t, s, "slack:1")
	w.set(func() { w.deaf = true })
	result := beginAsync(t, s, "slack:2")
	await(t, func() bool { return len(listed(t, other)) == 2 })
	w.set(func() { w.deaf = false })
	w.cut()
	b, err := result()
	require.NoError(t, err)
	assert.True(t, b.Fresh)
	assert.Equal(t, 1, b.Deliveries)
	assert.Equal(t, "slack:1", b.Before.Key)
	assert.Equal(t, mute("slack:2").Resume, b.Resume)
	assert.Len(t, listed(t, other), 2)
	assert.Empty(t, s.orphan.all)

	// Of a Finish its caller finds out.
	closed(t, s, "slack:3") // so that all statements are prepared on the new connection
	w.set(func() { w.deaf = true })
	finished := make(chan error, 1)
	go func() { finished <- s.Finish(t.Context(), b.Hand(), muted) }()
	await(t, func() bool { return listed(t, other)[1].Outcome == journal.Done })
	w.set(func() { w.deaf = false })
	w.cut()
	assert.ErrorContains(t, <-finished, "the connection to the database was lost")
	assert.ErrorIs(t, s.Finish(t.Context(), b.Hand(), muted), journal.ErrNotRunning, "it had worked")
}

// Nobody runs what Begin has given up, though it was written.
func TestWhatIsGivenUpIsRefused(t *testing.T) {
	t.Parallel()
	w, through, direct := newWire(t)
	s, other := openQuiet(t, through), openQuiet(t, direct)
	begun(t, s, "slack:1")
	w.set(func() { w.deaf = true })
	result := beginAsync(t, s, "slack:2")
	await(t, func() bool { return len(listed(t, other)) == 2 })
	w.set(func() { w.deaf, w.gone = false, true })
	w.cut()
	start := time.Now()
	_, err := result()
	assert.Less(t, time.Since(start), 2*callTimeout)
	assert.ErrorContains(t, err, "the database cannot be reached")
	assert.NotContains(t, err.Error(), "127.0.0.1")
	assert.Error(t, s.Check(t.Context()))

	w.set(func() { w.gone = false })
	s.settleSome()
	b, err := other.Begin(t.Context(), mute("slack:2"))
	require.NoError(t, err)
	assert.False(t, b.Fresh)
	assert.Equal(t, journal.Refused, b.Outcome)
	assert.False(t, b.Open)
	assert.NotEmpty(t, b.Text)
	assert.Empty(t, s.orphan.all)
	assert.Equal(t, journal.Running, listed(t, other)[1].Outcome, "the others go on")
}

// A message that arrives after the store has given up, and looked, begins nothing.
func TestWhatArrivesTooLateIsHeldOff(t *testing.T) {
	t.Parallel()
	w, through, direct := newWire(t)
	s, other := openQuiet(t, through), openQuiet(t, direct)
	begun(t, s, "slack:1")
	before := s.db.(*postgresDB).epoch.Load()
	w.set(func() { w.slow = true })
	_, err := s.Begin(t.Context(), mute("slack:2"))
	assert.Error(t, err)
	require.Len(t, s.orphan.all, 1)

	// The store settles it on a way that is not slow; then the old message comes through.
	settling := openWith(t, s, direct)
	require.NoError(t, settling.settle(t.Context()))
	assert.Greater(t, settling.db.(*postgresDB).epoch.Load(), before)
	w.set(func() { w.slow = false })
	w.cut()
	await(t, func() bool { return s.Check(t.Context()) == nil })
	assert.Len(t, listed(t, other), 1)
	b, err := other.Begin(t.Context(), mute("slack:2"))
	require.NoError(t, err)
	assert.True(t, b.Fresh, "it was never begun")
}

// openWith is a store on another way to the database that has the name, the epoch and the orphans of s.
func openWith(t *testing.T, s *Store, address string) *Store {
	t.Helper()
	other := openQuiet(t, address)
	other.orphan.all = s.orphan.all
	other.db.(*postgresDB).epoch.Store(s.db.(*postgresDB).epoch.Load())
	return other
}

// While connections break all the time, every key is fresh once at most, and what was said holds.
func TestConnectionsThatBreak(t *testing.T) {
	w, through, direct := newWire(t)
	s, other := openQuiet(t, through), openQuiet(t, direct)
	stop := make(chan struct{})
	var breaking, calling sync.WaitGroup
	breaking.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			w.set(func() { w.deaf = i%3 == 0 })
			w.cut()
			w.set(func() { w.deaf = false })
		}
	})
	type said struct {
		number int64
		fresh  int
		failed bool
	}
	var mu sync.Mutex
	all := make(map[string]*said)
	for caller := range 8 {
		calling.Go(func() {
			for i := range 200 {
				key := fmt.Sprintf("slack:%d/%d", caller/2, i) // each by two
				e := mute(key)
				e.RequestID += fmt.Sprint(" of ", caller)
				b, err := s.Begin(t.Context(), e)
				mu.Lock()
				if all[key] == nil {
					all[key] = &said{}
				}
				if err != nil {
					all[key].failed = true
				} else {
					all[key].number = b.Number
				}
				if b.Fresh {
					all[key].fresh++
				}
				mu.Unlock()
			}
		})
	}
	calling.Wait()
	close(stop)
	breaking.Wait()
	await(t, func() bool { s.settleSome(); return len(s.orphan.all) == 0 })
	there := make(map[string]journal.Entry)
	for _, e := range listed(t, other) {
		there[e.Key] = e
	}
	fresh := 0
	for key, said := range all {
		fresh += said.fresh
		assert.LessOrEqual(t, said.fresh, 1, key)
		if !said.failed {
			assert.Equal(t, 1, said.fresh, key)
		}
		if said.number != 0 {
			assert.Equal(t, said.number, there[key].Number, key)
		}
		if e, ok := there[key]; ok && said.fresh == 0 {
			assert.Equal(t, journal.Refused, e.Outcome, "%s: nobody runs it", key)
		}
	}
	assert.Greater(t, fresh, len(all)/2)
	t.Logf("%d keys, %d begun", len(all), fresh)
}

// A database that goes and comes back: errors while it is gone, and all works after.
func TestADatabaseThatComesBack(t *testing.T) {
	w, through, _ := newWire(t)
	s, err := open(t.Context(), through, timing{beat: 20 * time.Millisecond, ready: 200 * time.Millisecond, lead: 400 * time.Millisecond, gap: time.Hour, silent: time.Hour})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	e := begun(t, s, "slack:1")
	w.set(func() { w.gone = true })
	w.cut()
	await(t, func() bool { return s.Ready() != nil && !s.Leads() })
	_, err = s.List(t.Context(), journal.Query{})
	assert.ErrorContains(t, err, "the database cannot be reached")
	_, err = s.Take(t.Context())
	assert.Error(t, err)
	w.set(func() { w.gone = false })
	await(t, func() bool { return s.Ready() == nil && s.Leads() })
	await(t, func() bool {
		err := s.Finish(t.Context(), e.Hand(), muted)
		return err == nil || errors.Is(err, journal.ErrNotRunning)
	})
	begun(t, s, "slack:2")
}

// Of two transactions that wait for each other PostgreSQL ends one; it begins anew, and both happen.
func TestADeadlockIsTriedAgain(t *testing.T) {
	s := openQuiet(t, newPostgres(t))
	entries := []journal.Entry{begun(t, s, "slack:1"), begun(t, s, "slack:2")}
	var locked, all sync.WaitGroup // each has locked its first entry
	locked.Add(2)
	for first := range entries {
		all.Go(func() {
			tries := 0
			assert.NoError(t, s.db.transact(t.Context(), func(tx transaction) error {
				tries++
				for i := range entries {
					e := entries[(first+i)%2]
					if _, err := tx.exec(`UPDATE entries SET deliveries = deliveries + 1 WHERE number = ?`, e.Number); err != nil {
						return err
					}
					if i == 0 && tries == 1 {
						locked.Done()
						locked.Wait()
					}
				}
				return nil
			}))
		})
	}
	all.Wait()
	for _, e := range listed(t, s) {
		assert.Equal(t, 3, e.Deliveries)
	}
}
