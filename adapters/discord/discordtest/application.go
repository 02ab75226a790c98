package discordtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// endpointURL is the Interactions Endpoint URL of the portal; empty: none. s.mu is held.
func (s *Server) endpointURL() string {
	switch {
	case s.endpoint != nil:
		return *s.endpoint
	case s.botURL != "":
		return strings.TrimSuffix(s.botURL, "/") + interactionsPath
	}
	return ""
}

// https://discord.com/developers/docs/resources/application#get-current-application
func (s *Server) myApplication(*request) answer {
	owner := User{ID: "80351110224678912", Name: "owner"}
	return ok(obj{
		"id": s.ApplicationID, "name": "bot", "icon": nil, "description": "", "summary": "", "type": nil, "bot": s.bot(), "bot_public": false,
		"bot_require_code_grant": false, "verify_key": s.verifyKey, "flags": 0, "flags_new": "0", "redirect_uris": []string{},
		"interactions_endpoint_url": orNull(s.endpointURL()), "role_connections_verification_url": nil, "owner": owner.answer(), "team": nil,
		"approximate_guild_count": len(s.guilds), "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
		"explicit_content_filter": 0, "eligible_oauth2_scopes": []string{}, "event_webhooks_status": 1,
	})
}

// https://discord.com/developers/docs/resources/user#get-current-user
func (s *Server) me(*request) answer {
	me := s.bot()
	me["mfa_enabled"], me["locale"], me["verified"], me["email"], me["bio"] = true, "en-US", true, nil, ""
	return ok(me)
}

// https://discord.com/developers/docs/resources/user#get-current-user-guilds
func (s *Server) myGuilds(r *request) answer {
	most, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("limit"), "200"))
	if err != nil || most < 1 || most > 200 {
		s.complain("%s: the limit is 1 to 200", MyGuilds)
		return refuse(50035, "limit: 1 to 200")
	}
	in := slices.DeleteFunc(slices.Clone(s.guilds), func(g *Guild) bool { return g.NoBot || less(g.ID, r.URL.Query().Get("after"), true) })
	slices.SortFunc(in, func(x, y *Guild) int { return cmp.Or(cmp.Compare(len(x.ID), len(y.ID)), strings.Compare(x.ID, y.ID)) })
	all := []obj{}
	for _, g := range in[:min(most, len(in))] {
		all = append(all, obj{
			"id": g.ID, "name": g.Name, "icon": nil, "banner": nil, "owner": false, "permissions": member, "features": []string{},
		})
	}
	return ok(all)
}

// less tells which id is older; an empty one is older than all.
func less(id, other string, orEqual bool) bool {
	if id == other {
		return orEqual
	}
	return cmp.Or(cmp.Compare(len(id), len(other)), strings.Compare(id, other)) < 0
}

// https://discord.com/developers/docs/events/gateway#get-gateway
func (s *Server) gatewayURL(*request) answer { return ok(obj{"url": s.socketURL()}) }

// https://discord.com/developers/docs/events/gateway#get-gateway-bot
func (s *Server) gatewayBot(*request) answer {
	remaining, reset := s.gateway.starts(s.now())
	return ok(obj{"url": s.socketURL(), "shards": 1, "session_start_limit": obj{
		"total": maxStarts, "remaining": remaining, "reset_after": reset.Milliseconds(), "max_concurrency": 1,
	}})
}

// socketURL is where the gateway is, with the slash that discordgo would add.
func (s *Server) socketURL() string {
	return "ws" + strings.TrimPrefix(s.http.URL, "http") + "/socket/"
}

const interactionsPath = "/discord/interactions"
