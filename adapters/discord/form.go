package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

// formTime is what a form may wait for the rooms that it offers: it can only be the first answer, and is good without them.
const formTime = time.Second

var (
	unknownMenu = commands.Text{
		English: "This menu entry comes from another version of the bot. Nothing was done. Please type the command.",
		Chinese: "这个菜单项来自其他版本的机器人，没有执行任何操作。请直接输入命令。",
	}
	fillAgain = commands.Text{English: "Correct it", Chinese: "重新填写"}
	chosenIn  = commands.Text{English: " is chosen, and ", Chinese: " 已选择，又填写了 "}
	typedIn   = commands.Text{English: " is typed: which one? Leave one of them empty.", Chinese: "，请只保留一个。"}
	notTaken  = commands.Text{
		English: "Something in the form is not right. Nothing was done.",
		Chinese: "表单填写有误，没有执行任何操作。",
	}
)

// A form asks for the arguments of a command.
type form struct {
	command commands.Command
	filled  map[string]string // what its fields hold already, by argument
	chosen  string            // the name of whoever it was chosen from, if it was
}

// id is a form as a custom_id: what its fields hold is in it in the order of the arguments; what does not fit is left out.
func (f form) id() string {
	id := formID + f.command.Name
	for _, arg := range f.command.Args {
		value := f.filled[arg.Name]
		separator := "&"
		if !strings.Contains(id, "?") {
			separator = "?"
		}
		more := id + separator + arg.Name + "=" + inQuery.Replace(clean(value))
		if value != "" && size(more) <= maxCustomID {
			id = more
		}
	}
	return id
}

// inQuery escapes what has a meaning in a query, and no more: there is little room, and nine letters for a Chinese one are many.
var inQuery = strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", ";", "%3B", "\n", "%0A")

// formOf reads what id has written.
func formOf(customID string) (form, bool) {
	rest, ok := strings.CutPrefix(customID, formID)
	if !ok {
		return form{}, false
	}
	name, query, _ := strings.Cut(rest, "?")
	command, ok := commands.Form(name)
	held, err := url.ParseQuery(query)
	if !ok || err != nil {
		return form{}, false
	}
	f := form{command: command, filled: map[string]string{}}
	for name := range held {
		f.filled[name] = held.Get(name)
	}
	return f, true
}

// menu is the first answer to a command from somebody's menu.
func (a *Adapter) menu(ctx context.Context, i interaction, c invoked) response {
	command, ok := commands.Form(menuCommand)
	if !ok || a.Guide == nil || c.Type != discordgo.UserApplicationCommand || c.Name != menuName.English {
		return a.turnedAway(i, unknownMenu)
	}
	target := c.Resolved.Users[c.TargetID]
	return a.openForm(ctx, i, form{command: command, chosen: target.name()})
}

// openForm is a form as a first answer.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal
func (a *Adapter) openForm(ctx context.Context, i interaction, f form) response {
	var rooms []commands.Place
	if a.Guide != nil {
		ctx, cancel := context.WithDeadline(ctx, i.at.Add(formTime))
		defer cancel()
		a.guarded(func() {
			var err error
			if rooms, err = a.Guide.Rooms(ctx, i.subject(), f.command); err != nil {
				a.Log.Info("discord: a form offers the rooms with names alone", "error", err)
			}
		})
	}
	a.Log.Info("discord: form opened", "guild", i.GuildID, "user", i.Member.User.ID, "command", f.command.Name, "ms", time.Since(i.at).Milliseconds())
	return response{Type: discordgo.InteractionResponseModal, Data: f.draw(a.language(i), rooms)}
}

// A sent form is what somebody has filled in: fields in labels, or, from older clients, in rows.
type sent struct {
	CustomID   string  `json:"custom_id"`
	Components []field `json:"components"`
}

