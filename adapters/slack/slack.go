// Package slack is how people in Slack speak to the bot: it verifies that a request is Slack's, translates it
// into a commands.Request, acknowledges it in time, and draws the commands.Reply.
//
// A slash command takes this way:
//
//	receive   body through a cap, signature, form          signature.go
//	          or an envelope of Socket Mode                socket.go, wire.go, socket_status.go
//	request   form → commands.Request                      payload.go
//	first     the work starts; wait for it, but not long   slack.go, running.go
//	work      who asks: user groups, locale, guests;       groups.go, groups_keep.go, people.go
//	          the handler
//	draw      commands.Reply → message                     render.go, mrkdwn.go, buttons.go
//	posted    what is not in the first response            posted.go, response.go
//	deliver   and later still, in private to the person    late.go, ephemeral.go
//
// Slack waits three seconds for the first response and shows an error after that, whatever became of the
// command. So over HTTP an answer that is there within two seconds is the first response; otherwise the first response says
// that the answer follows, and the answer is posted to the command's response_url. The work does not end when
// Slack hangs up: an answer that comes after that, or that Slack did not wait for, is posted, too. In Socket Mode nobody can tell whether a response
// has arrived, so a command is acknowledged as soon as it is written down, and its answer is always posted. What became of an
// answer is told to Answered, and an answer that did not get through comes back by Deliver. What was delivered before is known by its key here (recent.go) and
// in the journal.
//
// What else people do comes as interactions (interaction.go). A pressed button (press.go) is a line that somebody typed: it goes the same way, but its
// answer takes the place of the card it sits on. A form (form.go, view.go) becomes such a line. What happens in Slack by itself (events.go) changes no
// room: the Home tab is drawn (home.go), a user group is asked for anew.
//
// Beside that way, client.go and auth.go ask Slack itself, and manifest.go writes the app's manifest.
//
// https://docs.slack.dev/interactivity/implementing-slash-commands
package slack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"roomwarden/commands"
	"roomwarden/permissions"
)

const (
	maxBody     = 64 << 10        // bytes of a command or an event; Slack's have a few thousand
	maxPayload  = maxEnvelope     // bytes of an interaction, which brings the whole view that it was in
	firstAnswer = 2 * time.Second // from receipt to the first response
	patience    = 3 * time.Second // of Slack, the network included: what is written later nobody may have read
)

// An Adapter receives what people do in Slack: over HTTP by its handlers, or through a Socket. Handle and Log are required. It may be
// used by many goroutines at once; its fields must not change after the first request, and it must not be copied.
type Adapter struct {
	SigningSecrets []string          // of the Slack app, for HTTP; two while one replaces the other. None: every request is refused
	CommandPrefix  string            // "nim-": /nim-mute is read as /mute, and so is /mute. No command's name may begin with it
	BotToken       string            // for private messages where the response_url is over; needs the scope chat:write. Empty: there are none
	APIURL         string            // another API root (SLACK_API_URL): response_urls on its host are trusted; empty: only Slack's
	Language       commands.Language // of what the adapter says itself; empty: English
	Handle         commands.Handler  // answers the commands
	HTTP           *http.Client      // for answers; nil: http.DefaultTransport. Time-outs and redirects are not left to it
	Log            *slog.Logger

	// Groups tells which user groups (S…) of a workspace a person is in, and whether that is known of all groups that
	// matter; nil: none, and known. It takes from the time of the first answer, so it must not take longer than about a
	// second. Groups.Of is the one in use.
	Groups func(ctx context.Context, team, user string) (groups []string, known bool)
	// People tells what Slack says of somebody: their locale, and whether they are a guest or of another organization, whom no group lets
	// in; nil: nothing, and groups let in whom they hold. It takes from the time of the first answer, as Groups does. People.Of is the one in use.
	People func(ctx context.Context, who permissions.Subject) (person Person, known bool)
	// Guide answers what is asked beside commands, for forms and the Home tab; nil: there are none. *commands.Dispatcher does it.
	Guide Guide
	// GroupChanged, when set, is told that who is in a user group has changed. It must not block. Groups.Changed is the one in use.
	GroupChanged func(team, group string)
	// Answered, when set, is called once for each answer that has a journal number and is no Repeat: delivered tells that Slack has taken
	// it for certain. It is called after the first response, and Stop waits for it.
	Answered func(number int64, delivered bool)
	// Observe is told what there is to count; nil: nobody is. It must neither block nor panic.
	Observe func(commands.Event)

	running  running
	refusals refusals // of requests that Slack has not signed
	turned   refusals // of commands that were not taken on

	turnedAwayNow atomic.Int64 // requests that are being told so
	unnumbered    recent       // keys of requests that were answered and are not in the journal
	events        recent       // ids of events
	triggers      recent       // of forms that were opened
	posts         posts        // to response_urls
	holds         holds        // of methods
	homes         homes        // Home tabs that are being drawn
}

