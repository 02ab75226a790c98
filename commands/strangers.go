package commands

import (
	"fmt"
	"sync"
	"time"

	"roomwarden/permissions"
)

// refusalsKept is how many refusals of one stranger a minute have entries of their own; the others of that minute share one.
const refusalsKept = 10

// strangers counts what people ask whom no entry of the policy file names, so that they cannot fill the journal.
type strangers struct {
	mu     sync.Mutex
	minute int64
	counts map[string]int
}

// key is the journal key of a request. shared tells that it is not the request's own.
func (s *strangers) key(policy *permissions.Policy, req Request) (key string, shared bool) {
	if len(policy.Entries(req.Who)) > 0 {
		return req.Key, false
	}
	who := string(req.Who.Platform) + ":" + req.Who.ID()
	minute := req.At.Unix() / int64(time.Minute/time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil || s.minute != minute {
		s.minute, s.counts = minute, map[string]int{}
	}
	s.counts[who]++
	if s.counts[who] <= refusalsKept {
		return req.Key, false
	}
	return fmt.Sprintf("strangers:%s:%d", who, minute), true
}
