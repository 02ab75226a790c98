package slack

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gorilla/websocket"
	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/time/rate"

	"roomwarden/commands"
)

const (
	deafAfter   = 30 * time.Second // without a ping of Slack's, which come more often
	dialTime    = 10 * time.Second // for the handshakes
	ackTime     = 2 * time.Second  // for an acknowledgement to find room in the queue
	maxEnvelope = 1 << 20          // bytes of an envelope
	minRedial   = time.Second      // the first pause before another attempt to connect
	maxRedial   = 30 * time.Second // the longest, unless Slack asks for more
	redials     = 1                // connections a second that are made anew at once, after the first burst of them
	burst       = 20               // of each of ours
	ackBuffer   = 32 << 10         // bytes; Slack takes no acknowledgement in several frames, and none from 20 KB on
)

// A Socket receives through WebSockets (Socket Mode) what Slack would otherwise post to the Adapter's handlers. Adapter and AppToken
// are required. Each of its connections is replaced when Slack asks for it, when it breaks, and when nothing is heard of Slack any more;
// that there are several keeps commands coming meanwhile. Its methods may be used by many goroutines at once; its fields must not change
// after Run was called.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
type Socket struct {
	Adapter     *Adapter
	AppToken    string // xapp-…, with the scope connections:write
	Connections int    // 1 to 10; 0: 2

	patience time.Duration // without a ping; 0: deafAfter. Tests cannot wait
	state    socketState
}

// Run keeps the connections until ctx ends, or Slack refuses all of them for good; Status tells why, then. It may be called once. Requests that
// were received go on afterwards: Adapter.Stop waits for them, and comes first.
func (s *Socket) Run(ctx context.Context) {
	var lines sync.WaitGroup
	for i := range s.wanted() {
		lines.Go(func() { s.keep(ctx, i) })
	}
	lines.Wait()
}

func (s *Socket) wanted() int { return cmp.Or(s.Connections, 2) }

func (s *Socket) silence() time.Duration { return cmp.Or(s.patience, deafAfter) }

// keep keeps one connection, until ctx ends or Slack refuses it for good.
func (s *Socket) keep(ctx context.Context, line int) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: minRedial, Multiplier: 2, RandomizationFactor: 0.3, MaxInterval: maxRedial}
	pauses.Reset()
	quick := rate.NewLimiter(redials, burst)
	for {
		err := s.connect(ctx, line, quick, pauses.Reset)
		if ctx.Err() != nil {
			s.state.down(line, nil)
			return
		}
		if word := fatal(err); word != "" {
			s.state.down(line, err)
			s.state.refuse(word)
			s.Adapter.Log.Error("slack: Socket Mode has ended: "+refusedFor(word), "reason", word, "connection", line)
			return
		}
		s.state.down(line, err)
		pause := pauses.NextBackOff()
		if limited, ok := errors.AsType[*slackapi.RateLimitedError](err); ok {
			pause = max(pause, limited.RetryAfter)
		}
		if err == errDeaf { // it was a connection once
			pause = 0
		}
		s.Adapter.Log.Warn("slack: a connection is down", "connection", line, "error", connectionFailure(err), "again_in", pause.Round(time.Millisecond))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			s.state.down(line, nil)
			return
		}
	}
}

var (
	errDeaf  = errors.New("nothing was heard of Slack for 30 s")
	errEnded = errors.New("the connection has ended")
	errBrief = errors.New("connections end as soon as they are made: something between here and Slack may not let WebSockets live")
	errMute  = errors.New("no hello came from Slack")

	errTooMany = errors.New("the app has as many connections as Slack allows, which is 10")
)

