package discordtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// Submit has a person fill in the open modal, by the labels or custom_ids of its inputs, and submit it. Options are named by label or value; inputs
// that are not named keep what is in them. What Discord's client does not let pass is not sent: Errors has it. The modal closes when the bot answers.
func (s *Server) Submit(user string, values map[string]string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.person(user)
	m := s.modals[u.ID]
	if m == nil {
		s.t.Fatalf("discord: %s has no modal open", user)
	}
	m.enter(s.t, values)
	i := s.begin(kindSubmit, u, m.by.channel, "the submission of "+word(m.data, "title"))
	i.came, i.card = m, m.by.card
	if no := m.refuses(); len(no) > 0 {
		return s.unsent(i, no)
	}
	data := obj{"custom_id": m.data["custom_id"], "components": m.filled()}
	return s.send(i, data)
}

// enter fills in a modal.
func (m *modal) enter(t testing.TB, values map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all := fields(m.data)
		at := slices.IndexFunc(all, func(f field) bool { return f.label() == name || word(f.input, "custom_id") == name })
		if at < 0 {
			var names []string
			for _, f := range all {
				names = append(names, f.label())
			}
			t.Fatalf("discord: no input %q, but %q", name, names)
		}
		input, value := all[at].input, values[name]
		switch kind := number(input, "type"); {
		case kind == componentInput:
			input["value"] = value
		case kind == componentSelect:
			choose(t, input, value)
		default:
			t.Fatalf("discord: %q is of type %d, which discordtest does not fill in", name, kind)
		}
	}
}

// choose makes one option of a select the chosen one; empty: none.
func choose(t testing.TB, input obj, value string) {
	t.Helper()
	var names []string
	found := value == ""
	for _, v := range list(input["options"]) {
		o := object(v)
		names = append(names, word(o, "label"))
		o["default"] = value != "" && !found && (word(o, "label") == value || word(o, "value") == value)
		found = found || truth(o, "default")
	}
	if !found {
		t.Fatalf("discord: no option %q, but %q", value, names)
	}
}

func (f field) chosen() []any {
	values := []any{}
	for _, v := range list(f.input["options"]) {
		if o := object(v); truth(o, "default") {
			values = append(values, o["value"])
		}
	}
	return values
}

// refuses tells what Discord's client would not submit, by label.
func (m *modal) refuses() map[string]string {
	no := map[string]string{}
	for _, f := range fields(m.data) {
		value, most := word(f.input, "value"), number(f.input, "max_length")
		switch n := size(value); {
		case number(f.input, "type") == componentSelect:
			if f.required() && len(f.chosen()) == 0 {
				no[f.label()] = requiredSentence
			}
		case number(f.input, "type") != componentInput:
		case n == 0 && f.required():
			no[f.label()] = requiredSentence
		case n > 0 && n < number(f.input, "min_length"):
			no[f.label()] = fmt.Sprintf("Must be at least %d characters", number(f.input, "min_length"))
		case n > maxInputValue || most > 0 && n > most:
			no[f.label()] = fmt.Sprintf("Must be at most %d characters", most)
		}
	}
	return no
}

// filled is the components of a submission: what holds values, without labels.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-modal-submit-data-structure
func (m *modal) filled() []any {
	all := []any{}
	for _, v := range list(m.data["components"]) {
		around := object(v)
		part := obj{"type": around["type"], "id": around["id"]}
		var inputs []any
		for _, f := range fields(obj{"components": []any{around}}) {
			input := obj{"type": f.input["type"], "id": f.input["id"], "custom_id": f.input["custom_id"]}
			if number(f.input, "type") == componentInput {
				input["value"] = word(f.input, "value")
			} else {
				input["values"] = f.chosen()
			}
			inputs = append(inputs, input)
		}
		switch {
		case number(around, "type") == componentRow:
			part["components"] = inputs
		case len(inputs) == 1:
			part["component"] = inputs[0]
		}
		all = append(all, part)
	}
	return all
}
