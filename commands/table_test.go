package commands

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestChineseNames: commands and arguments have names in Chinese that platforms accept, and none has another's. Who types such a name for a command
// reads which one it is.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming
func TestChineseNames(t *testing.T) {
	name := regexp.MustCompile(`^[-_'\p{L}\p{N}]{1,32}$`)
	han := regexp.MustCompile(`\p{Han}`)
	commands := map[string]string{}
	for _, row := range Table {
		assert.Regexp(t, name, row.Chinese, row.Name)
		assert.Regexp(t, han, row.Chinese, row.Name)
		assert.Empty(t, commands[row.Chinese], "%s and another", row.Name)
		commands[row.Chinese] = row.Name
		assert.Equal(t, row.Name, meant(row.Chinese))
		arguments := map[string]string{}
		for _, a := range row.Args {
			assert.Regexp(t, name, a.Chinese, "%s %s", row.Name, a.Name)
			assert.Regexp(t, han, a.Chinese, "%s %s", row.Name, a.Name)
			assert.Empty(t, arguments[a.Chinese], "%s %s and another", row.Name, a.Name)
			arguments[a.Chinese] = a.Name
		}
	}
	for word, command := range spoken {
		assert.Empty(t, commands[word], "%s is in the table", word)
		_, ok := find(Table, command)
		assert.True(t, ok, command)
	}
}