// connect connects and takes what comes, also through the connections that slack-go makes at once when one has ended, as long as quick allows; until one
// cannot be made, ends before Slack has said hello, or Slack is not heard any more. opened is called for each on which it has.
func (s *Socket) connect(ctx context.Context, line int, quick *rate.Limiter, opened func()) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	ear := new(ear)
	api := webAPI(s.Adapter.APIURL, s.Adapter.BotToken, s.Adapter.HTTP, slackapi.OptionAppLevelToken(s.AppToken))
	client := socketmode.New(api, socketmode.OptionDialer(ear.dialer()), socketmode.OptionReadLimit(maxEnvelope), socketmode.OptionPingInterval(2*s.silence())) // what is deaf is found here, before
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	defer func() {
		hangUp()
		for { // whoever sends an event gives up with ctx; RunContext returns after that
			select {
			case <-ended:
				return
			case <-client.Events:
			}
		}
	}()

	check := time.NewTicker(s.silence() / 6)
	defer check.Stop()
	up, greeted, since := false, false, time.Time{}
	for {
		select {
		case err := <-ended:
			ended <- err
			return cmp.Or(err, errEnded)
		case <-check.C:
			if up && ear.silence() > s.silence() {
				return errDeaf
			}
			if up && !greeted && time.Since(since) > s.silence() {
				return errMute
			}
		case e := <-client.Events:
			switch e.Type {
			case socketmode.EventTypeConnecting:
				was := up
				up = false
				s.state.connecting(line)
				switch reason := ear.takeReason(); {
				case refusedFor(reason) != "":
					return slackapi.SlackErrorResponse{Err: reason}
				case reason == "too_many_websockets":
					return errTooMany
				case was && (!greeted || !quick.Allow()):
					return errBrief
				}
			case socketmode.EventTypeConnected: // Slack says hello next
				up, greeted, since = true, false, time.Now()
			case socketmode.EventTypeConnectionError:
				if failed, ok := e.Data.(*slackapi.ConnectionErrorEvent); ok {
					return failed.ErrorObj
				}
				return errEnded
			case socketmode.EventTypeHello:
				greeted = true
				opened()
				s.hello(line, e.Request)
				s.take(ctx, client, e) // should it want to be acknowledged
			default:
				s.take(ctx, client, e)
			}
		}
	}
}

// hello notes that a connection is there, and warns when Slack counts more of them than are ours.
func (s *Socket) hello(line int, hello *socketmode.Request) {
	others := s.state.up(line, hello.NumConnections, s.wanted())
	s.Adapter.Log.Info("slack: connected", "connection", line, "of_all", hello.NumConnections, "app", hello.ConnectionInfo.AppID)
	if others {
		s.Adapter.Log.Warn("slack: more connections than this process has: another one takes a share of the commands. That is right for replicas with the same settings, and wrong for anything else: one app for each environment",
			"slack_counts", hello.NumConnections, "ours", s.wanted())
	}
}

// An envelope is what Slack sends through a connection.
type envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"` // "slash_commands", "interactive", "events_api"
	Payload json.RawMessage `json:"payload"`
}

