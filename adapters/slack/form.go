package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"roomwarden/commands"
)

const (
	formCallback = "form"                 // callback_id of every form
	typedSuffix  = "_typed"               // ends the block of a field beside a menu; what is typed counts for more than what is chosen
	answerBlock  = "answer_in"            // the block that asks where the answer goes
	onMessage    = "_message"             // ends the callback_id of a shortcut on a message
	gatherTime   = 150 * time.Millisecond // for what a form shows and is not known yet, before it opens
	openTime     = 1500 * time.Millisecond
	completeTime = 5 * time.Second // for that afterwards
)

// A kept is what a form carries through Slack to its submission. Nobody but the bot writes it, and nothing in it grants anything.
type kept struct {
	Command string `json:"command"`
	Channel string `json:"channel,omitempty"` // where it was opened
}

// opened opens the form of a command that came with nothing but its name, and tells whether it did: then that is the answer.
func (a *Adapter) opened(req commands.Request, trigger string) bool {
	row, ok := commands.Form(req.Line)
	if !ok || a.Guide == nil || trigger == "" {
		return false
	}
	return a.openForm(req, row, trigger)
}

// shortcut opens the form that a shortcut asks for; where that cannot be, the usage line is the answer.
func (a *Adapter) shortcut(in interaction, req commands.Request) {
	req.Line = strings.TrimSuffix(in.CallbackID, onMessage)
	row, ok := commands.Form(req.Line)
	if !ok || a.Guide == nil || in.TriggerID == "" {
		a.Log.Warn("slack: a shortcut that is none of ours", "shortcut", word(in.CallbackID))
		return
	}
	if a.openForm(req, row, in.TriggerID) {
		return
	}
	req.ReplyTo, req.ReplyBy = inChannel, req.At.Add(replyTime)
	if _, good := trusted(in.ResponseURL, a.APIURL); good {
		req.ReplyTo = commands.ReplyTo(in.ResponseURL)
	}
	if r := a.posted(context.Background(), req, false); r != nil {
		a.goOn(func() { a.tellNow(context.Background(), req, *r) })
	}
}

// openForm opens a form, and tells whether it did, now or when the same came before. A trigger is good for three seconds from the moment
// somebody did something, so nothing slow is waited for: what is not known in time is put into the form afterwards.
//
// https://docs.slack.dev/reference/methods/views.open
func (a *Adapter) openForm(req commands.Request, row commands.Command, trigger string) bool {
	if !a.triggers.add(trigger) {
		return true
	}
	life, _, end, err := a.running.begin("form:"+req.Key, req.Who.ID())
	if err != nil {
		return false
	}
	goesOn := false
	defer func() {
		if !goesOn {
			end()
		}
	}()
	log := a.Log.With("team", req.Who.Space, "user", req.Who.User, "command", row.Name)
	gathering, cancel := context.WithTimeout(life, gatherTime)
	form, complete := a.form(gathering, req, row)
	cancel()
	opening, cancel := context.WithDeadline(life, req.At.Add(openTime))
	defer cancel()
	shown, err := a.showView(opening, "views.open", struct {
		Trigger string `json:"trigger_id"`
		View    view   `json:"view"`
	}{trigger, form})
	if err != nil {
		log.Warn("slack: a form could not be opened", "error", err)
		return false
	}
	log.Info("slack: form opened", "ms", time.Since(req.At).Milliseconds())
	if goesOn = !complete && shown.ID != ""; goesOn {
		go func() {
			defer end()
			a.guarded(func() { a.complete(life, req, row, shown, log) })
		}()
	}
	return true
}

// complete puts into a form what was not known when it opened. What somebody has written into it meanwhile stays.
//
// https://docs.slack.dev/reference/methods/views.update
func (a *Adapter) complete(life context.Context, req commands.Request, row commands.Command, shown openedView, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(life, completeTime)
	defer cancel()
	whole, _ := a.form(ctx, req, row)
	for i, b := range whole.Blocks {
		if in, ok := b.(input); ok { // they may be filling it in, and do not see what is chosen for them
			in.Element.Selected = nil
			whole.Blocks[i] = in
		}
	}
	if _, err := a.showView(ctx, "views.update", struct {
		ID   string `json:"view_id"`
		Hash string `json:"hash,omitempty"`
		View view   `json:"view"`
	}{shown.ID, shown.Hash, whole}); err != nil {
		log.Info("slack: a form could not be completed", "error", err)
	}
}

// form gathers and draws the form of a command for somebody. complete is false where something was not known before ctx ended.
func (a *Adapter) form(ctx context.Context, req commands.Request, row commands.Command) (v view, complete bool) {
	who, locale := a.identify(ctx, req.Who)
	rooms, err := a.Guide.Rooms(ctx, who, row)
	return drawForm(row, commands.LanguageOf(locale, a.Language), rooms, req.Where), err == nil && !who.Unsure && (a.People == nil || locale != "")
}

