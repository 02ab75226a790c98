package sandbox

import (
	"slices"
	"time"

	"roomwarden/netease"
)

// The quota of one interface.
//
// https://doc.yunxin.163.com/messaging2/concept/TM3MTAxNzE?platform=client
const (
	callsPerSecond = 100
	restAfterwards = 10 * time.Second
)

// A limit is the quota of one interface: at most 100 calls in any second, one more and it rests for 10 s.
type limit struct {
	recent []time.Time // the calls let through in the last second, oldest first
	rests  time.Time   // until then nothing passes
}

// limit is the limit of op.
func (s *Sandbox) limit(op netease.Op) *limit {
	if s.limits[op] == nil {
		s.limits[op] = new(limit)
	}
	return s.limits[op]
}

// allow counts a call and tells whether it may pass.
func (l *limit) allow(now time.Time) bool {
	if now.Before(l.rests) {
		return false
	}
	l.recent = slices.DeleteFunc(l.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(l.recent) == callsPerSecond {
		l.rests = now.Add(restAfterwards)
		return false
	}
	l.recent = append(l.recent, now)
	return true
}

// keepIDs is how long a RequestId is known (an assumption). With the rate limit in front of it, that bounds their number
// to 60,000 per interface.
const keepIDs = 10 * time.Minute

// requestIDs are the ids seen lately.
type requestIDs struct {
	ids   map[string]bool
	order []seenID // the oldest first
}

type seenID struct {
	id string
	at time.Time
}

// first remembers id and tells whether it was new.
func (r *requestIDs) first(id string, now time.Time) bool {
	for len(r.order) > 0 && now.Sub(r.order[0].at) >= keepIDs {
		delete(r.ids, r.order[0].id)
		r.order = r.order[1:]
	}
	if r.ids[id] {
		return false
	}
	r.ids[id] = true
	r.order = append(r.order, seenID{id, now})
	return true
}
