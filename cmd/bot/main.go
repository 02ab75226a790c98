// Command bot is Roomwarden: it lets moderators in Slack and Discord govern chat rooms on NetEase IM (网易云信).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE) // who writes into a closed pipe gets an error, and time to tidy up
	context.AfterFunc(ctx, stop)   // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], world{Environ: os.Environ(), In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// A world is what the program touches besides files and the network, so that a test can be one.
type world struct {
	Environ  []string // "NAME=value"
	In       io.Reader
	Out, Err io.Writer
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or a setting is wrong
)

// A subcommand is one thing the binary does. Its error has been told to nobody yet; a usageError means exitUsage.
type subcommand struct {
	name, args, help string
	run              func(ctx context.Context, args []string, w world) error
}

func subcommands() []subcommand {
	return []subcommand{
		{"serve", "", "listen to Slack and Discord (the default)", serve},
		{"demo", "[--as NAME] [--lang en|zh-CN]", "try the bot in this terminal, against a NetEase in memory", demo},
		{"check", "[--url https://…] [--json]", "look whether settings, files, Slack, Discord and NetEase are in order", check},
		{"manifest", "slack [--socket] [--url https://…] [--all] [--format json|yaml]", "print the manifest of a Slack app", manifest},
		{"history", "[--room N] [--target A] [--by WHO] [--command C,…] [--outcome O,…] [--text T] [--since 24h] [--before N] [--limit N] [--json|--csv] | --verify [--head SEAL:HASH] [--json]", "read the journal", showHistory},
		{"explain", "CODE [--lang en|zh-CN]", "explain a NetEase status code", explainCode},
		{"version", "", "print the version", printVersion},
	}
}

// run is the whole program: args are the words after its name, the result is the exit status.
func run(ctx context.Context, args []string, w world) int {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	if name == "help" || slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		printUsage(w.Out)
		return exitOK
	}
	for _, s := range subcommands() {
		if s.name != name {
			continue
		}
		err := s.run(ctx, args, w)
		if err == nil {
			return exitOK
		}
		fmt.Fprintf(w.Err, "bot %s: %v\n", s.name, err)
		if isUsage(err) {
			return exitUsage
		}
		return exitFailed
	}
	fmt.Fprintf(w.Err, "bot: there is no subcommand %q.\n", name)
	printUsage(w.Err)
	return exitUsage
}

func printUsage(w io.Writer) {
	fmt.Fprintln(w, "Usage: bot [subcommand]")
	for _, s := range subcommands() {
		fmt.Fprintf(w, "  %-48s %s\n", strings.TrimSpace("bot "+s.name+" "+s.args), s.help)
	}
	fmt.Fprintln(w, "The settings of serve are environment variables: docs/operating.md.")
}
