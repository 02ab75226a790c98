package netease

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Probe is what one domain says of itself and of our key.
type Probe struct {
	Base    string
	Latency time.Duration // of the health call
	Health  error         // nil: HTTP 200
	Skew    time.Duration // NetEase's clock minus ours, to the second; only where Dated
	Dated   bool
	Key     error // nil: a signed read was accepted; ErrNotSent or ErrNoAnswer: not found out
}

// Probe asks each base how it is, by its health page and by a signed read that changes nothing: of a room, known or not. The order is
// that of Bases.
//
// https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server
func (c *Client) Probe(ctx context.Context, room RoomID) []Probe {
	bases := c.Bases
	if len(bases) == 0 {
		bases = []string{DefaultBase}
	}
	probes := make([]Probe, len(bases))
	for i, base := range bases {
		base = strings.TrimRight(base, "/")
		probes[i] = c.health(ctx, base)
		probes[i].Key = c.tryKey(ctx, base, room)
	}
	return probes
}

func (c *Client) health(ctx context.Context, base string) Probe {
	p := Probe{Base: base}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/health/liveness.action", nil)
	if err != nil {
		p.Health = errors.New("the base address is not a URL")
		return p
	}
	at := time.Now()
	resp, err := c.httpClient().Do(req)
	p.Latency = time.Since(at)
	if err != nil {
		p.Health = withoutURL(err)
		return p
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswerBytes))
	if _, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		p.Skew, p.Dated = skew(resp.Header, at.Add(p.Latency/2)), true
	}
	if resp.StatusCode != http.StatusOK {
		p.Health = &statusError{resp.StatusCode}
	}
	return p
}

// tryKey reads a room. That there is none proves the key as well as that there is one.
func (c *Client) tryKey(ctx context.Context, base string, room RoomID) error {
	f := newForm(OpGet)
	f.room("roomid", room)
	if f.err != nil {
		return f.err
	}
	if err := c.admit(ctx, f.op); err != nil {
		return &CallError{Op: f.op, Last: err}
	}
	_, sent, err := c.try(ctx, base, f)
	if errors.Is(err, CodeNotFound) || errors.Is(err, CodeRoomClosed) {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if err != nil {
		return &CallError{Op: f.op, Sent: sent, Last: err}
	}
	return nil
}
