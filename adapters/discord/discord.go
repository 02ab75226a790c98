// Package discord is how people in Discord speak to the bot: it verifies that an interaction is Discord's, translates it into a
// commands.Request, acknowledges it in time, and draws the commands.Reply. It also registers the commands with Discord: table.go
// is what, register.go how.
//
// A command takes this way:
//
//	receive   body through a cap, signature             signature.go
//	request   interaction → commands.Request            payload.go
//	first     the work starts; wait for it, not long    discord.go, running.go
//	draw      commands.Reply → message                  render.go, markdown.go
//	respond   the first answer                          response.go
//	late      what came too late is edited in           late.go, client.go
//
// Discord waits three seconds for the first answer, and that one decides for good whether everyone sees it. An answer that is
// there within two seconds is the first answer. Otherwise the first answer is "thinking…": for everyone when the handler has said by
// then that a success will be, else for the person alone; and where the command is not even written down by then, a message to the
// person that says so. Where the outcome turns out to want it otherwise, late.go makes up for it.
//
// What became of an answer with a journal number is reported to Answered. One that could not be given is given later by Deliver, as often as
// it takes, from this process or another.
//
// Of discordgo only the verification and the constants are used: its own REST calls share a lock, repeat posts, and quote tokens
// in errors. The payloads here are our own, and so is the client.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding
package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
	"roomwarden/permissions"
)

const (
	maxBody     = 256 << 10       // bytes of a request; a command with all its options full has less than half of that
	firstAnswer = 2 * time.Second // from receipt to the first answer; Discord waits 3 s, the network included

	// A first answer that is written later than this after its receipt may not have been taken.
	surelyTaken = 2500 * time.Millisecond
)

// An Adapter receives Discord's interactions over HTTP. PublicKey, Client, Handle and Log are required. It may be used by many
// goroutines at once; its fields must not change after the first request, and it must not be copied.
type Adapter struct {
	PublicKey string               // of the Discord application, as ParsePublicKey wants it; else every request is refused
	GuildIDs  []string             // the guilds that are served; empty: every guild
	Language  commands.Language    // where an interaction has no locale; empty: English
	Client    *Client              // for late answers
	Handle    commands.Handler     // answers the commands
	Observe   func(commands.Event) // called from many goroutines, must not block; nil: nobody counts
	Log       *slog.Logger

	// Answered is called once for each answer with a journal number, but for those to repeated deliveries, and from many goroutines:
	// delivered when Discord has taken it. Otherwise it was not, or nobody knows, and Deliver finds out. nil: nobody asks.
	Answered func(number int64, delivered bool)

	running  running
	refusals refusals
}

