package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord"
	"roomwarden/adapters/slack"
	"roomwarden/commands"
	"roomwarden/permissions"
)

// readPage is a file of the repository.
func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

// tableBelow is the rows of the first table below a heading of docs/operating.md: their cells, trimmed.
func tableBelow(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, below, found := strings.Cut(readPage(t, "docs/operating.md"), "\n## "+heading+"\n")
	require.True(t, found, heading)
	for line := range strings.Lines(below) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	require.Greater(t, len(rows), 2, heading)
	return rows[2:]
}

// A variable is what a row of the table of settings says, besides what the variable means.
type variable struct {
	Default string
	File    bool // may be given as NAME_FILE
}

// variables are those of the settings struct.
func variables() map[string]variable {
	all := map[string]variable{}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		all[field.Tag.Get("env")] = variable{field.Tag.Get("envDefault"), field.Tag.Get("file") != ""}
	}
	return all
}

func TestDocsSettings(t *testing.T) {
	documented := map[string]variable{}
	name, quoted := regexp.MustCompile("`([A-Z][A-Z0-9_]*)`( †)?"), regexp.MustCompile("^`([^`]*)`$")
	for _, row := range tableBelow(t, "Settings") {
		var v variable
		if m := quoted.FindStringSubmatch(row[2]); m != nil {
			v.Default = m[1]
		}
		assert.NotEmpty(t, row[1], row[0])
		for _, m := range name.FindAllStringSubmatch(row[0], -1) {
			assert.NotContains(t, documented, m[1])
			documented[m[1]] = variable{v.Default, m[2] != ""}
		}
	}
	assert.Equal(t, variables(), documented)
}

func TestDeploySettings(t *testing.T) {
	known := variables()
	for file, pattern := range map[string]string{
		"deploy/env.example":        `(?m)^#?([A-Z][A-Z0-9_]*)=`,
		"deploy/roomwarden.service": `(?m)^#?Environment=([A-Z][A-Z0-9_]*)=`,
		"deploy/Dockerfile":         `([A-Z][A-Z0-9_]*)=(?:sqlite:)?/`,
		"deploy/README.md":          `(?m)^ +-e ([A-Z][A-Z0-9_]*)=`,
	} {
		names := regexp.MustCompile(pattern).FindAllStringSubmatch(readPage(t, file), -1)
		assert.NotEmpty(t, names, file)
		for _, m := range names {
			name, asFile := strings.CutSuffix(m[1], "_FILE")
			v, ok := known[name]
			if asFile && !v.File { // PERMISSIONS_FILE
				v, ok = known[m[1]]
			}
			assert.True(t, ok, "%s sets %s, which nobody reads", file, m[1])
		}
	}
}

// A metric is what a row of the table of metrics says.
type metric struct {
	Labels    []string
	Histogram bool
}

func documentedMetrics(t *testing.T) map[string]metric {
	word := regexp.MustCompile("`([a-z_]+)`")
	all := map[string]metric{}
	for _, row := range tableBelow(t, "Metrics") {
		var m metric
		for _, label := range word.FindAllStringSubmatch(row[1], -1) {
			m.Labels = append(m.Labels, label[1])
		}
		slices.Sort(m.Labels)
		m.Histogram = strings.HasPrefix(row[2], "histogram:")
		all[strings.Trim(row[0], "`")] = m
	}
	return all
}

// What GET /metrics has of our own is what the table says, labels included.
func TestDocsMetrics(t *testing.T) {
	m := newMetrics([]permissions.Platform{permissions.Slack})
	m.parts([]string{"journal"}, func(string) float64 { return 1 })
	m.slackSocket(func() slack.SocketStatus { return slack.SocketStatus{} })
	m.discordGateway(func() discord.GatewayStatus { return discord.GatewayStatus{} })
	descriptions := make(chan *prometheus.Desc)
	go func() {
		defer close(descriptions)
		m.registry.Describe(descriptions)
	}()
	parts := regexp.MustCompile(`fqName: "(roomwarden_\w+)".*constLabels: \{(.*)\}, variableLabels: \{(.*)\}`)
	label := regexp.MustCompile(`([a-z_]+)(?:="[^"]*")?`)
	served := map[string][]string{}
	for d := range descriptions {
		found := parts.FindStringSubmatch(d.String())
		if found == nil {
			continue // Go's and the process's
		}
		served[found[1]] = nil
		for _, l := range label.FindAllStringSubmatch(found[2]+","+found[3], -1) {
			served[found[1]] = append(served[found[1]], l[1])
		}
		slices.Sort(served[found[1]])
	}
	documented := map[string][]string{}
	for name, m := range documentedMetrics(t) {
		documented[name] = m.Labels
	}
	assert.Equal(t, served, documented)
}

