package sqlstore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// An observer looks at another process, whose beats are given, at these times.
func TestWhoIsSilentForTooLongIsDead(t *testing.T) {
	type look struct {
		at    time.Duration
		beats int64
		dead  bool
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for name, looks := range map[string][]look{
		"lives":               {{0, 1, false}, {ms(1000), 2, false}, {ms(2000), 3, false}, {ms(3000), 4, false}, {ms(4000), 5, false}},
		"silent":              {{0, 1, false}, {ms(1000), 1, false}, {ms(2000), 1, false}, {ms(2999), 1, false}, {ms(3000), 1, true}},
		"a last beat":         {{0, 1, false}, {ms(1000), 1, false}, {ms(2000), 1, false}, {ms(2900), 2, false}, {ms(3800), 2, false}, {ms(4800), 2, false}, {ms(5899), 2, false}},
		"beats slowly":        {{0, 1, false}, {ms(1000), 1, false}, {ms(2000), 1, false}, {ms(2900), 2, false}, {ms(3900), 2, false}, {ms(4900), 2, false}, {ms(5800), 3, false}},
		"the observer slept":  {{0, 1, false}, {ms(1000), 1, false}, {ms(9000), 1, false}, {ms(10000), 1, false}, {ms(11000), 1, false}, {ms(12000), 1, true}},
		"and slept once more": {{0, 1, false}, {ms(1000), 1, false}, {ms(2000), 1, false}, {ms(3001), 1, false}, {ms(4001), 1, false}},
	} {
		p := newPulse(usual)
		start := time.Now()
		for _, l := range looks {
			dead := p.observe(map[string]int64{"other": l.beats}, start.Add(l.at), start.Add(l.at))
			_, is := dead["other"]
			assert.Equal(t, l.dead, is, "%s at %v", name, l.at)
		}
	}
}

// An observation counts from when it came back to when the next one was sent.
func TestASlowDatabaseKillsNobody(t *testing.T) {
	p := newPulse(usual)
	start := time.Now()
	for i := range 10 {
		at := start.Add(time.Duration(i) * 500 * time.Millisecond)
		dead := p.observe(map[string]int64{"other": 1}, at, at.Add(400*time.Millisecond))
		assert.Equal(t, i >= 7, len(dead) == 1, i) // the first came back at 0.4 s, so 3 s are over at 3.4 s
	}
}

// Nobody may call NetEase or lead any more when another could find it dead, with a second to spare.
func TestTimesFitTogether(t *testing.T) {
	assert.LessOrEqual(t, 2*usual.beat, usual.ready)
	assert.LessOrEqual(t, usual.ready+time.Second, usual.silent)
	assert.LessOrEqual(t, usual.lead+time.Second, usual.silent)
	assert.Less(t, usual.silent+3*usual.beat, 5*time.Second, "another leads within five seconds")
	assert.Less(t, usual.beat, usual.gap)
}

// kill stops the signs of life of s, and all that would follow.
func kill(t *testing.T, s *Store) {
	t.Helper()
	close(s.pulse.end)
	<-s.pulse.off
	s.pulse.end, s.pulse.off = make(chan struct{}), make(chan struct{})
	close(s.pulse.off) // as Close will find it
}

// With the real beat: the other one leads and has the work within five seconds of the death.
func TestAnotherTakesOver(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		t.Parallel()
		first, second := openAt(t, address), openAt(t, address)
		assert.True(t, first.Leads())
		assert.False(t, second.Leads())
		assert.NoError(t, first.Ready())
		assert.NoError(t, second.Ready())
		e := begun(t, first, "slack:1")
		held, cancel := first.Hold(t.Context(), e.Owner)
		defer cancel()
		taken, err := second.Take(t.Context())
		require.NoError(t, err)
		assert.Empty(t, taken)

		kill(t, first)
		died := time.Now()
		var notReady, gaveUp, leads, took time.Duration
		for took == 0 || leads == 0 {
			since := time.Since(died)
			require.Less(t, since, 10*time.Second)
			if notReady == 0 && first.Ready() != nil {
				notReady = since
			}
			if gaveUp == 0 && !first.Leads() {
				gaveUp = since
			}
			if leads == 0 && second.Leads() {
				leads = since
				assert.NotZero(t, gaveUp, "two lead")
			}
			if took == 0 {
				taken, err := second.Take(t.Context())
				require.NoError(t, err)
				if len(taken) > 0 {
					took = since
					assert.NotZero(t, notReady, "two may call NetEase")
					assert.Equal(t, e.Number, taken[0].Number)
					assert.Equal(t, e.Resume, taken[0].Resume)
				}
			}
			<-time.After(5 * time.Millisecond)
		}
		assert.Less(t, notReady, usual.ready+200*time.Millisecond)
		assert.Less(t, leads, 5*time.Second)
		assert.Less(t, took, 5*time.Second)
		t.Logf("not ready after %v, gave up the lead after %v; the other leads after %v and took over after %v", notReady, gaveUp, leads, took)

		first.live() // it was only frozen
		<-held.Done()
		assert.ErrorIs(t, first.Finish(t.Context(), e.Hand(), muted), journal.ErrNotMine)
		assert.NotEqual(t, e.Owner, first.pulse.name())
		assert.NoError(t, first.Ready())
	})
}

// Work that a process lost under one name and took over again under another is not that of whoever had it before.
func TestWhatWasLostStaysLost(t *testing.T) {
	onEach(t, func(t *testing.T, address string) {
		s, err := open(t.Context(), address, lasting)
		require.NoError(t, err)
		defer s.Close()
		e := begun(t, s, "slack:1")
		held, cancel := s.Hold(t.Context(), e.Owner)
		defer cancel()
		say(t, address, "DELETE FROM replicas")
		s.live()
		<-held.Done()
		taken, err := s.Take(t.Context())
		require.NoError(t, err)
		require.Len(t, taken, 1)
		assert.ErrorIs(t, s.Finish(t.Context(), e.Hand(), muted), journal.ErrNotMine)
		assert.NoError(t, s.Finish(t.Context(), taken[0].Hand(), muted))
	})
}

// A crashed process is dead at once for one that starts alone on its file.
func TestASingleProcessNeedsNotWait(t *testing.T) {
	path := newPath(t)
	first, err := Open(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	e := begun(t, first, "slack:1")
	kill(t, first)
	require.NoError(t, first.db.close()) // as the end of the process does

	second := openAt(t, "sqlite:"+path)
	assert.True(t, second.Leads())
	taken, err := second.Take(t.Context())
	require.NoError(t, err)
	require.Len(t, taken, 1)
	assert.Equal(t, e.Number, taken[0].Number)
	third := openAt(t, "sqlite:"+path)
	taken, err = third.Take(t.Context())
	require.NoError(t, err)
	assert.Empty(t, taken, "the second one lives")
}
