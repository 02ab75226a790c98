package permissions

import (
	"fmt"
	"maps"
	"slices"
)

// A Policy is what a policy file says. It does not change, and any number of goroutines may ask it. A nil Policy, and
// an empty one, allow nothing.
type Policy struct {
	entries []entry
	ids     map[string]int64 // rooms by name
	names   map[int64]string // and back
	confirm []Right
}

// An entry is an Entry with the people it is about.
type entry struct {
	Entry
	line   int
	people map[id]bool
}

// An id is how a policy file names people: one item of one of these lists.
type id struct{ list, value string }

// The keys whose lists name people.
const (
	slackUsers   = "slack"
	discordUsers = "discord"
	slackGroups  = "slack_groups"
	discordRoles = "discord_roles"
	consoleNames = "console"
)

func (p *Policy) all() []entry {
	if p == nil {
		return nil
	}
	return p.entries
}

// Confirms tells whether the file wants a command to be confirmed before it is carried out.
func (p *Policy) Confirms(right Right) bool { return p != nil && slices.Contains(p.confirm, right) }

// Room is the id of the room with a name, given in lower case.
func (p *Policy) Room(name string) (int64, bool) {
	if p == nil {
		return 0, false
	}
	room, ok := p.ids[name]
	return room, ok
}

// RoomName is the name of a room, empty when the file has none for it.
func (p *Policy) RoomName(room int64) string {
	if p == nil {
		return ""
	}
	return p.names[room]
}

// RoomNames are the names of rooms, sorted.
func (p *Policy) RoomNames() []string {
	if p == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(p.ids))
}

// NoAccID are the moderators without an accid, in the order of the file: the bot needs an operator to act for them.
func (p *Policy) NoAccID() []string {
	var names []string
	for _, e := range p.all() {
		if e.AccID == "" {
			names = append(names, e.Moderator)
		}
	}
	return names
}

// SlackGroups are the Slack user groups that the file names, "T0123/S0789", sorted, each once.
func (p *Policy) SlackGroups() []string {
	groups := map[string]bool{}
	for _, e := range p.all() {
		for i := range e.people {
			if i.list == slackGroups {
				groups[i.value] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(groups))
}

// Warnings are sentences about what is right in the file and yet will not do what it seems to, with their lines.
func (p *Policy) Warnings() []string {
	var warnings []string
	for _, e := range p.all() {
		if e.onlyPlayed() {
			warnings = append(warnings, fmt.Sprintf(
				"line %d: moderator %q lets nobody in: console has the names of the terminal demo, and is all it has; list people under slack or discord",
				e.line, e.Moderator))
		}
	}
	return warnings
}

// onlyPlayed tells that an entry is of use in the terminal demo alone.
func (e entry) onlyPlayed() bool {
	for i := range e.people {
		if i.list != consoleNames {
			return false
		}
	}
	return true
}
