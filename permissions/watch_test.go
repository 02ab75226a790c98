package permissions

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainLog writes lines without their time.
func plainLog(to *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	broken, missing := filepath.Join(dir, "broken.yaml"), filepath.Join(dir, "missing.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("moderators:\nroom:\n"), 0o600))
	for _, test := range []struct{ name, path, want string }{
		{"no file", missing, "read policy file: open " + missing + ": no such file or directory"},
		{"a directory", dir, "read policy file: read " + dir + ": is a directory"},
		{"mistakes", broken, "policy file " + broken + ":\n" +
			"line 1: moderators is empty: without one, nobody may do anything\n" +
			`line 2: a policy file has no key "room"; did you mean rooms?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			file, err := Open(test.path, vocabulary())
			assert.Nil(t, file)
			assert.EqualError(t, err, test.want)
		})
	}

	t.Run("a good file", func(t *testing.T) {
		file, err := Open("testdata/policy.yaml", vocabulary())
		require.NoError(t, err)
		assert.Equal(t, []string{"lobby"}, file.Policy().RoomNames())
		assert.NoError(t, file.Problem())
	})
}

// One file lives through everything that can happen to it, one look at a time.
func TestLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	write := func(content string) func() {
		return func() { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	}
	replace := func(content string) func() { // as editors do
		return func() {
			require.NoError(t, os.WriteFile(path+".new", []byte(content), 0o600))
			require.NoError(t, os.Rename(path+".new", path))
		}
	}
	remove := func() { require.NoError(t, os.Remove(path)) }
	nothing := func() {}

	one := strings.Replace(entryWith(), "console: [zhangsan]", "slack: [T0123/U0456]", 1)
	two := one + strings.Replace(strings.TrimPrefix(one, "moderators:\n"), "Zhang San", "Night", 1) + "rooms: {lobby: 1}\n"
	played := entryWith() // its console: [zhangsan] is for the demo

	const inForce = `level=INFO msg="policy file in force" path=PATH `
	const notInForce = `level=ERROR msg="policy file not in force, the rules stay as they were" `
	const emptyProblem = "policy file PATH:\nthe file is empty; it must say who the moderators are"
	const goneProblem = "read policy file: open PATH: no such file or directory"
	const emptyLog = notInForce + `problem="policy file PATH:\nthe file is empty; it must say who the moderators are"` + "\n"

	write(one)()
	file, err := Open(path, vocabulary())
	require.NoError(t, err)
	var log bytes.Buffer
	for _, step := range []struct {
		name     string
		happens  func()
		noAccID  []string // the moderators in force
		problem  string
		logLines string
	}{
		{"nothing changed", nothing, []string{"Zhang San"}, "", ""},
		{"a new version", write(two), []string{"Zhang San", "Night"}, "",
			inForce + "moderators=2 moderators_before=1 room_names=1 room_names_before=0\n"},
		{"a broken one", write(""), []string{"Zhang San", "Night"}, emptyProblem, emptyLog},
		{"still broken: told once", nothing, []string{"Zhang San", "Night"}, emptyProblem, ""},
		{"broken in another way", write("# soon\n"), []string{"Zhang San", "Night"}, emptyProblem, emptyLog},
		{"the file is gone", remove, []string{"Zhang San", "Night"}, goneProblem, notInForce + `problem="` + goneProblem + "\"\n"},
		{"still gone: told once", nothing, []string{"Zhang San", "Night"}, goneProblem, ""},
		{"the broken one is back", write("# soon\n"), []string{"Zhang San", "Night"}, emptyProblem, emptyLog},
		{"as it was", replace(two), []string{"Zhang San", "Night"}, "",
			inForce + "moderators=2 moderators_before=2 room_names=1 room_names_before=1\n"},
		{"gone again", remove, []string{"Zhang San", "Night"}, goneProblem, notInForce + `problem="` + goneProblem + "\"\n"},
		{"back unchanged: no problem any more", write(two), []string{"Zhang San", "Night"}, "",
			inForce + "moderators=2 moderators_before=2 room_names=1 room_names_before=1\n"},
		{"another file in its place, with a warning", replace(played), []string{"Zhang San"}, "",
			inForce + "moderators=1 moderators_before=2 room_names=0 room_names_before=1\n" +
				`level=WARN msg="policy file" warning="line 2: moderator \"Zhang San\" lets nobody in: console has the names of the terminal demo, and is all it has; list people under slack or discord"` + "\n"},
	} {
		log.Reset()
		step.happens()
		file.look(plainLog(&log))

		assert.Equal(t, step.noAccID, file.Policy().NoAccID(), step.name)
		problem := ""
		if err := file.Problem(); err != nil {
			problem = strings.ReplaceAll(err.Error(), path, "PATH")
		}
		assert.Equal(t, step.problem, problem, step.name)
		assert.Equal(t, step.logLines, strings.ReplaceAll(log.String(), path, "PATH"), step.name)
	}
}

func TestAVersionTooLargeToReadIsAProblem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte(entryWith()), 0o600))
	file, err := Open(path, vocabulary())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append([]byte(entryWith()), bytes.Repeat([]byte("#"), 2*maxFile)...), 0o600))
	file.look(slog.New(slog.DiscardHandler))
	assert.EqualError(t, file.Problem(), "policy file "+path+":\nthe file is larger than 1 MiB, too large for a policy")
	assert.Len(t, file.now.Load().seen, maxFile+1)
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		require.NoError(t, os.WriteFile(path, []byte(entryWith()), 0o600))
		file, err := Open(path, vocabulary())
		require.NoError(t, err)

		ctx, cancel := context.WithCancel(t.Context())
		ended := false
		go func() {
			file.Watch(ctx, 2*time.Second, slog.New(slog.DiscardHandler))
			ended = true
		}()
		asking := make(chan struct{}) // others ask all the while
		go func() {
			defer close(asking)
			for ctx.Err() == nil {
				_, _ = file.Policy().Allow(zhangsanAtConsole, "mute", 123)
				_ = file.Problem()
				time.Sleep(300 * time.Millisecond)
			}
		}()

		require.NoError(t, os.WriteFile(path, []byte(entryWith()+"rooms: {lobby: 1}\n"), 0o600))
		time.Sleep(1900 * time.Millisecond)
		synctest.Wait()
		assert.Empty(t, file.Policy().RoomNames(), "it is not time yet")
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, []string{"lobby"}, file.Policy().RoomNames())

		require.NoError(t, os.WriteFile(path, []byte("moderators: []"), 0o600))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"lobby"}, file.Policy().RoomNames())
		assert.Error(t, file.Problem())

		cancel()
		<-asking
		synctest.Wait()
		assert.True(t, ended, "it ends with its context")
	})
}
