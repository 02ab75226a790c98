package sqlstore

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// Whatever is changed in a sealed row is found, also what is only there so that the row can be found.
func TestWhatIsAlteredIsFound(t *testing.T) {
	changes := []string{
		"key = 'slack:9'", "request_id = 'x'", "at_us = at_us + 1", "platform = 'x'", "space = 'x'", "channel = 'x'", "person = 'x'", "name = 'x'", "line = 'x'",
		"effect = 'x'", "command = 'x'", "room = 124", "target = 'x'", "reason = 'x'", "write = NOT write", "outcome = 'failed'", "moderator = 'x'", "code = 500",
		"answer = NULL", "text = 'x'", "until_us = 1", "reply_by_us = 1", "duration_us = 1", "delivery = 'undelivered'", "owner = 'x'", "attempts = 2", "seal = 9", "number = 9",
		"name_lower = 'x'", "moderator_lower = 'x'", "open = TRUE", "more = TRUE", "resume = 'x'", "reply_to = 'x'",
	}
	onEach(t, func(t *testing.T, address string) {
		s := openAt(t, address)
		for _, key := range []string{"slack:1", "slack:2", "slack:3"} {
			closed(t, s, key)
		}
		_, err := s.Seal(t.Context())
		require.NoError(t, err)
		for _, change := range changes {
			say(t, address, "CREATE TABLE kept AS SELECT * FROM entries WHERE number = 2")
			say(t, address, "UPDATE entries SET "+change+" WHERE number = 2")
			_, _, err := journal.Verify(t.Context(), s, journal.Link{})
			var broken *journal.BrokenError
			assert.ErrorAs(t, err, &broken, change)
			say(t, address, "DELETE FROM entries WHERE key = (SELECT key FROM kept) OR number = 9 OR key = 'slack:9'")
			say(t, address, "INSERT INTO entries SELECT * FROM kept")
			say(t, address, "DROP TABLE kept")
			head, _, err := journal.Verify(t.Context(), s, journal.Link{})
			require.NoError(t, err, change)
			require.Equal(t, int64(3), head.Seal)
		}
		say(t, address, "UPDATE entries SET deliveries = 2 WHERE number = 2")
		_, _, err = journal.Verify(t.Context(), s, journal.Link{})
		assert.NoError(t, err, "deliveries count on")
	})
}
