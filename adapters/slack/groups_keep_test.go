package slack

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
)

// many makes the named groups n groups of T0123, all with Zhang San, and returns their ids.
func many(g *Groups, s *userGroups, n int) (ids []string) {
	var pairs []string
	for i := range n {
		id := fmt.Sprintf("S%04d", i)
		ids, pairs = append(ids, id), append(pairs, "T0123/"+id)
		s.groups["T0123/"+id] = []string{"U0456"}
	}
	g.Named = func() []string { return pairs }
	return ids
}

// keep runs Keep until the returned function is called.
func keep(t *testing.T, g *Groups) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); g.Keep(ctx) }()
	return func() { cancel(); <-ended }
}

// As many groups as are promised are always known, though one more always fails, at a pace that Slack allows.
func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, log := newGroups(t)
		ids := many(g, s, MostGroups-1)
		named := append(g.Named(), "T0999/S0404")
		g.Named = func() []string { return named }
		for _, id := range ids {
			s.takes["T0123/"+id] = 300 * time.Millisecond
		}
		stop := keep(t, g)
		time.Sleep(keepFresh - time.Second)
		assert.Len(t, s.asked(), MostGroups, "each once")
		for range 120 {
			time.Sleep(8 * keepPace) // a second before the next call
			assert.LessOrEqual(t, len(s.asked()), 8)
			began := time.Now()
			assert.Equal(t, ids, of(t.Context(), g, "T0123", "U0456"))
			assert.Zero(t, time.Since(began), "nothing to wait for")
			assert.Empty(t, s.asked(), "nothing to ask")
		}
		stop()
		time.Sleep(time.Minute)
		assert.Empty(t, s.asked())
		assert.Equal(t, `level=WARN msg="slack: user group not fetched, so it lets nobody in, at the latest in 5 minutes" group=T0999/S0404 `+
			`error="usergroups.users.list: no_such_subteam"`+"\n", log.String())
	})
}

func TestKeepEndsInTheMiddleOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		s.becomes(silent)
		stop := keep(t, g)
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		assert.Zero(t, time.Since(began))
		time.Sleep(callTime) // the call has its own end
	})
}

func TestKeepFollowsThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		var lock sync.Mutex
		var named []string
		g.Named = func() []string {
			lock.Lock()
			defer lock.Unlock()
			return named
		}
		stop := keep(t, g)
		time.Sleep(time.Minute + time.Second)
		assert.Empty(t, s.asked())
		lock.Lock()
		named = []string{"T0123/S0790"}
		lock.Unlock()
		time.Sleep(keepPace)
		assert.Equal(t, []string{"T0123/S0790"}, s.asked())
		stop()
	})
}

// A failed refresh takes nothing from anybody before the members are too old.
func TestKeepFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		g.Named = func() []string { return []string{"T0123/S0789"} }
		stop := keep(t, g)
		began := time.Now()
		time.Sleep(time.Second)
		assert.Equal(t, []string{"T0123/S0789"}, s.asked())
		s.becomes(hangsUp)
		for _, step := range []struct {
			at      time.Duration
			want    []string
			trouble string
		}{
			{keepFresh - time.Second, []string{"S0789"}, ""},
			{keepFresh + time.Second, []string{"S0789"}, "Slack user groups that cannot be read: T0123/S0789 (no answer)"},
			{groupsKept - 1, []string{"S0789"}, "Slack user groups that cannot be read: T0123/S0789 (no answer)"},
			{groupsKept, []string{"?"}, "Slack user groups that cannot be read: T0123/S0789 (no answer)"},
		} {
			time.Sleep(time.Until(began.Add(step.at)))
			assert.Equal(t, step.want, of(t.Context(), g, "T0123", "U0456"), step.at)
			assert.Equal(t, step.trouble, g.Trouble(), step.at)
		}
		s.becomes(nil)
		time.Sleep(groupsRetry + keepPace)
		assert.Equal(t, []string{"S0789"}, of(t.Context(), g, "T0123", "U0456"))
		assert.Empty(t, g.Trouble())
		stop()
	})
}

