package sqlstore

import (
	"strings"
	"time"
	"unicode/utf8"

	"roomwarden/journal"
)

// columns are those of an entry that everybody may see, in the order in which an entryRow scans them. secrets may follow.
const (
	columns = `number, key, request_id, at_us, platform, space, channel, person, name, line, effect, command, room, target, reason, write,
		reply_by_us, outcome, moderator, code, answer, text, until_us, duration_us, open, delivery, deliveries, owner, attempts, seal`
	secrets = `, resume, reply_to`
)

// scan reads the columns of an entry, and what follows them into more.
func scan(r row, more ...any) (e journal.Entry, err error) {
	var key []byte
	var at, duration int64
	var replyBy, until *int64
	err = r.Scan(append([]any{&e.Number, &key, &e.RequestID, &at, &e.Platform, &e.Space, &e.Channel, &e.Person, &e.Name, &e.Line, &e.Effect, &e.Command,
		&e.Room, &e.Target, &e.Reason, &e.Write, &replyBy, (*string)(&e.Outcome), &e.Moderator, &e.Code, &e.Answer, &e.Text, &until, &duration,
		&e.Open, (*string)(&e.Delivery), &e.Deliveries, &e.Owner, &e.Attempts, &e.Seal}, more...)...)
	e.Key, e.At, e.Duration = string(key), time.UnixMicro(at).UTC(), time.Duration(duration)*time.Microsecond
	e.ReplyBy, e.Until = timeOf(replyBy), timeOf(until)
	return e, err
}

// scanAll reads the columns of an entry and its secrets.
func scanAll(r row) (journal.Entry, error) {
	var resume, replyTo []byte
	e, err := scan(r, &resume, &replyTo)
	e.Resume, e.ReplyTo = resume, string(replyTo)
	return e, err
}

// asBegun is e as Begin writes it: reading it back would cost more than writing it.
func asBegun(e journal.Entry, owner string) journal.Entry {
	return journal.Entry{
		Key: e.Key, RequestID: clean(e.RequestID), At: time.UnixMicro(e.At.UnixMicro()).UTC(),
		Platform: clean(e.Platform), Space: clean(e.Space), Channel: clean(e.Channel), Person: clean(e.Person), Name: clean(e.Name),
		Line: clean(e.Line), Effect: clean(e.Effect), Command: clean(e.Command), Room: e.Room, Target: clean(e.Target), Reason: clean(e.Reason), Write: e.Write,
		Resume: e.Resume, ReplyTo: e.ReplyTo, ReplyBy: timeOf(micros(e.ReplyBy)),
		Outcome: journal.Running, Open: true, Delivery: journal.Pending, Deliveries: 1, Owner: owner, Attempts: 1,
	}
}

// clean is text that every database takes: PostgreSQL knows no zero byte and nothing that is not UTF-8. Each byte of that becomes U+FFFD.
func clean(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.ReplaceAll(string([]rune(text)), "\x00", "\uFFFD")
}

// micros is a time as it is kept: NULL when it is zero.
func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

func timeOf(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return time.UnixMicro(*us).UTC()
}

// blob is a text as bytes: NULL when it is empty.
func blob(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}
