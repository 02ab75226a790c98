package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/caarlos0/env/v11"

	"roomwarden/adapters/slack"
)

// manifest prints the manifest of a Slack app, made from the table of commands. Warnings go to standard error.
func manifest(_ context.Context, args []string, w world) error {
	f := flag.NewFlagSet("manifest", flag.ContinueOnError)
	o := slack.ManifestOptions{Prefix: env.ToMap(w.Environ)["SLACK_COMMAND_PREFIX"]}
	f.BoolVar(&o.Socket, "socket", false, "")
	f.StringVar(&o.URL, "url", "", "")
	f.BoolVar(&o.All, "all", false, "")
	f.StringVar(&o.Format, "format", "yaml", "")
	rest, err := words(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "slack" {
		return usageError{"name the platform: bot manifest slack --url https://your.host"}
	}
	text, warnings, err := slack.Manifest(o)
	if err != nil {
		return usageError{err.Error()}
	}
	for _, warning := range warnings {
		fmt.Fprintln(w.Err, "bot manifest: "+warning)
	}
	_, err = w.Out.Write(text)
	return err
}
