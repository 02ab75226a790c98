package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"roomwarden/permissions"
)

const (
	slackWaits  = 3 * time.Second // for an answer, the network included; three requests in a row, which is the most, fit into partTime
	farAway     = time.Second     // an answer that nothing had to be done for
	maxHeard    = 4 << 10         // bytes of an answer; a challenge comes back in some thirty
	largestSkew = 5 * time.Minute // between the clocks, for a signature
)

// publicAddress is the --url of bot check, "https://host"; empty without one.
func publicAddress(flags *flag.FlagSet, given string, environ []string) (string, error) {
	asked := false
	flags.Visit(func(f *flag.Flag) { asked = asked || f.Name == "url" })
	if !asked {
		return "", nil
	}
	set, _ := readSettings(environ)
	switch {
	case set.SlackAppToken != "" && len(set.SlackSigningSecrets) == 0:
		return "", usageError{"--url has no place in Socket Mode (SLACK_APP_TOKEN is set): the bot calls Slack, Slack calls no address. Leave it out: bot check then looks whether the token may open connections"}
	case !slices.Contains(set.platforms(), permissions.Slack) && len(set.SlackSigningSecrets) == 0:
		return "", usageError{"--url is the address at which Slack reaches the bot, and Slack is not set up: set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET first"}
	}
	u, err := url.Parse(given)
	if err != nil || u.Hostname() == "" || strings.TrimSuffix(given, "/") != u.Scheme+"://"+u.Host {
		return "", usageError{"--url wants https://host, as Slack knows it, without a path"}
	}
	if err := checkURL(given); err != nil {
		return "", usageError{fmt.Sprintf("--url: %s %v", given, err)}
	}
	return u.Scheme + "://" + u.Host, nil
}

// reached looks whether the public address leads to a bot that has this signing secret, as Slack would find it: for each path a request that is
// signed well, and one that is not, so that a server which is content with anything is found out. Nothing runs for them.
func (d *doctor) reached(ctx context.Context) (r report) {
	if d.address == "" || !d.sound(&r, "address", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_BOT_TOKEN") {
		return r
	}
	p := prober{at: d.address, secrets: d.set.SlackSigningSecrets, wait: slackWaits, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Slack follows none with a command
	}}
	defer p.client.CloseIdleConnections()
	paths := []string{"/slack/commands", "/slack/interactions", "/slack/events"}
	reports := make([]report, len(paths))
	var asking sync.WaitGroup
	for i, path := range paths {
		asking.Go(func() { p.path(ctx, &reports[i], path) })
	}
	asking.Wait()
	r = slices.Concat(reports...)
	if broken(r) == 0 {
		r.ok("address", "%s leads to a bot with this signing secret. Whether it is the app's, only Slack can prove: requests that Slack signs with another one are refused, and /readyz counts them", d.address)
	}
	return r
}

// A prober posts to the public address what Slack might.
type prober struct {
	at      string
	secrets []string
	wait    time.Duration
	client  *http.Client
}

// An echo is what came back.
type echo struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// path looks at one path. What is not signed goes first: the bot counts refused signatures, and begins anew with each good one.
func (p prober) path(ctx context.Context, r *report, path string) {
	forged, err := p.post(ctx, path, rand.Text(), "")
	if err != nil {
		what, fix := unreached(err)
		r.broken("address", fix, "%s%s: %s", p.at, path, what)
		return
	}
	var got echo
	for i, secret := range p.secrets {
		challenge := rand.Text()
		got, err = p.post(ctx, path, secret, challenge)
		if err != nil {
			what, fix := unreached(err)
			r.broken("address", fix, "%s%s: %s", p.at, path, what)
			return
		}
		what, fix := amiss(got)
		if got.status == http.StatusOK && isEvents(path) && got.body != challenge {
			what, fix = "answered 200, but not with the challenge that was sent: something else answers there", lookThere
		}
		if got.status == http.StatusUnauthorized && i > 0 { // the first one was good
			what, fix = "the first of the two signing secrets is accepted, and the second is not", "Restart the bot there with both; or, when Slack has gone over to the first, take the second out here."
		}
		if what != "" {
			r.broken("address", fix, "%s%s: %s", p.at, path, what)
			return
		}
	}
	if forged.status != http.StatusUnauthorized {
		r.broken("address", "Look what answers there: it is no bot of this kind, or something before the bot answers in its place.",
			"%s%s: a wrong signature was answered %d as well, and a bot answers 401", p.at, path, forged.status)
		return
	}
	if got.took > farAway {
		r.warn("address", "Look at the way to the bot: proxy, DNS, distance.", "%s%s: answered well, after %d ms; Slack waits 3 s for the answer to a command", p.at, path, got.took.Milliseconds())
		return
	}
	r.ok("address", "%s%s: answered in %d ms, and a wrong signature is refused", p.at, path, got.took.Milliseconds())
}

