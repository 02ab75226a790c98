package netease

import (
	"errors"
	"time"
)

// A RoomID names a chat room: 1 and up; ids above 2^31 are in use.
type RoomID int64

// An AccID names an account: 1 to 32 of letters, digits and _ @ . -, lower case (NetEase lower-cases it).
type AccID string

// A Text is a sentence for people in both languages.
type Text struct{ English, Chinese string }

// An Op names an interface of the chat-room API: the last part of its path without ".action".
type Op string

const (
	OpTemporaryMute          Op = "temporaryMute"
	OpMuteRoom               Op = "muteRoom"
	OpUpdateDelayClosePolicy Op = "updateDelayClosePolicy"
	OpGet                    Op = "get"
	OpQueryMembers           Op = "queryMembers"
)

// Limits, checked before anything is sent.
//
// https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server and the pages of the calls.
const (
	MaxAccIDLength     = 32
	MaxMute            = 2_592_000 * time.Second // 30 days; 0 unmutes
	MaxDelay           = 604_800 * time.Second   // 7 days; also what NetEase takes when none is given
	MaxNotifyExtLength = 2048                    // characters
	MaxQueryMembers    = 200                     // accounts in one call
)

// A ClosePolicy is when a room closes by itself.
type ClosePolicy int

const (
	CloseOff   ClosePolicy = 0 // not by itself
	CloseFixed ClosePolicy = 1 // after the delay, with people inside or not
	CloseIdle  ClosePolicy = 2 // after the delay, counted from the moment the room is empty
)

// A TemporaryMute mutes one account in one room for a time, or with For = 0 ends such a mute.
type TemporaryMute struct {
	RoomID    RoomID
	Operator  AccID         // creator or manager of the room
	Target    AccID         // who is muted
	For       time.Duration // whole seconds, 0 to MaxMute
	Quiet     bool          // the room is not told; NetEase tells it by default
	NotifyExt string        // goes to every member's app; JSON, at most MaxNotifyExtLength characters
	RequestID string        // one per effect; empty: made here
	Repeated  bool          // see Repeating in the package comment; needs the RequestID of the earlier process
}

// A MuteRoom silences a whole room, or with Mute = false ends that. It has no end of its own.
type MuteRoom struct {
	RoomID    RoomID
	Operator  AccID // creator or manager of the room
	Mute      bool
	Quiet     bool
	NotifyExt string
	RequestID string
	Repeated  bool // as in TemporaryMute
}

// An UpdateDelayClosePolicy lets a room close by itself. NetEase asks for no operator: who may do it is ours to decide.
type UpdateDelayClosePolicy struct {
	RoomID    RoomID
	Policy    ClosePolicy
	Delay     time.Duration // whole seconds, 1 to MaxDelay; must be 0 with CloseOff
	RequestID string
	Repeated  bool // as in TemporaryMute; the count starts anew
}

// A Room is what NetEase tells of a chat room.
type Room struct {
	ID      RoomID
	Name    string // chosen by strangers
	Creator AccID
	Open    bool // "valid"
	Muted   bool // the whole room
	Online  int  // people in it; -1 when not told
}

// A Member is what NetEase tells of an account in a room.
type Member struct {
	AccID    AccID
	Type     string        // "CREATOR", "MANAGER", "COMMON", "LIMITED", "TEMPORARY"; as NetEase says it, and may be empty
	TempMute time.Duration // what is left of a temporary mute; 0: none
}

// What can be asked of an error, besides its Code (errors.Is(err, netease.CodeNotFound)).
var (
	// ErrNotSent: for certain NetEase has not seen the request.
	ErrNotSent = errors.New("not sent")
	// ErrNoAnswer: the request may have arrived, no readable answer came back.
	ErrNoAnswer = errors.New("no answer")
	// ErrNoTime: the caller's time was over, or nearly, before an attempt could begin.
	ErrNoTime = errors.New("no time left")
	// ErrNoLimit: the Limiter could not be asked, so the attempt was not made.
	ErrNoLimit = errors.New("the shared rate limit cannot be asked")
	// ErrNotReady: Ready forbade the attempt, so it was not made.
	ErrNotReady = errors.New("not ready to change anything")
)
