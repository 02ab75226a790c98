package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"roomwarden/permissions"
)

// checkBudget bounds the whole check.
const checkBudget = time.Minute

// A verdict is what a finding amounts to.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictWarning verdict = "warning" // the bot works, but perhaps not as meant
	verdictBroken  verdict = "broken"  // something does not work
)

// A finding is one thing that was looked at.
type finding struct {
	Part    string  `json:"part"` // "settings", "policy", "journal", "slack", "discord", "netease"
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
	Fix     string  `json:"fix,omitempty"` // what to do
}

// A doctor looks at everything the bot needs, from the inside out, and changes nothing.
type doctor struct {
	set      settings
	policy   *permissions.Policy // nil: there is none
	findings []finding
}

func (d *doctor) ok(part, format string, a ...any) {
	d.findings = append(d.findings, finding{part, verdictOK, fmt.Sprintf(format, a...), ""})
}

func (d *doctor) warn(part, fix, format string, a ...any) {
	d.findings = append(d.findings, finding{part, verdictWarning, fmt.Sprintf(format, a...), fix})
}

func (d *doctor) broken(part, fix, format string, a ...any) {
	d.findings = append(d.findings, finding{part, verdictBroken, fmt.Sprintf(format, a...), fix})
}

// check looks whether settings, files and services are in order, and says how to mend what is not. It changes nothing.
func check(ctx context.Context, args []string, w world) error {
	f := flag.NewFlagSet("check", flag.ContinueOnError)
	asJSON := f.Bool("json", false, "")
	rest, err := words(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkBudget)
	defer cancel()
	d := &doctor{}
	d.settings(w.Environ)
	d.journal(ctx)
	d.slack(ctx)
	d.discord(ctx)
	d.netease(ctx)

	broken := 0
	for _, f := range d.findings {
		if f.Verdict == verdictBroken {
			broken++
		}
	}
	print := printFindings
	if *asJSON {
		print = printFindingsJSON
	}
	if err := print(w.Out, d.findings); err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%d of %d findings are broken", broken, len(d.findings))
	}
	return nil
}

func printFindings(w io.Writer, findings []finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", f.Verdict, f.Part, visible(f.Text)); err != nil {
			return err
		}
		if f.Fix != "" {
			if _, err := fmt.Fprintf(w, "         → %s\n", f.Fix); err != nil {
				return err
			}
		}
	}
	return nil
}

// printFindingsJSON prints one object: whether all is in order, and the findings.
func printFindingsJSON(w io.Writer, findings []finding) error {
	all := true
	for _, f := range findings {
		all = all && f.Verdict != verdictBroken
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		OK       bool      `json:"ok"`
		Findings []finding `json:"findings"`
	}{all, findings})
}
