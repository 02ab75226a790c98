package discordtest

import (
	"fmt"
	"time"
)

// nonceLife is how long Discord remembers a nonce: “the past few minutes”.
const nonceLife = 5 * time.Minute

// https://discord.com/developers/docs/resources/message#create-message
func (s *Server) postMessage(r *request) answer {
	c := s.channel(r.PathValue("channel_id"))
	if c == nil || c.ID != r.PathValue("channel_id") {
		return refuse(10003)
	}
	if g := s.guild(c.Guild); c.Hidden || g != nil && g.NoBot {
		return refuse(50001)
	}
	if c.ReadOnly {
		return refuse(50013)
	}
	body, where := r.object(), "a message in channel "+c.Name
	code, problems := s.checkNew(where, body, r.files, "nonce", "enforce_nonce", "message_reference", "sticker_ids")
	if code != 0 {
		return refuse(code, problems...)
	}
	if number(body, "flags")&flagEphemeral != 0 {
		s.complain("%s: in a channel all see it", where)
	}
	nonce := fmt.Sprint(body["nonce"])
	if said(body, "nonce") && size(nonce) > maxNonce {
		s.complain("%s: the nonce has more than %d characters", where, maxNonce)
		return refuse(50035, "nonce")
	}
	if truth(body, "enforce_nonce") && !said(body, "nonce") {
		s.complain("%s: enforce_nonce without a nonce", where)
	}
	if truth(body, "enforce_nonce") {
		for _, p := range s.posts {
			if p.by == nil && p.nonce != nil && fmt.Sprint(p.nonce) == nonce && s.now().Sub(p.at) < nonceLife {
				return ok(s.json(p))
			}
		}
	}
	p := &post{channel: c, kind: typeDefault}
	s.add(p, body, r.files)
	return ok(s.json(p))
}
