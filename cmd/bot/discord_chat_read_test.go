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

	"roomwarden/adapters/discord/discordtest"
)

// A discordTold is what of everything is written already.
type discordTold struct {
	asked    int                            // calls that NetEase had met
	acked    map[string]bool                // interactions of which it is told what became of them
	answers  map[string]int                 // how many of an interaction's answers
	cards    map[string]discordtest.Message // by id, as they were
	numbered map[string]discordtest.Message // by the number of the answer
	posted   map[string]bool                // ids of what the bot posted by itself
	gone     map[string]bool                // ids of what was taken away
}

// look writes what has happened since it was last told.
func (c *discordChat) look() string {
	n := discordTold{
		asked: len(c.bot.nim.Calls()), acked: filledMap(c.told.acked), answers: filledMap(c.told.answers), cards: filledMap(c.told.cards),
		numbered: filledMap(c.told.numbered), posted: filledMap(c.told.posted), gone: filledMap(c.told.gone),
	}
	c.next = n
	var out strings.Builder
	out.WriteString(changesAsked(c.bot.nim.Calls()[c.told.asked:n.asked]))
	c.next.asked = n.asked
	for _, d := range c.all {
		if !n.acked[d.ID] {
			n.acked[d.ID] = true
			out.WriteString(c.became(d))
		}
		answers := d.Answers()
		for _, m := range answers[n.answers[d.ID]:] {
			was, known := n.cards[m.ID]
			if !known || was.Content != m.Content || string(was.Components) != string(m.Components) {
				out.WriteString(c.message(was, m))
			}
			n.cards[m.ID] = m
			if _, number := partedFoot(m.Content); number != "" {
				n.numbered[number] = m
			}
		}
		n.answers[d.ID] = len(answers)
	}
	for _, m := range c.discord.Messages() {
		if !m.Deleted || n.gone[m.ID] {
			continue
		}
		n.gone[m.ID] = true
		what := "thinking…"
		if was, shown := n.cards[m.ID]; shown {
			_, what = partedFoot(was.Content)
			if m.Private() {
				what += " to " + c.discord.User(m.For).Name + " alone"
			}
		}
		fmt.Fprintf(&out, "  %s goes away\n", what)
	}
	for _, m := range c.posts() {
		if !n.posted[m.ID] {
			n.posted[m.ID] = true
			out.WriteString(c.message(discordtest.Message{}, m))
		}
	}
	return out.String()
}