// What an adapter says itself, where the dispatcher is not asked.
var (
	restarting = commands.Text{
		English: "The bot is restarting. Nothing was done. Please repeat the command in a moment.",
		Chinese: "机器人正在重启，没有执行任何操作。请稍后重试。",
	}
	directMessage = commands.Text{
		English: "The bot takes no commands in direct messages. Nothing was done. Please use a channel of your server.",
		Chinese: "机器人不接受私信命令，没有执行任何操作。请在服务器的频道中使用。",
	}
	otherGuild = commands.Text{
		English: "The bot is not set up for this server. Nothing was done. Whoever runs the bot can add the server to its settings.",
		Chinese: "此服务器尚未启用本机器人，没有执行任何操作。请联系机器人的管理员在配置中添加此服务器。",
	}
	privately = commands.Text{
		English: "The answer was given to the person who asked.",
		Chinese: "回复仅发送给了操作人。",
	}
	onlyCommands = commands.Text{
		English: "The bot only understands slash commands. Nothing was done. Please type the command.",
		Chinese: "机器人只接受斜杠命令，没有执行任何操作。请直接输入命令。",
	}
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
	var i interaction
	if err := json.Unmarshal(body, &i); err != nil {
		a.Log.Warn("discord: unreadable interaction", "error", "not the JSON of an interaction")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	first, err := a.respond(r.Context(), i, at)
	if err != nil {
		a.Log.Warn("discord: unreadable interaction", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err = write(w, first); err != nil {
		a.Log.Warn("discord: write the first answer", "error", err)
	}
	a.answered(first.number, err == nil && r.Context().Err() == nil && time.Since(at) < surelyTaken)
}

// answered reports what became of an answer, if that is to be reported.
func (a *Adapter) answered(number int64, delivered bool) {
	if a.Answered != nil && number != 0 {
		a.guarded(func() { a.Answered(number, delivered) })
	}
}

// respond is the first answer to an interaction, of a kind that is valid for its type.
func (a *Adapter) respond(ctx context.Context, i interaction, at time.Time) (response, error) {
	language := commands.LanguageOf(i.Locale, a.Language)
	switch i.Type {
	case discordgo.InteractionPing:
		return pong(), nil
	case discordgo.InteractionApplicationCommandAutocomplete:
		return noSuggestions(), nil
	case discordgo.InteractionApplicationCommand:
		answer, err := a.command(ctx, i, language, at)
		if err == nil {
			a.observe(commands.FirstAnswer, time.Since(at))
		}
		return answer, err
	default:
		return shown(own(language, onlyCommands)), nil
	}
}

// command is the first answer to a command. Where it came from is looked at before anything else.
func (a *Adapter) command(ctx context.Context, i interaction, language commands.Language, at time.Time) (response, error) {
	if i.Member == nil || i.GuildID == "" {
		return a.turnedAway(own(language, directMessage), at), nil
	}
	if len(a.GuildIDs) > 0 && !slices.Contains(a.GuildIDs, i.GuildID) {
		a.Log.Warn("discord: command from a guild that is not served", "guild", i.GuildID, "user", i.Member.User.ID)
		return a.turnedAway(own(language, otherGuild), at), nil
	}
	var c invoked
	if err := json.Unmarshal(i.Data, &c); err != nil {
		return response{}, errors.New("its data is not that of a command")
	}
	if c.Type > discordgo.ChatApplicationCommand { // from the menu of a user or a message
		return a.turnedAway(own(language, onlyCommands), at), nil
	}
	req, err := i.request(c, at)
	if err != nil {
		return response{}, err
	}
	log := a.Log.With("guild", i.GuildID, "user", req.Who.User, "command", c.Name)
	first := shown(drawn(commands.Broken(language)))
	a.guarded(func() { first = a.first(ctx, req, language, log) })
	return first, nil
}

// Stop ends the intake: from now on commands are told to come back, and nothing is done. It waits for what runs,
// late answers included. When ctx ends first, the work left is cancelled, a short time remains to tell people
// so, and the error says how many commands were cut short. Call it before http.Server.Shutdown.
func (a *Adapter) Stop(ctx context.Context) error {
	if n := a.running.stop(ctx); n > 0 {
		return fmt.Errorf("stop discord: commands cut short: %d: %w", n, context.Cause(ctx))
	}
	return nil
}

// An answer is a reply, drawn.
type answer struct {
	reply   commands.Reply
	message message
}

func drawn(r commands.Reply) answer { return answer{r, draw(r)} }

// own is the adapter's own word for an interaction that was not taken on.
func own(l commands.Language, t commands.Text) answer {
	return drawn(commands.Reply{Tone: commands.Refused, Language: l, Text: commands.Prose{{Text: t.In(l)}}})
}

// turnedAway is the only answer to a command that was not taken on.
func (a *Adapter) turnedAway(why answer, at time.Time) response {
	a.observe(commands.FinalAnswer, time.Since(at))
	return shown(why)
}

// first starts the work and returns the first answer: the answer itself when it comes in time and ctx, which
// ends when Discord hangs up, has not ended; otherwise that it follows.
func (a *Adapter) first(ctx context.Context, req commands.Request, language commands.Language, log *slog.Logger) response {
	log.Debug("discord: command received")
	life, command, end, err := a.running.begin(req.Key, req.Who.ID())
	if err != nil {
		log.Warn("discord: command turned away", "reason", err)
		switch err {
		case errFlooded:
			return command.acknowledge().first(language)
		case errStopping:
			return a.turnedAway(own(language, restarting), req.At)
		default:
			return a.turnedAway(drawn(commands.Busy(language)), req.At)
		}
	}
	req.Accepted, req.Allowed = command.accepted, command.allowed

	wait, cancel := context.WithDeadline(ctx, req.At.Add(firstAnswer))
	defer cancel()
	inTime := make(chan answer) // unbuffered: who receives from it has the answer, and nobody else does
	go func() {
		defer end()
		answer := a.work(life, req, language)
		how := "in time"
		if !handedOver(wait, inTime, answer) {
			how = a.late(life, req, answer, command.acknowledge().public, log)
		}
		log.Info("discord: command answered", "answered", how, "tone", answer.reply.Tone,
			"number", answer.reply.Number, "ms", time.Since(req.At).Milliseconds())
	}()

	select {
	case answer := <-inTime:
		a.observe(commands.FinalAnswer, time.Since(req.At))
		return shown(answer)
	case <-wait.Done():
		return command.acknowledge().first(language)
	}
}

// work has the request handled and draws the reply. How long that may take is the handler's to decide.
func (a *Adapter) work(life context.Context, req commands.Request, language commands.Language) answer {
	broken := commands.Broken(language)
	reply := broken
	a.guarded(func() { reply = a.Handle(life, req) })
	broken.Number, broken.Repeat = reply.Number, reply.Repeat
	got := drawn(broken)
	a.guarded(func() { got = drawn(reply) })
	return got
}

// handedOver reports whether somebody took the answer before wait ended.
func handedOver(wait context.Context, to chan<- answer, answer answer) bool {
	select {
	case to <- answer:
		return true
	case <-wait.Done():
		return false
	}
}

// guarded runs f. A panic in it becomes a log line.
func (a *Adapter) guarded(f func()) {
	defer func() {
		if p := recover(); p != nil {
			a.Log.Error("discord: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
}

func (a *Adapter) observe(kind commands.EventKind, took time.Duration) {
	if a.Observe != nil {
		a.Observe(commands.Event{Platform: permissions.Discord, Kind: kind, Took: took})
	}
}
