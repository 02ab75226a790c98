package permissions

import (
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// The parser reads YAML through these few methods. Each reports what it does not find as it should be, so that
// their callers just go on without it.

// A pair is a key and its value.
type pair struct{ key, value *yaml.Node }

// plain refuses the parts of YAML that would let a file say something other than it seems to. It tells whether there
// is something to read nevertheless, for the sake of further mistakes.
func (p *parser) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		p.mistake(n, "aliases (*%s) are not read in a policy file: write out what is meant", clip(n.Value))
		return false
	case n.Anchor != "":
		p.mistake(n, "anchors (&%s) are not read in a policy file: write out what is meant wherever it is needed", clip(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		p.mistake(n, "YAML tags (%s) are not read in a policy file: leave the tag out", clip(n.Tag))
	}
	return true
}

// pairs are the keys and values of a mapping in their order; what is empty has none.
func (p *parser) pairs(n *yaml.Node, what, form string) []pair {
	switch {
	case !p.plain(n) || isNull(n):
		return nil
	case n.Kind != yaml.MappingNode:
		p.mistake(n, "%s must be written as %s", what, form)
		return nil
	}
	var pairs []pair
	for kv := range slices.Chunk(n.Content, 2) {
		key, value := kv[0], kv[1]
		if key.ShortTag() == "!!merge" {
			p.mistake(key, "merge keys (<<) are not read in a policy file: write out what is meant")
			continue
		}
		if isNull(value) {
			value.Line = key.Line // an empty value has the line of whatever comes next
		}
		pairs = append(pairs, pair{key, value})
	}
	return pairs
}

// fields are the values of a mapping by key, when it is one. Of a repeated key the first value counts.
func (p *parser) fields(n *yaml.Node, what string, known []string) (map[string]*yaml.Node, bool) {
	fields, lines := map[string]*yaml.Node{}, map[string]int{}
	for _, pair := range p.pairs(n, what, "key: value, beginning with "+known[0]+":") {
		key, ok := p.word(pair.key, "a key")
		switch {
		case !ok:
		case !slices.Contains(known, key):
			p.mistake(pair.key, "%s has no key %s; %s", what, quote(key), suggest(key, known))
		case fields[key] != nil:
			p.mistake(pair.key, "the key %s is there already, on line %d", key, lines[key])
		default:
			fields[key], lines[key] = pair.value, pair.key.Line
		}
	}
	return fields, n.Kind == yaml.MappingNode
}

// list are the items of a list, when it is one; what is empty has none.
func (p *parser) list(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	switch {
	case !p.plain(n):
		return nil, false
	case isNull(n):
		return nil, true
	case n.Kind == yaml.ScalarNode:
		p.mistake(n, "%s must be a list: write [%s]", what, strconv.Quote(clip(n.Value)))
		return nil, false
	case n.Kind != yaml.SequenceNode:
		p.mistake(n, "%s must be a list: begin each item with a dash", what)
		return nil, false
	}
	return n.Content, true
}

// someItems are the items of a list that must have at least one.
func (p *parser) someItems(n *yaml.Node, what string) []*yaml.Node {
	items, ok := p.list(n, what)
	if ok && len(items) == 0 {
		p.mistake(n, `%s is empty: say which, or "*" for all`, what)
	}
	return items
}

// word is a single value as it is written: numbers keep every digit, and 007 stays 007.
func (p *parser) word(n *yaml.Node, what string) (string, bool) {
	switch {
	case !p.plain(n):
		return "", false
	case n.Kind != yaml.ScalarNode:
		p.mistake(n, "%s must be a single word, not a list or keys", what)
		return "", false
	case isNull(n) || n.Value == "":
		p.mistake(n, "%s is missing here", what)
		return "", false
	}
	return n.Value, true
}

// repeated reports a word whose meaning stands in its list already. seen has the line of each, and gets this one.
func (p *parser) repeated(n *yaml.Node, word, meaning string, seen map[string]int) bool {
	line, again := seen[meaning]
	if again {
		p.mistake(n, "%s is in this list already, on line %d", quote(word), line)
	} else {
		seen[meaning] = n.Line
	}
	return again
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// roomID reads an id as YAML and people both read it: digits only, and no leading zero (octal to some).
func roomID(word string) (int64, bool) {
	if !isDecimal(word) {
		return 0, false
	}
	room, err := strconv.ParseInt(word, 10, 64)
	return room, err == nil
}

func (p *parser) notRoomID(n *yaml.Node, word string) {
	p.mistake(n, "%s is not a room id: write a whole number from 1 to %d", quote(word), math.MaxInt64)
}

// isDecimal tells whether a word is a number of 1 and up in digits alone.
func isDecimal(word string) bool {
	for _, r := range word {
		if r < '0' || r > '9' {
			return false
		}
	}
	return word != "" && word[0] != '0'
}
