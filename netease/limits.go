package netease

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ParseAccID reads an account id: 1 to 32 letters, digits and _ @ . -, lower-cased as NetEase does.
func ParseAccID(s string) (AccID, error) {
	if s == "" {
		return "", fmt.Errorf("an account id is needed")
	}
	if n := utf8.RuneCountInString(s); n > MaxAccIDLength {
		return "", fmt.Errorf("an account id has at most %d characters, not %d", MaxAccIDLength, n)
	}
	for _, r := range s {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@.-", r) {
			return "", fmt.Errorf("an account id has only letters, digits and _ @ . -, not %q", r)
		}
	}
	return AccID(strings.ToLower(s)), nil
}

// A form is what one call sends, checked while it is filled: the first value that breaks a limit is kept in err.
type form struct {
	op     Op
	fields map[string]string
	err    *InvalidError

	requestID string // names the effect over all attempts; empty: a read, whose every attempt has an id of its own
	repeated  bool   // an earlier process may have sent it
}

func newForm(op Op) *form { return &form{op: op, fields: map[string]string{}} }

func (f *form) invalid(field, format string, a ...any) {
	if f.err == nil {
		f.err = &InvalidError{Op: f.op, Field: field, Reason: fmt.Sprintf(format, a...)}
	}
}

// effect makes it a form that changes something.
func (f *form) effect(requestID string, repeated bool) {
	if repeated && requestID == "" {
		f.invalid("RequestId", "a repeat has the id of what it repeats")
	}
	f.requestID, f.repeated = cmp.Or(requestID, NewRequestID()), repeated
}

func (f *form) changes() bool { return f.requestID != "" }

func (f *form) room(field string, id RoomID) {
	if id < 1 {
		f.invalid(field, "a room id is 1 or more, not %d", id)
	}
	f.fields[field] = strconv.FormatInt(int64(id), 10)
}

func (f *form) account(field string, id AccID) {
	clean, err := ParseAccID(string(id))
	if err != nil {
		f.invalid(field, "%v", err)
	}
	f.fields[field] = string(clean)
}

func (f *form) seconds(field string, d, least, most time.Duration) {
	if d < least || d > most {
		f.invalid(field, "%v is not within %v and %v", d, least, most)
	}
	if d%time.Second != 0 {
		f.invalid(field, "%v is not in whole seconds", d)
	}
	f.fields[field] = strconv.FormatInt(int64(d/time.Second), 10)
}

func (f *form) notify(quiet bool, ext string) {
	f.fields["needNotify"] = strconv.FormatBool(!quiet)
	if n := utf8.RuneCountInString(ext); n > MaxNotifyExtLength {
		f.invalid("notifyExt", "at most %d characters, not %d", MaxNotifyExtLength, n)
	}
	if ext != "" {
		f.fields["notifyExt"] = ext
	}
}

func (f *form) accounts(field string, ids []AccID) {
	if len(ids) == 0 || len(ids) > MaxQueryMembers {
		f.invalid(field, "1 to %d accounts, not %d", MaxQueryMembers, len(ids))
	}
	clean := make([]AccID, len(ids))
	for i, id := range ids {
		var err error
		if clean[i], err = ParseAccID(string(id)); err != nil {
			f.invalid(field, "%v", err)
		}
	}
	list, _ := json.Marshal(clean) // strings always marshal
	f.fields[field] = string(list)
}