// take takes an envelope in a goroutine of its own, which ends soon: the work that it starts has an owner. What slack-go cannot read is
// read here all the same, and acknowledged if nothing else.
func (s *Socket) take(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	at := time.Now()
	var env envelope
	switch bad, isBad := e.Data.(*socketmode.ErrorBadMessage); {
	case isBad:
		if _ = json.Unmarshal(bad.Message, &env); env.ID == "" { // one part of another type leaves the others
			s.Adapter.Log.Warn("slack: unreadable envelope")
			return
		}
	case e.Request != nil && e.Request.EnvelopeID != "":
		env = envelope{e.Request.EnvelopeID, e.Request.Type, e.Request.Payload}
	case e.Type == socketmode.EventTypeErrorWriteFailed:
		s.state.ackLost()
		s.Adapter.Log.Warn("slack: an acknowledgement could not be written")
		return
	default: // what slack-go tells of itself
		return
	}
	s.Adapter.count(commands.Signed, at) // Slack has opened this connection for our token
	go func() {
		defer func() {
			if p := recover(); p != nil {
				s.Adapter.Log.Error("slack: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		response := s.respond(env, at)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTime)
		defer cancel()
		if err := client.AckCtx(ctx, env.ID, response); err != nil {
			s.state.ackLost()
			s.Adapter.Log.Warn("slack: not acknowledged", "type", env.Type, "error", err)
			return
		}
		if env.Type != socketmode.RequestTypeEventsAPI { // nobody waits for an answer to an event
			s.Adapter.count(commands.FirstAnswer, at)
		}
	}()
}

// respond has an envelope handled, and returns what its acknowledgement says; nil: nothing.
func (s *Socket) respond(env envelope, at time.Time) (response any) {
	defer func() {
		if p := recover(); p != nil { // it is acknowledged all the same
			s.Adapter.Log.Error("slack: panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			response = nil
		}
	}()
	var err error
	switch env.Type {
	case socketmode.RequestTypeSlashCommands:
		response, err = s.Adapter.commanded(env, at)
	case socketmode.RequestTypeInteractive:
		response, err = s.Adapter.interacted(context.Background(), env.Payload, env.ID, at)
	case socketmode.RequestTypeEventsAPI:
		err = s.Adapter.happened(env.Payload)
	default:
		err = errors.New("a kind of envelope that is not known")
	}
	if err != nil {
		s.Adapter.Log.Warn("slack: unreadable envelope", "type", word(env.Type), "error", err)
	}
	return response
}

// commanded has the command of an envelope carried out.
func (a *Adapter) commanded(env envelope, at time.Time) (response any, err error) {
	form, err := fields(env.Payload)
	if err != nil {
		return nil, err
	}
	req, err := a.request(form, env.ID, at)
	if err != nil {
		if _, ok := trusted(form.Get("response_url"), a.APIURL); ok { // somebody waits for an answer
			return draw(commands.Broken(a.Language)), err
		}
		return nil, err
	}
	if a.opened(req, form.Get("trigger_id")) {
		return nil, nil
	}
	if req.ReplyTo == "" {
		req.ReplyTo, req.ReplyBy = inChannel, at.Add(replyTime)
	}
	if r := a.posted(context.Background(), req, true); r != nil {
		return draw(*r), nil
	}
	return nil, nil
}

// fatalWords are Slack's words for what no further attempt can mend, and what does.
//
// https://docs.slack.dev/reference/methods/apps.connections.open#errors
var fatalWords = []struct{ word, fix string }{
	{"invalid_auth", "SLACK_APP_TOKEN is not a token of Slack's. Make one on the app's page, Basic Information → App-Level Tokens (xapp-…)"},
	{"not_authed", "SLACK_APP_TOKEN did not reach Slack. Make one on the app's page, Basic Information → App-Level Tokens (xapp-…)"},
	{"account_inactive", "the workspace or the app was removed"},
	{"token_revoked", "SLACK_APP_TOKEN was revoked. Make a new one on the app's page, Basic Information → App-Level Tokens"},
	{"token_expired", "SLACK_APP_TOKEN has expired. Make a new one on the app's page, Basic Information → App-Level Tokens"},
	{"no_permission", "SLACK_APP_TOKEN may not open connections. Give it the scope connections:write"},
	{"missing_scope", "SLACK_APP_TOKEN may not open connections. Give it the scope connections:write"},
	{"not_allowed_token_type", "SLACK_APP_TOKEN is another kind of token. Take the app-level one (xapp-…)"},
	{"team_access_not_granted", "the app may not be used in this workspace any more. Ask its administrators"},
	{"link_disabled", "Socket Mode is switched off. Switch it on, on the app's page, Socket Mode, or set SLACK_SIGNING_SECRET in the place of SLACK_APP_TOKEN"},
	{"forbidden_team", "the app may not be used in this workspace any more. Ask its administrators"},
}

// fatal is Slack's word in an error that no further attempt can mend; empty: another attempt may.
func fatal(err error) string {
	if refused, ok := errors.AsType[slackapi.SlackErrorResponse](err); ok && refusedFor(refused.Err) != "" {
		return refused.Err
	}
	return ""
}

// refusedFor says what a fatal word means and what to do; empty: it is none.
func refusedFor(word string) string {
	i := slices.IndexFunc(fatalWords, func(f struct{ word, fix string }) bool { return f.word == word })
	if i < 0 {
		return ""
	}
	return fatalWords[i].fix
}

// connectionFailure is what an error may tell: not the address, which holds a ticket.
func connectionFailure(err error) string {
	switch {
	case slices.Contains([]error{errDeaf, errEnded, errBrief, errMute, errTooMany}, err):
		return err.Error()
	}
	for _, f := range []struct {
		is   error
		says string
	}{
		{websocket.ErrBadHandshake, "the WebSocket was refused: something between here and Slack may not let it through"},
		{context.DeadlineExceeded, "Slack's address for WebSockets did not answer in time"},
	} {
		if errors.Is(err, f.is) {
			return f.says
		}
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + unknown.Name + " could not be looked up"
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not accepted: " + bad.Err.Error()
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Op + ": " + failed.Err.Error()
	}
	return failure("apps.connections.open", err).Error()
}
