package discord

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	discordgo "github.com/bwmarrin/discordgo"
	"github.com/cenkalti/backoff/v5"
)

const (
	defaultBaseURL = "https://discord.com"
	apiRoot        = "/api/v10"
	// https://discord.com/developers/docs/reference#user-agent
	userAgent = "DiscordBot (roomwarden, 1)"

	maxAnswer = 1 << 20 // bytes of an answer; a full list of commands has a few hundred thousand

	lateTries    = 4               // of one call to an interaction, quick ones: for the rest there is Deliver
	maxTooEarly  = 3               // of those, where the first answer may not have arrived yet
	lateOne      = 4 * time.Second // one attempt there
	latePatience = 6 * time.Second // after which none is begun
	botTries     = 8               // of one call on the bot's own routes
	botOne       = 20 * time.Second
	botPatience  = time.Minute
	briefTries   = 2 // there, while somebody waits
	briefTime    = 5 * time.Second
)

// A Client speaks to Discord's REST API. ApplicationID and BotToken are required but for the answers to interactions, which carry
// tokens of their own. It may be used by many goroutines at once.
//
// Every method returns an *Error for an answer other than 2xx. No error holds a token or a URL.
type Client struct {
	ApplicationID string
	BotToken      string
	BaseURL       string       // another root (DISCORD_API_URL); empty: https://discord.com
	HTTP          *http.Client // nil: a transport like http.DefaultTransport that keeps more connections. Time-outs and redirects are not left to it

	brief bool // somebody waits for what is asked
}

// briefly is the client for when somebody waits: it tries again once at most, and soon.
func (c Client) briefly() *Client {
	c.brief = true
	return &c
}

func (c Client) String() string {
	return "discord client of application " + c.ApplicationID + " (token redacted)"
}

// GoString keeps the token out of %#v.
func (c Client) GoString() string { return c.String() }

// LogValue keeps the token out of logs.
func (c Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// An Error is an answer other than 2xx.
type Error struct {
	Method string // "PUT"
	Route  string // "/applications/{app}/commands", with its places unfilled
	Status int    // of HTTP
	Code   int    // Discord's own; 0: none, as where something in between answered

	wait   time.Duration // of 429
	faults string        // of a form: ", at components.0.label (BASE_TYPE_REQUIRED)"; what was sent is not in it
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: HTTP %d", e.Method, e.Route, e.Status)
	if e.Code != 0 {
		s += fmt.Sprintf(", code %d", e.Code)
	}
	if m := e.meaning(); m != "" {
		s += ": " + m
	}
	return s
}

// meaning is what to make of it, for whoever runs the bot.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
func (e *Error) meaning() string {
	switch e.Code {
	case discordgo.ErrCodeUnknownWebhook:
		return "no such interaction: its first answer did not arrive, or its token is gone"
	case discordgo.ErrCodeUnknownInteraction:
		return "no such interaction: too late, or answered elsewhere"
	case discordgo.ErrCodeUnknownMessage:
		return "the message was removed"
	case discordgo.ErrCodeInvalidWebhookTokenProvided:
		return "the interaction's 15 minutes are over"
	case discordgo.ErrCodeInvalidFormBody:
		return "Discord does not accept its form" + e.faults
	case codeTooManyEdits:
		return "the message is old and was edited too often"
	case discordgo.ErrCodeMissingAccess, discordgo.ErrCodeMissingPermissions:
		return "no access: invite it to this server with the scopes bot and applications.commands"
	case codeTooManyCommands:
		return "more than 200 new commands today; what is registered keeps working"
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return "the token is refused"
	case http.StatusTooManyRequests:
		return "too many requests"
	}
	return ""
}

const (
	codeTooManyCommands = 30034 // Max number of daily application command creates has been reached
	codeTooManyEdits    = 30046 // Maximum number of edits to messages older than 1 hour reached
)

// A call is one thing asked of Discord.
type call struct {
	method     string
	route      string   // with {places}
	places     []string // what they are filled with, in order
	bot        bool     // in the bot's name
	repeatable bool     // a second time does no harm
	body       any      // nil: none
	into       any      // where the answer goes; nil: nowhere
	loose      bool     // that the answer cannot be read is no failure
}

// do makes a call, and makes it again where that may help and soon: after 429 when the wait is over; when the interaction that is to be
// answered is not known yet; after failures of Discord or the network only if it is repeatable or was never sent.
func (c *Client) do(ctx context.Context, call call) error {
	body := []byte(nil)
	if call.body != nil {
		var err error
		if body, err = encode(call.body); err != nil {
			return err
		}
	}
	tries, patience := uint(lateTries), latePatience
	switch {
	case c.brief:
		tries, patience = briefTries, briefTime
	case call.bot:
		tries, patience = botTries, botPatience
	}
	pauses := &backoff.ExponentialBackOff{InitialInterval: 250 * time.Millisecond, Multiplier: 2, MaxInterval: 30 * time.Second}
	tooEarly := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		sent, err := c.attempt(ctx, call, body)
		e, answered := errors.AsType[*Error](err)
		switch {
		case err == nil:
			return struct{}{}, nil
		case answered && e.Status == http.StatusTooManyRequests && e.wait == 0: // a page of somebody in front of Discord
			return struct{}{}, e
		case answered && e.Status == http.StatusTooManyRequests:
			return struct{}{}, fmt.Errorf("%w (%w)", e, &backoff.RetryAfterError{Duration: e.wait})
		case answered && e.Code == discordgo.ErrCodeUnknownWebhook && call.method != http.MethodGet && tooEarly < maxTooEarly:
			tooEarly++
			return struct{}{}, e
		case answered && e.Status/100 == 5 && call.repeatable, !answered && (call.repeatable || !sent):
			return struct{}{}, err
		default:
			return struct{}{}, backoff.Permanent(err)
		}
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(patience))
	return err
}

