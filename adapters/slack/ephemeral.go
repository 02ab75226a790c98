package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/cenkalti/backoff/v5"
	slackapi "github.com/slack-go/slack"

	"roomwarden/commands"
)

// An ephemeral is a message in a channel that one person sees.
//
// https://docs.slack.dev/reference/methods/chat.postEphemeral
type ephemeral struct {
	Channel string  `json:"channel"`
	User    string  `json:"user"`
	Text    string  `json:"text"`
	Blocks  []block `json:"blocks,omitempty"`
}

// privately shows m to one person in a channel, whomever m was for. commands.ErrNowhere: Slack will not, whenever it is asked: there is no
// token or no scope for it, or the bot or the person is not in the channel.
func (a *Adapter) privately(ctx context.Context, channel, user string, m message) error {
	const method = "chat.postEphemeral"
	if a.BotToken == "" || channel == "" || user == "" {
		return commands.ErrNowhere
	}
	to, err := url.Parse(strings.TrimRight(cmp.Or(a.APIURL, slackapi.APIURL), "/") + "/" + method)
	if err != nil {
		return commands.ErrNowhere
	}
	body, err := encode(ephemeral{channel, user, m.Text, m.Blocks})
	if err != nil {
		return err
	}
	res, said, err := a.send(ctx, method, to, a.BotToken, body)
	if err == nil {
		err = verdict(method, res, said)
	}
	if never, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return fmt.Errorf("%w: %w", commands.ErrNowhere, never.Unwrap())
	} else if err != nil {
		return err
	}
	var answer struct {
		OK bool `json:"ok"`
	}
	if json.Unmarshal(said, &answer) != nil || !answer.OK {
		return fmt.Errorf("%s: %w", method, errNotSlack)
	}
	return nil
}
