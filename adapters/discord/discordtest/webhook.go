package discordtest

import (
	"net/http"
	"slices"
)

// fewUnknown is how many answers of 404 a token may get: Discord restricts addresses that go on.
const fewUnknown = 12

// owner is the interaction whose token a call brings, or how Discord refuses it. s.mu is held.
func (s *Server) owner(r *request) (*interaction, *answer) {
	no := func(code int) (*interaction, *answer) {
		a := refuse(code)
		return nil, &a
	}
	i := s.byToken(r.PathValue("webhook_token"))
	if id := r.PathValue("webhook_id"); id != s.ApplicationID {
		s.complain("%s: application %s is another", r.Method, id)
		return no(10015)
	}
	switch {
	case i == nil:
		return no(10015)
	case i.first == nil || i.kind == kindAutocomplete || i.kind == kindPing:
		s.expire(i)
		if i.unknown++; i.unknown > fewUnknown {
			s.complain("%s: more than %d calls for what is not there", i.what, fewUnknown)
		}
		return no(10015)
	case s.now().Sub(i.made) >= tokenLife:
		return no(50027)
	}
	return i, nil
}

// theirs is a message of an interaction: @original, or by its id. s.mu is held.
func (s *Server) theirs(r *request) (*interaction, *post, *answer) {
	i, no := s.owner(r)
	if no != nil {
		return nil, nil, no
	}
	p := i.original
	if id := r.PathValue("message_id"); id != "" {
		at := slices.IndexFunc(append(i.follows, p), func(p *post) bool { return p != nil && p.id == id })
		if at >= 0 && at < len(i.follows) {
			p = i.follows[at]
		} else if at < 0 {
			p = nil
		}
	}
	if p == nil || p.deleted {
		a := refuse(10008)
		return nil, nil, &a
	}
	return i, p, nil
}

// https://discord.com/developers/docs/interactions/receiving-and-responding#get-original-interaction-response
func (s *Server) getOriginal(r *request) answer {
	_, p, no := s.theirs(r)
	if no != nil {
		return *no
	}
	return ok(s.json(p))
}

// https://discord.com/developers/docs/interactions/receiving-and-responding#edit-original-interaction-response
func (s *Server) editOriginal(r *request) answer {
	i, p, no := s.theirs(r)
	if no != nil {
		return *no
	}
	return s.edit(i, p, r, "an edit of the answer to "+i.what)
}

// edit changes what the body mentions. s.mu is held.
func (s *Server) edit(i *interaction, p *post, r *request, where string) answer {
	if code, problems := s.checkEdit(where, p, r.object(), r.files); code != 0 {
		return refuse(code, problems...)
	}
	s.put(p, r.object(), r.files)
	i.answers = append(i.answers, s.shown(p))
	return ok(s.json(p))
}

// https://discord.com/developers/docs/interactions/receiving-and-responding#delete-original-interaction-response
func (s *Server) deleteOriginal(r *request) answer {
	_, p, no := s.theirs(r)
	if no != nil {
		return *no
	}
	p.deleted = true
	return answer{status: http.StatusNoContent}
}

// followUp posts beside the first answer; the first one after Thinking is its edit.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
func (s *Server) followUp(r *request) answer {
	i, no := s.owner(r)
	if no != nil {
		return *no
	}
	for _, key := range []string{"username", "avatar_url", "thread_name", "applied_tags"} {
		if said(r.object(), key) {
			s.complain("a follow-up to %s: with %s, which interactions do not take", i.what, key)
		}
	}
	where := "a follow-up to " + i.what
	code, problems := s.checkNew(where, r.object(), r.files)
	if code != 0 {
		return refuse(code, problems...)
	}
	if p := i.original; p != nil && p.loading() && !p.deleted {
		if private := number(r.object(), "flags")&flagEphemeral != 0; private != (p.person != "") {
			s.complain("%s: is the edit of “thinking…” by Discord's rules, and who sees that cannot be changed", where)
		}
		s.put(p, without(r.object(), "flags"), r.files)
		i.answers = append(i.answers, s.shown(p))
		return ok(s.json(p))
	}
	p := s.reply(i, r.object(), r.files)
	i.follows = append(i.follows, p)
	return ok(s.json(p))
}

func without(body obj, key string) obj {
	c := clone(body)
	delete(c, key)
	return c
}
