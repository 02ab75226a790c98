package sandbox

import (
	"maps"
	"slices"
	"time"

	"roomwarden/netease"
)

// A State is a room at one moment.
type State struct {
	ID          netease.RoomID
	Name        string
	Creator     netease.AccID
	Open, Muted bool
	Online      []netease.AccID // in the order of their names
	Members     []Member        // who is online, fixed, or under a temporary mute, in the order of their names
	Timer       Timer
}

// A Member is an account in a State.
type Member struct {
	AccID    netease.AccID
	Type     string // Creator, Manager, Common, Guest
	Online   bool
	TempMute time.Duration // what is left of a temporary mute; 0: none
}

// State is a snapshot of a room, which later calls do not change; false when there is no such room.
func (s *Sandbox) State(id netease.RoomID) (State, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	r := s.room(id, now)
	if r == nil {
		return State{}, false
	}

	everyone := make(map[netease.AccID]bool)
	for id := range r.fixed {
		everyone[id] = true
	}
	for id := range r.online {
		everyone[id] = true
	}
	for id := range r.mutes {
		everyone[id] = true
	}
	members := make([]Member, 0, len(everyone))
	for _, id := range slices.Sorted(maps.Keys(everyone)) {
		m := Member{AccID: id, Type: r.typeOf(id)}
		_, m.Online = r.online[id]
		if until, muted := r.mutes[id]; muted {
			m.TempMute = until.Sub(now)
		}
		members = append(members, m)
	}
	return State{
		ID: r.id, Name: r.name, Creator: r.creator, Open: r.open, Muted: r.muted,
		Online: slices.Sorted(maps.Keys(r.online)), Members: members, Timer: r.timer,
	}, true
}
