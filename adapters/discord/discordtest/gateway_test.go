package discordtest_test

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

func TestSession(t *testing.T) {
	s := there(t, discordtest.Options{Heartbeat: 50 * time.Millisecond})
	s.AddGuild(discordtest.Guild{Name: "Without the bot", NoBot: true})
	a := dial(t, s)
	hello := <-a.got
	assert.Equal(t, 50.0, hello["d"].(obj)["heartbeat_interval"])
	a.identify(s)
	ready := <-a.got
	assert.Equal(t, "READY", ready["t"])
	assert.Equal(t, 1.0, ready["s"])
	assert.Equal(t, []any{obj{"id": s.Guild, "unavailable": true}}, ready["d"].(obj)["guilds"])
	assert.Equal(t, s.ApplicationID, ready["d"].(obj)["application"].(obj)["id"])
	s.WaitReady(t, 1)
	a.say(1, 1)
	assert.Equal(t, 11.0, (<-a.got)["op"])
	assert.Equal(t, 1, s.Heartbeats())

	d := command(s)
	e := <-a.got
	assert.Equal(t, "INTERACTION_CREATE", e["t"])
	assert.Equal(t, 2.0, e["s"])
	assert.Equal(t, d.Payload, e["d"])
	callback(t, s, d, first(4, says("done")))
	assert.True(t, d.Ack().Callback)

	assert.Equal(t, 1, s.Connections())
	require.Len(t, s.Identifies(), 1)
	assert.Equal(t, s.BotToken, s.Identifies()[0].Token)
	assert.Zero(t, s.Identifies()[0].Intents)

	// Without heartbeats it ends.
	assert.Equal(t, 4009, a.closed())
	s.WaitSessions(t, 0)
	assert.Equal(t, discordtest.Unreachable, command(s).Ack().Problem)
}

func TestIdentify(t *testing.T) {
	properties := obj{"os": "linux", "browser": "x", "device": "x"}
	for _, row := range []struct {
		name string
		say  func(a *app, s *discordtest.Server)
		code int
	}{
		{"without Bot", func(a *app, s *discordtest.Server) {
			a.say(2, obj{"token": s.BotToken, "intents": 0, "properties": properties})
			<-a.got
			a.ws.Close()
		}, 0},
		{"wrong token", func(a *app, _ *discordtest.Server) {
			a.say(2, obj{"token": "Bot x", "intents": 0, "properties": properties})
		}, 4004},
		{"intents", func(a *app, s *discordtest.Server) {
			a.say(2, obj{"token": s.BotToken, "intents": 1 << 15, "properties": properties})
		}, 4014},
		{"no intents", func(a *app, s *discordtest.Server) { a.say(2, obj{"token": s.BotToken, "properties": properties}) }, 4013},
		{"twice", func(a *app, s *discordtest.Server) { a.identify(s); a.identify(s) }, 4005},
		{"before it", func(a *app, _ *discordtest.Server) { a.say(3, nil) }, 4003},
		{"an opcode", func(a *app, _ *discordtest.Server) { a.say(11, nil) }, 4001},
		{"no JSON", func(a *app, _ *discordtest.Server) { _ = a.ws.WriteMessage(1, []byte("{")) }, 4002},
		{"too large", func(a *app, _ *discordtest.Server) { a.say(1, string(make([]byte, 1000))) }, 4002},
		{"too fast", func(a *app, _ *discordtest.Server) {
			for range 121 {
				a.say(1, nil)
			}
		}, 4008},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := discordtest.New(t, discordtest.Options{})
			s.Forgive()
			a := dial(t, s)
			<-a.got
			row.say(a, s)
			assert.Equal(t, row.code, a.closed())
			assert.Equal(t, row.code != 0 && row.code != 4004, len(s.Complaints()) > 0)
		})
	}
	s := discordtest.New(t, discordtest.Options{})
	s.Forgive()
	ws, res, err := websocket.DefaultDialer.Dial("ws"+s.APIURL()[4:]+"/socket/?v=9&encoding=json", nil)
	require.NoError(t, err)
	res.Body.Close()
	_, _, err = ws.ReadMessage()
	assert.True(t, websocket.IsCloseError(err, 4012))
	ws.Close()
}

