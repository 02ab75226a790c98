package commands

import (
	"context"
	"errors"

	"roomwarden/journal"
)

// Choices are those of the newest answer to an entry, for a platform whose buttons cannot carry a long line: whoever presses one is asked for their right
// like anyone who types it. It waits for an entry that has not ended, and is empty for one that is not there. An error is the journal's, or ctx's.
func (d *Dispatcher) Choices(ctx context.Context, number int64) ([]Choice, error) {
	e, err := d.ended(ctx, number)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept, _ := keptOf(e)
	return kept.Choices, nil
}
