package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"roomwarden/netease"
)

// TestNetEaseHealth: what was heard of NetEase, attempt after attempt, and how it then counts.
func TestNetEaseHealth(t *testing.T) {
	times := func(n int, results ...string) (all []string) {
		for range n {
			all = append(all, results...)
		}
		return all
	}
	tests := []struct {
		name    string
		results []string
		want    status
		detail  string
	}{
		{"nothing yet", nil, statusOK, ""},
		{"all is well", times(20, "200"), statusOK, ""},
		{"two without an answer", times(2, "no_answer"), statusOK, ""},
		{"three without an answer", []string{"not_sent", "http_502", "no_answer"}, statusDegraded, "has not answered the last 3 attempts (no_answer)"},
		{"a refusal is an answer", []string{"no_answer", "no_answer", "403", "no_answer", "no_answer"}, statusOK, ""},
		{"people misspell", times(9, "414"), statusOK, ""},
		{"nobody misspells ten times in a row", times(10, "414"), statusDegraded, "has refused the last 10 calls, the last one with code 414"},
		{"one success among refusals", append(times(9, "414"), "200", "414"), statusOK, ""},
		{"well again", append(times(12, "416"), "200"), statusOK, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHealth(nil, nil, nil)
			for _, r := range tt.results {
				h.attempt(netease.Attempt{Result: r, Answered: r[0] >= '0' && r[0] <= '9'})
			}
			p := h.part(t.Context(), "netease")
			assert.Equal(t, tt.want, p.Status)
			assert.Contains(t, p.Detail, tt.detail)
		})
	}
}