// drawForm makes a form of a command's row.
func drawForm(row commands.Command, l commands.Language, rooms []commands.Place, channel string) view {
	private, _ := json.Marshal(kept{Command: row.Name, Channel: channel})
	v := view{
		Type: "modal", CallbackID: formCallback, Private: string(private), Title: plainOf(row.Title.In(l), maxTitle),
		Submit: plainOf(commands.Text{English: "Send", Chinese: "提交"}.In(l), maxTitle),
		Close:  plainOf(commands.Text{English: "Cancel", Chinese: "取消"}.In(l), maxTitle),
		Blocks: []any{note(marked(commands.Prose{{Text: row.Help.In(l)}}))},
	}
	for _, arg := range row.Args {
		if arg.Label.English != "" {
			v.Blocks = append(v.Blocks, inputs(arg, l, rooms)...)
		}
	}
	answer := input{Type: "input", BlockID: answerBlock, Optional: true, Label: plainOf(commands.Text{English: "Where the answer goes", Chinese: "结果发到哪里"}.In(l), maxLabel)}
	answer.Hint = plainOf(commands.Text{
		English: "What is done is told to everyone there, anything else to you alone; without a conversation all of it to you alone",
		Chinese: "执行成功会告知该会话的所有人，其余仅你可见；不选则全部仅你可见"}.In(l), maxHeader)
	answer.Element = field{
		Type: "conversations_select", ActionID: fieldAction, Current: true, ResponseURL: true,
		Filter: &filter{Include: []string{"public", "private", "mpim", "im"}},
	}
	v.Blocks = append(v.Blocks, answer)
	return v
}

// inputs are the fields of an argument: a menu where there is something to choose from, and a field to type in where that is not all.
func inputs(arg commands.Arg, l commands.Language, rooms []commands.Place) []any {
	in := input{Type: "input", BlockID: arg.Name, Label: plainOf(arg.Label.In(l), maxLabel), Hint: plainOf(arg.Help.In(l), maxHeader), Optional: !arg.Required}
	in.Element = field{Type: "plain_text_input", ActionID: fieldAction}
	var options []option
	switch arg.Kind {
	case commands.Room:
		for _, place := range rooms[:min(len(rooms), maxChoice)] {
			id := strconv.FormatInt(place.Room, 10)
			text := id
			if place.Name != "" {
				text = place.Name + " (" + id + ")"
			}
			options = append(options, option{plainOf(text, maxOption), id})
		}
	case commands.Duration:
		for _, length := range arg.Presets(l) {
			options = append(options, option{plainOf(length.Label, maxOption), length.Line})
		}
	case commands.OneOf:
		for i, choice := range arg.Choices {
			text := choice
			if i < len(arg.Labels) {
				text = arg.Labels[i].In(l)
			}
			options = append(options, option{plainOf(text, maxOption), choice})
		}
		in.Element, in.Hint = field{Type: "static_select", ActionID: fieldAction, Options: options}, nil
		return []any{in}
	case commands.YesNo:
		yes := option{plainOf(arg.Label.In(l), maxOption), "yes"}
		in.Element = field{Type: "checkboxes", ActionID: fieldAction, Options: []option{yes}, Chosen: []option{yes}}
		in.Hint = nil
		return []any{in}
	case commands.Words:
		in.Element.Multiline, in.Element.MaxLength = true, 500
		return []any{in}
	}
	if len(options) == 0 {
		if arg.Kind == commands.Room { // as beside a menu, which may come: what is typed stays where it is
			in.BlockID += typedSuffix
		}
		return []any{in}
	}
	menu := in
	menu.Element, menu.Hint, menu.Optional = field{Type: "static_select", ActionID: fieldAction, Options: options}, nil, true
	if arg.Kind == commands.Room && len(options) == 1 {
		menu.Element.Selected = &options[0]
	}
	in.BlockID, in.Optional = arg.Name+typedSuffix, true
	in.Label = plainOf(fmt.Sprintf(commands.Text{English: "%s (if not in the list)", Chinese: "%s（不在列表中时填写）"}.In(l), arg.Label.In(l)), maxLabel)
	return []any{menu, in}
}

// A submitted is a form as it comes back.
type submitted struct {
	ID         string `json:"id"`
	CallbackID string `json:"callback_id"`
	Private    string `json:"private_metadata"`
	State      struct {
		Values map[string]map[string]struct { // by block and action
			Value        string `json:"value"`
			Conversation string `json:"selected_conversation"`
			Selected     *struct {
				Value string `json:"value"`
			} `json:"selected_option"`
			Checked *[]struct {
				Value string `json:"value"`
			} `json:"selected_options"`
		} `json:"values"`
	} `json:"state"`
}

