package commands

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"

	"roomwarden/journal"
)

// shownEntries is how many entries an answer lists.
const shownEntries = 10

// history lists entries of the rooms in which the person has the right; entries without a room only to those who have it in all.
func history(ctx context.Context, j *job) ending {
	q := journal.Query{
		Room: int64(j.room), Target: string(j.target()), By: j.mentioned(j.args["by"].Word), Text: j.args["text"].Word,
		Before: j.entry.Number, Limit: shownEntries + 1,
	}
	if before := j.args["before"].Number; before > 0 {
		q.Before = min(before, q.Before)
	}
	if outcome := j.args["outcome"].Word; outcome != "" {
		q.Outcomes = []journal.Outcome{journal.Outcome(outcome)}
	}
	if since := j.args["since"].Length; since > 0 {
		q.Since = time.Now().Add(-since)
	}
	if reach := j.policy.Reach(j.who, j.Command.Right); !reach.All {
		q.Rooms = append([]int64{}, reach.Rooms...) // not nil: no rooms is not all rooms
	}
	entries, err := j.journal.List(ctx, q)
	if err != nil {
		j.log.Error("journal: list", "err", err)
		return ending{tone: Failed, text: j.report(errJournal).whole()}
	}
	end := ending{tone: Info}
	for i, e := range entries {
		if i == shownEntries {
			end.text = end.text.then(j.say(Text{"There are more.", "还有更多记录。"}, nil))
			end.choices = []Choice{{Label: Text{"Older", "更早的记录"}.In(j.language), Line: j.older(entries[i-1].Number)}}
			break
		}
		end.fields = append(end.fields, Field{Label: "#" + formatNumber(e.Number), Value: j.say(
			Text{"{at} {by}: {line} → {outcome}", "{at} {by}：{line} → {outcome}"},
			values{"at": e.At, "by": cmp.Or(entryBy(e), Text{"the bot", "机器人"}.In(j.language)), "line": id(shorten(j.told(e))), "outcome": j.outcomeOf(e)})})
	}
	head := Text{"The newest entries first.", "最新的在前。"}
	if len(entries) == 0 {
		head = Text{"There are no such entries.", "没有符合条件的记录。"}
	}
	end.text = j.say(head, nil).then(end.text)
	return end
}

// told is the command of an entry as it was typed. Where that is about another entry, what it came to follows: "undo 41: unmute 123 lisi".
func (j *job) told(e journal.Entry) string {
	typed := cmp.Or(e.Line, e.Command)
	asked, err := j.parse(e.Line)
	if err != nil || !asked.Command.About {
		return typed
	}
	call, err := j.parse(e.Effect)
	if err != nil || call.Command.About {
		return typed
	}
	return typed + ": " + strings.Join(j.words(call, e), " ")
}

// brief is the command of an entry in a few words: "mute lobby lisi 5m".
func (j *job) brief(e journal.Entry) string {
	call, err := j.parse(e.Effect)
	if err != nil || call.args[extends].Number != 0 { // what an extension comes to is no line
		return cmp.Or(e.Line, e.Command)
	}
	words := strings.Join(j.words(call, e), " ")
	if n := call.args[undoes].Number; n != 0 {
		return "undo " + formatNumber(n) + ": " + words
	}
	return words
}

// words are the command of an entry and what it is about. How long an extension makes it last is not: it is added to what is left.
func (j *job) words(call Call, e journal.Entry) []string {
	words := []string{call.Command.Name}
	for _, a := range call.Command.Args {
		v, given := call.args[a.Name]
		switch {
		case !given, a.Rare, a.Kind == Words, a.Kind == YesNo:
		case a.Kind == Duration && call.args[extends].Number != 0:
		case a.Kind == Room && e.Room > 0:
			words = append(words, cmp.Or(j.policy.RoomName(e.Room), formatNumber(e.Room)))
		default:
			words = append(words, v.text(a.Kind))
		}
	}
	return words
}

// older is the line that lists what comes after the entry of a number.
func (j *job) older(number int64) string {
	c := Call{Command: j.Command, args: maps.Clone(j.args)}
	c.args["before"] = Value{Number: number}
	if by := c.args["by"].Word; by != "" {
		c.args["by"] = Value{Word: j.mentioned(by)} // who presses the button may be another "me"
	}
	return c.String()
}

// mentioned reads what was given as a person: me, a mention of Slack's or Discord's, an id or a name.
func (j *job) mentioned(who string) string {
	if strings.EqualFold(who, "me") {
		return j.who.ID()
	}
	mention, ok := strings.CutPrefix(who, "<@")
	if !ok {
		return who
	}
	user, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(mention, "!"), ">"), "|")
	other := j.who
	other.User = user
	return other.ID()
}

// outcomes are the outcomes of the journal, in words.
var outcomes = map[journal.Outcome]Text{
	journal.Running:  {"no outcome yet", "尚无结果"},
	journal.Done:     {"done", "已完成"},
	journal.NoChange: {"no change", "无变化"},
	journal.Refused:  {"refused", "已拒绝"},
	journal.Failed:   {"failed", "失败"},
	journal.Unknown:  {"unknown", "结果未知"},
}

// howEnded is the outcome of an entry, in words. A question counts as refused until it is confirmed, under another number.
func howEnded(e journal.Entry) Text {
	if kept, ok := keptOf(e); ok && kept.Tone == Asks {
		return Text{"asked back, nothing done", "待确认，未执行"}
	}
	return outcomes[e.Outcome]
}

// outcomeOf is the outcome of an entry, in words, with a mark where its person has never had the answer.
func (j *job) outcomeOf(e journal.Entry) string {
	ended := howEnded(e).In(j.language)
	if e.Delivery == journal.Undelivered {
		ended += Text{"; the answer could not be given", "；结果未能送达"}.In(j.language)
	}
	return ended
}

// outcomeChoices are the outcomes as people ask for them.
func outcomeChoices() []string {
	return []string{string(journal.Done), string(journal.NoChange), string(journal.Refused), string(journal.Failed), string(journal.Unknown), string(journal.Running)}
}

func outcomeLabels() (labels []Text) {
	for _, choice := range outcomeChoices() {
		labels = append(labels, outcomes[journal.Outcome(choice)])
	}
	return labels
}

// entryBy is who gave the command of an entry.
func entryBy(e journal.Entry) string {
	switch {
	case e.Moderator != "" && e.Name != "" && e.Name != e.Moderator:
		return e.Moderator + " (" + e.Name + ")"
	case e.Moderator != "":
		return e.Moderator
	case e.Name != "":
		return e.Name
	}
	return e.Person
}