// attempt makes a call once. sent tells whether a part of it may have left this machine.
func (c *Client) attempt(ctx context.Context, call call, body []byte) (sent bool, err error) {
	most := lateOne
	if call.bot {
		most = botOne
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	// A transport that dials tells when it begins to, and when it has a connection; one that tells nothing may have sent.
	var dialled, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { dialled.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, call.method, c.address(call), bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("%s %s: the root of the API is not a URL", call.method, call.route) // err quotes it
	}
	if len(body) == 0 {
		req.Body = http.NoBody
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", userAgent)
	if call.bot {
		req.Header.Set("Authorization", "Bot "+c.BotToken)
	}
	res, err := c.client().Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without failed.URL
		}
		return !dialled.Load() || connected.Load(), fmt.Errorf("%s %s: %w", call.method, call.route, err)
	}
	defer res.Body.Close()
	return true, call.read(res)
}

func (c *Client) address(call call) string {
	path := call.route
	for _, p := range call.places {
		start, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:start] + url.PathEscape(p) + path[end+1:]
	}
	return strings.TrimRight(cmp.Or(c.BaseURL, defaultBaseURL), "/") + apiRoot + path
}

// transport keeps connections for a burst of answers. http.DefaultTransport keeps two, and every other one would wait for a handshake.
var transport = func() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := standard.Clone()
	own.MaxIdleConnsPerHost = 64
	return own
}()

// client is c.HTTP, but it follows no redirect.
func (c *Client) client() *http.Client {
	h := http.Client{Transport: transport}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

// read decodes an answer. What is not 2xx becomes an *Error, also when its body is not Discord's JSON.
func (call call) read(res *http.Response) error {
	said, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if res.StatusCode/100 != 2 {
		var problem struct {
			Code       int     `json:"code"`
			RetryAfter float64 `json:"retry_after"` // s
			Errors     any     `json:"errors"`
		}
		if json.Unmarshal(said, &problem) != nil {
			problem.Code = 0
		}
		e := &Error{faults: faults(problem.Errors, ""), Method: call.method, Route: call.route, Status: res.StatusCode, Code: problem.Code}
		if named := max(retryAfter(res.Header), seconds(problem.RetryAfter)); named > 0 {
			e.wait = max(named, time.Second/4)
		}
		return e
	}
	switch {
	case call.into == nil, call.loose && (err != nil || len(said) > maxAnswer):
		return nil
	case err != nil:
		return fmt.Errorf("%s %s: read the answer: %w", call.method, call.route, err)
	case len(said) > maxAnswer:
		return backoff.Permanent(fmt.Errorf("%s %s: the answer has more than %d bytes", call.method, call.route, maxAnswer))
	case json.Unmarshal(said, call.into) != nil && !call.loose:
		return backoff.Permanent(fmt.Errorf("%s %s: the answer is not the JSON expected", call.method, call.route))
	}
	return nil
}

const maxFaults = 200 // bytes

// faults tells where in a form something is wrong, and what by Discord's name for it.
//
// https://discord.com/developers/docs/reference#error-messages
func faults(tree any, path string) (all string) {
	node, _ := tree.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(node)) {
		if len(all) > maxFaults {
			break
		}
		if list, ok := node[key].([]any); ok && key == "_errors" {
			for _, one := range list {
				if one, ok := one.(map[string]any); ok {
					all += fmt.Sprintf(", at %s (%.40s)", strings.TrimPrefix(clean(path), "."), clean(fmt.Sprint(one["code"])))
				}
			}
			continue
		}
		all += faults(node[key], path+"."+key)
	}
	return all
}

// https://discord.com/developers/docs/topics/rate-limits
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.ParseFloat(h.Get("Retry-After"), 64)
	if err != nil {
		return 0
	}
	return seconds(s)
}

// seconds is s as a duration, of a day at most.
func seconds(s float64) time.Duration {
	if math.IsNaN(s) {
		return 0
	}
	return time.Duration(max(0, min(s, 24*60*60)) * float64(time.Second))
}
