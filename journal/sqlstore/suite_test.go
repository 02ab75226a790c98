package sqlstore

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
	"roomwarden/journal/journaltest"
)

// databases are the kinds of journals that most tests run on. address makes a new, empty one.
var databases = []struct {
	name    string
	address func(t testing.TB) string
}{
	{"sqlite", func(t testing.TB) string { return "sqlite:" + newPath(t) }},
	{"postgres", newPostgres},
}

// onEach runs a test on a new journal of each kind.
func onEach(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) { test(t, d.address(t)) })
	}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

// newPostgres is a schema of its own in the database that TEST_DATABASE_URL names.
func newPostgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		t.Skip("skipped: set TEST_DATABASE_URL")
	}
	schema := "test_" + strings.ToLower(rand.Text())
	say(t, server, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { say(t, server, "DROP SCHEMA "+schema+" CASCADE") })
	return with(t, server, "search_path", schema)
}

// with is an address with one more parameter.
func with(t testing.TB, address, name, value string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// say says something to the database of an address, on a connection of its own.
func say(t testing.TB, address, query string, args ...any) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		db, err := connect(path, writing, 1)
		require.NoError(t, err)
		defer db.Close()
		_, err = db.ExecContext(ctx, query, args...)
		require.NoError(t, err)
		return
	}
	conn, err := pgx.Connect(ctx, address)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, numbered(query), args...)
	require.NoError(t, err)
}

func openAt(t testing.TB, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func openReadOnlyAt(t testing.TB, address string) *Store {
	t.Helper()
	s, err := OpenReadOnly(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// mute is a request of Zhang San's.
func mute(key string) journal.Entry {
	return journal.Entry{Key: key, RequestID: "request of " + key, At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Platform: "slack", Person: "T0123/U0456", Name: "Zhang San",
		Line: "mute 123 lisi 300s", Effect: "mute room=123 target=lisi duration=300s", Command: "mute", Room: 123, Target: "lisi", Write: true,
		Resume: []byte("{}"), ReplyTo: "https://hooks.example/secret", ReplyBy: time.Date(2026, 11, 21, 12, 30, 0, 0, time.UTC)}
}

// muted is how it ends.
var muted = journal.Result{Outcome: journal.Done, Moderator: "Zhang San", Code: 200, Answer: []byte("{}"), Text: "lisi is muted.", Duration: 50 * time.Millisecond}

func begun(t testing.TB, s *Store, key string) journal.Entry {
	t.Helper()
	b, err := s.Begin(t.Context(), mute(key))
	require.NoError(t, err)
	require.True(t, b.Fresh)
	return b.Entry
}

// closed begins and ends an entry.
func closed(t testing.TB, s *Store, key string) journal.Entry {
	t.Helper()
	e := begun(t, s, key)
	require.NoError(t, s.Finish(t.Context(), e.Hand(), muted))
	require.NoError(t, s.Answered(t.Context(), e.Hand(), journal.Delivered))
	e, err := s.Get(t.Context(), e.Number)
	require.NoError(t, err)
	return e
}

func listed(t testing.TB, s *Store) []journal.Entry {
	t.Helper()
	entries, err := s.List(t.Context(), journal.Query{Limit: 1_000_000})
	require.NoError(t, err)
	return entries
}

// shown is an entry as Get and List return it.
func shown(e journal.Entry) journal.Entry {
	e.Resume, e.ReplyTo = nil, ""
	return e
}

func TestSuite(t *testing.T) {
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			d.address(t) // skips all
			journaltest.Suite(t, func(t testing.TB) journaltest.Journal { return &testJournal{address: d.address(t)} })
		})
	}
}

// A testJournal is a journal whose processes beat faster than usual, and can be silenced.
type testJournal struct{ address string }

// A process is a store whose signs of life the test gives.
type process struct {
	*Store
	mu     sync.Mutex // held while it is silent
	silent bool
	stop   func()
}

// lasting is a timing in which nothing happens by itself.
var lasting = timing{beat: time.Hour, ready: time.Hour, lead: time.Hour, gap: time.Hour, silent: time.Hour}

func (j *testJournal) Open(t testing.TB) journal.Store {
	s, err := open(t.Context(), j.address, lasting)
	require.NoError(t, err)
	p := &process{Store: s}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				p.mu.Lock()
				if !p.silent {
					p.live()
				}
				p.mu.Unlock()
			}
		}
	}()
	p.stop = sync.OnceFunc(func() { close(end); <-ended })
	return p
}

func (p *process) Close() error {
	p.stop()
	return p.Store.Close()
}

func (j *testJournal) Silence(t testing.TB, s journal.Store) {
	p := s.(*process)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
	p.pulse.mu.Lock()
	p.pulse.last = time.Time{}
	owner := p.pulse.owner
	p.pulse.mu.Unlock()
	say(t, j.address, "DELETE FROM replicas WHERE owner = ?", owner) // as another would do after a while
}

func (j *testJournal) Wake(t testing.TB, s journal.Store) {
	p := s.(*process)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = false
	p.live()
}
