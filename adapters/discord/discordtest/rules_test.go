package discordtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/adapters/discord/discordtest"
)

func TestMessageRules(t *testing.T) {
	long := func(n int) string { return strings.Repeat("世", n) }
	embed := func(key string, v any) obj { return obj{"embeds": []any{obj{key: v}}} }
	repeat := func(n int, o any) (all []any) {
		for range n {
			all = append(all, o)
		}
		return all
	}
	rows := func(all ...any) obj { return obj{"components": all} }
	link := obj{"type": 2, "style": 5, "label": "x", "url": "https://example.com"}
	choose := obj{"type": 3, "custom_id": "s", "options": []any{obj{"label": "x", "value": "x"}}}
	text := obj{"type": 10, "content": "x"}
	five := []any{button("1", "1"), button("2", "2"), button("3", "3"), button("4", "4"), button("5", "5")}
	v2 := func(m obj) obj { m["flags"] = 1 << 15; return m }
	for _, r := range []struct {
		name string
		body obj
		want string // of the only problem; empty: none
	}{
		{"full", obj{"content": long(2000)}, ""},
		{"content", obj{"content": long(2001)}, "2001"},
		{"nothing", obj{"content": " "}, "nothing in it"},
		{"embeds", obj{"embeds": repeat(11, obj{"title": "x"})}, "11"},
		{"title", embed("title", long(257)), "257"},
		{"description", embed("description", long(4097)), "4097"},
		{"fields", embed("fields", repeat(26, obj{"name": "x", "value": "x"})), "26"},
		{"field without value", embed("fields", repeat(1, obj{"name": "x"})), "missing"},
		{"value", embed("fields", repeat(1, obj{"name": "x", "value": long(1025)})), "1025"},
		{"footer", embed("footer", obj{"text": long(2049)}), "2049"},
		{"6000 in all", obj{"embeds": repeat(2, obj{"description": long(3001)})}, "6002"},
		{"an empty embed", embed("color", 1), "nothing in it"},
		{"buttons", rows(row(five...)), ""},
		{"6 buttons", rows(row(append(five, button("6", "6"))...)), "6 buttons"},
		{"6 rows", rows(row(five[0]), row(five[1]), row(five[2]), row(five[3]), row(five[4]), row(button("6", "6"))), "6 rows"},
		{"an empty row", rows(row()), "empty"},
		{"label", rows(row(button(long(81), "x"))), "81"},
		{"no label", rows(row(button("", "x"))), "neither"},
		{"no custom_id", rows(row(obj{"type": 2, "style": 1, "label": "x"})), "custom_id"},
		{"custom_id", rows(row(button("x", long(101)))), "101"},
		{"doubled custom_id", rows(row(five[0], five[0])), "twice"},
		{"link", rows(row(link)), ""},
		{"link with custom_id", rows(row(with(link, "custom_id", "x"))), "with a custom_id"},
		{"link without url", rows(row(obj{"type": 2, "style": 5, "label": "x"})), "without url"},
		{"no address", rows(row(with(link, "url", "example"))), "no address"},
		{"button with url", rows(row(with(five[0].(obj), "url", "https://example.com"))), "no link"},
		{"style", rows(row(with(five[0].(obj), "style", 9))), "unknown"},
		{"select", rows(row(choose)), ""},
		{"select beside a button", rows(row(choose, five[0])), "alone"},
		{"text without the flag", rows(text), "outside"},
		{"text", v2(rows(text)), ""},
		{"content beside V2", v2(obj{"content": "x", "components": []any{text}}), "beside"},
		{"41 components", v2(rows(repeat(41, text)...)), "41"},
		{"text too long", v2(rows(obj{"type": 10, "content": long(4001)})), "4001"},
		{"container", v2(rows(obj{"type": 17, "components": []any{text, row(five...), obj{"type": 9, "components": []any{text}, "accessory": five[0]}}})), "twice"},
		{"mentions", obj{"content": "x", "allowed_mentions": obj{"parse": []any{"users"}, "users": []any{"1"}}}, "parse names users"},
	} {
		t.Run(r.name, func(t *testing.T) {
			problems := discordtest.CheckMessage(r.body)
			if r.want == "" {
				assert.Empty(t, problems)
			} else {
				require.NotEmpty(t, problems)
				assert.Contains(t, strings.Join(problems, "\n"), r.want)
			}
			// And the server takes what it should, and nothing else.
			s := there(t, discordtest.Options{})
			s.Forgive()
			online(t, s)
			if r.body["allowed_mentions"] == nil {
				r.body["allowed_mentions"] = nobody()
			}
			status := callback(t, s, command(s), first(4, r.body)).status
			assert.Equal(t, r.want == "", status == 204, status)
			assert.Equal(t, r.want == "", len(s.Complaints()) == 0, s.Complaints())
		})
	}
}

