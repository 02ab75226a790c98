package discord

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

const testReplyTo commands.ReplyTo = testApp + "/" + testToken

func ms(all ...int) (waits []time.Duration) {
	for _, n := range all {
		waits = append(waits, time.Duration(n)*time.Millisecond)
	}
	return waits
}

func repeated(n int, h http.HandlerFunc) []http.HandlerFunc {
	all := make([]http.HandlerFunc, n)
	for i := range all {
		all[i] = h
	}
	return all
}

// What a call meets, when it is made again, and what is told in the end. Only the fake's clock runs.
func TestCallsAgain(t *testing.T) {
	edit := func(ctx context.Context, c *Client) error { return c.edit(ctx, testReplyTo, drawn(told("x")).message) }
	look := func(ctx context.Context, c *Client) error { _, err := c.original(ctx, testReplyTo); return err }
	remove := func(ctx context.Context, c *Client) error { return c.remove(ctx, testReplyTo) }
	post := func(ctx context.Context, c *Client) error {
		_, err := c.followUp(ctx, testReplyTo, drawn(told("x")).message)
		return err
	}
	postToAll := func(ctx context.Context, c *Client) error {
		_, err := c.followUp(ctx, testReplyTo, drawn(publicly(told("x"))).message)
		return err
	}
	list := func(ctx context.Context, c *Client) error { _, err := c.registered(ctx, ""); return err }
	put := func(ctx context.Context, c *Client) error { return c.overwrite(ctx, "", Commands(true)) }
	get := func(ctx context.Context, c *Client) error { _, err := c.Application(ctx); return err }
	const cloudflare = "<!DOCTYPE html><html><h1>Error 1015</h1></html>"
	const atOriginal, atWebhook = "/webhooks/{app}/{token}/messages/@original: ", "/webhooks/{app}/{token}: "
	for _, test := range []struct {
		name   string
		call   func(context.Context, *Client) error
		script []http.HandlerFunc
		at     []time.Duration
		err    string
	}{
		{"edit", edit, nil, ms(0), ""},
		{"not known yet", edit, repeated(3, problem(404, 10015)), ms(0, 250, 750, 1750), ""},
		{"never known", edit, repeated(9, problem(404, 10015)), ms(0, 250, 750, 1750),
			"PATCH " + atOriginal + "HTTP 404, code 10015: no such interaction: its first answer did not arrive, or its token is gone"},
		{"15 minutes are over", edit, repeated(9, problem(401, 50027)), ms(0), "PATCH " + atOriginal + "HTTP 401, code 50027: the interaction's 15 minutes are over"},
		{"invalid form", edit, repeated(9, problem(400, 50035)), ms(0), "PATCH " + atOriginal + "HTTP 400, code 50035: Discord does not accept its form"},
		{"429 in the header", edit, []http.HandlerFunc{says(429, `{}`, "Retry-After", "3")}, ms(0, 3000), ""},
		{"429 in the body", edit, []http.HandlerFunc{says(429, `{"retry_after": 1.337, "global": true}`)}, ms(0, 1337), ""},
		{"429 in HTML", post, []http.HandlerFunc{says(429, cloudflare, "Retry-After", "5")}, ms(0, 5000), ""},
		{"429 without a time", edit, []http.HandlerFunc{says(429, cloudflare)}, ms(0, 250), ""},
		{"429 for too long", edit, []http.HandlerFunc{says(429, `{"retry_after": 86400}`)}, ms(0),
			"PATCH " + atOriginal + "HTTP 429: too many requests (retry after 24h0m0s)"},
		{"429 with nonsense", edit, []http.HandlerFunc{says(429, `{"retry_after": -1e300}`, "Retry-After", "NaN")}, ms(0, 250), ""},
		{"429 for ever", post, repeated(99, says(429, `{}`, "Retry-After", "1")), ms(0, 1000, 2000, 3000),
			"POST " + atWebhook + "HTTP 429: too many requests (retry after 1s)"},
		{"429 for longer than a few seconds", edit, repeated(9, says(429, `{}`, "Retry-After", "7")), ms(0),
			"PATCH " + atOriginal + "HTTP 429: too many requests (retry after 7s)"},
		{"500, edit", edit, repeated(2, problem(500, 0)), ms(0, 250, 750), ""},
		{"502 in HTML for ever, delete", remove, repeated(99, says(502, cloudflare)), ms(0, 250, 750, 1750), "DELETE " + atOriginal + "HTTP 502"},
		{"500, look", look, repeated(2, problem(500, 0)), ms(0, 250, 750), ""},
		{"cut, look", look, []http.HandlerFunc{hangsUp}, ms(0, 250), ""},
		{"never answered, look", look, repeated(9, problem(404, 10015)), ms(0),
			"GET " + atOriginal + "HTTP 404, code 10015: no such interaction: its first answer did not arrive, or its token is gone"},
		{"502 for ever, list", list, repeated(99, says(502, cloudflare)), ms(0, 250, 750, 1750, 3750, 7750, 15750, 31750),
			"GET /applications/{app}/commands?with_localizations=true: HTTP 502"},
		{"500, follow-up", post, repeated(2, problem(500, 0)), ms(0, 250, 750), ""},
		{"500, follow-up for everyone", postToAll, repeated(2, problem(500, 0)), ms(0), "POST " + atWebhook + "HTTP 500"},
		{"500, overwrite", put, repeated(2, problem(500, 0)), ms(0), "PUT /applications/{app}/commands: HTTP 500"},
		{"500, list", list, repeated(2, problem(500, 0)), ms(0, 250, 750), ""},
		{"500, briefly", get, repeated(1, problem(500, 0)), ms(0, 250), ""},
		{"500 twice, briefly", get, repeated(2, problem(500, 0)), ms(0, 250), "GET /applications/@me: HTTP 500"},
		{"429, briefly", get, []http.HandlerFunc{says(429, `{}`, "Retry-After", "4")}, ms(0, 4000), ""},
		{"429 for longer, briefly", get, []http.HandlerFunc{says(429, `{}`, "Retry-After", "6")}, ms(0),
			"GET /applications/@me: HTTP 429: too many requests (retry after 6s)"},
		{"cut, edit", edit, []http.HandlerFunc{hangsUp}, ms(0, 250), ""},
		{"cut, follow-up", post, []http.HandlerFunc{hangsUp}, ms(0, 250), ""},
		{"cut, follow-up for everyone", postToAll, []http.HandlerFunc{hangsUp}, ms(0), "POST " + atWebhook + "connection reset by peer"},
		{"silent, edit", edit, []http.HandlerFunc{silent}, ms(0, 4250), ""},
		{"silent, follow-up", post, []http.HandlerFunc{silent}, ms(0, 4250), ""},
		{"silent, follow-up for everyone", postToAll, []http.HandlerFunc{silent}, ms(0), "POST " + atWebhook + "context deadline exceeded"},
		{"token refused", get, repeated(9, says(401, `{"message": "401: Unauthorized", "code": 0}`)), ms(0), "GET /applications/@me: HTTP 401: the token is refused"},
		{"redirect", get, repeated(9, says(302, "", "Location", "https://evil.example/")), ms(0), "GET /applications/@me: HTTP 302"},
		{"HTML where JSON was expected", get, repeated(9, says(200, cloudflare)), ms(0),
			"GET /applications/@me: the answer is not the JSON expected"},
		{"more than anybody reads", get, repeated(9, says(200, `{"id":"`+strings.Repeat("1", 1<<20)+`"}`)), ms(0),
			"GET /applications/@me: the answer has more than 1048576 bytes"},
		{"too many new commands", put, repeated(9, problem(400, 30034)), ms(0),
			"PUT /applications/{app}/commands: HTTP 400, code 30034: more than 200 new commands today; what is registered keeps working"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newDiscord(t)
				fake.script = test.script
				fake.first(first{Type: 5})
				err := test.call(t.Context(), fake.client())
				if test.err == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, test.err)
				}
				assert.Equal(t, test.at, fake.at)
			})
		})
	}
}

