package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/adapters/discord"
)

// An applicationPage is what Discord tells of an application, and may be changed.
type applicationPage struct {
	mu     sync.Mutex
	app    discord.Application
	status int
	asked  int
}

func (p *applicationPage) RoundTrip(*http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	w := httptest.NewRecorder()
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(p.app)
	return w.Result(), nil
}

func (p *applicationPage) change(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

// The portal is looked at again until it fits the settings, and what is wrong is told; a token that is refused is not used any more.
func TestPortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := &applicationPage{status: http.StatusOK, app: discord.Application{ID: testApplication, InteractionsEndpointURL: "https://bot.example.com/discord/interactions"}}
		log := newWatched()
		p := &portal{log: slog.New(slog.NewTextHandler(log, nil)), set: settings{DiscordApplicationID: testApplication},
			client: &discord.Client{ApplicationID: testApplication, BotToken: testDiscordBot, HTTP: &http.Client{Transport: page}}}
		ended := make(chan struct{})
		go func() { p.watch(t.Context()); close(ended) }()
		synctest.Wait()
		const silent = "The application has an Interactions Endpoint URL (https://bot.example.com/discord/interactions), so nothing comes through the gateway. " +
			"Clear the Interactions Endpoint URL on the application's page, General Information; or set DISCORD_PUBLIC_KEY, if that address leads to this bot."
		assert.Equal(t, silent, p.trouble())
		assert.Contains(t, log.String(), "so nothing comes through the gateway")

		page.change(func() { page.app.InteractionsEndpointURL = "" })
		time.Sleep(portalSoon + time.Second)
		synctest.Wait()
		assert.Empty(t, p.trouble())
		assert.Contains(t, log.String(), "fits the settings now")

		page.change(func() { page.status, page.asked = http.StatusInternalServerError, 0 })
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		assert.Empty(t, p.trouble(), "nobody knows")
		assert.Less(t, page.asked, 110, "twice every five minutes")

		page.change(func() { page.status, page.asked = http.StatusUnauthorized, 0 })
		time.Sleep(time.Hour)
		<-ended
		assert.Equal(t, refusedToken, p.trouble())
		assert.Equal(t, 1, page.asked, "and never again")
		assert.NotContains(t, log.String(), testDiscordBot)
	})
}
