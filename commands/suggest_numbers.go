package commands

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
)

// numbers are the numbers that make sense of a command: of entries that it can be about, or of status codes.
func (s *suggester) numbers(ctx context.Context, a Arg) []Suggestion {
	if s.word = strings.TrimPrefix(s.word, "#"); s.Command.Name == "explain" {
		return s.pick(s.codes())
	}
	if a.Name != "number" {
		return nil
	}
	var all []candidate
	switch s.Command.Name {
	case "show":
		all = s.visible(ctx)
	case "undo":
		all = s.reversible(ctx)
	case "extend":
		all = s.extensible(ctx)
	case "confirm", "cancel":
		all = s.questions(ctx)
	case "retry":
		all = s.repeatable(ctx)
	}
	if !digits(s.word) { // each word that is typed must be there
		all = slices.DeleteFunc(all, func(c candidate) bool {
			label := strings.ToLower(fold(c.Label))
			return slices.ContainsFunc(strings.Fields(s.word), func(word string) bool { return !strings.Contains(label, word) })
		})
		s.word = ""
	}
	all = slices.DeleteFunc(all, func(c candidate) bool { return !strings.HasPrefix(c.Value, s.word) })
	return s.pick(all)
}

// codes are the status codes that are listed.
func (s *suggester) codes() (all []candidate) {
	for _, code := range netease.Codes() {
		number := strconv.Itoa(int(code))
		label := number + " — " + Text(netease.Explain(code, "").What).In(s.language)
		all = append(all, candidate{Suggestion{label, number}, []string{number, strings.ToLower(label)}})
	}
	return all
}

// touches tells whether the person may do something about an entry: what it says, in its room.
func (s *suggester) touches(e journal.Entry) bool {
	row, _ := find(s.table, e.Command)
	reach := s.reach(row.Right)
	return row.Right != "" && reach.Has(e.Room) && (e.Room != 0 || reach.All)
}

// changing narrows a query to what changes something, in the rooms in which the person may do any of that.
func (s *suggester) changing(q journal.Query) journal.Query {
	q.Commands = changes(s.table)
	rooms := []int64{} // not nil: no rooms is not all rooms
	for _, row := range s.table {
		if !row.Write {
			continue
		}
		reach := s.reach(row.Right)
		if reach.All {
			return q
		}
		rooms = append(rooms, reach.Rooms...)
	}
	slices.Sort(rooms)
	q.Rooms = slices.Compact(rooms)
	return q
}

// ownFirst are the person's own entries that q selects, and then those of others.
func (s *suggester) ownFirst(ctx context.Context, q journal.Query) []journal.Entry {
	q = s.changing(q)
	own := q
	own.By = s.who.ID()
	var mine, others []journal.Entry
	for _, e := range together(s.entries(ctx, own), s.entries(ctx, q)) {
		if s.isMine(e) {
			mine = append(mine, e)
		} else {
			others = append(others, e)
		}
	}
	return append(mine, others...)
}

// visible are the newest entries that show would show, and the one whose number is typed.
func (s *suggester) visible(ctx context.Context) (all []candidate) {
	entries := s.entries(ctx, s.within(journal.Query{}))
	number, err := strconv.ParseInt(s.word, 10, 64)
	known := slices.ContainsFunc(entries, func(e journal.Entry) bool { return e.Number == number })
	if err == nil && number > 0 && !known {
		entries = append(s.entries(ctx, s.within(journal.Query{After: number - 1, Before: number + 1})), entries...)
	}
	for _, e := range entries {
		all = append(all, s.numbered(e, ""))
	}
	return all
}

// reversible are the entries that can be taken back, as far as the journal tells at a glance: the last word on their target, and not over.
func (s *suggester) reversible(ctx context.Context) (all []candidate) {
	entries := s.ownFirst(ctx, journal.Query{Since: s.now.Add(-recently), Outcomes: []journal.Outcome{journal.Running, journal.Done, journal.Unknown}})
	newest := map[thing]int64{}
	for _, e := range entries {
		if !leaves(e) {
			newest[thingOf(e)] = max(newest[thingOf(e)], e.Number)
		}
	}
	for _, e := range entries {
		if newest[thingOf(e)] != e.Number || e.Outcome == journal.Running || !s.touches(e) {
			continue
		}
		standing, says := s.weigh(e, s.now)
		ended := kindOf(e.Command).ends(standing.call) && standing.call.args[ends].Number == 0
		if ended || says == saysLasts {
			all = append(all, s.numbered(e, ""))
		}
	}
	return all
}