// filledMap is a copy that can be written to.
func filledMap[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

// posts are the messages that answer nothing: what the bot tells by itself.
func (c *discordChat) posts() []discordtest.Message {
	return slices.DeleteFunc(c.discord.Messages(), func(m discordtest.Message) bool {
		return strings.Contains(string(m.Raw), `"interaction_metadata"`) || strings.Contains(string(m.Raw), `"webhook_id"`)
	})
}

// became tells what became of an interaction, where that is no message.
func (c *discordChat) became(d *discordtest.Delivery) string {
	switch a := d.Ack(); {
	case len(d.Errors()) > 0:
		out := ""
		for _, label := range slices.Sorted(maps.Keys(d.Errors())) {
			out += fmt.Sprintf("  under %s: %s\n", label, d.Errors()[label])
		}
		return out
	case a.Problem != "":
		return "  discord: " + a.Problem + "\n"
	case a.Type == discordtest.Thinking && a.Private:
		return "  thinking…, which nobody else sees\n"
	case a.Type == discordtest.Thinking:
		return "  thinking…\n"
	case a.Type == discordtest.Ask:
		return c.form(d.Modal(c.t))
	case a.Type == discordtest.Suggest:
		return c.offers(d.Choices(c.t))
	}
	return ""
}

// message is one that has come or changed.
func (c *discordChat) message(was, m discordtest.Message) string {
	to := ""
	if channel := c.discord.Channel(m.Channel); channel.Name != "#ops" && strings.HasPrefix(channel.Name, "#") {
		to = " in " + channel.Name
	}
	if m.Private() {
		to += " to " + c.discord.User(m.For).Name + " alone"
	}
	if was.ID != "" {
		_, before := partedFoot(was.Content)
		to += ", in the place of " + cmp.Or(before, "its last words")
	}
	words, foot := partedFoot(m.Content)
	lines := "  bot" + to + ": " + strings.ReplaceAll(c.readable(words), "\n", "\n    ") + "\n"
	for _, b := range slices.Backward(m.Buttons()) {
		foot = strings.TrimSpace("[" + b.Label + "] " + foot)
	}
	if foot != "" {
		lines += "    " + foot + "\n"
	}
	require.NotEmpty(c.t, m.Content, "what notifications say")
	require.Empty(c.t, m.Pings)
	return lines
}

// partedFoot parts the number of an answer from its words.
func partedFoot(content string) (rest, number string) {
	if i := strings.LastIndex(content, "\n-# #"); i >= 0 && !strings.ContainsAny(content[i+4:], " \n") {
		return content[:i], content[i+4:]
	}
	return content, ""
}

// form is a form that has opened. What is chosen in a list is shown after it, like what is typed.
func (c *discordChat) form(m discordtest.Modal) string {
	var drawn struct {
		Components []struct {
			Component struct {
				CustomID string `json:"custom_id"`
				Options  []struct {
					Label   string
					Default bool
				}
			}
		}
	}
	require.NoError(c.t, json.Unmarshal(m.Raw, &drawn))
	words := fmt.Sprintf("  form %q:\n", m.Title)
	for i, in := range m.Inputs {
		words += "    " + in.Label
		if !in.Required {
			words += " (optional)"
		}
		value := in.Value
		if len(in.Options) > 0 {
			words += " [" + strings.Join(in.Options, " / ") + "]"
			for _, o := range drawn.Components[i].Component.Options {
				if o.Default {
					value = o.Label
				}
			}
		}
		if value != "" {
			words += ": " + value
		}
		if in.Hint != "" {
			words += " — " + in.Hint
		}
		words += "\n"
	}
	return seenAs(words)
}

// offers is what somebody may choose while they type, and in brackets what would be typed where that is something else.
func (c *discordChat) offers(all []discordtest.Choice) string {
	if len(all) == 0 {
		return "  offers nothing\n"
	}
	out := "  offers"
	for i, o := range all {
		if i > 0 {
			out += " ·"
		}
		out += " " + o.Name
		if value := fmt.Sprint(o.Value); !strings.HasPrefix(strings.TrimPrefix(o.Name, "#"), value) {
			out += " [" + value + "]"
		}
	}
	return seenAs(anAge.ReplaceAllString(aClock.ReplaceAllString(out, "<time>"), "<time> ago")) + "\n"
}

var (
	aClock     = regexp.MustCompile(`((Mon|Tue|Wed|Thu|Fri|Sat|Sun)|周[日一二三四五六]|\d{1,2} [A-Z][a-z]{2}( \d{4})?|(\d{4}年)?\d{1,2}月\d{1,2}日) \d\d:\d\d(:\d\d)? UTC`)
	aMoment    = regexp.MustCompile(`<t:\d+:[a-zA-Z]>( \(<t:\d+:R>\))?`)
	aDate      = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC`)
	anAge      = regexp.MustCompile(`just now|(\d+[smhd])+ ago|刚刚|(\d+(秒|分钟?|小时|天))+前`)
	seal       = regexp.MustCompile(`\n\*\*(Seal|封存序号)[:：]\*\* \d+`) // it comes when the journal is not busy
	tookSoLong = regexp.MustCompile(`(Took:|耗时：|用时：)(\*\* )\S+`)
	aPing      = regexp.MustCompile(`@everyone|@here|<[@#:/a-z]|://|\]\(|\bdiscord\.gg|\|\||~~`)
)

// readable is text as people see it. Nothing in it may ping, hide or be a link.
func (c *discordChat) readable(text string) string {
	text = seal.ReplaceAllString(text, "")
	text = tookSoLong.ReplaceAllString(aMoment.ReplaceAllString(text, "\x00"), "${1}${2}a while")
	var out, plain strings.Builder
	for text != "" {
		size, shown := 1, text[:1]
		switch end := strings.IndexByte(text[1:], '`'); {
		case text[0] == '`' && end >= 0:
			size, shown = end+2, text[:end+2]
			plain.WriteByte(' ')
		case text[0] == '\\' && len(text) > 1:
			size, shown = 2, text[1:2]
			plain.WriteByte(' ')
		default:
			plain.WriteString(shown)
		}
		out.WriteString(shown)
		text = text[size:]
	}
	require.NotRegexp(c.t, aPing, plain.String(), "it pings, hides or is a link")
	text = aDate.ReplaceAllString(strings.ReplaceAll(seenAs(out.String()), "\x00", "<time>"), "<time>")
	return inMinutes(c.t, text)
}
