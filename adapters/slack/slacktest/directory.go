package slacktest

import (
	"cmp"
	"slices"
	"strings"
)

// A User of the workspace, or, with another Team, of one that shares a channel with it. Whoever does something is added with a name made of the id.
type User struct {
	ID, Name, RealName string
	Locale             string // empty: "en-US"
	Team               string // empty: the workspace's
	Bot, Deleted       bool
	Restricted         bool // a guest
	UltraRestricted    bool // a guest in one channel
	Stranger           bool // of another workspace, not yet met: Slack tells no locale
}

// A Channel of the workspace. A channel that somebody does something in is added, public, with that person and without the bot.
type Channel struct {
	ID, Name string
	Private  bool
	Bot      bool     // the bot is a member
	Members  []string // who else
	Archived bool
}

// AddUser adds or changes a person.
func (s *Server) AddUser(u User) { s.change(func() { s.users[u.ID] = u }) }

// AddChannel adds or changes a channel.
func (s *Server) AddChannel(c Channel) { s.change(func() { s.channels[c.ID] = &c }) }

// AddGroup adds or changes a user group (S…).
func (s *Server) AddGroup(id string, users ...string) { s.change(func() { s.groups[id] = users }) }

// Direct is the id of the channel in which the bot and a person speak alone.
func (s *Server) Direct(user string) string { return "D" + strings.TrimLeft(user, "UW") }

// person is a user, added when new. s.mu is held.
func (s *Server) person(id string) User {
	u, ok := s.users[id]
	if !ok {
		u = User{ID: id}
	}
	u.Name = cmp.Or(u.Name, strings.ToLower(id))
	u.Team = cmp.Or(u.Team, s.Team)
	u.Locale = cmp.Or(u.Locale, "en-US")
	s.users[id] = u
	return u
}

// place is a channel with a person in it, added when new. s.mu is held.
func (s *Server) place(id, user string) *Channel {
	c, ok := s.channels[id]
	if !ok {
		c = &Channel{ID: id, Name: "channel-" + strings.ToLower(id)}
		if strings.HasPrefix(id, "D") {
			c.Name, c.Private, c.Bot = "directmessage", true, id == s.Direct(user)
		}
		s.channels[id] = c
	}
	if !slices.Contains(c.Members, user) {
		c.Members = append(c.Members, user)
	}
	return c
}

func (s *Server) usersInfo(args obj) obj {
	id := word(args, "user")
	if _, known := s.users[id]; !known {
		return refuse("user_not_found")
	}
	u := s.person(id)
	user := obj{
		"id": u.ID, "team_id": u.Team, "name": u.Name, "real_name": cmp.Or(u.RealName, u.Name), "deleted": u.Deleted,
		"is_bot": u.Bot, "is_app_user": false, "updated": s.now().Unix(),
		"profile": obj{"real_name": cmp.Or(u.RealName, u.Name), "display_name": u.Name, "team": u.Team},
	}
	if !u.Deleted {
		user["is_admin"], user["is_owner"], user["is_restricted"], user["is_ultra_restricted"] = false, false, u.Restricted || u.UltraRestricted, u.UltraRestricted
	}
	if u.Stranger {
		user["is_stranger"] = true
	} else if truth(args, "include_locale") {
		user["locale"] = u.Locale
	}
	return obj{"user": user}
}

func (s *Server) groupMembers(args obj) obj {
	users, known := s.groups[word(args, "usergroup")]
	if !known {
		return refuse("no_such_subteam")
	}
	return obj{"users": append([]string{}, users...)}
}

// reach is the channel in which the bot may post under an id, which may be a person's, or why not. s.mu is held.
func (s *Server) reach(id string) (*Channel, string) {
	if _, person := s.users[id]; person && id != s.BotUser {
		return s.place(s.Direct(id), id), ""
	}
	c, known := s.channels[id]
	switch {
	case !known, c.Private && !c.Bot:
		return nil, "channel_not_found"
	case c.Archived:
		return nil, "is_archived"
	case !c.Bot && !slices.Contains(s.scopes, "chat:write.public"):
		return nil, "not_in_channel"
	}
	return c, ""
}
