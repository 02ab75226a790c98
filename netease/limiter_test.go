package netease_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// A queue is a Limiter for processes in one test, with the rule that a database would have: the next place is one interval after the
// last, and no earlier than now.
type queue struct {
	mu    sync.Mutex
	next  map[string]time.Time
	rests []time.Duration
}

func (q *queue) Take(ctx context.Context, name string, perSecond float64, most time.Duration) (time.Duration, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	at := now
	if q.next[name].After(now) {
		at = q.next[name]
	}
	if at.Sub(now) > most {
		return at.Sub(now), false, nil
	}
	q.set(name, at.Add(time.Duration(float64(time.Second)/perSecond)))
	return at.Sub(now), true, nil
}

func (q *queue) Rest(_ context.Context, name string, d time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rests = append(q.rests, d)
	q.set(name, time.Now().Add(d))
	return nil
}

func (q *queue) set(name string, at time.Time) {
	if q.next == nil {
		q.next = map[string]time.Time{}
	}
	q.next[name] = at
}

// replicas are n processes with one queue, in front of one NetEase.
func replicas(n int, s *sandbox.Sandbox, q netease.Limiter) []*netease.Client {
	list := make([]*netease.Client, n)
	for i := range list {
		list[i] = client(s)
		list[i].Limiter = q
	}
	return list
}

// TestSharedRate: many processes together stay at the rate of one, and none goes empty-handed.
func TestSharedRate(t *testing.T) {
	for _, rate := range []float64{2, 20, 90} {
		for _, n := range []int{1, 2, 10} {
			synctest.Test(t, func(t *testing.T) {
				s := nim()
				list := replicas(n, s, &queue{})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				done := make([]int, n)
				var wg sync.WaitGroup
				for i, c := range list {
					c.Rate = rate
					wg.Go(func() {
						var calls sync.WaitGroup
						var mu sync.Mutex
						for range int(12 * rate) { // more than anybody can have
							calls.Go(func() {
								_, err := c.Room(ctx, 123)
								if _, busy := errors.AsType[*netease.BusyError](err); busy {
									return
								}
								if assert.NoError(t, err) {
									mu.Lock()
									defer mu.Unlock()
									done[i]++
								}
							})
						}
						calls.Wait()
					})
				}
				wg.Wait()
				calls := s.Calls()
				for i := range calls {
					within := 0
					for _, later := range calls[i:] {
						if later.At.Sub(calls[i].At) < time.Second {
							within++
						}
					}
					require.LessOrEqual(t, within, int(rate)+1, "in the second after call %d, %v/s, %d processes", i, rate, n)
				}
				assert.GreaterOrEqual(t, len(calls), int(0.9*rate*9), "%v/s, %d processes: what there is to have is used", rate, n)
				for i := range done {
					if share := float64(len(calls)) / float64(n); share > 20 {
						assert.Greater(t, float64(done[i]), 0.3*share, "%v/s, process %d of %d: %v", rate, i, n, done)
					}
				}
			})
		}
	}
}

