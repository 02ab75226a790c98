package slack

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"

	"roomwarden/commands"
)

// Why a request is not taken for Slack's. slack-go's own errors can quote the request, so they go nowhere.
var (
	errUnsigned = errors.New("no signature")
	errStale    = errors.New("its time is more than 5 minutes from this machine's clock")
	errForged   = errors.New("wrong signature: not from Slack, or not with this signing secret")
)

// verify returns nil when one of the secrets signed exactly this body less than five minutes ago (or ahead), and
// otherwise errUnsigned, errStale or errForged. A request that was seen before passes: its key makes it act once.
//
// https://docs.slack.dev/authentication/verifying-requests-from-slack/
func verify(header http.Header, body []byte, secrets []string) error {
	reason := errForged
	for _, secret := range secrets {
		v, err := slackapi.NewSecretsVerifier(header, secret)
		if err == nil {
			_, err = v.Write(body)
		}
		if err == nil {
			err = v.Ensure()
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, slackapi.ErrMissingHeaders):
			reason = errUnsigned
		case errors.Is(err, slackapi.ErrExpiredTimestamp):
			reason = errStale
		}
	}
	return reason
}

// receive reads a form of at most so many bytes that Slack signed. Any status but 200 is the whole answer.
func (a *Adapter) receive(w http.ResponseWriter, r *http.Request, most int64) (form url.Values, status int) {
	body, status := a.verified(w, r, most)
	if status != http.StatusOK {
		return nil, status
	}
	if !hasType(r.Header, "application/x-www-form-urlencoded") {
		return nil, http.StatusUnsupportedMediaType
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return form, http.StatusOK
}

// verified reads a body that Slack signed. It is verified raw, before anything in it is looked at; the query is not signed and never
// read. Any status but 200 is the whole answer.
func (a *Adapter) verified(w http.ResponseWriter, r *http.Request, most int64) (body []byte, status int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, http.StatusRequestEntityTooLarge
	} else if err != nil {
		return nil, http.StatusBadRequest
	}
	if err := verify(r.Header, body, a.SigningSecrets); err != nil {
		a.count(commands.Unsigned, time.Time{})
		if now, held := a.refusals.add(); now {
			a.Log.Warn("slack: request refused", "reason", err, "held_back", held)
		}
		return nil, http.StatusUnauthorized
	}
	a.count(commands.Signed, time.Time{})
	return body, http.StatusOK
}

// refusalsEvery is how often a refusal is logged at most: anybody can cause one, and a flood thousands.
const refusalsEvery = 10 * time.Second

// refusals counts those that are not logged. The zero value is ready.
type refusals struct {
	mu     sync.Mutex
	logged time.Time // when one was, last
	held   int       // since then
}

// add tells whether a refusal is to be logged now, and how many before it were not.
func (r *refusals) add() (now bool, held int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := time.Now(); at.Sub(r.logged) >= refusalsEvery {
		held, r.held, r.logged = r.held, 0, at
		return true, held
	}
	r.held++
	return false, 0
}

// hasType reports whether the one content type is the one wanted.
func hasType(header http.Header, want string) bool {
	types := header.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	name, _, err := mime.ParseMediaType(types[0])
	return err == nil && name == want
}
