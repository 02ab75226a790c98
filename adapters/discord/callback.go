package discord

import (
	"context"
	"errors"
	"net/http"
	"time"

	discordgo "github.com/bwmarrin/discordgo"
)

const (
	callbackBy  = 2800 * time.Millisecond // from receipt: Discord waits 3 s
	callbackOne = 1200 * time.Millisecond // for the first attempt; half of what is left, where that is less
	callbackGap = 100 * time.Millisecond  // between them
)

// callback gives the first answer to an interaction that was received at a time, which Discord takes for three seconds. It tries twice at most; that the
// interaction is answered already (40060) is a success when that may have been the first try.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#create-interaction-response
func (c *Client) callback(ctx context.Context, id, token string, first response, at time.Time) error {
	body, err := encode(first)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(ctx, at.Add(callbackBy))
	defer cancel()
	call := call{method: http.MethodPost, route: "/interactions/{id}/{token}/callback", places: []string{id, token}}
	one, cancelOne := context.WithTimeout(ctx, min(callbackOne, (time.Until(at.Add(callbackBy))-callbackGap)/2))
	defer cancelOne()
	sent, err := c.attempt(one, call, body)
	e, answered := errors.AsType[*Error](err)
	pause, limited := callbackGap, answered && e.Status == http.StatusTooManyRequests
	switch {
	case err == nil:
		return nil
	case limited:
		pause = max(pause, e.wait)
	case answered && e.Status/100 != 5:
		return err
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return err
	}
	_, again := c.attempt(ctx, call, body)
	if e, refused := errors.AsType[*Error](again); refused && sent && !limited && e.Code == discordgo.ErrCodeInteractionHasAlreadyBeenAcknowledged {
		return nil
	}
	return again
}
