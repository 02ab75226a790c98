package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"roomwarden/commands"
	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

const (
	// checkTime bounds what a probe may wait for the journal.
	checkTime = 2 * time.Second
	// silentAttempts is how many attempts in a row must fail before NetEase counts as out of reach.
	silentAttempts = 3
	// refusedAttempts is how many refusals in a row are no longer the misspellings of people.
	refusedAttempts = 10
)

// A status is how a part of the bot is.
type status string

const (
	statusOK       status = "ok"
	statusDegraded status = "degraded" // something is wrong, and the bot still does its job
	statusFailed   status = "failed"
)

// A part is one thing that the bot needs, and how it is.
type part struct {
	Status status `json:"status"`
	Detail string `json:"detail,omitempty"` // what is wrong, or may be
}

// health knows how the parts are: the journal and the policy by asking them, the others by what was heard of them. It may be
// used by many goroutines at once.
type health struct {
	journal   journal.Store
	policy    *permissions.File
	platforms []permissions.Platform

	mu       sync.Mutex
	unsigned map[permissions.Platform]int // refused since the last signed one
	trouble  map[permissions.Platform]string
	asked    map[permissions.Platform]func() string // what is wrong with a platform, asked when it is wanted
	silent   int                                    // attempts in a row that NetEase did not answer
	refused  int                                    // attempts in a row that it answered, none with 200
	result   string                                 // of the last of them
	failed   time.Time
}

func newHealth(store journal.Store, policy *permissions.File, platforms []permissions.Platform) *health {
	return &health{journal: store, policy: policy, platforms: platforms,
		unsigned: map[permissions.Platform]int{}, trouble: map[permissions.Platform]string{}, asked: map[permissions.Platform]func() string{}}
}

// event hears what adapters count.
func (h *health) event(e commands.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e.Kind {
	case commands.Signed:
		h.unsigned[e.Platform] = 0
	case commands.Unsigned:
		h.unsigned[e.Platform]++
	}
}

// attempt hears of every attempt of a call to NetEase.
func (h *health) attempt(a netease.Attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.Answered {
		h.silent, h.refused, h.result = 0, h.refused+1, a.Result
		if a.Result == "200" {
			h.refused = 0
		}
		return
	}
	h.silent++
	h.result, h.failed = a.Result, time.Now()
}

// troubled notes what is wrong with a platform, or with "" that nothing is.
func (h *health) troubled(p permissions.Platform, what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble[p] = what
}

// names are the parts, in order.
func (h *health) names() []string {
	names := []string{"journal", "policy"}
	for _, p := range h.platforms {
		names = append(names, string(p))
	}
	return append(names, "netease")
}

// part tells how one of them is.
func (h *health) part(ctx context.Context, name string) part {
	switch name {
	case "journal":
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		defer cancel()
		if err := h.journal.Check(ctx); err != nil {
			return part{statusFailed, "The journal cannot be written: " + err.Error()}
		}
	case "policy":
		if err := h.policy.Problem(); err != nil {
			return part{statusDegraded, "The newest version of the policy file is not in force, the one before is: " + err.Error()}
		}
	case "netease":
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.refused >= refusedAttempts {
			return part{statusDegraded, fmt.Sprintf("NetEase has refused the last %d calls, the last one with code %s. bot explain %s says what that means.", h.refused, h.result, h.result)}
		}
		if h.silent >= silentAttempts {
			return part{statusDegraded, fmt.Sprintf("NetEase has not answered the last %d attempts (%s), the last one %v ago. bot check asks each domain.",
				h.silent, h.result, time.Since(h.failed).Round(time.Second))}
		}
	default:
		return h.platform(permissions.Platform(name))
	}
	return part{Status: statusOK}
}

func (h *health) platform(p permissions.Platform) part {
	h.mu.Lock()
	defer h.mu.Unlock()
	trouble := h.trouble[p]
	if ask := h.asked[p]; ask != nil && trouble == "" {
		trouble = ask()
	}
	switch {
	case trouble != "":
		return part{statusDegraded, trouble}
	case h.unsigned[p] > 0:
		// Anybody can send these, and Discord does on purpose, so they are a hint and no more.
		return part{statusOK, fmt.Sprintf("%d requests were refused because of their signature since the last good one. If commands do not come: is it the secret of this app, and is the clock right?", h.unsigned[p])}
	}
	return part{Status: statusOK}
}

// routes adds GET /healthz, which is 200 while the process answers, and GET /readyz, which is 503 when the bot could not do its
// job, and tells in its body what is wrong with which part.
func (h *health) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := struct {
			Status string          `json:"status"` // "ready", "degraded", "unready"
			Parts  map[string]part `json:"parts"`
		}{"ready", map[string]part{}}
		code := http.StatusOK
		for _, name := range h.names() {
			p := h.part(r.Context(), name)
			answer.Parts[name] = p
			switch {
			case p.Status == statusFailed:
				answer.Status, code = "unready", http.StatusServiceUnavailable
			case p.Status == statusDegraded && code == http.StatusOK:
				answer.Status = "degraded"
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(answer)
	})
}

// level is a status as a number, for a gauge.
func (s status) level() float64 {
	switch s {
	case statusOK:
		return 1
	case statusDegraded:
		return 0.5
	}
	return 0
}
