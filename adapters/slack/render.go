package slack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"roomwarden/commands"
)

// Limits of a message, in code points. Beyond them Slack refuses the message, and the answer is lost. (A message has
// 50 blocks at most; at these lengths there are never half as many.)
//
// https://docs.slack.dev/reference/block-kit/blocks
// https://docs.slack.dev/reference/block-kit/composition-objects/text-object
// https://github.com/slackapi/bolt-js/issues/2509
const (
	maxObject    = 3000  // of a text object, in a section or a context; at least 1
	maxAllBlocks = 13000 // of all blocks together, observed: Slack does not say. Counted here as JSON
	maxText      = 4000  // of the top-level text; more is cut, somewhere
)

// Our own measures, in code points.
const (
	blockFrame = 100 // JSON around the text of one block, rounded up
	minSection = 200 // with less room left, no section is begun
	maxLabel   = 75  // the label of a field or a choice
)

const contentType = "application/json; charset=utf-8"

// A message is a reply as Slack takes it, in a first response and at a response_url.
//
// https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands
type message struct {
	ResponseType    string  `json:"response_type"` // "ephemeral": for one person; "in_channel": for all
	ReplaceOriginal *bool   `json:"replace_original,omitempty"`
	Text            string  `json:"text"` // all of it, for notifications and screen readers
	Blocks          []block `json:"blocks,omitempty"`
}

type block struct {
	Type     string    `json:"type"` // "section" has Text, "context" and "actions" have Elements
	Text     *text     `json:"text,omitempty"`
	ID       string    `json:"block_id,omitempty"`
	Elements []element `json:"elements,omitempty"`
}

type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"` // true: Slack makes no links and mentions of its own
}

func mrkdwn(s string) text { return text{Type: "mrkdwn", Text: s, Verbatim: true} }

func section(s string) block { t := mrkdwn(s); return block{Type: "section", Text: &t} }

func note(s string) block { return block{Type: "context", Elements: []element{{note: mrkdwn(s)}}} }

// size is how much of maxAllBlocks a block takes, rounded up.
func (b block) size() int {
	body, err := encode(b)
	if err != nil {
		return maxAllBlocks
	}
	return size(string(body)) + 1
}

// encode is a message as JSON. <, > and & stay what they are: \u003c would be counted as six characters.
func encode(m any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return b.Bytes(), nil
}

// late is the message as JSON for a response_url, where it replaces nothing.
func (m message) late() ([]byte, error) {
	replace := false
	m.ReplaceOriginal = &replace // when it is left out, Slack has been seen to replace other messages
	return encode(m)
}

// respond writes a first response as JSON, all the way to the network: afterwards it has left this process, or there is an error.
func respond(w http.ResponseWriter, response any) error {
	body, err := encode(response)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err := w.Write(body); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

var emoji = map[commands.Tone]string{
	commands.Info:     "ℹ️",
	commands.Done:     "✅",
	commands.NoChange: "☑️",
	commands.Asks:     "❔",
	commands.Refused:  "⛔",
	commands.Failed:   "❌",
	commands.Unknown:  "⚠️",
	commands.Working:  "⏳",
}

// draw makes a message of any reply. It keeps Slack's limits: what is too long is cut, and says so.
func draw(r commands.Reply) message {
	m := message{ResponseType: "ephemeral", Text: words(r)}
	if r.Public {
		m.ResponseType = "in_channel"
	}
	var foot []block
	actions, rest := buttons(r.Choices, r.Tone == commands.Asks)
	if len(actions.Elements) > 0 {
		foot = append(foot, actions)
	}
	if s := choices(rest); s != "" {
		foot = append(foot, note(s))
	}
	if r.Number != 0 {
		foot = append(foot, note(number(r)))
	}
	room := maxAllBlocks - 2*blockFrame // the array itself, and the note about what was left out
	for _, b := range foot {
		room -= b.size()
	}

	prose := emoji[r.Tone] + " " + marked(r.Text)
	if title := r.Tone.Title().In(r.Language); title != "" {
		prose = emoji[r.Tone] + " *" + title + "*\n" + marked(r.Text)
	}
	var fields []string
	for _, f := range r.Fields {
		fields = append(fields, fieldLine(r.Language, f))
	}
	sections, left := pack([]string{prose, strings.Join(fields, "\n")}, room)
	for _, s := range sections {
		m.Blocks = append(m.Blocks, section(s))
	}
	if left > 0 {
		m.Blocks = append(m.Blocks, note(fmt.Sprintf(leftOut.In(r.Language), left)))
	}
	m.Blocks = append(m.Blocks, foot...)
	return m
}

var leftOut = commands.Text{
	English: "… lines left out here: %d",
	Chinese: "……此处省略 %d 行",
}

// pack makes sections of texts, each beginning a new one, until there is no room, and counts the lines that are not
// there as a whole.
func pack(texts []string, room int) (sections []string, left int) {
	for _, text := range texts {
		for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
			most := min(maxObject, room-blockFrame)
			if most < minSection {
				left += 1 + strings.Count(text, "\n")
				break
			}
			var page string
			page, text = turn(text, most)
			sections = append(sections, page)
			room -= blockFrame + size(page)
		}
	}
	return sections, left
}

// turn is the first page of a text and what is left of it. The page ends with a line, when it holds one.
func turn(text string, most int) (page, rest string) {
	page, rest = split(text, most)
	if end := strings.LastIndexByte(page, '\n'); rest != "" && end > 0 {
		return text[:end], text[end+1:]
	}
	return page, rest
}

// words is the whole reply without markup. The number is never cut off.
func words(r commands.Reply) string {
	all := []string{plain(r.Text)}
	for _, f := range r.Fields {
		all = append(all, labelled("%s: %s", f.Label, plain(f.Value)))
	}
	for _, c := range r.Choices {
		all = append(all, labelled("%s: %s", c.Label, plain(typeable(c))))
	}
	tail := ""
	if r.Number != 0 {
		tail = "\n" + number(r)
	}
	body := cut(strings.TrimSpace(strings.Join(all, "\n")), maxText-size(tail))
	return cmp.Or(strings.TrimSpace(body+tail), emoji[r.Tone], "…")
}

// choices has a line for each choice, as many as there is room for: half a command is none.
func choices(all []commands.Choice) string {
	var lines []string
	room := maxObject - len("… +9999")
	for i, c := range all {
		if c.Line == "" {
			continue
		}
		line := labelled("%s: %s", c.Label, marked(typeable(c)))
		if room -= size(line + "\n"); room < 0 {
			lines = append(lines, fmt.Sprintf("… +%d", len(all)-i))
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func number(r commands.Reply) string { return "#" + strconv.FormatInt(r.Number, 10) }

// typeable is a choice as it is typed in Slack.
func typeable(c commands.Choice) commands.Prose {
	return commands.Prose{{Line: c.Line}}
}

// slashed is a command as it is typed in Slack.
func slashed(line string) string { return "/" + root + " " + line }

// fieldLine is a field as a line of mrkdwn.
func fieldLine(l commands.Language, f commands.Field) string {
	return labelled(commands.Text{English: "*%s:* %s", Chinese: "*%s：* %s"}.In(l), f.Label, marked(f.Value))
}

// labelled puts a label before a drawn value; without a label it is the value alone.
func labelled(format, label, value string) string {
	label = cut(plain(commands.Prose{{Text: strings.ReplaceAll(label, "\n", " ")}}), maxLabel)
	if label == "" {
		return value
	}
	return fmt.Sprintf(format, label, value)
}
