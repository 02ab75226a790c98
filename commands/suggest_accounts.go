package commands

import (
	"context"
	"strings"
	"time"

	"roomwarden/journal"
)

// accounts are those that were acted on lately: in the room that is filled in, or else by the person in any of their rooms. Where a mute is to end, those come first
// whose mute lasts.
func (s *suggester) accounts(ctx context.Context) []candidate {
	q := journal.Query{Since: s.now.Add(-lately)}
	if s.Command.Write { // what never took place may be misspelt
		q.Commands, q.Outcomes = kindOf("mute").commands(), effective
	}
	var last []journal.Entry // mutes that last, however much came after them
	if typed := strings.TrimSpace(s.filled[room.Name]); typed != "" {
		at, ok := s.at(typed)
		if !ok {
			return nil
		}
		q.Room = at
		if s.Command.Name == "unmute" {
			last = s.entries(ctx, lasting(q, s.now))
		}
	} else {
		q.By = s.who.ID()
	}
	entries := s.entries(ctx, s.within(q))
	var first, rest []candidate
	if s.Command.Name == "unmute" {
		for _, standing := range s.standings(together(last, entries)) {
			if e := standing.entry; q.By == "" || s.isMine(e) {
				first = append(first, s.account(e.Target, standing.until))
			}
		}
	}
	for _, e := range entries {
		if e.Target != "" && (q.By == "" || s.isMine(e)) {
			rest = append(rest, s.account(e.Target, time.Time{}))
		}
	}
	return append(first, rest...)
}

// at is the room that somebody has filled in, if they may give the command there.
func (s *suggester) at(typed string) (number int64, ok bool) {
	v, mistake := readRoom(strings.TrimRight(tidy(plain(typed)), "."))
	if mistake != nil {
		return 0, false
	}
	if number = int64(v.Room); v.Word != "" {
		number, _ = s.policy.Room(v.Word)
	}
	return number, number > 0 && s.reach(s.Command.Right).Has(number)
}

// account is a suggestion of an account, with the end of its mute unless that is zero.
func (s *suggester) account(name string, until time.Time) candidate {
	label := name
	if !until.IsZero() {
		label = s.say(Text{"{name}, muted until {until}", "{name}（禁言至 {until}）"}, values{"name": name, "until": s.moment(until)}).String()
	}
	return candidate{Suggestion{label, name}, []string{name}}
}

// lasting narrows a query to what has an end that is still to come.
func lasting(q journal.Query, now time.Time) journal.Query {
	q.Lasting, q.Outcomes = now, []journal.Outcome{journal.Done, journal.Unknown}
	return q
}

// together are entries of two lists, newest first, each once.
func together(a, b []journal.Entry) (all []journal.Entry) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(a) == 0 || len(b) > 0 && b[0].Number > a[0].Number:
			all, b = append(all, b[0]), b[1:]
		case len(b) > 0 && b[0].Number == a[0].Number:
			b = b[1:]
		default:
			all, a = append(all, a[0]), a[1:]
		}
	}
	return all
}

// standings are what lasts by entries that come newest first.
func (s *suggester) standings(entries []journal.Entry) (all []standing) {
	settled := map[thing]bool{}
	for _, e := range entries {
		of := thingOf(e)
		if !e.Write || settled[of] {
			continue
		}
		standing, says := s.weigh(e, s.now)
		settled[of] = says != saysNothing
		if says == saysLasts && e.Outcome != journal.Running {
			all = append(all, standing)
		}
	}
	return all
}
