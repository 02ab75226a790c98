package netease_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// TestReadyIsAsked before each attempt that changes something, before its place is taken and when its turn has come, and for no other.
func TestReadyIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		ask := func(s *sandbox.Sandbox) *netease.Client {
			c := client(s)
			c.Limiter = takes(func() (time.Duration, bool, error) { return 40 * time.Millisecond, true, nil })
			c.Ready = func() error { asked = append(asked, time.Now()); return nil }
			return c
		}
		for name, order := range orders {
			s, op := nim(), netease.Op(name)
			s.Inject(op, sandbox.Fault{Hangup: sandbox.BeforeApplying})
			s.Inject(op, sandbox.Fault{Status: 503})
			asked = nil
			require.NoError(t, order(t.Context(), ask(s), false))
			calls := s.Calls()
			require.Len(t, calls, 3)
			require.Len(t, asked, 6, name)
			for i := range calls {
				assert.Equal(t, calls[i].At, asked[2*i+1], "%s, attempt %d", name, i+1)
				assert.Equal(t, 40*time.Millisecond, asked[2*i+1].Sub(asked[2*i]), "nobody waits with a place in hand")
			}
		}
		c := ask(nim())
		asked = nil
		_, err := c.Room(t.Context(), 123)
		assert.NoError(t, err)
		_, err = c.Members(t.Context(), 123, []netease.AccID{"lisi"})
		assert.NoError(t, err)
		assert.Empty(t, asked, "reads")
	})
}

// TestNotReady: nothing is sent from the moment on when Ready says no, and what was sent before that is not forgotten.
func TestNotReady(t *testing.T) {
	lost := errors.New("no sign of life for a second")
	for _, tt := range []struct {
		name   string
		yes    int // how many attempts it is ready for
		fault  sandbox.Fault
		effect netease.Effect
		is     []error
		calls  int
	}{
		{"from the start", 0, sandbox.Fault{}, netease.NotDone, []error{netease.ErrNotSent, netease.ErrNotReady, lost}, 0},
		{"after a hang-up", 1, sandbox.Fault{Hangup: sandbox.AfterApplying}, netease.Unclear, []error{netease.ErrNoAnswer, netease.ErrNotReady, lost}, 1},
		{"after a gateway's page", 1, sandbox.Fault{Status: 502}, netease.Unclear, []error{netease.ErrNoAnswer, netease.ErrNotReady, lost}, 1},
		{"after a 416", 1, sandbox.Fault{Code: 416}, netease.NotDone, []error{netease.CodeTooManyCalls}, 1},
		{"after success", 1, sandbox.Fault{}, netease.Applied, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nim()
				s.Inject(netease.OpTemporaryMute, tt.fault)
				c := client(s)
				asked := 0
				c.Ready = func() error {
					if asked++; asked > 2*tt.yes { // it is asked twice before each
						return lost
					}
					return nil
				}
				err := c.TemporaryMute(t.Context(), mute())
				assert.Equal(t, tt.effect, netease.EffectOf(err), "%v", err)
				for _, is := range tt.is {
					assert.ErrorIs(t, err, is)
				}
				assert.Len(t, s.Calls(), tt.calls)
			})
		})
	}
}

// TestReadyAgain: a sign of life that comes late is waited for.
func TestReadyAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nim()
		c := client(s)
		begun := time.Now()
		c.Ready = func() error {
			if time.Since(begun) < 2*time.Second {
				return errors.New("no sign of life for a second")
			}
			return nil
		}
		require.NoError(t, c.TemporaryMute(t.Context(), mute()))
		require.Len(t, s.Calls(), 1)
		assert.WithinDuration(t, begun.Add(2*time.Second), s.Calls()[0].At, 200*time.Millisecond)
	})
}

// TestReadyGrowsStale: what Ready has said holds for 1.5 s. An attempt still without a connection by then is given up, with nothing
// sent; one that is out waits for its answer; a read has nothing to lose.
func TestReadyGrowsStale(t *testing.T) {
	for _, tt := range []struct {
		name    string
		connect time.Duration
		read    bool
		took    time.Duration
		is      error // nil: done
	}{
		{"quick", 1400 * time.Millisecond, false, 1400*time.Millisecond + 2*time.Second, nil},
		{"slow", 1600 * time.Millisecond, false, 1500 * time.Millisecond, netease.ErrNotSent},
		{"slow, a read", 1600 * time.Millisecond, true, 1600*time.Millisecond + 2*time.Second, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nim()
				fault := sandbox.Fault{Delay: 2 * time.Second}
				s.Inject(netease.OpTemporaryMute, fault)
				s.Inject(netease.OpGet, fault)
				c := client(s)
				ends := pipe(t, s)
				transport := &http.Transport{DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					select {
					case <-time.After(tt.connect):
						return ends(), nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				}}
				defer transport.CloseIdleConnections()
				c.HTTP = &http.Client{Transport: transport}
				c.Ready = func() error { return nil }
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				if !tt.read { // one attempt
					ctx, cancel = context.WithTimeout(t.Context(), max(tt.took, 1500*time.Millisecond)+120*time.Millisecond)
					defer cancel()
				}
				begun := time.Now()
				var err error
				if tt.read {
					_, err = c.Room(ctx, 123)
				} else {
					err = c.TemporaryMute(ctx, mute())
				}
				assert.ErrorIs(t, err, tt.is)
				assert.Equal(t, tt.took, time.Since(begun))
				time.Sleep(10 * time.Second) // connections made in vain are over
			})
		})
	}
}

// pipe serves a handler in this process, and makes connections to it.
func pipe(t *testing.T, h http.Handler) func() net.Conn {
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return func() net.Conn {
		ours, theirs := net.Pipe()
		l.conns <- theirs
		return ours
	}
}

type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
