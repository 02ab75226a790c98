package discordtest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Limits of commands. https://discord.com/developers/docs/interactions/application-commands
const (
	maxName        = 32
	maxSentence    = 100  // of a description
	maxCommandText = 8000 // names, descriptions and values of a command, the longest localization counted
	maxLocales     = 34
)

// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming
var isName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

func named1to32(s string) bool { return isName.MatchString(s) && s == strings.ToLower(s) }

// https://discord.com/developers/docs/reference#locales
var locales = strings.Fields("ar bg cs da de el en-GB en-US es-419 es-ES fi fr he hi hr hu id it ja ko lt nl no pl pt-BR ro ru " +
	"sv-SE th tr uk vi zh-CN zh-TW")

// CheckCommands tells all that Discord would refuse in the commands of a guild, or in those for all.
func CheckCommands(all []any, ofGuild bool) []string {
	c := &checker{}
	seen := map[string]bool{}
	for n, v := range all {
		path, o := itoa(n), object(v)
		kind := max(number(o, "type"), slash)
		c.keys(path, o, "id", "type", "name", "name_localizations", "description", "description_localizations", "options", "default_member_permissions",
			"dm_permission", "contexts", "integration_types", "nsfw", "handler")
		if kind == slash {
			c.entitled(path, o)
			c.options(path, list(o["options"]), 0)
		} else {
			c.words(path, o, "name", 1, maxName)
			c.localized(path, o, "name_localizations", func(s string) bool { return size(s) > 0 && size(s) <= maxName })
			if word(o, "description") != "" || len(list(o["options"])) > 0 {
				c.add(path, "a description or options, and it is no slash command")
			}
		}
		if ofGuild && (said(o, "contexts") || said(o, "integration_types") || said(o, "dm_permission")) {
			c.add(path, "contexts, integration_types and dm_permission are for global commands")
		}
		key := itoa(kind) + " " + word(o, "name")
		if seen[key] {
			c.add(path, "the name %q twice", word(o, "name"))
		}
		seen[key] = true
		if n := textOf(o); n > maxCommandText {
			c.add(path, "%d characters in all, more than %d", n, maxCommandText)
		}
	}
	return append(c.problems, c.odd...)
}

// entitled checks the name and the description of a slash command or an option.
func (c *checker) entitled(path string, o obj) {
	if !named1to32(word(o, "name")) {
		c.add(path, "the name %q is not allowed", word(o, "name"))
	}
	c.words(path, o, "description", 1, maxSentence)
	c.localized(path, o, "name_localizations", named1to32)
	c.localized(path, o, "description_localizations", func(s string) bool { return size(s) > 0 && size(s) <= maxSentence })
}

func (c *checker) localized(path string, o obj, key string, fits func(string) bool) {
	all := object(o[key])
	if len(all) > maxLocales {
		c.add(path, "%s: more than %d", key, maxLocales)
	}
	for _, locale := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(locales, locale) {
			c.add(path, "%s: the locale %q is unknown", key, locale)
		}
		if !fits(word(all, locale)) {
			c.add(path, "%s: %s: %q is not allowed", key, locale, word(all, locale))
		}
	}
}

// options checks those of a command, of a group (depth 1) or a sub-command (depth 2).
func (c *checker) options(path string, all []any, depth int) {
	if len(all) > maxOptions {
		c.add(path, "%d options, more than %d", len(all), maxOptions)
	}
	seen := map[string]bool{}
	optional, groups := false, 0
	for n, v := range all {
		o, at := object(v), path+"/options/"+itoa(n)
		c.entitled(at, o)
		if seen[word(o, "name")] {
			c.add(at, "the name %q twice", word(o, "name"))
		}
		seen[word(o, "name")] = true
		switch kind := number(o, "type"); {
		case isGroup(o):
			groups++
			if depth == 2 || depth == 1 && kind == optionGroup {
				c.add(at, "a sub-command or group there")
			}
			below := 2
			if kind == optionGroup {
				below = 1
			}
			c.keys(at, o, "type", "name", "name_localizations", "description", "description_localizations", "options", "required")
			c.options(at, list(o["options"]), below)
		default:
			if required := truth(o, "required"); required && optional {
				c.add(at, "a required option after an optional one")
			} else if !required {
				optional = true
			}
			c.option(at, o)
		}
	}
	if groups > 0 && groups < len(all) {
		c.add(path, "sub-commands beside plain options")
	}
	if depth == 1 && groups == 0 {
		c.add(path, "a group without sub-commands")
	}
}

func (c *checker) option(path string, o obj) {
	kind := number(o, "type")
	if kind < optionString || kind > 11 {
		c.add(path, "type %d is unknown", kind)
	}
	c.keys(path, o, "type", "name", "name_localizations", "description", "description_localizations", "required", "choices", "autocomplete", "options",
		"channel_types", "min_value", "max_value", "min_length", "max_length")
	all := list(o["choices"])
	choosable := kind == optionString || kind == optionInteger || kind == optionNumber
	switch {
	case !choosable && (len(all) > 0 || truth(o, "autocomplete")):
		c.add(path, "choices or autocomplete of type %d", kind)
	case len(all) > 0 && truth(o, "autocomplete"):
		c.add(path, "choices and autocomplete")
	case len(all) > maxOptions:
		c.add(path, "%d choices, more than %d", len(all), maxOptions)
	}
	names := map[string]bool{}
	for n, v := range all {
		choice := object(v)
		c.choiceOf(path+"/choices/"+itoa(n), choice, kind)
		if names[word(choice, "name")] {
			c.add(path, "the choice %q twice", word(choice, "name"))
		}
		names[word(choice, "name")] = true
	}
	if kind != optionString && (said(o, "min_length") || said(o, "max_length")) {
		c.add(path, "a length of what is no string")
	}
	c.number(path, o, "min_length", 0, 6000)
	c.number(path, o, "max_length", 1, 6000)
	c.number(path, o, "min_value", -maxInteger, maxInteger)
	c.number(path, o, "max_value", -maxInteger, maxInteger)
	for _, of := range []string{"length", "value"} {
		if said(o, "min_"+of) && said(o, "max_"+of) && number(o, "min_"+of) > number(o, "max_"+of) {
			c.add(path, "the least %s is more than the most", of)
		}
	}
}

// textOf is how many characters of names, descriptions and values there are.
func textOf(o obj) int {
	longest := func(key string) int {
		n := size(word(o, key))
		for _, v := range object(o[key+"_localizations"]) {
			s, _ := v.(string)
			n = max(n, size(s))
		}
		return n
	}
	n := longest("name") + longest("description") + size(word(o, "value"))
	for _, v := range append(slices.Clone(list(o["options"])), list(o["choices"])...) {
		n += textOf(object(v))
	}
	return n
}
