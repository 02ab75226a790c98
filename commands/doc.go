// Package commands is what may be asked, and what is answered: the table of commands, the grammar, the order of
// things, and every sentence people read. It knows journal, netease and permissions; platforms know it.
//
// # One command, end to end
//
// An adapter hands in a Request: who typed which line where, verified. Dispatcher.Handle owns the order and always ends in a Reply:
//
//	parse            the line, by the table alone; a mistake is answered with the way out, and written nowhere
//	journal.Begin    under the delivery's key: the same delivery again gets the first answer and runs nothing
//	permissions      refusal is the default
//	the turn         commands on one room and account run one at a time, in the order of their numbers
//	do               the command's own function: NetEase, and words for what came of it
//	journal.Finish   outcome, code, answer
//
// Commands that are open to everyone (help, whoami, explain) ask nobody and skip the journal.
//
// # Three outcomes
//
// Done, failed (nothing happened, for certain), and unknown. What NetEase's answer, or its silence, says about the change is
// netease.EffectOf; where that is not certain, settle looks at the room and says what it saw. Unknown is never called a failure.
//
// # The grammar
//
// A line is "command word…", after a slash or the root "nim" or neither. A word is name=value or a bare value, in any order. A choice (idle)
// and a length of time with a unit (5m) find their arguments by themselves; other bare words fill the required arguments in the row's
// order and must fit them. Text and flags go by name. What phones and Chinese keyboards make of letters, digits, spaces, quotes,
// dashes, commas, colons and equals signs is read as meant; a reason stays as typed. docs/commands.md is made from the same table.
//
// # To add a command
//
// A row in Table, a file with its do, a transcript in testdata. From the row come the grammar, help and usage, completion and the
// reference. Transcripts are the specification: conversations with the bot as a moderator would read them, played against the
// sandbox by TestTranscripts.
package commands