// What was never sent is sent again, a follow-up too.
func TestNeverSent(t *testing.T) {
	t.Parallel()
	fake := newDiscord(t)
	fake.first(first{Type: 4})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: fake}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()

	dials := 0
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials == 1 {
			return nil, &net.OpError{Op: "dial", Err: errCut}
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	c := &Client{BaseURL: "http://" + listener.Addr().String(), HTTP: &http.Client{Transport: transport}}
	_, err = c.followUp(t.Context(), testReplyTo, drawn(publicly(told("x"))).message)
	require.NoError(t, err)
	assert.Equal(t, 2, dials)
	assert.Equal(t, []string{"everyone: ", "everyone: ✅ **Done**\nx"}, fake.seen())
}

func TestClientPrintsWithoutTheToken(t *testing.T) {
	c := &Client{ApplicationID: testApp, BotToken: testBotToken}
	log, book := newLog(t)
	log.Info("x", "pointer", c, "value", *c, slog.Any("any", any(c)))
	for _, printed := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", c), fmt.Sprintf("%#v", *c), book.String()} {
		assert.Contains(t, printed, testApp)
		assert.NotContains(t, printed, testBotToken)
	}
}

func TestErrorsNameNoAddress(t *testing.T) {
	for _, base := range []string{"http://127.0.0.1:1/" + testBotToken, "://" + testBotToken, "http://host name/" + testBotToken} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c := &Client{BaseURL: base, BotToken: testBotToken, HTTP: &http.Client{Transport: inProcess{http.HandlerFunc(hangsUp)}}}
			for _, err := range []error{c.edit(ctx, testReplyTo, message{}), func() error { _, err := c.followUp(ctx, testReplyTo, message{}); return err }(), func() error { _, err := c.original(ctx, testReplyTo); return err }()} {
				require.Error(t, err)
				assert.NotContains(t, err.Error(), testToken)
				assert.NotContains(t, err.Error(), testBotToken)
			}
		})
	}
}

func TestApplication(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     Application
	}{
		{"with an endpoint", `"https://bot.example/discord/interactions"`,
			Application{ID: testApp, Name: "Roomwarden", VerifyKey: "ab", InteractionsEndpointURL: "https://bot.example/discord/interactions"}},
		{"without", `null`, Application{ID: testApp, Name: "Roomwarden", VerifyKey: "ab"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := newDiscord(t)
			fake.script = []http.HandlerFunc{says(200, `{"id":"`+testApp+`","name":"Roomwarden","verify_key":"ab","interactions_endpoint_url":`+test.in+`,"flags":0}`)}
			got, err := fake.client().Application(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}
