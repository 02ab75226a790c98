package sandbox

import (
	"time"

	"roomwarden/netease"
)

// A Status is where a delay-close timer stands: "status" in delayInfo.
type Status int

const (
	Started   Status = 1 // it counts
	Waiting   Status = 2 // it will count once the room is empty
	Done      Status = 3 // it has closed the room
	Cancelled Status = 4
)

// A Timer is the delay-close timer of a room. The zero Timer was never set.
type Timer struct {
	Policy   netease.ClosePolicy
	Delay    time.Duration
	Start    time.Time // when the count last began; before it first did, when the timer was set
	Status   Status
	ClosesAt time.Time // zero unless it has started or is done
}

// newTimer is a timer as it is set for an empty room.
func newTimer(policy netease.ClosePolicy, delay time.Duration, now time.Time) Timer {
	if policy == netease.CloseOff {
		return Timer{Policy: policy, Start: now, Status: Cancelled}
	}
	return Timer{Policy: policy, Delay: delay, Start: now, Status: Started, ClosesAt: now.Add(delay)}
}

// occupied tells the timer that somebody is in the room: one for idle rooms stops counting.
func (t *Timer) occupied() {
	if t.Policy == netease.CloseIdle && t.Status == Started {
		t.Status, t.ClosesAt = Waiting, time.Time{}
	}
}

// empty tells the timer that the last one has left: one for idle rooms starts from the beginning.
func (t *Timer) empty(now time.Time) {
	if t.Policy == netease.CloseIdle && t.Status == Waiting {
		t.Status, t.Start, t.ClosesAt = Started, now, now.Add(t.Delay)
	}
}

// due tells whether the room has to close.
func (t *Timer) due(now time.Time) bool { return t.Status == Started && !now.Before(t.ClosesAt) }
