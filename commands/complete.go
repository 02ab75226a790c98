package commands

import (
	"strings"

	"roomwarden/permissions"
)

// Complete is what the last word of a line may become: command names, and after one its argument names, choices and the
// room names that the person may know of. Each comes as the whole word.
func Complete(policy *permissions.Policy, who permissions.Subject, line string) []string {
	words := strings.Fields(line)
	last := ""
	if len(words) > 0 && !strings.HasSuffix(line, " ") {
		last = words[len(words)-1]
		words = words[:len(words)-1]
	}
	if len(words) > 0 && strings.TrimPrefix(words[0], "/") == root {
		words = words[1:]
	}
	if len(words) == 0 {
		slash := ""
		if strings.HasPrefix(last, "/") {
			slash = "/"
		}
		return startingWith(last, prefixed(slash, names(Table)))
	}
	row, ok := find(Table, strings.ToLower(strings.TrimPrefix(words[0], "/")))
	if !ok {
		return nil
	}
	var all []string
	for _, a := range row.Args {
		switch a.Kind {
		case Room:
			visible := visibleNames(policy, who, row.Right)
			all = append(all, visible...)
			all = append(all, prefixed(a.Name+"=", visible)...)
		case OneOf:
			all = append(all, a.Choices...)
			all = append(all, prefixed(a.Name+"=", a.Choices)...)
		case Topic:
			all = append(all, names(Table)...)
		case YesNo:
			all = append(all, prefixed(a.Name+"=", []string{"yes", "no"})...)
		}
		if a.Kind != Topic {
			all = append(all, a.Name+"=")
		}
	}
	return startingWith(last, all)
}

func prefixed(prefix string, words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = prefix + w
	}
	return out
}

func startingWith(start string, words []string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, start) {
			out = append(out, w)
		}
	}
	return out
}
