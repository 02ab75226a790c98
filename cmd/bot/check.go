package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"roomwarden/permissions"
)

// partTime bounds what the check of one part may take; they are checked side by side.
const partTime = 12 * time.Second

// A verdict is what a finding amounts to.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictWarning verdict = "warning" // the bot works, but perhaps not as meant
	verdictBroken  verdict = "broken"  // something does not work
)

// A finding is one thing that was looked at.
type finding struct {
	Part    string  `json:"part"` // "settings", "policy", "journal", "slack", "address", "discord", "netease"
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
	Fix     string  `json:"fix,omitempty"` // what to do; always there unless all is well
}

// A report collects findings.
type report []finding

func (r *report) ok(part, format string, a ...any) {
	*r = append(*r, finding{part, verdictOK, fmt.Sprintf(format, a...), ""})
}

func (r *report) warn(part, fix, format string, a ...any) {
	*r = append(*r, finding{part, verdictWarning, fmt.Sprintf(format, a...), fix})
}

func (r *report) broken(part, fix, format string, a ...any) {
	*r = append(*r, finding{part, verdictBroken, fmt.Sprintf(format, a...), fix})
}

// A doctor looks at everything the bot needs and changes nothing.
type doctor struct {
	address string // where Slack reaches the bot, "https://host"; empty: it is not looked at
	set     settings
	policy  *permissions.Policy // nil: there is none
	wrong   []problem
}

// sound tells whether nothing is wrong with any of these settings. What is not sound is not used: no secret goes to an address that was refused.
func (d *doctor) sound(r *report, part string, names ...string) bool {
	for _, p := range d.wrong {
		if slices.Contains(names, p.setting) {
			r.warn(part, "Mend "+p.setting+" first.", "not looked at, because of %s", p.setting)
			return false
		}
	}
	return true
}

// check looks whether settings, files and services are in order, and says how to mend what is not. It changes nothing.
func check(ctx context.Context, args []string, w world) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "")
	at := flags.String("url", "", "")
	rest, err := words(flags, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	address, err := publicAddress(flags, *at, w.Environ)
	if err != nil {
		return err
	}
	findings := examine(ctx, w.Environ, address)
	write := writeFindings
	if *asJSON {
		write = writeFindingsJSON
	}
	if err := write(w.Out, findings); err != nil {
		return err
	}
	if n := broken(findings); n > 0 {
		return fmt.Errorf("broken: %d of %d findings", n, len(findings))
	}
	return nil
}

// examine looks at the settings first, and then at all that they name, side by side.
func examine(ctx context.Context, environ []string, address string) report {
	d := &doctor{address: address}
	all := d.settings(environ)
	parts := []func(context.Context) report{d.journal, d.slack, d.reached, d.discord, d.netease}
	reports := make([]report, len(parts))
	var running sync.WaitGroup
	for i, look := range parts {
		running.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, partTime)
			defer cancel()
			reports[i] = look(ctx)
		})
	}
	running.Wait()
	return append(all, slices.Concat(reports...)...)
}

func broken(findings report) int {
	n := 0
	for _, f := range findings {
		if f.Verdict == verdictBroken {
			n++
		}
	}
	return n
}

func writeFindings(w io.Writer, findings report) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", f.Verdict, f.Part, visible(f.Text)); err != nil {
			return err
		}
		if f.Fix != "" {
			if _, err := fmt.Fprintf(w, "         → %s\n", visible(f.Fix)); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFindingsJSON writes one object: whether nothing is broken, and the findings.
func writeFindingsJSON(w io.Writer, findings report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		OK       bool   `json:"ok"`
		Findings report `json:"findings"`
	}{broken(findings) == 0, findings})
}
