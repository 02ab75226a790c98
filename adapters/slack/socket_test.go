package slack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
	"roomwarden/commands"
)

// plugged is an adapter that hears a fake Slack through Socket Mode.
func plugged(t *testing.T, o slacktest.Options, handle commands.Handler, change func(*Socket)) (*slacktest.Server, *Socket, *logbook) {
	server := slacktest.New(t, o)
	server.AddChannel(slacktest.Channel{ID: "C1", Bot: true, Members: []string{"U1"}})
	a, log := newAdapter(t, handle)
	a.APIURL, a.BotToken, a.Guide = server.APIURL(), server.BotToken, guide{}
	s := &Socket{Adapter: a, AppToken: server.AppToken}
	if change != nil {
		change(s)
	}
	ctx, hangUp := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		assert.NoError(t, a.Stop(context.Background()))
		hangUp()
		<-ended
	})
	return server, s, log
}

// TestSocketAnswers: a command is acknowledged as soon as it is written down, and answered once.
func TestSocketAnswers(t *testing.T) {
	public := told("lisi is muted")
	public.Public = true
	server, _, _ := plugged(t, slacktest.Options{Sparse: true}, func(_ context.Context, req commands.Request) commands.Reply {
		if req.Accepted != nil && req.Line != "help" {
			req.Accepted(41)
		}
		switch req.Line {
		case "help":
			return commands.Reply{Tone: commands.Info, Text: commands.Prose{{Text: "help"}}}
		case "panic":
			panic("a command panicked")
		case "public":
			return public
		}
		return told(fmt.Sprintf("%s in %s by %s", req.Line, req.Where, req.Who.ID()))
	}, nil)
	server.WaitConnections(t, 2)
	answer := server.Command("U1", "C1", "/nim", "mute &lt;x&gt;").Answer(t)
	assert.Contains(t, answer.Words(), "mute &lt;x&gt; in C1 by T0123/U1")
	assert.Equal(t, "U1", answer.Private)
	assert.Empty(t, server.Command("U1", "C1", "/nim", "public").Answer(t).Private)

	help := server.Command("U1", "C1", "/nim", "help") // it leaves no trace in the journal
	help.Answer(t)
	again := help.Again(false)
	server.WaitFor(t, "the acknowledgement", func() bool { ok, _ := again.Acked(); return ok })
	assert.Len(t, help.Answers(), 1, "delivered again it is not answered again")
	assert.Contains(t, server.Command("U1", "C1", "/nim", "panic").Answer(t).Words(), "Something went wrong")
	assert.Contains(t, server.Command("U1", "C1", "/nim", "after it").Answer(t).Words(), "after it")
}

// TestSocketAcknowledgesInTime: however slow the work is, and the person reads that it goes on.
func TestSocketAcknowledgesInTime(t *testing.T) {
	for name, tt := range map[string]struct {
		accepted bool
		says     string
		within   time.Duration
	}{
		"written down":     {true, "Working on it", time.Second},
		"not written down": {false, "nothing is promised", 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goOn := make(chan struct{})
			server, _, _ := plugged(t, slacktest.Options{}, func(_ context.Context, req commands.Request) commands.Reply {
				if tt.accepted {
					req.Accepted(41)
				}
				<-goOn
				return told("at last")
			}, nil)
			server.WaitConnections(t, 2)
			d := server.Command("U1", "C1", "/nim", "mute 123 lisi 5m")
			more := d.Again(true) // it is one command
			assert.Contains(t, d.Answer(t).Words(), tt.says)
			ok, after := d.Acked()
			assert.True(t, ok)
			assert.Less(t, after, tt.within)
			more.Acked()
			close(goOn)
			assert.Contains(t, d.AnswerNumber(t, 2).Words(), "at last")
		})
	}
}

// TestSocketRefusedForGood: what no further attempt mends ends the attempts, and is told.
func TestSocketRefusedForGood(t *testing.T) {
	for _, f := range fatalWords {
		t.Run(f.word, func(t *testing.T) {
			server := slacktest.New(t, slacktest.Options{})
			server.On("apps.connections.open", slacktest.Fault{Error: f.word, Times: -1})
			a, log := newAdapter(t, nil)
			a.APIURL = server.APIURL()
			s := &Socket{Adapter: a, AppToken: server.AppToken, Connections: 1}
			s.Run(t.Context())
			assert.True(t, s.Status().Failed())
			assert.Contains(t, s.Status().Trouble(), f.word)
			assert.Contains(t, log.String(), "Socket Mode has ended")
			assert.NotContains(t, log.String(), server.AppToken)
		})
	}
}

