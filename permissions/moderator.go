package permissions

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

const maxName = 80 // characters

var moderatorKeys = []string{"name", slackUsers, discordUsers, slackGroups, discordRoles, consoleNames, "accid", "commands", "rooms", "skip_confirmation"}

func (p *parser) moderator(n *yaml.Node) {
	fields, ok := p.fields(n, "a moderator", moderatorKeys)
	if !ok {
		if isNull(n) {
			p.mistake(n, "a moderator is missing here: write its keys, or delete the dash")
		}
		return
	}
	e := entry{line: n.Line, people: map[id]bool{}}
	called := "this moderator"
	if name := fields["name"]; name == nil {
		p.mistake(n, "this moderator has no name: write name: and what people call them")
	} else if e.Moderator, ok = p.name(name); ok {
		called = quote(e.Moderator)
	}

	named := 0
	for _, list := range lists {
		if people := fields[list.key]; people != nil {
			named += p.people(people, list, e.people)
		}
	}
	if named == 0 {
		p.mistake(n, "%s is nobody: give at least one of slack, discord, slack_groups, discord_roles, console", called)
	}

	if accid := fields["accid"]; accid != nil {
		e.AccID = p.accid(accid)
	}
	if commands := fields["commands"]; commands != nil {
		e.Rights, e.AllRights = p.rights(commands)
	} else {
		p.mistake(n, `%s has no commands: write commands: and which, or ["*"] for all`, called)
	}
	if rooms := fields["rooms"]; rooms != nil {
		e.Rooms = p.reach(rooms)
	} else {
		p.mistake(n, `%s has no rooms: write rooms: and which, or ["*"] for all`, called)
	}
	if skip := fields["skip_confirmation"]; skip != nil {
		e.SkipConfirmation = p.yesNo(skip, "skip_confirmation")
	}
	p.policy.entries = append(p.policy.entries, e)
}

// yesNo reads true or false.
func (p *parser) yesNo(n *yaml.Node, what string) bool {
	word, ok := p.word(n, what)
	if ok && word != "true" && word != "false" {
		p.mistake(n, "%s is true or false, not %s", what, quote(word))
	}
	return word == "true"
}

// name reads the name of a moderator, which no other has.
func (p *parser) name(n *yaml.Node) (string, bool) {
	name, ok := p.shown(n, "the name")
	if !ok {
		return "", false
	}
	key := strings.ToLower(name)
	if line, again := p.moderators[key]; again {
		p.mistake(n, "another moderator is called %s, on line %d; names differ in more than their case", quote(name), line)
		return name, true
	}
	p.moderators[key] = n.Line
	return name, true
}

// shown reads a word that is shown to people: one line without tricks, not too long.
func (p *parser) shown(n *yaml.Node, what string) (string, bool) {
	text, ok := p.word(n, what)
	switch {
	case !ok:
		return "", false
	case strings.TrimSpace(text) != text || text == "":
		p.mistake(n, "%s begins or ends with a space: write %s", what, quote(strings.TrimSpace(text)))
		return "", false
	case utf8.RuneCountInString(text) > maxName:
		p.mistake(n, "%s has %d characters: %d are the most", what, utf8.RuneCountInString(text), maxName)
		return "", false
	case strings.ContainsFunc(text, isUnseen):
		p.mistake(n, "%s has a line break or an invisible character in it: %s", what, quote(text))
		return "", false
	}
	return text, true
}

// isUnseen tells the characters that break lines, ring bells or turn the direction of text.
func isUnseen(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

func (p *parser) accid(n *yaml.Node) string {
	text, ok := p.word(n, "the accid")
	if !ok || p.vocabulary.AccID == nil {
		return text
	}
	accid, err := p.vocabulary.AccID(text)
	if err != nil {
		p.mistake(n, "%s cannot be an accid: %v", quote(text), err)
	}
	return accid
}

// A list is one of the keys that name people: what its items look like, and where they are found.
type list struct {
	key, what string
	fits      func(word string) bool
	form      string
	found     string
}

// https://docs.slack.dev/reference/objects/user-object: ids of users begin with U or W.
// https://docs.slack.dev/reference/objects/usergroup-object: ids of user groups begin with S.
// https://docs.discord.com/developers/reference#snowflakes: 64 bits without a sign, in decimal digits.
var lists = []list{
	{slackUsers, "a Slack user id", regexp.MustCompile(`^[TE][A-Z0-9]+/[UW][A-Z0-9]+$`).MatchString,
		"workspace/user, like T0123/U0456", "the command whoami shows people theirs"},
	{discordUsers, "a Discord user id", isSnowflake,
		`digits, like "80351110224678912"`, "the command whoami shows people theirs"},
	{slackGroups, "a Slack user group id", regexp.MustCompile(`^T[A-Z0-9]+/S[A-Z0-9]+$`).MatchString,
		"workspace/group, like T0123/S0789", "whoami shows the workspace, the menu of the group in Slack the group's id"},
	{discordRoles, "a Discord role id", isSnowflake,
		`digits, like "41771983423143936"`, "with Discord's developer mode on, the menu of the role has Copy Role ID"},
	{consoleNames, "a name", nil, "", ""},
}

func isSnowflake(word string) bool {
	_, err := strconv.ParseUint(word, 10, 64)
	return err == nil && isDecimal(word)
}

// people reads one list of people into people and returns how many items it has, right or wrong.
func (p *parser) people(n *yaml.Node, l list, people map[id]bool) int {
	items, ok := p.list(n, l.key)
	if !ok {
		return 1 // something is there, and has been reported
	}
	seen := map[string]int{}
	for _, item := range items {
		var word string
		if l.fits == nil {
			word, ok = p.shown(item, l.what)
		} else {
			word, ok = p.word(item, l.what)
		}
		switch {
		case !ok || p.repeated(item, word, word, seen):
		case l.fits != nil && !l.fits(word):
			p.mistake(item, "%s is not %s: %s", quote(word), l.what, l.mend(word))
		default:
			people[id{l.key, word}] = true
		}
	}
	return len(items)
}

// mend says what to write in place of a word that does not fit.
func (l list) mend(word string) string {
	for _, other := range lists {
		if other.fits != nil && other.fits(word) {
			return "it is " + other.what + ", which belongs under " + other.key
		}
	}
	if upper := strings.ToUpper(word); l.fits(upper) {
		return "did you mean " + quote(upper) + "?"
	}
	return "write " + l.form + " (" + l.found + ")"
}
