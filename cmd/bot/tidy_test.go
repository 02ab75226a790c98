package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/journal"
)

// beginClosed writes n entries that are done and answered, begun at a time.
func beginClosed(t *testing.T, store journal.Store, at time.Time, n int) {
	t.Helper()
	for range n {
		begun, err := store.Begin(t.Context(), journal.Entry{Key: fmt.Sprintf("slack:%d", time.Now().UnixNano()), At: at, Platform: "slack", Command: "mute", Line: "mute 123 lisi 5m"})
		require.NoError(t, err)
		require.NoError(t, store.Finish(t.Context(), begun.Hand(), journal.Result{Outcome: journal.Done}))
		require.NoError(t, store.Answered(t.Context(), begun.Hand(), journal.Delivered))
		time.Sleep(time.Nanosecond) // of the bubble's clock, for the next key
	}
}

// keepTidy starts a tidier that ends with the test.
func keepTidy(t *testing.T, tidy *tidier) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tidy.run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func newest(t *testing.T, store journal.Store, command string) journal.Entry {
	t.Helper()
	list, err := store.List(t.Context(), journal.Query{Commands: []string{command}})
	require.NoError(t, err)
	require.NotEmpty(t, list)
	return list[0]
}

func headOf(t *testing.T, store journal.Store) int64 {
	t.Helper()
	head, _, err := journal.Verify(t.Context(), store, journal.Link{})
	require.NoError(t, err)
	return head.Seal
}

// The leader seals all that is closed, however much it is; the other process leaves that to it, and takes over when it has died.
func TestTidySeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &journal.Memory{}
		first, second := memory.Open(), memory.Open()
		beginClosed(t, first, time.Now(), 2*sealBatch+7)
		stopSecond := keepTidy(t, &tidier{Store: second, Log: slog.New(slog.DiscardHandler)})
		defer stopSecond()
		time.Sleep(time.Hour)
		assert.Zero(t, headOf(t, first), "the second does not lead")

		stopFirst := keepTidy(t, &tidier{Store: first, Log: slog.New(slog.DiscardHandler)})
		synctest.Wait()
		assert.EqualValues(t, 2*sealBatch+7, headOf(t, first), "at once")
		beginClosed(t, second, time.Now(), 1)
		time.Sleep(tidyInterval)
		synctest.Wait()
		assert.EqualValues(t, 2*sealBatch+8, headOf(t, first))

		stopFirst()
		first.Kill()
		beginClosed(t, second, time.Now(), 1)
		time.Sleep(tidyInterval)
		synctest.Wait()
		assert.EqualValues(t, 2*sealBatch+9, headOf(t, second))
	})
}

// What is older than HISTORY_KEEP goes, at the end of the day; that is noted, once, and what stays can be verified.
func TestTidyPrunes(t *testing.T) {
	for _, row := range []struct {
		name     string
		keep     time.Duration
		language commands.Language
		left     int
		text     string
	}{
		{"for ever", 0, "", 6, ""},
		{"31 days", 31 * 24 * time.Hour, "", 2, "Entries begun before 1999-12-22 were pruned: 4, up to seal 4."},
		{"31 days, in Chinese", 31 * 24 * time.Hour, commands.Chinese, 2, "已清除 1999-12-22 之前的操作记录，共 4 条，截至封存序号 4。"},
		{"nothing is so old", 1000 * 24 * time.Hour, "", 6, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := (&journal.Memory{}).Open()
				time.Sleep(21*24*time.Hour + time.Hour) // the bubble begins at the beginning of 2000: now it is the 22nd of January, 1 o'clock
				now := time.Now().UTC()
				beginClosed(t, store, now.AddDate(0, 0, -40), 3)
				beginClosed(t, store, now.AddDate(0, 0, -31).Add(-2*time.Hour), 1)
				beginClosed(t, store, now.AddDate(0, 0, -31), 1) // older than 31 days in a moment, and of the day that is kept
				beginClosed(t, store, now, 1)
				defer keepTidy(t, &tidier{Store: store, Keep: row.keep, Language: row.language, Log: slog.New(slog.DiscardHandler)})()
				time.Sleep(3 * pruneInterval)
				synctest.Wait()

				kept, err := store.List(t.Context(), journal.Query{Commands: []string{"mute"}})
				require.NoError(t, err)
				assert.Len(t, kept, row.left)
				notes, err := store.List(t.Context(), journal.Query{Commands: []string{"prune"}})
				require.NoError(t, err)
				if row.text == "" {
					assert.Empty(t, notes)
				} else {
					require.Len(t, notes, 1, "once")
					assert.Equal(t, journal.Done, notes[0].Outcome)
					assert.Equal(t, journal.Delivered, notes[0].Delivery)
					assert.Equal(t, "bot", notes[0].Platform)
					assert.Equal(t, "prune before=1999-12-22", notes[0].Line)
					assert.Equal(t, row.text, notes[0].Text)
					assert.EqualValues(t, 7, notes[0].Seal, "sealed as all others")
				}
				headOf(t, store) // holds
			})
		})
	}
}