var (
	exprText     = regexp.MustCompile(`"[^"]*"`)
	exprMatchers = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	exprGrouping = regexp.MustCompile(`\b(?:by|on|group_left) \(([^)]*)\)`)
	exprSpan     = regexp.MustCompile(`\[[^\]]*\]|\b[0-9][0-9.]*[smhd]?\b`)
	exprName     = regexp.MustCompile(`\b([a-z_]+)\b(\()?`)
)

// checkExpr finds metrics and labels in a PromQL expression that the table of metrics does not have. It reads the small part of
// the language that our files use.
func checkExpr(t *testing.T, known map[string]metric, where, expr string) {
	t.Helper()
	labels := []string{"le", "instance", "job"}
	metricOf := func(name string) (m metric, ok bool) {
		if m, ok = known[name]; ok {
			return m, !m.Histogram
		}
		base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		m = known[base]
		return m, m.Histogram
	}
	expr = exprText.ReplaceAllString(expr, "")
	for _, m := range exprMatchers.FindAllStringSubmatch(expr, -1) {
		of, _ := metricOf(m[1])
		for _, label := range regexp.MustCompile(`[a-z_]+`).FindAllString(m[2], -1) {
			assert.Contains(t, of.Labels, label, "%s: %s", where, m[1])
		}
	}
	bare := exprGrouping.ReplaceAllString(exprMatchers.ReplaceAllString(expr, "$1"), "")
	named := 0
	for _, m := range exprName.FindAllStringSubmatch(exprSpan.ReplaceAllString(bare, ""), -1) {
		if m[2] != "" || slices.Contains([]string{"unless", "or", "and", "offset", "sum", "min"}, m[1]) {
			continue
		}
		named++
		if strings.HasPrefix(m[1], "go_") || strings.HasPrefix(m[1], "process_") {
			continue
		}
		of, ok := metricOf(m[1])
		assert.True(t, ok, "%s: %s is not in the table of metrics, or is a histogram without _bucket", where, m[1])
		labels = append(labels, of.Labels...)
	}
	assert.Positive(t, named, "%s: no metric in %s", where, expr)
	for _, m := range exprGrouping.FindAllStringSubmatch(expr, -1) {
		for _, label := range regexp.MustCompile(`[a-z_]+`).FindAllString(m[1], -1) {
			assert.Contains(t, labels, label, "%s: no metric of %s has it", where, expr)
		}
	}
}

func TestCheckExpr(t *testing.T) {
	known := map[string]metric{"a_total": {Labels: []string{"code"}}, "b_seconds": {Labels: []string{"platform"}, Histogram: true}}
	for _, row := range []struct {
		expr string
		ok   bool
	}{
		{`sum by (code) (increase(a_total{code=~"4.."}[15m])) > 2`, true},
		{`histogram_quantile(0.99, sum by (platform, le) (rate(b_seconds_bucket[5m]))) > 2.5`, true},
		{`(a_total{code="1"} unless a_total offset 15m) or increase(a_total[15m])`, true},
		{`go_goroutines * on (instance, job) group_left () a_total`, true},
		{`a_totl > 0`, false},
		{`a_total{cod="1"}`, false},
		{`sum by (cod) (a_total)`, false},
		{`rate(b_seconds[5m])`, false},
		{`rate(a_total_bucket[5m])`, false},
		{`rate([5m])`, false},
	} {
		quiet := &testing.T{}
		checkExpr(quiet, known, "a test", row.expr)
		assert.Equal(t, row.ok, !quiet.Failed(), row.expr)
	}
}

func TestDashboard(t *testing.T) {
	type source struct{ Type, UID string }
	var dashboard struct {
		Title      string
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
		Panels []struct {
			ID         int
			Title      string
			Datasource source
			Targets    []struct {
				Datasource         source
				Expr, LegendFormat string
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(readPage(t, "docs/grafana.json")), &dashboard))
	assert.Equal(t, "Roomwarden", dashboard.Title)
	assert.Equal(t, []struct{ Name, Type, Query string }{{"datasource", "datasource", "prometheus"}}, dashboard.Templating.List)
	known := documentedMetrics(t)
	chosen := source{"prometheus", "${datasource}"}
	for i, p := range dashboard.Panels {
		assert.Equal(t, i+1, p.ID, p.Title)
		assert.Equal(t, chosen, p.Datasource, p.Title)
		assert.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			assert.Equal(t, chosen, target.Datasource, p.Title)
			checkExpr(t, known, p.Title, target.Expr)
			for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				assert.Regexp(t, `by \([^)]*\b`+m[1]+`\b`, target.Expr, p.Title)
			}
		}
	}
}

