package discord

import (
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

func TestParsePublicKey(t *testing.T) {
	digits := hex.EncodeToString(testPublic)
	for _, test := range []struct {
		name, in string
		ok       bool
	}{
		{"as in the portal", digits, true},
		{"capitals", strings.ToUpper(digits), true},
		{"empty", "", false},
		{"short", digits[2:], false},
		{"long", digits + "00", false},
		{"odd", digits[1:], false},
		{"no digit", "x" + digits[1:], false},
		{"space", " " + digits, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := ParsePublicKey(test.in)
			if test.ok {
				require.NoError(t, err)
				assert.Equal(t, testPublic, key)
				return
			}
			assert.EqualError(t, err, "public key: want 64 hex digits, as on the application's page in Discord's portal")
			assert.Nil(t, key)
		})
	}
}

func TestSignatures(t *testing.T) {
	const ping = `{"type":1}`
	_, otherKey, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	set := func(header, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(header, value) }
	}
	signedAs := func(key ed25519.PrivateKey, timestamp, message string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Signature-Timestamp", timestamp)
			r.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, []byte(message))))
		}
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for _, test := range []struct {
		name   string
		at     time.Duration
		body   string
		change func(*http.Request)
		want   int
	}{
		{"valid", 0, ping, nil, 200},
		{"UTF-8 body", 0, `{"type":1,"x":"禁言"}`, nil, 200},
		{"capitals in the hex", 0, ping, func(r *http.Request) {
			r.Header.Set("X-Signature-Ed25519", strings.ToUpper(r.Header.Get("X-Signature-Ed25519")))
		}, 200},
		{"nearly 5 minutes old", -4*time.Minute - 50*time.Second, ping, nil, 200},
		{"over 5 minutes old", -5*time.Minute - 10*time.Second, ping, nil, 401},
		{"nearly 5 minutes ahead", 4*time.Minute + 50*time.Second, ping, nil, 200},
		{"over 5 minutes ahead", 5*time.Minute + 10*time.Second, ping, nil, 401},
		{"timestamp is no number", 0, ping, signedAs(testPrivate, "now", "now"+ping), 401},
		{"wrong key", 0, ping, signedAs(otherKey, now, now+ping), 401},
		{"body signed alone", 0, ping, signedAs(testPrivate, now, ping), 401},
		{"timestamp changed", 0, ping, set("X-Signature-Timestamp", "1"), 401},
		{"timestamp missing", 0, ping, set("X-Signature-Timestamp", ""), 401},
		{"signature missing", 0, ping, set("X-Signature-Ed25519", ""), 401},
		{"signature short", 0, ping, set("X-Signature-Ed25519", "abcd"), 401},
		{"signature no hex", 0, ping, set("X-Signature-Ed25519", strings.Repeat("x", 128)), 401},
		{"body changed", 0, ping, func(r *http.Request) {
			r.Body = http.NoBody
		}, 401},
		{"not JSON", 0, `<html>`, nil, 400},
		{"empty", 0, ``, nil, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, _, _ := newAdapter(t, nil)
			var seen []commands.Event
			a.Observe = func(e commands.Event) { seen = append(seen, e) }
			r := signedAt(time.Now().Add(test.at), test.body)
			if test.change != nil {
				test.change(r)
			}
			w := httptest.NewRecorder()
			a.Interactions().ServeHTTP(w, r)
			assert.Equal(t, test.want, w.Code)
			kind := commands.Signed
			if test.want == 401 {
				kind = commands.Unsigned
			}
			assert.Equal(t, []commands.Event{{Platform: permissions.Discord, Kind: kind}}, seen)
			if test.want == 200 {
				assert.JSONEq(t, `{"type":1}`, w.Body.String())
				assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
			} else {
				assert.Empty(t, w.Body.String())
			}
		})
	}
}

// Anybody can send what is refused: it must not fill the log.
func TestRefusalsAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, log := newAdapter(t, nil)
		for _, test := range []struct {
			name  string
			pause time.Duration // before them
			count int
			held  string // of the one line among them; empty: no line
		}{
			{"the first", 0, 1, "0"},
			{"a flood", 0, 1000, ""},
			{"just before ten seconds", 10*time.Second - 1, 1, ""},
			{"ten seconds", 1, 1, "1001"},
			{"after a quiet time", time.Hour, 2, "0"},
		} {
			time.Sleep(test.pause)
			before := len(log.String())
			for range test.count {
				a.Interactions().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/discord/interactions", http.NoBody))
			}
			lines := strings.SplitAfter(log.String()[before:], "\n")
			if test.held == "" {
				assert.Equal(t, []string{""}, lines, test.name)
				continue
			}
			require.Len(t, lines, 2, test.name)
			assert.Contains(t, lines[0], `level=INFO msg="discord: request refused" reason="no signature, or a wrong one`, test.name)
			assert.True(t, strings.HasSuffix(lines[0], " held_back="+test.held+"\n"), "%s: %s", test.name, lines[0])
		}
	})
}

func TestNotAPost(t *testing.T) {
	a, _, _ := newAdapter(t, nil)
	w := httptest.NewRecorder()
	a.Interactions().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/discord/interactions", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, "POST", w.Header().Get("Allow"))
}

func TestBodyTooLarge(t *testing.T) {
	a, _, _ := newAdapter(t, nil)
	for _, test := range []struct {
		size, want int
	}{{256 << 10, 200}, {256<<10 + 1, 413}} {
		body := `{"type":1,"x":"`
		body += strings.Repeat("x", test.size-len(body)-2) + `"}`
		w := httptest.NewRecorder()
		a.Interactions().ServeHTTP(w, signedAt(time.Now(), body))
		assert.Equal(t, test.want, w.Code)
	}
}

func TestUnusableKeyRefusesAll(t *testing.T) {
	a, _, log := newAdapter(t, nil)
	a.PublicKey = "00"
	w := httptest.NewRecorder()
	a.Interactions().ServeHTTP(w, signedAt(time.Now(), `{"type":1}`))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, log.String(), "want 64 hex digits")
}
