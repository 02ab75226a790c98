package slack

import (
	"context"
	"strings"

	"roomwarden/commands"
)

// press carries out a pressed button, which may open a form, and returns when that is written down, or is answered, or Slack would not wait longer.
func (a *Adapter) press(ctx context.Context, in interaction, req commands.Request) {
	req.Line = strings.ToValidUTF8(in.Actions[0].Value, "\uFFFD")
	req.ReplyBy = req.At.Add(replyTime)
	if _, good := trusted(in.ResponseURL, a.APIURL); good {
		req.ReplyTo = card{private: in.Container.Ephemeral, address: in.ResponseURL}.replyTo()
	} else if in.Container.Type == "view" {
		req.ReplyTo = onHome
	} else {
		req.ReplyTo = inChannel
	}
	if a.opened(req, in.TriggerID) {
		return
	}
	if r := a.posted(ctx, req, false); r != nil {
		a.goOn(func() { a.tellNow(context.Background(), req, *r) })
	}
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
// what one person may read takes the place of that person's card, and never touches one that others see, unless that tells of what is over. A message never changes
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
