package permissions

import (
	"errors"
	"fmt"
	"slices"
)

// A Right is the name of something a person may be allowed to do, "mute".
type Right string

// A Grant is why a command is allowed.
type Grant struct {
	Moderator string // the name of the entry that allows it
	AccID     string // the NetEase account that entry acts as; empty: it has none of its own
	Personal  bool   // the entry names the person, and not only a group of theirs

	SkipConfirmation bool // whom it allows may go without confirmation
}

// Allow tells whether who has right in room: the first entry that says so, or a *Denied. With room 0 the command is
// about no single room, and an entry with the right will do whatever its rooms.
func (p *Policy) Allow(who Subject, right Right, room int64) (Grant, error) {
	entries := p.naming(who)
	for _, e := range entries {
		if e.grants(right) && (room == 0 || e.Rooms.Has(room)) {
			return Grant{Moderator: e.Moderator, AccID: e.AccID, Personal: e.personal(who), SkipConfirmation: e.SkipConfirmation}, nil
		}
	}
	return Grant{}, &Denied{Right: right, Room: room, Stranger: len(entries) == 0, Ask: p.ask(right)}
}

// ErrDenied is what every *Denied is: errors.Is(err, permissions.ErrDenied).
var ErrDenied = errors.New("permission denied")

// A Denied is a refusal. Nothing in it depends on whether the room exists.
type Denied struct {
	Right    Right
	Room     int64    // as asked for; 0: none
	Stranger bool     // no entry names this person at all
	Ask      []string // the first moderators, at most 3, who may do it in every room; where none may, in any
}

func (d *Denied) Error() string {
	what := string(d.Right)
	if d.Room != 0 {
		what = fmt.Sprintf("%s in room %d", d.Right, d.Room)
	}
	if d.Stranger {
		return fmt.Sprintf("%v: %s: no entry names this person", ErrDenied, what)
	}
	return fmt.Sprintf("%v: %s: no entry of this person grants it", ErrDenied, what)
}

func (d *Denied) Unwrap() error { return ErrDenied }

// ask names those to turn to for a right: who has it in all rooms, or, where nobody does, who has it in any.
func (p *Policy) ask(right Right) []string {
	const enough = 3
	var everywhere, somewhere []string
	for _, e := range p.all() {
		if !e.grants(right) {
			continue
		}
		if e.Rooms.All && len(everywhere) < enough {
			everywhere = append(everywhere, e.Moderator)
		}
		if len(somewhere) < enough {
			somewhere = append(somewhere, e.Moderator)
		}
	}
	if len(everywhere) > 0 {
		return everywhere
	}
	return somewhere
}

// A Reach is a set of rooms.
type Reach struct {
	All   bool    // every room there is
	Rooms []int64 // these, in ascending order; nil with All
}

// Has tells whether room is in r.
func (r Reach) Has(room int64) bool {
	if r.All {
		return true
	}
	_, found := slices.BinarySearch(r.Rooms, room)
	return found
}

// Reach is where who has right: the rooms of all their entries that grant it.
func (p *Policy) Reach(who Subject, right Right) Reach {
	var reach Reach
	for _, e := range p.naming(who) {
		if !e.grants(right) {
			continue
		}
		if e.Rooms.All {
			return Reach{All: true}
		}
		reach.Rooms = append(reach.Rooms, e.Rooms.Rooms...)
	}
	slices.Sort(reach.Rooms)
	reach.Rooms = slices.Compact(reach.Rooms)
	return reach
}

// An Entry is what one entry of the file says about a person it names.
type Entry struct {
	Moderator string
	AccID     string  // empty: none of its own
	Rights    []Right // in the order of the vocabulary, spelt out with AllRights too
	AllRights bool    // the file says "*"
	Rooms     Reach

	SkipConfirmation bool // yes=yes in a line goes without confirmation
}

func (e Entry) grants(right Right) bool { return slices.Contains(e.Rights, right) }

// Rooms are the rooms that the file names, in a list or by a name, in ascending order.
func (p *Policy) Rooms() []int64 {
	var rooms []int64
	for _, e := range p.all() {
		rooms = append(rooms, e.Rooms.Rooms...)
	}
	for _, name := range p.RoomNames() {
		rooms = append(rooms, p.ids[name])
	}
	slices.Sort(rooms)
	return slices.Compact(rooms)
}

// AccIDs are the accounts that entries act as in a room, each once, in the order of the file.
func (p *Policy) AccIDs(room int64) []string {
	var accounts []string
	for _, e := range p.all() {
		if e.AccID != "" && e.Rooms.Has(room) && !slices.Contains(accounts, e.AccID) {
			accounts = append(accounts, e.AccID)
		}
	}
	return accounts
}

// SlackIDs are the Slack users and user groups that the file names, "T0123/U0456", sorted, each once.
func (p *Policy) SlackIDs() []string {
	var ids []string
	for _, e := range p.all() {
		for i := range e.people {
			if i.list == slackUsers || i.list == slackGroups {
				ids = append(ids, i.value)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Entries are the entries that name who, in the order of the file; none for a stranger.
func (p *Policy) Entries(who Subject) []Entry {
	var named []Entry
	for _, e := range p.naming(who) {
		e.Rights = slices.Clone(e.Rights)
		e.Rooms.Rooms = slices.Clone(e.Rooms.Rooms)
		named = append(named, e.Entry)
	}
	return named
}

// naming are the entries that name who.
func (p *Policy) naming(who Subject) []entry {
	ids := idsOf(who)
	var named []entry
	for _, e := range p.all() {
		if slices.ContainsFunc(ids, func(i id) bool { return e.people[i] }) {
			named = append(named, e)
		}
	}
	return named
}

// personal tells whether the entry names who by an id of their own.
func (e entry) personal(who Subject) bool {
	who.Groups = nil
	return slices.ContainsFunc(idsOf(who), func(i id) bool { return e.people[i] })
}

// idsOf are all the ways in which a policy file can name who: none without a user id.
func idsOf(who Subject) []id {
	if who.User == "" {
		return nil
	}
	var ids []id
	switch who.Platform {
	case Slack:
		ids = append(ids, id{slackUsers, who.Space + "/" + who.User})
		if who.Org != "" {
			ids = append(ids, id{slackUsers, who.Org + "/" + who.User})
		}
		for _, group := range who.Groups {
			ids = append(ids, id{slackGroups, who.Space + "/" + group})
		}
	case Discord:
		ids = append(ids, id{discordUsers, who.User})
		for _, role := range who.Groups {
			ids = append(ids, id{discordRoles, role})
		}
	case Console:
		ids = append(ids, id{consoleNames, who.User})
	}
	return ids
}