func TestTooManyIdentifies(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	s.Forgive()
	online(t, s)
	b := dial(t, s)
	<-b.got
	b.identify(s)
	said := <-b.got
	assert.Equal(t, 9.0, said["op"])
	assert.Equal(t, false, said["d"])
	s.Later(5 * time.Second)
	b.identify(s)
	assert.Equal(t, "READY", (<-b.got)["t"])

	s.OnConnect(discordtest.Trouble{Ready: true, Code: 4000})
	d := dial(t, s)
	<-d.got
	d.identify(s)
	assert.Equal(t, 9.0, (<-d.got)["op"])
	s.Later(5 * time.Second)
	d.identify(s)
	assert.Equal(t, 4000, d.closed(), "trouble waits for a session")

	s.SpendStarts(994)
	c := dial(t, s)
	<-c.got
	c.identify(s)
	<-c.got
	limit := call(t, s, "GET", "/gateway/bot", nil).body["session_start_limit"].(obj)
	assert.Zero(t, limit["remaining"])
	assert.InDelta(t, 24*time.Hour.Milliseconds(), limit["reset_after"], 60_000)
	c.identify(s)
	assert.Equal(t, 4004, c.closed())
	assert.Equal(t, 401, call(t, s, "GET", "/users/@me", nil).status, "the token is reset")
	assert.Len(t, s.Identifies(), 7)
}

func TestTroubles(t *testing.T) {
	for _, row := range []struct {
		name    string
		trouble discordtest.Trouble
		ops     []float64 // of what comes after hello and an IDENTIFY
		code    int       // of the end; -1: there is none
	}{
		{"nothing", discordtest.Trouble{}, []float64{0}, -1},
		{"op 7 first", discordtest.Trouble{Op: 7}, []float64{7}, -1},
		{"op 9 first", discordtest.Trouble{Op: 9}, []float64{9}, -1},
		{"op 11 first", discordtest.Trouble{Op: 11}, []float64{11}, -1},
		{"no answer", discordtest.Trouble{Ignore: true}, nil, -1},
		{"4004", discordtest.Trouble{Code: 4004}, nil, 4004},
		{"4014", discordtest.Trouble{Code: 4014}, nil, 4014},
		{"closed after READY", discordtest.Trouble{Ready: true, Code: 4000}, []float64{0}, 4000},
		{"op 7 after READY, then closed", discordtest.Trouble{Ready: true, After: 20 * time.Millisecond, Op: 7, Code: 1000}, []float64{0, 7}, 1000},
		{"breaks after READY", discordtest.Trouble{Ready: true, Code: -1}, []float64{0}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := discordtest.New(t, discordtest.Options{})
			s.OnConnect(row.trouble)
			a := dial(t, s)
			<-a.got
			a.identify(s)
			var ops []float64
			for range row.ops {
				ops = append(ops, (<-a.got)["op"].(float64))
			}
			assert.Equal(t, row.ops, ops)
			if row.code >= 0 {
				assert.Equal(t, row.code, a.closed())
			}
		})
	}
}

func TestTroubleBeforeHello(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{})
	s.OnConnect(discordtest.Trouble{Status: 503})
	s.OnConnect(discordtest.Trouble{Silent: true})
	address := call(t, s, "GET", "/gateway", nil).body["url"].(string) + "?v=10&encoding=json"
	_, res, err := websocket.DefaultDialer.Dial(address, nil)
	require.Error(t, err)
	assert.Equal(t, 503, res.StatusCode)
	res.Body.Close()
	ws, res, err := websocket.DefaultDialer.Dial(address, nil)
	require.NoError(t, err)
	defer ws.Close()
	res.Body.Close()
	_ = ws.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, _, err = ws.ReadMessage()
	require.Error(t, err)
	assert.Equal(t, 2, s.Connections())
	assert.Equal(t, 10.0, (<-dial(t, s).got)["op"])
}

