package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// An interaction is a pressed button, a shortcut or a filled form as Slack tells of it. The fields:
// https://docs.slack.dev/reference/interaction-payloads
type interaction struct {
	Type string `json:"type"` // "block_actions", "shortcut", "message_action", "view_submission"
	Team struct {
		ID string `json:"id"` // where the app is; the user's own team_id may be another. Empty: the whole organization
	} `json:"team"`
	Enterprise struct {
		ID string `json:"id"`
	} `json:"enterprise"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Channel struct {
		ID string `json:"id"`
	} `json:"channel"`
	Container struct {
		Type      string `json:"type"` // "message", "view"
		Ephemeral bool   `json:"is_ephemeral"`
	} `json:"container"`
	ResponseURL string `json:"response_url"`
	TriggerID   string `json:"trigger_id"`
	CallbackID  string `json:"callback_id"` // of a shortcut
	Actions     []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
	} `json:"actions"`
	View         submitted `json:"view"`
	ResponseURLs []struct {
		Channel string `json:"channel_id"`
		URL     string `json:"response_url"`
	} `json:"response_urls"`
}

// Interactions is the handler for POST /slack/interactions: pressed buttons, shortcuts and filled forms. It answers 401 with nothing else to
// whatever Slack has not signed. Nothing in the payload but who did it is believed: pressing a button is typing its line.
func (a *Adapter) Interactions() http.Handler { return http.HandlerFunc(a.serveInteraction) }

func (a *Adapter) serveInteraction(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	form, status := a.receive(w, r, maxPayload)
	if status != http.StatusOK || form.Get("ssl_check") == "1" {
		w.WriteHeader(status)
		return
	}
	var response any
	err := errNotJSON
	a.guarded(func() {
		response, err = a.interacted(r.Context(), []byte(form.Get("payload")), fingerprint(r.Header), at)
	})
	a.count(commands.FirstAnswer, at)
	if err != nil {
		a.Log.Warn("slack: unreadable interaction", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if response == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	if err := respond(w, response); err != nil {
		a.Log.Warn("slack: write the first response", "error", err)
	}
}

// interacted has an interaction carried out, and returns what the first response says; nil: nothing. delivery stands for it where it has no
// trigger id. Kinds that are not known, such as a pressed link, are none of ours, and no errors.
func (a *Adapter) interacted(ctx context.Context, payload []byte, delivery string, at time.Time) (response any, err error) {
	var in interaction
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, errNotJSON
	}
	req, err := in.request(delivery, at)
	if err != nil {
		return nil, err
	}
	switch in.Type {
	case "block_actions":
		if len(in.Actions) == 1 && strings.HasPrefix(in.Actions[0].ActionID, actionPrefix) {
			a.press(ctx, in, req)
		}
	case "shortcut", "message_action":
		a.shortcut(in, req)
	case "view_submission":
		return a.submit(ctx, in, req)
	}
	return nil, nil
}

// request is what all interactions have in common with a typed line: who asks, where and when.
func (in interaction) request(delivery string, at time.Time) (commands.Request, error) {
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	req := commands.Request{
		Key: "slack:" + cmp.Or(valid(in.TriggerID), delivery),
		Who: permissions.Subject{
			Platform: permissions.Slack, Org: valid(in.Enterprise.ID), Space: valid(cmp.Or(in.Team.ID, in.Enterprise.ID)), User: valid(in.User.ID),
			Name: valid(cmp.Or(in.User.Username, in.User.Name)),
		},
		Where: valid(in.Channel.ID), At: at,
	}
	if req.Who.Space == "" || req.Who.User == "" {
		return req, errIncomplete
	}
	return req, nil
}
