package discord

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// A standing is the first answer to an interaction as it stands.
type standing struct {
	Content string                 `json:"content"`
	Flags   discordgo.MessageFlags `json:"flags"`
}

var numberAtTheEnd = regexp.MustCompile(`\n-# #([0-9]{1,18})$`)

// number is the journal number of the answer that stands there; 0: none is seen.
func (s standing) number() int64 {
	if found := numberAtTheEnd.FindStringSubmatch(s.Content); found != nil {
		n, _ := strconv.ParseInt(found[1], 10, 64) // 18 digits fit
		return n
	}
	return 0
}

// public tells whether everyone sees it.
func (s standing) public() bool { return s.Flags&discordgo.MessageFlagsEphemeral == 0 }

// waiting tells that it is an acknowledgement: "thinking…", or our words that the answer follows.
func (s standing) waiting() bool {
	return s.Flags&discordgo.MessageFlagsLoading != 0 || strings.HasPrefix(s.Content, emoji[commands.Working])
}

// original asks for the first answer. An interaction that was never answered is an unknown webhook.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#get-original-interaction-response
func (c *Client) original(ctx context.Context, to commands.ReplyTo) (standing, error) {
	var s standing
	err := c.do(ctx, call{method: http.MethodGet, route: "/webhooks/{app}/{token}/messages/@original", places: parts(to), repeatable: true, into: &s})
	return s, err
}

// edit puts m in the place of the first answer. Whether everyone sees it was fixed by that one.
func (c *Client) edit(ctx context.Context, to commands.ReplyTo, m message) error {
	m.Flags &^= discordgo.MessageFlagsEphemeral
	return c.say(ctx, call{method: http.MethodPatch, route: "/webhooks/{app}/{token}/messages/@original", places: parts(to), repeatable: true}, m)
}

// say makes a call with a message. One whose form Discord does not accept, which is a mistake of ours, goes without its buttons.
func (c *Client) say(ctx context.Context, call call, m message) error {
	call.body = m
	err := c.do(ctx, call)
	if e, answered := errors.AsType[*Error](err); answered && e.Code == discordgo.ErrCodeInvalidFormBody && len(m.Components) > 0 {
		m.Components = []actionRow{}
		call.body = m
		if c.do(ctx, call) == nil {
			return nil
		}
	}
	return err
}

// editFollowUp puts m in the place of what followUp has posted.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#edit-followup-message
func (c *Client) editFollowUp(ctx context.Context, to commands.ReplyTo, id string, m message) error {
	m.Flags &^= discordgo.MessageFlagsEphemeral
	return c.say(ctx, call{method: http.MethodPatch, route: "/webhooks/{app}/{token}/messages/{message}", places: append(parts(to), id), repeatable: true}, m)
}

// removeFollowUp deletes what followUp has posted; what is gone already is fine.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#delete-followup-message
func (c *Client) removeFollowUp(ctx context.Context, to commands.ReplyTo, id string) error {
	err := c.do(ctx, call{method: http.MethodDelete, route: "/webhooks/{app}/{token}/messages/{message}", places: append(parts(to), id), repeatable: true})
	if isGone(err) {
		return nil
	}
	return err
}

// remove deletes the first answer; one that is gone already is fine.
func (c *Client) remove(ctx context.Context, to commands.ReplyTo) error {
	err := c.do(ctx, call{method: http.MethodDelete, route: "/webhooks/{app}/{token}/messages/@original", places: parts(to), repeatable: true})
	if isGone(err) {
		return nil
	}
	return err
}

// isGone tells of a message that is no longer there.
func isGone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == discordgo.ErrCodeUnknownMessage
}

// hasNoPlace tells of an edit that cannot be made, and of an answer that has to be posted instead: the message was removed, or it is older than an hour and
// was edited too often.
func hasNoPlace(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Code == discordgo.ErrCodeUnknownMessage || e.Code == codeTooManyEdits)
}

// mayHaveArrived tells of a call that Discord may have heeded all the same.
func mayHaveArrived(err error) bool {
	e, answered := errors.AsType[*Error](err)
	return err != nil && (!answered || e.Status/100 == 5)
}

// followUp posts m besides the first answer, and returns its id. One for everyone is not repeated once it may have arrived; one for the person alone is:
// reading it twice does no harm, and missing it may.
func (c *Client) followUp(ctx context.Context, to commands.ReplyTo, m message) (id string, err error) {
	private := m.Flags&discordgo.MessageFlagsEphemeral != 0
	var posted struct {
		ID string `json:"id"`
	}
	err = c.say(ctx, call{method: http.MethodPost, route: "/webhooks/{app}/{token}", places: parts(to), repeatable: private, into: &posted, loose: true}, m)
	return posted.ID, err
}

// announce posts m in a channel, in the bot's name. Discord takes it once under one nonce, within a few minutes.
//
// https://discord.com/developers/docs/resources/message#create-message
func (c *Client) announce(ctx context.Context, channel, nonce string, m message) error {
	body := struct {
		message
		Nonce   string `json:"nonce"`
		Enforce bool   `json:"enforce_nonce"`
	}{m, nonce, true}
	return c.briefly().do(ctx, call{method: http.MethodPost, route: "/channels/{channel}/messages", places: []string{channel}, bot: true, body: body, repeatable: true})
}

// isReplyTo matches a late answer's address: application id and token.
var isReplyTo = regexp.MustCompile(`^[0-9]+/.+$`)

// parts is a late answer's address in its parts.
func parts(to commands.ReplyTo) []string {
	to, _ = cardOf(to)
	app, token, _ := strings.Cut(string(to), "/")
	return []string{app, token}
}