// Op 9 at every IDENTIFY, also on the same connection.
func TestAlwaysInvalid(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{IdentifyEvery: time.Nanosecond})
	s.OnConnect(discordtest.Trouble{Op: 9, Times: -1})
	a := dial(t, s)
	<-a.got
	for range 3 {
		a.identify(s)
		assert.Equal(t, 9.0, (<-a.got)["op"])
	}
	s.HealGateway()
	a.identify(s)
	assert.Equal(t, "READY", (<-a.got)["t"])
}

func TestFlapping(t *testing.T) {
	s := discordtest.New(t, discordtest.Options{IdentifyEvery: time.Nanosecond})
	s.OnConnect(discordtest.Trouble{Ready: true, After: 10 * time.Millisecond, Code: 4000, Times: -1})
	for n := range 3 {
		a := dial(t, s)
		<-a.got
		a.identify(s)
		assert.Equal(t, 4000, a.closed())
		s.WaitReady(t, n+1)
	}
	assert.Equal(t, 3, s.Connections())
}

func TestLiveSessions(t *testing.T) {
	s := there(t, discordtest.Options{IdentifyEvery: time.Nanosecond, AnswerTime: brief})
	a := online(t, s)
	s.Deafen()
	a.say(1, nil)
	s.WaitFor(t, "a heartbeat", func() bool { return s.Heartbeats() == 1 })
	s.HealGateway()
	s.Reconnect()
	assert.Equal(t, 7.0, (<-a.got)["op"], "and no acknowledgement before it")
	s.WaitSessions(t, 0)
	_ = a.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, ""), time.Now().Add(time.Second))
	a.closed()
	s.WaitFor(t, "the code", func() bool { return len(s.CloseCodes()) == 1 })
	assert.Equal(t, []int{4000}, s.CloseCodes())

	a = online(t, s)
	s.Invalidate()
	assert.Equal(t, 9.0, (<-a.got)["op"])
	a.say(6, obj{"token": s.BotToken, "session_id": "x", "seq": 1})
	assert.Equal(t, 9.0, (<-a.got)["op"], "RESUME is not played")
	a.ws.Close()

	a = online(t, s)
	s.CloseSessions(4000)
	assert.Equal(t, 4000, a.closed())
	a = online(t, s)
	s.CloseSessions(0)
	assert.Equal(t, 0, a.closed())

	a = online(t, s)
	s.SendRaw(`{"op": 0, "t": "INTERACTION_CREATE", "s": 2, "d": {"type": "odd"}}`)
	assert.Equal(t, "odd", (<-a.got)["d"].(obj)["type"])
	s.Freeze()
	assert.Equal(t, discordtest.TimedOut, command(s).Ack().Problem, "it was lost")
	assert.Empty(t, a.got)
}

func TestDeliveryToSessions(t *testing.T) {
	for _, row := range []struct {
		name string
		o    discordtest.Options
		want [2]int
	}{
		{"the newest", discordtest.Options{}, [2]int{0, 1}},
		{"all", discordtest.Options{EverySession: true}, [2]int{1, 1}},
		{"twice", discordtest.Options{Twice: true}, [2]int{0, 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.o.IdentifyEvery = time.Nanosecond
			s := there(t, row.o)
			a := online(t, s)
			b := dial(t, s)
			<-b.got
			b.identify(s)
			<-b.got
			s.WaitSessions(t, 2)
			d := command(s)
			for n, who := range []*app{a, b} {
				for range row.want[n] {
					assert.Equal(t, d.ID, (<-who.got)["d"].(obj)["id"])
				}
			}
			assert.Equal(t, 204, callback(t, s, d, first(4, says("x"))).status)
			if row.want[0]+row.want[1] > 1 {
				assert.Equal(t, 40060, callback(t, s, d, first(4, says("x"))).code, "which is no mistake")
			}
			d.Ack()
		})
	}
}

func TestWhereTheGatewayIsSilent(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	s.AddGuild(discordtest.Guild{Name: "Elsewhere", NoBot: true})
	s.AddChannel(discordtest.Channel{Name: "away", Guild: "Elsewhere"})
	assert.Equal(t, discordtest.Unreachable, s.Command("lisi", "away", "mute", args()).Ack().Problem)
	s.SetEndpointURL("https://example.com")
	assert.Equal(t, discordtest.Unreachable, command(s).Ack().Problem)
}
