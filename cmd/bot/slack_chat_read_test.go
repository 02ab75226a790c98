package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
)

// look writes what has happened since remember.
func (c *chat) look() string {
	var out strings.Builder
	out.WriteString(changesAsked(c.bot.nim.Calls()[c.asked:]))
	gone := ""
	for i, m := range c.slack.Messages() {
		was := slacktest.Message{}
		if i < len(c.seen) {
			was = c.seen[i]
		}
		switch {
		case m.User != c.slack.BotUser:
		case m.Deleted && !was.Deleted:
			_, number := parted(was.Words())
			gone += "  bot takes " + number + " away\n"
		case m.Text != was.Text || string(m.Blocks) != string(was.Blocks):
			out.WriteString(c.message(was, m))
		}
	}
	out.WriteString(gone)
	for _, u := range chatPeople {
		if v, open := c.slack.Modal(u.ID); v.ID != c.forms[u.ID].ID || string(v.Blocks) != string(c.forms[u.ID].Blocks) {
			out.WriteString(c.form(v, open))
		}
		if v, _ := c.slack.Home(u.ID); v.Hash != c.homes[u.ID].Hash {
			fmt.Fprintf(&out, "  Home of %s:\n%s", u.Name, c.home(c.homes[u.ID], v))
		}
	}
	if c.last == nil || c.last == c.told {
		return out.String()
	}
	wrong := c.last.Errors()
	for _, label := range slices.Sorted(maps.Keys(wrong)) {
		fmt.Fprintf(&out, "  under %s: %s\n", label, c.readable(wrong[label]))
	}
	if a := c.last.Ack(); a.Problem != "" {
		fmt.Fprintf(&out, "  slack: %s\n", a.Problem)
	}
	return out.String()
}

// remember takes note of what look has written.
func (c *chat) remember() {
	c.asked = len(c.bot.nim.Calls())
	c.seen = c.slack.Messages()
	for _, m := range c.seen {
		if _, number := parted(m.Words()); number != "" && !m.Deleted {
			c.numbered[number] = m
		}
	}
	for _, u := range chatPeople {
		if v, there := c.slack.Home(u.ID); there {
			for line := range strings.SplitSeq(c.homeWords(v), "\n") {
				c.helped[line] = c.helped[line] || strings.HasPrefix(line, "*")
			}
		}
		c.forms[u.ID], _ = c.slack.Modal(u.ID)
		c.homes[u.ID], _ = c.slack.Home(u.ID)
	}
	c.told = c.last
}

// message is one that has come or changed.
func (c *chat) message(was, m slacktest.Message) string {
	to := ""
	switch {
	case m.Channel == chatChannels["#lounge"]:
		to = " in #lounge"
	case m.Channel != chatChannels["#ops"]:
		to = " in a message to " + c.directly(m.Channel)
	}
	if m.Private != "" {
		to += " to " + nameOf(m.Private) + " alone"
	}
	if was.ID != "" {
		_, before := parted(was.Words())
		to += ", in the place of " + cmp.Or(before, "its last words")
	}
	c.readable(m.Text)
	words, number := parted(c.readable(m.Words()))
	lines := "  bot" + to + ": " + strings.ReplaceAll(words, "\n", "\n    ") + "\n"
	foot := number
	for _, b := range slices.Backward(m.Buttons()) {
		foot = strings.TrimSpace("[" + b.Label + "] " + foot)
	}
	if foot != "" {
		lines += "    " + foot + "\n"
	}
	require.NotEmpty(c.t, m.Text, "what screen readers say")
	require.Contains(c.t, m.Text, number)
	return lines
}

// parted parts the number of an answer from its words.
func parted(words string) (rest, number string) {
	if i := strings.LastIndex(words, "\n#"); i >= 0 && !strings.ContainsAny(words[i+1:], " \n") {
		return words[:i], words[i+1:]
	}
	return words, ""
}

// form is a form that has opened, changed or closed.
func (c *chat) form(v slacktest.View, open bool) string {
	if !open {
		return "  the form closes\n"
	}
	words := fmt.Sprintf("  form %q, [%s] [%s]:\n", v.Title, v.Submit, v.Close)
	c.readable(v.Words())
	for _, in := range v.Inputs {
		words += "    " + in.Label
		if in.Optional {
			words += " (optional)"
		}
		if len(in.Options) > 0 {
			words += " [" + strings.Join(in.Options, " / ") + "]"
		}
		if in.Value != "" {
			words += ": " + in.Value
		}
		if in.Hint != "" {
			words += " — " + in.Hint
		}
		words += "\n"
	}
	return words
}

// home is a Home tab. What it had before is "…", and so are lines of help that were read before.
func (c *chat) home(was, v slacktest.View) string {
	had := strings.Split(c.homeWords(was), "\n")
	var lines []string
	for line := range strings.SplitSeq(c.homeWords(v), "\n") {
		last := ""
		if len(lines) > 0 {
			last = lines[len(lines)-1]
		}
		if strings.HasPrefix(line, "[") && last != "…" {
			lines = append(lines, line) // the buttons of a line that is new
			continue
		}
		if slices.Contains(had, line) || c.helped[line] {
			line = "…"
		}
		if line != "…" || last != "…" {
			lines = append(lines, line)
		}
	}
	return "    " + strings.Join(lines, "\n    ") + "\n"
}

// homeWords are the blocks of a Home tab, with the buttons where they are.
func (c *chat) homeWords(v slacktest.View) string {
	var blocks []json.RawMessage
	if v.Blocks != nil {
		require.NoError(c.t, json.Unmarshal(v.Blocks, &blocks))
	}
	var all []string
	for _, b := range blocks {
		one := slacktest.Message{Blocks: json.RawMessage("[" + string(b) + "]")}
		words := c.readable(one.Words())
		for _, b := range one.Buttons() {
			words += "[" + b.Label + "] "
		}
		if words = strings.TrimSpace(words); words != "" {
			all = append(all, words)
		}
	}
	return strings.Join(all, "\n")
}

var (
	aTime     = regexp.MustCompile(`<!date\^[^<>]*>|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC`)
	unescaped = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// readable is text as people see it. Nothing in it may ping or be a link.
func (c *chat) readable(text string) string {
	text = aTime.ReplaceAllString(text, "\x00")
	require.NotContains(c.t, text, "<", "it pings, or is a link")
	text = seenAs(unescaped.Replace(text))
	return inMinutes(c.t, strings.ReplaceAll(text, "\x00", "<time>"))
}

// directly is whose conversation with the bot a channel is.
func (c *chat) directly(channel string) string {
	i := slices.IndexFunc(chatPeople, func(u slacktest.User) bool { return c.slack.Direct(u.ID) == channel })
	return chatPeople[i].Name
}

func nameOf(id string) string {
	i := slices.IndexFunc(chatPeople, func(u slacktest.User) bool { return u.ID == id })
	return chatPeople[i].Name
}

func idOf(name string) string {
	i := slices.IndexFunc(chatPeople, func(u slacktest.User) bool { return u.Name == name })
	return chatPeople[i].ID
}

func idsOf(names string) (ids []string) {
	for name := range strings.FieldsSeq(names) {
		ids = append(ids, idOf(name))
	}
	return ids
}
