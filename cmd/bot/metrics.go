package main

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"roomwarden/adapters/discord"
	"roomwarden/adapters/slack"
	"roomwarden/commands"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// metrics is what GET /metrics tells. docs/operating.md says what each means.
type metrics struct {
	registry *prometheus.Registry

	commands    *prometheus.CounterVec
	inFlight    *prometheus.GaugeVec
	firstAnswer *prometheus.HistogramVec
	finalAnswer *prometheus.HistogramVec
	undelivered *prometheus.CounterVec
	unsigned    *prometheus.CounterVec
	calls       *prometheus.CounterVec
	callTime    *prometheus.HistogramVec
	reloads     *prometheus.CounterVec

	mu     sync.Mutex
	signed map[permissions.Platform]time.Time // when the last signed request came
}

func newMetrics(platforms []permissions.Platform) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	seconds := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help,
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 2.5, 3, 5, 10, 20, 30}}, labels)
	}
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		commands:    counter("roomwarden_commands_total", "Commands handled; the command is empty where a line was not understood.", "command", "platform", "outcome"),
		inFlight:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "roomwarden_in_flight", Help: "Commands being handled."}, []string{"platform"}),
		firstAnswer: seconds("roomwarden_first_answer_seconds", "From receipt to the platform's first response: an answer or an acknowledgement.", "platform"),
		finalAnswer: seconds("roomwarden_final_answer_seconds", "From receipt until the answer itself was given.", "platform"),
		undelivered: counter("roomwarden_undelivered_answers_total", "Answers that came late and could not be delivered; the journal has them.", "platform"),
		unsigned:    counter("roomwarden_unsigned_requests_total", "Requests refused because the platform had not signed them, or not now.", "platform"),
		calls:       counter("roomwarden_netease_calls_total", "Attempts of calls to NetEase, by its code, or no_answer, not_sent, http_502 and the like.", "interface", "code", "domain"),
		callTime:    seconds("roomwarden_netease_call_seconds", "Time of one attempt.", "interface"),
		reloads:     counter("roomwarden_policy_reloads_total", "New versions of the policy file.", "result"),
		signed:      map[permissions.Platform]time.Time{},
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "roomwarden_build_info", Help: "What runs; always 1."}, []string{"version", "goversion"})
	build.WithLabelValues(moduleVersion(), runtime.Version()).Set(1)
	m.registry.MustRegister(m.commands, m.inFlight, m.firstAnswer, m.finalAnswer, m.undelivered, m.unsigned, m.calls, m.callTime, m.reloads, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, p := range platforms {
		m.inFlight.WithLabelValues(string(p))
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "roomwarden_last_signed_request_age_seconds", Help: "Since the last request that the platform had signed; -1 before the first.",
			ConstLabels: prometheus.Labels{"platform": string(p)},
		}, func() float64 { return m.signedAge(p) }))
	}
	for _, result := range []string{"ok", "broken"} {
		m.reloads.WithLabelValues(result)
	}
	return m
}

func (m *metrics) signedAge(p permissions.Platform) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.signed[p]
	if !ok {
		return -1
	}
	return time.Since(at).Seconds()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// handling counts the commands that next is handling.
func (m *metrics) handling(next commands.Handler) commands.Handler {
	return func(ctx context.Context, req commands.Request) commands.Reply {
		gauge := m.inFlight.WithLabelValues(string(req.Who.Platform))
		gauge.Inc()
		defer gauge.Dec()
		return next(ctx, req)
	}
}

func (m *metrics) handled(o commands.Observation) {
	m.commands.WithLabelValues(o.Command, string(o.Platform), string(o.Outcome)).Inc()
}

func (m *metrics) event(e commands.Event) {
	platform := string(e.Platform)
	switch e.Kind {
	case commands.Signed:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.signed[e.Platform] = time.Now()
	case commands.Unsigned:
		m.unsigned.WithLabelValues(platform).Inc()
	case commands.Undelivered:
		m.undelivered.WithLabelValues(platform).Inc()
	case commands.FirstAnswer:
		m.firstAnswer.WithLabelValues(platform).Observe(e.Took.Seconds())
	case commands.FinalAnswer:
		m.finalAnswer.WithLabelValues(platform).Observe(e.Took.Seconds())
	}
}

func (m *metrics) attempt(a netease.Attempt) {
	m.calls.WithLabelValues(string(a.Op), a.Result, cmp.Or(a.Domain, "unknown")).Inc()
	m.callTime.WithLabelValues(string(a.Op)).Observe(a.Took.Seconds())
}

func (m *metrics) reloaded(problem error) {
	result := "ok"
	if problem != nil {
		result = "broken"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// parts adds a gauge for each part of /readyz.
func (m *metrics) parts(names []string, status func(name string) float64) {
	for _, name := range names {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "roomwarden_part_status", Help: "How a part of the bot is, as /readyz tells: 1 ok, 0.5 degraded, 0 failed.",
			ConstLabels: prometheus.Labels{"part": name},
		}, func() float64 { return status(name) }))
	}
}

// A told has metrics of something that tells how it is when it is asked.
type told[S any] struct {
	registry *prometheus.Registry
	status   func() S
}

func (t told[S]) gauge(name, help string, value func(S) int) {
	t.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value(t.status())) }))
}

func (t told[S]) counter(name, help string, value func(S) int) {
	t.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value(t.status())) }))
}

// slackSocket adds what there is to tell of Socket Mode's connections.
func (m *metrics) slackSocket(status func() slack.SocketStatus) {
	t := told[slack.SocketStatus]{m.registry, status}
	t.gauge("roomwarden_slack_connections", "Socket Mode connections that are up.", func(s slack.SocketStatus) int { return s.Live })
	t.gauge("roomwarden_slack_connections_wanted", "Socket Mode connections that there should be.", func(s slack.SocketStatus) int { return s.Wanted })
	t.gauge("roomwarden_slack_connections_counted", "Connections of the app that Slack counted when it last said hello; more than are wanted belong to another process.", func(s slack.SocketStatus) int { return s.Counted })
	t.counter("roomwarden_slack_reconnects_total", "Socket Mode connections that were replaced, for whatever reason.", func(s slack.SocketStatus) int { return s.Reconnects })
	t.counter("roomwarden_slack_deaf_total", "Socket Mode connections that were replaced because nothing was heard of Slack for 30 s.", func(s slack.SocketStatus) int { return s.Deaf })
	t.counter("roomwarden_slack_acks_lost_total", "Envelopes that could not be acknowledged.", func(s slack.SocketStatus) int { return s.AcksLost })
}

// discordGateway adds what there is to tell of the gateway.
func (m *metrics) discordGateway(status func() discord.GatewayStatus) {
	t := told[discord.GatewayStatus]{m.registry, status}
	t.gauge("roomwarden_discord_gateway_live", "1 while there is a session with Discord's gateway.", func(s discord.GatewayStatus) int {
		if s.State == discord.GatewayLive {
			return 1
		}
		return 0
	})
	t.gauge("roomwarden_discord_gateway_sessions_24h", "Sessions begun in the last 24 hours; Discord allows 1000.", func(s discord.GatewayStatus) int { return s.Identifies })
	t.counter("roomwarden_discord_gateway_reconnects_total", "Sessions that were made again, for whatever reason.", func(s discord.GatewayStatus) int { return s.Reconnects })
	t.counter("roomwarden_discord_gateway_dropped_total", "Interactions that were dropped because too many waited for their first answers.", func(s discord.GatewayStatus) int { return s.Dropped })
}
