package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"roomwarden/adapters/slack"
	"roomwarden/commands"
	"roomwarden/journal/sqlstore"
	"roomwarden/netease"
	"roomwarden/permissions"
)

const (
	policyInterval = 2 * time.Second  // how often the policy file is looked at
	stopTime       = 8 * time.Second  // for what runs when the process is told to stop; then it is cut short, which takes 2 s at most
	openTime       = 15 * time.Second // for the journal to open, migrations included
	warnRate       = 90               // NetEase allows 100 calls a second, and counts the customer's own
)

// serve runs the bot until ctx ends. It builds from the inside out: settings, rules, journal, NetEase, the
// dispatcher, the platforms, the listener.
func serve(ctx context.Context, args []string, w world) error {
	if err := none(args); err != nil {
		return err
	}
	set, problems := readSettings(w.Environ)
	log := newLog(w.Err, set)
	policy, err := permissions.Open(set.PermissionsFile, commands.Vocabulary())
	if err != nil {
		problems = append(problems, fmt.Sprintf("PERMISSIONS_FILE: %v. See docs/operating.md for what the file holds.", err))
	} else if names := policy.Policy().NoAccID(); len(names) > 0 && !isSet(w.Environ, "NETEASE_OPERATOR") {
		problems = append(problems, fmt.Sprintf("NETEASE_OPERATOR is not set, and %s: no accid in %s. Set one of them: NetEase wants to know who acts.",
			strings.Join(names, ", "), set.PermissionsFile))
	}
	if len(problems) > 0 {
		return usageError{"the settings need attention:\n- " + strings.Join(problems, "\n- ")}
	}

	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	store, err := sqlstore.Open(opening, set.DatabaseURL)
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer store.Close()

	dispatcher := &commands.Dispatcher{
		Policy: policy.Policy, Journal: store, Log: log,
		NetEase: &netease.Client{
			AppKey: set.NetEaseAppKey, AppSecret: set.NetEaseAppSecret,
			Bases: set.NetEaseBaseURLs, Timeout: set.NetEaseTimeout, Rate: set.NetEaseRate,
		},
		Operator: netease.AccID(set.NetEaseOperator), NotifyExt: set.NetEaseNotifyExt, Language: set.DefaultLanguage,
	}
	inSlack := &slack.Adapter{
		SigningSecrets: set.SlackSigningSecrets, CommandPrefix: set.SlackCommandPrefix, APIURL: set.SlackAPIURL,
		Language: set.DefaultLanguage, Handle: dispatcher.Handle, Log: log,
	}

	listener, err := net.Listen("tcp", set.ListenAddr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/slack/commands", inSlack.Commands())
	health(mux, store, policy)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	announce(log, set, policy.Policy(), listener.Addr())
	for _, name := range unserved {
		if isSet(w.Environ, name) {
			log.Warn(name + " is set, and this version makes no use of it")
		}
	}

	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		policy.Watch(watching, policyInterval, log)
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case <-ctx.Done():
	case err = <-served:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	log.Info("stopping")
	stopped := errors.Join(inSlack.Stop(stopping), server.Shutdown(stopping))
	stopWatching()
	select {
	case <-watched:
	case <-stopping.Done(): // a read of the file may hang
	}
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	if stopped != nil {
		log.Warn("not everything ended in time", "err", stopped)
	}
	log.Info("stopped")
	return nil
}

// isSet tells whether a variable has a value, right or wrong.
func isSet(environ []string, name string) bool {
	return strings.TrimSpace(env.ToMap(environ)[name]) != ""
}

// unserved are settings of other platforms and later versions. Whoever sets one is told that it does nothing.
var unserved = []string{"SLACK_APP_TOKEN", "DISCORD_BOT_TOKEN", "DISCORD_APPLICATION_ID", "DISCORD_PUBLIC_KEY", "HISTORY_KEEP"}

// announce logs what runs, and what of it is likely not meant so.
func announce(log *slog.Logger, set settings, policy *permissions.Policy, addr net.Addr) {
	log.Info("listening", "version", version(), "addr", addr.String(), "journal", journalName(set.DatabaseURL), "permissions", set.PermissionsFile)
	for _, warning := range policy.Warnings() {
		log.Warn("permissions: " + warning)
	}
	if set.NetEaseRate > warnRate {
		log.Warn("NETEASE_RATE is close to or above NetEase's usual limit of 100 calls a second, which the customer's own servers share", "rate", set.NetEaseRate)
	}
}

// journalName is a database URL without what may be secret in it.
func journalName(databaseURL string) string {
	scheme, rest, _ := strings.Cut(databaseURL, ":")
	if scheme != "sqlite" {
		return scheme
	}
	return scheme + ":" + rest
}

func newLog(w io.Writer, set settings) *slog.Logger {
	options := &slog.HandlerOptions{Level: set.LogLevel}
	if set.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
