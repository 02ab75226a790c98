package commands

import (
	"strings"
	"time"
)

// A Tone is how a reply is meant.
type Tone string

const (
	Info     Tone = "info"     // a question was answered; nothing was to be changed
	Done     Tone = "done"     // it happened: NetEase has changed something
	NoChange Tone = "nochange" // it already was so
	Asks     Tone = "asks"     // the bot asks back; nothing was sent to NetEase
	Refused  Tone = "refused"  // the bot said no; nothing was sent to NetEase
	Failed   Tone = "failed"   // NetEase said no or was never reached: nothing happened, for certain
	Unknown  Tone = "unknown"  // no answer came, and looking did not settle it
	Working  Tone = "working"  // not an outcome: the answer follows
)

// titles say in a word what an emoji or a colour says, for who cannot see it. What answers a question needs none.
var titles = map[Tone]Text{
	Done:     {"Done", "已完成"},
	NoChange: {"No change", "无变化"},
	Asks:     {"Your decision", "请选择"},
	Refused:  {"Not done", "未执行"},
	Failed:   {"Failed", "失败"},
	Unknown:  {"Outcome unknown", "结果未知"},
	Working:  {"In progress", "处理中"},
}

// Title is what stands over a reply of a tone where there is room for it; empty for Info.
func (t Tone) Title() Text { return titles[t] }

// A Reply is all a person is told. An adapter draws it and adds nothing.
type Reply struct {
	Tone     Tone     `json:"tone"`
	Language Language `json:"language"`
	Text     Prose    `json:"text"`              // the whole outcome, for notifications and screen readers too
	Fields   []Field  `json:"fields,omitempty"`  // label and value, worth copying
	Choices  []Choice `json:"choices,omitempty"` // what to do next
	Public   bool     `json:"public,omitempty"`  // everyone in the channel may read it
	Settled  bool     `json:"settled,omitempty"` // what the pressed card tells of is over: this takes its place also where everyone sees it
	Number   int64    `json:"number,omitempty"`  // the journal number, drawn as #41; 0: not journalled

	// Repeat tells that the same delivery was under way here when this one came, and is answered too. An adapter gives
	// the reply in its first response when it is there in time, and does not post it late.
	Repeat bool `json:"-"`
}

// A Field is a line of a list or a table: a label and what it says.
type Field struct {
	Label string `json:"label"`
	Value Prose  `json:"value"`
}

// A Choice is a command line waiting to be pressed. Pressing it is typing it.
type Choice struct {
	Label string `json:"label"`
	Line  string `json:"line"` // "unmute room=123 target=lisi"
}

// Prose is text for people: pieces an adapter draws one after the other. Whatever came from outside (ids,
// names, reasons, NetEase's words) is in pieces of its own, free of control characters but not escaped:
// escaping is the adapter's. Only plain pieces of ours hold line breaks.
type Prose []Span

// A Span is a piece of prose, drawn by the first of its fields that is set.
type Span struct {
	Time time.Time `json:"time,omitzero"`  // a moment, in the reader's zone: date, time, and how far away
	Code string    `json:"code,omitempty"` // an id, to be copied
	Line string    `json:"line,omitempty"` // a command, to be typed: "undo 41". An adapter puts before it what stands before commands on its platform
	Text string    `json:"text,omitempty"` // words
}

// String is the prose as plain text: moments in UTC, ids as they are.
func (p Prose) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case !s.Time.IsZero():
			b.WriteString(s.Time.UTC().Format("2006-01-02 15:04:05 UTC"))
		case s.Code != "":
			b.WriteString(s.Code)
		case s.Line != "":
			b.WriteString(s.Line)
		default:
			b.WriteString(s.Text)
		}
	}
	return b.String()
}
