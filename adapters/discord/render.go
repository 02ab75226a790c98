package discord

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// maxContent is the longest message. The unit is not said; see size.
//
// https://discord.com/developers/docs/resources/message#create-message
const maxContent = 2000

// Our own measures, in the same unit.
const (
	maxFoot  = 700 // choices and the number
	maxLabel = 75  // the label of a field, or of a choice that is no button
	minLine  = 200 // with less room left, no line is begun that does not fit
	minField = 60  // fields are cut down to so much, so that all of them are there
)

// A message is a reply as Discord takes it, in a first answer, an edit and a follow-up.
//
// https://discord.com/developers/docs/resources/message#create-message-jsonform-params
type message struct {
	Content         string                 `json:"content"`
	Flags           discordgo.MessageFlags `json:"flags"`            // always without previews of links
	AllowedMentions mentions               `json:"allowed_mentions"` // nobody: left out, Discord would notify whom the text names
	Components      []actionRow            `json:"components"`       // not null: an edit would leave the buttons of before
}

type mentions struct {
	Parse []string `json:"parse"`
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

// draw makes a message of any reply: its words as plain content, which notifications and screen readers read, and which is there also where embeds are
// switched off or forbidden; its choices as buttons. It keeps Discord's limits: what is too long is cut, and says so.
func draw(r commands.Reply) message {
	m := message{Flags: discordgo.MessageFlagsSuppressEmbeds, AllowedMentions: mentions{Parse: []string{}}}
	if !r.Public {
		m.Flags |= discordgo.MessageFlagsEphemeral
	}
	body := []string{strings.TrimSpace(emoji[r.Tone] + " " + marked(r.Text))}
	if title := r.Tone.Title().In(r.Language); title != "" {
		body = []string{emoji[r.Tone] + " **" + title + "**", marked(r.Text)}
	}
	var fields []string
	for _, f := range r.Fields {
		fields = append(fields, labelled(commands.Text{English: "**%s:** %s", Chinese: "**%s：** %s"}.In(r.Language), f.Label, listed(f.Value)))
	}
	var rest []commands.Choice
	m.Components, rest = rows(r)
	foot := choices(rest)
	if r.Number != 0 {
		foot = append(foot, "-# #"+strconv.FormatInt(r.Number, 10))
	}
	room := maxContent
	for _, line := range foot {
		room -= size("\n" + line)
	}
	body = append(body, even(fields, room-size(strings.Join(body, "\n")+"\n"))...)
	lines := append(fit(strings.Split(strings.Join(body, "\n"), "\n"), room, r.Language), foot...)
	m.Content = cmp.Or(strings.TrimSpace(strings.Join(lines, "\n")), "…")
	return m
}

var leftOut = commands.Text{
	English: "… and %d more",
	Chinese: "……还有 %d 行",
}

// even cuts the longest of the fields, so that all of them are there: an entry of a list is never left out because others are long. Where that would leave too
// little of each they stay as they are.
func even(fields []string, room int) []string {
	fits := func(most int) bool {
		left := room
		for _, f := range fields {
			left -= min(size(f), most) + 1
		}
		return left >= 0
	}
	if fits(room) || !fits(minField) {
		return fields
	}
	most := minField + sort.Search(room, func(n int) bool { return !fits(minField + n + 1) })
	all := slices.Clone(fields)
	for i := range all {
		all[i] = cut(all[i], most, unit)
	}
	return all
}

// fit is as many of the lines as there is room for. One that has no room as a whole is cut where that is worth it; how many are left
// out is said at the end.
func fit(lines []string, room int, l commands.Language) []string {
	if size(strings.Join(lines, "\n")) <= room {
		return lines
	}
	room -= size("\n" + fmt.Sprintf(leftOut.In(l), len(lines)))
	var kept []string
	for _, line := range lines {
		if size(line+"\n") > room {
			if room > minLine {
				kept = append(kept, cut(line, room-1, unit))
			}
			break
		}
		kept = append(kept, line)
		room -= size(line + "\n")
	}
	if left := len(lines) - len(kept); left > 0 {
		kept = append(kept, fmt.Sprintf(leftOut.In(l), left))
	}
	return kept
}

// placeholder is a bare word that stands for a value: the N of "undo N", the 10m of "extend N 10m".
var placeholder = regexp.MustCompile(`^([0-9].*|N)$`)

// A word of a choice's line: name="value", name=value or a bare one.
var word = regexp.MustCompile(`(?:([\w-]+)=)?("(?:[^"\\]|\\.)*"|\S+)`)

// typed is a line as people type it in Discord, where every argument has its name and quotes would be part of the value: unmute room:123 target:li si. A line
// that only shows how a command is used, such as "undo N" or a usage line, is not one that can be typed, and comes close.
func typed(line string) string {
	if call, err := commands.Parse(line); err == nil {
		line = call.String()
	}
	name, _, _ := strings.Cut(line, " ")
	at := slices.IndexFunc(commands.Table, func(row commands.Command) bool { return row.Name == name })
	bare := -1 // the command itself
	return word.ReplaceAllStringFunc(line, func(s string) string {
		name, value := word.FindStringSubmatch(s)[1], word.FindStringSubmatch(s)[2]
		if name == "" {
			bare++
			if placeholder.MatchString(s) && at >= 0 && bare > 0 && bare <= len(commands.Table[at].Args) {
				return commands.Table[at].Args[bare-1].Name + ":" + s
			}
			return strings.Replace(s, "=…", ":…", 1)
		}
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(value[1 : len(value)-1])
		}
		return name + ":" + value
	})
}

// optioned is a piece of a line, such as again=yes, as people type it in Discord; anything else stays as it is.
func optioned(piece string) string {
	name, _, ok := strings.Cut(piece, "=")
	if !ok || !slices.ContainsFunc(commands.Table, func(row commands.Command) bool {
		return slices.ContainsFunc(row.Args, func(arg commands.Arg) bool { return arg.Name == name })
	}) {
		return piece
	}
	return typed(piece)
}

// choices has a line for each choice that is no button, as many as there is room for: half a command is none.
func choices(all []commands.Choice) []string {
	var lines []string
	room := maxFoot
	for i, c := range all {
		if c.Line == "" {
			continue
		}
		line := labelled("%s: %s", c.Label, code("/"+typed(c.Line)))
		if room -= size(line + "\n"); room < 0 {
			return append(lines, fmt.Sprintf("… +%d", len(all)-i))
		}
		lines = append(lines, line)
	}
	return lines
}

// labelled puts a label before a drawn value; without a label it is the value alone.
func labelled(format, label, value string) string {
	label = cut(calm(strings.TrimSpace(oneLine(label))), maxLabel, unit)
	if label == "" {
		return value
	}
	return fmt.Sprintf(format, label, value)
}

// one is a character, for text without markup.
func one(s string) (rune, int) { return utf8.DecodeRuneInString(s) }

// unit is what must not be divided at the start of drawn text: a code span, a time, something with its backslash, a pair of stars.
func unit(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	switch r {
	case '`', '<':
		closing := map[rune]byte{'`': '`', '<': '>'}[r]
		if end := strings.IndexByte(s[1:], closing); end >= 0 {
			return r, end + 2
		}
	case '\\':
		_, escaped := utf8.DecodeRuneInString(s[1:])
		return r, 1 + escaped
	case '*':
		if strings.HasPrefix(s, "**") {
			return r, 2
		}
	}
	return r, n
}
