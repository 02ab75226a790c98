package commands

import (
	"context"
	"errors"
	"strings"
	"time"

	"roomwarden/journal"
	"roomwarden/netease"
	"roomwarden/permissions"
)

const (
	recentEntries = 100 // of somebody's own, in which rooms they used are looked for
	recentRooms   = 10  // that are offered
)

// Form finds the command that a line means when somebody types nothing but its name, "mute" or "/nim mute", and that a form can ask
// the rest of.
func Form(line string) (Command, bool) {
	name, rest := firstWord(strings.ToValidUTF8(line, "\uFFFD"))
	if name == root {
		name, rest = firstWord(rest)
	}
	row, ok := find(Table, name)
	return row, ok && row.Title.English != "" && strings.TrimSpace(rest) == ""
}

// Presets are the lengths of time that are offered of an argument, each as people read it and as its line has it.
func (a Arg) Presets(l Language) (lengths []Choice) {
	for _, d := range a.usual() {
		lengths = append(lengths, Choice{Label: length(l, d), Line: compact(d)})
	}
	return lengths
}

// usual are the Presets.
func (a Arg) usual() (lengths []time.Duration) {
	const day = 24 * time.Hour
	all := []time.Duration{5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour, day, 7 * day}
	if a.Most > netease.MaxMute { // a look back
		all = []time.Duration{time.Hour, 6 * time.Hour, day, 2 * day, 7 * day, 30 * day, 90 * day}
	}
	for _, d := range all {
		if a.Kind == Duration && d <= a.Most {
			lengths = append(lengths, d)
		}
	}
	return lengths
}

// A Place is a room that a form offers.
type Place struct {
	Room int64
	Name string // in the policy file; empty: it has none
}

// Rooms are the rooms to offer somebody for a command: first those that they used lately, then the others that have a name, all of them
// rooms in which they may give it. It returns when it is known or ctx ends; an error is the journal's, and then the named ones are there all the same.
func (d *Dispatcher) Rooms(ctx context.Context, who permissions.Subject, row Command) ([]Place, error) {
	policy := d.Policy()
	reach := policy.Reach(who, row.Right)
	var offered []Place
	met := map[int64]bool{}
	offer := func(room int64) {
		if room > 0 && !met[room] && reach.Has(room) {
			met[room] = true
			offered = append(offered, Place{room, policy.RoomName(room)})
		}
	}
	if len(policy.Entries(who)) == 0 {
		return nil, nil
	}
	entries, err := d.Journal.List(ctx, journal.Query{By: who.ID(), Limit: recentEntries})
	for _, e := range entries {
		if len(offered) < recentRooms && e.Outcome != journal.Refused && e.Outcome != journal.Failed {
			offer(e.Room)
		}
	}
	for _, name := range policy.RoomNames() {
		if room, ok := policy.Room(name); ok {
			offer(room)
		}
	}
	return offered, err
}

// Fill makes a line of what somebody has written into the form of a command, by argument. wrong is what cannot be taken, by
// argument, in their language: then there is no line. But where all that is wrong is the room, because they may not give the command there, the line is there
// all the same: whoever carries it out has the refusal written down. Nothing is sent and nothing written down here; whoever gives the line to Handle is
// asked for their right again.
func (d *Dispatcher) Fill(who permissions.Subject, row Command, filled map[string]string, locale string) (line string, wrong map[string]Prose) {
	l := LanguageOf(locale, d.Language)
	call := Call{Command: row, args: map[string]Value{}}
	wrong = map[string]Prose{}
	first := "" // that forms ask for
	for _, a := range row.Args {
		if a.Label.English == "" {
			continue
		}
		if first == "" {
			first = a.Name
		}
		value := strings.TrimSpace(strings.ToValidUTF8(filled[a.Name], "\uFFFD"))
		switch {
		case value != "":
			if mistake := call.set(a, word{name: a.Name, value: value, quoted: true, raw: value}); mistake != nil {
				wrong[a.Name] = mistake.problem(l)
			}
		case a.Required:
			wrong[a.Name] = say(l, Text{"Fill this in: {help}.", "请填写：{help}。"}, values{"help": a.Help.In(l)})
		}
	}
	mistakes := len(wrong)
	if _, given := call.args[room.Name]; given {
		if where, denied := d.noRoom(who, call, l); denied {
			wrong[room.Name] = where
		}
	}
	if mistakes > 0 {
		return "", wrong
	}
	if mistake := call.whole(); mistake != nil {
		at := first
		for _, a := range row.Args { // the argument that the rest of the form excludes
			if v, given := call.args[a.Name]; given && a.Kind == Duration && v.Length > 0 {
				at = a.Name
			}
		}
		return "", map[string]Prose{at: mistake.problem(l)}
	}
	line = call.String()
	if _, err := Parse(line); err != nil { // longer than a line may be
		mistake, _ := errors.AsType[*Mistake](err)
		return "", map[string]Prose{first: mistake.problem(l)}
	}
	return line, wrong
}

// noRoom tells whether a room is none in which somebody may give a command, as far as that is known, and what they read.
func (d *Dispatcher) noRoom(who permissions.Subject, call Call, l Language) (Prose, bool) {
	if who.Unsure {
		return nil, false
	}
	j := d.job(call, who, l)
	if at := j.args[room.Name]; at.Word != "" {
		number, _ := j.policy.Room(at.Word)
		j.room = netease.RoomID(number)
	} else {
		j.room = at.Room
	}
	_, denied := d.allow(j)
	return denied, denied != nil
}
