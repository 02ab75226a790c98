package discord

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gwGuarded is a guard on a connection to peer, in a bubble.
func gwGuarded(t *testing.T) (g *guard, peer net.Conn, over chan error) {
	conn, peer := net.Pipe()
	t.Cleanup(func() { conn.Close(); peer.Close() })
	over = make(chan error, 10)
	g = newGuard(conn, usualTimes, func(err error) { over <- err })
	g.greeted = func() bool { return true }
	g.identified = func() {}
	return g, peer, over
}

// TestGuardTimes: READY is due in time, however much is said before; after it, any sign will do.
func TestGuardTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		ready bool
		every time.Duration // a byte comes
		for_  time.Duration
		ends  time.Duration // after the beginning
		why   error
	}{
		"nothing":                  {false, 0, 0, usualTimes.ready, errMute},
		"drops, and never READY":   {false, time.Second, time.Hour, usualTimes.ready, errMute},
		"READY and then nothing":   {true, 0, 0, usualTimes.idle, errDeaf},
		"READY and an ACK or two":  {true, 41250 * time.Millisecond, 83 * time.Second, 82500*time.Millisecond + usualTimes.idle, errDeaf},
		"READY and rare signs":     {true, 100 * time.Second, 1000 * time.Second, 1000*time.Second + usualTimes.idle, errDeaf},
		"READY and too rare signs": {true, 104 * time.Second, 1000 * time.Second, usualTimes.idle, errDeaf},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, peer, over := gwGuarded(t)
				began := time.Now()
				var others sync.WaitGroup
				if tt.ready {
					others.Go(func() { assert.True(t, g.ready()) }) // while it is being read
				}
				if tt.every > 0 {
					others.Go(func() {
						for at := tt.every; at <= tt.for_; at += tt.every {
							time.Sleep(tt.every)
							if _, err := peer.Write([]byte("x")); err != nil {
								return
							}
						}
					})
				}
				_, err := io.Copy(io.Discard, struct{ io.Reader }{g})
				assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				assert.Equal(t, tt.why, <-over)
				assert.Equal(t, tt.ends, time.Since(began))
				g.Close()
				others.Wait()
			})
		})
	}
}

// TestGuardSize: a packet has an end before so many bytes; packets together have none.
func TestGuardSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, peer, over := gwGuarded(t)
		chunk := make([]byte, maxPacket/4)
		go func() {
			for err := error(nil); err == nil; _, err = peer.Write(chunk) {
			}
		}()
		into := make([]byte, len(chunk))
		for range 10 {
			for range 4 {
				_, err := io.ReadFull(g, into)
				require.NoError(t, err)
			}
			g.packet()
		}
		for range 4 {
			_, err := io.ReadFull(g, into)
			require.NoError(t, err)
		}
		_, err := io.ReadFull(g, into)
		assert.Equal(t, errLarge, err)
		assert.Equal(t, errLarge, <-over)
	})
}

// TestGuardWrites: one IDENTIFY passes, and no more than ten writes a minute.
func TestGuardWrites(t *testing.T) {
	identify, beat := bytes.Repeat([]byte("x"), maxSmall+1), []byte("beat")
	for name, tt := range map[string]struct {
		greeted []bool // before each write
		write   []byte
		passes  int
		why     error
	}{
		"handshakes":       {[]bool{false, false, false, false}, identify, 4, nil},
		"an IDENTIFY":      {[]bool{false, false, true}, identify, 3, nil},
		"two":              {[]bool{false, true, true}, identify, 2, errInvalid},
		"ten heartbeats":   {[]bool{9: true}, beat, 10, nil},
		"eleven":           {[]bool{10: true}, beat, 10, errStorm},
		"greeted at once":  {[]bool{true, true, true, true, true, true, true, true, true, true}, beat, 10, nil},
		"handshakes, many": {[]bool{10: false}, identify, 10, errStorm},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, peer, over := gwGuarded(t)
				arrived := make(chan int64)
				go func() { n, _ := io.Copy(io.Discard, peer); arrived <- n }()
				identified := 0
				g.identified = func() { identified++ }
				for _, greeted := range tt.greeted {
					g.greeted = func() bool { return greeted }
					n, err := g.Write(tt.write)
					assert.Equal(t, len(tt.write), n)
					assert.NoError(t, err, "discordgo is not to hear of it here")
				}
				if tt.why != nil {
					assert.Equal(t, tt.why, <-over)
					_, err := g.Read(make([]byte, 1))
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				}
				assert.LessOrEqual(t, identified, 1)
				g.Close()
				assert.Equal(t, int64(tt.passes*len(tt.write)), <-arrived)
			})
		})
	}
}

// TestGuardBeats: heartbeats at the usual pace go on for ever.
func TestGuardBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, peer, over := gwGuarded(t)
		go func() { _, _ = io.Copy(io.Discard, peer) }()
		for range 5000 {
			_, _ = g.Write([]byte("beat"))
			time.Sleep(41250 * time.Millisecond)
		}
		assert.Empty(t, over)
	})
}

// TestGuardStuckWrite: nobody waits for a peer that takes nothing.
func TestGuardStuckWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, over := gwGuarded(t)
		began := time.Now()
		_, _ = g.Write([]byte("beat"))
		assert.Equal(t, writeTime, time.Since(began))
		assert.Empty(t, over, "what is not heard any more is found by Read")
	})
}
