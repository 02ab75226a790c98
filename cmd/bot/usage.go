package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"roomwarden/commands"
)

// A usageError is a command line or a setting that cannot be used: what is wrong and what to do.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func isUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}

// words reads the flags of a subcommand, before, between and after its other words, and returns those.
func words(f *flag.FlagSet, args []string) ([]string, error) {
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			return nil, usageError{fmt.Sprintf("%v. Usage: bot %s %s", err, f.Name(), flagsOf(f))}
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, f.Arg(0)), f.Args()[1:]
	}
}

func flagsOf(f *flag.FlagSet) string {
	var names []string
	f.VisitAll(func(x *flag.Flag) { names = append(names, "[--"+x.Name+"]") })
	return strings.Join(names, " ")
}

// none refuses words that a subcommand has no use for.
func none(rest []string) error {
	if len(rest) > 0 {
		return usageError{fmt.Sprintf("%q is one word too many", rest[0])}
	}
	return nil
}

// language is a language by its name, English for none.
func language(name string) (commands.Language, error) {
	switch l := commands.Language(name); l {
	case commands.English, commands.Chinese:
		return l, nil
	case "":
		return commands.English, nil
	}
	return "", usageError{fmt.Sprintf("%q is not a language: en or zh-CN", name)}
}
