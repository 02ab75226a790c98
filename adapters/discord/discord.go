// Package discord is how people in Discord speak to the bot: it verifies that an interaction is Discord's, translates it into a
// commands.Request, acknowledges it in time, and draws the commands.Reply. It also registers the commands with Discord: table.go
// is what, register.go how.
//
// A command takes this way:
//
//	receive   body through a cap, signature             signature.go
//	          or a packet of the gateway                gateway.go, gateway_session.go, gateway_client.go, gateway_status.go, guard.go
//	respond   what kind of interaction it is            intake.go
//	request   interaction → commands.Request            payload.go
//	first     the work starts; wait for it, not long    discord.go, running.go
//	draw      commands.Reply → message                  render.go, markdown.go, buttons.go
//	write     the first answer                          response.go, callback.go
//	late      what came too late is edited in           late.go, webhook.go, client.go
//
// A pressed button (press.go) is a line that somebody typed: it goes the same way, but its answer takes the place of the card it sits on. A form
// (form.go) becomes such a line. While somebody types a command, complete.go offers what fits.
//
// Discord waits three seconds for the first answer, and that one decides for good whether everyone sees it. An answer that is
// there within two seconds is the first answer. Otherwise the first answer is "thinking…": for everyone when the handler has said by
// then that a success will be, else for the person alone; and where the command is not even written down by then, a message to the
// person that says so. Where the outcome turns out to want it otherwise, late.go makes up for it.
//
// What became of an answer with a journal number is reported to Answered. One that could not be given is given later by Deliver, as often as
// it takes, from this process or another.
//
// Of discordgo only the gateway's session, the verification and the constants are used: its own REST calls share a lock, repeat posts, and quote tokens
// in errors. The payloads here are our own, and so is the client.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding
package discord

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"roomwarden/commands"
	"roomwarden/permissions"
)

const (
	maxBody     = 256 << 10               // bytes of a request; a command with all its options full has less than half of that
	firstAnswer = 2 * time.Second         // from receipt to the first answer; Discord waits 3 s, the network included
	firstCall   = 1500 * time.Millisecond // the same where the first answer is a call of ours

	// A first answer that is written later than this after its receipt may not have been taken.
	surelyTaken = 2500 * time.Millisecond
)

// An Adapter receives Discord's interactions, over HTTP or through a Gateway. Client, Handle and Log are required, and over HTTP PublicKey. It may be used by many
// goroutines at once; its fields must not change after the first request, and it must not be copied.
type Adapter struct {
	PublicKey string               // of the Discord application, as ParsePublicKey wants it; else every request is refused
	GuildIDs  []string             // the guilds that are served; empty: every guild
	Language  commands.Language    // where an interaction has no locale; empty: English
	Client    *Client              // for late answers; without HTTP for every answer
	Handle    commands.Handler     // answers the commands
	Observe   func(commands.Event) // called from many goroutines, must not block; nil: nobody counts
	Log       *slog.Logger

	// Guide answers what is asked beside commands: for completion, forms and long buttons; nil: there are none. *commands.Dispatcher does it.
	Guide Guide
	// Answered is called once for each answer with a journal number, but for those to repeated deliveries, and from many goroutines:
	// delivered when Discord has taken it. Otherwise it was not, or nobody knows, and Deliver finds out. nil: nobody asks.
	Answered func(number int64, delivered bool)

	running     running
	refusals    refusals
	suggestions atomic.Int64 // completions that are being gathered
}

// A Guide answers what is asked beside commands. Its methods may be called by many goroutines at once.
type Guide interface {
	Rooms(ctx context.Context, who permissions.Subject, row commands.Command) ([]commands.Place, error)
	Fill(who permissions.Subject, row commands.Command, filled map[string]string, locale string) (line string, wrong map[string]commands.Prose)
	Suggest(ctx context.Context, who permissions.Subject, row commands.Command, focused, typed string, filled map[string]string, locale string) []commands.Suggestion
	Choices(ctx context.Context, number int64) ([]commands.Choice, error)
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
)

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

// first starts the work and returns the first answer: the answer itself when it comes in time and ctx, which
// ends when Discord hangs up, has not ended; otherwise that it follows. on is the card it was pressed on.
func (a *Adapter) first(ctx context.Context, i interaction, req commands.Request, on card, log *slog.Logger) response {
	language := a.language(i)
	log.Debug("discord: command received")
	life, command, end, err := a.running.begin(req.Key, req.Who.ID())
	if err != nil {
		log.Warn("discord: command turned away", "reason", err)
		switch err {
		case errFlooded:
			return command.acknowledge().first(language, on)
		case errStopping:
			return a.turnedAway(i, restarting)
		default:
			a.observe(commands.FinalAnswer, time.Since(i.at))
			return shown(drawn(commands.Busy(language)))
		}
	}
	req.Accepted, req.Allowed = command.accepted, command.allowed

	wait, cancel := context.WithDeadline(ctx, i.due)
	defer cancel()
	inTime := make(chan answer) // unbuffered: who receives from it has the answer, and nobody else does
	go func() {
		defer end()
		answer := a.work(life, req, language)
		how := "in time"
		if handedOver(wait, inTime, answer) {
			if on.also(answer.reply) && !answer.reply.Repeat && command.wait(life) {
				a.guarded(func() { a.postAlso(life, req.ReplyTo, answer) })
			}
		} else {
			how = a.late(life, req, answer, on, command, log)
		}
		log.Info("discord: command answered", "answered", how, "tone", answer.reply.Tone,
			"number", answer.reply.Number, "ms", time.Since(req.At).Milliseconds())
	}()

	var first response
	select {
	case answer := <-inTime:
		a.observe(commands.FinalAnswer, time.Since(req.At))
		first = on.shown(answer)
	case <-wait.Done():
		first = command.acknowledge().first(language, on)
		if on.pressed && command.told.CompareAndSwap(false, true) {
			go func() {
				id := ""
				defer func() { command.working <- id }()
				a.guarded(func() { id = a.tellWorking(life, req, command, language) })
			}()
		}
	}
	first.command = command
	return first
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
