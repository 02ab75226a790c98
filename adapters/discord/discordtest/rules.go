package discordtest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Limits of messages, in code points. Those of components stand in layout.go.
//
// https://discord.com/developers/docs/resources/message#create-message
// https://discord.com/developers/docs/resources/message#embed-object-embed-limits
const (
	maxContent     = 2000
	maxEmbeds      = 10
	maxTitle       = 256
	maxDescription = 4096
	maxFields      = 25
	maxFieldName   = 256
	maxFieldValue  = 1024
	maxFooter      = 2048
	maxAuthor      = 256
	maxEmbedText   = 6000 // of all embeds of a message together
	maxNonce       = 25
)

// A checker looks for what Discord would refuse, and for what it ignores and nobody means.
type checker struct {
	problems []string
	odd      []string
	ids      map[string]bool // the custom_ids
	v2       bool
	count    int // components
	text     int // characters of text displays
}

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, path+": "+fmt.Sprintf(format, args...))
}

// keys finds keys that are not among those known: Discord ignores them.
func (c *checker) keys(path string, o obj, known ...string) {
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(known, key) {
			c.odd = append(c.odd, fmt.Sprintf("%s: unknown key %q", path, key))
		}
	}
}

// words checks a string; it may be missing when least is 0.
func (c *checker) words(path string, o obj, key string, least, most int) {
	s, isString := o[key].(string)
	switch n := size(s); {
	case !said(o, key):
		if least > 0 {
			c.add(path, "%s is missing", key)
		}
	case !isString:
		c.add(path, "%s is not a string", key)
	case n < least || n > most:
		c.add(path, "%s has %d characters, not %d to %d", key, n, least, most)
	}
}

// number checks a number that may be missing.
func (c *checker) number(path string, o obj, key string, least, most float64) {
	if said(o, key) {
		if n, ok := o[key].(float64); !ok || n < least || n > most {
			c.add(path, "%s is %v, not %v to %v", key, o[key], least, most)
		}
	}
}

func (c *checker) address(path string, o obj, key string, most int) {
	c.words(path, o, key, 0, most)
	if u, err := url.Parse(word(o, key)); said(o, key) && (err != nil || u.Scheme == "" || u.Host == "") {
		c.add(path, "%s is no address", key)
	}
}

// CheckMessage tells all that Discord would refuse in a new message: in the data of a first answer, a follow-up, a message in a channel.
func CheckMessage(body map[string]any) []string {
	body = clone(body)
	c := &checker{ids: map[string]bool{}}
	c.message(body, number(body, "flags"))
	if empty(body, nil) {
		c.add("message", "there is nothing in it")
	}
	return append(c.problems, mentionProblems(body)...)
}

func (c *checker) message(m obj, flags int) {
	c.v2 = flags&flagV2 != 0
	c.words("message", m, "content", 0, maxContent)
	all := list(m["embeds"])
	if len(all) > maxEmbeds {
		c.add("embeds", "%d of them, more than %d", len(all), maxEmbeds)
	}
	text := 0
	for n, e := range all {
		text += c.embed("embeds/"+itoa(n), object(e))
	}
	if text > maxEmbedText {
		c.add("embeds", "%d characters in all, more than %d", text, maxEmbedText)
	}
	if c.v2 && (word(m, "content") != "" || len(all) > 0 || said(m, "poll")) {
		c.add("message", "content, embeds or a poll beside Components V2")
	}
	c.layout(list(m["components"]))
}

func (c *checker) embed(path string, e obj) (text int) {
	c.keys(path, e, "type", "title", "description", "url", "timestamp", "color", "footer", "image", "thumbnail", "author", "fields")
	part := func(path string, o obj, key string, least, most int) {
		c.words(path, o, key, least, most)
		text += size(word(o, key))
	}
	part(path, e, "title", 0, maxTitle)
	part(path, e, "description", 0, maxDescription)
	if said(e, "footer") {
		part(path+"/footer", object(e["footer"]), "text", 1, maxFooter)
	}
	if said(e, "author") {
		part(path+"/author", object(e["author"]), "name", 1, maxAuthor)
	}
	fields := list(e["fields"])
	if len(fields) > maxFields {
		c.add(path, "%d fields, more than %d", len(fields), maxFields)
	}
	for n, f := range fields {
		at := path + "/fields/" + itoa(n)
		part(at, object(f), "name", 1, maxFieldName)
		part(at, object(f), "value", 1, maxFieldValue)
	}
	if text == 0 && !said(e, "image") && !said(e, "thumbnail") {
		c.add(path, "there is nothing in it")
	}
	return text
}

