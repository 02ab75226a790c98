package netease_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// A before is what came before the attempt that a row is about.
type before int

const (
	nothing  before = iota // it is the first
	silence                // an attempt of the same call, that got no answer
	aProcess               // an earlier process, which may have sent the same (Repeated)
)

func (b before) String() string { return [...]string{"first", "after silence", "repeated"}[b] }

var befores = []before{nothing, silence, aProcess}

// orders are the three calls that change something.
var orders = map[string]func(ctx context.Context, c *netease.Client, repeated bool) error{
	"temporaryMute": func(ctx context.Context, c *netease.Client, repeated bool) error {
		m := mute()
		m.RequestID, m.Repeated = "0123456789abcdef0123456789abcdef", repeated
		return c.TemporaryMute(ctx, m)
	},
	"muteRoom": func(ctx context.Context, c *netease.Client, repeated bool) error {
		return c.MuteRoom(ctx, netease.MuteRoom{RoomID: 123, Operator: "zhangsan", Mute: true, RequestID: "0123456789abcdef0123456789abcdef", Repeated: repeated})
	},
	"updateDelayClosePolicy": func(ctx context.Context, c *netease.Client, repeated bool) error {
		_, err := c.UpdateDelayClosePolicy(ctx, netease.UpdateDelayClosePolicy{RoomID: 123, Policy: netease.CloseIdle, Delay: time.Minute,
			RequestID: "0123456789abcdef0123456789abcdef", Repeated: repeated})
		return err
	},
}

// TestCodesOverSockets: what each code means for a change. On a first attempt it is the code's row; after an attempt without an answer,
// and in the place of an earlier process, success alone tells anything.
func TestCodesOverSockets(t *testing.T) {
	hangUp := hangingUp(t)
	var wg sync.WaitGroup
	for _, code := range append(netease.Codes(), 20000, 20042, 20099, 60606, 0, -1) {
		server := answering(t, fmt.Sprintf(`{"code":%d}`, code))
		for _, before := range befores {
			wg.Go(func() {
				want := netease.Unclear
				if before == nothing || code == netease.CodeOK {
					want = netease.Explain(code, netease.OpMuteRoom).Effect
				}
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // less than the rest after a 416
				defer cancel()
				err := orders["muteRoom"](ctx, over(before, hangUp, server), before == aProcess)
				assert.Equal(t, want, netease.EffectOf(err), "code %d, %v: %v", code, before, err)
				if e, ok := errors.AsType[*netease.Error](err); code != netease.CodeOK && assert.True(t, ok, "code %d, %v: %v", code, before, err) {
					assert.Equal(t, code, e.Code)
					assert.Equal(t, before != nothing, e.Earlier, "code %d, %v", code, before)
				}
			})
		}
	}
	wg.Wait()
}

// over is a client whose attempts go to base, after what came before.
func over(b before, hangUp, base string) *netease.Client {
	c := &netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: []string{base}}
	if b == silence {
		c.Bases = []string{hangUp, base, base}
	}
	return c
}

// A scene is one play of a failure.
type scene struct {
	*netease.Client
	ctx    context.Context
	cancel context.CancelFunc
	from   int32 // the attempt that is to fail, and all after it: 1 or 2
}

