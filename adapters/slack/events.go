package slack

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"

	"roomwarden/permissions"
)

// An event is what Slack tells of by itself. The fields:
// https://docs.slack.dev/apis/events-api#callback-field
type event struct {
	Type       string `json:"type"` // "event_callback", "url_verification", "app_rate_limited"
	Challenge  string `json:"challenge"`
	ID         string `json:"event_id"`
	Team       string `json:"team_id"`
	Enterprise string `json:"enterprise_id"`
	Event      struct {
		Type    string  `json:"type"`
		User    string  `json:"user"`
		Tab     string  `json:"tab"`        // of app_home_opened: "home", "messages"
		Team    string  `json:"team_id"`    // of subteam_members_changed
		Group   string  `json:"subteam_id"` // of subteam_members_changed
		Subteam subteam `json:"subteam"`    // of subteam_updated
	} `json:"event"`
}

type subteam struct {
	ID   string `json:"id"`
	Team string `json:"team_id"`
}

// Events is the handler for POST /slack/events: what happens in Slack that matters here. It answers 401 with nothing else to whatever Slack has
// not signed, repeats the word with which Slack verifies the address, and answers 200 to every event, at once.
func (a *Adapter) Events() http.Handler { return http.HandlerFunc(a.serveEvent) }

func (a *Adapter) serveEvent(w http.ResponseWriter, r *http.Request) {
	body, status := a.verified(w, r, maxBody)
	if status == http.StatusOK && !hasType(r.Header, "application/json") {
		status = http.StatusUnsupportedMediaType
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	var e event
	if json.Unmarshal(body, &e) == nil && e.Type == "url_verification" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, e.Challenge)
		return
	}
	err := errNotJSON
	a.guarded(func() { err = a.happened(body) })
	if err != nil {
		a.Log.Warn("slack: unreadable event", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// happened takes note of an event, once in however many deliveries.
func (a *Adapter) happened(payload []byte) error {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return errNotJSON
	}
	if e.Type == "app_rate_limited" {
		a.Log.Warn("slack: more events than Slack delivers; some are lost")
		return nil
	}
	if e.ID != "" && !a.events.add(e.ID) {
		return nil
	}
	switch in := e.Event; in.Type {
	case "app_home_opened":
		if in.Tab == "messages" || in.User == "" || e.Team == "" {
			return nil
		}
		a.openHome(permissions.Subject{Platform: permissions.Slack, Org: e.Enterprise, Space: e.Team, User: in.User})
	case "subteam_members_changed":
		a.groupChanged(cmp.Or(in.Team, e.Team), in.Group)
	case "subteam_updated":
		a.groupChanged(cmp.Or(in.Subteam.Team, e.Team), in.Subteam.ID)
	case "app_uninstalled", "tokens_revoked":
		a.Log.Error("slack: the app was removed from the workspace, or its tokens were revoked", "event", in.Type, "team", e.Team)
	default:
		a.Log.Debug("slack: an event that is none of ours", "event", word(in.Type))
	}
	return nil
}

func (a *Adapter) groupChanged(team, group string) {
	if a.GroupChanged != nil && team != "" && group != "" {
		a.GroupChanged(team, group)
	}
}
