package journaltest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func checkWorks(t *testing.T, j Journal) {
	s := open(t, j)
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Check(t.Context()))
	listed(t, s)
}

// calls are all methods that return an error, but for Close.
func calls(ctx context.Context, s journal.Store, e journal.Entry) map[string]error {
	errs := map[string]error{"Finish": s.Finish(ctx, e.Hand(), result()), "Answered": s.Answered(ctx, e.Hand(), journal.Delivered), "Check": s.Check(ctx)}
	_, errs["Begin"] = s.Begin(ctx, request("slack:2"))
	_, errs["Get"] = s.Get(ctx, e.Number)
	_, errs["List"] = s.List(ctx, journal.Query{})
	_, errs["Take"] = s.Take(ctx)
	_, errs["Tidy"] = s.Tidy(ctx, noon, noon)
	_, errs["Seal"] = s.Seal(ctx)
	_, errs["Root"] = s.Root(ctx)
	_, errs["Links"] = s.Links(ctx, 0, 10)
	return errs
}

func cancelledIsError(t *testing.T, j Journal) {
	s := open(t, j)
	e := begin(t, s, request("slack:1"))
	for method, err := range calls(cancelled(t), s, e) {
		assert.ErrorIs(t, err, context.Canceled, method)
	}
	listed(t, s, e)
}

func afterClose(t *testing.T, j Journal) {
	s, other := open(t, j), open(t, j)
	e := begin(t, s, request("slack:1"))
	require.NoError(t, s.Close())

	for method, err := range calls(t.Context(), s, e) {
		assert.Error(t, err, method)
	}
	assert.Error(t, s.Ready())
	assert.False(t, s.Leads())
	held, cancel := s.Hold(t.Context(), e.Owner)
	defer cancel()
	assert.Error(t, held.Err())
	assert.NoError(t, s.Close())
	listed(t, other, e)
}
