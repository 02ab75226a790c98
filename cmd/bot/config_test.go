package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

func TestHistoryKeep(t *testing.T) {
	good := []string{"NETEASE_APP_KEY=k", "NETEASE_APP_SECRET=s", "SLACK_BOT_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=abc"}
	for _, row := range []struct {
		value string
		want  time.Duration
		text  string // of the problem
	}{
		{"", 0, ""},
		{"400d", 400 * day, ""},
		{"400天", 400 * day, ""},
		{"52w", 364 * day, ""},
		{"31d", 31 * day, ""},
		{"30d23h", 0, "HISTORY_KEEP=30d23h is too short: a mute lasts up to 30 days, and what set it must not be forgotten before it ends. Set it to 31d or more, such as 400d, or unset it to keep the journal for ever."},
		{"400", 0, "HISTORY_KEEP=400 is too short: a mute lasts up to 30 days, and what set it must not be forgotten before it ends. Set it to 31d or more, such as 400d, or unset it to keep the journal for ever."},
		{"0", 0, "HISTORY_KEEP cannot be read. Set it to a number of days such as 400d, or unset it to keep the journal for ever."},
		{"-400d", 0, "HISTORY_KEEP cannot be read. Set it to a number of days such as 400d, or unset it to keep the journal for ever."},
		{"a year", 0, "HISTORY_KEEP cannot be read. Set it to a number of days such as 400d, or unset it to keep the journal for ever."},
		{"1000000d", 36500 * day, ""}, // lengths beyond every limit are read as a hundred years
	} {
		t.Run(row.value, func(t *testing.T) {
			set, problems := readSettings(append([]string{"HISTORY_KEEP=" + row.value}, good...))
			if row.text == "" {
				require.Empty(t, problems)
				assert.Equal(t, span(row.want), set.HistoryKeep)
				return
			}
			require.Len(t, problems, 1)
			assert.Equal(t, row.text, problems[0].String())
			assert.Equal(t, "HISTORY_KEEP", problems[0].setting)
		})
	}
}

// Both kinds of journal are understood, and a wrong address does not show its password.
func TestDatabaseURL(t *testing.T) {
	good := []string{"NETEASE_APP_KEY=k", "NETEASE_APP_SECRET=s", "SLACK_BOT_TOKEN=xoxb-1", "SLACK_SIGNING_SECRET=abc"}
	for _, row := range []struct {
		value string
		ok    bool
	}{
		{"sqlite:roomwarden.db", true},
		{"postgres://roomwarden:a-password@db.example:5432/roomwarden?sslmode=verify-full", true},
		{"postgresql://roomwarden@db.example/roomwarden", true},
		{"mysql://roomwarden:a-password@db.example/roomwarden", false},
		{"postgres://roomwarden:a-password@db.example:port/roomwarden", false},
		{"roomwarden.db", false},
	} {
		t.Run(row.value, func(t *testing.T) {
			_, problems := readSettings(append([]string{"DATABASE_URL=" + row.value}, good...))
			if row.ok {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.Regexp(t, "^DATABASE_URL: .*Set it to sqlite:PATH, or for several replicas to postgres://user@host/database.$", problems[0].String())
			assert.NotContains(t, problems[0].String(), "a-password")
		})
	}
}
