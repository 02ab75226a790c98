package discordtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// Flags of messages. https://discord.com/developers/docs/resources/message#message-object-message-flags
const (
	flagNoEmbeds  = 1 << 2
	flagEphemeral = 1 << 6
	flagLoading   = 1 << 7
	flagSilent    = 1 << 12
	flagV2        = 1 << 15
)

// Types of messages. https://discord.com/developers/docs/resources/message#message-object-message-types
const (
	typeDefault = 0
	typeReply   = 19
	typeCommand = 20
	typeMenu    = 23
)

// A Message as it stands in a channel, or stood there when it was asked for.
type Message struct {
	ID, Channel string // ids
	For         string // the id of the user whom alone it is shown to; empty: all in the channel
	Content     string
	Embeds      json.RawMessage // nil: none
	Components  json.RawMessage // nil: none. Discord has filled in missing ids
	Files       []File
	Flags       int
	Loading     bool // people read that the bot is thinking
	Edited      bool
	Deleted     bool
	Pings       []string        // whom it notified: "@everyone", ids of users and roles
	Raw         json.RawMessage // the whole of it, as Discord tells it
}

// A File is attached to a message.
type File struct {
	Name    string
	Content []byte
}

// Private tells that one person alone sees it.
func (m Message) Private() bool { return m.For != "" }

// Buttons are all of them, in order.
func (m Message) Buttons() []Button { return buttons(m.Components) }

// Words are all texts of the message, a line each, without the labels of buttons.
func (m Message) Words() string { return words(m.Content, m.Embeds, m.Components) }

// A post is a message, inside.
type post struct {
	id       string
	channel  *Channel
	person   string // whom alone it is shown to
	kind     int
	by       *interaction // nil: of the bot's own accord
	to       *post        // that it replies to
	body     obj          // content, embeds and components
	flags    int
	files    []File
	nonce    any
	at       time.Time
	edited   time.Time
	deleted  bool
	pings    []string
	numbered int // components that were given an id
}

func (p *post) loading() bool { return p.flags&flagLoading != 0 }

// Seen is what a person sees in a channel, in order: what all see, and what is for that person alone. Where the bot is thinking, Loading says so.
func (s *Server) Seen(user, channel string) []Message {
	s.mu.Lock()
	who, where := s.person(user).ID, s.place(channel).ID
	s.mu.Unlock()
	var some []Message
	for _, m := range s.Messages() {
		if m.Channel == where && !m.Deleted && (m.For == "" || m.For == who) {
			some = append(some, m)
		}
	}
	return some
}

// WaitSeen waits until a person sees a message with these words, and returns the first one.
func (s *Server) WaitSeen(t testing.TB, user, channel, words string) (found Message) {
	t.Helper()
	s.WaitFor(t, fmt.Sprintf("%q in %s, before %s", words, channel, user), func() bool {
		for _, m := range s.Seen(user, channel) {
			if strings.Contains(m.Words(), words) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// Messages are all that were ever posted, also deleted ones, as they are now.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, len(s.posts))
	for i, p := range s.posts {
		all[i] = s.shown(p)
	}
	return all
}

// Remove has somebody delete a message, as moderators may, and whoever alone sees it.
func (s *Server) Remove(m Message) {
	s.change(func() {
		for _, p := range s.posts {
			if p.id == m.ID {
				p.deleted = true
			}
		}
	})
}

// shown is a message as it is now. s.mu is held.
func (s *Server) shown(p *post) Message {
	m := Message{
		ID: p.id, Channel: p.channel.ID, For: p.person, Content: word(p.body, "content"), Files: slices.Clone(p.files), Flags: p.flags,
		Loading: p.loading(), Edited: !p.edited.IsZero(), Deleted: p.deleted, Pings: slices.Clone(p.pings), Raw: raw(s.json(p)),
	}
	if all := list(p.body["embeds"]); len(all) > 0 {
		m.Embeds = raw(all)
	}
	if all := list(p.body["components"]); len(all) > 0 {
		m.Components = raw(all)
	}
	return m
}

// add makes a message of a body that was checked. s.mu is held.
func (s *Server) add(p *post, body obj, files []File) {
	p.id, p.at, p.nonce = s.snowflake(), s.now(), body["nonce"]
	s.write(p, body, files)
	s.posts = append(s.posts, p)
	s.touch()
}

// put changes what the body mentions; what it leaves out stays. s.mu is held.
func (s *Server) put(p *post, body obj, files []File) {
	if !p.loading() {
		p.edited = s.now()
	}
	s.write(p, body, files)
	p.flags &^= flagLoading
	s.touch()
}

// replace is put by an update of the message that was clicked on: what it leaves out is gone. s.mu is held.
func (s *Server) replace(i *interaction, p *post, body obj, files []File) {
	whole := maps.Clone(body)
	for _, key := range []string{"content", "embeds", "components"} {
		if _, has := whole[key]; !has {
			whole[key] = nil
		}
	}
	s.put(p, whole, files)
	i.answers = append(i.answers, s.shown(p))
}

func (s *Server) write(p *post, body obj, files []File) {
	p.body = merged(p.body, body)
	if flags, has := body["flags"].(float64); has {
		const fixed = flagEphemeral | flagV2 // neither comes off
		p.flags = int(flags)&^flagEphemeral | p.flags&fixed
		if p.person != "" {
			p.flags |= flagEphemeral
		}
	}
	for _, c := range list(p.body["components"]) {
		p.fill(object(c))
	}
	if files != nil {
		p.files = files
	}
	p.pings = append(p.pings, s.notified(p, body)...)
}

// merged is what a message says after an edit.
func merged(old, body obj) obj {
	next := maps.Clone(old)
	if next == nil {
		next = obj{}
	}
	for _, key := range []string{"content", "embeds", "components"} {
		if v, has := body[key]; has {
			next[key] = clone(v)
		}
	}
	return next
}

// fill gives components without an id one. https://discord.com/developers/docs/components/reference#anatomy-of-a-component
func (p *post) fill(c obj) {
	if c == nil {
		return
	}
	if number(c, "id") == 0 {
		p.numbered++
		c["id"] = float64(p.numbered)
	}
	for _, child := range append(list(c["components"]), c["accessory"], c["component"]) {
		p.fill(object(child))
	}
}
