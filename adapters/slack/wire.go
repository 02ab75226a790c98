package slack

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// slack-go tells neither of Slack's pings nor why Slack ends a connection, so both are read off the wire.

// An ear knows what was heard on a connection. It may be used by many goroutines at once.
type ear struct {
	mu     sync.Mutex
	last   time.Time // when Slack pinged, or the connection was made
	reason string    // of the last disconnect that Slack announced
}

func (e *ear) heard() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = time.Now()
}

func (e *ear) silence() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Since(e.last)
}

func (e *ear) disconnect(reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reason = reason
}

// takeReason returns why Slack has announced the end of the connection, once; empty: it has not.
func (e *ear) takeReason() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	reason := e.reason
	e.reason = ""
	return reason
}

// dialer makes WebSockets on which e listens. Through a proxy it hears that something comes, and not what.
func (e *ear) dialer() *websocket.Dialer {
	d := &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: dialTime, WriteBufferSize: ackBuffer}
	if behindProxy() {
		d.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return e.on(conn, func([]byte) { e.heard() }, err)
		}
		return d
	}
	d.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return e.on(conn, (&frames{ear: e}).feed, err)
	}
	d.NetDialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(tls.Dialer).DialContext(ctx, network, address)
		return e.on(conn, (&frames{ear: e}).feed, err)
	}
	return d
}

// behindProxy tells whether the environment names a proxy for either of Slack's hosts.
func behindProxy() bool {
	for _, host := range []string{"wss-primary.slack.com", "wss-primary.slack-gov.com"} {
		r, err := http.NewRequest(http.MethodGet, "https://"+host, nil)
		if err != nil {
			return true
		}
		if proxy, err := http.ProxyFromEnvironment(r); proxy != nil || err != nil {
			return true
		}
	}
	return false
}

// on is a connection of which feed gets all that is read.
func (e *ear) on(conn net.Conn, feed func([]byte), err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	e.heard()
	return tapped{conn, feed}, nil
}

type tapped struct {
	net.Conn
	feed func([]byte)
}

func (t tapped) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.feed(p[:n])
	return n, err
}

// maxHeard is how much of a message is looked at: an announced disconnect is shorter.
const maxHeard = 4 << 10

// frames reads what a server sends: the end of its answer to the handshake, and then WebSocket frames.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-5.2
type frames struct {
	ear     *ear
	open    bool   // the handshake is over
	tail    []byte // of the handshake: the last three bytes
	head    []byte // of a frame whose payload has not begun
	left    uint64 // bytes of its payload that have not come
	message []byte // the text message so far, up to maxHeard
}

const (
	opText  = 1
	opClose = 8 // this and above: control frames, between those of a message
	opPing  = 9
)

func (f *frames) feed(p []byte) {
	if !f.open {
		all := append(f.tail, p...)
		end := bytes.Index(all, []byte("\r\n\r\n"))
		if end < 0 {
			f.tail = bytes.Clone(all[max(0, len(all)-3):])
			return
		}
		f.open, f.tail, p = true, nil, all[end+4:]
	}
	for len(p) > 0 || f.whole() {
		if !f.whole() {
			f.head = append(f.head, p[0])
			p = p[1:]
			if f.whole() {
				f.left = f.length()
			}
			continue
		}
		n := int(min(uint64(len(p)), f.left))
		if f.opcode() < opClose && len(f.message) < maxHeard {
			f.message = append(f.message, p[:min(n, maxHeard-len(f.message))]...)
		}
		p, f.left = p[n:], f.left-uint64(n)
		if f.left > 0 {
			return
		}
		f.ended()
		f.head = f.head[:0]
	}
}

func (f *frames) opcode() byte { return f.head[0] & 0x0f }

// whole tells whether all of a frame's head has come.
func (f *frames) whole() bool {
	if len(f.head) < 2 {
		return false
	}
	size := 2
	switch f.head[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.head[1]&0x80 != 0 { // masked, which a server's are not
		size += 4
	}
	return len(f.head) == size
}

// length is how long the payload is, by the head.
func (f *frames) length() uint64 {
	short := uint64(f.head[1] & 0x7f)
	extended := 0
	switch short {
	case 126:
		extended = 2
	case 127:
		extended = 8
	default:
		return short
	}
	n := uint64(0)
	for _, b := range f.head[2 : 2+extended] {
		n = n<<8 | uint64(b)
	}
	return n
}

// ended looks at a frame that is complete.
func (f *frames) ended() {
	switch {
	case f.opcode() == opPing:
		f.ear.heard()
		return
	case f.opcode() >= opClose || f.head[0]&0x80 == 0: // or more of the message follows
		return
	}
	if bytes.Contains(f.message, []byte("disconnect")) {
		var said struct{ Type, Reason string }
		if json.Unmarshal(f.message, &said) == nil && said.Type == "disconnect" {
			f.ear.disconnect(said.Reason)
		}
	}
	f.message = f.message[:0]
}