// When Slack has had enough, it is asked about no group, by nobody, for as long as it says.
func TestGroupsHonourRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		s.becomes(status(429, "Retry-After", "60"))
		stop := keep(t, g)
		time.Sleep(time.Second)
		assert.Equal(t, []string{"T0123/S0789"}, s.asked())
		s.becomes(nil)
		time.Sleep(59*time.Second - 1)
		assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0123", "U0456"))
		assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0999", "U0456"))
		assert.Empty(t, s.asked())
		assert.Equal(t, "Slack user groups that cannot be read: T0123/S0789 (ratelimited), T0123/S0790 (ratelimited), T0999/S0001 (ratelimited)", g.Trouble())
		time.Sleep(1 + 3*keepPace)
		assert.Equal(t, []string{"T0123/S0789", "T0123/S0790", "T0999/S0001"}, s.asked())
		assert.Equal(t, []string{"S0789", "S0790"}, of(t.Context(), g, "T0123", "U0456"))
		assert.Empty(t, g.Trouble())
		stop()
	})
}

// What waits for its turn when Slack has had enough is not asked for.
func TestGroupsInTheQueueHonourRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		for _, id := range many(g, s, 20) {
			s.takes["T0123/"+id] = 100 * time.Millisecond
		}
		s.becomes(status(429, "Retry-After", "60"))
		began := time.Now()
		assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0123", "U0456"))
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
		assert.Len(t, s.asked(), groupsAtOnce)
		assert.Equal(t, "Slack user groups that cannot be read: T0123/S0000 (ratelimited), T0123/S0001 (ratelimited), T0123/S0002 (ratelimited) and 17 more", g.Trouble())
	})
}

func TestGroupsHonourTheLongestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		g.remember("T0123/S0789", time.Now(), nil, &slackapi.RateLimitedError{RetryAfter: time.Minute})
		g.remember("T0999/S0001", time.Now(), nil, &slackapi.RateLimitedError{RetryAfter: 20 * time.Second})
		time.Sleep(time.Minute - 1)
		assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0999", "U0456"))
		assert.Empty(t, s.asked())
		time.Sleep(time.Nanosecond)
		assert.Equal(t, []string{"S0001"}, of(t.Context(), g, "T0999", "U0456"))
	})
}

func TestGroupsFewCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		ids := many(g, s, 20)
		for _, id := range ids {
			s.takes["T0123/"+id] = 300 * time.Millisecond
		}
		began := time.Now()
		groups, known := g.Of(t.Context(), "T0123", "U0456")
		assert.Len(t, groups, 3*groupsAtOnce)
		assert.False(t, known)
		assert.Equal(t, groupsWait, time.Since(began))
		assert.Equal(t, ids, of(t.Context(), g, "T0123", "U0456"), "the rest serves the next command")
		assert.Equal(t, 1500*time.Millisecond, time.Since(began))
		assert.Equal(t, groupsAtOnce, s.most)
		assert.Len(t, s.asked(), 20)
	})
	synctest.Test(t, func(t *testing.T) { // nothing comes back: the queue ends, and does not grow
		g, s, _ := newGroups(t)
		many(g, s, 60)
		s.becomes(silent)
		for range 3 {
			assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0123", "U0456"))
		}
		time.Sleep(2 * callTime)
		synctest.Wait()
		assert.Equal(t, groupsAtOnce, s.most)
		assert.LessOrEqual(t, len(s.asked()), 2*groupsAtOnce)
	})
}

func TestTroubleOfNoGroups(t *testing.T) {
	g, _, _ := newGroups(t)
	assert.Empty(t, g.Trouble(), "nobody has asked yet")
	g.Named = func() []string { return nil }
	assert.Empty(t, g.Trouble())
}
