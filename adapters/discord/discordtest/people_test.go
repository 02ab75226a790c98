package discordtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

func TestPayloads(t *testing.T) {
	s := there(t, discordtest.Options{})
	httpBot(t, s, func(obj) obj { return first(4, says("x")) })
	// What was sent, once its answer stands: the last message is then the last one's.
	sent := func(d *discordtest.Delivery) obj {
		d.Ack()
		return d.Payload
	}
	guild := s.AddGuild(discordtest.Guild{Name: "Other", Locale: "zh-CN"})
	s.AddChannel(discordtest.Channel{Name: "there", Guild: "Other"})
	zhangsan := s.User("zhangsan")

	d := s.Command("zhangsan", "there", "mute", obj{"target": "lisi", "room": "123", "minutes": 5, "quiet": true})
	p := sent(d)
	assert.Equal(t, 2.0, p["type"])
	assert.Equal(t, 1.0, p["version"])
	assert.Equal(t, 0.0, p["context"])
	assert.Equal(t, d.ID, p["id"])
	assert.Equal(t, d.Token, p["token"])
	assert.Equal(t, guild.ID, p["guild_id"])
	assert.Equal(t, "zh-CN", p["guild_locale"])
	assert.Equal(t, "zh-CN", p["locale"])
	assert.Equal(t, obj{"0": guild.ID}, p["authorizing_integration_owners"])
	assert.Equal(t, p["channel_id"], p["channel"].(obj)["id"])
	assert.NotContains(t, p, "user")
	for _, key := range []string{"app_permissions", "entitlements", "attachment_size_limit", "guild"} {
		assert.Contains(t, p, key)
	}
	member := p["member"].(obj)
	assert.Equal(t, []any{"539082325061836999"}, member["roles"])
	assert.Equal(t, zhangsan.ID, member["user"].(obj)["id"])
	assert.Equal(t, "Zhang San", member["user"].(obj)["global_name"])
	data := p["data"].(obj)
	assert.Equal(t, []any{
		obj{"name": "room", "type": 3.0, "value": "123"}, obj{"name": "target", "type": 3.0, "value": "lisi"},
		obj{"name": "minutes", "type": 4.0, "value": 5.0}, obj{"name": "quiet", "type": 5.0, "value": true},
	}, data["options"])
	assert.Equal(t, s.Registered("")[0]["id"], data["id"])

	// A stranger is administrator, and has no roles.
	stranger := sent(s.Command("lisi", "moderation", "room list", nil))
	assert.Equal(t, []any{}, stranger["member"].(obj)["roles"])
	assert.Equal(t, "9007199254740991", stranger["member"].(obj)["permissions"])
	assert.Equal(t, []any{obj{"name": "list", "type": 1.0}}, stranger["data"].(obj)["options"])

	direct := sent(s.Direct("zhangsan", "room list", obj{"closed": true}))
	assert.Equal(t, zhangsan.ID, direct["user"].(obj)["id"])
	assert.Equal(t, 1.0, direct["context"])
	assert.Equal(t, 1.0, direct["channel"].(obj)["type"])
	for _, key := range []string{"member", "guild_id", "guild", "guild_locale"} {
		assert.NotContains(t, direct, key)
	}
	inner := direct["data"].(obj)["options"].([]any)[0].(obj)
	assert.Equal(t, []any{obj{"name": "closed", "type": 5.0, "value": true}}, inner["options"])

	menu := sent(s.Menu("zhangsan", "moderation", "Who is", "lisi"))["data"].(obj)
	lisi := s.User("lisi")
	assert.Equal(t, 2.0, menu["type"])
	assert.Equal(t, lisi.ID, menu["target_id"])
	assert.Equal(t, "lisi", menu["resolved"].(obj)["users"].(obj)[lisi.ID].(obj)["username"])
	assert.NotContains(t, menu["resolved"].(obj)["members"].(obj)[lisi.ID], "user")

	odd := s.Interact("lisi", "moderation", 2, obj{"name": "gone", "type": 1, "id": "1"})
	assert.Equal(t, "gone", odd.Payload["data"].(obj)["name"])
	last := odd.Answer(t)
	assert.Equal(t, "x", last.Content)
	odd = s.Interact("lisi", "moderation", 3, obj{"component_type": 99, "custom_id": "x"})
	assert.Equal(t, last.ID, odd.Payload["message"].(obj)["id"])
	odd.Ack()
}

