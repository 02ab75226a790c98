package discord

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
	"roomwarden/commands"
)

// TestReport: what the bot tells a channel by itself goes there once, in the bot's name, and pings nobody.
func TestReport(t *testing.T) {
	reply := publicly(numbered(told("@everyone <@80351110224678912>")))
	for _, test := range []struct {
		name     string
		left     time.Duration // until the address of the first command is over
		channel  http.HandlerFunc
		hook     http.HandlerFunc
		want     error // nil; ErrNowhere; errAgain
		channels int
		hooks    int
	}{
		{"taken", 0, says(200, `{}`), nil, nil, 1, 0},
		{"not for the bot", 0, problem(403, 50001), nil, commands.ErrNowhere, 1, 0},
		{"no such channel", 0, problem(404, 10003), nil, commands.ErrNowhere, 1, 0},
		{"not for the bot, while the first answer can be followed up", time.Minute, problem(403, 50013), says(200, `{}`), nil, 1, 1},
		{"nor that", time.Minute, problem(403, 50013), problem(401, 50027), commands.ErrNowhere, 1, 1},
		{"Discord is down", time.Minute, problem(500, 0), nil, errAgain, 2, 0},
		{"too many requests", time.Minute, says(429, `{"retry_after": 60}`), nil, errAgain, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, _, _ := newAdapter(t, nil)
				referee, channels, hooks := discordtest.NewReferee(t), 0, 0
				a.Client.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					checkMessage(t, body)
					if r.URL.Path == "/api/v10/channels/1177/messages" {
						channels++
						assert.Equal(t, "Bot "+testBotToken, r.Header.Get("Authorization"))
						assert.Contains(t, string(body), `"nonce":"report-41","enforce_nonce":true`)
						assert.NoError(t, referee.Request(discordtest.PostMessage, body), "%s", body)
						test.channel(w, r)
						return
					}
					hooks++
					test.hook(w, r)
				})}}
				err := a.Deliver(t.Context(), commands.Late{To: testReplyTo, By: time.Now().Add(test.left), Where: "1177", Reply: reply, Report: true})
				if test.want == errAgain {
					require.Error(t, err)
					assert.NotErrorIs(t, err, commands.ErrNowhere)
				} else {
					require.ErrorIs(t, err, test.want)
				}
				if err != nil {
					assert.NotContains(t, err.Error(), testToken)
					assert.NotContains(t, err.Error(), testBotToken)
				}
				assert.Equal(t, []int{test.channels, test.hooks}, []int{channels, hooks})
			})
		})
	}
}

// errAgain stands for an error after which it is tried again.
var errAgain = errors.New("to be tried again")
