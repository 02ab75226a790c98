package discord

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
	"roomwarden/commands"
)

const (
	testApp      = "1100000000000000001"
	testGuild    = "41771983423143937"
	testToken    = "aW50ZXJhY3Rpb246c2VjcmV0LXRva2Vu"
	testBotToken = "MTEwMDAwMDAwMDAwMDAwMDAwMQ.secret.bot"
)

var testPublic, testPrivate, _ = ed25519.GenerateKey(nil)

// payload is what Discord sends when Zhang San uses a command in a guild.
func payload(command string, options ...map[string]any) map[string]any {
	return map[string]any{
		"id": "1200000000000000007", "application_id": testApp, "type": 2, "token": testToken, "version": 1,
		"guild_id": testGuild, "channel_id": "645027906669510667", "locale": "en-US", "guild_locale": "zh-CN", "context": 0,
		"channel": map[string]any{"id": "645027906669510667", "type": 0, "name": "moderation"}, "app_permissions": "442368",
		"member": map[string]any{
			"user":  map[string]any{"id": "80351110224678912", "username": "zhangsan", "global_name": "Zhang San", "discriminator": "0", "avatar": nil},
			"roles": []any{"41771983423143936", "539082325061836999"}, "permissions": "2147483647", "nick": nil, "mute": false, "deaf": false,
		},
		"data":         map[string]any{"id": "1300000000000000009", "name": command, "type": 1, "options": options},
		"entitlements": []any{}, "authorizing_integration_owners": map[string]any{"0": testGuild},
	}
}

func text(name, value string) map[string]any {
	return map[string]any{"name": name, "type": 3, "value": value}
}

func with(p map[string]any, key string, value any) map[string]any {
	p[key] = value
	return p
}

// by is an interaction of another person.
func by(user string, p map[string]any) map[string]any {
	p["member"].(map[string]any)["user"].(map[string]any)["id"] = user
	return p
}

func without(p map[string]any, key string) map[string]any {
	delete(p, key)
	return p
}

// signedAt is a request as Discord makes it.
func signedAt(at time.Time, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/discord/interactions", strings.NewReader(body))
	timestamp := strconv.FormatInt(at.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	r.Header.Set("X-Signature-Timestamp", timestamp)
	r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(testPrivate, []byte(timestamp+body))))
	return r
}

func signed(p map[string]any) *http.Request {
	body, _ := json.Marshal(p)
	return signedAt(time.Now(), string(body))
}

// A journal of log lines that may be read while it is written.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newLog is a log that is searched for secrets when the test ends.
func newLog(t *testing.T) (*slog.Logger, *logbook) {
	t.Helper()
	log := new(logbook)
	t.Cleanup(func() {
		assert.NotContains(t, log.String(), testToken)
		assert.NotContains(t, log.String(), testBotToken)
	})
	return slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), log
}

// newAdapter answers with handle, and tells late answers to a fake Discord in this process.
func newAdapter(t *testing.T, handle commands.Handler) (*Adapter, *fakeDiscord, *logbook) {
	t.Helper()
	log, book := newLog(t)
	fake := newDiscord(t)
	a := &Adapter{PublicKey: hex.EncodeToString(testPublic), Client: fake.client(), Handle: handle, Log: log}
	a.Answered = func(number int64, delivered bool) {
		fake.mu.Lock()
		defer fake.mu.Unlock()
		fake.reports = append(fake.reports, fmt.Sprintf("#%d %t", number, delivered))
	}
	return a, fake, book
}

// use has Zhang San use a command; the first answer goes to Discord, and is returned.
func use(t *testing.T, a *Adapter, fake *fakeDiscord, p map[string]any) first {
	t.Helper()
	return deliver(t, a, fake, signed(p))
}

// first is a first answer as Discord reads it.
type first struct {
	Type int
	Data struct {
		Content string
		Flags   int
		Choices []Choice
	}
}

// deliverRaw delivers an interaction, and returns the first answer as it is.
func deliverRaw(a *Adapter, p map[string]any) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.Interactions().ServeHTTP(w, signed(p))
	return w
}

