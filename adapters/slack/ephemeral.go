package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

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

// privately shows m to one person in a channel, or where that cannot be in the bot's own conversation with them, whomever m was for.
// commands.ErrNowhere: Slack will not, whenever it is asked: there is no token or no scope for it, or the person is not there.
func (a *Adapter) privately(ctx context.Context, channel, user string, m message) error {
	if user == "" {
		return commands.ErrNowhere
	}
	if channel != "" {
		err := a.tell(ctx, "chat.postEphemeral", ephemeral{channel, user, m.Text, m.Blocks})
		if !errors.Is(err, commands.ErrNowhere) {
			return err
		}
	}
	return a.tell(ctx, "chat.postMessage", posting{Channel: user, Text: m.Text, Blocks: m.Blocks})
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
	_, err := a.call(ctx, method, message)
	return err
}

// call calls a method of the Web API, once, and returns what Slack says to it when that is a success. commands.ErrNowhere: Slack will never do
// it. Where Slack wants no calls of the method for a while it is not asked.
func (a *Adapter) call(ctx context.Context, method string, arguments any) ([]byte, error) {
	if a.BotToken == "" {
		return nil, commands.ErrNowhere
	}
	to, err := url.Parse(strings.TrimRight(cmp.Or(a.APIURL, slackapi.APIURL), "/") + "/" + method)
	if err != nil {
		return nil, commands.ErrNowhere
	}
	body, err := encode(arguments)
	if err != nil {
		return nil, err
	}
	if wait := a.holds.left(method); wait > 0 {
		return nil, fmt.Errorf("%s: Slack wants no calls for %v", method, wait.Round(time.Second))
	}
	res, said, err := a.send(ctx, method, to, a.BotToken, body)
	if err == nil {
		err = verdict(method, res, said)
	}
	if limited, ok := errors.AsType[*backoff.RetryAfterError](err); ok {
		a.holds.hold(method, limited.Duration)
	}
	if never, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return nil, fmt.Errorf("%w: %w", commands.ErrNowhere, never.Unwrap())
	} else if err != nil {
		return nil, err
	}
	var answer struct {
		OK bool `json:"ok"`
	}
	if json.Unmarshal(said, &answer) != nil || !answer.OK {
		return nil, fmt.Errorf("%s: %w", method, errNotSlack)
	}
	return said, nil
}
