package slack

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

const handshake = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

// frame is a server's WebSocket frame.
func frame(first byte, payload string) string {
	head := []byte{first}
	switch n := len(payload); {
	case n < 126:
		head = append(head, byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 127), uint64(n))
	}
	return string(head) + payload
}

const (
	final = 0x80
	more  = 0x00
	cont  = 0
)

func TestFrames(t *testing.T) {
	long := `{"type":"slash_commands","payload":"` + string(bytes.Repeat([]byte("x"), 70_000)) + `"}`
	for _, tt := range []struct {
		name, wire string
		pings      bool
		reason     string
	}{
		{"nothing yet", handshake[:30], false, ""},
		{"the handshake", handshake, false, ""},
		{"a ping", handshake + frame(final|opPing, "x"), true, ""},
		{"a pong is no ping", handshake + frame(final|10, "x"), false, ""},
		{"a message", handshake + frame(final|opText, long), false, ""},
		{"a disconnect", handshake + frame(final|opText, `{"type":"disconnect","reason":"link_disabled","debug_info":{}}`), false, "link_disabled"},
		{"the last of two", handshake + frame(final|opText, `{"type":"disconnect","reason":"warning"}`) + frame(final|opText, long) + frame(final|opText, `{"type":"disconnect","reason":"refresh_requested"}`), false, "refresh_requested"},
		{"in pieces, with a ping between", handshake + frame(more|opText, `{"type":"disc`) + frame(final|opPing, "") + frame(final|cont, `onnect","reason":"warning"}`), true, "warning"},
		{"only in words", handshake + frame(final|opText, `{"type":"slash_commands","text":"{\"type\":\"disconnect\",\"reason\":\"warning\"}"}`), false, ""},
		{"broken", handshake + frame(final|opText, `{"type":"disconnect","reason":`) + frame(final|opPing, ""), true, ""},
		{"a masked ping", handshake + "\x89\x80abcd" + frame(final|opPing, ""), true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, len(tt.wire)} { // however it comes in
				synctest.Test(t, func(t *testing.T) {
					e := &ear{}
					e.heard()
					time.Sleep(time.Minute)
					f := &frames{ear: e}
					for rest := []byte(tt.wire); len(rest) > 0; {
						n := min(size, len(rest))
						f.feed(rest[:n])
						rest = rest[n:]
					}
					assert.Equal(t, tt.pings, e.silence() == 0, "in pieces of %d", size)
					assert.Equal(t, tt.reason, e.takeReason(), "in pieces of %d", size)
					assert.Empty(t, e.takeReason())
				})
			}
		})
	}
}

// FuzzFrames: whatever a server sends, nothing panics, and where it is cut makes no difference.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(frame(final|opText, `{"type":"disconnect","reason":"warning"}`)), 3)
	f.Add([]byte("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffabcd"), 1)
	f.Fuzz(func(t *testing.T, wire []byte, cut int) {
		whole, parts := &ear{}, &ear{}
		(&frames{ear: whole, open: true}).feed(wire)
		p := &frames{ear: parts, open: true}
		cut = max(0, min(cut, len(wire)))
		p.feed(wire[:cut])
		p.feed(wire[cut:])
		assert.Equal(t, whole.reason, parts.reason)
		assert.Equal(t, whole.last.IsZero(), parts.last.IsZero())
		assert.LessOrEqual(t, len(p.message), maxHeard)
	})
}