// A reader reads a first answer as soon as it is written: what follows it cannot come before.
type reader struct {
	*httptest.ResponseRecorder
	read func([]byte)
}

func (r reader) Write(p []byte) (int, error) {
	r.read(p)
	return r.ResponseRecorder.Write(p)
}

func deliver(t *testing.T, a *Adapter, fake *fakeDiscord, r *http.Request) first {
	t.Helper()
	w := reader{httptest.NewRecorder(), func(p []byte) {
		var got first
		assert.NoError(t, json.Unmarshal(p, &got))
		fake.first(got)
	}}
	a.Interactions().ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	fake.check(discordtest.Callback, w.Body.Bytes())
	var got first
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	if got.Type == 4 {
		var m struct{ Data json.RawMessage }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &m))
		checkMessage(t, m.Data)
	}
	return got
}

// told is a reply with nothing but words.
func told(words string) commands.Reply {
	return commands.Reply{Tone: commands.Done, Text: commands.Prose{{Text: words}}}
}

func publicly(r commands.Reply) commands.Reply {
	r.Public = true
	return r
}

// numbered is r as the answer to entry 41.
func numbered(r commands.Reply) commands.Reply {
	r.Number = 41
	return r
}

// after accepts at once, and answers with r when d is over, or says that it was cancelled. public is what it tells Allowed, at once; nil: nothing.
func after(d time.Duration, public *bool, r commands.Reply) commands.Handler {
	return func(ctx context.Context, req commands.Request) commands.Reply {
		req.Accepted(41)
		if public != nil {
			req.Allowed(*public)
		}
		select {
		case <-time.After(d):
			return r
		case <-ctx.Done():
			return told("cancelled")
		}
	}
}

// fakeDiscord is Discord: it takes one first answer per interaction, edits and follow-ups to it, and lists of commands. It holds every
// request against Discord's OpenAPI document, and against what that does not say.
type fakeDiscord struct {
	t       *testing.T
	referee *discordtest.Referee // nil: there is no document
	script  []http.HandlerFunc   // what the next requests meet, one each; afterwards they are served

	mu       sync.Mutex
	requests []string // "PATCH /webhooks/…", tokens left out
	began    time.Time
	at       []time.Duration // of each, from began
	original *shownMessage
	card     *shownMessage // that the button sits on which was pressed
	loading  bool          // "thinking…" stands
	view     []*shownMessage
	reports  []string                    // what the adapter's Answered was called with
	lists    map[string][]map[string]any // commands by guild; "": global
	guilds   []string                    // that the bot is in
}

type shownMessage struct {
	public  bool
	content string
	id      string // of what was posted besides
}

func newDiscord(t *testing.T) *fakeDiscord {
	return &fakeDiscord{t: t, referee: discordtest.NewReferee(t), began: time.Now(), lists: map[string][]map[string]any{}}
}

// check holds the body of a call against the document.
func (d *fakeDiscord) check(name string, body []byte) {
	assert.NoError(d.t, d.referee.Request(name, body), "%s %s", name, body)
}

// client reaches the fake without a socket, for tests on a fake clock.
func (d *fakeDiscord) client() *Client {
	return &Client{ApplicationID: testApp, BotToken: testBotToken, HTTP: &http.Client{Transport: inProcess{d}}}
}

type inProcess struct{ h http.Handler }

var errCut = errors.New("connection reset by peer")

func (p inProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() {
		if recover() == http.ErrAbortHandler {
			res, err = nil, errCut
		}
	}()
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// first takes a first answer.
func (d *fakeDiscord) first(f first) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.take(f)
}

// take is first for whoever holds d.mu.
func (d *fakeDiscord) take(f first) {
	switch {
	case d.original != nil:
		return // 40060: already acknowledged
	case f.Type == 6:
		d.original = d.card
		return
	case f.Type == 7:
		d.original = d.card
		d.card.content = f.Data.Content
		return
	case f.Type != 4 && f.Type != 5:
		return
	}
	d.original = &shownMessage{public: f.Data.Flags&64 == 0, content: f.Data.Content}
	d.loading = f.Type == 5
	d.view = append(d.view, d.original)
}

