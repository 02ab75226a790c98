package commands

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

const (
	mostSuggestions   = 25
	longestSuggestion = 100 // characters of a label, and of a value

	suggestEntries = 200                 // that are read for one list; two lists at most
	recently       = 24 * time.Hour      // is what may be undone or done again
	lately         = 30 * 24 * time.Hour // accounts were acted on, and what still lasts was set
)

// A Suggestion is one value that an argument may have.
type Suggestion struct {
	Label string // as people read it, at most 100 characters
	Value string // as the line has it
}

// Suggest are the values to offer somebody for the argument named focused of a command, who has typed so much of it; filled is what the other
// arguments hold as typed. They are 25 at most, the likeliest first. Nothing is written down, NetEase is not asked, and the journal at most twice: when ctx
// ends or the journal fails it returns what is known. What someone may not touch does not exist for them: rooms in which they have not the command's right,
// entries of other rooms; for strangers there is nothing.
func (d *Dispatcher) Suggest(ctx context.Context, who permissions.Subject, row Command, focused, typed string, filled map[string]string, locale string) []Suggestion {
	arg, ok := row.arg(focused)
	j := d.job(Call{Command: row, args: map[string]Value{}}, who, LanguageOf(locale, d.Language))
	if !ok || len(j.policy.Entries(who)) == 0 {
		return nil
	}
	s := &suggester{job: j, typed: plain(typed), filled: filled, now: time.Now(), reaches: map[permissions.Right]permissions.Reach{}}
	s.word = strings.TrimRight(tidy(s.typed), ".")
	if reach := s.reach(row.Right); row.Right != "" && !reach.All && len(reach.Rooms) == 0 {
		return nil
	}
	switch arg.Kind {
	case Room:
		return s.rooms(ctx, d)
	case Account:
		return s.pick(s.accounts(ctx))
	case Duration:
		return s.lengths(ctx, arg)
	case OneOf:
		return s.pick(s.choices(arg))
	case Number:
		return s.numbers(ctx, arg)
	case Words:
		if arg.Name == "by" {
			return s.pick(s.people(ctx))
		}
	}
	return nil
}

// A suggester makes the suggestions of one call: those of a command that is not given yet.
type suggester struct {
	*job
	typed  string // without what cannot be seen
	word   string // the same, as ids and names are read
	filled map[string]string
	now    time.Time

	reaches map[permissions.Right]permissions.Reach // that were asked for so far
}

// reach is where the person has a right.
func (s *suggester) reach(right permissions.Right) permissions.Reach {
	reach, known := s.reaches[right]
	if !known {
		reach = s.policy.Reach(s.who, right)
		s.reaches[right] = reach
	}
	return reach
}

// within narrows a query to the rooms in which the person has the command's right.
func (s *suggester) within(q journal.Query) journal.Query {
	if reach := s.reach(s.Command.Right); !reach.All {
		q.Rooms = append([]int64{}, reach.Rooms...) // not nil: no rooms is not all rooms
	}
	return q
}

// entries are what the journal has for a query, newest first; none when it fails.
func (s *suggester) entries(ctx context.Context, q journal.Query) []journal.Entry {
	if ctx.Err() != nil {
		return nil
	}
	q.Limit = suggestEntries
	entries, err := s.journal.List(ctx, q)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("journal: list", "err", err)
	}
	return entries
}

// A candidate is a suggestion, and the words by which it is found.
type candidate struct {
	Suggestion
	words []string // in lower case
}

// pick are the candidates that fit what is typed: first the one that is meant exactly, then those that begin so, then those that hold it.
func (s *suggester) pick(all []candidate) (picked []Suggestion) {
	type ranked struct {
		Suggestion
		rank int
	}
	var fits []ranked
	for _, c := range all {
		if rank, ok := rank(s.word, c.words); ok {
			fits = append(fits, ranked{c.Suggestion, rank})
		}
	}
	slices.SortStableFunc(fits, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	for _, f := range fits {
		picked = append(picked, f.Suggestion)
	}
	return bounded(picked)
}

// rank tells how well something fits what was typed, by its words; 0 is best.
func rank(typed string, words []string) (rank int, ok bool) {
	if typed == "" {
		return 1, true
	}
	rank = 3
	for _, w := range words {
		switch {
		case w == typed:
			return 0, true
		case strings.HasPrefix(w, typed):
			rank = min(rank, 1)
		case strings.Contains(w, typed):
			rank = min(rank, 2)
		}
	}
	return rank, rank < 3
}

// bounded keeps suggestions within their limits, each value once.
func bounded(all []Suggestion) (kept []Suggestion) {
	met := map[string]bool{}
	for _, s := range all {
		if s.Value == "" || utf8.RuneCountInString(s.Value) > longestSuggestion || met[s.Value] || len(kept) == mostSuggestions {
			continue
		}
		met[s.Value] = true
		kept = append(kept, Suggestion{Label: cmp.Or(cut(plain(s.Label)), s.Value), Value: s.Value})
	}
	return kept
}

// cut is s, no longer than a suggestion may be.
func cut(s string) string {
	if utf8.RuneCountInString(s) > longestSuggestion {
		return clip(s, longestSuggestion-1)
	}
	return s
}

// rooms are those in which the person may give the command, what they used lately first. The id of another one in which they may is offered as it is typed.
func (s *suggester) rooms(ctx context.Context, d *Dispatcher) []Suggestion {
	reach := s.reach(s.Command.Right)
	places, err := d.Rooms(ctx, s.who, s.Command)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("journal: list", "err", err)
	}
	for _, number := range s.policy.Rooms() {
		if reach.Has(number) {
			places = append(places, Place{number, s.policy.RoomName(number)})
		}
	}
	s.word = strings.TrimPrefix(s.word, "#")
	var all []candidate
	for _, p := range places {
		number := formatNumber(p.Room)
		all = append(all, candidate{Suggestion{placeOf(s.policy, netease.RoomID(p.Room)).String(), number}, []string{p.Name, number}})
	}
	picked := s.pick(all)
	typed, mistake := readRoom(s.word)
	if mistake == nil && typed.Room > 0 && reach.Has(int64(typed.Room)) {
		number := formatRoom(typed.Room)
		picked = append(picked[:min(len(picked), mostSuggestions-1)], Suggestion{placeOf(s.policy, typed.Room).String(), number})
	}
	return bounded(picked)
}

// choices are those of an argument, in words.
func (s *suggester) choices(a Arg) (all []candidate) {
	for i, choice := range a.Choices {
		label := choice
		if i < len(a.Labels) {
			label = a.Labels[i].In(s.language)
		} else if ended, ok := outcomes[journal.Outcome(choice)]; ok {
			label = ended.In(s.language)
		}
		all = append(all, candidate{Suggestion{label, choice}, []string{choice, strings.ToLower(label)}})
	}
	return all
}

// people are who has given commands lately, in rooms in which the person may see that: as by takes them.
func (s *suggester) people(ctx context.Context) []candidate {
	me := Text{"me", "我"}.In(s.language)
	all := []candidate{{Suggestion{me, "me"}, []string{"me", me}}}
	for _, e := range s.entries(ctx, s.within(journal.Query{})) {
		if e.Person == "" || e.Person == s.who.ID() {
			continue
		}
		label := entryBy(e)
		all = append(all, candidate{Suggestion{label, e.Person}, []string{strings.ToLower(e.Person), tidy(label)}})
	}
	return all
}