// While pruning does not work one entry says that it is under way, however often it is tried; then it tells the end.
func TestTidyPruneFails(t *testing.T) {
	for _, row := range []struct {
		name    string
		mended  bool
		outcome journal.Outcome
		text    string
	}{
		{"and then it works", true, journal.Done, "Entries begun before 1999-12-01 were pruned: 1, up to seal 1."},
		{"until the process ends", false, journal.Unknown, "Entries begun before 1999-12-01 were pruned: 0. It did not come to its end: this process stopped; the one that leads goes on"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := (&journal.Memory{}).Open()
				var mended atomic.Bool
				store.Fail = func(_ context.Context, method string) error {
					if method == "Tidy" && !mended.Load() {
						return errors.New("the disk is full")
					}
					return nil
				}
				beginClosed(t, store, time.Now().AddDate(0, 0, -40), 1)
				stop := keepTidy(t, &tidier{Store: store, Keep: 31 * 24 * time.Hour, Log: slog.New(slog.DiscardHandler)})
				time.Sleep(time.Hour)
				synctest.Wait()
				assert.Equal(t, journal.Running, newest(t, store, "prune").Outcome)
				mended.Store(row.mended)
				time.Sleep(tidyInterval)
				synctest.Wait()
				stop()
				list, err := store.List(context.WithoutCancel(t.Context()), journal.Query{Commands: []string{"prune"}})
				require.NoError(t, err)
				require.Len(t, list, 1)
				assert.Equal(t, row.outcome, list[0].Outcome)
				assert.Equal(t, row.text, list[0].Text)
				assert.Equal(t, journal.Delivered, list[0].Delivery)
			})
		})
	}
}

// Nothing is pruned that could not be noted first.
func TestTidyNotesBeforePruning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := (&journal.Memory{}).Open()
		beginClosed(t, store, time.Now().AddDate(0, 0, -40), 1)
		broken := errors.New("the disk is full")
		store.Fail = func(_ context.Context, method string) error {
			if method == "Begin" {
				return broken
			}
			return nil
		}
		tidy := &tidier{Store: store, Keep: 31 * 24 * time.Hour, Log: slog.New(slog.DiscardHandler)}
		require.ErrorIs(t, tidy.round(t.Context()), broken)
		_, err := store.Get(t.Context(), 1)
		assert.NoError(t, err)
	})
}

// Every process notes its reloads, whether it leads or not, and whatever step does not work at first.
func TestReloads(t *testing.T) {
	for _, failing := range []string{"", "Begin", "Finish", "Answered"} {
		t.Run("without "+failing, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := &journal.Memory{}
				memory.Open() // leads
				store, wrong := memory.Open(), 2
				store.Fail = func(_ context.Context, method string) error {
					if method == failing && wrong > 0 {
						wrong--
						return errors.New("gone")
					}
					return nil
				}
				var log bytes.Buffer
				tidy := &tidier{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
				stop := keepTidy(t, tidy)
				tidy.reloaded(nil)
				tidy.reloaded(errors.New("policy file permissions.yaml:\nline 2: nam is no key\nline 3: x"))
				time.Sleep(4 * tidyInterval)
				stop()

				list, err := store.List(context.WithoutCancel(t.Context()), journal.Query{})
				require.NoError(t, err)
				require.Len(t, list, 2)
				for i, want := range []struct {
					outcome journal.Outcome
					text    string
				}{
					{journal.Failed, "A new policy file is not in force: policy file permissions.yaml: line 2: nam is no key"},
					{journal.Done, "A new policy file is in force."},
				} {
					assert.Equal(t, want.outcome, list[i].Outcome)
					assert.Equal(t, want.text, list[i].Text)
					assert.Equal(t, "bot reload "+string(journal.Delivered), list[i].Platform+" "+list[i].Command+" "+string(list[i].Delivery))
				}
				told := 0
				if failing != "" {
					told = 1
				}
				assert.Equal(t, told, strings.Count(log.String(), "level=ERROR"), "told once: %s", &log)
				assert.Equal(t, told, strings.Count(log.String(), "tidied again"))
			})
		})
	}
}

// A reload just before the end is written all the same.
func TestReloadAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := (&journal.Memory{}).Open()
		tidy := &tidier{Store: store, Log: slog.New(slog.DiscardHandler)}
		stop := keepTidy(t, tidy)
		synctest.Wait()
		tidy.reloaded(nil)
		stop()
		assert.Equal(t, journal.Done, newest(t, store, "reload").Outcome)
	})
}

// Notes that wait for a store that is gone are bounded.
func TestReloadsAreBounded(t *testing.T) {
	var log bytes.Buffer
	tidy := &tidier{Store: (&journal.Memory{}).Open(), Log: slog.New(slog.NewTextHandler(&log, nil))}
	for range mostNotes + 3 {
		tidy.reloaded(errors.New(strings.Repeat("x", 10_000)))
	}
	assert.Len(t, tidy.notes, mostNotes)
	assert.Less(t, len(tidy.notes[0].Text), 400)
	assert.Equal(t, 3, strings.Count(log.String(), "too many notes wait"))
}
