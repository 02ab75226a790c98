package discordtest

import (
	"encoding/json"
	"strings"
)

// Types of components. https://discord.com/developers/docs/components/reference#component-object-component-types
const (
	componentRow       = 1
	componentButton    = 2
	componentSelect    = 3
	componentInput     = 4
	componentSection   = 9
	componentText      = 10
	componentSeparator = 14
	componentContainer = 17
	componentLabel     = 18
)

// Styles of buttons.
const (
	Primary   = 1
	Secondary = 2
	Success   = 3
	Danger    = 4
	Link      = 5
)

// A Button of a message.
type Button struct {
	Label, CustomID, URL string
	Style                int
	Disabled             bool

	id int
}

// each walks through components, those inside others included.
func each(all []any, do func(c obj)) {
	for _, v := range all {
		if c := object(v); c != nil {
			do(c)
			each(append(list(c["components"]), c["accessory"], c["component"]), do)
		}
	}
}

func parsed(all json.RawMessage) []any {
	var l []any
	if len(all) > 0 && json.Unmarshal(all, &l) != nil {
		return nil
	}
	return l
}

func buttons(all json.RawMessage) []Button {
	var found []Button
	each(parsed(all), func(c obj) {
		if number(c, "type") == componentButton {
			found = append(found, Button{
				Label: word(c, "label"), CustomID: word(c, "custom_id"), URL: word(c, "url"), Style: number(c, "style"),
				Disabled: truth(c, "disabled"), id: number(c, "id"),
			})
		}
	})
	return found
}

func labels(all []Button) []string {
	var some []string
	for _, b := range all {
		some = append(some, b.Label)
	}
	return some
}

// words are the texts of a message, a line each.
func words(content string, embeds, components json.RawMessage) string {
	var lines []string
	add := func(text string) {
		if text != "" {
			lines = append(lines, text)
		}
	}
	add(content)
	for _, v := range parsed(embeds) {
		e := object(v)
		add(word(object(e["author"]), "name"))
		add(word(e, "title"))
		add(word(e, "description"))
		for _, v := range list(e["fields"]) {
			f := object(v)
			add(word(f, "name"))
			add(word(f, "value"))
		}
		add(word(object(e["footer"]), "text"))
	}
	each(parsed(components), func(c obj) {
		if number(c, "type") == componentText {
			add(word(c, "content"))
		}
	})
	return strings.Join(lines, "\n")
}
