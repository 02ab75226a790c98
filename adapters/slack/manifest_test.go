package slack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"roomwarden/commands"
)

func TestManifestGolden(t *testing.T) {
	for name, o := range map[string]ManifestOptions{
		"manifest.yaml":        {URL: "https://bot.example.com"},
		"manifest-socket.yaml": {Socket: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := Manifest(o)
			require.NoError(t, err)
			file := filepath.Join("testdata", name)
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

func TestManifestCommands(t *testing.T) {
	const (
		muteLeftOut = "/mute is left out: Slack seems to keep this name for itself, and refuses a whole manifest for one such name. " +
			"/nim mute does the same. To have it all the same: --all; under another name: SLACK_COMMAND_PREFIX, such as nim-."
		at = "https://bot.example.com/slack/commands"
	)
	for _, test := range []struct {
		name     string
		in       ManifestOptions
		commands []string
		url      string
		warnings []string
	}{
		{"the usual", ManifestOptions{URL: "https://bot.example.com"},
			[]string{"/nim", "/unmute", "/muteroom", "/unmuteroom", "/delayclose"}, at, []string{muteLeftOut}},
		{"a slash at the end, a port", ManifestOptions{URL: "https://bot.example.com:8443/"},
			[]string{"/nim", "/unmute", "/muteroom", "/unmuteroom", "/delayclose"}, "https://bot.example.com:8443/slack/commands", []string{muteLeftOut}},
		{"Slack's own names, too", ManifestOptions{URL: "https://bot.example.com", All: true},
			[]string{"/nim", "/mute", "/unmute", "/muteroom", "/unmuteroom", "/delayclose"}, at, nil},
		{"a prefix makes names free", ManifestOptions{URL: "https://bot.example.com", Prefix: "nim-"},
			[]string{"/nim", "/nim-mute", "/nim-unmute", "/nim-muteroom", "/nim-unmuteroom", "/nim-delayclose"}, at, nil},
		{"spaces around a prefix", ManifestOptions{URL: "https://bot.example.com", Prefix: " nim-\n"},
			[]string{"/nim", "/nim-mute", "/nim-unmute", "/nim-muteroom", "/nim-unmuteroom", "/nim-delayclose"}, at, nil},
		{"Socket Mode", ManifestOptions{Socket: true},
			[]string{"/nim", "/unmute", "/muteroom", "/unmuteroom", "/delayclose"}, "", []string{muteLeftOut}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.Format = "json"
			text, warnings, err := Manifest(test.in)
			require.NoError(t, err)
			assert.Equal(t, test.warnings, warnings)
			var m manifest
			require.NoError(t, json.Unmarshal(text, &m))
			assert.True(t, m.Settings.Interactivity.Enabled)
			assert.Equal(t, strings.Replace(test.url, "/slack/commands", "/slack/interactions", 1), m.Settings.Interactivity.URL)
			assert.Equal(t, strings.Replace(test.url, "/slack/commands", "/slack/events", 1), m.Settings.Events.URL)
			var names []string
			for _, c := range m.Features.Commands {
				names = append(names, c.Command)
				assert.Equal(t, test.url, c.URL, c.Command)
				assert.True(t, c.ShouldEscape, c.Command)
			}
			assert.Equal(t, test.commands, names)
			assert.Equal(t, test.in.Socket, m.Settings.SocketMode)
			if test.in.Socket {
				assert.NotContains(t, string(text), "url")
				assert.NotContains(t, string(text), "http")
			}
		})
	}
}

// What the manifest makes Slack send is what the adapter reads.
func TestManifestCommandsReachTheirRows(t *testing.T) {
	for _, prefix := range []string{"", "nim-"} {
		o := ManifestOptions{All: true, Prefix: prefix}
		all, _ := o.commands("")
		var lines []string
		for _, c := range all {
			lines = append(lines, line(c.Command, prefix, "x"))
		}
		want := []string{"x"}
		for _, row := range commands.Table {
			if row.Write {
				want = append(want, row.Name+" x")
			}
		}
		assert.Equal(t, want, lines)
	}
}

// Each shortcut opens the form of a command, keeps Slack's limits, and can be told from the others.
func TestManifestShortcuts(t *testing.T) {
	seen, types := map[string]bool{}, map[string]int{}
	for _, s := range shortcuts {
		row, ok := commands.Form(strings.TrimSuffix(s.CallbackID, onMessage))
		assert.True(t, ok, s.CallbackID)
		assert.True(t, row.Write, s.CallbackID)
		assert.Equal(t, s.Type == "message", strings.HasSuffix(s.CallbackID, onMessage), s.CallbackID)
		assert.Contains(t, []string{"global", "message"}, s.Type)
		assert.False(t, seen[s.CallbackID] || seen[s.Name], s.CallbackID)
		seen[s.CallbackID], seen[s.Name] = true, true
		types[s.Type]++
		assert.LessOrEqual(t, utf8.RuneCountInString(s.Name), 24)
		assert.LessOrEqual(t, utf8.RuneCountInString(s.Description), 150)
	}
	assert.Equal(t, map[string]int{"global": 1, "message": 1}, types) // Slack allows 5 of each
}

// Every event that the manifest asks for is one that the adapter knows.
func TestManifestEvents(t *testing.T) {
	for _, kind := range append([]string{"message"}, botEvents...) {
		var log bytes.Buffer
		a := &Adapter{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		require.NoError(t, a.happened(fmt.Appendf(nil, `{"type":"event_callback","event_id":"Ev1","team_id":"T0123","event":{"type":%q,"user":"U0456","tab":"home"}}`, kind)))
		assert.Equal(t, kind == "message", strings.Contains(log.String(), "none of ours"), kind)
	}
}

func TestManifestMistakes(t *testing.T) {
	const notURL = "say where Slack reaches the bot: --url https://your.host, without a path; or --socket where it has no public address"
	const notPrefix = " cannot begin a command: use at most 16 of a-z, 0-9, _ and -"
	for _, test := range []struct {
		name string
		in   ManifestOptions
		want string
	}{
		{"nowhere", ManifestOptions{}, notURL},
		{"no https", ManifestOptions{URL: "http://bot.example.com"}, notURL},
		{"no host", ManifestOptions{URL: "https://"}, notURL},
		{"no host but a port", ManifestOptions{URL: "https://:8080"}, notURL},
		{"a host alone", ManifestOptions{URL: "bot.example.com"}, notURL},
		{"a path", ManifestOptions{URL: "https://bot.example.com/slack/commands"}, notURL},
		{"a query", ManifestOptions{URL: "https://bot.example.com?a=b"}, notURL},
		{"a fragment", ManifestOptions{URL: "https://bot.example.com#a"}, notURL},
		{"a password", ManifestOptions{URL: "https://zhangsan:secret@bot.example.com"}, notURL},
		{"no URL at all", ManifestOptions{URL: "https://bot example.com%zz"}, notURL},
		{"a URL in Socket Mode", ManifestOptions{Socket: true, URL: "https://bot.example.com"}, "an app in Socket Mode has no URL: leave one of them out"},
		{"another format", ManifestOptions{Socket: true, Format: "toml"}, `make the manifest: the format "toml" is not known: json or yaml`},
		{"a prefix in upper case", ManifestOptions{Socket: true, Prefix: "Nim-"}, `the prefix "Nim-"` + notPrefix},
		{"a prefix with a slash", ManifestOptions{Socket: true, Prefix: "/nim-"}, `the prefix "/nim-"` + notPrefix},
		{"a prefix of two lines", ManifestOptions{Socket: true, Prefix: "nim-\nx"}, `the prefix "nim-\nx"` + notPrefix},
		{"a prefix too long", ManifestOptions{Socket: true, Prefix: strings.Repeat("n", 17)}, `the prefix "nnnnnnnnnnnnnnnnn"` + notPrefix},
		{"a prefix like a command", ManifestOptions{Socket: true, Prefix: " unmuter "},
			`the prefix "unmuter" is how the command unmuteroom begins, so that the two could be mistaken: use another, such as nim-`},
		{"a prefix like a command that only reads", ManifestOptions{Socket: true, Prefix: "who"},
			`the prefix "who" is how the command whoami begins, so that the two could be mistaken: use another, such as nim-`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, warnings, err := Manifest(test.in)
			assert.EqualError(t, err, test.want)
			assert.Empty(t, text)
			assert.Empty(t, warnings)
		})
	}
	assert.EqualError(t, checkCommands([]slashCommand{{Command: "/nim"}, {Command: "/mute"}, {Command: "/nim"}}), "/nim would be a command twice")
	assert.EqualError(t, checkCommands([]slashCommand{{Command: "/nim"}, {Command: "/" + strings.Repeat("n", 32)}}),
		"/"+strings.Repeat("n", 32)+" cannot be a command in Slack: it takes a-z, 0-9, _ and -, at most 32 with the slash")
}

// Every manifest is valid to Slack's own schema, says the same in both formats, and says it in the same bytes again.
func TestManifestIsValid(t *testing.T) {
	schema := manifestSchema(t)
	for _, socket := range []bool{false, true} {
		for _, all := range []bool{false, true} {
			for _, prefix := range []string{"", "nim-", "room_warden_bot-"} {
				t.Run(fmt.Sprintf("socket=%t all=%t prefix=%s", socket, all, prefix), func(t *testing.T) {
					o := ManifestOptions{Socket: socket, All: all, Prefix: prefix, Format: "json"}
					if !socket {
						o.URL = "https://bot.example.com"
					}
					asJSON, _, err := Manifest(o)
					require.NoError(t, err)
					value := decoded(t, asJSON)
					assert.NoError(t, schema.Validate(value))

					o.Format = "yaml"
					asYAML, _, err := Manifest(o)
					require.NoError(t, err)
					assert.Equal(t, value, fromYAML(t, asYAML))
					again, _, err := Manifest(o)
					require.NoError(t, err)
					assert.Equal(t, string(asYAML), string(again))
				})
			}
		}
	}

	t.Run("the schema would notice", func(t *testing.T) {
		good, _, err := Manifest(ManifestOptions{Socket: true, Format: "json"})
		require.NoError(t, err)
		for _, change := range [][2]string{
			{`"is_enabled": true`, `"enabled": true`},
			{`"command": "/nim"`, `"command": "nim"`},
			{`"command": "/nim"`, `"command": "/` + strings.Repeat("n", 32) + `"`},
			{`"name": "Roomwarden"`, `"title": "Roomwarden"`},
			{`"name": "Mute a member…"`, `"name": "` + strings.Repeat("n", 25) + `"`},
			{`"type": "global"`, `"type": "everywhere"`},
			{`"home_tab_enabled": true`, `"home_tab": true`},
			{`"bot_events": [`, `"events": [`},
		} {
			bad := strings.Replace(string(good), change[0], change[1], 1)
			require.NotEqual(t, string(good), bad)
			assert.Error(t, schema.Validate(decoded(t, []byte(bad))), change[1])
		}
	})
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return value
}

func fromYAML(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	require.NoError(t, yaml.Load(text, &value))
	asJSON, err := json.Marshal(value)
	require.NoError(t, err)
	return decoded(t, asJSON)
}

// manifestSchema is Slack's: https://github.com/slackapi/manifest-schema.
func manifestSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := os.Getenv("SPECS_DIR")
	if dir == "" {
		t.Skip("SPECS_DIR is not set: no schema to check against")
	}
	text, err := os.ReadFile(filepath.Join(dir, "slack-manifest.schema.json"))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseRegexpEngine(func(pattern string) (jsonschema.Regexp, error) { // its patterns look ahead
		re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
		return ecmaScript{re}, err
	})
	require.NoError(t, c.AddResource("manifest.json", decoded(t, text)))
	schema, err := c.Compile("manifest.json")
	require.NoError(t, err)
	return schema
}

type ecmaScript struct{ *regexp2.Regexp }

func (e ecmaScript) MatchString(s string) bool {
	found, err := e.Regexp.MatchString(s)
	return found && err == nil
}