// seen is what people see in the channel, one line each.
func (d *fakeDiscord) seen() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, m := range d.view {
		who := map[bool]string{true: "everyone: ", false: "the person: "}[m.public]
		all = append(all, who+m.content)
	}
	return all
}

func (d *fakeDiscord) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v10")
	assert.True(d.t, ok, r.URL.Path)
	d.requests = append(d.requests, r.Method+" "+strings.ReplaceAll(path, testToken, "TOKEN"))
	d.at = append(d.at, time.Since(d.began))
	n := len(d.requests)
	d.mu.Unlock()

	assert.Regexp(d.t, `^DiscordBot \([^ ,]+, \S+\)$`, r.Header.Get("User-Agent"))
	body, err := io.ReadAll(r.Body)
	assert.NoError(d.t, err)
	if len(body) > 0 {
		assert.Equal(d.t, "application/json", r.Header.Get("Content-Type"))
	}
	d.check(r.Method+" "+template(path), body)
	switch {
	case strings.HasPrefix(path, "/webhooks/"):
		assert.Empty(d.t, r.Header.Get("Authorization"), "the token is in the path")
		if len(body) > 0 {
			checkMessage(d.t, body)
		}
	case strings.HasPrefix(path, "/interactions/"):
		assert.Empty(d.t, r.Header.Get("Authorization"), "the token is in the path")
	default:
		assert.Equal(d.t, "Bot "+testBotToken, r.Header.Get("Authorization"))
	}
	if n <= len(d.script) && d.script[n-1] != nil {
		d.script[n-1](w, r)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serve(w, r, path, body)
}

// template is the path as the OpenAPI document has it.
func template(path string) string {
	p := strings.Split(path, "/")
	switch {
	case p[1] == "interactions":
		return "/interactions/{interaction_id}/{interaction_token}/callback"
	case len(p) == 6 && p[1] == "webhooks" && p[5] != "@original":
		return "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
	case len(p) == 6 && p[1] == "webhooks":
		return "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
	case len(p) == 4 && p[1] == "webhooks":
		return "/webhooks/{webhook_id}/{webhook_token}"
	case len(p) == 4 && p[3] == "commands":
		return "/applications/{application_id}/commands"
	case len(p) == 6 && p[5] == "commands":
		return "/applications/{application_id}/guilds/{guild_id}/commands"
	}
	return path
}

func (d *fakeDiscord) serve(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	var m struct {
		Content string
		Flags   int
	}
	_ = json.Unmarshal(body, &m)
	switch {
	case strings.HasPrefix(path, "/interactions/"):
		var f first
		assert.NoError(d.t, json.Unmarshal(body, &f))
		d.take(f)
		w.WriteHeader(http.StatusNoContent)
	case strings.HasPrefix(path, "/webhooks/") && d.original == nil:
		problem(404, 10015)(w, r)
	case strings.HasSuffix(path, "/@original") && !slices.Contains(d.view, d.original), strings.Contains(path, "/messages/posted-") && d.posted(path) == nil:
		problem(404, 10008)(w, r)
	case strings.Contains(path, "/messages/posted-") && r.Method == http.MethodPatch:
		d.posted(path).content = m.Content
		io.WriteString(w, `{"id":"1"}`)
	case strings.Contains(path, "/messages/posted-"):
		gone := d.posted(path)
		d.view = slices.DeleteFunc(d.view, func(m *shownMessage) bool { return m == gone })
		w.WriteHeader(http.StatusNoContent)
	case strings.HasSuffix(path, "/@original") && r.Method == http.MethodGet:
		said := d.stored()
		assert.NoError(d.t, d.referee.Answer("GET "+template(path), http.StatusOK, said), "%s", said)
		w.Write(said)
	case r.Method == http.MethodPatch:
		assert.Zero(d.t, m.Flags&64, "who sees it cannot be edited")
		d.original.content, d.loading = m.Content, false
		io.WriteString(w, `{"id":"1"}`)
	case r.Method == http.MethodDelete:
		d.loading = false
		d.view = slices.DeleteFunc(d.view, func(m *shownMessage) bool { return m == d.original })
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && d.loading:
		d.original.content, d.loading = m.Content, false // Discord takes it for the edit
	case r.Method == http.MethodPost:
		id := fmt.Sprint("posted-", len(d.requests))
		d.view = append(d.view, &shownMessage{public: m.Flags&64 == 0, content: m.Content, id: id})
		fmt.Fprintf(w, `{"id":%q}`, id)
	case path == "/applications/@me":
		io.WriteString(w, `{"id":"1"}`)
	case path == "/users/@me/guilds":
		var all []map[string]any
		for _, g := range d.guilds {
			all = append(all, map[string]any{"id": g, "name": "A server", "owner": false})
		}
		_ = json.NewEncoder(w).Encode(all)
	case r.Method == http.MethodPut:
		var list []map[string]any
		assert.NoError(d.t, json.Unmarshal(body, &list))
		d.lists[guildOf(path)] = list
		io.WriteString(w, "[]")
	default:
		assert.Equal(d.t, "true", r.URL.Query().Get("with_localizations"))
		_ = json.NewEncoder(w).Encode(asStored(d.lists[guildOf(path)], guildOf(path)))
	}
}

