package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// A press is a pressed button as Slack tells of it. The fields:
// https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
type press struct {
	Type string `json:"type"` // "block_actions"
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	Enterprise struct {
		ID string `json:"id"`
	} `json:"enterprise"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Ephemeral bool `json:"is_ephemeral"`
	} `json:"container"`
	ResponseURL string `json:"response_url"`
	TriggerID   string `json:"trigger_id"`
	Actions     []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
	} `json:"actions"`
}

// Interactions is the handler for POST /slack/interactions: pressed buttons. It answers 401 with nothing else to whatever Slack has not
// signed, and 200 with nothing else to every press; what came of it takes the place of the card it sits on, or is told to the presser alone.
// Pressing a button is typing its line: nothing in the payload but who pressed it is believed.
func (a *Adapter) Interactions() http.Handler { return http.HandlerFunc(a.serveInteraction) }

func (a *Adapter) serveInteraction(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	form, status := a.receive(w, r)
	if status != http.StatusOK || form.Get("ssl_check") == "1" {
		w.WriteHeader(status)
		return
	}
	req, ok, err := a.pressed(form, r.Header, at)
	switch {
	case err != nil:
		a.Log.Warn("slack: unreadable interaction", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	case !ok: // another kind, such as a link: Slack wants to know that it came
		w.WriteHeader(http.StatusOK)
		return
	}
	a.guarded(func() answer {
		a.press(r.Context(), req)
		return answer{}
	})
	a.count(commands.FirstAnswer, at)
	w.WriteHeader(http.StatusOK)
}

// pressed translates a verified interaction; ok is false for one that is no button of ours.
func (a *Adapter) pressed(form url.Values, header http.Header, at time.Time) (req commands.Request, ok bool, err error) {
	var p press
	if err := json.Unmarshal([]byte(form.Get("payload")), &p); err != nil {
		return req, false, errors.New("the payload is not the JSON expected") // err quotes it
	}
	if p.Type != "block_actions" || len(p.Actions) != 1 || !strings.HasPrefix(p.Actions[0].ActionID, actionPrefix) {
		return req, false, nil
	}
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	req = commands.Request{
		Key: "slack:" + cmp.Or(valid(p.TriggerID), fingerprint(header)),
		Who: permissions.Subject{
			Platform: permissions.Slack, Org: valid(p.Enterprise.ID), Space: valid(p.Team.ID), User: valid(p.User.ID),
			Name: valid(cmp.Or(p.User.Username, p.User.Name)),
		},
		Where: valid(p.Channel.ID), Line: valid(p.Actions[0].Value), At: at,
	}
	if req.Who.Space == "" || req.Who.User == "" {
		return req, false, errIncomplete
	}
	if _, good := trusted(p.ResponseURL, a.APIURL); good {
		req.ReplyTo, req.ReplyBy = card{private: p.Container.Ephemeral, address: p.ResponseURL}.replyTo(), at.Add(replyTime)
	}
	return req, true, nil
}

// press starts the work of a press, and returns when it is written down, or is answered, or Slack would not wait longer.
func (a *Adapter) press(ctx context.Context, req commands.Request) {
	log := a.Log.With("team", req.Who.Space, "user", req.Who.User, "command", word(req.Line))
	log.Debug("slack: button pressed")
	life, number, end, err := a.running.begin(req.Key, req.Who.ID())
	if err != nil {
		if now, held := a.turned.add(); now {
			log.Warn("slack: press turned away", "reason", err, "held_back", held)
		}
		if err == errFlooded { // its first delivery is answered
			return
		}
		refused := a.turnedAway(err, number, req.At)
		a.goOn(func() {
			if err := a.show(context.Background(), req.ReplyTo, refused.reply, false); err != nil {
				log.Warn("slack: answer not delivered", "error", err)
			}
		})
		return
	}
	written := make(chan struct{})
	req.Accepted = func(n int64) {
		number.Store(n)
		close(written)
	}
	done := make(chan struct{})
	go func() {
		defer end()
		defer close(done)
		answer := a.work(life, req)
		how := notAtAll
		if answer.reply.Repeat {
			how = byAnother
		} else if err := a.show(life, req.ReplyTo, answer.reply, false); err != nil {
			log.Warn("slack: answer not delivered", "number", answer.reply.Number, "error", err)
			a.count(commands.Undelivered, req.At)
		} else {
			how = afterward
			a.count(commands.FinalAnswer, req.At)
		}
		if answer.undrawn { // what was said is not the answer
			how = notAtAll
		}
		a.answered(answer.reply, how)
		log.Info("slack: press answered", "answered", how, "tone", answer.reply.Tone, "number", answer.reply.Number, "ms", time.Since(req.At).Milliseconds())
	}()
	wait, cancel := context.WithDeadline(ctx, req.At.Add(firstAnswer))
	defer cancel()
	select {
	case <-written:
	case <-done:
	case <-wait.Done():
	}
}

// maxTurnedAway is how many presses that were not taken on are told so at once; more hear nothing.
const maxTurnedAway = 64

// goOn runs f in the background, unless too much runs there already. Stop does not wait for it: it ends soon.
func (a *Adapter) goOn(f func()) {
	if a.turnedAwayNow.Add(1) > maxTurnedAway {
		a.turnedAwayNow.Add(-1)
		return
	}
	go a.guarded(func() answer {
		defer a.turnedAwayNow.Add(-1)
		f()
		return answer{}
	})
}

// A card is the message that a pressed button sits on.
type card struct {
	private bool // only the presser sees it
	address string
}

const privateCard, publicCard = "card:private ", "card:public "

// replyTo is a card as the address of an answer.
func (c card) replyTo() commands.ReplyTo {
	if c.private {
		return commands.ReplyTo(privateCard + c.address)
	}
	return commands.ReplyTo(publicCard + c.address)
}

// cardOf reads what replyTo has written; pressed is false for the response_url of a command.
func cardOf(to commands.ReplyTo) (c card, pressed bool) {
	if address, found := strings.CutPrefix(string(to), privateCard); found {
		return card{private: true, address: address}, true
	}
	if address, found := strings.CutPrefix(string(to), publicCard); found {
		return card{address: address}, true
	}
	return card{address: string(to)}, false
}

// posts are the messages that an answer to a press takes, in their order. What everyone may read takes the place of a card that everyone sees;
// what one person may read takes the place of that person's card, and never touches one that others see. A message never changes
// between private and public, so a public answer to a private question is posted, and the question removed.
//
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
func (c card) posts(r commands.Reply, m message) ([][]byte, error) {
	replace := r.Public != c.private
	m.ReplaceOriginal = &replace
	all := []any{m}
	if c.private && r.Public {
		all = append(all, struct {
			Delete bool `json:"delete_original"`
		}{true})
	}
	var bodies [][]byte
	for _, one := range all {
		body, err := encode(one)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// show gives the answer to a press, by the response_url that came with it. once tells that each post is tried once only.
func (a *Adapter) show(life context.Context, to commands.ReplyTo, r commands.Reply, once bool) error {
	c, _ := cardOf(to)
	address, ok := trusted(c.address, a.APIURL)
	if !ok {
		return errUntrusted
	}
	bodies, err := c.posts(r, draw(r))
	if err != nil {
		return err
	}
	for i, body := range bodies {
		post := a.postTo
		if once {
			post = func(ctx context.Context, to *url.URL, body []byte) error { return a.attempt(ctx, to, body) }
		}
		err := post(life, address, body)
		switch {
		case err != nil && i == 0:
			return err
		case err != nil: // the answer is given; a question that stays is answered already
			a.Log.Warn("slack: a card could not be removed", "error", fmt.Sprint(err))
		}
	}
	return nil
}

// isOver tells that a response_url will take nothing any more.
func isOver(err error) bool {
	_, never := errors.AsType[*backoff.PermanentError](err)
	return never || errors.Is(err, errUntrusted)
}
