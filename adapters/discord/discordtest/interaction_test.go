package discordtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

func TestFirstAnswers(t *testing.T) {
	press := func(t *testing.T, s *discordtest.Server) *discordtest.Delivery {
		d := command(s)
		callback(t, s, d, first(4, below(says("card"), button("Yes", "v1:yes"))))
		return s.Press("zhangsan", d.Answer(t), "Yes")
	}
	use := func(_ *testing.T, s *discordtest.Server) *discordtest.Delivery { return command(s) }
	typed := func(_ *testing.T, s *discordtest.Server) *discordtest.Delivery {
		return s.Autocomplete("zhangsan", "moderation", "mute", nil, "room", "1")
	}
	input := obj{"type": 4, "custom_id": "why", "style": 1}
	form := obj{"custom_id": "form", "title": "Mute", "components": []any{obj{"type": 18, "label": "Why", "component": input}}}
	submit := func(t *testing.T, s *discordtest.Server) *discordtest.Delivery {
		d := command(s)
		callback(t, s, d, first(9, form))
		d.Modal(t)
		return s.Submit("zhangsan", map[string]string{"Why": "noise"})
	}
	offered := obj{"choices": []any{obj{"name": "Room 123", "value": "123"}}}
	rows := []struct {
		name   string
		do     func(*testing.T, *discordtest.Server) *discordtest.Delivery
		answer obj
		code   int // 0: taken
	}{
		{"a message", use, first(4, says("x")), 0},
		{"thinking", use, first(5, nil), 0},
		{"thinking, private", use, first(5, obj{"flags": 64}), 0},
		{"thinking with words", use, first(5, says("x")), 50035},
		{"thinking with flags", use, first(5, obj{"flags": 4}), 50035},
		{"a modal", use, first(9, form), 0},
		{"noted, of no click", use, first(6, nil), 50035},
		{"an update of nothing", use, first(7, says("x")), 50035},
		{"choices of a command", use, first(8, offered), 50035},
		{"a pong", use, first(1, nil), 50035},
		{"of a click, a message", press, first(4, says("x")), 0},
		{"of a click, thinking", press, first(5, nil), 0},
		{"of a click, noted", press, first(6, nil), 0},
		{"of a click, an update", press, first(7, below(says("x"))), 50035}, // an empty row
		{"of a click, a modal", press, first(9, form), 0},
		{"of a click, choices", press, first(8, offered), 50035},
		{"choices", typed, first(8, offered), 0},
		{"no choices", typed, first(8, obj{"choices": []any{}}), 0},
		{"of typing, a message", typed, first(4, says("x")), 50035},
		{"of typing, thinking", typed, first(5, nil), 50035},
		{"of a modal, a message", submit, first(4, says("x")), 0},
		{"of a modal, a modal", submit, first(9, form), 50035},
		{"of a modal after a command, an update", submit, first(7, says("x")), 50035},
		{"an empty message", use, first(4, says("")), 50006},
		{"too long", use, first(4, says(strings.Repeat("世", 2001))), 50035},
	}
	for _, row := range rows {
		for _, way := range []string{"callback", "response"} {
			t.Run(row.name+" by "+way, func(t *testing.T) {
				s := there(t, discordtest.Options{})
				s.Forgive()
				httpBot(t, s, waits)
				var d *discordtest.Delivery
				if way == "callback" {
					d = row.do(t, s)
					r := callback(t, s, d, row.answer)
					assert.Equal(t, row.code, r.code, r.text)
					assert.Equal(t, row.code == 0, r.status == 204)
					if row.code != 0 {
						s.Later(3 * time.Second)
					}
				} else {
					// What row.do answers itself comes by the callback before the response.
					httpBot(t, s, func(p obj) obj {
						if p["type"] == kindOf(row.name) {
							return row.answer
						}
						return nil
					})
					d = row.do(t, s)
				}
				ack := d.Ack()
				if row.code == 0 {
					assert.Equal(t, row.answer["type"], ack.Type)
					assert.Equal(t, way == "callback", ack.Callback)
					assert.Empty(t, s.Complaints())
				} else {
					assert.Zero(t, ack.Type)
					assert.True(t, d.Failed())
					assert.NotEmpty(t, ack.Problem)
					assert.NotEmpty(t, s.Complaints())
				}
			})
		}
	}
}

// kindOf is the type of the interaction that a row is about.
func kindOf(name string) float64 {
	switch {
	case strings.HasPrefix(name, "of a click"):
		return 3
	case strings.HasPrefix(name, "of a modal"):
		return 5
	case strings.HasPrefix(name, "of typing"), name == "choices", name == "no choices":
		return 4
	}
	return 2
}