// An alert is a rule of docs/alerts.yaml.
type alert struct{ name, expr, severity, summary, description, action string }

// readAlerts reads the plain part of YAML that the file keeps to, and finds whatever else is in it.
func readAlerts(t *testing.T) (all []alert) {
	t.Helper()
	shape := regexp.MustCompile(`^(?:groups:|  - name: \w+|    rules:|      - (alert): (\w+)|        (expr|for): ([a-z0-9(][^#"]*(?:"[^"#]*"[^#"]*)*)|        (?:labels|annotations):|          (\w+): (\w+|".*"))$`)
	for line := range strings.Lines(readPage(t, "docs/alerts.yaml")) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := shape.FindStringSubmatch(line)
		require.NotNil(t, m, "not as the other lines: %s", line)
		key, value := m[1]+m[3]+m[5], m[2]+m[4]+m[6]
		if strings.HasPrefix(value, `"`) { // YAML's double quotes understand what JSON's do
			require.NoError(t, json.Unmarshal([]byte(value), &value), line)
		}
		assert.False(t, m[3] != "" && strings.Contains(value, ": "), "YAML would read a key: %s", line)
		if key == "alert" {
			all = append(all, alert{name: value})
			continue
		}
		if key == "" || key == "for" {
			continue
		}
		require.NotEmpty(t, all, line)
		field, ok := map[string]*string{
			"expr": &all[len(all)-1].expr, "severity": &all[len(all)-1].severity, "summary": &all[len(all)-1].summary,
			"description": &all[len(all)-1].description, "action": &all[len(all)-1].action,
		}[key]
		require.True(t, ok, "unknown key: %s", line)
		require.Empty(t, *field, "twice: %s", line)
		*field = value
	}
	return all
}

func TestAlerts(t *testing.T) {
	known := documentedMetrics(t)
	var written [][2]string
	for _, a := range readAlerts(t) {
		written = append(written, [2]string{a.name, a.severity})
		assert.Contains(t, []string{"page", "ticket"}, a.severity, a.name)
		for _, sentence := range []string{a.summary, a.description, a.action} {
			assert.NotEmpty(t, sentence, a.name)
			for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(sentence, -1) {
				assert.Regexp(t, `by \([^)]*\b`+m[1]+`\b`, a.expr, a.name)
			}
		}
		checkExpr(t, known, a.name, a.expr)
	}
	var documented [][2]string
	for _, row := range tableBelow(t, "Alerts") {
		documented = append(documented, [2]string{row[0], row[1]})
	}
	assert.Equal(t, written, documented)
}

// pages are the documents people read, by name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*.md"} {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pattern)))
		require.NoError(t, err)
		for _, file := range files {
			name := strings.TrimPrefix(filepath.ToSlash(file), "../../")
			all[name] = readPage(t, name)
		}
	}
	require.Greater(t, len(all), 5)
	return all
}

var fenced = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$")

func TestDocsLinks(t *testing.T) {
	all := pages(t)
	link, heading := regexp.MustCompile(`\]\(([^)\s]+)\)`), regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchors := map[string][]string{}
	for page, text := range all {
		for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			anchors[page] = append(anchors[page], anchor(m[1]))
		}
	}
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.HasPrefix(m[1], "https://") {
				continue
			}
			file, at, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(filepath.FromSlash(page)), filepath.FromSlash(file)))
			}
			_, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(target)))
			assert.NoError(t, err, "%s links to %s", page, m[1])
			if at != "" {
				assert.Contains(t, anchors[target], at, "%s links to %s", page, m[1])
			}
		}
	}
}

// anchor is what a heading is linked by.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// Every policy file that the documents show is one that the bot takes.
func TestDocsPolicies(t *testing.T) {
	shown := 0
	for page, text := range pages(t) {
		for _, m := range fenced.FindAllStringSubmatch(text, -1) {
			if m[1] != "yaml" || !strings.HasPrefix(strings.TrimSpace(m[2]), "moderators:") {
				continue
			}
			shown++
			_, err := permissions.Parse([]byte(m[2]), commands.Vocabulary())
			assert.NoError(t, err, page)
		}
	}
	assert.Positive(t, shown)
}
