package discord

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

const (
	minSessions = 20 // of those that Discord still allows today: fewer are for people
	invite      = "invite it with the scopes bot and applications.commands"
	overHTTP    = "or set DISCORD_PUBLIC_KEY to receive through HTTP instead"
)

// errAsk marks what the Client says, which may be told.
var errAsk = errors.New("the gateway's address could not be asked for")

// A spent tells that hardly any new sessions are left.
type spent struct {
	left, total int
	again       time.Duration // when there are all of them again
}

func (s *spent) Error() string {
	return fmt.Sprintf("Discord allows %d sessions a day and %d are left, so none is begun before there are more, in %v: "+
		"something ends them as soon as they are made, or another program has the same token", s.total, s.left, s.again.Round(time.Second))
}

// address asks where the gateway is, and whether a session may be begun: *spent when it may not.
//
// https://discord.com/developers/docs/events/gateway#get-gateway-bot
func (g *Gateway) address(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, g.times.ask)
	defer cancel()
	var said struct {
		URL   string `json:"url"`
		Limit struct {
			Total      int   `json:"total"`
			Remaining  int   `json:"remaining"`
			ResetAfter int64 `json:"reset_after"` // ms
		} `json:"session_start_limit"`
	}
	err := g.Adapter.Client.briefly().do(ctx, call{method: http.MethodGet, route: "/gateway/bot", bot: true, repeatable: true, into: &said})
	switch l := said.Limit; {
	case err != nil:
		return "", fmt.Errorf("%w: %w", errAsk, err)
	case !isGateway(said.URL):
		return "", fmt.Errorf("%w: the answer has no address that begins with wss://", errAsk)
	case l.Total > 0 && l.Remaining < minSessions:
		return "", &spent{l.Remaining, l.Total, seconds(float64(l.ResetAfter) / 1000)}
	}
	return said.URL, nil
}

// isGateway tells of an address to which the token may be sent: through TLS, or to this machine.
func isGateway(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	return u.Scheme == "wss" || u.Scheme == "ws" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

// closeCodes are those after which no further attempt helps, and what does.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
var closeCodes = []struct {
	code int
	fix  string
}{
	{4004, tokenRefused},
	{4010, "Discord does not accept the shard, which is none (4010). Install a newer version of the bot, " + overHTTP},
	{4011, "the bot is in more servers than one session may serve, which is 2500, and it has one (4011). Take it out of servers, " + overHTTP},
	{4012, "Discord does not speak this version of the gateway any more (4012). Install a newer version of the bot, " + overHTTP},
	{4013, "Discord does not accept the intents, which are none (4013). Install a newer version of the bot, " + overHTTP},
	{4014, "Discord does not allow the intents, which are none (4014). Look at the app's page, Bot → Privileged Gateway Intents, " + overHTTP},
}

const tokenRefused = "the bot token is refused. Copy the right one from the app's page, Bot → Reset Token, to DISCORD_BOT_TOKEN, and start the bot again"

// refusal is what an error means that no further attempt can mend, and what does; empty: another attempt may.
func refusal(err error) string {
	if e, answered := errors.AsType[*Error](err); answered && e.Status == http.StatusUnauthorized {
		return tokenRefused
	}
	if e, closed := errors.AsType[*websocket.CloseError](err); closed {
		for _, c := range closeCodes {
			if c.code == e.Code {
				return c.fix
			}
		}
	}
	return ""
}

// askedFor is how long Discord wants nothing more to be asked after an error.
func askedFor(err error) time.Duration {
	if s, ok := errors.AsType[*spent](err); ok {
		return s.again
	}
	if e, answered := errors.AsType[*Error](err); answered {
		return e.wait
	}
	return 0
}

// gatewayFailure is what an error may tell: no address, which may be that of a proxy with its password.
func gatewayFailure(err error) string {
	if slices.Contains([]error{errNoSession, errTwice, errMoved, errStuck, errBroken, errMute, errDeaf, errInvalid, errStorm, errLarge}, err) || errors.Is(err, errAsk) {
		return err.Error()
	}
	if few, ok := errors.AsType[*spent](err); ok {
		return few.Error()
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure { // which is gorilla's
		return fmt.Sprintf("Discord has closed the connection with code %d", closed.Code)
	}
	if _, ok := errors.AsType[*websocket.CloseError](err); ok || errors.Is(err, io.EOF) {
		return "the other end closed the connection without saying why"
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + unknown.Name + " could not be looked up"
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not accepted: " + bad.Err.Error()
	}
	if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
		return "Discord's gateway did not answer in time"
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Op + ": " + failed.Err.Error()
	}
	if errors.Is(err, websocket.ErrBadHandshake) {
		return "the WebSocket was refused: something between here and Discord may not let it through"
	}
	return "the connection was not made, or broke"
}
