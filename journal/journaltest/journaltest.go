// Package journaltest holds the promises of journal.Store as tests, which every store passes.
package journaltest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"roomwarden/journal"
)

// A Journal is one journal, empty at first, that several processes of a test have open.
type Journal interface {
	// Open opens it for one more process. The suite closes the store.
	Open(t testing.TB) journal.Store

	// Silence stops the signs of life of the process that s belongs to, and nothing else, as if it was killed or frozen. It returns
	// when the others can find it dead: the next Take of another one gets what it has in hand. A store that measures the
	// silence should have a short measure here: the suite calls this about a hundred times.
	Silence(t testing.TB, s journal.Store)

	// Wake lets a process live on that was silent. Another one may have found it dead meanwhile.
	Wake(t testing.TB, s journal.Store)
}

// OnMemory is a journal.Memory as a Journal.
type OnMemory struct{ journal.Memory }

func (m *OnMemory) Open(testing.TB) journal.Store         { return m.Memory.Open() }
func (m *OnMemory) Silence(_ testing.TB, s journal.Store) { s.(*journal.Process).Silence() }
func (m *OnMemory) Wake(_ testing.TB, s journal.Store)    { s.(*journal.Process).Wake() }

// Suite runs the promises, each as a subtest with a journal of its own, which new makes.
func Suite(t *testing.T, new func(t testing.TB) Journal) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(t, new(t)) })
	}
	t.Run("any calls of several processes in any order", func(t *testing.T) { anyCalls(t, new) })
}

var promises = []struct {
	name string
	test func(*testing.T, Journal)
}{
	{"Begin writes what was asked", beginWrites},
	{"Begin decides on the end itself", beginIgnoresTheEnd},
	{"Begin with a known key counts a delivery and changes nothing else", beginAgain},
	{"Begin with a known key gives the answer again", beginAgainAfterFinish},
	{"Begin tells keys apart byte by byte", beginTellsKeysApart},
	{"Begin wants a key", beginWantsKey},
	{"Begin of one key by many in several processes is fresh once", beginAtOnce},
	{"Begin with a cancelled context writes nothing", beginCancelled},
	{"Begin tells of the write before on the same target", beginBefore},
	{"Begin of many writes on one target makes a queue of them", beginQueue},
	{"numbers ascend in the order in which entries become visible", numbersAscend},

	{"Finish writes every outcome", finishWrites},
	{"Finish of one entry leaves the others alone", finishOne},
	{"Finish works once", finishTwice},
	{"Finish by many works once", finishAtOnce},
	{"Finish again where more was to come", finishMore},
	{"Finish with its answer given closes the entry", finishGiven},
	{"Finish of no entry is refused", finishNone},
	{"Finish wants an end", finishWantsEnd},
	{"Finish with a cancelled context writes nothing", finishCancelled},

	{"Answered closes the entry", answeredCloses},
	{"Answered leaves the entry open where more is to come", answeredMore},
	{"Answered of what has not ended or is closed is refused", answeredNotRunning},
	{"Answered wants to know what became of the answer", answeredWants},
	{"closing forgets the secrets", closingForgets},

	{"Take gets what a closed process had in hand", takeFromClosed},
	{"Take gets what a silent process had in hand", takeFromSilent},
	{"Take gets nothing of the living", takeFromLiving},
	{"Take gets at most a hundred, oldest first", takeHundred},
	{"Take by many gives each entry to one", takeAtOnce},
	{"Take again from one that took and died", takeTwice},
	{"what was taken over is not finished by who had it", notMine},
	{"who was found dead and lives on is another", lapsed},
	{"Hold ends", holdEnds},
	{"Ready while there are signs of life", ready},
	{"one process leads, and another when it is closed or silent", leads},

	{"Get returns one entry", get},
	{"List selects", listSelects},
	{"List finds text as it stands, but for the case of ASCII letters", listText},
	{"List gives the newest 100 when not told how many", listDefault},
	{"List pages", listPages},
	{"List sees what was written before, while others write", listWhileWriting},
	{"secrets are in no list", secretsInNoList},

	{"text of any language and length comes back", textComesBack},
	{"bytes that are no text do no harm", noText},
	{"numbers of any size come back", numbersComeBack},
	{"times come back in UTC and to the microsecond", timesComeBack},
	{"zero times stay zero", zeroTimes},
	{"what a store returns or is given is a copy", copies},

	{"Seal seals what is closed, in the order of numbers", sealOrder},
	{"Seal takes at most 500", sealBatches},
	{"Seal by two at once leaves no gap", sealAtOnce},
	{"the chain holds while deliveries count on", sealDeliveries},
	{"Links come in pages", linksPage},
	{"Tidy forgets reply addresses that are over", tidyForgets},
	{"Tidy prunes the beginning of the chain", tidyPrunes},
	{"Tidy stops before what is kept", tidyStops},

	{"Check writes no entry", checkWorks},
	{"a cancelled context is an error", cancelledIsError},
	{"after Close there are only errors", afterClose},
}

// open starts a process.
func open(t *testing.T, j Journal) journal.Store {
	t.Helper()
	s := j.Open(t)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}