func TestPress(t *testing.T) {
	s := there(t, discordtest.Options{})
	httpBot(t, s, func(p obj) obj {
		if p["type"] == 3.0 {
			return first(7, obj{"content": "done", "components": []any{}, "allowed_mentions": nobody()})
		}
		off := button("Off", "off")
		off["disabled"] = true
		link := obj{"type": 2, "style": 5, "label": "Page", "url": "https://example.com"}
		return first(4, private(below(says("card"), button("Yes", "v1:yes"), off, link)))
	})
	card := command(s).Answer(t)
	assert.Equal(t, s.User("zhangsan").ID, card.For)
	require.Len(t, card.Buttons(), 3)
	assert.Equal(t, "https://example.com", card.Buttons()[2].URL)
	assert.True(t, card.Buttons()[1].Disabled)

	d := s.Press("zhangsan", card, "Yes")
	p := d.Payload
	assert.Equal(t, 3.0, p["type"])
	assert.Equal(t, obj{"component_type": 2.0, "custom_id": "v1:yes", "id": 2.0}, p["data"])
	message := p["message"].(obj)
	assert.Equal(t, card.ID, message["id"])
	assert.Equal(t, 64.0, message["flags"])
	assert.Equal(t, s.User("zhangsan").ID, message["interaction_metadata"].(obj)["user"].(obj)["id"])
	assert.Len(t, message["components"], 1)
	assert.Equal(t, "done", d.Answer(t).Content)
	assert.True(t, d.Answer(t).Private(), "an update keeps who sees it")

	// Somebody has the old state before them.
	d = s.Press("zhangsan", card, "v1:yes")
	assert.Equal(t, "done", d.Payload["message"].(obj)["content"])
	d.Ack()
	s.Remove(card)
	assert.True(t, s.Press("zhangsan", card, "Yes").Failed())
	assert.Equal(t, discordtest.Unsent, s.Press("zhangsan", card, "Yes").Ack().Problem)
	assert.Empty(t, s.Seen("zhangsan", "moderation"))
}

func TestAutocomplete(t *testing.T) {
	offers := []any{}
	s := there(t, discordtest.Options{})
	s.Forgive()
	httpBot(t, s, func(obj) obj { return first(8, obj{"choices": offers}) })
	ask := func() *discordtest.Delivery {
		return s.Autocomplete("zhangsan", "moderation", "mute", obj{"minutes": 5}, "room", "12")
	}
	d := ask()
	assert.Equal(t, 4.0, d.Payload["type"])
	assert.Equal(t, []any{
		obj{"name": "minutes", "type": 4.0, "value": 5.0}, obj{"name": "room", "type": 3.0, "value": "12", "focused": true},
	}, d.Payload["data"].(obj)["options"])
	assert.Empty(t, d.Choices(t))
	offers = []any{obj{"name": "Room 123", "value": "123"}}
	assert.Equal(t, []discordtest.Choice{{Name: "Room 123", Value: "123"}}, ask().Choices(t))
	assert.Empty(t, s.Complaints())
	for _, bad := range [][]any{
		make([]any, 26), {obj{"name": "", "value": "1"}}, {obj{"name": strings.Repeat("x", 101), "value": "1"}}, {obj{"name": "x", "value": 1}}, {obj{"name": "x"}},
	} {
		offers = bad
		assert.Equal(t, discordtest.Nonsense, ask().Ack().Problem)
	}
	assert.NotEmpty(t, s.Complaints())
}

