// Package journal says what was asked of the bot, by whom, and how it ended; and it is how work survives the process that
// accepted it.
//
// # The life of an entry
//
// One request is one [Entry]: a line typed, a button pressed; carried out, refused or failed. What the bot notes of itself, such
// as a new policy file, is one too. Entries have numbers, 1 and up, that people use to speak of them: #41. Numbers ascend in the
// order in which entries become visible; some may be missing; none is given twice.
//
//	              Finish                   Answered
//	Begin → Running → ended, answer Pending → Delivered or Undelivered: closed → sealed
//	                   ↑                    ↓
//	                   └─ Finish ─ Unknown or Done, with More to come
//
// [Store.Begin] writes the request down before it is judged, before anything is sent to NetEase, and before the person is
// promised anything. Once it has returned without an error, the entry survives a crash of the process and of the
// machine; the caller acts only then.
//
// [Store.Finish] writes how it ended: the outcome, who allowed it, NetEase's code, the answer as given (Answer, for a repeat; Text, for
// people), and how long it took. An outcome that is Unknown may get More: the bot goes on looking, and finishes it again with what it
// has found. So may one that is Done, where the bot has yet to end what it began: the entry stays open until then. Where the answer is given before Finish, one call closes the entry (Given).
//
// [Store.Answered] writes what became of the answer. An entry that has ended, with no more to come and its answer given or given
// up, is closed: it does not change any more, except that Deliveries counts on. Closing forgets Resume and ReplyTo.
//
// Begin, Finish and Answered decide by themselves what they write: all other fields of their arguments are ignored.
//
// # Keys
//
// A key names one delivery of one request, as the platform numbers them ("slack:<trigger id>"). Platforms
// deliver again what they think was lost, so the key is what makes a request happen once: of all calls of Begin
// with one key, at the same time or years apart, in whatever process, exactly one is Fresh, and only that caller acts.
// The others get the entry as it stands, whatever else they say: its answer when it has ended, Running when
// it has not. The journal tells keys apart byte by byte. An entry without a key is an error.
//
// # Outcomes
//
//	Running   begun; nothing is known of its end
//	Done      NetEase obeyed; or did not say so, and what was asked for is seen to be so; or a read was answered
//	NoChange  it already was so; nothing changed
//	Refused   the bot said no; nothing was sent
//	Failed    NetEase said no, or was never reached: nothing happened, for certain
//	Unknown   it may have happened: no answer came, and looking did not settle it
//
// Whoever reads Refused or Failed may rely on it that nothing happened. When that is not certain, the outcome is
// Unknown.
//
// # Owners
//
// A store belongs to one process, which has a name of its own, new with each start. It begins entries in its own hand, and shows twice a second
// that it lives. An entry that is not closed and whose owner is dead is handed to the next live process that asks ([Store.Take]): one that was
// closed properly is dead at once, one that fell silent after three seconds, measured by the observer's own clock. A process that was found
// dead and lives on gets a new name; nothing it had in hand is its own any more.
//
// Three things keep two processes from doing one entry's work at once:
//
//   - Finish and Answered name the [Hand] that the entry is in, number and owner. When it has been taken over since, they change nothing ([ErrNotMine]).
//   - [Store.Hold] gives work a context that ends when its process learns that it was found dead.
//   - [Store.Ready] is asked before every call of NetEase: who has not got a sign of life through for a second must not make it.
//
// One of the live processes leads ([Store.Leads]); when it dies, another does within five seconds.
//
// # Turns
//
// Writes on one [Target] run one at a time, in the order of their numbers. Numbers become visible in their order, so a write that sees no
// running write before it on its target ([Begun].Before) has its turn.
//
// # The chain
//
// Closed entries are sealed, each with a hash over itself and the hash before it. Seals are 1, 2, 3, without a gap, in an order
// of their own: an entry is sealed when it is closed, not when it was begun. Whoever has kept the newest [Link] (its seal and hash) can tell later that nothing up to it
// was changed, added or left out ([Verify]). Pruning takes links from the beginning of the chain only, and keeps the last one taken.
//
// # Errors
//
// An error means that nothing was written, or that it is not known whether it was. So after an error of Begin the
// request must not be carried out; after an error of Finish it may be called again: [ErrNotRunning] then says that it had worked.
// After Close every method returns an error, except Close.
//
// # Secrets
//
// ReplyTo and Resume are returned by Begin and Take alone, to the process that has the entry in hand. Get, List and Links leave them empty.
//
// # Times
//
// Times and durations are kept to the microsecond, the rest is cut off. Times come back in UTC, whatever zone they
// had. A zero time stays zero.
package journal
