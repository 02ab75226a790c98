package commands

import (
	"sync"

	"roomwarden/permissions"
)

const (
	// maxUnderWay is how many commands may be under way in this process, maxPerPerson how many of one person. Others are told to come back:
	// nobody waits in a line whose end they could not reach within Budget, and one person's flood leaves room for the others.
	maxUnderWay  = 1024
	maxPerPerson = 16
)

// admission counts the commands that are under way. The zero value is ready.
type admission struct {
	mu    sync.Mutex
	total int
	of    map[string]int // by person
}

// enter makes room for a command, or reports that there is none. Whoever has entered must leave.
func (a *admission) enter(who permissions.Subject) (leave func(), ok bool) {
	person := string(who.Platform) + ":" + who.ID()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.total == maxUnderWay || a.of[person] == maxPerPerson {
		return nil, false
	}
	if a.of == nil {
		a.of = map[string]int{}
	}
	a.total++
	a.of[person]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.total--
		if a.of[person]--; a.of[person] == 0 {
			delete(a.of, person)
		}
	}, true
}
