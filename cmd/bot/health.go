package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
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
	asked    map[permissions.Platform]func() part // how a platform is, asked when it is wanted
	silent   int                                  // attempts in a row that NetEase did not answer
	refused  int                                  // attempts in a row that it answered, none with 200
	result   string                               // of the last of them
	failed   time.Time
}

func newHealth(store journal.Store, policy *permissions.File, platforms []permissions.Platform) *health {
	return &health{journal: store, policy: policy, platforms: platforms,
		unsigned: map[permissions.Platform]int{}, trouble: map[permissions.Platform]string{}, asked: map[permissions.Platform]func() part{}}
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
	now := trouble(h.trouble[p])
	if ask := h.asked[p]; ask != nil {
		now = worst(ask(), now)
	}
	if n := h.unsigned[p]; now == (part{Status: statusOK}) && n > 0 {
		// Anybody can send these, and Discord does on purpose, so they are a hint and no more.
		return part{statusOK, fmt.Sprintf("%d requests were refused because of their signature since the last good one. If commands do not come: is the secret or public key that of this app, and is the clock right?", n)}
	}
	return now
}

// trouble is a part of which is known what is wrong; empty: nothing.
func trouble(what string) part {
	if what == "" {
		return part{Status: statusOK}
	}
	return part{statusDegraded, what}
}

// worst is the part that is in the worst state, the first of several; of those that are well the first with something to tell.
func worst(parts ...part) part {
	found := part{Status: statusOK}
	for _, p := range parts {
		if p.Status.level() < found.Status.level() || p.Status == found.Status && found.Detail == "" {
			found = p
		}
	}
	return found
}

// routes adds GET /healthz, which is 200 while the process answers, and GET /readyz, which is 503 when the bot could not do its
// job, and tells in its body what is wrong with which part. While one platform is heard, the bot does its job.
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
		code, deaf := http.StatusOK, 0
		for _, name := range h.names() {
			p := h.part(r.Context(), name)
			answer.Parts[name] = p
			isPlatform := slices.Contains(h.platforms, permissions.Platform(name))
			if isPlatform && p.Status == statusFailed {
				deaf++
			}
			switch {
			case p.Status == statusFailed && (!isPlatform || deaf == len(h.platforms)):
				answer.Status, code = "unready", http.StatusServiceUnavailable
			case p.Status != statusOK && code == http.StatusOK:
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