func TestOneFirstAnswer(t *testing.T) {
	s := there(t, discordtest.Options{})
	httpBot(t, s, waits)
	d := command(s)
	assert.Equal(t, 10062, call(t, s, "POST", "/interactions/"+d.ID+"/x/callback", first(4, says("x"))).code)
	assert.Equal(t, 10015, call(t, s, "PATCH", hook(s, d, original), says("too early")).code)
	assert.Equal(t, 204, callback(t, s, d, first(4, says("done"))).status)
	assert.Equal(t, "done", d.Answer(t).Content)

	// Delivered again, a second answer is no mistake.
	again := d.Again()
	r := callback(t, s, again, first(4, says("done twice")))
	assert.Equal(t, 400, r.status)
	assert.Equal(t, 40060, r.code)
	assert.Equal(t, discordtest.Reply, again.Ack().Type)
	assert.Len(t, s.Seen("lisi", "moderation"), 1)

	s.Forgive()
	assert.Equal(t, 40060, callback(t, s, again, first(4, says("done twice"))).code)
	assert.Equal(t, []string{"/mute: a second first answer"}, s.Complaints())
}

func TestLateFirstAnswer(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := command(s)
	s.Later(3 * time.Second)
	r := callback(t, s, d, first(4, says("late")))
	assert.Equal(t, 404, r.status)
	assert.Equal(t, 10062, r.code)
	assert.Equal(t, 10015, call(t, s, "PATCH", hook(s, d, original), says("late")).code)
	assert.True(t, d.Failed())
	assert.Equal(t, discordtest.TimedOut, d.Ack().Problem)
	assert.Empty(t, s.Seen("zhangsan", "moderation"))
}

func TestThinking(t *testing.T) {
	for _, row := range []struct {
		name string
		data obj
		sees int // lisi
	}{
		{"public", nil, 1},
		{"private", obj{"flags": 64}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{})
			online(t, s)
			d := command(s)
			r := call(t, s, "POST", "/interactions/"+d.ID+"/"+d.Token+"/callback?with_response=true", first(5, row.data))
			assert.Equal(t, 200, r.status)
			assert.Equal(t, true, r.body["interaction"].(obj)["response_message_loading"])
			assert.Equal(t, row.sees == 0, r.body["interaction"].(obj)["response_message_ephemeral"])
			assert.Equal(t, row.sees == 0, d.Ack().Private)
			assert.Empty(t, d.Answers())
			mine := s.Seen("zhangsan", "moderation")
			require.Len(t, mine, 1)
			assert.True(t, mine[0].Loading)
			assert.Equal(t, row.sees == 0, mine[0].Private())
			flags := call(t, s, "GET", hook(s, d, original), nil).body["flags"].(float64)
			assert.Equal(t, 128, int(flags)&128)

			assert.Equal(t, 200, call(t, s, "PATCH", hook(s, d, original), says("done")).status)
			assert.Equal(t, "done", d.Answer(t).Content)
			assert.False(t, d.Answer(t).Loading)
			assert.Len(t, s.Seen("lisi", "moderation"), row.sees)
			s.Later(15 * time.Minute)
			assert.False(t, d.Failed())
		})
	}
}

func TestThinkingForEver(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := command(s)
	callback(t, s, d, first(5, nil))
	assert.False(t, d.Failed())
	s.Later(15 * time.Minute)
	assert.True(t, d.Failed())
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		var body any
		if method == "PATCH" {
			body = says("late")
		}
		r := call(t, s, method, hook(s, d, original), body)
		assert.Equal(t, 401, r.status)
		assert.Equal(t, 50027, r.code)
	}
	assert.Equal(t, 50027, call(t, s, "POST", hook(s, d, ""), says("late")).code)
}

func TestEdits(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := command(s)
	callback(t, s, d, first(4, private(below(says("card"), button("Yes", "y")))))
	r := call(t, s, "PATCH", hook(s, d, original), says("changed"))
	assert.Equal(t, 200, r.status)
	m, _ := d.Original()
	assert.Equal(t, "changed", m.Content)
	assert.Equal(t, "Yes", m.Buttons()[0].Label, "what is left out stays")
	assert.True(t, m.Edited)
	assert.True(t, m.Private())
	call(t, s, "PATCH", hook(s, d, original), obj{"components": []any{}, "allowed_mentions": nobody()})
	m, _ = d.Original()
	assert.Equal(t, "changed", m.Content)
	assert.Empty(t, m.Buttons())

	assert.Equal(t, 204, call(t, s, "DELETE", hook(s, d, original), nil).status)
	assert.Equal(t, 10008, call(t, s, "PATCH", hook(s, d, original), says("gone")).code)
	assert.Equal(t, 10008, call(t, s, "GET", hook(s, d, original), nil).code)

	s.Forgive()
	assert.Equal(t, 10015, call(t, s, "PATCH", "/webhooks/1/"+d.Token+original, says("x")).code)
	assert.Equal(t, 10015, call(t, s, "GET", hook(s, d, "x"+original), nil).code)
}

