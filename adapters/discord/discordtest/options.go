package discordtest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Types of commands and of their options.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-types
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-type
const (
	slash   = 1
	ofUsers = 2

	optionSub     = 1
	optionGroup   = 2
	optionString  = 3
	optionInteger = 4
	optionBoolean = 5
	optionNumber  = 10

	maxInteger = 1<<53 - 1
)

func wordsOf(name string) []string { return strings.Fields(strings.TrimPrefix(name, "/")) }

func isGroup(option obj) bool {
	kind := number(option, "type")
	return kind == optionSub || kind == optionGroup
}

// fill is the options of a command as payloads have them, in the order in which they are registered, or what Discord's client would not send. With an
// option that somebody types into, others may be missing, and that one is left out.
func fill(registered []any, given map[string]any, focused string) ([]any, error) {
	var all []any
	known := map[string]bool{}
	for _, v := range registered {
		option := object(v)
		name := word(option, "name")
		known[name] = true
		value, has := given[name]
		switch {
		case name == focused:
			continue
		case !has && truth(option, "required") && focused == "":
			return nil, fmt.Errorf("the option %s is missing", name)
		case !has:
			continue
		}
		if err := fits(option, value); err != nil {
			return nil, fmt.Errorf("the option %s: %w", name, err)
		}
		all = append(all, obj{"name": name, "type": option["type"], "value": value})
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !known[name] {
			return nil, fmt.Errorf("there is no option %s", name)
		}
	}
	return all, nil
}

// fits tells what is wrong with an option's value.
func fits(option obj, value any) error {
	kind := number(option, "type")
	switch kind {
	case optionString:
		text, isString := value.(string)
		most := 6000
		if n := number(option, "max_length"); n > 0 {
			most = n
		}
		switch {
		case !isString:
			return fmt.Errorf("%v is not a string", value)
		case text == "" || size(text) < number(option, "min_length") || size(text) > most:
			return fmt.Errorf("%d characters", size(text))
		}
	case optionInteger, optionNumber:
		n, isNumber := numeric(value)
		if !isNumber || kind == optionInteger && n != math.Trunc(n) || math.Abs(n) > maxInteger {
			return fmt.Errorf("%v is not a number as it should be", value)
		}
		least, hasLeast := option["min_value"].(float64)
		most, hasMost := option["max_value"].(float64)
		if hasLeast && n < least || hasMost && n > most {
			return fmt.Errorf("%v is out of range", value)
		}
		value = n
	case optionBoolean:
		if _, isBool := value.(bool); !isBool {
			return fmt.Errorf("%v is not a bool", value)
		}
	default:
		return fmt.Errorf("type %d is not played", kind)
	}
	choices := list(option["choices"])
	if len(choices) > 0 && !slices.ContainsFunc(choices, func(c any) bool { return object(c)["value"] == value }) {
		return fmt.Errorf("%v is not one of the choices", value)
	}
	return nil
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// A Choice is offered while somebody types.
type Choice struct {
	Name  string
	Value any // string or float64
}

func choices(data obj) []Choice {
	all := []Choice{}
	for _, v := range list(data["choices"]) {
		all = append(all, Choice{word(object(v), "name"), object(v)["value"]})
	}
	return all
}

// checkChoices tells all that Discord would refuse in what is offered for an option.
func checkChoices(option, data obj) []string {
	c := &checker{}
	c.keys("data", data, "choices")
	all, isList := data["choices"].([]any)
	if !isList {
		c.add("data", "choices is missing")
	}
	if len(all) > maxOptions {
		c.add("choices", "%d of them, more than %d", len(all), maxOptions)
	}
	for n, v := range all {
		c.choiceOf("choices/"+itoa(n), object(v), number(option, "type"))
	}
	return append(c.problems, c.odd...)
}

// choiceOf checks a choice for an option of a type.
func (c *checker) choiceOf(path string, o obj, kind int) {
	c.keys(path, o, "name", "name_localizations", "value")
	c.words(path, o, "name", 1, maxOptionText)
	c.localized(path, o, "name_localizations", func(s string) bool { return size(s) > 0 && size(s) <= maxOptionText })
	switch v := o["value"].(type) {
	case string:
		if kind != optionString || size(v) > maxOptionText {
			c.add(path, "the value %.120q does not fit the option", v)
		}
	case float64:
		if kind != optionNumber && (kind != optionInteger || v != math.Trunc(v)) || math.Abs(v) > maxInteger {
			c.add(path, "the value %v does not fit the option", v)
		}
	default:
		c.add(path, "no value")
	}
}
