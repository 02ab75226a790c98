package journal

import (
	"context"
	"errors"
	"time"
)

// An Outcome is how a request ended.
type Outcome string

const (
	Running  Outcome = "running"  // begun; its end is not written (yet)
	Done     Outcome = "done"     // NetEase obeyed, or a read was answered
	NoChange Outcome = "nochange" // it already was so
	Refused  Outcome = "refused"  // the bot said no; nothing was sent
	Failed   Outcome = "failed"   // NetEase said no, or was never reached: nothing happened, for certain
	Unknown  Outcome = "unknown"  // no answer came, and looking did not settle it
)

// An Entry is one request and how it ended. The fields above Outcome are what Begin writes, the others
// what Finish adds.
type Entry struct {
	Number    int64 // given by Begin, 1 and up: #41
	Key       string
	RequestID string // NetEase's RequestId for the effect of this entry
	At        time.Time

	Platform string // "slack", "discord", "console"
	Space    string // workspace or guild id
	Channel  string // channel id
	Person   string // the person's id as the policy file writes it: "T0123/U0456"
	Name     string // the person's name on the platform; for people only

	Line    string // as typed, without control characters
	Command string // "mute"
	Room    int64  // 0: none, or a room name that leads nowhere
	Target  string // account id, or empty
	Reason  string

	Outcome    Outcome
	Moderator  string        // name of the policy entry that allowed it; empty when refused
	Code       int           // NetEase's code, 0 when there was none
	Answer     []byte        // the first answer, to be given again; opaque to the journal
	Text       string        // the same as plain text, for those who read the journal
	Until      time.Time     // when the effect ends by itself; zero when it does not
	Duration   time.Duration // from Begin to Finish
	Deliveries int           // how often this key was begun: 1 and up
}

// A Result is the end of an entry: what Finish writes.
type Result struct {
	Outcome   Outcome
	Moderator string
	Code      int
	Answer    []byte
	Text      string
	Until     time.Time
	Duration  time.Duration
}

// A Query selects entries. Zero fields select everything.
type Query struct {
	Room     int64
	Rooms    []int64 // when not nil: only entries of these rooms
	Target   string
	By       string // the person's id, or, without regard to case, their name or the moderator's
	Commands []string
	Outcomes []Outcome
	Since    time.Time // entries begun at or after
	Before   int64     // entries with a smaller number
	Limit    int       // 0: 100
}

// A Store keeps the journal. All methods may be called by many goroutines at once. An error means that
// nothing was written, or that it is not known whether it was.
type Store interface {
	// Begin writes e down and returns it with its Number, as Running. When e.Key is known already it
	// writes only that the key came once more (Deliveries), and returns the entry as it stands and fresh = false.
	// What Begin has returned without an error survives a crash of the process and of the machine.
	Begin(ctx context.Context, e Entry) (entry Entry, fresh bool, err error)

	// Finish writes the end of a running entry. ErrNotRunning when there is no such entry, or it has ended.
	Finish(ctx context.Context, number int64, r Result) error

	// List returns the entries q selects, newest first.
	List(ctx context.Context, q Query) ([]Entry, error)

	// Check reports whether the journal can be written now, by writing.
	Check(ctx context.Context) error

	// Close ends the use of the store.
	Close() error
}

// ErrNotRunning is Finish's answer for an entry that is not there or has ended already.
var ErrNotRunning = errors.New("journal: entry is not running")