func TestSocketLinkDisabled(t *testing.T) {
	server, s, _ := plugged(t, slacktest.Options{}, nil, nil)
	server.WaitConnections(t, 2)
	server.DisableLink()
	server.WaitFor(t, "the end", func() bool { return s.Status().Failed() })
	assert.Contains(t, s.Status().Trouble(), "Socket Mode is switched off")
}

// TestSocketToldThatItEnds: Slack's word that Socket Mode is over counts, whatever it says to the next attempt.
func TestSocketToldThatItEnds(t *testing.T) {
	server, s, _ := plugged(t, slacktest.Options{}, nil, nil)
	server.WaitFor(t, "hello", func() bool { return s.Status().Live == 2 })
	server.SendRaw(0, `{"type":"disconnect","reason":"link_disabled","debug_info":{"host":"x"}}`)
	server.WaitFor(t, "one to end", func() bool { return s.Status().Live == 1 && s.Status().Refused != "" })
	assert.False(t, s.Status().Failed(), "the other one is still heard")
	assert.Contains(t, s.Status().Trouble(), "1 are left")
	server.WaitConnections(t, 1)
	server.SendRaw(0, `{"type":"disconnect","reason":"link_disabled"}`)
	server.WaitFor(t, "the end", func() bool { return s.Status().Failed() })
	assert.Contains(t, s.Status().Trouble(), "Socket Mode is switched off")
}

// TestConnectionFailure: what is told of a connection that cannot be made names what is wrong, and no address.
func TestConnectionFailure(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"refused":       {&url.Error{Op: "Post", URL: "https://slack.com/api/x", Err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}}, "dial: connection refused"},
		"no name":       {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "wss-primary.slack.com"}}, "the name wss-primary.slack.com could not be looked up"},
		"a proxy":       {websocket.ErrBadHandshake, "the WebSocket was refused"},
		"slow":          {fmt.Errorf("dial: %w", context.DeadlineExceeded), "did not answer in time"},
		"a certificate": {&tls.CertificateVerificationError{Err: errors.New("x509: unknown authority")}, "the certificate is not accepted: x509: unknown authority"},
		"deaf":          {errDeaf, "nothing was heard of Slack"},
		"Slack's word":  {slackapi.SlackErrorResponse{Err: "internal_error"}, "apps.connections.open: internal_error"},
	} {
		assert.Contains(t, connectionFailure(tt.err), tt.want, name)
		assert.NotContains(t, connectionFailure(tt.err), "://", name)
	}
}

// TestSocketBacksOff: what ends as soon as it is made is not made again in a tight loop, and that is told.
func TestSocketBacksOff(t *testing.T) {
	for name, tt := range map[string]struct {
		says  []string // after the handshake, before it hangs up; nil: it hangs up at once
		most  int64    // attempts in two seconds
		tells string
	}{
		"before hello":    {nil, 4, "connections end as soon as they are made"},
		"after hello":     {[]string{`{"type":"hello","num_connections":1}`}, burst + 8, "connections end as soon as they are made"},
		"asked to, often": {[]string{`{"type":"hello","num_connections":1}`, `{"type":"disconnect","reason":"refresh_requested"}`}, burst + 8, "connections end as soon as they are made"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opens atomic.Int64
			mux := http.NewServeMux()
			server := httptest.NewServer(mux)
			defer server.Close()
			mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
				opens.Add(1)
				fmt.Fprintf(w, `{"ok":true,"url":"ws%s/link"}`, strings.TrimPrefix(server.URL, "http"))
			})
			mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
				ws, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
				if err != nil {
					return
				}
				for _, text := range tt.says {
					_ = ws.WriteMessage(websocket.TextMessage, []byte(text))
				}
				ws.Close()
			})
			a, log := newAdapter(t, nil)
			a.APIURL = server.URL + "/api/"
			s := &Socket{Adapter: a, AppToken: "xapp-1-A0123-1-f", Connections: 1}
			ctx, hangUp := context.WithTimeout(t.Context(), 2*time.Second)
			defer hangUp()
			s.Run(ctx)
			assert.LessOrEqual(t, opens.Load(), tt.most)
			assert.Greater(t, opens.Load(), int64(1))
			assert.Contains(t, log.String(), tt.tells)
		})
	}
}

