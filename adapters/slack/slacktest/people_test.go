package slacktest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/slack/slacktest"
)

func TestModal(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{})
	said := ""
	httpBot(t, s, func(string, string) string { return said })
	d := s.Shortcut("U1", "mute")
	d.Ack()
	radio := obj{"type": "radio_buttons", "options": []any{obj{"text": words("5 minutes"), "value": "300s"}, obj{"text": words("1 hour"), "value": "1h"}}}
	where := obj{"type": "conversations_select", "response_url_enabled": true}
	form := modal(
		input("who", "Who", obj{"type": "plain_text_input", "max_length": 5}),
		input("long", "How long", radio), input("where", "Tell", where),
	)
	opened := call(t, s, s.BotToken, "views.open", obj{"trigger_id": d.TriggerID, "view": form})
	require.Nil(t, opened["error"])
	hash := opened["view"].(obj)["hash"]

	d = s.Submit("U1", map[string]string{"How long": "300s"})
	assert.Equal(t, map[string]string{"Who": "Please complete this required field.", "Tell": "Please complete this required field."}, d.Errors())
	ok, _ := d.Acked()
	assert.False(t, ok)

	said = `{"response_action": "errors", "errors": {"who": "unknown"}}`
	d = s.Submit("U1", map[string]string{"Who": "lisi", "Tell": "C1"})
	assert.Equal(t, map[string]string{"Who": "unknown"}, d.Errors())
	values := d.Payload["view"].(obj)["state"].(obj)["values"].(obj)
	assert.Equal(t, "300s", values["long"].(obj)["a"].(obj)["selected_option"].(obj)["value"])
	open, still := s.Modal("U1")
	require.True(t, still)
	assert.Equal(t, "lisi", open.Inputs[0].Value)

	form["title"] = words("Mute again")
	update := obj{"view_id": open.ID, "hash": hash, "view": form}
	assert.Nil(t, call(t, s, s.BotToken, "views.update", update)["error"])
	assert.Equal(t, "hash_conflict", call(t, s, s.BotToken, "views.update", update)["error"])
	open, _ = s.Modal("U1")
	assert.Equal(t, "5 minutes", open.Inputs[1].Value, "what was filled in stays")

	said = ""
	d = s.Submit("U1", nil)
	require.Empty(t, d.Errors())
	_, still = s.Modal("U1")
	assert.False(t, still)
	to := d.Payload["response_urls"].([]any)[0].(obj)
	assert.Equal(t, "C1", to["channel_id"])
	post(t, to["response_url"].(string), "", obj{"text": "done"})
	assert.Equal(t, "done", d.Answer(t).Text)
	assert.Equal(t, "C1", d.Answer(t).Channel)
}

func TestSameLabels(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{})
	httpBot(t, s, silent)
	text := func(id string) obj { return input(id, "… or type it", obj{"type": "plain_text_input"}) }
	boxes := obj{"type": "checkboxes", "options": []any{obj{"text": words("a, b"), "value": "1"}, obj{"text": words("c"), "value": "2"}}}
	d := s.Command("U1", "C1", "/mute", "")
	call(t, s, s.BotToken, "views.open", obj{"trigger_id": d.TriggerID, "view": modal(text("x"), text("y"), input("z", "All", boxes))})
	d = s.Submit("U1", map[string]string{"y": "lisi"})
	assert.Equal(t, map[string]string{"x": "Please complete this required field.", "All": "Please complete this required field."}, d.Errors())
	assert.Empty(t, s.Submit("U1", map[string]string{"x": "1", "All": "1,c"}).Errors())
}

func TestHome(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{})
	httpBot(t, s, silent)
	d := s.OpenHome("U1")
	ok, _ := d.Acked()
	assert.True(t, ok)
	_, has := s.Home("U1")
	assert.False(t, has)
	view := obj{"type": "home", "blocks": []any{actions(button("a", "Unmute", "unmute 1 2"))}}
	require.Nil(t, call(t, s, s.BotToken, "views.publish", obj{"user_id": "U1", "view": view})["error"])
	home, _ := s.Home("U1")
	assert.Equal(t, "Unmute", home.Buttons()[0].Label)
	d = s.PressHome("U1", "Unmute")
	assert.Equal(t, obj{"type": "view", "view_id": home.ID}, d.Payload["container"])
	assert.Empty(t, d.ResponseURL)
	assert.NotContains(t, d.Payload, "channel")
	assert.NotEmpty(t, d.TriggerID)
}

func TestHTTP(t *testing.T) {
	s := slacktest.New(t, slacktest.Options{AckTime: 200 * time.Millisecond})
	wait := make(chan struct{})
	defer close(wait) // before the bot is closed
	httpBot(t, s, func(path, body string) string {
		form, _ := url.ParseQuery(body)
		switch {
		case path == "/slack/events":
			return body
		case form.Get("text") == "slow":
			<-wait
		}
		return `{"text": "you said ` + form.Get("text") + `"}`
	})
	d := s.Command("U1", "C1", "/mute", "lisi")
	assert.Equal(t, "you said lisi", d.Answer(t).Text)
	assert.Equal(t, "U1", d.Answer(t).Private)
	d.Again(false).Ack()
	assert.Len(t, d.Answers(), 2, "of a repeat, too")

	assert.Equal(t, slacktest.TimedOut, s.Command("U1", "C1", "/mute", "slow").Ack().Problem)
	assert.Contains(t, string(s.Event("tokens_revoked", nil).Ack().Body), "event_callback")
	for _, f := range []slacktest.Forgery{{Secret: "x"}, {Age: time.Hour}, {Missing: true}} {
		s.Forge(f)
		assert.Equal(t, 401, s.Command("U1", "C1", "/mute", "lisi").Ack().Status)
	}
	s.SetBotURL("http://127.0.0.1:1")
	assert.Equal(t, slacktest.Unreachable, s.Command("U1", "C1", "/mute", "lisi").Ack().Problem)
	s.SetBotURL("")
	assert.Equal(t, slacktest.Unreachable, s.Command("U1", "C1", "/mute", "lisi").Ack().Problem)
	assert.Equal(t, []string{"you said lisi", "you said lisi"}, strings.Split(s.Seen("U1", "C1")[0].Text+"|"+s.Seen("U1", "C1")[1].Text, "|"))
}
