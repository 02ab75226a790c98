package slack

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// TestReport: what the bot tells a channel by itself goes to the response_url of the first command while that is good, and otherwise to
// the channel, in the bot's name. It is for everyone either way.
func TestReport(t *testing.T) {
	reply := told("<!channel> lisi")
	reply.Public, reply.Number = true, 41
	again := errors.New("to be tried again")
	type meets = func(http.ResponseWriter, *http.Request)
	for _, test := range []struct {
		name  string
		left  time.Duration // until the response_url is over
		hook  meets
		post  meets
		token string
		want  error // nil; ErrNowhere; again
	}{
		{"while the response_url is good", time.Minute, says(200, "ok"), nil, testToken, nil},
		{"when it is over", 0, nil, says(200, `{"ok":true}`), testToken, nil},
		{"when Slack says it is", time.Minute, says(404, `{"ok":false,"error":"expired_url"}`), says(200, `{"ok":true}`), testToken, nil},
		{"not in the channel", 0, nil, says(200, `{"ok":false,"error":"not_in_channel"}`), testToken, commands.ErrNowhere},
		{"no scope", 0, nil, says(200, `{"ok":false,"error":"missing_scope"}`), testToken, commands.ErrNowhere},
		{"no token", 0, nil, nil, "", commands.ErrNowhere},
		{"Slack is down", 0, nil, status(503), testToken, again},
		{"too many requests", 0, nil, status(429, "Retry-After", "30"), testToken, again},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _ := newAdapter(t, nil)
				a.BotToken = test.token
				hooks, posted := newHooks(t, test.hook), 0
				a.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Host == "hooks.slack.com" {
						hooks.ServeHTTP(w, r)
						return
					}
					posted++
					assert.Equal(t, "https://slack.com/api/chat.postMessage", r.URL.String())
					m := seenByAll(t, r, "C2147483705")
					assert.Equal(t, draw(reply).Text, m.Text)
					assert.NotContains(t, m.Text, "<!channel>")
					test.post(w, r)
				})}}
				err := a.Deliver(t.Context(), commands.Late{
					To: testHook, By: time.Now().Add(test.left), Where: "C2147483705", Reply: reply, Report: true,
					Who: permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "U0456"},
				})
				if test.want == again {
					require.Error(t, err)
					assert.NotErrorIs(t, err, commands.ErrNowhere)
				} else {
					require.ErrorIs(t, err, test.want)
				}
				for _, text := range hooks.texts() {
					assert.Equal(t, "in_channel: "+draw(reply).Text, text)
				}
				assert.Equal(t, test.post != nil, posted == 1)
				assert.Equal(t, test.hook != nil, len(hooks.texts()) == 1)
			})
		})
	}
}
