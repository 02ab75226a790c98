package permissions

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxFile is the size of the largest policy file read.
const maxFile = 1 << 20 // bytes

// A Vocabulary is what a policy file may say. The table of commands declares it.
type Vocabulary struct {
	Rights   []Right                      // all there are
	Changes  []Right                      // those that change something: the bot may have to ask before
	Reserved func(word string) bool       // words that lines of commands read otherwise, so that no room can be called so; nil: none
	AccID    func(string) (string, error) // checks an account id and returns it as NetEase writes it; nil: any that is not empty
}

// Parse reads a policy file. When anything is wrong in it there is no policy: the error holds every mistake on a
// line of its own, in the order of the file, as "line 7: …" (without a line where the whole file is meant); a hundred
// at most. Where the YAML itself is broken, only the first place is known.
func Parse(src []byte, v Vocabulary) (*Policy, error) {
	root, err := load(src)
	if err != nil {
		return nil, err
	}
	p := parser{
		vocabulary: v,
		policy:     Policy{ids: map[string]int64{}, names: map[int64]string{}},
		defined:    map[string]int{},
		moderators: map[string]int{},
	}
	p.file(root)
	if len(p.mistakes) > 0 {
		return nil, p.join()
	}
	return &p.policy, nil
}

// load reads src as one YAML document and returns what is in it.
func load(src []byte) (*yaml.Node, error) {
	if len(src) > maxFile {
		return nil, mistake{text: "the file is larger than 1 MiB, too large for a policy"}
	}
	if err := checkCharacters(src); err != nil {
		return nil, err
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	var document, second yaml.Node
	switch err := loader.Load(&document); {
	case err == io.EOF:
		return nil, mistake{text: "the file is empty; it must say who the moderators are"}
	case err != nil:
		return nil, explain(err, src)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		return nil, mistake{second.Line, "a second YAML document begins (after ---); a policy file is only one"}
	case err != io.EOF:
		return nil, explain(err, src)
	}
	root := document.Content[0]
	if isNull(root) {
		return nil, mistake{text: "the file is empty; it must say who the moderators are"}
	}
	return root, nil
}

// checkCharacters finds the first character that cannot be in YAML, which the YAML package reports without a line,
// or that begins a line for YAML but not in an editor.
//
// https://yaml.org/spec/1.2.2/#51-character-set
func checkCharacters(src []byte) error {
	text, line := bytes.TrimPrefix(src, []byte("\uFEFF")), 1
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			return mistake{line, "this is not UTF-8; save the file as UTF-8"}
		case r == '\n':
			line++
		case r == '\t', r == '\r':
		case unicode.IsControl(r), r == 0x2028, r == 0x2029, r == 0xFEFF, r == 0xFFFE, r == 0xFFFF:
			return mistake{line, fmt.Sprintf("the invisible character %U is here; delete it", r)}
		}
		text = text[size:]
	}
	return nil
}

// A parser turns the nodes of one file into a policy and collects mistakes on its way.
type parser struct {
	vocabulary Vocabulary
	policy     Policy
	mistakes   []mistake
	more       bool           // mistakes than those
	defined    map[string]int // the line of each name under rooms, right or wrong
	moderators map[string]int // the line of each moderator's name, in lower case
}

func (p *parser) file(root *yaml.Node) {
	fields, ok := p.fields(root, "a policy file", []string{"moderators", "rooms", "confirm"})
	if !ok {
		return
	}
	if rooms := fields["rooms"]; rooms != nil {
		p.roomNames(rooms)
	}
	if confirm := fields["confirm"]; confirm != nil {
		p.policy.confirm = p.confirmed(confirm)
	}
	moderators := fields["moderators"]
	if moderators == nil {
		p.mistake(root, "moderators is missing: without one, nobody may do anything")
		return
	}
	items, ok := p.list(moderators, "moderators")
	if ok && len(items) == 0 {
		p.mistake(moderators, "moderators is empty: without one, nobody may do anything")
	}
	for _, item := range items {
		p.moderator(item)
	}
}

var roomName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

