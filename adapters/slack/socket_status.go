package slack

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// remembered is how long Status tells that a connection was deaf.
const remembered = 10 * time.Minute

// A SocketStatus is how the connections are.
type SocketStatus struct {
	Live       int    // of them, how many Slack has said hello on
	Wanted     int    // how many there should be
	Refused    string // why Slack takes no new ones, for good, and what to do; empty: it does
	Counted    int    // how many Slack counted when it last said hello; more than Wanted are another process's
	Deaf       int    // how many were replaced, so far, because nothing was heard of Slack
	Reconnects int    // how often a connection was made again, so far, for whatever reason
	AcksLost   int    // how many acknowledgements could not be given, so far
	trouble    string
}

// Failed tells that Slack will not be heard again before somebody mends something.
func (s SocketStatus) Failed() bool { return s.Refused != "" && s.Live == 0 }

// Trouble is what is wrong, in a sentence; empty: nothing.
func (s SocketStatus) Trouble() string {
	switch {
	case s.Failed():
		return "Socket Mode has ended: " + s.Refused + "."
	case s.Refused != "":
		return fmt.Sprintf("Socket Mode ends with the last connection, and %d are left: %s.", s.Live, s.Refused)
	}
	return s.trouble
}

// Note is what is worth knowing, and not wrong; empty: nothing.
func (s SocketStatus) Note() string {
	if s.Counted > s.Wanted {
		return fmt.Sprintf("Slack counts %d connections, and %d are this process's: another one takes a share of the commands.", s.Counted, s.Wanted)
	}
	return ""
}

// Status tells how the connections are.
func (s *Socket) Status() SocketStatus { return s.state.status(s.wanted()) }

// A socketState is what Status tells. The zero value is ready.
type socketState struct {
	mu      sync.Mutex
	lines   map[int]lineState
	all     SocketStatus
	deafAt  time.Time // when a connection was found deaf, last
	foreign int       // hellos in a row that counted more connections than are ours
	told    bool      // that there are others
}

type lineState struct {
	live    bool
	problem string // why it is not, in a few words
}

// connecting notes that a connection is being made.
func (s *socketState) connecting(line int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.line(line)
	if l.live {
		s.all.Reconnects++
	}
	l.live = false
	s.lines[line] = l
}

// up notes that Slack has said hello, and tells whether it is now sure that some of the connections that it counts are not ours. One that is ending may be
// counted still, so it takes two hellos in a row. But as long as none of ours has ended, one is enough: the last of the first ones counts most, and they
// may come in any order. (Those of the process before may be counted for a moment, too; then it is told until the next of ours is made anew.)
func (s *socketState) up(line, counted, wanted int) (others bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line(line)
	s.lines[line] = lineState{live: true}
	first := s.all.Reconnects == 0
	switch {
	case counted > wanted:
		s.foreign++
	case !first:
		s.foreign = 0
	}
	switch sure := s.foreign >= min(wanted, 2) || first && s.foreign > 0; {
	case sure && counted > wanted:
		s.all.Counted = counted
		others, s.told = !s.told, true
	case !sure:
		s.all.Counted, s.told = min(counted, wanted), false
	}
	return others
}

// down notes that a connection is not there, and why; nil: that is as it should be.
func (s *socketState) down(line int, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.line(line)
	if l.live {
		s.all.Reconnects++
	}
	l.live, l.problem = false, ""
	if why != nil {
		l.problem = connectionFailure(why)
	}
	if why == errDeaf {
		s.all.Deaf++
		s.deafAt = time.Now()
	}
	s.lines[line] = l
}

func (s *socketState) refuse(word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Refused = fmt.Sprintf("%s (%s)", refusedFor(word), word)
}

func (s *socketState) ackLost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.AcksLost++
}

func (s *socketState) line(line int) lineState {
	if s.lines == nil {
		s.lines = make(map[int]lineState)
	}
	return s.lines[line]
}

func (s *socketState) status(wanted int) SocketStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	all.Wanted = wanted
	var problems []string
	for i := range wanted {
		switch l := s.lines[i]; {
		case l.live:
			all.Live++
		case l.problem != "":
			problems = append(problems, l.problem)
		}
	}
	if all.Live < wanted {
		all.trouble = fmt.Sprintf("Of %d connections to Slack %d are up", wanted, all.Live)
		if len(problems) > 0 {
			slices.Sort(problems)
			all.trouble += ": " + strings.Join(slices.Compact(problems), "; ")
		}
		all.trouble += "."
	} else if !s.deafAt.IsZero() && time.Since(s.deafAt) < remembered {
		all.trouble = fmt.Sprintf("A connection on which nothing was heard of Slack for %v was replaced %v ago.", deafAfter, time.Since(s.deafAt).Round(time.Second))
	}
	return all
}
