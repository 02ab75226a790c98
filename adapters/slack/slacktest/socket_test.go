package slacktest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
)

// An app is one connection of a tiny client. What comes is in got; the test acknowledges.
type app struct {
	t   *testing.T
	ws  *websocket.Conn
	got chan obj // closed with the connection
}

func dial(t *testing.T, s *slacktest.Server) *app {
	t.Helper()
	address, _ := call(t, s, s.AppToken, "apps.connections.open", nil)["url"].(string)
	a, err := dialAt(t, address)
	require.NoError(t, err)
	return a
}

func dialAt(t *testing.T, address string) (*app, error) {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial(address, http.Header{"Origin": {"https://api.slack.com"}})
	if res != nil {
		res.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { ws.Close() })
	a := &app{t, ws, make(chan obj, 20)}
	go func() {
		defer close(a.got)
		for {
			var o obj
			if ws.ReadJSON(&o) != nil {
				return
			}
			a.got <- o
		}
	}()
	return a, nil
}

func (a *app) ack(envelope obj, payload any) {
	a.t.Helper()
	require.NoError(a.t, a.ws.WriteJSON(obj{"envelope_id": envelope["envelope_id"], "payload": payload}))
}

func TestSocketMode(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{})
	one, two := dial(t, s), dial(t, s)
	s.WaitConnections(t, 2)
	hello := <-one.got
	assert.Equal(t, "hello", hello["type"])
	assert.Equal(t, obj{"app_id": s.AppID}, hello["connection_info"])
	assert.Equal(t, 2.0, (<-two.got)["num_connections"])

	// Connections take turns.
	for _, who := range []*app{two, one} {
		d := s.Command("U1", "C1", "/mute", "lisi")
		e := <-who.got
		assert.Equal(t, "slash_commands", e["type"])
		assert.Equal(t, true, e["accepts_response_payload"])
		who.ack(e, obj{"text": "hello"})
		ok, _ := d.Acked()
		assert.True(t, ok)
		assert.Equal(t, "hello", d.Answer(t).Text)
	}

	// One dies before the acknowledgement: the other gets the envelope.
	d := s.Command("U1", "C1", "/mute", "lisi")
	first := <-two.got
	two.ws.Close()
	again := <-one.got
	assert.Equal(t, first["envelope_id"], again["envelope_id"])
	assert.Equal(t, 1.0, again["retry_attempt"])
	assert.Equal(t, "connection_failed", again["retry_reason"])
	one.ack(again, nil)
	assert.Len(t, d.Ack().EnvelopeIDs, 2)
	assert.Empty(t, d.Answers())

	// The same once more, on demand.
	d = d.Again(true)
	again = <-one.got
	assert.Equal(t, first["envelope_id"], again["envelope_id"])
	one.ack(again, nil)
	assert.True(t, d.Ack().OK)
	s.SendRaw(0, `{"envelope_id": "odd", "payload": 1, "type": []}`)
	one.ack(<-one.got, obj{})
	s.WaitFor(t, "the odd envelope", func() bool { _, ok := s.AckOf("odd"); return ok })

	s.Refresh(0)
	assert.Equal(t, "refresh_requested", (<-one.got)["reason"])
	one.ws.Close() // as an app does; else Slack would
	s.WaitConnections(t, 0)
}

func TestSocketModeTimes(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{AckTime: 50 * time.Millisecond, Redeliver: true, NewEnvelopes: true})
	a := dial(t, s)
	<-a.got
	s.WaitConnections(t, 1)
	d := s.Event("app_home_opened", nil)
	e := <-a.got
	a.ack(e, strings.Repeat("x", 20480)) // vanishes
	again := <-a.got
	assert.NotEqual(t, e["envelope_id"], again["envelope_id"])
	assert.Equal(t, "timeout", again["retry_reason"])
	assert.Equal(t, e["payload"], again["payload"])
	s.Deaf(0)
	a.ack(again, nil)
	assert.Equal(t, slacktest.TimedOut, d.Ack().Problem)
	assert.Len(t, d.Ack().EnvelopeIDs, 4)
}

func TestConnections(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{})
	address, _ := call(t, s, s.AppToken, "apps.connections.open", nil)["url"].(string)
	_, err := dialAt(t, address)
	require.NoError(t, err)
	_, err = dialAt(t, address)
	require.Error(t, err, "a ticket is good for one connection")
	for range 9 {
		<-dial(t, s).got
	}
	s.WaitConnections(t, 10)
	assert.Equal(t, "too_many_websockets", (<-dial(t, s).got)["reason"])
	s.Cut(0)
	assert.Equal(t, 9, s.Connections())
	s.DisableLink()
	s.WaitConnections(t, 0)
	assert.Equal(t, "link_disabled", call(t, s, s.AppToken, "apps.connections.open", nil)["error"])
}
