package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// A response is the first answer to an interaction, in the HTTP response to it.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object
type response struct {
	Type discordgo.InteractionResponseType `json:"type"`
	Data any                               `json:"data,omitempty"` // message, deferral, suggestions or modal

	number  int64    // whether it was taken is reported for this journal number; 0: for none
	command *command // that it is the first answer to; nil: to none
}

type deferral struct {
	Flags discordgo.MessageFlags `json:"flags"` // this one only: MessageFlagsEphemeral
}

type suggestions struct {
	Choices []Choice `json:"choices"` // at most 25; not null
}

func pong() response { return response{Type: discordgo.InteractionResponsePong} }

// shown is an answer as a message. The answer to a repeated delivery is reported by the first one.
func shown(a answer) response {
	r := response{Type: discordgo.InteractionResponseChannelMessageWithSource, Data: a.message}
	if !a.reply.Repeat {
		r.number = a.reply.Number
	}
	return r
}

// first is the first answer where the command's own is not there yet. "thinking…" is a promise, so a command that is not written down
// gets words that promise nothing. On a card nothing changes for now.
func (k acknowledgement) first(l commands.Language, on card) response {
	switch {
	case on.pressed:
		return response{Type: discordgo.InteractionResponseDeferredMessageUpdate}
	case k.number == 0:
		return shown(drawn(commands.Acknowledgement(l, 0)))
	}
	return thinking(k.public)
}

// thinking says that the answer follows: to everyone, or to the person alone.
func thinking(public bool) response {
	r := response{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource}
	if !public {
		r.Data = deferral{Flags: discordgo.MessageFlagsEphemeral}
	}
	return r
}

func suggested(choices []Choice) response {
	if choices == nil {
		choices = []Choice{}
	}
	return response{Type: discordgo.InteractionApplicationCommandAutocompleteResult, Data: suggestions{choices}}
}

// write returns nil when all of r has gone to the network.
func write(w http.ResponseWriter, r response) error {
	body, err := encode(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
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
