package permissions

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRooms(t *testing.T) {
	assert.Equal(t, []int64{123, 456, lobby}, mustParse(t, shifts).Rooms(), "from lists and from names, each once, in order")
	assert.Empty(t, (*Policy)(nil).Rooms())
}

// TestAskWhereNobodyMayEverywhere: then those who may anywhere are named, whatever room was asked for.
func TestAskWhereNobodyMayEverywhere(t *testing.T) {
	policy := mustParse(t, `
moderators:
  - {name: Zhang San, slack: [T0123/U0456], commands: [mute], rooms: [123]}
  - {name: Wang Wu, slack: [T0123/U0789], commands: [mute, unmute], rooms: [456]}
`)
	for _, room := range []int64{0, 123, 456, 789} {
		_, err := policy.Allow(lisi, "mute", room)
		var denied *Denied
		require.ErrorAs(t, err, &denied)
		assert.Equal(t, []string{"Zhang San", "Wang Wu"}, denied.Ask)
	}
}

// TestOnReload: each new version is told once, good or bad.
func TestOnReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "permissions.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write(shifts)
	f, err := Open(path, vocabulary())
	require.NoError(t, err)
	var told []bool
	f.OnReload = func(problem error) { told = append(told, problem == nil) }
	log := slog.New(slog.DiscardHandler)
	f.look(log)
	assert.Empty(t, told, "nothing is new")
	write("nonsense: 1\n")
	f.look(log)
	f.look(log)
	write(shifts + "  arena: 456\n")
	f.look(log)
	f.look(log)
	assert.Equal(t, []bool{false, true}, told)
}
