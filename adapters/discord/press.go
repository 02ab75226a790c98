package discord

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	discordgo "github.com/bwmarrin/discordgo"

	"roomwarden/commands"
)

const (
	lineTime    = time.Second     // that a press may wait for the journal to tell its line
	workingTime = 3 * time.Second // to say that the answer takes longer; the answer waits for that
)

var (
	outdated = commands.Text{
		English: "The bot no longer knows what this button stands for. Nothing was done. Please type the command.",
		Chinese: "这个按钮已失效，机器人无法识别其含义，没有执行任何操作。请直接输入命令。",
	}
	unread = commands.Text{
		English: "The journal could not be read, so the bot does not know what this button stands for. Nothing was done. Please press it again in a moment.",
		Chinese: "暂时无法读取操作记录，无法识别此按钮的含义，没有执行任何操作。请稍后再按。",
	}
)

// press is the first answer to a pressed button: to a line that somebody typed, or a form. Nothing that the button carries grants anything.
func (a *Adapter) press(ctx context.Context, i interaction) (response, error) {
	var pressed struct {
		CustomID string                  `json:"custom_id"`
		Type     discordgo.ComponentType `json:"component_type"`
	}
	if err := json.Unmarshal(i.Data, &pressed); err != nil {
		return response{}, errors.New("its data is not that of a component")
	}
	if i.Message == nil || pressed.Type != discordgo.ButtonComponent {
		return a.turnedAway(i, outdated), nil
	}
	if f, ok := formOf(pressed.CustomID); ok {
		return a.openForm(ctx, i, f), nil
	}
	reading, cancel := context.WithTimeout(ctx, lineTime)
	defer cancel()
	line, err := "", errPanic
	a.guarded(func() { line, err = a.line(reading, pressed.CustomID) })
	switch {
	case err != nil:
		a.Log.Error("discord: a pressed button cannot be read", "error", err)
		return a.turnedAway(i, unread), nil
	case line == "":
		return a.turnedAway(i, outdated), nil
	}
	if row, ok := commands.Form(line); ok && a.Guide != nil {
		return a.openForm(ctx, i, form{command: row}), nil
	}
	return a.carryOut(ctx, i, line, card{pressed: true, private: i.Message.Flags&discordgo.MessageFlagsEphemeral != 0})
}

// A card is the message that a pressed button sits on. The zero value is none: the answer is a message of its own.
type card struct {
	pressed bool
	private bool // only the presser sees it
}

const publicCard, privateCard = "/card-public", "/card-private"

// suffix ends the address of an answer to a press.
func (c card) suffix() commands.ReplyTo {
	switch {
	case !c.pressed:
		return ""
	case c.private:
		return privateCard
	}
	return publicCard
}

// cardOf reads what suffix has written, and returns the address without it.
func cardOf(to commands.ReplyTo) (commands.ReplyTo, card) {
	if address, ok := strings.CutSuffix(string(to), privateCard); ok {
		return commands.ReplyTo(address), card{pressed: true, private: true}
	}
	if address, ok := strings.CutSuffix(string(to), publicCard); ok {
		return commands.ReplyTo(address), card{pressed: true}
	}
	return to, card{}
}

// replaced tells whether an answer takes the place of the card. What everyone may read does so in any case: a private card shows the presser what they have
// done. What one person may read never touches a card that others see, unless that tells of what is over.
func (c card) replaced(r commands.Reply) bool {
	return c.pressed && (c.private || r.Public || r.Settled)
}

// shown is an answer as the first answer to a press, or to a command.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type
func (c card) shown(a answer) response {
	if !c.replaced(a.reply) {
		return shown(a)
	}
	if !c.private {
		a.message.Flags &^= discordgo.MessageFlagsEphemeral
	}
	r := shown(a)
	r.Type = discordgo.InteractionResponseUpdateMessage
	return r
}

// also tells whether an answer has to be posted besides: a message does not change between private and public.
func (c card) also(r commands.Reply) bool { return c.pressed && c.private && r.Public }

// tellCard gives the answer to a press after the first answer, which has changed nothing yet.
func (a *Adapter) tellCard(ctx context.Context, to commands.ReplyTo, late answer, c card, working string) error {
	if !c.replaced(late.reply) {
		return a.besides(ctx, to, late, working)
	}
	err := a.Client.edit(ctx, to, late.message)
	switch {
	case hasNoPlace(err):
		return a.besides(ctx, to, late, working)
	case err != nil:
		return err
	case c.also(late.reply):
		a.postAlso(ctx, to, late)
	}
	a.unsay(ctx, to, working)
	return nil
}

// besides gives an answer besides the card; one for the person alone in the place of what tells them that it takes longer.
func (a *Adapter) besides(ctx context.Context, to commands.ReplyTo, late answer, working string) error {
	if working != "" && !late.reply.Public && a.Client.editFollowUp(ctx, to, working, late.message) == nil {
		return nil
	}
	if err := a.post(ctx, to, late); err != nil {
		return err
	}
	a.unsay(ctx, to, working)
	return nil
}

// unsay removes what tells the presser that it takes longer; empty: nothing does.
func (a *Adapter) unsay(ctx context.Context, to commands.ReplyTo, working string) {
	if working == "" {
		return
	}
	if err := a.Client.removeFollowUp(ctx, to, working); err != nil {
		a.Log.Info("discord: what said that the answer follows could not be removed", "error", err)
	}
}

// postAlso tells everyone what the person knows already.
func (a *Adapter) postAlso(ctx context.Context, to commands.ReplyTo, late answer) {
	if _, err := a.Client.followUp(ctx, to, late.message); err != nil {
		a.Log.Warn("discord: the person has the answer, the channel may not", "number", late.reply.Number, "error", err)
	}
}

// tellWorking tells the presser that the answer follows, since the first answer to a press says nothing. It returns the id of the message; empty: there is none.
func (a *Adapter) tellWorking(life context.Context, req commands.Request, c *command, language commands.Language) string {
	ctx, cancel := context.WithTimeout(life, workingTime)
	defer cancel()
	if !c.wait(ctx) {
		return ""
	}
	working := drawn(commands.Acknowledgement(language, c.acknowledge().number))
	id, err := a.Client.followUp(ctx, req.ReplyTo, working.message)
	if err != nil {
		a.Log.Info("discord: it could not be said how it stands", "error", err)
	}
	return id
}
