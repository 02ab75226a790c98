package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"roomwarden/netease"
)

// Types of people in a room. Creator, managers and common members are fixed: they belong to the room also while they
// are away. A guest's tie ends on leaving.
//
// https://doc.yunxin.163.com/messaging2/guide/Dc4NTY1ODQ?platform=client
const (
	Creator = "CREATOR"
	Manager = "MANAGER"
	Common  = "COMMON"
	Guest   = "TEMPORARY"
)

// A Room is a room as AddRoom makes it. ID and Creator are required.
type Room struct {
	ID               netease.RoomID
	Name             string
	Creator          netease.AccID
	Managers, Common []netease.AccID
	NoTimedClose     bool // made before the app had timed closing: 13009 (an assumption)
	Closed, Muted    bool
}

// room is a room as it stands.
type room struct {
	id           netease.RoomID
	name         string
	creator      netease.AccID
	noTimedClose bool
	open, muted  bool
	fixed        map[netease.AccID]string    // account to type
	online       map[netease.AccID]time.Time // account to when it came
	mutes        map[netease.AccID]time.Time // account to when its temporary mute ends
	timer        Timer
}

// AddRoom makes a room with nobody in it, in place of any other with its number, and registers the accounts it names.
func (s *Sandbox) AddRoom(r Room) {
	made := &room{
		id: r.ID, name: r.Name, creator: lower(r.Creator), noTimedClose: r.NoTimedClose,
		open: !r.Closed, muted: r.Muted,
		fixed:  make(map[netease.AccID]string),
		online: make(map[netease.AccID]time.Time),
		mutes:  make(map[netease.AccID]time.Time),
	}
	for _, id := range r.Common {
		made.fixed[lower(id)] = Common
	}
	for _, id := range r.Managers {
		made.fixed[lower(id)] = Manager
	}
	made.fixed[made.creator] = Creator

	s.mu.Lock()
	defer s.mu.Unlock()
	s.register(slices.Collect(maps.Keys(made.fixed))...)
	s.rooms[r.ID] = made
}

// Enter brings registered accounts into an open room: all of them, or on an error nobody. Who is in already stays.
func (s *Sandbox) Enter(id netease.RoomID, who ...netease.AccID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	r := s.room(id, now)
	if r == nil {
		return fmt.Errorf("enter room %d: %w", id, errNoRoom)
	}
	if !r.open {
		return fmt.Errorf("enter room %d: it is closed", id)
	}
	for _, a := range who {
		if !s.accounts[lower(a)] {
			return fmt.Errorf("enter room %d: %s is not registered", id, a)
		}
	}
	for _, a := range who {
		r.enter(lower(a), now)
	}
	return nil
}

// Leave takes accounts out of a room. Who is not in it is passed over.
func (s *Sandbox) Leave(id netease.RoomID, who ...netease.AccID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	r := s.room(id, now)
	if r == nil {
		return fmt.Errorf("leave room %d: %w", id, errNoRoom)
	}
	for _, a := range who {
		r.leave(lower(a), now)
	}
	return nil
}

var errNoRoom = errors.New("no such room")

// room is the room as it stands now, nil when there is none.
func (s *Sandbox) room(id netease.RoomID, now time.Time) *room {
	r := s.rooms[id]
	if r != nil {
		r.settle(now)
	}
	return r
}

// settle does what time has done since somebody last looked.
func (r *room) settle(now time.Time) {
	maps.DeleteFunc(r.mutes, func(_ netease.AccID, until time.Time) bool { return !now.Before(until) })
	if r.timer.due(now) {
		r.timer.Status = Done
		r.open = false
		clear(r.online)
	}
}

// governs tells whether an account is the creator or a manager.
func (r *room) governs(who netease.AccID) bool {
	return r.fixed[who] == Creator || r.fixed[who] == Manager
}

// mayMute tells whether an operator may act on a target: the creator on everyone else, a manager on all but the creator and managers.
func (r *room) mayMute(operator, target netease.AccID) bool {
	if operator == target {
		return false
	}
	return r.fixed[operator] == Creator || !r.governs(target)
}

func (r *room) mute(who netease.AccID, d time.Duration, now time.Time) {
	delete(r.mutes, who)
	if d > 0 {
		r.mutes[who] = now.Add(d)
	}
}

// typeOf is the type of somebody who is fixed or in the room.
func (r *room) typeOf(who netease.AccID) string {
	if t, ok := r.fixed[who]; ok {
		return t
	}
	return Guest
}

func (r *room) enter(who netease.AccID, now time.Time) {
	if _, in := r.online[who]; in {
		return
	}
	r.online[who] = now
	r.timer.occupied()
}

func (r *room) leave(who netease.AccID, now time.Time) {
	delete(r.online, who)
	if len(r.online) == 0 {
		r.timer.empty(now)
	}
}

func (r *room) setTimer(policy netease.ClosePolicy, delay time.Duration, now time.Time) {
	r.timer = newTimer(policy, delay, now)
	if len(r.online) > 0 {
		r.timer.occupied()
	}
}
