package discord

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// Discord states no window for the timestamp. After three seconds it takes no first answer any more, and people have read that there was none, so what is much
// older is not carried out. The rest of these times is for clocks that are not right.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding
const (
	maxAge   = 5 * time.Minute
	maxAhead = 5 * time.Minute
)

// Why a request is not taken for Discord's.
var (
	errForged = errors.New("no signature, or a wrong one: not from Discord, or not for this public key")
	errStale  = errors.New("its time is more than 5 minutes before or after this machine's clock")
)

// ParsePublicKey reads an application's public key as the portal shows it: 64 hex digits. The error does not quote it.
func ParsePublicKey(digits string) (ed25519.PublicKey, error) {
	key, err := hex.DecodeString(digits)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("public key: want %d hex digits, as on the application's page in Discord's portal", hex.EncodedLen(ed25519.PublicKeySize))
	}
	return key, nil
}

// verify returns nil when the key signed exactly this body, not long ago, and otherwise errForged, errStale or what is wrong
// with the key. A request that was seen before passes: its key makes it act once.
//
// https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint-validating-security-request-headers
func verify(header http.Header, body []byte, publicKey string, now time.Time) error {
	key, err := ParsePublicKey(publicKey)
	if err != nil {
		return err
	}
	signed := &http.Request{Header: header, Body: io.NopCloser(bytes.NewReader(body))}
	if !discordgo.VerifyInteraction(signed, key) {
		return errForged
	}
	seconds, err := strconv.ParseInt(header.Get("X-Signature-Timestamp"), 10, 64)
	if err != nil {
		return errStale
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > maxAge || age < -maxAhead {
		return errStale
	}
	return nil
}

// receive reads a body that Discord signed. Nothing in it is looked at before that. Any status but 200 is the whole answer.
//
// Discord sends wrong signatures on purpose, to see them refused: they are counted and logged, not each, and no reason for alarm.
func (a *Adapter) receive(w http.ResponseWriter, r *http.Request, now time.Time) (body []byte, status int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, http.StatusRequestEntityTooLarge
	} else if err != nil {
		return nil, http.StatusBadRequest
	}
	if err := verify(r.Header, body, a.PublicKey, now); err != nil {
		a.observe(commands.Unsigned, 0)
		if log, held := a.refusals.add(now); log {
			a.Log.Info("discord: request refused", "reason", err, "held_back", held)
		}
		return nil, http.StatusUnauthorized
	}
	a.observe(commands.Signed, 0)
	return body, http.StatusOK
}

// refusalsEvery is how often a refusal is logged at most: anybody can cause one.
const refusalsEvery = 10 * time.Second

// refusals counts those that are not logged. The zero value is ready.
type refusals struct {
	mu     sync.Mutex
	logged time.Time // when one was, last
	held   int       // since then
}

// add tells whether a refusal is to be logged, and how many before it were not.
func (r *refusals) add(at time.Time) (log bool, held int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.Sub(r.logged) < refusalsEvery {
		r.held++
		return false, 0
	}
	held, r.held, r.logged = r.held, 0, at
	return true, held
}
