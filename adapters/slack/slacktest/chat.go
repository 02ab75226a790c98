package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A Message as it stands in a channel, or stood there when it was asked for.
type Message struct {
	ID      string // its ts
	Channel string
	User    string // who wrote it
	Private string // whom alone it is shown to; empty: all in the channel
	Text    string
	Blocks  json.RawMessage // nil: none. Slack has filled in missing block_ids
	Thread  string          // the ts of the message that it is below
	Typed   bool            // a person's: the command that Slack shows above an in_channel answer
	Edited  bool
	Deleted bool
}

// A Button of a message or view.
type Button struct {
	Label, ActionID, Value, URL, Style string
	BlockID                            string
}

// Buttons are all of them, in order.
func (m Message) Buttons() []Button { return buttons(m.Blocks) }

// Words are all texts of the blocks, a line each; the text when there are no blocks.
func (m Message) Words() string {
	if m.Blocks == nil {
		return m.Text
	}
	return words(m.Blocks)
}

// Seen is what a person sees in a channel, in order: what all see, and what is for that person alone.
func (s *Server) Seen(user, channel string) []Message {
	var some []Message
	for _, m := range s.Messages() {
		if m.Channel == channel && !m.Deleted && (m.Private == "" || m.Private == user) {
			some = append(some, m)
		}
	}
	return some
}

// WaitSeen waits until a person sees a message with these words, in its text or its blocks, and returns the first one. An empty channel is the one
// where the bot and the person speak alone.
func (s *Server) WaitSeen(t testing.TB, user, channel, words string) (found Message) {
	t.Helper()
	if channel == "" {
		channel = s.Direct(user)
	}
	s.WaitFor(t, fmt.Sprintf("%q in %s, before %s", words, channel, user), func() bool {
		for _, m := range s.Seen(user, channel) {
			if strings.Contains(m.Text, words) || strings.Contains(m.Words(), words) {
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
	all := make([]Message, len(s.messages))
	for i, m := range s.messages {
		all[i] = *m
	}
	return all
}

// Say has a person write in a channel.
func (s *Server) Say(user, channel, text string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person(user)
	s.place(channel, user)
	m := s.post(&Message{Channel: channel, User: user, Text: text})
	return *m
}

// post adds a message. s.mu is held.
func (s *Server) post(m *Message) *Message {
	m.ID = s.stamp()
	s.messages = append(s.messages, m)
	s.touch()
	return m
}

// message finds one that is not deleted. s.mu is held.
func (s *Server) message(channel, id string) *Message {
	for _, m := range s.messages {
		if m.ID == id && m.Channel == channel && !m.Deleted {
			return m
		}
	}
	return nil
}

// edit puts new words into a message. s.mu is held.
func (s *Server) edit(m *Message, body obj) {
	m.Text, m.Blocks, m.Edited = word(body, "text"), s.blocks(body), true
	s.touch()
}

// blocks are those of a message or view with every block_id filled in. s.mu is held.
func (s *Server) blocks(body obj) json.RawMessage {
	all := list(body["blocks"])
	if len(all) == 0 {
		return nil
	}
	for _, b := range all {
		if b := object(b); b != nil && word(b, "block_id") == "" {
			b["block_id"] = fmt.Sprintf("b%04d", s.next())
		}
	}
	return raw(all)
}

// json is a message as payloads and answers have it. s.mu is held.
func (s *Server) json(m *Message) obj {
	j := obj{"type": "message", "user": m.User, "ts": m.ID, "text": m.Text, "team": s.Team}
	if m.User == s.BotUser {
		j["bot_id"], j["app_id"] = s.BotID, s.AppID
	}
	if m.Blocks != nil {
		j["blocks"] = m.Blocks
	}
	if m.Thread != "" {
		j["thread_ts"] = m.Thread
	}
	if m.Edited {
		j["edited"] = obj{"user": m.User, "ts": m.ID}
	}
	return j
}

func (s *Server) postMessage(args obj) obj {
	c, no := s.reach(word(args, "channel"))
	if no == "" {
		no = s.checkPost("chat.postMessage", args, "channel", "icon_emoji", "icon_url", "username", "reply_broadcast", "as_user", "client_msg_id", "mrkdwn")
	}
	if no != "" {
		return refuse(no)
	}
	m := s.post(&Message{Channel: c.ID, User: s.BotUser, Text: word(args, "text"), Blocks: s.blocks(args), Thread: word(args, "thread_ts")})
	return obj{"channel": c.ID, "ts": m.ID, "message": s.json(m)}
}

func (s *Server) postEphemeral(args obj) obj {
	c, no := s.reach(word(args, "channel"))
	user := word(args, "user")
	if no == "" && !slices.Contains(c.Members, user) {
		no = "user_not_in_channel"
	}
	if no == "" {
		no = s.checkPost("chat.postEphemeral", args, "channel", "user", "icon_emoji", "icon_url", "username", "as_user", "mrkdwn")
	}
	if no != "" {
		return refuse(no)
	}
	m := s.post(&Message{Channel: c.ID, User: s.BotUser, Private: user, Text: word(args, "text"), Blocks: s.blocks(args), Thread: word(args, "thread_ts")})
	return obj{"message_ts": m.ID}
}

// own is a message that the bot may change by the Web API, which no private one is, or why not. s.mu is held.
func (s *Server) own(args obj, not string) (*Message, string) {
	if _, known := s.channels[word(args, "channel")]; !known {
		return nil, "channel_not_found"
	}
	m := s.message(word(args, "channel"), word(args, "ts"))
	switch {
	case m == nil || m.Private != "":
		return nil, "message_not_found"
	case m.User != s.BotUser:
		return nil, not
	}
	return m, ""
}

func (s *Server) updateMessage(args obj) obj {
	m, no := s.own(args, "cant_update_message")
	if no == "" {
		no = s.checkPost("chat.update", args, "channel", "ts", "as_user", "reply_broadcast", "mrkdwn")
	}
	if no != "" {
		return refuse(no)
	}
	s.edit(m, args)
	return obj{"channel": m.Channel, "ts": m.ID, "text": m.Text, "message": s.json(m)}
}

func (s *Server) deleteMessage(args obj) obj {
	m, no := s.own(args, "cant_delete_message")
	if no != "" {
		return refuse(no)
	}
	m.Deleted = true
	s.touch()
	return obj{"channel": m.Channel, "ts": m.ID}
}
