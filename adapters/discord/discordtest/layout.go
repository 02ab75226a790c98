package discordtest

// Limits of components. https://discord.com/developers/docs/components/reference
const (
	maxRows        = 5
	maxButtons     = 5 // in a row
	maxComponents  = 40
	maxLabel       = 80
	maxCustomID    = 100
	maxButtonURL   = 512
	maxOptions     = 25
	maxOptionText  = 100
	maxPlaceholder = 150
	maxDisplays    = 4000 // of all text displays together
)

// layout checks the components of a message.
func (c *checker) layout(all []any) {
	if !c.v2 && len(all) > maxRows {
		c.add("components", "%d rows, more than %d", len(all), maxRows)
	}
	for n, v := range all {
		path := "components/" + itoa(n)
		o := object(v)
		if kind := number(o, "type"); kind != componentRow && !c.v2 {
			c.add(path, "type %d outside Components V2", kind)
			continue
		}
		c.component(path, o)
	}
	if c.count > maxComponents {
		c.add("components", "%d in all, more than %d", c.count, maxComponents)
	}
	if c.text > maxDisplays {
		c.add("components", "%d characters of text, more than %d", c.text, maxDisplays)
	}
}

func (c *checker) component(path string, o obj) {
	c.count++
	children := list(o["components"])
	switch kind := number(o, "type"); kind {
	case componentRow:
		c.row(path, o, children)
	case componentButton:
		c.button(path, o)
	case componentSelect, 5, 6, 7, 8:
		c.choice(path, o)
	case componentText:
		c.keys(path, o, "type", "id", "content")
		c.words(path, o, "content", 1, maxDisplays)
		c.text += size(word(o, "content"))
	case componentSection:
		c.keys(path, o, "type", "id", "components", "accessory")
		if n := len(children); n < 1 || n > 3 {
			c.add(path, "%d texts, not 1 to 3", n)
		}
		if object(o["accessory"]) == nil {
			c.add(path, "accessory is missing")
		} else {
			c.component(path+"/accessory", object(o["accessory"]))
		}
		c.children(path, children, componentText)
	case componentContainer:
		c.keys(path, o, "type", "id", "components", "accent_color", "spoiler")
		c.children(path, children, componentRow, componentSection, componentText, 12, 13, componentSeparator)
	case 11, 12, 13, componentSeparator: // thumbnail, gallery, file: left to the OpenAPI document
	default:
		c.add(path, "type %d is unknown in a message", kind)
	}
}

func (c *checker) children(path string, all []any, kinds ...int) {
	for n, v := range all {
		o, at := object(v), path+"/components/"+itoa(n)
		fits := false
		for _, kind := range kinds {
			fits = fits || number(o, "type") == kind
		}
		if !fits {
			c.add(at, "type %d cannot stand there", number(o, "type"))
			continue
		}
		c.component(at, o)
	}
}

func (c *checker) row(path string, row obj, children []any) {
	c.keys(path, row, "type", "id", "components")
	pressed, chosen := 0, 0
	for _, v := range children {
		if number(object(v), "type") == componentButton {
			pressed++
		} else {
			chosen++
		}
	}
	switch {
	case pressed+chosen == 0:
		c.add(path, "an empty row")
	case pressed > maxButtons:
		c.add(path, "%d buttons, more than %d", pressed, maxButtons)
	case chosen > 1 || chosen == 1 && pressed > 0:
		c.add(path, "a select must be alone in its row")
	}
	c.children(path, children, componentButton, componentSelect, 5, 6, 7, 8)
}

// https://discord.com/developers/docs/components/reference#button
func (c *checker) button(path string, b obj) {
	c.keys(path, b, "type", "id", "style", "label", "emoji", "custom_id", "sku_id", "url", "disabled")
	c.words(path, b, "label", 0, maxLabel)
	if word(b, "label") == "" && !said(b, "emoji") && number(b, "style") != 6 {
		c.add(path, "neither label nor emoji")
	}
	switch style := number(b, "style"); style {
	case Primary, Secondary, Success, Danger:
		c.customID(path, b)
		if said(b, "url") {
			c.add(path, "a url, and it is no link")
		}
	case Link:
		if said(b, "custom_id") {
			c.add(path, "a link with a custom_id")
		}
		if !said(b, "url") {
			c.add(path, "a link without url")
		}
		c.address(path, b, "url", maxButtonURL)
	case 6:
	default:
		c.add(path, "style %d is unknown", style)
	}
}

func (c *checker) customID(path string, o obj) {
	c.words(path, o, "custom_id", 1, maxCustomID)
	id := word(o, "custom_id")
	if id != "" && c.ids[id] {
		c.add(path, "the custom_id %q twice", id)
	}
	c.ids[id] = true
}

// choice checks a select. https://discord.com/developers/docs/components/reference#string-select
func (c *checker) choice(path string, o obj) {
	c.keys(path, o, "type", "id", "custom_id", "options", "placeholder", "min_values", "max_values", "disabled", "required",
		"channel_types", "default_values")
	c.customID(path, o)
	c.words(path, o, "placeholder", 0, maxPlaceholder)
	c.number(path, o, "min_values", 0, maxOptions)
	c.number(path, o, "max_values", 1, maxOptions)
	if number(o, "type") != componentSelect {
		return
	}
	all := list(o["options"])
	if n := len(all); n < 1 || n > maxOptions {
		c.add(path, "%d options, not 1 to %d", n, maxOptions)
	}
	values := map[string]bool{}
	for n, v := range all {
		at, option := path+"/options/"+itoa(n), object(v)
		c.keys(at, option, "label", "value", "description", "emoji", "default")
		c.words(at, option, "label", 1, maxOptionText)
		c.words(at, option, "value", 1, maxOptionText)
		c.words(at, option, "description", 0, maxOptionText)
		if values[word(option, "value")] {
			c.add(at, "the value %q twice", word(option, "value"))
		}
		values[word(option, "value")] = true
	}
}