// TestSharedRest: after a 416 seen by one process none calls the interface for ten seconds, those with a place in the queue
// included; other interfaces go on. Who cannot wait is told at once.
func TestSharedRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := nim(), &queue{}
		list := replicas(3, s, q)
		var wg sync.WaitGroup
		for _, c := range list {
			c.Rate = 5
			for range 10 {
				wg.Go(func() {
					_, err := c.Room(t.Context(), 123)
					assert.NoError(t, err)
				})
			}
		}
		time.Sleep(time.Second)
		s.Inject(netease.OpGet, sandbox.Fault{Code: 416})
		time.Sleep(250 * time.Millisecond)
		var refused time.Time
		for _, call := range s.Calls() {
			if call.Code == 416 {
				refused = call.At
			}
		}
		require.False(t, refused.IsZero())

		for _, c := range list {
			begun := time.Now()
			short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			_, err := c.Room(short, 123)
			busy, ok := errors.AsType[*netease.BusyError](err)
			require.True(t, ok, "%v", err)
			assert.Greater(t, busy.Wait, 9*time.Second)
			assert.Less(t, time.Since(begun), 500*time.Millisecond)
			assert.NoError(t, c.MuteRoom(short, netease.MuteRoom{RoomID: 123, Operator: "zhangsan", Mute: true}), "another interface")
			require.NoError(t, c.MuteRoom(short, netease.MuteRoom{RoomID: 123, Operator: "zhangsan"}))
		}
		wg.Wait()
		after := 0
		for _, call := range s.Calls() {
			if gap := call.At.Sub(refused); call.Op == netease.OpGet && gap > 0 {
				assert.False(t, gap > 50*time.Millisecond && gap < 10*time.Second, "a call %v after the 416", gap)
				after++
			}
		}
		assert.Positive(t, after)
		assert.Equal(t, []time.Duration{10 * time.Second}, q.rests, "once")
	})
}

// TestRestOnce: calls that were under way together met one block.
func TestRestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := nim(), &queue{}
		c := replicas(1, s, q)[0]
		s.Inject(netease.OpGet, sandbox.Fault{Code: 416, Times: 4, Delay: 2 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := c.Room(ctx, 123)
				assert.ErrorIs(t, err, netease.CodeTooManyCalls)
			})
		}
		wg.Wait()
		assert.Len(t, q.rests, 1)

		time.Sleep(11 * time.Second)
		s.Inject(netease.OpGet, sandbox.Fault{Code: 416})
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Room(short, 123)
		assert.ErrorIs(t, err, netease.CodeTooManyCalls)
		assert.Len(t, q.rests, 2, "another block")
	})
}

// TestRestWithoutTheQueue: a process that has met a 416 keeps quiet, whether or not the others can be told.
func TestRestWithoutTheQueue(t *testing.T) {
	for name, q := range map[string]netease.Limiter{"it is away": refusesRest{}, "it hangs": hangsAtRest{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nim()
				c := replicas(1, s, q)[0]
				s.Inject(netease.OpGet, sandbox.Fault{Code: 416})
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				begun := time.Now()
				_, err := c.Room(ctx, 123)
				assert.ErrorIs(t, err, netease.CodeTooManyCalls)
				assert.LessOrEqual(t, time.Since(begun), time.Second)

				_, err = c.Room(ctx, 123)
				busy, ok := errors.AsType[*netease.BusyError](err)
				require.True(t, ok, "%v", err)
				assert.Greater(t, busy.Wait, 8*time.Second)
				_, err = c.Room(t.Context(), 123)
				assert.NoError(t, err)
				calls := s.Calls()
				require.Len(t, calls, 2)
				assert.GreaterOrEqual(t, calls[1].At.Sub(calls[0].At), 10*time.Second)
			})
		})
	}
}

type refusesRest struct{}

func (refusesRest) Take(context.Context, string, float64, time.Duration) (time.Duration, bool, error) {
	return 0, true, nil
}
func (refusesRest) Rest(context.Context, string, time.Duration) error { return errGone }

type hangsAtRest struct{ refusesRest }

func (hangsAtRest) Rest(ctx context.Context, _ string, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestMissedPlaces: who is late to a place takes a new one, and does so three times at most.
func TestMissedPlaces(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name        string
		tells       time.Duration // how long Take takes
		stalls      time.Duration // how late the process wakes up
		times       int           // how often that happens
		takes, sent int
	}{
		{"in time", 0, 0, 0, 1, 1},
		{"a little late", 0, 50 * ms, 1, 1, 1},
		{"too late once", 0, 51 * ms, 1, 2, 1},
		{"too late twice", 0, 300 * ms, 2, 3, 1},
		{"always too late", 0, 51 * ms, 9, 3, 0},
		{"Take is slow", 250 * ms, 0, 1, 1, 1},
		{"Take is too slow once", 251 * ms, 0, 1, 2, 1},
		{"Take is always too slow", 251 * ms, 0, 9, 3, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nim()
				ctx := &stalling{Context: t.Context()}
				taken := 0
				c := replicas(1, s, takes(func() (time.Duration, bool, error) {
					if taken++; taken <= tt.times {
						time.Sleep(tt.tells)
						ctx.stall = tt.stalls
					}
					return 20 * ms, true, nil
				}))[0]
				_, err := c.Room(ctx, 123)
				_, busy := errors.AsType[*netease.BusyError](err)
				assert.Equal(t, tt.sent == 0, busy, "%v", err)
				assert.Equal(t, tt.takes, taken)
				assert.Len(t, s.Calls(), tt.sent)
			})
		})
	}
}

