package discordtest

import (
	"fmt"
	"time"
)

const timestamp = "2006-01-02T15:04:05.000000-07:00"

// json is a message as answers and payloads have it. s.mu is held.
//
// https://discord.com/developers/docs/resources/message#message-object
func (s *Server) json(p *post) obj {
	j := obj{
		"id": p.id, "channel_id": p.channel.ID, "type": p.kind, "flags": p.flags, "author": s.bot(), "content": word(p.body, "content"),
		"embeds": embeds(list(p.body["embeds"])), "components": components(list(p.body["components"])), "attachments": s.attachments(p),
		"mentions": []obj{}, "mention_roles": []string{}, "mention_everyone": false, "pinned": false, "tts": false,
		"timestamp": p.at.UTC().Format(timestamp), "edited_timestamp": stamped(p.edited),
	}
	if p.nonce != nil {
		j["nonce"] = p.nonce
	}
	if i := p.by; i != nil {
		j["application_id"], j["webhook_id"] = s.ApplicationID, s.ApplicationID
		if i.kind == kindCommand || i.card != nil || i.came != nil { // else Interact has made it
			j["interaction_metadata"] = s.metadata(i, p)
		}
		if i.kind == kindCommand {
			j["interaction"] = obj{"id": i.id, "type": i.kind, "name": word(object(i.payload["data"]), "name"), "user": i.user.answer()}
		}
	}
	if p.to != nil && p.kind == typeReply {
		j["message_reference"] = obj{"type": 0, "channel_id": p.to.channel.ID, "message_id": p.to.id}
	}
	return j
}

func stamped(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(timestamp)
}

// metadata tells what a message answers.
//
// https://discord.com/developers/docs/resources/message#message-interaction-metadata-object
func (s *Server) metadata(i *interaction, p *post) obj {
	m := obj{"id": i.id, "type": i.kind, "user": i.user.answer(), "authorizing_integration_owners": i.channel.owners()}
	if i.original != nil && i.original != p {
		m["original_response_message_id"] = i.original.id
	}
	switch i.kind {
	case kindComponent:
		m["interacted_message_id"] = i.card.id
	case kindSubmit:
		if i.came != nil {
			m["triggering_interaction_metadata"] = s.metadata(i.came.by, nil)
		}
	case kindCommand:
		if target := word(object(i.payload["data"]), "target_id"); target != "" {
			m["target_user"] = s.person(target).answer()
		}
	}
	return m
}

// embeds are those that the bot has sent, with what Discord adds.
func embeds(all []any) []any {
	made := clone(append([]any{}, all...))
	for _, e := range made {
		e := object(e)
		e["type"] = "rich"
		for _, f := range list(e["fields"]) {
			f := object(f)
			f["inline"] = truth(f, "inline")
		}
		withoutNull(e)
	}
	return made
}

// components are likewise those of the bot.
func components(all []any) []any {
	made := clone(append([]any{}, all...))
	for _, c := range made {
		complete(object(c))
	}
	return made
}

func complete(c obj) {
	if c == nil {
		return
	}
	withoutNull(c)
	given := func(key string, v any) {
		if c[key] == nil {
			c[key] = v
		}
	}
	switch number(c, "type") {
	case componentSelect:
		given("min_values", 1)
		given("max_values", 1)
	case componentSeparator:
		given("divider", true)
		given("spacing", 1)
	case componentContainer:
		given("spoiler", false)
		if _, has := c["accent_color"]; !has {
			c["accent_color"] = nil
		}
	}
	for _, child := range append(list(c["components"]), c["accessory"]) {
		complete(object(child))
	}
}

// withoutNull leaves out what was sent as null: it is nothing.
func withoutNull(o obj) {
	for key, v := range o {
		if v == nil {
			delete(o, key)
		}
	}
}

func (s *Server) attachments(p *post) []obj {
	all := []obj{}
	for n, f := range p.files {
		address := fmt.Sprintf("%s/attachments/%s/%d/%s", s.http.URL, p.id, n, f.Name)
		all = append(all, obj{"id": fmt.Sprint(n + 1), "filename": f.Name, "size": len(f.Content), "url": address, "proxy_url": address})
	}
	return all
}