// posted is the message that a path ends with; nil: it is gone.
func (d *fakeDiscord) posted(path string) *shownMessage {
	for _, m := range d.view {
		if m.id != "" && strings.HasSuffix(path, "/"+m.id) {
			return m
		}
	}
	return nil
}

// stored is the first answer as Discord tells it.
func (d *fakeDiscord) stored() []byte {
	flags := 4
	if !d.original.public {
		flags |= 64
	}
	if d.loading {
		flags |= 128
	}
	body, _ := json.Marshal(map[string]any{
		"id": "1500000000000000001", "channel_id": "645027906669510667", "type": 20, "content": d.original.content, "flags": flags,
		"mentions": []any{}, "mention_roles": []any{}, "attachments": []any{}, "embeds": []any{}, "components": []any{},
		"timestamp": "2026-11-20T14:05:06.000000+00:00", "edited_timestamp": nil, "pinned": false, "mention_everyone": false, "tts": false,
		"author": map[string]any{"id": testApp, "username": "roomwarden", "discriminator": "0", "avatar": nil, "global_name": nil,
			"public_flags": 0, "flags": 0, "primary_guild": nil, "bot": true},
		"application_id": testApp, "webhook_id": testApp,
	})
	return body
}

func guildOf(path string) string {
	if p := strings.Split(path, "/"); len(p) == 6 {
		return p[4]
	}
	return ""
}

// asStored is a list with all that Discord adds, in another order.
func asStored(list []map[string]any, guild string) []map[string]any {
	stored := []map[string]any{}
	for _, c := range list {
		body, _ := json.Marshal(c)
		var copied map[string]any
		_ = json.Unmarshal(body, &copied)
		for key, value := range map[string]any{
			"id": "1400000000000000001", "application_id": testApp, "version": "1400000000000000002", "nsfw": false,
			"default_member_permissions": nil, "name_localizations": nil, "dm_permission": true, "options": []any{}, "integration_types": []any{0}, "contexts": nil,
		} {
			if _, has := copied[key]; !has {
				copied[key] = value
			}
		}
		if guild != "" {
			copied["guild_id"] = guild
		}
		for _, o := range copied["options"].([]any) {
			option := o.(map[string]any)
			if _, has := option["name_localizations"]; !has {
				option["name_localizations"] = nil
			}
			if _, has := option["required"]; !has {
				option["required"] = false
			}
		}
		stored = append([]map[string]any{copied}, stored...)
	}
	return stored
}

// What a request can meet.

func problem(status, code int) http.HandlerFunc {
	return says(status, `{"message": "no `+testToken+`", "code": `+strconv.Itoa(code)+`}`)
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func hangsUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