// TestFailures: what each failure means for a change, row by row of the table, each over real sockets and for each of the calls.
func TestFailures(t *testing.T) {
	const long = 8 * time.Second // less than the rest after a 416
	rows := map[string]struct {
		base string       // fails as the row says; empty: one that would do it
		play func(*scene) // what else there is to it; nil: nothing
		is   error        // what the error is besides
	}{
		"a value breaks a documented limit":     {}, // in TestInvalid
		"the base address is no URL":            {base: "http://[::1"},
		"the caller's time is over (ErrNoTime)": {play: func(s *scene) { s.endBefore() }, is: netease.ErrNoTime},
		"the caller gives up before the attempt (ErrNoTime)": {play: func(s *scene) {
			s.Limiter = s.atPlace(func() (time.Duration, bool, error) { s.cancel(); return 0, true, nil })
		}, is: netease.ErrNoTime},
		"too many calls wait already (BusyError)": {play: func(s *scene) {
			s.Limiter = s.atPlace(func() (time.Duration, bool, error) { return time.Hour, false, nil })
		}},
		"the interface rests after a 416 (BusyError)": {play: func(s *scene) {
			s.Limiter = s.atPlace(func() (time.Duration, bool, error) { return 10 * time.Second, false, nil })
		}},
		"the shared rate limit cannot be asked (ErrNoLimit)": {play: func(s *scene) {
			s.Limiter = s.atPlace(func() (time.Duration, bool, error) { return 0, false, errGone })
		}, is: netease.ErrNoLimit},
		"the process may not act (ErrNotReady)": {play: func(s *scene) { s.Ready = s.notReady() }, is: netease.ErrNotReady},

		"the host's name is not found":                           {base: "http://nowhere.invalid/nimserver"},
		"the connection is refused":                              {base: refusing(t)},
		"the connection takes too long":                          {base: "https" + strings.TrimPrefix(listening(t, func(c net.Conn) { io.Copy(io.Discard, c) }), "http"), play: timeout(time.Second)},
		"the certificate is not trusted":                         {base: untrusted(t)},
		"the other side does not speak TLS":                      {base: "https" + strings.TrimPrefix(answering(t, `{"code":200}`), "http")},
		"no answer within the time-out":                          {base: listening(t, func(c net.Conn) { io.Copy(io.Discard, c) }), play: timeout(time.Second), is: context.DeadlineExceeded},
		"the connection is reset":                                {base: listening(t, reset)},
		"the answer stops half-way":                              {base: afterRequest(t, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"code", true), play: timeout(time.Second), is: context.DeadlineExceeded},
		"the answer is too long":                                 {base: answering(t, `{"code":200,"desc":"`+strings.Repeat("x", 1<<20)+`"}`)},
		"the answer is no HTTP":                                  {base: afterRequest(t, "220 mail.example ESMTP\r\n", false)},
		"the answer is no JSON":                                  {base: answering(t, "<html>it works</html>")},
		"the answer is JSON without a code":                      {base: answering(t, `{"desc":{"success":true}}`)},
		"the answer is a redirect (HTTP 3xx)":                    {base: status(t, 301, 302, 303, 307, 308)},
		"the answer is another success than 200 (HTTP 2xx)":      {base: status(t, 201, 202, 204, 206)},
		"the answer is a refusal by HTTP (4xx)":                  {base: status(t, 400, 401, 403, 404, 405, 413, 429)},
		"the answer is a failure by HTTP (5xx)":                  {base: status(t, 500, 501, 502, 503, 504, 520)},
		"the connection is closed before a byte of the answer":   {base: afterRequest(t, "", false)},
		"the connection is closed within the head of the answer": {base: afterRequest(t, "HTTP/1.1 200 OK\r\nContent-Le", false)},
		"the connection is closed within the body of the answer": {base: afterRequest(t, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"code", false), is: io.ErrUnexpectedEOF},

		"the caller gives up while the answer is awaited": {play: func(s *scene) {
			gone := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				s.cancel()
				<-r.Context().Done()
			}))
			t.Cleanup(gone.Close)
			s.Bases[s.from-1] = gone.URL
		}, is: context.Canceled},
	}
	hangUp, fine := hangingUp(t), answering(t, `{"code":200}`)
	var wg sync.WaitGroup
	for _, failure := range netease.Failures() {
		row, ok := rows[failure.What]
		delete(rows, failure.What)
		if !assert.True(t, ok, "%s is in the table and not tested", failure.What) || failure.What == "a value breaks a documented limit" {
			continue
		}
		for _, before := range befores {
			for name, order := range orders {
				base := row.base
				if base == "" {
					base = fine
				}
				wg.Go(func() {
					s := &scene{Client: over(before, hangUp, base), from: 1}
					if before == silence {
						s.from = 2
					}
					s.ctx, s.cancel = context.WithTimeout(t.Context(), long)
					if row.play != nil {
						row.play(s)
					}
					defer s.cancel()

					err := order(s.ctx, s.Client, before == aProcess)

					want, kind := failure.Effect, netease.ErrNotSent
					if before != nothing {
						want = netease.Unclear
					}
					if want == netease.Unclear {
						kind = netease.ErrNoAnswer
					}
					at := fmt.Sprintf("%s: %s, %v: %v", name, failure.What, before, err)
					assert.Equal(t, want, netease.EffectOf(err), at)
					assert.ErrorIs(t, err, kind, at)
					if row.is != nil && (before != silence || row.is != netease.ErrNoTime) { // after silence, silence is what is told
						assert.ErrorIs(t, err, row.is, at)
					}
					if _, busy := errors.AsType[*netease.BusyError](err); before != silence {
						assert.Equal(t, strings.Contains(failure.What, "BusyError"), busy, at)
					}
				})
			}
		}
	}
	wg.Wait()
	for what := range rows {
		t.Errorf("%s is tested and not in the table", what)
	}
}

