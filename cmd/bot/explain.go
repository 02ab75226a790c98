package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"

	"github.com/caarlos0/env/v11"

	"roomwarden/commands"
	"roomwarden/netease"
)

// explainCode prints what a status code of NetEase's means.
func explainCode(_ context.Context, args []string, w world) error {
	f := flag.NewFlagSet("explain", flag.ContinueOnError)
	lang := f.String("lang", env.ToMap(w.Environ)["DEFAULT_LANGUAGE"], "")
	rest, err := words(f, args)
	if err != nil {
		return err
	}
	l, err := language(*lang)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usageError{"give one code, such as: bot explain 13002"}
	}
	code, err := strconv.Atoi(rest[0])
	if err != nil {
		return usageError{fmt.Sprintf("%q is not a number: give a code, such as 13002", rest[0])}
	}
	_, err = fmt.Fprintln(w.Out, commands.Explanation(l, netease.Explain(netease.Code(code), "")))
	return err
}
