package discordtest

import (
	"regexp"
	"slices"
	"strings"
)

// Mentions in a text. https://discord.com/developers/docs/reference#message-formatting
var (
	ofUser     = regexp.MustCompile(`<@!?([0-9]+)>`)
	ofRole     = regexp.MustCompile(`<@&([0-9]+)>`)
	ofEveryone = regexp.MustCompile(`@everyone|@here`)
)

// notifiesNobody tells of a body that says so: {"parse": []}.
//
// https://discord.com/developers/docs/resources/message#allowed-mentions-object
func notifiesNobody(body obj) bool {
	allowed := object(body["allowed_mentions"])
	parse, given := allowed["parse"].([]any)
	return given && len(parse) == 0 && len(list(allowed["users"])) == 0 && len(list(allowed["roles"])) == 0 && !truth(allowed, "replied_user")
}

// mentionProblems are what Discord refuses: naming a kind and some of the kind.
func mentionProblems(body obj) []string {
	allowed := object(body["allowed_mentions"])
	var no []string
	for _, kind := range []string{"users", "roles"} {
		if slices.Contains(list(allowed["parse"]), any(kind)) && len(list(allowed[kind])) > 0 {
			no = append(no, "allowed_mentions: parse names "+kind+", and there is a list of them")
		}
	}
	return no
}

// notified is whom a body notifies, and a complaint. Left out, allowed_mentions are users in interactions, and everybody in channels. s.mu is held.
func (s *Server) notified(p *post, body obj) []string {
	texts := []string{word(body, "content")}
	each(list(body["components"]), func(c obj) {
		if number(c, "type") == componentText {
			texts = append(texts, word(c, "content"))
		}
	})
	text := strings.Join(texts, "\n")
	allowed := object(body["allowed_mentions"])
	parse := list(allowed["parse"])
	if !said(body, "allowed_mentions") {
		parse = []any{"users"}
		if p.by == nil {
			parse = []any{"users", "roles", "everyone"}
		}
	}
	var whom []string
	if slices.Contains(parse, any("everyone")) {
		whom = append(whom, ofEveryone.FindAllString(text, -1)...)
	}
	for kind, pattern := range map[string]*regexp.Regexp{"users": ofUser, "roles": ofRole} {
		for _, found := range pattern.FindAllStringSubmatch(text, -1) {
			if slices.Contains(parse, any(kind)) || slices.Contains(list(allowed[kind]), any(found[1])) {
				whom = append(whom, found[1])
			}
		}
	}
	slices.Sort(whom)
	if whom = slices.Compact(whom); len(whom) > 0 {
		s.complain("a message notifies %q: %.200s", whom, text)
	}
	return whom
}
