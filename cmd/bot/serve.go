package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/caarlos0/env/v11"

	"roomwarden/commands"
	"roomwarden/journal/sqlstore"
	"roomwarden/netease"
	"roomwarden/permissions"
)

const (
	policyInterval = 2 * time.Second      // how often the policy file is looked at
	lastWords      = 2 * time.Second      // for outcomes that are not written then
	stopTime       = 6 * time.Second      // for what runs when the process is told to stop; then it is cut short, which takes 2 s at most
	openTime       = 15 * time.Second     // for the journal to open, migrations included
	gather         = 5 * time.Millisecond // outcomes that recovery would find out are written together
	gcPercent      = 200
	warnRate       = 90 // NetEase allows 100 calls a second, and counts the customer's own
)

// serve runs the bot until ctx ends. It builds from the inside out: settings, rules, journal, NetEase, the dispatcher, the
// platforms, the listener.
func serve(ctx context.Context, args []string, w world) error {
	if err := none(args); err != nil {
		return err
	}
	set, policy, problems := prepare(w.Environ)
	if len(problems) > 0 {
		text := "the settings need attention:"
		for _, p := range problems {
			text += "\n- " + p.String()
		}
		return usageError{text}
	}
	log := newLog(w.Err, set)
	if !isSet(w.Environ, "GOGC") { // there is little to keep: memory for time is a good bargain here
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	store, err := sqlstore.Open(opening, set.DatabaseURL)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer store.Close()
	if !store.Alone() {
		log.Warn("another process has this journal open: several bots on one SQLite file do not share a rate limit; several replicas want PostgreSQL")
	}

	health := newHealth(store, policy, set.platforms())
	count := newMetrics(set.platforms())
	count.parts(health.names(), func(name string) float64 { return health.part(context.Background(), name).Status.level() })
	tidy := &tidier{Store: store, Keep: time.Duration(set.HistoryKeep), Language: set.DefaultLanguage, Log: log}
	policy.OnReload = func(err error) { count.reloaded(err); tidy.reloaded(err) }

	nim := newNetEase(set)
	nim.Ready = store.Ready
	if nim.Limiter, err = store.Limiter(opening); err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	nim.Observe = func(a netease.Attempt) { health.attempt(a); count.attempt(a) }
	dispatcher := &commands.Dispatcher{
		Policy: policy.Policy, Journal: store, NetEase: nim, Log: log, Observe: count.handled,
		Gather: gather, Operator: netease.AccID(set.NetEaseOperator), NotifyExt: set.NetEaseNotifyExt, Language: set.DefaultLanguage,
	}
	parts := &platforms{
		set: set, policy: policy, log: log, health: health, mux: http.NewServeMux(),
		handle: count.handling(dispatcher.Handle), guide: dispatcher, leads: store.Leads, count: count, answered: dispatcher.Answered, deliver: map[permissions.Platform]commands.Deliver{},
		observe: func(e commands.Event) { health.event(e); count.event(e) },
	}
	parts.slack()
	parts.discord()
	dispatcher.Deliver, dispatcher.Renew = parts.deliver, parts.renew
	health.routes(parts.mux)
	parts.mux.Handle("GET /metrics", count.handler())

	listener, err := net.Listen("tcp", set.ListenAddr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	server := &http.Server{
		Handler: parts.mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	announce(log, set, w.Environ, policy.Policy(), listener.Addr())

	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	var running sync.WaitGroup
	running.Go(func() { policy.Watch(background, policyInterval, log) })
	running.Go(func() { tidy.run(background) })
	running.Go(func() { dispatcher.Recover(background) })
	for _, job := range parts.jobs {
		running.Go(func() { job(background) })
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case <-ctx.Done():
	case err = <-served:
	}
	log.Info("stopping")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	stopBackground()
	stopped := errors.Join(parts.stop(stopping), server.Shutdown(stopping), waitFor(stopping, &running))
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	stopped = errors.Join(stopped, dispatcher.Stop(writing))
	if stopped != nil {
		log.Warn("not everything ended in time", "err", stopped)
	}
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	log.Info("stopped")
	return nil
}

// prepare reads the settings and the policy file, and finds all that is wrong with either.
func prepare(environ []string) (settings, *permissions.File, []problem) {
	set, problems := readSettings(environ)
	policy, err := permissions.Open(set.PermissionsFile, commands.Vocabulary())
	if err != nil {
		problems = append(problems, problem{"PERMISSIONS_FILE", fmt.Sprintf("PERMISSIONS_FILE: %v", err), "See docs/operating.md for what the file holds."})
	} else if names := policy.Policy().NoAccID(); len(names) > 0 && !isSet(environ, "NETEASE_OPERATOR") {
		problems = append(problems, problem{"NETEASE_OPERATOR", fmt.Sprintf("NETEASE_OPERATOR is not set, and %s: no accid in %s", strings.Join(names, ", "), set.PermissionsFile),
			"Set one of them: NetEase wants to know who acts."})
	}
	return set, policy, problems
}

// isSet tells whether a variable has a value, right or wrong.
func isSet(environ []string, name string) bool {
	return strings.TrimSpace(env.ToMap(environ)[name]) != ""
}

func newNetEase(set settings) *netease.Client {
	return &netease.Client{
		AppKey: set.NetEaseAppKey, AppSecret: set.NetEaseAppSecret,
		Bases: set.NetEaseBaseURLs, Timeout: set.NetEaseTimeout, Rate: set.NetEaseRate,
	}
}

// waitFor waits for running, but not longer than ctx.
func waitFor(ctx context.Context, running *sync.WaitGroup) error {
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done(): // a read of the policy file may hang
		return ctx.Err()
	}
}

// announce logs what runs, and what of it is likely not meant so.
func announce(log *slog.Logger, set settings, environ []string, policy *permissions.Policy, addr net.Addr) {
	log.Info("listening", "version", version(), "addr", addr.String(), "journal", journalName(set.DatabaseURL), "permissions", set.PermissionsFile, "platforms", set.platforms())
	for _, warning := range policy.Warnings() {
		log.Warn("permissions: " + warning)
	}
	if set.NetEaseRate > warnRate {
		log.Warn("NETEASE_RATE is close to or above NetEase's usual limit of 100 calls a second, which the customer's own servers share", "rate", set.NetEaseRate)
	}
	if isSet(environ, "SLACK_CONNECTIONS") && set.SlackAppToken == "" {
		log.Warn("SLACK_CONNECTIONS is set, and does nothing without SLACK_APP_TOKEN")
	}
}

// journalName is a database URL without what may be secret in it.
func journalName(databaseURL string) string {
	if strings.HasPrefix(databaseURL, "sqlite:") {
		return databaseURL
	}
	scheme, _, _ := strings.Cut(databaseURL, ":")
	return scheme
}

func newLog(w io.Writer, set settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: set.LogLevel}
	if set.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