// TestSocketWithoutHello: a connection on which Slack does not say hello is no connection.
func TestSocketWithoutHello(t *testing.T) {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ok":true,"url":"ws%s/link"}`, strings.TrimPrefix(server.URL, "http"))
	})
	mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
		ws, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		ping := time.NewTicker(50 * time.Millisecond)
		defer ping.Stop()
		for range ping.C {
			if ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) != nil {
				return
			}
		}
	})
	a, log := newAdapter(t, nil)
	a.APIURL = server.URL + "/api/"
	s := &Socket{Adapter: a, AppToken: "xapp-1-A0123-1-f", Connections: 1, patience: 300 * time.Millisecond}
	ctx, hangUp := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer hangUp()
	s.Run(ctx)
	assert.Contains(t, log.String(), "no hello came from Slack")
}

// TestSocketComesBack: after trouble that passes.
func TestSocketComesBack(t *testing.T) {
	server := slacktest.New(t, slacktest.Options{})
	server.On("apps.connections.open", slacktest.Fault{Error: "internal_error", Times: 1})
	server.On("apps.connections.open", slacktest.Fault{Status: 502, Times: 1})
	a, log := newAdapter(t, nil)
	a.APIURL = server.APIURL()
	s := &Socket{Adapter: a, AppToken: server.AppToken, Connections: 1}
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	server.WaitFor(t, "the trouble", func() bool { return s.Status().Trouble() != "" })
	server.WaitConnections(t, 1)
	server.WaitFor(t, "hello", func() bool { return s.Status().Live == 1 })
	assert.Empty(t, s.Status().Trouble())
	assert.Contains(t, log.String(), "a connection is down")
	server.Cut(0)
	server.WaitFor(t, "another one", func() bool { return s.Status().Live == 1 && s.Status().Reconnects == 1 })
	hangUp()
	<-ended
	assert.NotContains(t, log.String(), "ticket")
}

// TestSocketDeaf: a connection on which Slack is not heard any more is replaced, and that is told.
func TestSocketDeaf(t *testing.T) {
	server, s, log := plugged(t, slacktest.Options{PingEvery: 100 * time.Millisecond}, func(_ context.Context, req commands.Request) commands.Reply {
		return told("heard " + req.Line)
	}, func(s *Socket) { s.Connections, s.patience = 1, time.Second })
	server.WaitFor(t, "hello", func() bool { return s.Status().Live == 1 })
	server.Mute(0)
	server.WaitFor(t, "another one", func() bool { return s.Status().Deaf == 1 && s.Status().Live == 1 })
	assert.Contains(t, s.Status().Trouble(), "nothing was heard of Slack")
	assert.Contains(t, log.String(), "nothing was heard of Slack")
	server.WaitConnections(t, 1)
	assert.Contains(t, server.Command("U1", "C1", "/nim", "after it").Answer(t).Words(), "heard after it")
}

