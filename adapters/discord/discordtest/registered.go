package discordtest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Limits of registering. https://discord.com/developers/docs/interactions/application-commands#registering-a-command
const (
	maxSlash   = 100
	maxMenus   = 15 // of each kind
	maxCreates = 200
)

// Registered is the commands of a guild, by id or name, as Discord has them; empty: those for all.
func (s *Server) Registered(guild string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.guild(guild); g != nil {
		guild = g.ID
	}
	return clone(append([]obj{}, s.commands[guild]...))
}

// Register registers commands as the bot would, for tests where it does not: any list that is one as JSON.
func (s *Server) Register(t testing.TB, guild string, commands any) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.guild(guild); g != nil {
		guild = g.ID
	}
	if code, why := s.register(guild, clone([]any{commands})[0]); code != 0 {
		t.Fatalf("discord: register: %d %q", code, why)
	}
}

// scope is the guild whose commands a call is about; empty: none. s.mu is held.
func (s *Server) scope(r *request) (string, *answer) {
	id := r.PathValue("guild_id")
	if g := s.guild(id); id != "" && (g == nil || g.ID != id) {
		a := refuse(50001)
		return "", &a
	}
	return id, nil
}

// https://discord.com/developers/docs/interactions/application-commands#get-global-application-commands
func (s *Server) getCommands(r *request) answer {
	guild, no := s.scope(r)
	if no != nil {
		return *no
	}
	all := clone(append([]obj{}, s.commands[guild]...))
	slices.Reverse(all) // no order is promised
	if r.URL.Query().Get("with_localizations") != "true" {
		for _, c := range all {
			withoutLocalizations(c)
		}
	}
	return ok(all)
}

func withoutLocalizations(o obj) {
	delete(o, "name_localizations")
	delete(o, "description_localizations")
	for _, v := range append(list(o["options"]), list(o["choices"])...) {
		withoutLocalizations(object(v))
	}
}

// https://discord.com/developers/docs/interactions/application-commands#bulk-overwrite-global-application-commands
func (s *Server) putCommands(r *request) answer {
	guild, no := s.scope(r)
	if no != nil {
		return *no
	}
	if code, why := s.register(guild, r.body); code != 0 {
		s.complain("%s: %d: %s", r.Method+" commands", code, strings.Join(why, "; "))
		return refuse(code, why...)
	}
	return ok(clone(append([]obj{}, s.commands[guild]...)))
}

// register makes a list that of a guild, or returns the code with which Discord refuses it, and why. s.mu is held.
func (s *Server) register(guild string, body any) (code int, why []string) {
	all, isList := clone([]any{body})[0].([]any)
	if !isList {
		return 50035, []string{"not a list"}
	}
	if why := CheckCommands(all, guild != ""); len(why) > 0 {
		return 50035, why
	}
	kinds := map[int]int{}
	var next []obj
	created := 0
	for _, v := range all {
		c := object(v)
		kind := max(number(c, "type"), slash)
		kinds[kind]++
		c["type"] = float64(kind)
		old := s.find(s.commands[guild], word(c, "name"), kind)
		if old == nil {
			created++
		}
		next = append(next, s.stored(c, old, guild))
	}
	if kinds[slash] > maxSlash || kinds[ofUsers] > maxMenus || kinds[3] > maxMenus {
		return 30032, nil
	}
	today := slices.DeleteFunc(s.creates[guild], func(t time.Time) bool { return s.now().Sub(t) >= 24*time.Hour })
	if len(today)+created > maxCreates {
		return 30034, nil
	}
	for range created {
		today = append(today, s.now())
	}
	s.creates[guild], s.commands[guild] = today, next
	return 0, nil
}

func (s *Server) find(all []obj, name string, kind int) obj {
	i := slices.IndexFunc(all, func(c obj) bool { return word(c, "name") == name && number(c, "type") == kind })
	if i < 0 {
		return nil
	}
	return all[i]
}

// stored is a command with all that Discord adds. An old one of the same name keeps its id. s.mu is held.
//
// https://discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-structure
func (s *Server) stored(c, old obj, guild string) obj {
	made := obj{
		"id": s.snowflake(), "application_id": s.ApplicationID, "version": s.snowflake(),
		"type": c["type"], "name": c["name"], "description": word(c, "description"),
		"name_localizations": c["name_localizations"], "description_localizations": c["description_localizations"],
		"default_member_permissions": nil, "dm_permission": true, "nsfw": truth(c, "nsfw"), "contexts": c["contexts"], "integration_types": []any{0.0},
	}
	if old != nil {
		made["id"] = old["id"]
	}
	switch p := c["default_member_permissions"].(type) {
	case string:
		made["default_member_permissions"] = p
	case float64:
		made["default_member_permissions"] = string(compact(p))
	}
	if said(c, "integration_types") {
		made["integration_types"] = c["integration_types"]
	}
	if all := list(c["options"]); len(all) > 0 {
		made["options"] = storedOptions(all)
	}
	if guild != "" {
		made["guild_id"], made["contexts"] = guild, nil
		delete(made, "dm_permission")
	}
	return clone(made)
}

func storedOptions(all []any) []any {
	for _, v := range all {
		o := object(v)
		withoutNull(o)
		for _, key := range []string{"name_localizations", "description_localizations"} {
			if o[key] == nil {
				o[key] = nil
			}
		}
		if !isGroup(o) {
			o["required"] = truth(o, "required")
		}
		for _, v := range list(o["choices"]) {
			choice := object(v)
			if choice["name_localizations"] == nil {
				choice["name_localizations"] = nil
			}
		}
		if inner := list(o["options"]); len(inner) > 0 {
			o["options"] = storedOptions(inner)
		}
	}
	return all
}

// available finds a command where somebody wants to use it: that of the guild first. s.mu is held.
func (s *Server) available(c *Channel, name string, kind int) obj {
	if c.Guild != "" {
		if found := s.find(s.commands[c.Guild], name, kind); found != nil {
			return found
		}
	}
	found := s.find(s.commands[""], name, kind)
	context := 0.0
	if c.Guild == "" {
		context = 1
	}
	if all, limited := found["contexts"].([]any); limited && !slices.Contains(all, any(context)) {
		return nil
	}
	return found
}

// names are the commands that can be used in a channel. s.mu is held.
func (s *Server) names(c *Channel) []string {
	var all []string
	for _, command := range append(slices.Clone(s.commands[""]), s.commands[c.Guild]...) {
		all = append(all, word(command, "name"))
	}
	return all
}
