package netease

import (
	"context"
	"strconv"
	"time"
)

// TemporaryMute mutes one account in one room for a time, or ends such a mute. A second mute replaces the first
// one's end, also by an earlier one, so a repeat does no harm while no other order has come between.
//
// https://doc.commsease.com/messaging/server-apis/DY1NTQwMDU?platform=server
func (c *Client) TemporaryMute(ctx context.Context, m TemporaryMute) error {
	f := newForm(OpTemporaryMute)
	f.room("roomid", m.RoomID)
	f.account("operator", m.Operator)
	f.account("target", m.Target)
	f.seconds("muteDuration", m.For, 0, MaxMute)
	f.notify(m.Quiet, m.NotifyExt)
	f.effect(m.RequestID, m.Repeated)
	_, err := c.call(ctx, f)
	return err
}

// MuteRoom silences a whole room but for its creator and managers, or ends that. It has no end of its own.
// Where it already is as wanted the answer is CodeAlready. A repeat does no harm.
//
// https://doc.commsease.com/messaging/server-apis/DY1NTQwMDU?platform=server
func (c *Client) MuteRoom(ctx context.Context, m MuteRoom) error {
	f := newForm(OpMuteRoom)
	f.room("roomid", m.RoomID)
	f.account("operator", m.Operator)
	f.fields["mute"] = strconv.FormatBool(m.Mute)
	f.notify(m.Quiet, m.NotifyExt)
	f.effect(m.RequestID, m.Repeated)
	_, err := c.call(ctx, f)
	return err
}

// UpdateDelayClosePolicy sets when a room closes by itself. Each success starts the count anew, with the same values too: a
// repeat moves the moment of closing, and is made only within two minutes of the call; with Repeated it is the caller who knows how old the
// order is. Nothing can read the timer back.
//
// It returns when the count began: NetEase's word, or else when the accepted attempt was sent.
//
// https://doc.commsease.com/messaging/server-apis/TI5ODE4NTg?platform=server
func (c *Client) UpdateDelayClosePolicy(ctx context.Context, u UpdateDelayClosePolicy) (started time.Time, err error) {
	f := newForm(OpUpdateDelayClosePolicy)
	f.room("roomid", u.RoomID)
	f.fields["delayClosePolicy"] = strconv.Itoa(int(u.Policy))
	switch u.Policy {
	case CloseFixed, CloseIdle:
		f.seconds("delaySeconds", u.Delay, time.Second, MaxDelay)
	case CloseOff:
		if u.Delay != 0 {
			f.invalid("delaySeconds", "a room that does not close by itself has no delay")
		}
	default:
		f.invalid("delayClosePolicy", "0, 1 or 2, not %d", u.Policy)
	}
	f.effect(u.RequestID, u.Repeated)
	got, err := c.call(ctx, f)
	if err != nil {
		return time.Time{}, err
	}
	return got.started(), nil
}

// started is when NetEase says it began to count. Where it says nothing, or something far from our clock, it is
// when the attempt was sent.
func (a answer) started() time.Time {
	const plausible = 10 * time.Minute
	var room wireRoom
	var info struct {
		StartTime number `json:"startTime"` // ms
	}
	if payload(a.body.Chatroom, &room) == nil && payload(room.DelayInfo, &info) == nil {
		if at := time.UnixMilli(int64(info.StartTime)); at.Sub(a.sent).Abs() < plausible {
			return at
		}
	}
	return a.sent
}

// Room reads what NetEase tells of a room, the people online counted. It changes nothing.
//
// https://doc.commsease.com/messaging/server-apis/jA0MzQxOTI?platform=server
func (c *Client) Room(ctx context.Context, id RoomID) (Room, error) {
	f := newForm(OpGet)
	f.room("roomid", id)
	f.fields["needOnlineUserCount"] = "true"
	got, err := c.call(ctx, f)
	if err != nil {
		return Room{}, err
	}
	var room wireRoom
	if err := payload(got.body.Chatroom, &room); err != nil {
		return Room{}, &CallError{Op: f.op, Sent: true, Last: err}
	}
	return room.room(), nil
}

// Members reads what NetEase tells of up to MaxQueryMembers accounts in a room. Who is neither online nor a fixed
// member is missing from the answer, muted or not. It changes nothing.
//
// https://doc.commsease.com/messaging/server-apis/zAzMjUxMzc?platform=server
func (c *Client) Members(ctx context.Context, id RoomID, accounts []AccID) ([]Member, error) {
	f := newForm(OpQueryMembers)
	f.room("roomid", id)
	f.accounts("accids", accounts)
	got, err := c.call(ctx, f)
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []wireMember `json:"data"`
	}
	if err := payload(got.body.Desc, &list); err != nil {
		return nil, &CallError{Op: f.op, Sent: true, Last: err}
	}
	members := make([]Member, len(list.Data))
	for i, w := range list.Data {
		members[i] = w.member()
	}
	return members, nil
}