// TestSocketUnreadable: whatever comes is acknowledged when it can be, and nothing of it ends the process or the connection.
func TestSocketUnreadable(t *testing.T) {
	server, _, log := plugged(t, slacktest.Options{}, func(_ context.Context, req commands.Request) commands.Reply { return told("heard " + req.Line) },
		func(s *Socket) { s.Connections = 1 })
	server.WaitConnections(t, 1)
	for i, raw := range []string{
		`{"envelope_id":"e0","type":"interactive","payload":{"type":"block_actions","actions":[{"action_id":"line-0","value":{"a":1}}]}}`,
		`{"envelope_id":"e1","type":"slash_commands","payload":"x"}`,
		`{"envelope_id":"e2","type":"slash_commands","payload":{"command":7}}`,
		`{"envelope_id":"e3","type":"of_tomorrow","payload":{}}`,
		`{"envelope_id":"e4","type":"events_api","payload":{"event":{"blocks":[{"type":7}]}}}`,
		`{"envelope_id":"e5","type":"events_api"}`,
		`{"envelope_id":"e6","type":"interactive","payload":{"type":"view_submission"}}`,
		`{"envelope_id":"e7","type":7,"payload":{}}`,
		`{"envelope_id":"e8","type":{"a":1},"payload":{"type":"block_actions"}}`,
		`{"envelope_id":"e9","type":"hello","num_connections":1,"payload":{}}`,
	} {
		server.SendRaw(0, raw)
		server.WaitFor(t, "an acknowledgement of "+raw, func() bool { _, ok := server.AckOf(fmt.Sprint("e", i)); return ok })
	}
	for _, raw := range []string{"", "{", "7", `{"type":"slash_commands"}`, strings.Repeat("x", 1000)} {
		server.SendRaw(0, raw)
	}
	assert.Contains(t, server.Command("U1", "C1", "/nim", "after it").Answer(t).Words(), "heard after it")
	assert.NotContains(t, log.String(), "panic")
}

// TestSocketOthersFirst: another process that was there before is told of at once, in whatever order the first hellos are heard.
func TestSocketOthersFirst(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wanted int
		counts []int // of the first hellos, and of those of refreshes
		sure   []bool
		noted  int // 0: none
	}{
		{"alone", 2, []int{1, 2}, []bool{false, false}, 0},
		{"with another", 2, []int{2, 3}, []bool{false, true}, 3},
		{"with another, the other way round", 2, []int{3, 2}, []bool{true, false}, 3},
		{"with another, of ten", 10, []int{2, 3, 4, 5, 6, 7, 8, 9, 11, 10}, []bool{false, false, false, false, false, false, false, false, true, false}, 11},
		{"alone, and one of ours still counted", 2, []int{1, 2, -1, 3, -1, 2}, []bool{false, false, false, false}, 0},
		{"another one came", 2, []int{1, 2, -1, 3, -1, 3}, []bool{false, false, false, true}, 3},
		{"and went", 2, []int{2, 3, -1, 3, -1, 2}, []bool{false, true, false, false}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s socketState
			var sure []bool
			line := 0
			for _, n := range tt.counts {
				if n < 0 { // one of them is made anew
					line = (line + 1) % tt.wanted
					s.connecting(line)
					continue
				}
				sure = append(sure, s.up(line, n, tt.wanted))
				if len(sure) < tt.wanted {
					line++
				}
			}
			assert.Equal(t, tt.sure, sure)
			assert.Equal(t, tt.noted != 0, s.status(tt.wanted).Note() != "")
			if tt.noted != 0 {
				assert.Equal(t, tt.noted, s.status(tt.wanted).Counted)
			}
		})
	}
}

// TestSocketOthers: connections of another process are told of, once.
func TestSocketOthers(t *testing.T) {
	server, s, log := plugged(t, slacktest.Options{}, nil, func(s *Socket) { s.Connections = 1 })
	server.WaitFor(t, "hello", func() bool { return s.Status().Live == 1 })
	assert.Empty(t, s.Status().Note())
	a, _ := newAdapter(t, nil)
	a.APIURL = server.APIURL()
	other := &Socket{Adapter: a, AppToken: server.AppToken, Connections: 1}
	ctx, hangUp := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { other.Run(ctx) })
	server.WaitConnections(t, 2)
	server.Refresh(0)
	server.WaitFor(t, "hello again", func() bool { return s.Status().Note() != "" })
	assert.Contains(t, s.Status().Note(), "Slack counts 2 connections, and 1 are this process's")
	assert.Equal(t, 1, strings.Count(log.String(), "another one takes a share"))
	hangUp()
	running.Wait()
}

// TestSocketStops: what comes while the bot stops is told so, and nothing is done.
func TestSocketStops(t *testing.T) {
	server, s, _ := plugged(t, slacktest.Options{}, func(context.Context, commands.Request) commands.Reply {
		t.Error("nothing is to be done")
		return commands.Reply{}
	}, nil)
	server.WaitConnections(t, 2)
	require.NoError(t, s.Adapter.Stop(t.Context()))
	assert.Contains(t, server.Command("U1", "C1", "/nim", "mute 123 lisi 5m").Answer(t).Words(), "restarting")
}
