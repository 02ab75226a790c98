package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"roomwarden/journal"
	"roomwarden/permissions"
)

// checkTime bounds what a probe may wait for the journal.
const checkTime = 2 * time.Second

// A part is one thing that the bot needs, and how it is.
type part struct {
	Status string `json:"status"`           // "ok", "degraded", "failed"
	Detail string `json:"detail,omitempty"` // what is wrong
}

// health adds GET /healthz, which is 200 while the process answers, and GET /readyz, which is 503 when the bot could not do
// its job, and tells in its body what is wrong with which part.
func health(mux *http.ServeMux, store journal.Store, policy *permissions.File) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := struct {
			Status string          `json:"status"` // "ready", "degraded", "unready"
			Parts  map[string]part `json:"parts"`
		}{"ready", map[string]part{"journal": {Status: "ok"}, "policy": {Status: "ok"}}}
		if err := policy.Problem(); err != nil {
			answer.Status = "degraded"
			answer.Parts["policy"] = part{"degraded", "The newest version of the policy file is not in force, the one before is: " + err.Error()}
		}
		ctx, cancel := context.WithTimeout(r.Context(), checkTime)
		defer cancel()
		status := http.StatusOK
		if err := store.Check(ctx); err != nil {
			answer.Status, status = "unready", http.StatusServiceUnavailable
			answer.Parts["journal"] = part{"failed", "The journal cannot be written: " + err.Error()}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(answer)
	})
}
