package discord

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read is a net.Conn of which only reading is of interest.
type read struct {
	net.Conn
	io.Reader
}

func (r read) Read(p []byte) (int, error) { return r.Reader.Read(p) }

const handshake = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Long: %s\r\n\r\n"

// packets are what a server writes: the handshake, and a text frame for each.
func packets(t testing.TB, long int, all ...string) []byte {
	raw := new(bytes.Buffer)
	fmt.Fprintf(raw, handshake, strings.Repeat("x", long))
	for _, p := range all {
		switch n := len(p); {
		case n < 126:
			raw.Write([]byte{0x81, byte(n)})
		case n < 1<<16:
			raw.Write([]byte{0x81, 126, byte(n >> 8), byte(n)})
		default:
			raw.Write([]byte{0x81, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		}
		raw.WriteString(p)
	}
	return raw.Bytes()
}

// TestSieve: everything passes as it is but the two packets that discordgo cannot live with, however it comes in pieces.
func TestSieve(t *testing.T) {
	ways := map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "in halves": iotest.HalfReader}
	for name, way := range ways {
		for _, tt := range []struct {
			name       string
			sent, want string
			moved      int
		}{
			{"a wish for another connection", `{"op":7,"s":null,"t":null,"d":null}`, `{"op":1}                           `, 1},
			{"the shortest", `{"op":7}`, `{"op":1}`, 1},
			{"null", ` null `, `[]    `, 0},
			{"a heartbeat", `{"op":11,"d":null}`, `{"op":11,"d":null}`, 0},
			{"what holds the number", `{"op":0,"t":"X","s":7,"d":{"op":7}}`, `{"op":0,"t":"X","s":7,"d":{"op":7}}`, 0},
			{"no JSON", `{"op":7`, `{"op":7`, 0},
			{"nothing", "", "", 0},
			{"long", strings.Repeat("x", 126), strings.Repeat("x", 126), 0},
			{"longer", strings.Repeat("x", 70000), strings.Repeat("x", 70000), 0},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				for _, long := range []int{0, 4088, 5000} { // of a line of the handshake: the buffer holds 4096 bytes
					moved := 0
					s := newSieve(read{Reader: way(bytes.NewReader(packets(t, long, "before", tt.sent, "behind")))}, func() { moved++ })
					got, err := io.ReadAll(s)
					require.NoError(t, err)
					assert.Equal(t, string(packets(t, long, "before", tt.want, "behind")), string(got))
					assert.Equal(t, tt.moved, moved)
				}
			})
		}
	}
	t.Run("other frames", func(t *testing.T) {
		raw := append(packets(t, 0), 0x89, 8) // a ping
		raw = append(raw, `{"op":7}`...)
		raw = append(raw, 0x01, 8) // the first part of a text
		raw = append(raw, `{"op":7}`...)
		raw = append(raw, 0x81, 0x88, 0, 0, 0, 0) // masked
		raw = append(raw, `{"op":7}`...)
		got, err := io.ReadAll(newSieve(read{Reader: bytes.NewReader(raw)}, func() { t.Error("moved") }))
		require.NoError(t, err)
		assert.Equal(t, raw, got)
	})
}

// FuzzSieve: whatever comes, what comes out of it is the same but for packets that are not to.
func FuzzSieve(f *testing.F) {
	f.Add(packets(f, 0, `{"op":7}`, "null", strings.Repeat("x", 200)))
	f.Add([]byte("\r\n\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\r\n\x81\xfe\x00\x01\x01\x02\x03\x04x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		moved := false
		got, _ := io.ReadAll(newSieve(read{Reader: iotest.OneByteReader(bytes.NewReader(raw))}, func() { moved = true }))
		if len(got) > len(raw) {
			t.Fatalf("%d bytes became %d", len(raw), len(got))
		}
		if !moved && !bytes.Contains(raw, []byte("null")) && !bytes.HasPrefix(raw, got) {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}