// A Guide answers what is asked beside commands. Its methods may be called by many goroutines at once.
type Guide interface {
	Rooms(ctx context.Context, who permissions.Subject, row commands.Command) ([]commands.Place, error)
	Fill(who permissions.Subject, row commands.Command, filled map[string]string, locale string) (line string, wrong map[string]commands.Prose)
	Home(ctx context.Context, who permissions.Subject, locale string) (commands.Home, error)
}

// restarting is what the adapter says itself when it is being stopped.
var restarting = commands.Text{
	English: "The bot is restarting and has not taken this on. Unless you have had an answer to it already, repeat it in a moment.",
	Chinese: "机器人正在重启，没有受理这次操作。如果之前没有收到过结果，请稍后重试。",
}

// Commands is the handler for POST /slack/commands. It answers 401 with nothing else to whatever Slack has not
// signed, and 200 to every command, whatever came of it.
func (a *Adapter) Commands() http.Handler { return http.HandlerFunc(a.serveCommand) }

func (a *Adapter) serveCommand(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	form, status := a.receive(w, r, maxBody)
	if status != http.StatusOK || form.Get("ssl_check") == "1" {
		w.WriteHeader(status)
		return
	}
	req, err := a.request(form, fingerprint(r.Header), at)
	if err != nil {
		a.Log.Warn("slack: unreadable command", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	opened := false
	a.guarded(func() { opened = a.opened(req, form.Get("trigger_id")) })
	if opened {
		a.count(commands.FirstAnswer, at)
		w.WriteHeader(http.StatusOK)
		return
	}
	answer := drawn(commands.Broken(a.Language))
	a.guarded(func() { answer = a.first(r.Context(), req) })
	taken := false
	defer func() { answer.taken <- taken }()
	a.count(commands.FirstAnswer, at)
	hungUp := r.Context().Err() // afterwards it may end because the whole answer was read
	err = respond(w, answer.message)
	switch {
	case err != nil:
		a.Log.Warn("slack: write the first response", "error", err)
	case hungUp != nil || time.Since(at) > patience:
		a.Log.Warn("slack: the first response was not waited for", "ms", time.Since(at).Milliseconds())
	default:
		taken = true
	}
}

// count tells Observe what happened; at is when the request was received.
func (a *Adapter) count(kind commands.EventKind, at time.Time) {
	if a.Observe == nil {
		return
	}
	event := commands.Event{Platform: permissions.Slack, Kind: kind}
	if kind != commands.Signed && kind != commands.Unsigned {
		event.Took = time.Since(at)
	}
	a.Observe(event)
}

// Stop ends the intake: from now on commands are told to come back, and nothing is done. It waits for what runs,
// late answers included. When ctx ends first, the work left is cancelled, a short time remains to tell people
// so, and the error says how many commands were cut short. Call it before http.Server.Shutdown.
func (a *Adapter) Stop(ctx context.Context) error {
	if n := a.running.stop(ctx); n > 0 {
		return fmt.Errorf("stop slack: commands cut short: %d: %w", n, context.Cause(ctx))
	}
	return nil
}

// An answer is a reply, drawn.
type answer struct {
	reply   commands.Reply
	message message
	undrawn bool      // message is not what reply says: it could not be drawn
	taken   chan bool // has room for one: whether Slack has taken it as the first response
}

func drawn(r commands.Reply) answer {
	return answer{reply: r, message: draw(r), taken: make(chan bool, 1)}
}

// first starts the work and returns what the first response says: the answer when it comes in time and ctx, which
// ends when Slack hangs up, has not ended; otherwise that it follows. Its caller says whether that was taken.
func (a *Adapter) first(ctx context.Context, req commands.Request) answer {
	log := a.Log.With("team", req.Who.Space, "user", req.Who.User, "command", word(req.Line))
	log.Debug("slack: command received")
	life, c, end, err := a.running.begin(req.Key, req.Who.ID())
	if err != nil {
		a.logTurned(log, err)
		return a.turnedAway(err, c, req.At)
	}
	req.Accepted = c.accepted
	again := a.running.several(c)

	wait, cancel := context.WithDeadline(ctx, req.At.Add(firstAnswer))
	defer cancel()
	inTime := make(chan answer) // unbuffered: who receives from it has the answer, and nobody else does
	go func() {
		defer end()
		answer := a.work(life, req, c)
		if past := a.running.ended(req.Key); past != nil && answer.reply.Number == 0 { // nobody may say that nothing was done
			answer = drawn(commands.Acknowledgement(c.language(a.Language), past.number.Load()))
			answer.reply.Repeat = true
		}
		if again && !c.given.Load() && answer.reply.Public { // the other delivery tells everyone
			answer.reply.Public = false
			answer.message = draw(answer.reply)
		}
		how := inFirst
		if handedOver(wait, inTime, answer) && <-answer.taken {
			c.given.Store(true)
			a.count(commands.FinalAnswer, req.At)
		} else {
			how = a.giveLate(life, req, answer)
		}
		if answer.undrawn { // what was said is not the answer
			how = notAtAll
		}
		a.answered(answer.reply, how)
		log.Info("slack: command answered", "answered", how, "tone", answer.reply.Tone,
			"number", answer.reply.Number, "ms", time.Since(req.At).Milliseconds())
	}()

	select {
	case answer := <-inTime:
		return answer
	case <-wait.Done():
		return drawn(commands.Acknowledgement(c.language(a.Language), c.number.Load()))
	}
}

// logTurned logs that a request was not taken on.
func (a *Adapter) logTurned(log *slog.Logger, why error) {
	if now, held := a.turned.add(); now {
		log.Warn("slack: command turned away", "reason", why, "held_back", held)
	}
}

// turnedAway is what a command hears that was not taken on.
func (a *Adapter) turnedAway(why error, c *command, at time.Time) answer {
	reply := commands.Busy(a.Language)
	switch why {
	case errFlooded: // nobody may tell this one that nothing was done
		return drawn(commands.Acknowledgement(c.language(a.Language), c.number.Load()))
	case errStopping:
		reply.Text = commands.Prose{{Text: restarting.In(a.Language)}}
	}
	a.count(commands.FinalAnswer, at)
	return drawn(reply)
}

// work finds out who asks, has the request handled and draws the reply. How long that may take is the handler's to
// decide.
func (a *Adapter) work(life context.Context, req commands.Request, c *command) answer {
	reply := commands.Broken(a.Language)
	a.guarded(func() {
		req.Who, req.Locale = a.identify(life, req.Who)
		c.locale.Store(req.Locale)
		reply = a.Handle(life, req)
	})
	got := drawn(commands.Broken(a.Language))
	got.undrawn = !a.guarded(func() { got = drawn(reply) })
	got.reply.Number, got.reply.Repeat = reply.Number, reply.Repeat // also of what could not be drawn
	return got
}

// identify finds out in which groups somebody is, and their locale. Nobody is let in by a group of whom it is not known that they are a member
// of the workspace in their own right.
func (a *Adapter) identify(ctx context.Context, who permissions.Subject) (permissions.Subject, string) {
	var person Person
	asked, sure := who, a.People == nil
	var asking sync.WaitGroup
	if a.People != nil {
		asking.Go(func() { a.guarded(func() { person, sure = a.People(ctx, asked) }) })
	}
	if a.Groups != nil {
		groups, known := a.Groups(ctx, who.Space, who.User)
		who.Groups, who.Unsure = groups, !known
	}
	asking.Wait()
	switch {
	case len(who.Groups) == 0:
	case !sure:
		who.Groups, who.Unsure = nil, true
	case person.Outside:
		who.Groups, who.Unsure = nil, false
	}
	return who, person.Locale
}

// Renew is somebody with the groups that they are in now.
func (a *Adapter) Renew(ctx context.Context, who permissions.Subject) permissions.Subject {
	who, _ = a.identify(ctx, who)
	return who
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

// guarded runs f, and tells whether it came to its end. A panic in it becomes a log line.
func (a *Adapter) guarded(f func()) (ended bool) {
	defer func() {
		if p := recover(); p != nil {
			a.Log.Error("slack: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}
