package commands

import (
	"bytes"
	"encoding/json"
	"strings"
)

// NotifyExt is what the apps of a room's members are told with a mute. It reaches everybody in the room.
type NotifyExt string

const (
	NotifyOff    NotifyExt = "off"    // nothing
	NotifyReason NotifyExt = "reason" // the reason, where one is given
	NotifyFull   NotifyExt = "full"   // the reason, the moderator's name and the platform
)

// of is the JSON for a job; empty when there is nothing to tell.
func (n NotifyExt) of(j *job) string {
	var ext struct {
		Reason string `json:"reason,omitempty"`
		By     string `json:"by,omitempty"`
		Via    string `json:"via,omitempty"`
	}
	if n == NotifyReason || n == NotifyFull {
		ext.Reason = j.args[reason.Name].Word
	}
	if n == NotifyFull {
		ext.By, ext.Via = j.by(), string(j.who.Platform)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is no HTML, and NetEase counts characters
	if ext.Reason == "" && ext.By == "" && ext.Via == "" || e.Encode(ext) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}
