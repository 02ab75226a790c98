package sandbox

import (
	"time"

	"roomwarden/netease"
)

// interfaces are the calls this NetEase knows. Each reads its parameters, then looks at the room, then acts.
var interfaces = map[netease.Op]func(*Sandbox, *params, time.Time) (any, *refusal){
	netease.OpTemporaryMute:          (*Sandbox).temporaryMute,
	netease.OpMuteRoom:               (*Sandbox).muteRoom,
	netease.OpUpdateDelayClosePolicy: (*Sandbox).updateDelayClosePolicy,
	netease.OpGet:                    (*Sandbox).get,
	netease.OpQueryMembers:           (*Sandbox).queryMembers,
}

// temporaryMute silences a member for a time, in place of any former temporary mute; muteDuration 0 ends it.
func (s *Sandbox) temporaryMute(p *params, now time.Time) (any, *refusal) {
	id, operator, target := p.room(), p.account("operator"), p.account("target")
	seconds := p.number("muteDuration", 0, int64(netease.MaxMute/time.Second))
	p.notice()
	if no := p.wrong(); no != nil {
		return nil, no
	}

	room, no := s.openRoom(id, now)
	if no != nil {
		return nil, no
	}
	if !room.governs(operator) || !room.mayMute(operator, target) {
		return nil, &refusal{Code: codeForbidden}
	}
	room.mute(target, time.Duration(seconds)*time.Second, now)
	return muteDurationAnswer(seconds), nil
}

// muteRoom silences everyone but creator and managers, or ends that.
func (s *Sandbox) muteRoom(p *params, now time.Time) (any, *refusal) {
	id, operator := p.room(), p.account("operator")
	mute := p.boolean("mute", p.value("mute"))
	p.notice()
	if no := p.wrong(); no != nil {
		return nil, no
	}

	room, no := s.openRoom(id, now)
	if no != nil {
		return nil, no
	}
	if !room.governs(operator) {
		return nil, &refusal{Code: codeForbidden}
	}
	if room.muted == mute {
		return nil, &refusal{Code: codeAlready}
	}
	room.muted = mute
	return successAnswer(), nil
}

// updateDelayClosePolicy sets the timer that closes the room. The count starts anew each time; there is no operator.
func (s *Sandbox) updateDelayClosePolicy(p *params, now time.Time) (any, *refusal) {
	id := p.room()
	policy := netease.ClosePolicy(p.number("delayClosePolicy", int64(netease.CloseOff), int64(netease.CloseIdle)))
	delay := netease.MaxDelay
	if v, given := p.optional("delaySeconds"); given {
		delay = time.Duration(p.inRange("delaySeconds", v, 1, int64(netease.MaxDelay/time.Second))) * time.Second
		if policy == netease.CloseOff {
			p.refuse(illegal("delaySeconds"))
		}
	}
	if no := p.wrong(); no != nil {
		return nil, no
	}

	room, no := s.openRoom(id, now)
	if no != nil {
		return nil, no
	}
	if room.noTimedClose {
		return nil, &refusal{Code: codeNoTimedClose}
	}
	room.setTimer(policy, delay, now)
	return delayCloseAnswer(room), nil
}

// get tells of a room, open or closed.
func (s *Sandbox) get(p *params, now time.Time) (any, *refusal) {
	id := p.room()
	count := false
	if v, given := p.optional("needOnlineUserCount"); given {
		count = p.boolean("needOnlineUserCount", v)
	}
	if no := p.wrong(); no != nil {
		return nil, no
	}

	room := s.room(id, now)
	if room == nil {
		return nil, &refusal{Code: codeNotFound}
	}
	return roomAnswer(room, count), nil
}

// queryMembers tells of members, one row for each account that is online or fixed.
func (s *Sandbox) queryMembers(p *params, now time.Time) (any, *refusal) {
	id, ids := p.room(), p.accountList("accids")
	if no := p.wrong(); no != nil {
		return nil, no
	}

	room := s.room(id, now)
	if room == nil {
		return nil, &refusal{Code: codeNotFound}
	}
	return membersAnswer(room, ids, now), nil
}

// openRoom is the room where something is to be changed.
func (s *Sandbox) openRoom(id netease.RoomID, now time.Time) (*room, *refusal) {
	r := s.room(id, now)
	if r == nil {
		return nil, &refusal{Code: codeNotFound}
	}
	if !r.open {
		return nil, &refusal{Code: codeClosed}
	}
	return r, nil
}