// TestInvalid: a value that breaks a limit is not sent; what an earlier process has sent is another matter.
func TestInvalid(t *testing.T) {
	for _, tt := range []struct {
		name     string
		id       string
		room     netease.RoomID
		repeated bool
		want     netease.Effect
		is       error
	}{
		{"first", "", 0, false, netease.NotDone, netease.ErrNotSent},
		{"repeated", "a", 0, true, netease.Unclear, netease.ErrNoAnswer},
		{"repeated without an id", "", 123, true, netease.Unclear, netease.ErrNoAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: []string{counting(t, new(atomic.Int32))}}
			err := c.MuteRoom(t.Context(), netease.MuteRoom{RoomID: tt.room, Operator: "zhangsan", RequestID: tt.id, Repeated: tt.repeated})
			_, ok := errors.AsType[*netease.InvalidError](err)
			assert.True(t, ok, "%v", err)
			assert.Equal(t, tt.want, netease.EffectOf(err))
			assert.ErrorIs(t, err, tt.is)
		})
	}
}

// TestTruth holds what EffectOf says against what NetEase has done, also where a second process takes up what the first had begun.
func TestTruth(t *testing.T) {
	id := "0123456789abcdef0123456789abcdef"
	for _, tt := range []struct {
		name   string
		fault  sandbox.Fault
		first  netease.Effect // of the first process
		second netease.Effect // of another one, Repeated
		code   netease.Code   // that the second one meets
		muted  bool           // after the first
	}{
		{"nothing wrong", sandbox.Fault{}, netease.Applied, netease.Unclear, netease.CodeRepeated, true},
		{"hung up before it was done", sandbox.Fault{Hangup: sandbox.BeforeApplying, Times: 3}, netease.Unclear, netease.Applied, netease.CodeOK, false},
		{"hung up before it was done, once", sandbox.Fault{Hangup: sandbox.BeforeApplying}, netease.Applied, netease.Unclear, netease.CodeRepeated, true},
		{"hung up after it was done", sandbox.Fault{Hangup: sandbox.AfterApplying}, netease.Unclear, netease.Unclear, netease.CodeRepeated, true},
		{"silent, with nothing done", sandbox.Fault{Delay: time.Hour, Status: 200}, netease.Unclear, netease.Applied, netease.CodeOK, false},
		{"silent, having done it", sandbox.Fault{Delay: time.Hour, Applied: true}, netease.Unclear, netease.Unclear, netease.CodeRepeated, true},
		{"416", sandbox.Fault{Code: 416}, netease.NotDone, netease.Applied, netease.CodeOK, false},
		{"refused", sandbox.Fault{Code: 403}, netease.NotDone, netease.Applied, netease.CodeOK, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := nim()
			s.Inject(netease.OpMuteRoom, tt.fault)
			server := httptest.NewUnstartedServer(s)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			t.Cleanup(server.Close)
			order := netease.MuteRoom{RoomID: 123, Operator: "zhangsan", Mute: true, RequestID: id}
			process := func() *netease.Client {
				return &netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: []string{server.URL + "/nimserver"}, Timeout: time.Second}
			}

			ctx, cancel := context.WithTimeout(t.Context(), time.Second+100*time.Millisecond) // no time for a second attempt after a time-out
			defer cancel()
			err := process().MuteRoom(ctx, order)
			assert.Equal(t, tt.first, netease.EffectOf(err), "%v", err)
			state, _ := s.State(123)
			assert.Equal(t, tt.muted, state.Muted)

			order.Repeated = true
			err = process().MuteRoom(t.Context(), order)
			assert.Equal(t, tt.second, netease.EffectOf(err), "%v", err)
			if tt.code != netease.CodeOK {
				assert.ErrorIs(t, err, tt.code)
			}
			state, _ = s.State(123)
			assert.True(t, state.Muted)
		})
	}
}

