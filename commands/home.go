package commands

import (
	"cmp"
	"context"
	"strings"
	"time"

	"roomwarden/journal"
	"roomwarden/permissions"
)

const (
	homeActive = 10 // of what is in force
	homeMine   = 10 // of somebody's own commands
	homeForms  = 3  // that can be opened there: what is ended has its button below what is in force

	homeWait = time.Second // for outcomes that are being written
)

// A Home is what somebody sees of themselves and their rooms at a glance. Nothing of it is written down.
type Home struct {
	Language Language
	Who      Reply    // what whoami answers
	Forms    []Choice // commands that a form asks the rest of
	Active   []Item   // what is in force in their rooms; what ends first comes first
	More     Prose    // what Active leaves out, or that it is empty; nil: nothing
	Mine     []Prose
	Commands []Field // what they may use, as help lists it
	Stranger bool    // no entry of the policy file is theirs: there is nothing but Who
}

// An Item is one thing that is in force, and what can be done about it.
type Item struct {
	Text    Prose
	Choices []Choice
}

// Home gathers what somebody sees at a glance. NetEase is asked what is still so, within ctx; what it does not tell is marked. An error is the
// journal's, and then the rest is there all the same.
func (d *Dispatcher) Home(ctx context.Context, who permissions.Subject, locale string) (Home, error) {
	l := LanguageOf(locale, d.Language)
	about := func(name string) *job {
		row, _ := find(Table, name)
		return d.job(Call{Command: row, args: map[string]Value{}}, who, l)
	}
	you := about("whoami")
	h := Home{Language: l, Who: you.reply(d.run(you, func() ending { return whoami(ctx, you) })), Stranger: len(d.Policy().Entries(who)) == 0}
	if h.Stranger {
		h.Who.Fields = nil // the text has the id
		return h, nil
	}
	for _, row := range Table {
		if reach := d.Policy().Reach(who, row.Right); row.Right != "" && !reach.All && len(reach.Rooms) == 0 {
			continue
		}
		h.Commands = append(h.Commands, Field{Label: row.Name, Value: Prose{}.words(row.Help.In(l))})
		if row.Title.English != "" && len(h.Forms) < homeForms && !strings.HasPrefix(row.Name, "un") {
			h.Forms = append(h.Forms, Choice{Label: row.Title.In(l) + "…", Line: row.Name})
		}
	}
	j := about("active")
	mine, failed := j.newest(ctx, journal.Query{By: who.ID(), Limit: 5 * homeMine})
	err := j.homeActive(ctx, &h)
	for _, e := range mine {
		if len(h.Mine) == homeMine || !j.theirs(e) {
			continue
		}
		h.Mine = append(h.Mine, j.say(Text{"#{number} {at}: {line} → {outcome}", "#{number} {at}：{line} → {outcome}"},
			values{"number": e.Number, "at": e.At, "line": id(shorten(j.told(e))), "outcome": j.outcomeOf(e)}))
	}
	return h, cmp.Or(err, failed)
}

// theirs tells whether an entry is of a room in which the person may still do what it says; what someone may not touch does not exist for them.
func (j *job) theirs(e journal.Entry) bool {
	row, _ := find(j.table, e.Command)
	return e.Room == 0 || row.Right != "" && j.policy.Reach(j.who, row.Right).Has(e.Room)
}

// newest are the newest entries that q selects. What somebody has just done is among them with its outcome, which may be written some moments after
// its answer was read.
func (j *job) newest(ctx context.Context, q journal.Query) ([]journal.Entry, error) {
	entries, err := j.journal.List(ctx, q)
	wait, cancel := context.WithTimeout(ctx, homeWait)
	defer cancel()
	for _, e := range entries {
		if e.Outcome != journal.Running {
			continue
		}
		if _, failed := j.ended(wait, e.Number); failed == nil {
			entries, err = j.journal.List(ctx, q)
		}
	}
	return entries, err
}

// homeActive adds what is in force in the rooms in which the person may see it.
func (j *job) homeActive(ctx context.Context, h *Home) error {
	q := journal.Query{}
	reach := j.policy.Reach(j.who, j.Command.Right)
	if !reach.All {
		q.Rooms = append([]int64{}, reach.Rooms...) // not nil: no rooms is not all rooms
	}
	all, complete, err := j.inForce(ctx, q)
	if err != nil {
		return err
	}
	there, gone, _, looked := j.there(ctx, all, homeActive)
	for _, l := range soonest(there[:min(len(there), homeActive)]) {
		h.Active = append(h.Active, Item{
			Text:    j.say(Text{"#{number}: ", "#{number}："}, values{"number": l.entry.Number}).add(j.language, j.inWords(l, true)),
			Choices: j.handles(l),
		})
	}
	switch {
	case len(there) == 0 && complete && looked == len(all):
		h.More = j.say(Text{"Nothing that this bot has set is in force in your rooms.", "你的聊天室中没有由本机器人设置的、仍在生效的操作。"}, nil)
	case len(there) > homeActive || looked < len(all) || !complete:
		h.More = j.say(Text{"There is more, about {n} in all: {active} lists it.", "还有更多，共约 {n} 项，可用 {active} 查看。"},
			values{"n": len(all) - gone, "active": typeable("active")})
	}
	return nil
}