func TestModals(t *testing.T) {
	input := func(id string, more obj) obj {
		o := obj{"type": 4, "custom_id": id, "style": 1}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	label := func(text string, component obj) obj { return obj{"type": 18, "label": text, "component": component} }
	choose := obj{"type": 3, "custom_id": "long", "options": []any{obj{"label": "5 minutes", "value": "5"}, obj{"label": "1 hour", "value": "60"}}}
	form := obj{"custom_id": "v1:mute", "title": "Mute", "components": []any{
		row(input("who", obj{"label": "Who", "min_length": 2, "max_length": 5})),
		label("Why", input("why", obj{"required": false, "value": "noise"})),
		label("How long", choose),
		obj{"type": 10, "content": "Think twice."},
	}}
	said := first(4, says("done"))
	s := there(t, discordtest.Options{AnswerTime: brief})
	httpBot(t, s, func(p obj) obj {
		if p["type"] == 5.0 {
			return said
		}
		return first(9, form)
	})
	d := command(s)
	m := d.Modal(t)
	assert.Equal(t, "Mute", m.Title)
	require.Len(t, m.Inputs, 3)
	assert.Equal(t, discordtest.Input{Label: "Why", CustomID: "why", Value: "noise"}, m.Inputs[1])
	assert.Equal(t, []string{"5 minutes", "1 hour"}, m.Inputs[2].Options)
	_, open := s.Modal("lisi")
	assert.False(t, open)

	d = s.Submit("zhangsan", map[string]string{"Who": "x"})
	assert.Equal(t, map[string]string{"Who": "Must be at least 2 characters", "How long": "This field is required"}, d.Errors())
	assert.Equal(t, discordtest.Unsent, d.Ack().Problem)

	said = nil // 202, and nothing more
	d = s.Submit("zhangsan", map[string]string{"who": "lisi", "How long": "1 hour"})
	assert.True(t, d.Failed())
	_, open = s.Modal("zhangsan")
	assert.True(t, open, "people may try again")

	said = first(4, says("done"))
	d = s.Submit("zhangsan", nil)
	assert.Equal(t, 5.0, d.Payload["type"])
	assert.NotContains(t, d.Payload, "message")
	assert.Equal(t, obj{"custom_id": "v1:mute", "components": []any{
		obj{"type": 1.0, "id": 1.0, "components": []any{obj{"type": 4.0, "id": 2.0, "custom_id": "who", "value": "lisi"}}},
		obj{"type": 18.0, "id": 3.0, "component": obj{"type": 4.0, "id": 4.0, "custom_id": "why", "value": "noise"}},
		obj{"type": 18.0, "id": 5.0, "component": obj{"type": 3.0, "id": 6.0, "custom_id": "long", "values": []any{"60"}}},
		obj{"type": 10.0, "id": 7.0},
	}}, d.Payload["data"])
	assert.Equal(t, "done", d.Answer(t).Content)
	_, open = s.Modal("zhangsan")
	assert.False(t, open)
}

// A modal after a click may update the message that was clicked on.
func TestModalAfterClick(t *testing.T) {
	s := there(t, discordtest.Options{})
	httpBot(t, s, func(p obj) obj {
		switch p["type"] {
		case 2.0:
			return first(4, below(says("card"), button("Why", "w")))
		case 3.0:
			return first(9, obj{"custom_id": "m", "title": "Why", "components": []any{row(obj{"type": 4, "custom_id": "i", "style": 2, "label": "Why"})}})
		}
		return first(7, obj{"content": "noted", "components": []any{}, "allowed_mentions": nobody()})
	})
	card := command(s).Answer(t)
	s.Press("lisi", card, "Why").Modal(t)
	d := s.Submit("lisi", map[string]string{"Why": "noise"})
	assert.Equal(t, card.ID, d.Answer(t).ID)
	assert.Equal(t, card.ID, d.Payload["message"].(obj)["id"])
	assert.Len(t, s.Seen("zhangsan", "moderation"), 1)
	s.CloseModal("lisi")
}

func TestOwnTime(t *testing.T) {
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	s := there(t, discordtest.Options{Now: func() time.Time { return at }, AnswerTime: brief})
	httpBot(t, s, waits)
	assert.Equal(t, discordtest.TimedOut, command(s).Ack().Problem, "though the clock stands")
}
