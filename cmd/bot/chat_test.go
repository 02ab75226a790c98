package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// What the conversations of all platforms are played and read with.

var update = flag.Bool("update", false, "write what the bot says into testdata")

// unseen are characters written as U+202E.
var unseen = regexp.MustCompile(`U\+[0-9A-F]{4,5}`)

// playScript plays a conversation, to the first line that something else follows than the file says. act plays a line, and returns what follows.
func playScript(t *testing.T, file, script string, act func(line, want string) string) {
	lines := strings.Split(strings.TrimRight(script, "\n"), "\n")
	played, n := "", 0
	if *update {
		defer func() { // also of half a conversation
			rest := append([]string{strings.TrimSuffix(played, "\n")}, lines[n:]...)
			require.NoError(t, os.WriteFile(file, []byte(strings.Join(rest, "\n")+"\n"), 0o600))
		}()
	}
	for n < len(lines) {
		line, at, want := lines[n], n+1, ""
		end := at
		for ; end < len(lines) && strings.HasPrefix(lines[end], " "); end++ {
			want += lines[end] + "\n"
		}
		got := ""
		if line != "" && !strings.HasPrefix(line, "# ") {
			got = act(unseen.ReplaceAllStringFunc(line, func(code string) string {
				r, err := strconv.ParseInt(code[2:], 16, 32)
				require.NoError(t, err)
				return string(rune(r))
			}), want)
		}
		if got != want && !*update {
			t.Fatalf("%s:%d: %s\nwant\n%s\ngot\n%s", file, at, line, want, got)
		}
		played += line + "\n" + got
		n = end
	}
}

var policyLine = regexp.MustCompile(`(?m)^policy: (.*)$`)

// policyOf is a policy file with the policy lines of a script in it.
func policyOf(t *testing.T, rules, script string) string {
	for _, m := range policyLine.FindAllStringSubmatch(script, -1) {
		rules += m[1] + "\n"
	}
	file := filepath.Join(t.TempDir(), "permissions.yaml")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o600))
	return file
}

// addChatRooms makes the rooms of the conversations, and whom they know.
func addChatRooms(t testing.TB, nim *sandbox.Sandbox) {
	for _, id := range []netease.RoomID{123, 1600849147} {
		nim.AddRoom(sandbox.Room{ID: id, Name: fmt.Sprint("Room ", id), Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: []netease.AccID{"lisi", "sunqi"}})
	}
	require.NoError(t, nim.Enter(123, "lisi"))
	for i := range 12 {
		nim.AddAccounts(netease.AccID(fmt.Sprintf("guest%02d", i)))
	}
}

// filledIn reads "Room=123, Reason=spam, again".
func filledIn(said string) map[string]string {
	values, label := map[string]string{}, ""
	for _, piece := range strings.Split(said, ", ") {
		if name, value, ok := strings.Cut(piece, "="); ok {
			label, values[name] = name, value
		} else {
			values[label] += ", " + piece
		}
	}
	return values
}

// settled tells whether all outcomes are in the journal, which may be after their answers were read; people are slower than that.
func (p *program) settled(t testing.TB) bool {
	var out strings.Builder
	status := run(t.Context(), []string{"history", "--json", "--outcome", "running"}, world{Environ: p.env, Out: &out, Err: &out})
	require.Equal(t, exitOK, status, &out)
	return !strings.Contains(out.String(), `"number"`)
}

// restarted ends the program, and starts it again with the same journal.
func (p *program) restarted(t testing.TB) *program {
	require.Equal(t, exitOK, p.end())
	return p.beside(t)
}

// beside starts the program with the same journal.
func (p *program) beside(t testing.TB) *program {
	next := &program{nim: p.nim, env: p.env, policy: p.policy, log: newWatched(), status: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	next.stop = cancel
	go func() {
		next.status <- run(ctx, []string{"serve"}, world{Environ: next.env, Out: io.Discard, Err: next.log})
	}()
	t.Cleanup(func() {
		cancel()
		<-next.status
	})
	next.url = "http://" + next.log.find(t, `msg=listening .*addr=(\S+)`)
	return next
}

// changesAsked is what NetEase was asked to change, a line each. Times are in whole minutes, because the clock runs.
func changesAsked(calls []sandbox.Call) (lines string) {
	for _, call := range calls {
		if call.Op == netease.OpQueryMembers || call.Op == netease.OpGet {
			continue
		}
		words := ""
		for _, name := range []string{"roomid", "operator", "target", "muteDuration", "mute", "delayClosePolicy", "delaySeconds"} {
			value := call.Form.Get(name)
			if seconds, err := strconv.Atoi(value); err == nil && seconds > 60 && name != "roomid" {
				value = fmt.Sprint((seconds + 59) / 60 * 60)
			}
			if value != "" {
				words += " " + name + "=" + value
			}
		}
		lines += fmt.Sprintf("  netease: %s%s → %d\n", call.Op, words, call.Code)
	}
	return lines
}

var (
	lengths = regexp.MustCompile(`(\d+(h|小时))?\d+(m|分钟?)\d+(s|秒)`) // of which seconds are left
	units   = strings.NewReplacer("小时", "h", "分钟", "m", "分", "m", "秒", "s")
)

// inMinutes is a text with the lengths in it that seconds are left of rounded up to minutes.
func inMinutes(t testing.TB, text string) string {
	return lengths.ReplaceAllStringFunc(text, func(length string) string {
		d, err := time.ParseDuration(units.Replace(length))
		require.NoError(t, err, length)
		minutes := strings.TrimSuffix((d + time.Minute - 1).Truncate(time.Minute).String(), "0s")
		if strings.Contains(length, "分") {
			return strings.NewReplacer("h", "小时", "m", "分钟").Replace(minutes)
		}
		return minutes
	})
}

// seenAs is a text with characters that cannot be seen written as U+202E.
func seenAs(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) || r == '\n' || r == 0 {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "%U", r)
		}
	}
	return out.String()
}
