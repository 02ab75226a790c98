package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// An interaction's token is good for 15 minutes.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
const lateTime = 14 * time.Minute

// A response is the first answer to an interaction, in the HTTP response to it.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object
type response struct {
	Type discordgo.InteractionResponseType `json:"type"`
	Data any                               `json:"data,omitempty"` // message, deferral or suggestions
}

type deferral struct {
	Flags discordgo.MessageFlags `json:"flags"` // this one only: MessageFlagsEphemeral
}

type suggestions struct {
	Choices []Choice `json:"choices"`
}

func pong() response { return response{Type: discordgo.InteractionResponsePong} }

func shown(a answer) response {
	return response{Type: discordgo.InteractionResponseChannelMessageWithSource, Data: a.message}
}

// thinking says that the answer follows: to everyone, or to the person alone.
func thinking(public bool) response {
	r := response{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource}
	if !public {
		r.Data = deferral{Flags: discordgo.MessageFlagsEphemeral}
	}
	return r
}

func noSuggestions() response {
	return response{Type: discordgo.InteractionApplicationCommandAutocompleteResult, Data: suggestions{Choices: []Choice{}}}
}

func write(w http.ResponseWriter, r response) error {
	body, err := encode(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(body)
	return err
}

// encode is v as JSON; <, > and & stay what they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return b.Bytes(), nil
}

// late tells the answer after "thinking…", and returns how that went. What the command's first delivery tells, it tells for the
// repeated ones, too: they have one token, and whichever Discord heeded is the one that is edited.
func (a *Adapter) late(life context.Context, req commands.Request, late answer, public bool, log *slog.Logger) (how string) {
	if late.reply.Repeat {
		return "by its first delivery"
	}
	how = "not at all"
	a.guarded(func() {
		ctx, cancel := context.WithDeadline(context.WithoutCancel(life), req.At.Add(lateTime))
		defer cancel()
		forget := context.AfterFunc(life, func() { time.AfterFunc(lastWords, cancel) })
		defer forget()
		if err := a.tell(ctx, req.ReplyTo, late, public); err != nil {
			log.Warn("discord: late answer not delivered", "number", late.reply.Number, "error", err)
		} else {
			how = "late"
		}
	})
	if how == "late" {
		a.observe(commands.FinalAnswer, time.Since(req.At))
	} else {
		a.observe(commands.Undelivered, time.Since(req.At))
	}
	return how
}

// tell puts the answer in the place of "thinking…", which public says everyone sees or the person alone. That cannot be changed any
// more. So an answer for the person alone is posted after the public "thinking…" was deleted, and not before: Discord takes the
// first post for an edit while it still stands. An answer for everyone is edited into the private one, and posted besides.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#followup-messages
func (a *Adapter) tell(ctx context.Context, to commands.ReplyTo, late answer, public bool) error {
	switch {
	case public == late.reply.Public:
		err := a.Client.edit(ctx, to, late.message)
		if isGone(err) { // somebody removed it
			return a.Client.followUp(ctx, to, late.message)
		}
		return err
	case public:
		if err := a.Client.remove(ctx, to); err != nil {
			// It stays, so it must say something else before anything private is posted.
			edited := a.Client.edit(ctx, to, drawn(commands.Reply{Tone: commands.Info, Language: late.reply.Language, Text: commands.Prose{{Text: privately.In(late.reply.Language)}}}).message)
			if edited != nil && !isGone(edited) {
				return errors.Join(err, edited)
			}
		}
		return a.Client.followUp(ctx, to, late.message)
	default:
		return errors.Join(a.Client.edit(ctx, to, late.message), a.Client.followUp(ctx, to, late.message))
	}
}