// filled is what was written or chosen, by argument.
func (s submitted) filled(row commands.Command) map[string]string {
	filled := map[string]string{}
	for _, arg := range row.Args {
		for _, block := range []string{arg.Name, arg.Name + typedSuffix} {
			state := s.State.Values[block][fieldAction]
			switch value := strings.TrimSpace(state.Value); {
			case value != "":
				filled[arg.Name] = typed(value)
			case state.Selected != nil:
				filled[arg.Name] = state.Selected.Value
			case state.Checked != nil && len(*state.Checked) == 0:
				filled[arg.Name] = "no"
			}
		}
	}
	return filled
}

// block is the one under which a mistake in an argument is shown.
func (s submitted) block(arg string) string {
	if field, there := s.State.Values[arg+typedSuffix]; there && (field[fieldAction].Value != "" || s.State.Values[arg] == nil) {
		return arg + typedSuffix
	}
	return arg
}

// A formErrors is the response to a form that cannot be taken.
//
// https://docs.slack.dev/surfaces/modals/#displaying_errors
type formErrors struct {
	Action string            `json:"response_action"` // "errors"
	Errors map[string]string `json:"errors"`          // by block
}

// submit carries out a filled form, as if its line were typed. The response says under which fields there are mistakes; nil closes the form.
func (a *Adapter) submit(ctx context.Context, in interaction, req commands.Request) (any, error) {
	var carried kept
	if in.View.CallbackID != formCallback || json.Unmarshal([]byte(in.View.Private), &carried) != nil || a.Guide == nil {
		return nil, nil // none of ours
	}
	row, ok := commands.Form(carried.Command)
	if !ok {
		return nil, nil
	}
	if in.View.ID != "" {
		req.Key = "slack:view:" + in.View.ID // the same form is one command, however often it is delivered
	}
	who, locale := a.identify(ctx, req.Who)
	line, wrong := a.Guide.Fill(who, row, in.View.filled(row), locale)
	if line != "" && len(wrong) > 0 {
		a.writeDown(ctx, in, req, line, carried)
	}
	if len(wrong) > 0 {
		response := formErrors{"errors", map[string]string{}}
		for arg, why := range wrong {
			response.Errors[in.View.block(arg)] = label(why.String(), maxInput)
		}
		return response, nil
	}
	req.Line = line
	a.address(&req, in, carried)
	if r := a.posted(ctx, req, false); r != nil { // nothing was done: it can be sent again
		return formErrors{"errors", map[string]string{in.View.block(row.Args[0].Name): label(r.Text.String(), maxInput)}}, nil
	}
	return nil, nil
}

// writeDown has a form refused that somebody may not send, as if its line were typed, so that the journal has it. They read so in the form. It returns when
// it is written down, or Slack would not wait longer.
func (a *Adapter) writeDown(ctx context.Context, in interaction, req commands.Request, line string, carried kept) {
	req.Line, req.Key = line, fmt.Sprintf("%s:%x", req.Key, sha256.Sum256([]byte(line))) // what they send next is another command
	a.address(&req, in, carried)
	life, c, end, err := a.running.begin(req.Key, req.Who.ID())
	if err != nil {
		return
	}
	req.Accepted = c.accepted
	done := make(chan struct{})
	go func() {
		defer end()
		got := a.work(life, req, c)
		close(done)
		how := inFirst
		if got.reply.Tone != commands.Refused { // they have got the right meanwhile
			how = a.giveLate(life, req, got)
		}
		a.answered(got.reply, how)
	}()
	wait, cancel := context.WithDeadline(ctx, req.At.Add(firstAnswer))
	defer cancel()
	select {
	case <-c.written:
	case <-done:
	case <-wait.Done():
	}
}

// address tells where the answer to a form goes: to the conversation that was chosen in it, and where none was, to the person alone.
func (a *Adapter) address(req *commands.Request, in interaction, carried kept) {
	state, asked := in.View.State.Values[answerBlock]
	chosen := state[fieldAction].Conversation
	req.Where = strings.ToValidUTF8(cmp.Or(chosen, carried.Channel), "\uFFFD")
	req.ReplyTo, req.ReplyBy = inChannel, req.At.Add(replyTime)
	if asked && chosen == "" {
		req.ReplyTo = toOne
	}
	for _, to := range in.ResponseURLs {
		if _, good := trusted(to.URL, a.APIURL); good {
			req.ReplyTo, req.Where = commands.ReplyTo(to.URL), strings.ToValidUTF8(cmp.Or(to.Channel, req.Where), "\uFFFD")
			return
		}
	}
}
