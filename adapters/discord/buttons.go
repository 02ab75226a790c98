package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// Limits of buttons. The unit of the lengths is not said; see size.
//
// https://discord.com/developers/docs/components/reference#button
// https://discord.com/developers/docs/components/reference#action-row
const (
	maxRows        = 5
	maxRow         = 5   // buttons in one
	maxButtonLabel = 80  // of a button
	maxCustomID    = 100 // of what a button carries
)

// An actionRow holds buttons.
type actionRow struct {
	Type    discordgo.ComponentType `json:"type"` // ActionsRowComponent
	Buttons []button                `json:"components"`
}

// A button carries a line: pressing it is typing it.
type button struct {
	Type     discordgo.ComponentType `json:"type"` // ButtonComponent
	Style    discordgo.ButtonStyle   `json:"style"`
	Label    string                  `json:"label"`
	CustomID string                  `json:"custom_id"` // see carried
}

// rows are the choices of a reply as buttons, and those that no button can carry. Where the bot asks, the first one stands out.
func rows(r commands.Reply) (all []actionRow, rest []commands.Choice) {
	all = []actionRow{} // in an edit, null leaves the buttons of before
	met := map[string]bool{}
	n := 0
	for i, c := range r.Choices {
		label, id := cut(strings.TrimSpace(oneLine(c.Label)), maxButtonLabel, one), carried(c.Line, r.Number)
		if met[id] { // Discord takes none twice
			continue
		}
		if n == maxRows*maxRow || label == "" || id == "" {
			rest = append(rest, c)
			continue
		}
		met[id] = true
		style := discordgo.SecondaryButton
		if r.Tone == commands.Asks && i == 0 {
			style = discordgo.PrimaryButton
		}
		if n%maxRow == 0 {
			all = append(all, actionRow{Type: discordgo.ActionsRowComponent})
		}
		last := &all[len(all)-1]
		last.Buttons = append(last.Buttons, button{discordgo.ButtonComponent, style, label, id})
		n++
	}
	return all, rest
}

// What begins a custom_id. A button may be pressed a year after it was drawn, so what these mean never changes.
const (
	lineID  = "v1:"      // a line follows
	entryID = "v1#"      // the number of an entry, a colon and the mark of a line: one of the choices of its answer
	formID  = "v1-form:" // a form to be opened, or one that was sent: see form.id
)

// carried is a line as a custom_id: itself, or where it is too long its mark among the choices of the answer with that number. It is empty where
// neither can be.
func carried(line string, number int64) string {
	switch id := lineID + line; {
	case line == "" || strings.ToValidUTF8(line, "") != line || clean(line) != line:
		return ""
	case size(id) <= maxCustomID:
		return id
	case number != 0:
		return entryID + strconv.FormatInt(number, 10) + ":" + mark(line)
	}
	return ""
}

// mark tells the lines of one answer apart.
func mark(line string) string {
	sum := sha256.Sum256([]byte(line))
	return hex.EncodeToString(sum[:8])
}

var entryRef = regexp.MustCompile(`^` + entryID + `([0-9]{1,18}):([0-9a-f]{16})$`)

// line is what a custom_id carries; empty when it is none of ours, or the journal has it no more. An error is the journal's.
func (a *Adapter) line(ctx context.Context, customID string) (string, error) {
	if line, ok := strings.CutPrefix(customID, lineID); ok {
		return line, nil
	}
	ref := entryRef.FindStringSubmatch(customID)
	if ref == nil || a.Guide == nil {
		return "", nil
	}
	number, err := strconv.ParseInt(ref[1], 10, 64)
	if err != nil {
		return "", nil
	}
	choices, err := a.Guide.Choices(ctx, number)
	if err != nil {
		return "", fmt.Errorf("the choices of #%d: %w", number, err)
	}
	if i := slices.IndexFunc(choices, func(c commands.Choice) bool { return mark(c.Line) == ref[2] }); i >= 0 {
		return choices[i].Line, nil
	}
	return "", nil
}
