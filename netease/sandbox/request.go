package sandbox

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"roomwarden/netease"
)

// What the headers of a call may hold.
//
// https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server
const (
	maxNonce     = 128 // characters
	clockWindow  = 300 // seconds, either side
	maxRequestID = 128 // characters
)

// verify checks who is calling, and when they signed. It returns nil when all is well.
func (s *Sandbox) verify(h http.Header, now time.Time) *refusal {
	nonce, curTime := h.Get("Nonce"), h.Get("CurTime")
	if subtle.ConstantTimeCompare([]byte(h.Get("AppKey")), []byte(s.appKey)) == 0 {
		return &refusal{codeParameter, "appkey"}
	}
	if nonce == "" {
		return &refusal{codeParameter, "Nonce is empty"}
	}
	if utf8.RuneCountInString(nonce) > maxNonce {
		return &refusal{codeParameter, "Nonce is illegal"}
	}
	signed, ok := digits(curTime)
	if !ok {
		return &refusal{codeParameter, "CurTime is illegal"}
	}
	if off := now.Unix() - signed; off > clockWindow || off < -clockWindow {
		return &refusal{codeParameter, "CurTime is expired"}
	}
	sum := sha1.Sum([]byte(s.appSecret + nonce + curTime))
	if subtle.ConstantTimeCompare([]byte(h.Get("CheckSum")), []byte(hex.EncodeToString(sum[:]))) == 0 {
		return &refusal{codeParameter, "checksum"}
	}
	if utf8.RuneCountInString(h.Get("RequestId")) > maxRequestID {
		return &refusal{codeParameter, "RequestId is illegal"}
	}
	return nil
}

// readForm reads the body of a call. The values are what could be read, for the record; the refusal, nil when the
// form is sound, says what is wrong with it.
func readForm(r *http.Request, body []byte) (url.Values, *refusal) {
	if len(body) > maxBody {
		return nil, &refusal{codeParameter, "body is illegal"}
	}
	form, err := url.ParseQuery(string(body))
	media, attributes, mediaErr := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaErr != nil || media != "application/x-www-form-urlencoded" || !strings.EqualFold(attributes["charset"], "utf-8") {
		return form, &refusal{codeParameter, "Content-Type is illegal"}
	}
	if err != nil {
		return form, &refusal{codeParameter, "body is illegal"}
	}
	if r.URL.RawQuery != "" {
		return form, &refusal{codeParameter, "query string is illegal"}
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if len(form[name]) > 1 || !utf8.ValidString(name) || !utf8.ValidString(form.Get(name)) {
			return form, illegal(name)
		}
	}
	return form, nil
}

// params are the parameters of one call. A call asks for each of its own by name and then for wrong: the first thing
// that was not right, or a parameter that it did not ask for.
type params struct {
	form     url.Values
	accounts map[netease.AccID]bool
	asked    []string
	no       *refusal
}

// wrong says what is wrong with the parameters; nil when nothing is.
func (p *params) wrong() *refusal {
	if p.no != nil {
		return p.no
	}
	for _, name := range slices.Sorted(maps.Keys(p.form)) {
		if !slices.Contains(p.asked, name) {
			return &refusal{codeParameter, name + " is unknown"}
		}
	}
	return nil
}

func (p *params) refuse(no *refusal) {
	if p.no == nil {
		p.no = no
	}
}

func illegal(name string) *refusal { return &refusal{codeParameter, name + " is illegal"} }

// value is a parameter that must be there.
func (p *params) value(name string) string {
	p.asked = append(p.asked, name)
	v := p.form.Get(name)
	if v == "" {
		p.refuse(&refusal{codeParameter, name + " is empty"})
	}
	return v
}

// optional is a parameter that may be left out.
func (p *params) optional(name string) (v string, given bool) {
	p.asked = append(p.asked, name)
	return p.form.Get(name), p.form.Has(name)
}

// number is a required number from low to high.
func (p *params) number(name string, low, high int64) int64 {
	return p.inRange(name, p.value(name), low, high)
}

func (p *params) inRange(name, v string, low, high int64) int64 {
	n, ok := digits(v)
	if !ok || n < low || n > high {
		p.refuse(illegal(name))
	}
	return n
}

// boolean reads "true" or "false" and no other word.
func (p *params) boolean(name, v string) bool {
	if v != "true" && v != "false" {
		p.refuse(illegal(name))
	}
	return v == "true"
}

func (p *params) room() netease.RoomID { return netease.RoomID(p.number("roomid", 1, 1<<63-1)) }

// account is a required account that is registered.
func (p *params) account(name string) netease.AccID {
	id := p.accID(name, p.value(name))
	if !p.accounts[id] {
		p.refuse(&refusal{codeParameter, string(id) + " not register"})
	}
	return id
}

var accIDs = regexp.MustCompile(`^[A-Za-z0-9_@.-]{1,32}$`)

func (p *params) accID(name, v string) netease.AccID {
	if !accIDs.MatchString(v) {
		p.refuse(illegal(name))
	}
	return lower(netease.AccID(v))
}

// accountList is a required JSON array of accounts, registered or not.
func (p *params) accountList(name string) []netease.AccID {
	var words []string
	if err := json.Unmarshal([]byte(p.value(name)), &words); err != nil || len(words) < 1 || len(words) > netease.MaxQueryMembers {
		p.refuse(illegal(name))
		return nil
	}
	ids := make([]netease.AccID, len(words))
	for i, w := range words {
		ids[i] = p.accID(name, w)
	}
	return ids
}

// notice reads what the room is to be told. Nobody is listening here: it is checked and let go.
func (p *params) notice() {
	if v, given := p.optional("needNotify"); given {
		p.boolean("needNotify", v)
	}
	if v, _ := p.optional("notifyExt"); utf8.RuneCountInString(v) > netease.MaxNotifyExtLength {
		p.refuse(illegal("notifyExt"))
	}
}

// digits reads a number of decimal digits and nothing else.
func digits(v string) (int64, bool) {
	n, err := strconv.ParseUint(v, 10, 63)
	return int64(n), err == nil
}
