package slack

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/commands"
)

// Slack's published example: https://docs.slack.dev/authentication/verifying-requests-from-slack/
const (
	published     = "8f742231b10e8888abcd99yyyzzz85a5"
	publishedTime = 1531420618
	publishedBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
		"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands" +
		"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	publishedSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
)

func TestVerify(t *testing.T) {
	assert.Equal(t, publishedSignature, signature(published, "1531420618", publishedBody), "the test signs as Slack does")
	type headers map[string]string
	good := headers{"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": publishedSignature}
	signedAt := func(timestamp string) headers {
		return headers{"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature(published, timestamp, publishedBody)}
	}
	one := []string{published}
	for _, test := range []struct {
		name    string
		headers headers
		body    string
		secrets []string
		late    time.Duration // from the published time to now
		want    error
	}{
		{"published", good, publishedBody, one, 0, nil},
		{"old secret while rotating", good, publishedBody, []string{"new", published}, 0, nil},
		{"new secret while rotating", good, publishedBody, []string{published, "old"}, 0, nil},
		{"five minutes old", good, publishedBody, one, 5 * time.Minute, nil},
		{"five minutes ahead", good, publishedBody, one, -5 * time.Minute, nil},
		{"stale", good, publishedBody, one, 5*time.Minute + time.Second, errStale},
		{"from the future", good, publishedBody, one, -5*time.Minute - time.Second, errStale},
		{"another secret", good, publishedBody, []string{"another"}, 0, errForged},
		{"no secret", good, publishedBody, nil, 0, errForged},
		{"empty secret", good, publishedBody, []string{""}, 0, errForged},
		{"body changed", good, strings.Replace(publishedBody, "roadrunner", "roadrunnes", 1), one, 0, errForged},
		{"body cut", good, publishedBody[:len(publishedBody)-1], one, 0, errForged},
		{"time changed", headers{"X-Slack-Request-Timestamp": "1531420619", "X-Slack-Signature": publishedSignature}, publishedBody, one, 0, errForged},
		{"time no number", signedAt("yesterday"), publishedBody, one, 0, errForged},
		{"time beyond all numbers", signedAt("99999999999999999999"), publishedBody, one, 0, errForged},
		{"time of the far future", signedAt("9223372036854775807"), publishedBody, one, 0, errStale},
		{"no time", headers{"X-Slack-Signature": publishedSignature}, publishedBody, one, 0, errUnsigned},
		{"no signature", headers{"X-Slack-Request-Timestamp": "1531420618"}, publishedBody, one, 0, errUnsigned},
		{"nothing", nil, publishedBody, one, 0, errUnsigned},
		{"another version", headers{"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": "v1" + publishedSignature[2:]}, publishedBody, one, 0, errForged},
		{"no hex", headers{"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": "v0=zz"}, publishedBody, one, 0, errForged},
		{"half a signature", headers{"X-Slack-Request-Timestamp": "1531420618", "X-Slack-Signature": publishedSignature[:40]}, publishedBody, one, 0, errForged},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Unix(publishedTime, 0).Add(test.late)))
				header := http.Header{}
				for name, value := range test.headers {
					header.Set(name, value)
				}
				assert.Equal(t, test.want, verify(header, []byte(test.body), test.secrets))
			})
		})
	}
}

func TestWhatIsNoCommandIsRefused(t *testing.T) {
	command := form("/mute", "123 lisi 5m").Encode()
	change := func(f func(*http.Request)) *http.Request {
		r := signed(command)
		f(r)
		return r
	}
	without := func(field string) *http.Request {
		f := form("/mute", "123 lisi 5m")
		f.Del(field)
		return signed(f.Encode())
	}
	stale := strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10)
	for _, test := range []struct {
		name string
		in   *http.Request
		want int
	}{
		{"GET", change(func(r *http.Request) { r.Method = http.MethodGet }), http.StatusMethodNotAllowed},
		{"unsigned", change(func(r *http.Request) { r.Header.Del("X-Slack-Signature") }), http.StatusUnauthorized},
		{"stale", change(func(r *http.Request) {
			r.Header.Set("X-Slack-Request-Timestamp", stale)
			r.Header.Set("X-Slack-Signature", signature(testSecret, stale, command))
		}), http.StatusUnauthorized},
		{"forged", change(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(command + "&text=muteroom")) }), http.StatusUnauthorized},
		{"unsigned and no form", change(func(r *http.Request) {
			r.Header = http.Header{"Content-Type": {"application/json"}}
		}), http.StatusUnauthorized},
		{"too large", signed(strings.Repeat("x", 64<<10+1)), http.StatusRequestEntityTooLarge},
		{"broken off", change(func(r *http.Request) { r.Body = io.NopCloser(brokenOff{}) }), http.StatusBadRequest},
		{"JSON", change(func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }), http.StatusUnsupportedMediaType},
		{"no content type", change(func(r *http.Request) { r.Header.Del("Content-Type") }), http.StatusUnsupportedMediaType},
		{"two content types", change(func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }), http.StatusUnsupportedMediaType},
		{"no form inside", signed("text=%zz"), http.StatusBadRequest},
		{"empty", signed(""), http.StatusBadRequest},
		{"no team", without("team_id"), http.StatusBadRequest},
		{"no user", without("user_id"), http.StatusBadRequest},
		{"no command", without("command"), http.StatusBadRequest},
		{"in the query alone", change(func(r *http.Request) {
			*r = *signed("")
			r.URL.RawQuery = command
		}), http.StatusBadRequest},
		{"certificate check", signed("token=gIkuvaNzQIHg97ATvDxqgjtO&ssl_check=1"), http.StatusOK},
		{"certificate check on a command", signed(command + "&ssl_check=1"), http.StatusOK},
		{"certificate check by a stranger", httptest.NewRequest(http.MethodPost, "/slack/commands", strings.NewReader("ssl_check=1")), http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
				t.Error("handled")
				return commands.Reply{}
			})
			w := httptest.NewRecorder()
			a.Commands().ServeHTTP(w, test.in)
			assert.Equal(t, test.want, w.Code)
			assert.Empty(t, w.Body.String())
			if test.want == http.StatusMethodNotAllowed {
				assert.Equal(t, "POST", w.Header().Get("Allow"))
			}
		})
	}
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestLargestBodyIsTaken(t *testing.T) {
	a, _ := newAdapter(t, func(context.Context, commands.Request) commands.Reply { return told("long") })
	body := form("/mute", "").Encode()
	body += "&x=" + strings.Repeat("x", 64<<10-len(body)-3)
	assert.Equal(t, "long\n#41", first(t, a, signed(body)).Text)
}