func TestFollowUps(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := command(s)
	assert.Equal(t, 10015, call(t, s, "POST", hook(s, d, ""), says("too early")).code)
	callback(t, s, d, first(5, nil))
	edited := call(t, s, "POST", hook(s, d, ""), says("the edit of thinking"))
	m, _ := d.Original()
	assert.Equal(t, edited.body["id"], m.ID)
	assert.False(t, m.Loading)

	more := call(t, s, "POST", hook(s, d, "?wait=true"), private(says("for you")))
	assert.Equal(t, 64.0, more.body["flags"])
	assert.Len(t, s.Seen("zhangsan", "moderation"), 2)
	assert.Len(t, s.Seen("lisi", "moderation"), 1)
	id := "/messages/" + more.body["id"].(string)
	assert.Equal(t, "else", call(t, s, "PATCH", hook(s, d, id), says("else")).body["content"])
	assert.Equal(t, 204, call(t, s, "DELETE", hook(s, d, id), nil).status)
	assert.Equal(t, 10008, call(t, s, "DELETE", hook(s, d, id), nil).code)
	assert.Equal(t, 10008, call(t, s, "GET", hook(s, d, "/messages/1"), nil).code)
	assert.Equal(t, m.ID, call(t, s, "GET", hook(s, d, "/messages/"+m.ID), nil).body["id"])

	s.Forgive()
	d = command(s)
	callback(t, s, d, first(5, nil))
	call(t, s, "POST", hook(s, d, ""), private(says("a secret")))
	assert.Len(t, s.Seen("lisi", "moderation"), 2, "who sees it was fixed")
	assert.Contains(t, s.Complaints()[0], "who sees that cannot be changed")
}

func TestClicks(t *testing.T) {
	rows := []struct {
		name      string
		answer    obj
		then      obj // a PATCH of @original
		want      []string
		left      int // buttons of the card
		complaint string
	}{
		{"update", first(7, obj{"content": "done", "components": []any{}, "allowed_mentions": nobody()}), nil, []string{"done"}, 0, ""},
		{"update that leaves the buttons out", first(7, says("done")), nil, []string{"done"}, 0, "leaves out components"},
		{"update that would be private", first(7, private(below(says("done"), button("No", "n")))), nil, []string{"done"}, 1, "who sees"},
		{"noted, then edited", first(6, nil), obj{"content": "done", "allowed_mentions": nobody()}, []string{"done"}, 1, ""},
		{"a message", first(4, says("also")), obj{"content": "changed", "allowed_mentions": nobody()}, []string{"card", "changed"}, 1, ""},
		{"thinking", first(5, nil), says("done"), []string{"card", "done"}, 1, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{})
			s.Forgive()
			online(t, s)
			d := command(s)
			callback(t, s, d, first(4, below(says("card"), button("Yes", "v1:yes"))))
			card := d.Answer(t)
			d = s.Press("lisi", card, "Yes")
			assert.Equal(t, 204, callback(t, s, d, row.answer).status)
			if row.then != nil {
				assert.Equal(t, 200, call(t, s, "PATCH", hook(s, d, original), row.then).status)
			}
			var texts []string
			for _, m := range s.Seen("lisi", "moderation") {
				texts = append(texts, m.Content)
			}
			assert.Equal(t, row.want, texts)
			assert.Len(t, s.Seen("lisi", "moderation")[0].Buttons(), row.left)
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), row.complaint)
			assert.Equal(t, row.complaint == "", len(s.Complaints()) == 0)
			assert.NotEmpty(t, d.Answer(t).Content)
		})
	}
}

// A message with all that a card may have, as Discord tells it.
func TestWholeMessage(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := s.Menu("zhangsan", "moderation", "Who is", "lisi")
	choose := obj{"type": 3, "custom_id": "s", "placeholder": nil, "options": []any{obj{"label": "5 minutes", "value": "5"}}}
	callback(t, s, d, first(4, obj{
		"content": "card", "flags": 4, "allowed_mentions": nobody(), "components": []any{row(button("Yes", "y")), row(choose)},
		"embeds": []any{obj{
			"title": "Muted", "description": "lisi", "color": 1, "footer": obj{"text": "#41"}, "author": obj{"name": "zhangsan"},
			"fields": []any{obj{"name": "Room", "value": "123"}},
		}},
	}))
	assert.Equal(t, "card\nzhangsan\nMuted\nlisi\nRoom\n123\n#41", d.Answer(t).Words())
	body := call(t, s, "GET", hook(s, d, original), nil).body
	assert.Equal(t, 23.0, body["type"])
	assert.Equal(t, 4.0, body["flags"])
	assert.Equal(t, "rich", body["embeds"].([]any)[0].(obj)["type"])
	assert.Equal(t, s.User("lisi").ID, body["interaction_metadata"].(obj)["target_user"].(obj)["id"])
	assert.Equal(t, s.Channel("moderation").ID, body["channel_id"])
	require.NotNil(t, d.Answer(t).Raw)
}
