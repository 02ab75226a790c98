package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"roomwarden/netease"
)

// slowDomain is how far away a domain may be for people to be answered at once.
const slowDomain = time.Second

// mostRooms is how many rooms of the policy file are looked up in NetEase.
const mostRooms = 30

// netease looks at each domain, at the key, and at the rooms of the policy file and who acts there.
func (d *doctor) netease(ctx context.Context) (r report) {
	if !d.sound(&r, "netease", "NETEASE_APP_KEY", "NETEASE_APP_SECRET", "NETEASE_BASE_URLS", "NETEASE_TIMEOUT", "NETEASE_RATE") {
		return r
	}
	client := newNetEase(d.set)
	var rooms []netease.RoomID
	for _, id := range d.policy.Rooms() {
		rooms = append(rooms, netease.RoomID(id))
	}
	probed := netease.RoomID(1)
	if len(rooms) > 0 {
		probed = rooms[0]
	}
	accepted := false
	for _, p := range client.Probe(ctx, probed) {
		if domain(&r, p) {
			accepted = true
		}
	}
	if accepted {
		d.rooms(ctx, &r, client, rooms)
	}
	return r
}

// domain tells of one domain, and whether the key was accepted there.
func domain(r *report, p netease.Probe) bool {
	const largeSkew, badSkew = time.Minute, 5 * time.Minute
	if p.Health != nil {
		r.broken("netease", "Look whether this machine reaches it, and whether NETEASE_BASE_URLS is right.", "%s is not healthy: %v", p.Base, p.Health)
	} else if p.Latency > slowDomain {
		r.warn("netease", "Look at the way from here to there: people wait for it with every command.", "%s is slow: %d ms away", p.Base, p.Latency.Milliseconds())
	} else {
		r.ok("netease", "%s is healthy, %d ms away", p.Base, p.Latency.Milliseconds())
	}
	switch skew := p.Skew.Abs(); {
	case !p.Dated:
	case skew >= badSkew:
		r.broken("netease", "Set this machine's clock (NTP).", "this machine's clock is %v off NetEase's; 5 minutes are the most it accepts", skew)
	case skew >= largeSkew:
		r.warn("netease", "Set this machine's clock (NTP).", "this machine's clock is %v off NetEase's", skew)
	}
	e, answered := errors.AsType[*netease.Error](p.Key)
	switch {
	case p.Key == nil:
		r.ok("netease", "the key is accepted at %s", p.Base)
		return true
	case answered && e.Code == netease.CodeTooManyCalls:
		r.warn("netease", "Try again in a minute. If it stays so, your servers use up NetEase's limit.", "%s refuses calls because there are too many; the key was not judged", p.Base)
	case answered:
		x := e.Explain()
		said := ""
		if e.Desc != "" {
			said = " NetEase's own words: “" + e.Desc + "”."
		}
		causes := make([]string, len(x.Causes))
		for i, c := range x.Causes {
			causes[i] = c.English
		}
		r.broken("netease", cmp.Or(strings.Join(causes, " "), x.Next.English), "a signed read was answered %d at %s: %s%s", int(x.Code), p.Base, x.What.English, said)
	default:
		r.broken("netease", "Look whether this machine reaches it.", "a signed read was not answered by %s: %v", p.Base, p.Key)
	}
	return false
}

// rooms looks each room up: whether there is one, whether it is open, and whether the accounts that act there may.
func (d *doctor) rooms(ctx context.Context, r *report, client *netease.Client, rooms []netease.RoomID) {
	if len(rooms) > mostRooms {
		r.warn("policy", "Look the others up in chat: /nim room.", "%d rooms are named; only the first %d were looked up", len(rooms), mostRooms)
		rooms = rooms[:mostRooms]
	}
	open := 0
	for _, id := range rooms {
		room, err := client.Room(ctx, id)
		switch {
		case errors.Is(err, netease.CodeNotFound):
			r.broken("policy", "Correct the number in the policy file, or take the room out.", "NetEase knows no room %d", id)
		case err != nil:
			r.warn("netease", "Run bot check again.", "room %d could not be read: %v", id, err)
		case !room.Open:
			r.warn("policy", "Its creator can open it again.", "room %d is closed", id)
		default:
			open++
			d.operators(ctx, r, client, id)
		}
	}
	if len(rooms) > 0 && open == len(rooms) {
		r.ok("policy", "rooms that the policy file names, known to NetEase and open: %d", open)
	}
}

// operators looks whether the accounts that act in a room are its creator or managers.
func (d *doctor) operators(ctx context.Context, r *report, client *netease.Client, room netease.RoomID) {
	var accounts []netease.AccID
	for _, id := range d.policy.AccIDs(int64(room)) {
		accounts = append(accounts, netease.AccID(id))
	}
	if operator := netease.AccID(d.set.NetEaseOperator); operator != "" && !slices.Contains(accounts, operator) {
		accounts = append(accounts, operator)
	}
	for _, account := range accounts {
		members, err := client.Members(ctx, room, []netease.AccID{account})
		if errors.Is(err, netease.CodeInvalid) {
			r.broken("policy", "Correct the accid, or NETEASE_OPERATOR.", "NetEase does not accept the account %s: is it registered?", account)
			continue
		}
		if err != nil {
			continue // the room itself could be read
		}
		acts := func(m netease.Member) bool {
			return m.AccID == account && (m.Type == "CREATOR" || m.Type == "MANAGER")
		}
		if !slices.ContainsFunc(members, acts) {
			r.warn("policy", "Make it a manager of the room.", "%s, which is to act in room %d, is neither its creator nor a manager: mutes there will be refused (403)", account, room)
		}
	}
}