// post sends what Slack sends to see whether an address is there, signed with secret: ssl_check, or a challenge for the path of events.
//
// https://docs.slack.dev/authentication/verifying-requests-from-slack/ https://docs.slack.dev/reference/events/url_verification
func (p prober) post(ctx context.Context, path, secret, challenge string) (echo, error) {
	ctx, cancel := context.WithTimeout(ctx, p.wait)
	defer cancel()
	body, mediaType := "ssl_check=1", "application/x-www-form-urlencoded"
	if isEvents(path) {
		body, mediaType = fmt.Sprintf(`{"type":"url_verification","challenge":%q}`, challenge), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.at+path, strings.NewReader(body))
	if err != nil {
		return echo{}, err
	}
	at := time.Now()
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("User-Agent", "roomwarden-check")
	req.Header.Set("X-Slack-Request-Timestamp", stamp)
	req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	res, err := p.client.Do(req)
	if err != nil {
		return echo{}, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxHeard))
	if err != nil {
		return echo{}, err
	}
	return echo{res.StatusCode, res.Header, string(bytes.TrimSpace(said)), time.Since(at)}, nil
}

func isEvents(path string) bool { return path == "/slack/events" }

const lookThere = "Look where the address leads: DNS, the proxy, and what else listens there."

// amiss tells what is wrong with the answer to a good signature, and what to do; empty: nothing.
func amiss(got echo) (what, fix string) {
	switch got.status {
	case http.StatusOK:
		return "", ""
	case http.StatusUnauthorized:
		return refused(got)
	case http.StatusNotFound:
		return "answered 404: the path is not forwarded, or the bot there does not serve Slack over HTTP", "Forward POST of this path to the bot: docs/slack.md#the-proxy."
	case http.StatusForbidden, http.StatusMethodNotAllowed:
		return fmt.Sprintf("answered %d: the proxy, or what protects it, lets no such request through", got.status), "Let POST of this path through, from everywhere: Slack's addresses change."
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("answered %d: the request did not arrive as it was sent", got.status), "Let the proxy hand on the body and the header Content-Type as they are."
	case http.StatusTooManyRequests:
		return "answered 429: something limits how often it may be called", "Take the limit away for this path: everybody's commands come from Slack's few addresses."
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Sprintf("answered %d: the proxy does not reach the bot", got.status), "Look whether the bot runs, and whether the proxy looks for it where LISTEN_ADDR says."
	}
	if got.status/100 == 3 {
		return fmt.Sprintf("answered %d: it leads on to %s, and Slack's commands do not follow", got.status, cmp.Or(hostOf(got.header.Get("Location")), "another path")),
			"Let this address lead to the bot itself, or give Slack the one that does."
	}
	return fmt.Sprintf("answered %d, and a bot answers 200", got.status), lookThere
}

// refused tells why a good signature may have been answered 401.
func refused(got echo) (what, fix string) {
	if got.header.Get("Www-Authenticate") != "" {
		return "answered 401 and asks for a login", "Take the login away for this path: Slack cannot log in, and its signature is proof enough."
	}
	if date, err := http.ParseTime(got.header.Get("Date")); err == nil && time.Since(date).Abs() >= largestSkew {
		return fmt.Sprintf("answered 401 to a good signature: the clock there is %v off this machine's, and a signature is good for 5 minutes", time.Since(date).Abs().Round(time.Second)),
			"Set the clocks of both machines (NTP)."
	}
	return "answered 401 to a good signature: the bot there has another signing secret",
		"Take SLACK_SIGNING_SECRET from the app's page, Basic Information, here and there, and restart the bot. If it is the same, a proxy changes bodies or headers, or the clock of that machine is off."
}

// unreached tells why there was no answer, and what to do. The error holds no secret: those are in a header.
func unreached(err error) (what, fix string) {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("its certificate is not accepted: %v", bad.Err),
			"Install one for this host name that everybody accepts, with the chain that belongs to it. Slack accepts no other."
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS", "Let the proxy speak HTTPS on this port."
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("the host is not known: %v", unknown), "Look at DNS, and at how the name is written."
	}
	if slow, ok := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || ok && slow.Timeout() {
		return "no answer in time: Slack waits 3 s, and so does this",
			"Look whether the host is reached (DNS, firewall), and whether proxy and bot are up. Some networks do not let a machine reach its own public address: then run it from outside."
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "nothing listens there", "Start the proxy, and look whether it listens on this port."
	}
	return fmt.Sprintf("no answer: %v", err), "Look whether the host is reached (DNS, firewall), and whether proxy and bot are up."
}

// hostOf is the host of an address; empty: it names none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
