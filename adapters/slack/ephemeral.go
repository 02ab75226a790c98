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
	if channel == "" || user == "" {
		return commands.ErrNowhere
	}
	return a.tell(ctx, "chat.postEphemeral", ephemeral{channel, user, m.Text, m.Blocks})
}

// A posting is a message in a channel that everyone sees. Links in it are shown without previews.
//
// https://docs.slack.dev/reference/methods/chat.postMessage
type posting struct {
	Channel     string  `json:"channel"`
	Text        string  `json:"text"`
	Blocks      []block `json:"blocks,omitempty"`
	UnfurlLinks bool    `json:"unfurl_links"`
	UnfurlMedia bool    `json:"unfurl_media"`
}

// publicly shows m to everyone in a channel. commands.ErrNowhere: Slack will not, as for privately.
func (a *Adapter) publicly(ctx context.Context, channel string, m message) error {
	if channel == "" {
		return commands.ErrNowhere
	}
	return a.tell(ctx, "chat.postMessage", posting{Channel: channel, Text: m.Text, Blocks: m.Blocks})
}

// tell calls a method of the Web API that shows a message, once.
func (a *Adapter) tell(ctx context.Context, method string, message any) error {
	if a.BotToken == "" {
		return commands.ErrNowhere
	}
	to, err := url.Parse(strings.TrimRight(cmp.Or(a.APIURL, slackapi.APIURL), "/") + "/" + method)
	if err != nil {
		return commands.ErrNowhere
	}
	body, err := encode(message)
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
