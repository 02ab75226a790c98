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

// A Delivery is what became of an answer.
type Delivery string

const (
	Pending     Delivery = "pending"     // not given yet
	Delivered   Delivery = "delivered"   // the platform has taken it
	Undelivered Delivery = "undelivered" // it could not be given; it waits here
)

// An Entry is one request and how it ended. The fields above Outcome are what Begin writes, the others
// what comes later.
type Entry struct {
	Number    int64 // given by Begin, 1 and up: #41
	Key       string
	RequestID string // NetEase's RequestId for the effect of this entry
	At        time.Time

	Platform string // "slack", "discord", "console"; "bot" for what the bot notes of itself
	Space    string // workspace or guild id
	Channel  string // channel id
	Person   string // the person's id as the policy file writes it: "T0123/U0456"
	Name     string // the person's name on the platform; for people only

	Line    string // as typed, without control characters
	Effect  string // the line as it was understood, every argument by name: lines that ask for the same have the same
	Command string // "mute"
	Room    int64  // 0: none, or a room name that leads nowhere
	Target  string // account id, or empty
	Reason  string
	Write   bool // it is to change something at Room and Target; runs alone there

	Resume  []byte    // what its asker's command needs to be taken up again; opaque to the journal, forgotten when the entry is closed
	ReplyTo string    // where a late answer can go: secret, forgotten when the entry is closed or ReplyBy is over
	ReplyBy time.Time // until when

	Outcome    Outcome
	Moderator  string        // name of the policy entry that allowed it; empty when refused
	Code       int           // NetEase's code, 0 when there was none
	Answer     []byte        // the answer, to be given again; opaque to the journal
	Text       string        // the same as plain text, for those who read the journal
	Until      time.Time     // when the effect ends by itself; zero when it does not
	Duration   time.Duration // from Begin to Finish
	Open       bool          // something remains to be done for it
	Delivery   Delivery      // of the answer
	Deliveries int           // how often this key was begun: 1 and up
	Owner      string        // the process that has it in hand, or had it last
	Attempts   int           // how many processes have had it: 1 and up
	Seal       int64         // its place in the chain, 1 and up; 0: not sealed yet
}

// A Hand is an entry as somebody's to finish: Owner had it in hand.
type Hand struct {
	Number int64
	Owner  string
}

// Hand is the entry in the hand of its owner, as Begin, Take or Get has shown it.
func (e Entry) Hand() Hand { return Hand{e.Number, e.Owner} }

// A Result is an end of an entry: what Finish writes.
type Result struct {
	Outcome   Outcome
	Moderator string
	Code      int
	Answer    []byte
	Text      string
	Until     time.Time
	Duration  time.Duration
	More      bool // of Unknown and Done only: another Finish will follow
	Given     bool // the answer is Delivered already, and the entry is closed at once; not with More
}

// A Target is what writes take turns on: an account in a room, or with no account the room itself.
type Target struct {
	Room    int64
	Account string
}

// A Begun is an entry as Begin has found or made it.
type Begun struct {
	Entry
	Fresh bool // made by this call: the caller acts
	// Before is the newest earlier write on the same target that has, or may have, had an effect: neither Refused nor Failed. nil: there is
	// none, or this entry is no write or not fresh.
	Before *Entry
}

// A Query selects entries. Zero fields select everything.
type Query struct {
	Room     int64
	Rooms    []int64 // when not nil: only entries of these rooms
	Target   string
	On       *Target // only writes on exactly this target
	By       string  // the person's id, or, without regard to case, their name or the moderator's
	Commands []string
	Outcomes []Outcome
	Since    time.Time // entries begun at or after
	Lasting  time.Time // entries whose effect ends by itself after this
	Text     string    // occurs in the line, the reason or the answer's text, without regard to the case of ASCII letters
	After    int64     // entries with a larger number
	Before   int64     // entries with a smaller number
	Limit    int       // 0: 100
}

// A Store keeps the journal for one process. All methods may be called by many goroutines at once. An error means that
// nothing was written, or that it is not known whether it was.
type Store interface {
	// Begin writes e down, in this process's hand and Running. When e.Key is known already it writes only that the key came once
	// more (Deliveries), and returns the entry as it stands, not Fresh. What Begin has returned without an error survives a crash of the
	// process and of the machine. After an error nobody runs the entry: should it have been written all the same, the store
	// ends it as Refused as soon as it can. ErrBusy: too many calls wait; nothing was written.
	Begin(ctx context.Context, e Entry) (Begun, error)

	// Finish writes an end of an entry that this process has, or had, in hand: of a Running one, or of one after whose end so far
	// there was More to come. The answer is then Pending, unless it was Given. ErrNotRunning when there is no such entry, or it has ended; ErrNotMine
	// when it has been taken over since, by another process or by this one under another name.
	Finish(ctx context.Context, h Hand, r Result) error

	// Answered writes what became of the answer of an entry that has ended, Delivered or Undelivered. When no more is to come that closes
	// the entry. ErrNotRunning when it is not there, Running or closed; ErrNotMine as for Finish.
	Answered(ctx context.Context, h Hand, d Delivery) error

	// Get returns one entry. ErrNotFound when there is none of that number.
	Get(ctx context.Context, number int64) (Entry, error)

	// List returns the entries q selects, newest first.
	List(ctx context.Context, q Query) ([]Entry, error)

	// Take hands open entries of dead processes over to this one, oldest first, at most 100, with Resume and ReplyTo. No two
	// processes get the same one.
	Take(ctx context.Context) ([]Entry, error)

	// Hold returns a context that ends with ctx, or when this process loses what it has in hand as owner: another one has found it dead.
	// That may be so from the start.
	Hold(ctx context.Context, owner string) (context.Context, context.CancelFunc)

	// Ready is nil when this process has shown that it lives within the last second, by its own clock. Nothing may be sent to
	// NetEase otherwise: another process may be about to take the work over.
	Ready() error

	// Leads reports whether this process is the one that does what only one may do.
	Leads() bool

	// Tidy forgets reply addresses that are over by now, and prunes entries begun before a time, if that is not zero, from the
	// beginning of the chain on: sealed ones, the oldest seals first, and none after one that is kept. For the leader.
	Tidy(ctx context.Context, now, before time.Time) (pruned int, err error)

	// Seal adds closed entries to the chain, at most 500, in the order of their numbers, and returns how many. For the leader.
	Seal(ctx context.Context) (sealed int, err error)

	// Root is the last link that was pruned, or the zero Link.
	Root(ctx context.Context) (Link, error)

	// Links returns sealed entries with larger seals than after, in the order of their seals, at most limit. One that is not kept as the store
	// keeps a sealed entry, in what its hash does not cover, comes with a zero hash.
	Links(ctx context.Context, after int64, limit int) ([]Link, error)

	// Check reports whether the journal can be written now, by writing.
	Check(ctx context.Context) error

	// Close ends the use of the store. What this process has in hand is free for others then.
	Close() error
}

var (
	// ErrNotRunning is the answer to the end of an entry that is not there or has ended already.
	ErrNotRunning = errors.New("journal: entry is not running")
	// ErrNotMine is the answer to the end of an entry that another process has taken over.
	ErrNotMine = errors.New("journal: entry is in another process's hand")
	// ErrNotFound is Get's answer for a number that no entry has.
	ErrNotFound = errors.New("journal: no such entry")
	// ErrBusy is the answer where too many calls wait already; nothing was written.
	ErrBusy = errors.New("journal: too many calls are waiting")
)