// values are what the fields hold, by their custom_id.
func (s sent) values() map[string]string {
	held := map[string]string{}
	for _, f := range s.Components {
		if f.Component != nil {
			f.Row = append(f.Row, *f.Component)
		}
		for _, in := range f.Row {
			switch {
			case in.Value != "":
				held[in.CustomID] = in.Value
			case len(in.Values) > 0:
				held[in.CustomID] = in.Values[0]
			}
		}
	}
	return held
}

// submit carries out a filled form, as if its line were typed. Where something in it cannot be taken the answer says what, and opens it again.
func (a *Adapter) submit(ctx context.Context, i interaction) (response, error) {
	var s sent
	if json.Unmarshal(i.Data, &s) != nil {
		return response{}, errors.New("its data is not that of a form")
	}
	f, ok := formOf(s.CustomID)
	if !ok || a.Guide == nil {
		return a.turnedAway(i, outdated), nil
	}
	held := s.values()
	f.filled = map[string]string{}
	twice := map[string]commands.Prose{}
	for _, arg := range f.command.Args {
		chosen, typed := strings.TrimSpace(held[arg.Name]), strings.TrimSpace(held[arg.Name+typedSuffix])
		if value := cmp.Or(typed, chosen); value != "" {
			f.filled[arg.Name] = value
		}
		if chosen != "" && typed != "" && chosen != typed { // the bot does not choose
			delete(f.filled, arg.Name)
			twice[arg.Name] = commands.Prose{{Code: chosen}, {Text: chosenIn.In(a.language(i))}, {Code: typed}, {Text: typedIn.In(a.language(i))}}
		}
	}
	before := card{} // what said that something was not right gives way to what comes of the form
	if i.Message != nil && i.Message.Flags&discordgo.MessageFlagsEphemeral != 0 {
		before = card{pressed: true, private: true}
	}
	line, wrong := "", twice
	if len(twice) == 0 {
		a.guarded(func() { line, wrong = a.Guide.Fill(i.subject(), f.command, f.filled, i.Locale) })
	}
	if line == "" {
		a.observe(commands.FinalAnswer, time.Since(i.at))
		return before.shown(f.rejected(a.language(i), wrong)), nil
	}
	return a.carryOut(ctx, i, line, before)
}

// rejected says what in a form cannot be taken.
func (f form) rejected(l commands.Language, wrong map[string]commands.Prose) answer {
	reply := commands.Reply{Tone: commands.Refused, Language: l, Text: commands.Prose{{Text: notTaken.In(l)}}}
	for _, arg := range f.command.Args {
		if why, ok := wrong[arg.Name]; ok {
			reply.Fields = append(reply.Fields, commands.Field{Label: arg.Label.In(l), Value: why})
		}
	}
	got := drawn(reply)
	again := button{discordgo.ButtonComponent, discordgo.PrimaryButton, fillAgain.In(l), f.id()}
	got.message.Components = []actionRow{{discordgo.ActionsRowComponent, []button{again}}}
	return got
}

// Limits of forms. The unit of the lengths is not said; see size.
//
// https://discord.com/developers/docs/components/reference#label
// https://discord.com/developers/docs/components/reference#string-select
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal
const (
	maxTitle   = 45  // of a form, and of the label of a field
	maxHint    = 100 // of a field's description, a menu's option and its value
	maxOptions = 25  // of one menu
)

// typedSuffix ends the custom_id of a field beside a menu.
const typedSuffix = "_typed"

// Kinds of components that discordgo does not know.
const labelComponent discordgo.ComponentType = 18

// A modal is a form as Discord takes it.
type modal struct {
	CustomID   string  `json:"custom_id"`
	Title      string  `json:"title"`
	Components []field `json:"components"`
}

// A field is a label over what is filled in.
type field struct {
	Type        discordgo.ComponentType `json:"type"` // labelComponent
	Label       string                  `json:"label,omitempty"`
	Description string                  `json:"description,omitempty"`
	Component   *entry                  `json:"component,omitempty"`
	Row         []entry                 `json:"components,omitempty"` // of an older form that comes back
}

