package discordtest

import "encoding/json"

// Limits of modals. https://discord.com/developers/docs/components/reference#text-input
const (
	maxModalTitle    = 45
	maxModalParts    = 5
	maxInputLabel    = 45
	maxInputHint     = 100 // of a label's description, and of a placeholder
	maxInputValue    = 4000
	requiredSentence = "This field is required"
)

// A modal is one that a person has open.
type modal struct {
	by   *interaction
	data obj
}

// A Modal as a person has it.
type Modal struct {
	CustomID, Title string
	Inputs          []Input
	Raw             json.RawMessage
}

// An Input of a modal.
type Input struct {
	Label, Hint, CustomID string
	Value                 string   // what is in it before anybody types
	Options               []string // their labels; nil: text is typed
	Required, Long        bool
}

// Modal is what a person has open; false: nothing.
func (s *Server) Modal(user string) (Modal, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modals[s.person(user).ID]
	if m == nil {
		return Modal{}, false
	}
	return shownModal(m.data), true
}

// CloseModal has a person close the modal without a word: the bot hears nothing.
func (s *Server) CloseModal(user string) {
	s.change(func() { delete(s.modals, s.person(user).ID) })
}

// open opens a modal before whoever did something; one that was open is gone. s.mu is held.
func (s *Server) open(i *interaction, data obj) Modal {
	data = clone(data)
	p := &post{body: obj{}}
	for _, v := range list(data["components"]) {
		p.fill(object(v))
	}
	s.modals[i.user.ID] = &modal{i, data}
	return shownModal(data)
}

func shownModal(data obj) Modal {
	m := Modal{CustomID: word(data, "custom_id"), Title: word(data, "title"), Raw: raw(data)}
	for _, f := range fields(data) {
		in := Input{
			Label: f.label(), Hint: word(f.around, "description"), CustomID: word(f.input, "custom_id"), Value: word(f.input, "value"),
			Required: f.required(), Long: number(f.input, "style") == 2,
		}
		for _, o := range list(f.input["options"]) {
			in.Options = append(in.Options, word(object(o), "label"))
		}
		m.Inputs = append(m.Inputs, in)
	}
	return m
}

// A field is an input with the Label or row around it.
type field struct{ around, input obj }

func fields(data obj) []field {
	var all []field
	for _, v := range list(data["components"]) {
		around := object(v)
		for _, v := range append(list(around["components"]), around["component"]) {
			if input := object(v); input != nil {
				all = append(all, field{around, input})
			}
		}
	}
	return all
}

func (f field) label() string {
	if number(f.around, "type") == componentLabel {
		return word(f.around, "label")
	}
	return word(f.input, "label")
}

func (f field) required() bool {
	required, has := f.input["required"].(bool)
	return required || !has
}

// CheckModal tells all that Discord would refuse in the data of a modal.
func CheckModal(data map[string]any) []string {
	data = clone(data)
	c := &checker{ids: map[string]bool{}}
	c.keys("modal", data, "custom_id", "title", "components")
	c.words("modal", data, "custom_id", 1, maxCustomID)
	c.words("modal", data, "title", 1, maxModalTitle)
	all := list(data["components"])
	if n := len(all); n < 1 || n > maxModalParts {
		c.add("modal", "%d components, not 1 to %d", n, maxModalParts)
	}
	for n, v := range all {
		path, o := "components/"+itoa(n), object(v)
		switch kind := number(o, "type"); kind {
		case componentRow:
			c.keys(path, o, "type", "id", "components")
			inputs := list(o["components"])
			if len(inputs) != 1 || number(object(inputs[0]), "type") != componentInput {
				c.add(path, "a row has one text input here")
				continue
			}
			c.input(path, object(inputs[0]), 1)
		case componentLabel:
			c.keys(path, o, "type", "id", "label", "description", "component")
			c.words(path, o, "label", 1, maxInputLabel)
			c.words(path, o, "description", 0, maxInputHint)
			c.input(path, object(o["component"]), 0)
		case componentText:
			c.words(path, o, "content", 1, maxDisplays)
		default:
			c.add(path, "type %d is unknown in a modal", kind)
		}
	}
	return append(c.problems, c.odd...)
}

// input checks what is filled in; labels is how many labels it needs of its own.
func (c *checker) input(path string, o obj, labels int) {
	switch kind := number(o, "type"); kind {
	case componentInput:
		c.keys(path, o, "type", "id", "custom_id", "style", "label", "value", "placeholder", "required", "min_length", "max_length")
		c.customID(path, o)
		c.words(path, o, "label", labels, maxInputLabel)
		if labels == 0 && said(o, "label") {
			c.add(path, "a label of its own inside a Label")
		}
		if style := number(o, "style"); style != 1 && style != 2 {
			c.add(path, "style %d is unknown", style)
		}
		c.words(path, o, "value", 0, maxInputValue)
		c.words(path, o, "placeholder", 0, maxInputHint)
		c.number(path, o, "min_length", 0, maxInputValue)
		c.number(path, o, "max_length", 1, maxInputValue)
		if most := number(o, "max_length"); most > 0 && number(o, "min_length") > most {
			c.add(path, "min_length is more than max_length")
		}
	case componentSelect, 5, 6, 7, 8:
		c.choice(path, o)
	case 19, 21, 22, 23: // file, radio and checkboxes: left to the OpenAPI document
		c.customID(path, o)
	default:
		c.add(path, "type %d is unknown there", kind)
	}
}
