// Package journal says what was asked of the bot, by whom, and how it ended.
//
// # Entries
//
// One request is one [Entry]: a line typed, a button pressed; carried out, refused or failed. A [Store] gives it
// a number, 1 and up, that people use to speak of it: #41. Numbers ascend in the order in which entries are
// written. Some may be missing; none is given twice.
//
// # What is written when
//
// [Store.Begin] writes the request down before it is judged, before anything is sent to NetEase, and before the
// person is promised anything: when (At), who asked (Platform to Name), what (Line to Reason), and the RequestID
// under which NetEase hears of it. Once Begin has returned without an error, the entry survives a crash of the process
// and of the machine; the caller acts only then. The entry is [Running].
//
// [Store.Finish] writes into the same entry how it ended, once: the outcome, who allowed it, NetEase's code, the
// answer as given (Answer, for a repeat; Text, for people), and how long it took. An entry that has ended does
// not change any more, except that Deliveries counts on.
//
// Begin decides by itself what it writes: Number, Outcome and all fields below it are ignored in its argument.
//
// # Keys
//
// A key names one delivery of one request, as the platform numbers them ("slack:<trigger id>"). Platforms
// deliver again what they think was lost, so the key is what makes a request happen once: of all calls of Begin
// with one key, at the same time or years apart, exactly one returns fresh = true, and only that caller acts.
// The others get the entry as it stands, whatever else they say: its first answer when it has ended, Running when
// it has not. The journal tells keys apart byte by byte. An entry without a key is an error.
//
// # Outcomes
//
//	Running   begun; nothing is known of its end
//	Done      NetEase obeyed, or a read was answered
//	NoChange  it already was so; nothing changed
//	Refused   the bot said no; nothing was sent
//	Failed    NetEase said no, or was never reached: nothing happened, for certain
//	Unknown   it may have happened: no answer came, and looking did not settle it
//
// Whoever reads Refused or Failed may rely on it that nothing happened. When that is not certain, the outcome is
// Unknown.
//
// # After a crash
//
// A process that dies between Begin and Finish leaves an entry in Running. It may have been sent to NetEase or
// not: the journal cannot tell. Nobody takes such an entry up: it stays Running, is listed so, and its key never
// runs again. The journal does not tell it from an entry that is being worked on either, except by its age (At).
//
// # Errors
//
// An error means that nothing was written, or that it is not known whether it was. So after an error of Begin the
// request must not be carried out, even though an entry in Running may turn up; after an error of Finish the entry
// may be Running or ended, and Finish may be called again: [ErrNotRunning] then says that it had worked.
// After Close every method returns an error, except Close.
//
// # Times
//
// Times and durations are kept to the microsecond, the rest is cut off. Times come back in UTC, whatever zone they
// had. A zero time stays zero.
//
// # Who deletes
//
// Nobody. Entries are kept for ever.
package journal