// A stalling context stops whoever asks it for its deadline, once: as a process that gets no time to run.
type stalling struct {
	context.Context
	stall time.Duration
}

func (s *stalling) Deadline() (time.Time, bool) {
	d := s.stall
	s.stall = 0
	time.Sleep(d)
	return time.Time{}, false
}

// TestTakeIsBounded: a Limiter that hangs costs a second.
func TestTakeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nim()
		c := replicas(1, s, hangsAtTake{})[0]
		begun := time.Now()
		err := c.TemporaryMute(t.Context(), mute())
		assert.ErrorIs(t, err, netease.ErrNoLimit)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, netease.NotDone, netease.EffectOf(err))
		assert.Equal(t, time.Second, time.Since(begun))
		assert.Empty(t, s.Calls())
	})
}

type hangsAtTake struct{ refusesRest }

func (hangsAtTake) Take(ctx context.Context, _ string, _ float64, _ time.Duration) (time.Duration, bool, error) {
	<-ctx.Done()
	return 0, false, ctx.Err()
}

// TestTakeIsTold: which interface, at which rate.
func TestTakeIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for rate, want := range map[float64]float64{0: 20, 90: 90} {
			told := &tells{}
			c := replicas(1, nim(), told)[0]
			c.Rate = rate
			require.NoError(t, c.TemporaryMute(t.Context(), mute()))
			assert.Equal(t, &tells{"temporaryMute", want}, told)
		}
	})
}

type tells struct {
	name      string
	perSecond float64
}

func (l *tells) Take(_ context.Context, name string, perSecond float64, _ time.Duration) (time.Duration, bool, error) {
	l.name, l.perSecond = name, perSecond
	return 0, true, nil
}

func (*tells) Rest(context.Context, string, time.Duration) error { return nil }

// TestRestAtThePlace: a 416 that comes while another call of the process waits for its place holds that call back.
func TestRestAtThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nim()
		s.Inject(netease.OpGet, sandbox.Fault{Code: 416, Delay: 20 * time.Millisecond})
		waits := []time.Duration{0, 40 * time.Millisecond, 0, 0}
		c := replicas(1, s, takes(func() (time.Duration, bool, error) {
			wait := waits[0]
			waits = waits[1:]
			return wait, true, nil
		}))[0]
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := c.Room(t.Context(), 123)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		calls := s.Calls()
		require.Len(t, calls, 3)
		assert.GreaterOrEqual(t, calls[1].At.Sub(calls[0].At), 10*time.Second)
	})
}

// TestRestOutlastsTheCaller: the others are told of a 416 though the caller has no time left.
func TestRestOutlastsTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, slow := nim(), &slowRest{}
		c := replicas(1, s, slow)[0]
		s.Inject(netease.OpGet, sandbox.Fault{Code: 416})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := c.Room(ctx, 123)
		assert.ErrorIs(t, err, netease.CodeTooManyCalls)
		assert.Equal(t, 1, slow.told)
	})
}

type slowRest struct {
	refusesRest
	told int
}

func (s *slowRest) Rest(ctx context.Context, _ string, _ time.Duration) error {
	select {
	case <-time.After(900 * time.Millisecond):
		s.told++
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
