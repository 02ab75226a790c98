package slack

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/commands"
)

func TestTrusted(t *testing.T) {
	const (
		none     = ""
		loopback = "http://127.0.0.1:4321/api/"
		proxy    = "https://slack.proxy.example:8443/api/"
	)
	for _, test := range []struct {
		name, url, api string
		want           bool
	}{
		{"Slack", "https://hooks.slack.com/commands/T/1/x", none, true},
		{"another host of Slack", "https://hooks-eu.slack.com/x", none, true},
		{"GovSlack", "https://hooks.slack-gov.com/commands/T/1/x", none, true},
		{"in capitals", "https://HOOKS.SLACK.COM/x", none, true},
		{"Slack although there is another API", "https://hooks.slack.com/x", loopback, true},
		{"a proxy of ours", "https://slack.proxy.example:8443/hook/1", proxy, true},
		{"this machine", "http://127.0.0.1:4321/hook/1", loopback, true},
		{"this machine by name", "http://localhost:1/x", "http://localhost:1/api/", true},
		{"this machine, version 6", "http://[::1]:1/x", "http://[::1]:1/api/", true},
		{"this machine with TLS", "https://127.0.0.1:4321/hook/1", loopback, true},

		{"missing", "", none, false},
		{"missing, with another API", "", loopback, false},
		{"plain http", "http://hooks.slack.com/x", none, false},
		{"no host", "https:///x", none, false},
		{"another scheme", "ftp://hooks.slack.com/x", none, false},
		{"no scheme", "//hooks.slack.com/x", none, false},
		{"no URL", "https://hooks.slack.com:port/x", none, false},
		{"another host", "https://evil.example/hooks.slack.com", none, false},
		{"a host that ends alike", "https://evilslack.com/x", none, false},
		{"a host that begins alike", "https://hooks.slack.com.evil.example/x", none, false},
		{"Slack as a user", "https://hooks.slack.com@evil.example/x", none, false},
		{"a user at Slack", "https://a:b@hooks.slack.com/x", none, false},
		{"Slack with a port", "https://hooks.slack.com:8443/x", none, false},
		{"final dot", "https://hooks.slack.com./x", none, false},
		{"back-slash", `https://evil.example\.slack.com/x`, none, false},
		{"Slack in the query", "https://evil.example?.slack.com", none, false},
		{"this machine when nobody said so", "http://127.0.0.1:4321/x", none, false},
		{"this machine, another port", "http://127.0.0.1:4322/x", loopback, false},
		{"this machine, another name", "http://localhost:4321/x", loopback, false},
		{"the proxy without TLS", "http://slack.proxy.example:8443/x", proxy, false},
		{"a proxy that has no TLS", "http://slack.proxy.example/x", "http://slack.proxy.example/api/", false},
		{"the proxy, another port", "https://slack.proxy.example/x", proxy, false},
		{"cloud metadata", "http://169.254.169.254/x", none, false},
		{"API that is no URL", "https://evil.example/x", "://", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, got := trusted(test.url, test.api)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestPost(t *testing.T) {
	type meets = []func(http.ResponseWriter, *http.Request)
	always := func(f func(http.ResponseWriter, *http.Request)) meets { return meets{f, f, f, f, f, f, f, f} }
	const within = 10 * time.Second
	for _, test := range []struct {
		name  string
		meets meets
		posts int
		want  string        // the error; empty: delivered
		took  time.Duration // 0: not asked
	}{
		{"ok", meets{says(200, "ok")}, 1, "", 0},
		{"ok in JSON", meets{says(200, `{"ok":true}`)}, 1, "", 0},
		{"nothing said", meets{status(204)}, 1, "", 0},
		{"refused with 200", meets{says(200, `{"ok":false,"error":"invalid_blocks"}`)}, 1, "post to response_url: HTTP 200 invalid_blocks", 0},
		{"refused without a word", meets{says(200, `{"ok":false,"error":"see https://x/y"}`)}, 1, "post to response_url: HTTP 200 not ok", 0},
		{"refused", meets{says(400, `{"ok":false,"error":"invalid_payload"}`)}, 1, "post to response_url: HTTP 400 invalid_payload", 0},
		{"expired", meets{says(404, `{"ok":false,"error":"used_url"}`)}, 1, "response_url has expired", 0},
		{"gone", meets{status(410)}, 1, "response_url has expired", 0},
		{"redirect is not followed", meets{status(307, "Location", "https://hooks.slack.com/other")}, 1, "post to response_url: HTTP 307", 0},
		{"broken, then well", meets{status(500), status(503)}, 3, "", 0},
		{"connection lost, then well", meets{hangsUp, hangsUp}, 3, "", 0},
		{"asked to wait", meets{status(429, "Retry-After", "7")}, 2, "", 7 * time.Second},
		{"asked to wait, no time", meets{status(429)}, 2, "", 0},
		{"asked to wait too long", meets{status(429, "Retry-After", "60")}, 1, "post to response_url: HTTP 429: retry after 1m0s", 0},
		{"asked to wait for ever", meets{status(429, "Retry-After", "9223372036854775807")}, 1, "post to response_url: HTTP 429: retry after 1h0m0s", 0},
		{"asked to go back in time", meets{status(429, "Retry-After", "-5")}, 2, "", 0},
		{"always broken", always(status(500)), 3, "post to response_url: HTTP 500", 0},
		{"always lost", always(hangsUp), 3, "post to response_url: connection reset by peer", 0},
		{"expired at the third post", meets{status(500), status(500), status(404)}, 3, "response_url has expired", 0},
		{"never an answer", always(silent), 3, "post to response_url: context deadline exceeded", 0},
		{"trouble of Slack's own, then well", meets{says(200, `{"ok":false,"error":"internal_error"}`)}, 2, "", 0},
		{"asked to wait again and again", always(status(429, "Retry-After", "4")), 3, "post to response_url: HTTP 429: retry after 4s", 8 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := newAdapter(t, nil)
				hooks := newHooks(t, test.meets...)
				a.HTTP = hooks.client()
				began := time.Now()
				err := a.give(t.Context(), testHook, "", zhang, told("lisi is muted"), a.postTo)
				if test.want == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, test.want)
				}
				assert.Len(t, hooks.texts(), test.posts)
				assert.LessOrEqual(t, time.Since(began), within)
				if test.took != 0 {
					assert.Equal(t, test.took, time.Since(began))
				}
			})
		})
	}
}

func TestPostWhenThereIsNoTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newAdapter(t, nil)
		a.HTTP = newHooks(t, silent).client()
		life, end := context.WithCancel(t.Context())
		end()
		began := time.Now()
		assert.ErrorIs(t, a.give(life, testHook, "", zhang, told(""), a.postTo), context.Canceled)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestPostGoesNowhereElse(t *testing.T) {
	a, _ := newAdapter(t, nil)
	hooks := newHooks(t)
	a.HTTP = hooks.client()
	for _, to := range []commands.ReplyTo{"", "https://evil.example/96rGlfmibIGlgcZRskXaIFfN", "http://hooks.slack.com/x"} {
		err := a.give(t.Context(), to, "", zhang, told("lisi is muted"), a.postTo)
		assert.Equal(t, errUntrusted, err)
	}
	assert.Empty(t, hooks.texts())
}

// With no client of its own the adapter leaves the default one as it is.
func TestOwnClientFollowsNoRedirects(t *testing.T) {
	given := &http.Client{Timeout: time.Hour}
	for _, a := range []*Adapter{{}, {HTTP: given}} {
		assert.Equal(t, http.ErrUseLastResponse, a.client().CheckRedirect(nil, nil))
	}
	assert.Nil(t, given.CheckRedirect)
	assert.Nil(t, http.DefaultClient.CheckRedirect)
}