// extensible are the entries that last, as far as the journal tells at a glance; what ends first comes first.
func (s *suggester) extensible(ctx context.Context) (all []candidate) {
	q := s.changing(journal.Query{Since: s.now.Add(-lately)})
	last := s.entries(ctx, lasting(q, s.now))
	q.Outcomes = effective
	list := s.standings(together(last, s.entries(ctx, q)))
	slices.SortStableFunc(list, func(a, b standing) int { return endsFirst(a.until, b.until) })
	for _, l := range list {
		timer := l.entry.Command == "delayclose"
		hasEnd := timer && l.entry.Outcome == journal.Done || l.call.args["duration"].Length > 0
		over := !l.until.IsZero() && !l.until.After(s.now)
		if !hasEnd || over || !s.touches(l.entry) {
			continue
		}
		until := ""
		if !l.until.IsZero() {
			until = s.say(Text{"until {then}", "至 {then}"}, values{"then": s.moment(l.until)}).String()
		}
		all = append(all, s.numbered(l.entry, until))
	}
	return all
}

// questions are what the bot has asked the person and may still be answered.
func (s *suggester) questions(ctx context.Context) (all []candidate) {
	answered := map[int64]bool{}
	for _, e := range s.entries(ctx, journal.Query{By: s.who.ID(), Since: s.now.Add(-confirmTime)}) { // answers come before their questions
		call, err := s.parse(e.Effect)
		if err != nil || !s.isMine(e) {
			continue
		}
		kept, _ := keptOf(e)
		if e.Outcome != journal.Refused || kept.Tone == Asks {
			answered[call.args[confirms].Number] = true
		}
		if e.Command == "cancel" && e.Outcome != journal.Refused {
			answered[call.args["number"].Number] = true
		}
		open := kept.Question || kept.Tone == Asks && s.Command.Name == "cancel"
		if open && !answered[e.Number] && s.touches(e) {
			all = append(all, s.numbered(e, ""))
		}
	}
	return all
}

// repeatable are the entries that failed or may have.
func (s *suggester) repeatable(ctx context.Context) (all []candidate) {
	for _, e := range s.ownFirst(ctx, journal.Query{Since: s.now.Add(-recently), Outcomes: []journal.Outcome{journal.Failed, journal.Unknown}}) {
		if s.touches(e) {
			all = append(all, s.numbered(e, ""))
		}
	}
	return all
}

// numbered is a suggestion of an entry: its command and how that ended, or what is said in place of that.
func (s *suggester) numbered(e journal.Entry, instead string) candidate {
	number := formatNumber(e.Number)
	label := s.say(Text{"#{number} {line} → {how}", "#{number} {line} → {how}"}, values{
		"number": number, "line": shorten(s.brief(e)), "how": cmp.Or(instead, howEnded(e).In(s.language))})
	if instead == "" {
		label = append(label, s.say(Text{", {ago}", "，{ago}"}, values{"ago": s.ago(e.At)})...)
	}
	if !s.isMine(e) {
		label = append(label, s.say(Text{", by {by}", "，操作人 {by}"}, values{"by": cmp.Or(entryBy(e), Text{"the bot", "机器人"}.In(s.language))})...)
	}
	return candidate{Suggestion{label.String(), number}, []string{number}}
}

// ago is how long ago a moment was, in one unit.
func (s *suggester) ago(at time.Time) string {
	since := s.now.Sub(at)
	for _, u := range units[1:] { // days and smaller
		if since >= u.size {
			return s.say(Text{"{for} ago", "{for}前"}, values{"for": since.Truncate(u.size)}).String()
		}
	}
	return Text{"just now", "刚刚"}.In(s.language)
}