// TestNothingSentIsTrue: where the table says NotDone on a first attempt by the client's own decision, NetEase has met no call.
func TestNothingSentIsTrue(t *testing.T) {
	for name, arm := range map[string]func(*scene){
		"not ready": func(s *scene) { s.Ready = s.notReady() },
		"no limit": func(s *scene) {
			s.Limiter = s.atPlace(func() (time.Duration, bool, error) { return 0, false, errGone })
		},
		"busy": func(s *scene) {
			s.Limiter = s.atPlace(func() (time.Duration, bool, error) { return time.Hour, false, nil })
		},
		"gave up": func(s *scene) { s.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			var met atomic.Int32
			s := &scene{Client: over(nothing, "", counting(t, &met)), from: 1}
			s.ctx, s.cancel = context.WithTimeout(t.Context(), 5*time.Second)
			defer s.cancel()
			arm(s)
			assert.Equal(t, netease.NotDone, netease.EffectOf(s.TemporaryMute(s.ctx, mute())))
			assert.Zero(t, met.Load())
		})
	}
}

var errGone = errors.New("the database is gone")

// atPlace is a Limiter that has a place for the attempts before s.from, and then whatever then says.
func (s *scene) atPlace(then func() (time.Duration, bool, error)) netease.Limiter {
	var asked atomic.Int32
	return takes(func() (time.Duration, bool, error) {
		if asked.Add(1) < s.from {
			return 0, true, nil
		}
		return then()
	})
}

// takes is a Limiter in a function.
type takes func() (time.Duration, bool, error)

func (f takes) Take(context.Context, string, float64, time.Duration) (time.Duration, bool, error) {
	return f()
}
func (takes) Rest(context.Context, string, time.Duration) error { return nil }

// notReady forbids the attempt s.from and all after it.
func (s *scene) notReady() func() error {
	var asked atomic.Int32
	return func() error {
		if (asked.Add(1)+1)/2 < s.from { // it is asked twice before each
			return nil
		}
		return errGone
	}
}

// endBefore ends the caller's time before the attempt s.from.
func (s *scene) endBefore() {
	if s.from == 1 {
		s.ctx, s.cancel = context.WithTimeout(s.ctx, 50*time.Millisecond)
		return
	}
	c, cancel := s.Bases[0], s.cancel
	s.Observe = func(netease.Attempt) { cancel() }
	s.Bases = []string{c, c, c}
}

// timeout makes attempts end after d, and the call soon after the first.
func timeout(d time.Duration) func(*scene) {
	return func(s *scene) {
		s.Timeout = d
		s.ctx, s.cancel = context.WithTimeout(s.ctx, d+300*time.Millisecond)
	}
}

// answering answers every request with HTTP 200 and body.
func answering(t *testing.T, body string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
}

// counting does as it is told, and counts.
func counting(t *testing.T, met *atomic.Int32) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		met.Add(1)
		io.WriteString(w, `{"code":200}`)
	})
}

// status answers with a success in the body, under HTTP statuses in turn.
func status(t *testing.T, in ...int) string {
	var n atomic.Int32
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(in[int(n.Add(1))%len(in)])
		io.WriteString(w, `{"code":200}`)
	})
}

// hangingUp reads requests and closes the connection.
func hangingUp(t *testing.T) string {
	return serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

func serve(t *testing.T, h http.HandlerFunc) string {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL + "/nimserver"
}

func refusing(t *testing.T) string {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	return "http://" + closed.Addr().String() + "/nimserver"
}

func untrusted(t *testing.T) string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + "/nimserver"
}

// listening gives every connection to serve and closes it then.
func listening(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })() // a client that has given up may still hold it
				serve(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); cancel(); wg.Wait() })
	return "http://" + l.Addr().String() + "/nimserver"
}

// reset reads a request and breaks the connection off.
func reset(c net.Conn) {
	if _, err := c.Read(make([]byte, 1<<16)); err == nil {
		c.(*net.TCPConn).SetLinger(0)
	}
}

// afterRequest reads a request, writes what and closes the connection, or holds it until the client closes it.
func afterRequest(t *testing.T, what string, hold bool) string {
	return listening(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		io.WriteString(c, what)
		if hold {
			io.Copy(io.Discard, c)
		}
	})
}