// An entry is typed, or chosen from a menu.
type entry struct {
	Type        discordgo.ComponentType  `json:"type"` // TextInputComponent, SelectMenuComponent
	CustomID    string                   `json:"custom_id"`
	Style       discordgo.TextInputStyle `json:"style,omitempty"`
	MaxLength   int                      `json:"max_length,omitempty"`
	Placeholder string                   `json:"placeholder,omitempty"`
	Required    bool                     `json:"required"`
	Value       string                   `json:"value,omitempty"`
	Options     []selectOption           `json:"options,omitempty"`
	Values      []string                 `json:"values,omitempty"` // of a menu that comes back
}

// A selectOption is one of a menu.
type selectOption struct {
	Label   string `json:"label"`
	Value   string `json:"value"`
	Default bool   `json:"default,omitempty"`
}

// draw makes a form for somebody, with the rooms that they may choose from.
func (f form) draw(l commands.Language, rooms []commands.Place) modal {
	m := modal{CustomID: form{command: f.command}.id(), Title: cut(f.command.Title.In(l), maxTitle, one)}
	for _, arg := range f.command.Args {
		if arg.Label.English != "" && arg.Kind != commands.YesNo { // what nobody answers is yes
			m.Components = append(m.Components, f.fields(arg, l, rooms)...)
		}
	}
	return m
}

// fields are those of an argument.
func (f form) fields(arg commands.Arg, l commands.Language, rooms []commands.Place) []field {
	label := func(s string, e entry, hint string) field {
		return field{Type: labelComponent, Label: cut(s, maxTitle, one), Description: cut(oneLine(hint), maxHint, one), Component: &e}
	}
	held := f.filled[arg.Name]
	text := entry{Type: discordgo.TextInputComponent, CustomID: arg.Name, Style: discordgo.TextInputShort, MaxLength: maxAccount, Required: arg.Required, Value: cut(held, maxAccount, one)}
	hint := arg.Help.In(l)
	switch arg.Kind {
	case commands.Room:
		text.MaxLength = maxRoomName
		menu := entry{Type: discordgo.SelectMenuComponent, CustomID: arg.Name}
		for _, place := range rooms[:min(len(rooms), maxOptions)] {
			id := fmt.Sprint(place.Room)
			c := selectOption{Label: id, Value: id, Default: held == id || held != "" && held == place.Name}
			if place.Name != "" {
				c.Label = cut(place.Name, maxHint-size(id)-3, one) + " (" + id + ")"
			}
			if c.Default {
				text.Value = ""
			}
			menu.Options = append(menu.Options, c)
		}
		if len(menu.Options) == 0 {
			return []field{label(arg.Label.In(l), text, hint)}
		}
		text.CustomID, text.Required = arg.Name+typedSuffix, false
		typed := fmt.Sprintf(commands.Text{English: "%s (if not in the list)", Chinese: "%s（不在列表中时填写）"}.In(l), arg.Label.In(l))
		here := commands.Text{English: "choose one here, or type it below", Chinese: "在此选择，或在下方填写"}
		return []field{label(arg.Label.In(l), menu, here.In(l)), label(typed, text, hint)}
	case commands.OneOf:
		menu := entry{Type: discordgo.SelectMenuComponent, CustomID: arg.Name, Required: arg.Required}
		for n, value := range arg.Choices {
			c := selectOption{Label: value, Value: value, Default: held == value}
			if n < len(arg.Labels) {
				c.Label = cut(arg.Labels[n].In(l), maxHint, one)
			}
			menu.Options = append(menu.Options, c)
		}
		return []field{label(arg.Label.In(l), menu, hint)}
	case commands.Words:
		text.Style, text.MaxLength, text.Value = discordgo.TextInputParagraph, maxWords, cut(held, maxWords, one)
	case commands.Account:
		if name := strings.TrimSpace(oneLine(f.chosen)); name != "" {
			hint = fmt.Sprintf(commands.Text{English: "You chose %s: type their NetEase account id", Chinese: "你选择了 %s，请填写其网易云信账号"}.In(l), cut(name, maxName, one))
		}
	}
	return []field{label(arg.Label.In(l), text, hint)}
}
