package discord

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Path is where Discord posts interactions.
const Path = "/discord/interactions"

// An Application is what Discord knows of the bot.
type Application struct {
	ID                      string `json:"id"`
	Name                    string `json:"name"`
	VerifyKey               string `json:"verify_key"`                // the public key
	InteractionsEndpointURL string `json:"interactions_endpoint_url"` // empty: interactions go to the gateway
}

// Application asks whose token BotToken is, for somebody who waits: it tries twice at most, and within what ctx leaves.
//
// https://discord.com/developers/docs/resources/application#get-current-application
func (c *Client) Application(ctx context.Context) (Application, error) {
	var app Application
	err := c.briefly().do(ctx, call{method: http.MethodGet, route: "/applications/@me", bot: true, repeatable: true, into: &app})
	return app, err
}

// A Mismatch is something in the portal that does not fit the settings.
type Mismatch struct {
	What string // a sentence without a full stop
	Fix  string // a sentence
}

// Mismatches are why interactions do not come here, or not as meant: with a public key they are to be posted to Path, without one to come through the gateway,
// and Discord uses one way alone.
//
// https://discord.com/developers/docs/interactions/overview#configuring-an-interactions-endpoint-url
func (a Application) Mismatches(applicationID, publicKey string) (all []Mismatch) {
	const page = "on the application's page, General Information"
	wrong := func(fix, format string, args ...any) {
		all = append(all, Mismatch{fmt.Sprintf(format, args...), fix})
	}
	if a.ID != applicationID {
		wrong("Set it to "+a.ID+", or take the token of the other application.", "DISCORD_APPLICATION_ID is another application's")
	}
	endpoint, err := url.Parse(a.InteractionsEndpointURL)
	set := "Set it " + page + ", to https://your.host" + Path + " while the bot runs; or unset DISCORD_PUBLIC_KEY to use the gateway."
	switch {
	case publicKey == "" && a.InteractionsEndpointURL != "":
		wrong("Clear the Interactions Endpoint URL "+page+"; or set DISCORD_PUBLIC_KEY, if that address leads to this bot.",
			"the application has an Interactions Endpoint URL (%s), so nothing comes through the gateway", a.InteractionsEndpointURL)
	case publicKey == "":
	case a.InteractionsEndpointURL == "":
		wrong(set, "the application has no Interactions Endpoint URL, so commands do not come here")
	case err != nil || endpoint.Path != Path:
		wrong(set, "commands are sent to %s, which is no address of the bot's", a.InteractionsEndpointURL)
	}
	if publicKey != "" && !strings.EqualFold(a.VerifyKey, publicKey) {
		wrong("Set it to the Public Key "+page+".", "DISCORD_PUBLIC_KEY is not this application's")
	}
	return all
}

// Absent tells in which of the guilds the bot is not a member, of those that Discord lists at once, which are 200, and whether it is a member of none at all; without membership the gateway brings nothing from
// there, and over HTTP commands work all the same. It is for somebody who waits.
//
// https://discord.com/developers/docs/resources/user#get-current-user-guilds
func (c *Client) Absent(ctx context.Context, guilds []string) (absent []string, none bool, err error) {
	const most = 200
	in, err := c.briefly().guilds(ctx, most)
	if err != nil || len(in) >= most {
		return nil, false, err
	}
	for _, id := range guilds {
		if !slices.Contains(in, id) {
			absent = append(absent, id)
		}
	}
	return absent, len(in) == 0, nil
}

// guilds are those in which the bot is a member, so many at most.
func (c *Client) guilds(ctx context.Context, most int) (ids []string, err error) {
	var in []struct {
		ID string `json:"id"`
	}
	err = c.do(ctx, call{method: http.MethodGet, route: fmt.Sprintf("/users/@me/guilds?limit=%d", most), bot: true, repeatable: true, into: &in})
	for _, g := range in {
		ids = append(ids, g.ID)
	}
	return ids, err
}
