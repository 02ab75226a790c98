package commands

import (
	"context"
	"strconv"
	"strings"
	"time"

	"roomwarden/journal"
)

// lengths are lengths of time: what is typed and what it comes to, or what is wrong with it and how it is written right, and then usual ones that
// begin so.
func (s *suggester) lengths(ctx context.Context, a Arg) []Suggestion {
	var all []Suggestion
	if s.word != "" {
		all = s.measured(ctx, a)
	}
	if s.timer() == closeOff {
		return bounded(all)
	}
	for _, d := range a.Presets(s.language) {
		if strings.HasPrefix(d.Line, s.word) || strings.HasPrefix(d.Label, s.word) {
			all = append(all, Suggestion{d.Label, d.Line})
		}
	}
	return bounded(all)
}

// measured is what was typed as a length of time, or what is wrong with it and how it is written right.
func (s *suggester) measured(ctx context.Context, a Arg) []Suggestion {
	value, mistake := a.readDuration(s.Command, s.word)
	if mistake == nil {
		return []Suggestion{s.echo(ctx, a, value.Length)}
	}
	mistake.Word = s.typed
	all := []Suggestion{{Label: mistake.problem(s.language).String(), Value: cut(s.typed)}}
	for _, better := range []string{mistake.Near, strings.ReplaceAll(s.word, " ", "")} {
		if value, mistake := a.readDuration(s.Command, better); mistake == nil {
			return append(all, s.echo(ctx, a, value.Length))
		}
	}
	return all
}

// echo is a length as it was understood, and what it would come to now.
func (s *suggester) echo(ctx context.Context, a Arg, d time.Duration) Suggestion {
	v := values{"length": d, "then": s.moment(s.now.Add(d))}
	var say Text
	switch s.Command.Name + " " + a.Name {
	case "delayclose delay":
		say = s.closes()
	case "history since":
		say, v["then"] = Text{"{length} → since {then}", "{length} → 自 {then} 起"}, s.moment(s.now.Add(-d))
	case "extend duration":
		say = Text{"{length} → {length} longer", "{length} → 延长 {length}"}
		if end := s.end(ctx); !end.IsZero() {
			say, v["then"] = Text{"{length} → {length} longer, until {then}", "{length} → 延长 {length}，至 {then}"}, s.moment(end.Add(d))
		}
	default:
		say = Text{"{length} → until {then}", "{length} → 至 {then}"}
	}
	return Suggestion{Label: s.say(say, v).String(), Value: compact(d)}
}

// timer is the policy of a timer that is filled in; empty: none is.
func (s *suggester) timer() string { return strings.TrimRight(tidy(plain(s.filled["policy"])), ".") }

// closes tells what a delay means with the policy that is filled in.
func (s *suggester) closes() Text {
	switch s.timer() {
	case closeOff:
		return Text{"{length} → leave this empty with off", "{length} → off 不需要填时长"}
	case closeFixed:
		return Text{"{length} → closes at about {then}, with people inside too", "{length} → 约 {then} 关闭，有人也关"}
	case closeIdle:
		return Text{"{length} → closes {then} at the earliest, once it has been empty so long", "{length} → 最早 {then} 关闭，须连续无人这么久"}
	}
	return Text{"{length} → closes {then} at the earliest", "{length} → 最早 {then} 关闭"}
}

// end is when the entry that is filled in ends, as far as the person may know of it; zero: nobody knows.
func (s *suggester) end(ctx context.Context) time.Time {
	number, err := strconv.ParseInt(strings.TrimPrefix(tidy(plain(s.filled["number"])), "#"), 10, 64)
	if err != nil || number < 1 {
		return time.Time{}
	}
	for _, e := range s.entries(ctx, journal.Query{After: number - 1, Before: number + 1}) {
		if s.touches(e) && e.Outcome == journal.Done && e.Until.After(s.now) {
			return e.Until
		}
	}
	return time.Time{}
}

// moment is a moment as short as it can be told from others: the day of the week within six days, and else the date.
func (s *suggester) moment(at time.Time) string {
	at, now := at.UTC().Round(time.Second), s.now.UTC()
	layout := Text{"2 Jan 2006 15:04 UTC", "2006年1月2日 15:04 UTC"}
	clock := "15:04 UTC"
	if at.Sub(now).Abs() < 10*time.Minute {
		clock = "15:04:05 UTC"
	}
	switch {
	case at.Sub(now).Abs() < 6*24*time.Hour && s.language == Chinese:
		return weekdays[at.Weekday()] + " " + at.Format(clock)
	case at.Sub(now).Abs() < 6*24*time.Hour:
		return at.Format("Mon " + clock)
	case at.Year() == now.Year():
		layout = Text{"2 Jan 15:04 UTC", "1月2日 15:04 UTC"}
	}
	return at.Format(layout.In(s.language))
}

var weekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}
