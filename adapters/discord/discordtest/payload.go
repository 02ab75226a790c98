package discordtest

import (
	"encoding/base64"
	"fmt"
)

// begin makes an interaction of a person. s.mu is held.
func (s *Server) begin(kind int, u *User, c *Channel, what string) *interaction {
	id := s.snowflake()
	secret := fmt.Sprintf("interaction:%s:%064xexample%015d", id, s.next(), s.next())
	return &interaction{
		id: id, token: base64.RawURLEncoding.EncodeToString([]byte(secret)), kind: kind, what: what, user: u, channel: c, made: s.now(),
	}
}

// owners tells for whom the application was installed.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object
func (c *Channel) owners() obj {
	if c.Guild == "" {
		return obj{"0": "0"} // a direct message
	}
	return obj{"0": c.Guild}
}

// envelope is what Discord sends of an interaction, with its data. s.mu is held.
//
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-structure
func (s *Server) envelope(i *interaction, data obj) obj {
	p := obj{
		"id": i.id, "application_id": s.ApplicationID, "type": i.kind, "token": i.token, "version": 1, "entitlements": []obj{},
		"entitlement_sku_ids": []string{}, "app_permissions": "442368",
	}
	if i.kind == kindPing {
		p["user"] = i.user.json()
		return clone(p)
	}
	p["data"], p["locale"], p["channel_id"], p["channel"] = data, i.user.Locale, i.channel.ID, i.channel.json(i.user)
	p["authorizing_integration_owners"], p["attachment_size_limit"] = i.channel.owners(), 10<<20
	if g := s.guild(i.channel.Guild); g != nil {
		p["guild_id"], p["guild_locale"] = g.ID, g.Locale
		p["guild"] = obj{"id": g.ID, "locale": g.Locale, "features": []string{}}
		p["member"], p["context"] = i.user.member(), 0
	} else {
		p["user"], p["context"] = i.user.json(), 1
	}
	if i.card != nil {
		p["message"] = s.json(i.card)
	}
	return clone(p)
}
