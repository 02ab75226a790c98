package sqlstore

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLimiterSpacesTheCallsOfAllProcesses(t *testing.T) {
	address := newPostgres(t)
	limiters := []*Limiter{limiterOf(t, openAt(t, address)), limiterOf(t, openAt(t, address))}
	const perSecond, places = 20.0, 25
	var mu sync.Mutex
	var at []time.Duration // when each place is, after the beginning
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range places {
		wg.Go(func() {
			wait, ok, err := limiters[i%2].Take(t.Context(), "mute", perSecond, time.Minute)
			assert.NoError(t, err)
			assert.True(t, ok)
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(begin)+wait)
		})
	}
	wg.Wait()
	// After the burst of 5 there are 20 in a second.
	assert.GreaterOrEqual(t, slices.Max(at), (places-usualBurst)*time.Second/perSecond)

	wait, ok, err := limiters[0].Take(t.Context(), "mute", perSecond, 10*time.Millisecond)
	require.NoError(t, err)
	assert.False(t, ok, "it would be longer")
	assert.Greater(t, wait, 10*time.Millisecond)
	wait, ok, err = limiters[0].Take(t.Context(), "mute", perSecond, time.Minute)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.LessOrEqual(t, wait, (places-usualBurst+1)*time.Second/perSecond, "what was not taken is not counted")

	wait, ok, err = limiters[1].Take(t.Context(), "unmute", perSecond, 0)
	require.NoError(t, err)
	assert.True(t, ok, "each name by itself")
	assert.Zero(t, wait)
}

func TestLimiterRestsForAll(t *testing.T) {
	address := newPostgres(t)
	one, other := limiterOf(t, openAt(t, address)), limiterOf(t, openAt(t, address))
	require.NoError(t, one.Rest(t.Context(), "mute", 10*time.Second))
	require.NoError(t, other.Rest(t.Context(), "mute", time.Second), "shorter")
	for _, l := range []*Limiter{one, other} {
		wait, ok, err := l.Take(t.Context(), "mute", 20, 5*time.Second)
		require.NoError(t, err)
		assert.False(t, ok)
		assert.Greater(t, wait, 9*time.Second)
		wait, ok, err = l.Take(t.Context(), "mute", 20, time.Minute)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Greater(t, wait, 9*time.Second)
		_, _, err = l.Take(t.Context(), "mute", 0, time.Minute)
		assert.ErrorContains(t, err, "rate")
	}
}

// On SQLite a rest outlives the process.
func TestARestOutlivesTheProcess(t *testing.T) {
	address := "sqlite:" + newPath(t)
	s, err := Open(t.Context(), address)
	require.NoError(t, err)
	l := limiterOf(t, s)
	wait, ok, err := l.Take(t.Context(), "mute", 20, 0)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Zero(t, wait)
	require.NoError(t, l.Rest(t.Context(), "mute", 10*time.Second))
	require.NoError(t, l.Rest(t.Context(), "mute", time.Second), "shorter")
	require.NoError(t, s.Close())

	for _, l := range []*Limiter{l, limiterOf(t, openAt(t, address))} {
		wait, ok, err := l.Take(t.Context(), "mute", 20, 50*time.Millisecond)
		require.NoError(t, err)
		assert.False(t, ok)
		assert.Greater(t, wait, 9*time.Second)
		_, ok, err = l.Take(t.Context(), "unmute", 20, 0)
		require.NoError(t, err)
		assert.True(t, ok, "each name by itself")
	}
}

func limiterOf(t *testing.T, s *Store) *Limiter {
	t.Helper()
	l, err := s.Limiter(t.Context())
	require.NoError(t, err)
	return l
}
