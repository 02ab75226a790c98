package commands

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReference: docs/commands.md and docs/codes.md are what the tables say.
func TestReference(t *testing.T) {
	for file, want := range map[string]string{"../docs/commands.md": Reference(), "../docs/codes.md": CodeReference()} {
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		}
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		compareLines(t, file, want, string(got))
	}
}

var places = regexp.MustCompile(`\{[a-z]+\}`)

// TestTexts reads every Text in the source of this package: both languages are there, the Chinese one is Chinese, and they have
// the same places.
func TestTexts(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok || len(literal.Elts) != 2 {
				return true
			}
			name, named := literal.Type.(*ast.Ident)
			english, chinese := text(literal.Elts[0]), text(literal.Elts[1])
			if literal.Type != nil && !(named && name.Name == "Text") || english == "" || chinese == "" {
				return true
			}
			found++
			en, zh := places.FindAllString(english, -1), places.FindAllString(chinese, -1)
			slices.Sort(en)
			slices.Sort(zh)
			assert.Equal(t, slices.Compact(en), slices.Compact(zh), "%s: %s", file, english)
			bare := places.ReplaceAllString(chinese, "")
			if strings.ContainsFunc(bare, unicode.IsLetter) || strings.ContainsFunc(places.ReplaceAllString(english, ""), unicode.IsLetter) {
				assert.True(t, strings.ContainsFunc(bare, func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s: %s", file, chinese)
			}
			return true
		})
	}
	assert.Greater(t, found, 100)
}

func text(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(literal.Value)
	return s
}

func TestSay(t *testing.T) {
	at := time.Date(2026, 11, 3, 14, 5, 0, 600e6, time.UTC)
	tests := []struct {
		name   string
		text   string
		values values
		want   Prose
	}{
		{"plain", "Done.", nil, Prose{{Text: "Done."}}},
		{"an id", "{target} is muted.", values{"target": id("lisi")}, Prose{{Code: "lisi"}, {Text: " is muted."}}},
		{"a moment, to the second", "until {at}", values{"at": at}, Prose{{Text: "until "}, {Time: at.Round(time.Second)}}},
		{"a length", "for {for}", values{"for": 90 * time.Second}, Prose{{Text: "for "}, {Text: "1m30s"}}},
		{"prose in prose", "{a}{b}", values{"a": Prose{{Code: "x"}}, "b": 7}, Prose{{Code: "x"}, {Text: "7"}}},
		{"braces from outside are no places", "{desc}", values{"desc": "{secret}", "secret": "x"}, Prose{{Text: "{secret}"}}},
		{"control characters from outside", "{desc}", values{"desc": "a\x1b[31m\nb\u202ec\u200b"}, Prose{{Text: "a[31m bc"}}},
		{"a place that nobody fills stays visible", "{nobody}", nil, Prose{{Text: "{nobody}"}}},
		{"ids", "{missing}", values{"missing": []id{"room", "target"}}, Prose{{Code: "room"}, {Text: ", "}, {Code: "target"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, say(English, Text{tt.text, tt.text}, tt.values))
		})
	}
	assert.Equal(t, "1分钟30秒 后", say(Chinese, Text{Chinese: "{for} 后"}, values{"for": 90 * time.Second}).String())
}

func TestNearest(t *testing.T) {
	words := []string{"mute", "unmute", "muteroom", "help", "idle"}
	for typed, want := range map[string]string{"mtue": "mute", "mut": "mute", "unmut": "unmute", "muterom": "muteroom", "hlep": "help", "idel": "idle", "ban": "", "": "", "x": "", "delete": ""} {
		assert.Equal(t, want, nearest(typed, words), typed)
	}
}

// TestReadme: the conversation of the README is one that is tested.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	script, err := os.ReadFile("testdata/readme.txt")
	require.NoError(t, err)
	_, played, _ := strings.Cut(string(script), "\n") // without the remark
	assert.Contains(t, string(readme), "```\n"+played+"```")
}