func (p *parser) roomNames(rooms *yaml.Node) {
	for _, pair := range p.pairs(rooms, "rooms", "name: id, like lobby: 1600849147") {
		name, ok := p.word(pair.key, "a room name")
		if !ok {
			continue
		}
		if line, again := p.defined[name]; again {
			p.mistake(pair.key, "the room name %s is there already, on line %d", quote(name), line)
			continue
		}
		p.defined[name] = pair.key.Line
		switch {
		case !roomName.MatchString(name):
			p.mistake(pair.key, "%s cannot be a room name: write a lower-case letter, then lower-case letters, digits, _ and -, 64 at most",
				quote(name))
		case p.vocabulary.Reserved != nil && p.vocabulary.Reserved(name):
			p.mistake(pair.key, "%s cannot be a room name: it means something else in a command; choose another", quote(name))
		}
		text, ok := p.word(pair.value, "the room id")
		if !ok {
			continue
		}
		room, ok := roomID(text)
		if !ok {
			p.notRoomID(pair.value, text)
			continue
		}
		if other := p.policy.names[room]; other != "" {
			p.mistake(pair.value, "room %d has the name %s already, on line %d; a room has one name", room, quote(other), p.defined[other])
			continue
		}
		p.policy.ids[name], p.policy.names[room] = room, name
	}
}

// confirmed reads the list confirm.
func (p *parser) confirmed(n *yaml.Node) (rights []Right) {
	items, _ := p.list(n, "confirm")
	known, seen := words(p.vocabulary.Changes), map[string]int{}
	for _, item := range items {
		word, ok := p.word(item, "a command")
		switch {
		case !ok || p.repeated(item, word, word, seen):
		case !slices.Contains(known, word):
			p.mistake(item, "%s is not a command that can be confirmed; %s", quote(word), suggest(word, known))
		default:
			rights = append(rights, Right(word))
		}
	}
	return rights
}

func words(rights []Right) []string {
	words := make([]string, len(rights))
	for i, right := range rights {
		words[i] = string(right)
	}
	return words
}

// rights reads the list commands.
func (p *parser) rights(n *yaml.Node) (rights []Right, all bool) {
	known := words(p.vocabulary.Rights)
	seen := map[string]int{}
	for _, item := range p.someItems(n, "commands") {
		word, ok := p.word(item, "a command")
		switch {
		case !ok || p.repeated(item, word, word, seen):
		case word == "*":
			all = true
		case !slices.Contains(known, word):
			p.mistake(item, "%s is not a command that can be granted; %s", quote(word), suggest(word, known))
		}
	}
	for _, right := range p.vocabulary.Rights {
		if all || seen[string(right)] > 0 {
			rights = append(rights, right)
		}
	}
	return rights, all
}

// reach reads the list rooms of a moderator.
func (p *parser) reach(n *yaml.Node) Reach {
	var reach Reach
	seen := map[string]int{}
	for _, item := range p.someItems(n, "rooms") {
		word, ok := p.word(item, "a room")
		if !ok {
			continue
		}
		if word == "*" {
			p.repeated(item, word, word, seen)
			reach.All = true
			continue
		}
		room, ok := roomID(word)
		if !ok {
			if room, ok = p.policy.ids[word]; !ok {
				p.noRoom(item, word)
				continue
			}
		}
		if !p.repeated(item, word, fmt.Sprint(room), seen) {
			reach.Rooms = append(reach.Rooms, room)
		}
	}
	if reach.All {
		return Reach{All: true}
	}
	slices.Sort(reach.Rooms)
	return reach
}

// noRoom reports a word that leads to no room, unless what is wrong is the room's definition.
func (p *parser) noRoom(item *yaml.Node, word string) {
	if p.defined[word] > 0 || p.full() {
		return
	}
	if strings.IndexAny(word, "+-.0123456789") == 0 {
		p.notRoomID(item, word)
		return
	}
	names := p.policy.RoomNames()
	if len(names) == 0 {
		p.mistake(item, "no room is called %s: the file gives no names under rooms; write the id, or \"*\" for all", quote(word))
		return
	}
	p.mistake(item, "no room is called %s; %s", quote(word), suggest(word, names))
}
