package commands

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLineLength  = 2000 // characters
	maxWordsLength = 500  // characters of a reason: it fits NetEase's notifyExt, whatever it holds

	// root may stand before every command: one name for workspaces where the direct ones are taken.
	root = "nim"
)

// A Call is a line that was understood: a command and its arguments, each of the kind its row asks for.
type Call struct {
	Command Command
	args    map[string]Value
}

// Parse reads a line. It knows the table and nothing else: whether a room's name leads anywhere, and whether the person
// may do it, is asked later. The error is a *Mistake.
func Parse(line string) (Call, error) {
	line = strings.ToValidUTF8(line, "\uFFFD")
	if n := utf8.RuneCountInString(line); n > maxLineLength {
		return Call{}, &Mistake{say: sayTooLong, values: values{"most": maxLineLength, "count": n}}
	}
	line = unwrap(strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, line))

	name, rest := firstWord(line)
	if name == root {
		name, rest = firstWord(rest)
	}
	if name == "" || name == "?" {
		name = "help"
	}
	row, ok := find(Table, name)
	if !ok {
		return Call{}, &Mistake{Word: name, Near: meant(name), say: sayUnknownCommand}
	}
	call := Call{Command: row, args: map[string]Value{}}
	if mistake := call.read(rest); mistake != nil {
		mistake.Command = row
		return Call{}, mistake
	}
	return call, nil
}

// understood reads what Call.String has written, with links.
func understood(effect string) (Call, error) {
	name, rest := firstWord(effect)
	row, ok := find(Table, name)
	if !ok {
		return Call{}, &Mistake{Word: name, say: sayUnknownCommand}
	}
	call := Call{Command: row, args: map[string]Value{}}
	call.Command.Args = slices.Concat(row.Args, links)
	if mistake := call.read(rest); mistake != nil {
		return Call{}, mistake
	}
	call.Command = row
	return call, nil
}

// String writes a call with all its arguments by name, in the row's order, as the grammar reads it.
func (c Call) String() string {
	line := c.Command.Name
	for _, a := range slices.Concat(c.Command.Args, links) {
		if v, given := c.args[a.Name]; given {
			line += " " + a.Name + "=" + v.text(a.Kind)
		}
	}
	return line
}

// unwrap takes off what chat programs wrap a whole line in when it is pasted as code.
func unwrap(line string) string {
	line = strings.TrimSpace(line)
	for _, fence := range []string{"```", "`"} {
		if inner, ok := strings.CutPrefix(line, fence); ok && strings.HasSuffix(inner, fence) {
			return strings.TrimSpace(strings.TrimSuffix(inner, fence))
		}
	}
	return line
}

// firstWord cuts a line after its first word, which comes back folded and without a leading slash.
func firstWord(line string) (word, rest string) {
	line = strings.TrimLeftFunc(line, unicode.IsSpace)
	cut := span(line, func(r rune) bool { return !isSeparator(r) })
	word = strings.ToLower(fold(line[:cut]))
	return strings.TrimPrefix(strings.Trim(word, "`*"), "/"), line[cut:]
}

func names(table []Command) []string {
	list := make([]string, len(table))
	for i, c := range table {
		list[i] = c.Name
	}
	return list
}

// read gives each word of a line to its argument: named ones first, then choices and lengths of time, which find theirs by
// themselves; what is left fills the required arguments in the row's order.
func (c *Call) read(line string) *Mistake {
	row := c.Command
	known := func(name string) bool { _, ok := row.arg(name); return ok }
	text := func(name string) bool { a, ok := row.arg(name); return ok && a.Kind == Words }
	words, mistake := lex(line, known, text)
	if mistake != nil {
		return mistake
	}
	if mistake = c.assign(words); mistake != nil {
		return c.unquoted(mistake, words)
	}
	return nil
}

// assign is read, of the words of a line.
func (c *Call) assign(words []word) *Mistake {
	row := c.Command
	var bare []word
	for _, w := range words {
		if w.name == "" {
			bare = append(bare, w)
			continue
		}
		arg, ok := row.arg(w.name)
		if !ok {
			return &Mistake{Word: w.raw, Near: nearest(w.name, argNames(row)), say: sayUnknownName,
				values: values{"command": id(row.Name), "name": id(shorten(w.name))}}
		}
		if mistake := c.set(arg, w); mistake != nil {
			return mistake
		}
	}
	var left []word
	for _, w := range bare {
		arg, ok := row.claims(w)
		if !ok {
			left = append(left, w)
			continue
		}
		if mistake := c.set(arg, w); mistake != nil {
			return mistake
		}
	}
	for _, w := range left {
		arg, ok := c.missing()
		if !ok {
			if number, doubled := secondRoom(words, bare); doubled {
				return &Mistake{Word: number, say: sayTwice, values: values{"name": id(room.Name)}}
			}
			return c.stray(w)
		}
		if mistake := c.set(arg, w); mistake != nil {
			return mistake
		}
	}
	return c.whole()
}

