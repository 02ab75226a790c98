package journaltest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

func checkWorks(t *testing.T, s journal.Store) {
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Check(t.Context()))
	assert.Empty(t, list(t, s, journal.Query{}))
}

func checkCancelled(t *testing.T, s journal.Store) {
	assert.ErrorIs(t, s.Check(cancelled(t)), context.Canceled)
}

func afterClose(t *testing.T, s journal.Store) {
	entry := begin(t, s, request("slack:1"))
	require.NoError(t, s.Close())

	_, _, err := s.Begin(t.Context(), request("slack:2"))
	assert.Error(t, err)
	assert.Error(t, s.Finish(t.Context(), entry.Number, result()))
	_, err = s.List(t.Context(), journal.Query{})
	assert.Error(t, err)
	assert.Error(t, s.Check(t.Context()))
	assert.NoError(t, s.Close())
}
