package discordtest

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Permissions, as Discord counts them. https://discord.com/developers/docs/topics/permissions
const (
	administrator = "9007199254740991" // everything
	member        = "2248473465835073" // what everybody has in a new guild
)

// A User is a person. Whoever is not added is a stranger: without roles, and administrator where they are, as people are in guilds of their own.
type User struct {
	ID          string // empty: one is made
	Name        string // empty: made of the id
	Global      string // the display name
	Nick        string // in the guild
	Roles       []string
	Locale      string // empty: "en-US"
	Permissions string // in decimal; empty: those of a member
}

// A Guild is a server, as people call it.
type Guild struct {
	ID     string // empty: one is made
	Name   string // empty: made of the id
	Locale string // empty: "en-US"
	NoBot  bool   // invited with the scope applications.commands alone: the bot is not a member, and the gateway tells nothing of it
}

// A Channel of a guild. A channel that somebody does something in is added to the first guild.
type Channel struct {
	ID       string // empty: one is made
	Name     string // empty: made of the id
	Guild    string // id or name; empty: the first one
	Hidden   bool   // the bot does not see it
	ReadOnly bool   // the bot may not write there

	direct string // the user whom the bot speaks with alone
}

var isID = regexp.MustCompile(`^[0-9]+$`)

// AddUser adds or changes a person.
func (s *Server) AddUser(u User) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Permissions = cmp.Or(u.Permissions, member)
	return *s.addUser(u)
}

func (s *Server) addUser(u User) *User {
	at := slices.IndexFunc(s.users, func(old *User) bool { return old.ID == u.ID || u.Name != "" && old.Name == u.Name })
	if at < 0 {
		at = len(s.users)
		s.users = append(s.users, &User{ID: cmp.Or(u.ID, s.snowflake())})
	}
	u.ID = cmp.Or(u.ID, s.users[at].ID)
	u.Name = cmp.Or(u.Name, "user-"+u.ID)
	u.Locale = cmp.Or(u.Locale, "en-US")
	u.Roles = append([]string{}, u.Roles...)
	*s.users[at] = u
	return s.users[at]
}

// User is a person by id or name, added as a stranger when new.
func (s *Server) User(who string) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.person(who)
}

// person is User. s.mu is held.
func (s *Server) person(who string) *User {
	for _, u := range s.users {
		if u.ID == who || u.Name == who {
			return u
		}
	}
	id, name := named(who)
	return s.addUser(User{ID: id, Name: name, Permissions: administrator})
}

func named(who string) (id, name string) {
	if isID.MatchString(who) {
		return who, ""
	}
	return "", who
}

// AddGuild adds or changes a guild.
func (s *Server) AddGuild(g Guild) Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.addGuild(g)
}

func (s *Server) addGuild(g Guild) *Guild {
	at := slices.IndexFunc(s.guilds, func(old *Guild) bool { return old.ID == g.ID || g.Name != "" && old.Name == g.Name })
	if at < 0 {
		at = len(s.guilds)
		s.guilds = append(s.guilds, &Guild{ID: cmp.Or(g.ID, s.snowflake())})
	}
	g.ID = cmp.Or(g.ID, s.guilds[at].ID)
	g.Name = cmp.Or(g.Name, "guild "+g.ID)
	g.Locale = cmp.Or(g.Locale, "en-US")
	*s.guilds[at] = g
	return s.guilds[at]
}

// guild finds one by id or name; nil: there is none. s.mu is held.
func (s *Server) guild(which string) *Guild {
	for _, g := range s.guilds {
		if g.ID == which || g.Name == which {
			return g
		}
	}
	return nil
}

// AddChannel adds or changes a channel. Its guild must be there.
func (s *Server) AddChannel(c Channel) Channel {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guild(cmp.Or(c.Guild, s.Guild))
	if g == nil {
		s.t.Fatalf("discord: no guild %q", c.Guild)
	}
	c.Guild = g.ID
	return *s.addChannel(c)
}

func (s *Server) addChannel(c Channel) *Channel {
	at := slices.IndexFunc(s.channels, func(old *Channel) bool { return old.ID == c.ID || c.Name != "" && old.Name == c.Name })
	if at < 0 {
		at = len(s.channels)
		s.channels = append(s.channels, &Channel{ID: cmp.Or(c.ID, s.snowflake())})
	}
	c.ID = cmp.Or(c.ID, s.channels[at].ID)
	c.Name = cmp.Or(c.Name, "channel-"+c.ID)
	*s.channels[at] = c
	return s.channels[at]
}

// Channel is a channel by id or name, added to the first guild when new.
func (s *Server) Channel(where string) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.place(where)
}

// place is Channel. s.mu is held.
func (s *Server) place(where string) *Channel {
	if c := s.channel(where); c != nil {
		return c
	}
	id, name := named(where)
	return s.addChannel(Channel{ID: id, Name: name, Guild: s.Guild})
}

// channel finds one by id or name; nil: there is none. s.mu is held.
func (s *Server) channel(where string) *Channel {
	i := slices.IndexFunc(s.channels, func(c *Channel) bool { return c.ID == where || c.Name == where })
	if i < 0 {
		return nil
	}
	return s.channels[i]
}

// DirectChannel is the channel in which the bot and a person speak alone.
func (s *Server) DirectChannel(user string) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.person(user)
	name := "direct:" + u.ID
	if c := s.channel(name); c != nil {
		return *c
	}
	return *s.addChannel(Channel{Name: name, direct: u.ID})
}

// json is a person as payloads and answers have them.
func (u *User) json() obj {
	return obj{
		"id": u.ID, "username": u.Name, "global_name": orNull(u.Global), "discriminator": "0", "avatar": nil, "avatar_decoration_data": nil, "clan": nil,
		"collectibles": nil, "display_name_styles": nil, "primary_guild": nil, "public_flags": 0,
	}
}

// answer is a person as the API has them; the OpenAPI document wants flags, too.
func (u *User) answer() obj {
	j := u.json()
	j["flags"] = 0
	return j
}

// bot is the bot's own user. s.mu is held.
func (s *Server) bot() obj {
	u := User{ID: s.ApplicationID, Name: "bot"}
	j := u.answer()
	j["discriminator"], j["bot"] = "0001", true
	return j
}

// member is a person in a guild, as interactions have it.
func (u *User) member() obj {
	return obj{
		"user": u.json(), "nick": orNull(u.Nick), "roles": u.Roles, "permissions": u.Permissions, "joined_at": "2024-05-06T07:08:09.123000+00:00",
		"avatar": nil, "banner": nil, "communication_disabled_until": nil, "premium_since": nil, "unusual_dm_activity_until": nil,
		"deaf": false, "mute": false, "pending": false, "flags": 0,
	}
}

// json is a channel as interactions have it.
func (c *Channel) json(u *User) obj {
	if c.direct != "" {
		return obj{"id": c.ID, "type": 1, "flags": 0, "last_message_id": nil, "recipients": []obj{u.json()}}
	}
	return obj{
		"id": c.ID, "type": 0, "guild_id": c.Guild, "name": strings.ToLower(c.Name), "nsfw": false, "parent_id": nil, "position": 0, "topic": nil,
		"rate_limit_per_user": 0, "last_message_id": nil, "permissions": u.Permissions, "flags": 0, "icon_emoji": nil, "theme_color": nil,
	}
}
