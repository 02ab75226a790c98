package discordtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Types of interactions.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-type
const (
	kindPing         = 1
	kindCommand      = 2
	kindComponent    = 3
	kindAutocomplete = 4
	kindSubmit       = 5
)

// Types of first answers.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type
const (
	Pong     = 1
	Reply    = 4 // a message
	Thinking = 5 // the message follows
	Noted    = 6 // of a click: nothing changes yet
	Update   = 7 // of a click: the message that has the button is replaced
	Suggest  = 8 // what to choose from
	Ask      = 9 // a modal
)

// tokenLife is how long messages of an interaction can be edited and followed up.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
const tokenLife = 15 * time.Minute

// answerable tells which first answers a type of interaction takes. The last two need a message that was clicked on, as a modal may have.
var answerable = map[int][]int{
	kindPing:         {Pong},
	kindCommand:      {Reply, Thinking, Ask},
	kindComponent:    {Reply, Thinking, Ask, Noted, Update},
	kindAutocomplete: {Suggest},
	kindSubmit:       {Reply, Thinking, Noted, Update},
}

// An interaction is something that a person did, and all that came of it, however often it was delivered.
type interaction struct {
	id, token string
	kind      int
	what      string // for sentences
	user      *User
	channel   *Channel
	payload   obj
	made      time.Time
	sent      int  // how often it was delivered
	tried     int  // how many first answers came
	excused   int  // how many of them met a fault
	void      bool // no answer came in time
	first     *first
	original  *post  // the message of the first answer; of Noted and Update the one that was clicked on
	card      *post  // that was clicked on, also before the modal
	came      *modal // that was submitted
	command   obj    // of a context menu
	focused   obj    // the option that Autocomplete is about
	choices   []Choice
	opened    *Modal
	follows   []*post
	unknown   int       // answers of 404
	answers   []Message // as they were when they were shown
}

// first is the first answer, as it was taken.
type first struct {
	kind     int
	data     obj
	after    time.Duration
	callback bool
}

func (s *Server) byToken(token string) *interaction {
	i := slices.IndexFunc(s.interactions, func(i *interaction) bool { return i.token == token })
	if i < 0 {
		return nil
	}
	return s.interactions[i]
}

// expire makes the token of an interaction void that nobody has answered in time. s.mu is held.
func (s *Server) expire(i *interaction) bool {
	if i.first == nil && s.now().Sub(i.made) >= s.o.AnswerTime {
		i.void = true
	}
	return i.void
}

// https://discord.com/developers/docs/interactions/receiving-and-responding#create-interaction-response
func (s *Server) callback(r *request) answer {
	i := s.byToken(r.PathValue("interaction_token"))
	if i == nil || i.id != r.PathValue("interaction_id") {
		return refuse(10062)
	}
	if no := s.answer(i, r.object(), r.files, true); no != nil {
		return *no
	}
	if r.URL.Query().Get("with_response") != "true" {
		return answer{status: http.StatusNoContent}
	}
	about := obj{"id": i.id, "type": i.kind, "channel_id": i.channel.ID}
	body := obj{"interaction": about}
	if i.channel.Guild != "" {
		about["guild_id"] = i.channel.Guild
	}
	if p := i.original; p != nil {
		about["response_message_id"], about["response_message_loading"], about["response_message_ephemeral"] = p.id, p.loading(), p.person != ""
		if i.first.kind == Reply || i.first.kind == Update {
			body["resource"] = obj{"type": i.first.kind, "message": s.json(p)}
		}
	}
	return ok(body)
}

// answer takes a first answer, from an HTTP response or the callback, or returns how it is refused. s.mu is held.
func (s *Server) answer(i *interaction, body obj, files []File, callback bool) *answer {
	no := func(code int, why ...string) *answer {
		a := refuse(code, why...)
		return &a
	}
	i.tried++
	switch {
	case i.first != nil:
		if i.tried > i.sent+i.excused {
			s.complain("%s: a second first answer", i.what)
		}
		return no(40060)
	case s.expire(i):
		return no(10062)
	}
	kind, data := number(body, "type"), object(body["data"])
	if problems := s.checkFirst(i, kind, body); len(problems) > 0 {
		s.complain("the first answer to %s: %s", i.what, strings.Join(problems, "; "))
		return no(50035, problems...)
	}
	switch kind {
	case Reply:
		if code, problems := s.checkNew("the first answer to "+i.what, data, files); code != 0 {
			return no(code, problems...)
		}
		i.original = s.reply(i, data, files)
	case Thinking:
		i.original = s.reply(i, obj{"flags": float64(number(data, "flags")&flagEphemeral | flagLoading)}, nil)
	case Noted:
		i.original = i.card
	case Update:
		if code, problems := s.checkUpdate(i, data, files); code != 0 {
			return no(code, problems...)
		}
		i.original = i.card
	case Suggest:
		i.choices = choices(data)
	case Ask:
		m := s.open(i, data)
		i.opened = &m
	}
	i.first = &first{kind, data, time.Since(i.made), callback}
	if i.came != nil && s.modals[i.user.ID] == i.came {
		delete(s.modals, i.user.ID)
	}
	if kind == Update {
		s.replace(i, i.card, data, files)
	}
	s.touch()
	return nil
}

// checkFirst tells what is wrong with a first answer, apart from its message.
func (s *Server) checkFirst(i *interaction, kind int, body obj) []string {
	var no []string
	for key := range body {
		if key != "type" && key != "data" {
			no = append(no, fmt.Sprintf("unknown key %q", key))
		}
	}
	data := object(body["data"])
	switch {
	case !slices.Contains(answerable[i.kind], kind):
		no = append(no, fmt.Sprintf("type %d does not answer an interaction of type %d", kind, i.kind))
	case (kind == Noted || kind == Update) && i.card == nil:
		no = append(no, fmt.Sprintf("type %d, and no message was clicked on", kind))
	case (kind == Update || kind == Reply) && data == nil:
		no = append(no, "without data")
	case kind == Thinking:
		for key := range data {
			if key != "flags" {
				no = append(no, key+" beside type 5, which is not shown")
			}
		}
		if flags := number(data, "flags"); flags&^flagEphemeral != 0 {
			no = append(no, fmt.Sprintf("the flags %d beside type 5, which takes 64 alone", flags))
		}
	case kind == Suggest:
		no = append(no, checkChoices(i.focused, data)...)
	case kind == Ask:
		no = append(no, CheckModal(data)...)
	}
	return no
}

// reply is a new message that answers an interaction. s.mu is held.
func (s *Server) reply(i *interaction, body obj, files []File) *post {
	p := &post{channel: i.channel, by: i, kind: typeReply}
	switch {
	case i.kind == kindCommand && i.command != nil:
		p.kind = typeMenu
	case i.kind == kindCommand:
		p.kind = typeCommand
	}
	if i.first != nil {
		p.kind, p.to = typeReply, i.original
	} else if i.kind != kindCommand {
		p.to = i.card
	}
	if number(body, "flags")&flagEphemeral != 0 {
		p.person = i.user.ID
	}
	s.add(p, body, files)
	if !p.loading() {
		i.answers = append(i.answers, s.shown(p))
	}
	return p
}
