package discord

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"strings"
)

// A sieve is a WebSocket to the gateway as discordgo can live with it. Told that Discord wants another connection (op 7), discordgo would close this one
// on the spot, unread what is on its way, or, where that is the first packet, wait for itself for ever; and null for a packet would end the process. The
// sieve puts a harmless packet of the same length in the place of each, and tells of the first. It sits above TLS, and looks at packets in one short frame
// alone: these are.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes
// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
type sieve struct {
	net.Conn
	in    *bufio.Reader
	moved func() // Discord wants another connection

	within bool   // a line of the handshake
	framed bool   // the handshake is over
	out    []byte // read, and not given yet
	left   uint64 // bytes of a longer frame that are given as they come
}

func newSieve(conn net.Conn, moved func()) *sieve {
	return &sieve{Conn: conn, in: bufio.NewReader(conn), moved: moved}
}

func (s *sieve) Read(p []byte) (int, error) {
	for len(s.out) == 0 && s.left == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	if len(s.out) > 0 {
		n := copy(p, s.out)
		s.out = s.out[n:]
		return n, nil
	}
	n, err := s.in.Read(p[:min(uint64(len(p)), s.left)])
	s.left -= uint64(n)
	return n, err
}

// next reads a line of the handshake, a short frame, or the head of a longer one.
func (s *sieve) next() error {
	if !s.framed {
		line, err := s.in.ReadSlice('\n')
		s.framed = err == nil && !s.within && string(line) == "\r\n"
		if s.within = err == bufio.ErrBufferFull; s.within {
			err = nil
		}
		s.out = bytes.Clone(line)
		return err
	}
	head, err := s.in.Peek(2)
	if err != nil {
		return err
	}
	size, length := 2, uint64(head[1]&0x7f)
	switch length {
	case 126:
		size += 2
	case 127:
		size += 8
	default:
		size += int(length)
	}
	if head[1]&0x80 != 0 { // masked, which a server's are not
		size += 4
	}
	whole, err := s.in.Peek(size)
	if err != nil {
		return err
	}
	s.out = bytes.Clone(whole)
	if _, err := s.in.Discard(size); err != nil {
		return err
	}
	switch text := s.out[0] == 0x81 && s.out[1]&0x80 == 0; { // whole, not compressed, not masked
	case length >= 126:
		for _, b := range s.out[2 : 2+map[uint64]int{126: 2, 127: 8}[length]] {
			s.left = s.left<<8 | uint64(b)
		}
	case text:
		s.sift(s.out[2:])
	}
	return nil
}

// sift puts another packet in the place of one.
func (s *sieve) sift(packet []byte) {
	const nothing, heartbeat = "[]", `{"op":1}` // what cannot be read; a wish for a heartbeat
	var p struct {
		Op int `json:"op"`
	}
	if string(bytes.TrimSpace(packet)) == "null" {
		put(packet, nothing)
	} else if json.Unmarshal(packet, &p) == nil && p.Op == 7 && len(packet) >= len(heartbeat) {
		put(packet, heartbeat)
		s.moved()
	}
}

// put writes a packet over one that is no shorter.
func put(packet []byte, other string) {
	copy(packet, other+strings.Repeat(" ", len(packet)-len(other)))
}