// empty tells of a message that has nothing in it.
func empty(m obj, files []File) bool {
	shown := len(list(m["embeds"])) + len(list(m["components"])) + len(files)
	return strings.TrimSpace(word(m, "content")) == "" && shown == 0 && !said(m, "poll")
}

var messageKeys = []string{"content", "embeds", "components", "flags", "allowed_mentions", "attachments", "poll", "tts"}

// checkNew complains of a new message that Discord would refuse, or that no app should send, and returns Discord's code; 0: it is taken. s.mu is held.
func (s *Server) checkNew(where string, body obj, files []File, more ...string) (code int, why []string) {
	c := &checker{ids: map[string]bool{}}
	flags := number(body, "flags")
	if odd := flags &^ (flagNoEmbeds | flagEphemeral | flagSilent | flagV2); odd != 0 {
		c.odd = append(c.odd, fmt.Sprintf("flags: %d cannot be set", odd))
	}
	c.keys("message", body, append(messageKeys, more...)...)
	c.message(body, flags)
	return s.judge(where, c, body, body, files)
}

// checkEdit does the same with an edit. s.mu is held.
func (s *Server) checkEdit(where string, p *post, body obj, files []File) (code int, why []string) {
	return s.checkChange(where, p, body, merged(p.body, body), files, 0)
}

// checkUpdate does the same with type 7. Whether Discord keeps or blanks what that leaves out is not documented. s.mu is held.
func (s *Server) checkUpdate(i *interaction, body obj, files []File) (code int, why []string) {
	where := "the update of the message that was clicked on, " + i.what
	for _, key := range []string{"content", "embeds", "components"} {
		old := i.card.body
		if _, mentioned := body[key]; !mentioned && (word(old, key) != "" || len(list(old[key])) > 0) {
			s.complain("%s: leaves out %s, which the message has; type 7 must say all, also what is to go", where, key)
		}
	}
	allowed := 0
	if i.card.person != "" {
		allowed = flagEphemeral
	}
	return s.checkChange(where, i.card, body, merged(nil, body), files, allowed)
}

// checkChange checks body, and what the message is after it.
func (s *Server) checkChange(where string, p *post, body, after obj, files []File, allowed int) (code int, why []string) {
	c := &checker{ids: map[string]bool{}}
	flags := number(body, "flags")
	if flags&flagEphemeral&^allowed != 0 {
		c.odd = append(c.odd, "flags: who sees a message cannot be changed")
	} else if odd := flags &^ (flagNoEmbeds | flagV2 | allowed); odd != 0 {
		c.odd = append(c.odd, fmt.Sprintf("flags: %d cannot be changed", odd))
	}
	c.keys("message", body, messageKeys...)
	if _, sets := body["flags"]; sets && p.flags&flagV2 != 0 && flags&flagV2 == 0 {
		c.add("flags", "Components V2 cannot be taken off")
	}
	c.message(after, flags|p.flags&flagV2)
	if files == nil {
		files = p.files
	}
	return s.judge(where, c, body, after, files)
}

// judge complains of what a checker has found in a body, and of mentions. s.mu is held.
func (s *Server) judge(where string, c *checker, body, after obj, files []File) (code int, why []string) {
	why = append(c.problems, mentionProblems(body)...)
	if !notifiesNobody(body) {
		s.complain(`%s: without "allowed_mentions": {"parse": []}`, where)
	}
	for _, odd := range c.odd {
		s.complain("%s: %s", where, odd)
	}
	if len(why) > 0 {
		s.complain("%s: %s", where, strings.Join(why, "; "))
		return 50035, why
	}
	if empty(after, files) {
		s.complain("%s: there is nothing in it", where)
		return 50006, nil
	}
	return 0, nil
}