// unquoted is the mistake, or, where the word at fault stands behind a text without quotation marks, and all that is required before it, that it belongs
// to the text. A number or a length of time does not.
func (c *Call) unquoted(m *Mistake, words []word) *Mistake {
	required := 0
	for _, a := range c.Command.Args {
		if a.Required {
			required++
		}
	}
	at, whole := 0, "" // the text
	for i, w := range words {
		arg, _ := c.Command.arg(words[at].name)
		value := tidy(w.value)
		switch {
		case w.name != "":
			at, whole = i, w.value
		case looksMeasured(value), digits(value):
			at = 0
		case arg.Kind == Words && !words[at].quoted && at >= required:
			if whole += " " + w.raw; w.raw != m.Word {
				continue
			}
			for _, w := range words[i+1:] {
				if w.name != "" || looksMeasured(tidy(w.value)) || digits(tidy(w.value)) {
					break
				}
				whole += " " + w.raw
			}
			return &Mistake{Word: m.Word, say: sayUnquoted, values: values{"example": id(shorten(words[at].name + "=" + Quote(whole)))}}
		}
	}
	return m
}

// claims is the argument that a bare word finds by itself.
func (c Command) claims(w word) (Arg, bool) {
	if w.quoted {
		return Arg{}, false
	}
	value := strings.TrimRight(tidy(w.value), ".")
	for _, a := range c.Args {
		switch {
		case a.Kind == OneOf && slices.Contains(a.Choices, value),
			a.Kind == Topic && slices.Contains(names(Table), strings.TrimPrefix(value, "/")),
			a.Bare && digits(strings.TrimPrefix(value, "#")),
			a.Kind == Duration && looksMeasured(value):
			return a, true
		}
	}
	return Arg{}, false
}

// missing is the first required argument that has no value yet.
func (c *Call) missing() (Arg, bool) {
	for _, a := range c.Command.Args {
		if _, given := c.args[a.Name]; a.Required && !given {
			return a, true
		}
	}
	return Arg{}, false
}

// secondRoom finds the bare number in "mute 123 lisi 5m room=123": it was taken for the account, because the room has its name.
func secondRoom(words, bare []word) (raw string, found bool) {
	if !slices.ContainsFunc(words, func(w word) bool { return w.name == room.Name }) {
		return "", false
	}
	for _, w := range bare {
		if digits(tidy(w.value)) {
			return w.raw, true
		}
	}
	return "", false
}

// stray is the answer to a bare word that no argument is left for.
func (c *Call) stray(w word) *Mistake {
	m := &Mistake{Word: w.raw, say: sayStray}
	value := tidy(w.value)
	if looksMeasured(value) { // an argument of this kind would have claimed it
		m.say, m.values = sayStrayTime, values{"command": id(c.Command.Name)}
		return m
	}
	for _, a := range c.Command.Args {
		_, given := c.args[a.Name]
		switch {
		case a.Kind == Topic && !given:
			m.say, m.Near = sayUnknownCommand, nearest(value, names(Table))
			return m
		case a.Kind == Duration && unitOf(value) >= 0:
			m.say = sayStrayUnit
			return m
		case a.Kind == Duration && !given && digits(value) && strings.Trim(value, "0") == "":
			m.say = sayZero
			return m
		case a.Kind == Duration && !given && unicode.Is(unicode.Han, firstRune(value)):
			m.say, m.values = sayDuration, values{"help": a.Help}
			return m
		case a.Kind == Duration && !given && digits(value):
			m.say, m.values = sayByName, values{"example": id(a.Name + "=" + value + "s")}
			return m
		case a.Kind == Room && !given && digits(value), a.Kind == YesNo && value == a.Name:
			m.say, m.values = sayByName, values{"example": id(a.Name + "=" + map[Kind]string{Room: value, YesNo: "no"}[a.Kind])}
			return m
		}
	}
	if _, ok := find(Table, "un"+c.Command.Name); ok && value == "off" {
		m.Near = "un" + c.Command.Name
	} else if _, ok := c.Command.arg(reason.Name); ok {
		m.say, m.values = sayStrayText, values{"example": id(`reason="spam, again"`), "read": id(c.String())}
	}
	return m
}

// whole checks what no single word shows: missing arguments, and arguments that exclude each other.
func (c *Call) whole() *Mistake {
	var missing []Arg
	for _, a := range c.Command.Args {
		if _, given := c.args[a.Name]; a.Required && !given {
			missing = append(missing, a)
		}
	}
	if len(missing) > 0 {
		m := &Mistake{say: sayMissing, values: values{"missing": missing}}
		if name := c.args[room.Name].Word; name != "" {
			m.Word, m.say = name, sayMissingRoom
		}
		return m
	}
	if c.Command.check != nil {
		return c.Command.check(*c)
	}
	return nil
}

func ids(words []string) []id {
	out := make([]id, len(words))
	for i, w := range words {
		out[i] = id(w)
	}
	return out
}

func argNames(c Command) []string {
	out := make([]string, len(c.Args))
	for i, a := range c.Args {
		out[i] = a.Name
	}
	return out
}

// set reads one word as the value of one argument.
func (c *Call) set(a Arg, w word) *Mistake {
	if _, given := c.args[a.Name]; given {
		m := &Mistake{Word: w.raw, say: sayTwice, values: values{"name": id(a.Name)}}
		if a.Kind == Duration && w.name == "" {
			m.say = sayTwoDurations
		}
		return m
	}
	if w.open() {
		return &Mistake{Word: w.raw, say: sayNoValue, values: values{"help": a.Help}}
	}
	if a.Kind != Words && strings.ContainsFunc(w.value, unicode.IsControl) {
		return &Mistake{Word: w.raw, say: sayControl}
	}
	value, mistake := a.read(c.Command, w)
	if mistake != nil {
		mistake.Word = w.raw
		return mistake
	}
	c.args[a.Name] = value
	return nil
}