func TestMentions(t *testing.T) {
	for _, row := range []struct {
		name, text string
		allowed    any
		pings      []string
		complaint  string
	}{
		{"nobody", "@everyone <@1> <@&2>", nobody(), nil, ""},
		{"left out", "hello", nil, nil, "allowed_mentions"},
		{"left out, with a name", "<@1> <@&2> @everyone", nil, []string{"1"}, `notifies ["1"]`},
		{"everyone", "@everyone", obj{"parse": []any{"everyone"}}, []string{"@everyone"}, "notifies"},
		{"by id", "<@1> <@!3>", obj{"parse": []any{}, "users": []any{"3"}}, []string{"3"}, "notifies"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{})
			s.Forgive()
			online(t, s)
			body := obj{"content": row.text}
			if row.allowed != nil {
				body["allowed_mentions"] = row.allowed
			}
			d := command(s)
			callback(t, s, d, first(4, body))
			assert.Equal(t, row.pings, d.Answer(t).Pings)
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), row.complaint)
			assert.Equal(t, row.complaint == "", len(s.Complaints()) == 0)
		})
	}
}

func TestEditRules(t *testing.T) {
	for _, row := range []struct {
		name      string
		body      obj
		code      int
		complaint string
	}{
		{"good", says("x"), 0, ""},
		{"without allowed_mentions", obj{"content": "x"}, 0, "allowed_mentions"},
		{"who sees it", private(says("x")), 0, "who sees"},
		{"all gone", says(""), 50006, "nothing"},
		{"too long", says(strings.Repeat("x", 2001)), 50035, "content"},
		{"unknown key", with(says("x"), "contents", "x"), 0, "unknown key"},
		{"text without the flag", with(says("x"), "components", []any{obj{"type": 10, "content": "x"}}), 50035, "outside"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := there(t, discordtest.Options{})
			s.Forgive()
			online(t, s)
			d := command(s)
			callback(t, s, d, first(4, says("card")))
			assert.Equal(t, row.code, call(t, s, "PATCH", hook(s, d, original), row.body).code)
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), row.complaint)
			assert.Equal(t, row.complaint == "", len(s.Complaints()) == 0)
		})
	}
}

func TestComponentsV2(t *testing.T) {
	s := there(t, discordtest.Options{})
	online(t, s)
	d := command(s)
	m := obj{"flags": 1<<15 | 64, "allowed_mentions": nobody(), "components": []any{
		obj{"type": 17, "components": []any{obj{"type": 10, "content": "**done**"}, obj{"type": 14}, row(button("Undo", "u"))}},
	}}
	callback(t, s, d, first(4, m))
	card := d.Answer(t)
	assert.Equal(t, "**done**", card.Words())
	assert.Equal(t, "Undo", card.Buttons()[0].Label)
	s.Forgive()
	assert.Equal(t, 50035, call(t, s, "PATCH", hook(s, d, original), says("x")).code, "it takes no content any more")
	assert.Equal(t, 50035, call(t, s, "PATCH", hook(s, d, original), obj{"flags": 0, "allowed_mentions": nobody()}).code)
}

func TestModalRules(t *testing.T) {
	input := obj{"type": 4, "custom_id": "a", "style": 1}
	label := func(component obj) obj { return obj{"type": 18, "label": "Why", "component": component} }
	modal := func(components ...any) obj { return obj{"custom_id": "m", "title": "Why", "components": components} }
	for _, r := range []struct {
		name string
		data obj
		want string
	}{
		{"label", modal(label(input)), ""},
		{"row", modal(row(with(input, "label", "Why"))), ""},
		{"row without label", modal(row(input)), "label is missing"},
		{"a label in a Label", modal(label(with(input, "label", "x"))), "a label of its own"},
		{"title", with(modal(label(input)), "title", strings.Repeat("x", 46)), "46"},
		{"nothing", modal(), "0 components"},
		{"6 rows", modal(label(input), label(input), label(input), label(input), label(input), label(input)), "6 components"},
		{"custom_id", modal(label(input), label(input)), "twice"},
		{"style", modal(label(with(input, "style", 3))), "style"},
		{"lengths", modal(label(with(with(input, "min_length", 5), "max_length", 4))), "min_length"},
		{"a button", modal(row(button("x", "x"))), "one text input"},
		{"unknown key", modal(label(with(input, "hint", "x"))), "unknown key"},
	} {
		t.Run(r.name, func(t *testing.T) {
			problems := discordtest.CheckModal(r.data)
			if r.want == "" {
				assert.Empty(t, problems)
				return
			}
			require.NotEmpty(t, problems)
			assert.Contains(t, problems[0], r.want)
		})
	}
}
