package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

func printVersion(_ context.Context, args []string, w world) error {
	if err := none(args); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w.Out, "roomwarden", version())
	return err
}

// moduleVersion is the version of the module alone, "(devel)" for a build that has none.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// version is what the Go tool knows of the build: the module's version, and the commit when it was built in a repository.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := moduleVersion()
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v + " " + info.GoVersion
}
