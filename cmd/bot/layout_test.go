package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// arrows is who may know whom, tests aside. Only cmd/bot sees everybody.
var arrows = map[string][]string{
	"adapters/adaptertest":         {"commands"},
	"adapters/console":             {"commands", "permissions"},
	"adapters/discord":             {"commands", "permissions"},
	"adapters/discord/discordtest": {},
	"adapters/slack":               {"commands", "permissions"},
	"adapters/slack/slacktest":     {},
	"commands":                     {"journal", "netease", "permissions"},
	"journal":                      {},
	"journal/journaltest":          {"journal"},
	"journal/sqlstore":             {"journal"},
	"netease":                      {},
	"netease/sandbox":              {"netease"},
	"permissions":                  {},
}

// doors are the rooms in which a module of others may be named.
var doors = map[string][]string{
	"github.com/slack-go/slack":           {"adapters/slack"},
	"github.com/gorilla/websocket":        {"adapters/slack", "adapters/slack/slacktest", "adapters/discord", "adapters/discord/discordtest"},
	"github.com/bwmarrin/discordgo":       {"adapters/discord"},
	"github.com/ergochat/readline":        {"adapters/console"},
	"modernc.org/sqlite":                  {"journal/sqlstore"},
	"github.com/prometheus/client_golang": {"cmd/bot"},
	"database/sql":                        {"journal/sqlstore"},
	"github.com/caarlos0/env/v11":         {"cmd/bot"},
	"go.yaml.in/yaml/v4":                  {"permissions", "adapters/slack", "cmd/bot"},
	"github.com/jackc/pgx/v5":             {"journal/sqlstore", "journal/journaltest"},
	"pgregory.net/rapid":                  {"journal/journaltest", "journal"},
}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		relative, err := filepath.Rel(root, file)
		require.NoError(t, err)
		room := path.Dir(filepath.ToSlash(relative))
		seen[room] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			for module, rooms := range doors {
				if name == module || strings.HasPrefix(name, module+"/") {
					assert.Contains(t, rooms, room, "%s imports %s", relative, name)
				}
			}
			ours, ok := strings.CutPrefix(name, "roomwarden/")
			if !ok || room == "cmd/bot" || strings.HasSuffix(file, "_test.go") {
				continue
			}
			assert.True(t, slices.Contains(arrows[room], ours), "%s imports %s", relative, name)
		}
		return nil
	}))
	for room := range arrows {
		assert.True(t, seen[room], "%s is in the table and not in the house", room)
	}
	for room := range seen {
		_, listed := arrows[room]
		assert.True(t, listed || room == "cmd/bot", "%s is in the house and not in the table", room)
	}
}
