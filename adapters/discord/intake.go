package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// Interactions is the handler for POST /discord/interactions. It answers 401 with nothing else to whatever Discord has not signed,
// and 200 to every interaction, whatever came of it.
func (a *Adapter) Interactions() http.Handler { return http.HandlerFunc(a.serveInteraction) }

func (a *Adapter) serveInteraction(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, status := a.receive(w, r, at)
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	_, first, err := a.read(r.Context(), body, at, firstAnswer)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	there := r.Context().Err() == nil
	err = write(w, first)
	if err != nil {
		a.Log.Warn("discord: write the first answer", "error", err)
	}
	there = there && (r.Close || r.Context().Err() == nil) // who said so hangs up as soon as the answer is read
	a.sent(first, err == nil && there && time.Since(at) < surelyTaken)
}

// take has an interaction that came through the gateway carried out, and answers it by a call. It returns when the first answer was given, or could not
// be; the work goes on, and Stop waits for it.
func (a *Adapter) take(ctx context.Context, raw json.RawMessage, at time.Time) {
	a.observe(commands.Signed, 0) // Discord has taken the session's token
	i, first, err := a.read(ctx, raw, at, firstCall)
	if err != nil || i.Type == discordgo.InteractionPing {
		return
	}
	taken := false
	defer func() { a.sent(first, taken) }()
	err = a.Client.callback(context.WithoutCancel(ctx), i.ID, i.Token, first, at)
	if err == nil {
		taken = true
		return
	}
	log := a.Log.With("guild", i.GuildID, "number", first.number, "error", err)
	if i.Type == discordgo.InteractionApplicationCommandAutocomplete { // people have typed on
		log.Debug("discord: completion was not taken")
		return
	}
	e, answered := errors.AsType[*Error](err)
	if !answered || e.Code != discordgo.ErrCodeInteractionHasAlreadyBeenAcknowledged {
		log.Warn("discord: the first answer was not taken")
		return
	}
	// Somebody was first: a delivery before this one, or another process with the same token. What that has said is left alone; what comes of a command looks
	// first what stands there, here or in Deliver.
	log.Warn("discord: answered already, by an earlier delivery or by another process that has the same token")
	if first.command != nil {
		first.command.elsewhere.Store(true)
	}
}

// sent tells what became of a first answer.
func (a *Adapter) sent(first response, taken bool) {
	if first.command != nil {
		first.command.settle()
	}
	a.answered(first.number, taken)
}

// answered reports what became of an answer, if that is to be reported.
func (a *Adapter) answered(number int64, delivered bool) {
	if a.Answered != nil && number != 0 {
		a.guarded(func() { a.Answered(number, delivered) })
	}
}

// read reads an interaction, and returns it with its first answer, which waits for the outcome so long at most.
func (a *Adapter) read(ctx context.Context, raw []byte, at time.Time, patience time.Duration) (i interaction, first response, err error) {
	if json.Unmarshal(raw, &i) != nil {
		err = errors.New("not the JSON of an interaction")
	} else {
		i.at, i.due = at, at.Add(patience)
		err = errPanic
		a.guarded(func() { first, err = a.respond(ctx, i) })
	}
	if err != nil {
		a.Log.Warn("discord: unreadable interaction", "error", err)
	}
	return i, first, err
}

// respond is the first answer to an interaction, of a kind that is valid for its type. Where it came from is looked at before anything else.
func (a *Adapter) respond(ctx context.Context, i interaction) (first response, err error) {
	if i.Type == discordgo.InteractionPing {
		return pong(), nil
	}
	if i.ID == "" || i.Token == "" {
		return response{}, errIncomplete
	}
	elsewhere := a.elsewhere(i)
	if i.Type == discordgo.InteractionApplicationCommandAutocomplete {
		if elsewhere != nil {
			return suggested(nil), nil
		}
		return a.complete(ctx, i), nil
	}
	switch {
	case elsewhere != nil:
		first = a.turnedAway(i, *elsewhere)
	case i.Type == discordgo.InteractionApplicationCommand:
		first, err = a.command(ctx, i)
	case i.Type == discordgo.InteractionMessageComponent:
		first, err = a.press(ctx, i)
	case i.Type == discordgo.InteractionModalSubmit:
		first, err = a.submit(ctx, i)
	default:
		err = errors.New("its type is not known")
	}
	if err == nil {
		a.observe(commands.FirstAnswer, time.Since(i.at))
	}
	return first, err
}

// elsewhere is why an interaction is refused because of where it came from; nil: it is not.
func (a *Adapter) elsewhere(i interaction) *commands.Text {
	if i.Member == nil || i.GuildID == "" {
		return &directMessage
	}
	if len(a.GuildIDs) > 0 && !slices.Contains(a.GuildIDs, i.GuildID) {
		a.Log.Warn("discord: interaction from a guild that is not served", "guild", i.GuildID, "user", i.Member.User.ID)
		return &otherGuild
	}
	return nil
}

// command is the first answer to a command: typed, or chosen from somebody's menu.
func (a *Adapter) command(ctx context.Context, i interaction) (response, error) {
	var c invoked
	if err := json.Unmarshal(i.Data, &c); err != nil {
		return response{}, errors.New("its data is not that of a command")
	}
	if c.Type > discordgo.ChatApplicationCommand {
		return a.menu(ctx, i, c), nil
	}
	line, err := c.line()
	if err != nil {
		return response{}, err
	}
	return a.carryOut(ctx, i, line, card{})
}

// carryOut is the first answer to what somebody did, which was to type a line or to press it on a card.
func (a *Adapter) carryOut(ctx context.Context, i interaction, line string, on card) (response, error) {
	req, err := i.request(line)
	if err != nil {
		return response{}, err
	}
	req.ReplyTo += on.suffix()
	name, _, _ := strings.Cut(line, " ")
	log := a.Log.With("guild", req.Who.Space, "user", req.Who.User, "command", cut(clean(name), maxName, one))
	first := shown(drawn(commands.Broken(a.language(i))))
	a.guarded(func() { first = a.first(ctx, i, req, on, log) })
	return first, nil
}

// language is that of whoever did something.
func (a *Adapter) language(i interaction) commands.Language {
	return commands.LanguageOf(i.Locale, a.Language)
}

// own is the adapter's own word for an interaction that was not taken on.
func own(l commands.Language, t commands.Text) answer {
	return drawn(commands.Reply{Tone: commands.Refused, Language: l, Text: commands.Prose{{Text: t.In(l)}}})
}

// turnedAway is the only answer to an interaction that was not taken on.
func (a *Adapter) turnedAway(i interaction, why commands.Text) response {
	a.observe(commands.FinalAnswer, time.Since(i.at))
	return shown(own(a.language(i), why))
}
