package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"roomwarden/commands"
)

// ManifestOptions says for which app a manifest is.
type ManifestOptions struct {
	Socket bool   // Socket Mode: Slack is called, and calls nobody
	URL    string // where Slack reaches the bot, "https://host", without a path; required unless Socket
	All    bool   // with the names, too, that Slack keeps for itself
	Prefix string // SLACK_COMMAND_PREFIX: before every direct command, not before the root command. Spaces around it do not count
	Format string // "json" or "yaml"; empty: yaml
}

// What a manifest says of the app.
const (
	appName        = "Roomwarden"
	appDescription = "Mutes members, and silences and closes chat rooms on NetEase IM (网易云信)"
)

// A manifest is the part of Slack's app manifest that is used here. Keys and limits:
// https://docs.slack.dev/reference/app-manifest
type manifest struct {
	Display struct {
		Name        string `json:"name"`        // at most 35 characters
		Description string `json:"description"` // at most 140 characters
	} `json:"display_information"`
	Features struct {
		Home struct {
			Home     bool `json:"home_tab_enabled"`
			Messages bool `json:"messages_tab_enabled"` // the bot's own conversation with somebody: where an answer goes that has no other way
			ReadOnly bool `json:"messages_tab_read_only_enabled"`
		} `json:"app_home"`
		BotUser struct {
			DisplayName string `json:"display_name"`
			Online      bool   `json:"always_online"` // else Slack shows it as away, however well it is
		} `json:"bot_user"`
		Shortcuts []shortcut     `json:"shortcuts"`      // at most 5 of each type
		Commands  []slashCommand `json:"slash_commands"` // at most 50
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		Interactivity struct {
			Enabled bool   `json:"is_enabled"`
			URL     string `json:"request_url,omitempty"`
		} `json:"interactivity"` // pressed buttons, shortcuts and filled forms
		Events struct {
			URL string   `json:"request_url,omitempty"`
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		OrgDeploy     bool `json:"org_deploy_enabled"`
		SocketMode    bool `json:"socket_mode_enabled"`
		TokenRotation bool `json:"token_rotation_enabled"`
	} `json:"settings"`
}

type slashCommand struct {
	Command      string `json:"command"` // with its slash, at most 32 characters
	URL          string `json:"url,omitempty"`
	Description  string `json:"description"`
	UsageHint    string `json:"usage_hint,omitempty"`
	ShouldEscape bool   `json:"should_escape"` // mentions come as ids, which cannot be mistaken
}

// A shortcut is what stands in Slack's menus: "global" beside the field for messages and in the search, "message" at each message.
//
// https://docs.slack.dev/interactivity/implementing-shortcuts
type shortcut struct {
	Name        string `json:"name"` // at most 24 characters
	Type        string `json:"type"`
	CallbackID  string `json:"callback_id"` // the line whose form it opens; with onMessage at its end, of a message
	Description string `json:"description"` // at most 150
}

// shortcuts open the form of what is wanted most. They also work where commands do not: in threads.
var shortcuts = []shortcut{
	{"Mute a member…", "global", "mute", "Mute a member of a chat room for a time: opens a form"},
	{"Mute in a room…", "message", "mute" + onMessage, "Mute a member of a chat room for a time: opens a form, and the answer can go where the message is"},
}

// botEvents are what Slack tells of by itself, as events.go reads it. subteam_… need the scope usergroups:read; the others need none.
//
// https://docs.slack.dev/reference/events
var botEvents = []string{"app_home_opened", "app_uninstalled", "subteam_members_changed", "subteam_updated", "tokens_revoked"}

// Manifest is the manifest of a Slack app for the bot: the same bytes for the same options. Its commands are the root
// command, which takes every line, and directly those that change something. The warnings are sentences about commands
// that are left out.
func Manifest(o ManifestOptions) (text []byte, warnings []string, err error) {
	var m manifest
	m.Display.Name, m.Display.Description = appName, appDescription
	m.Features.Home.Home, m.Features.Home.Messages, m.Features.Home.ReadOnly = true, true, true
	m.Features.BotUser.DisplayName, m.Features.BotUser.Online = appName, true
	m.Features.Shortcuts = shortcuts
	m.Settings.Events.Bot = botEvents
	for _, s := range scopes {
		m.OAuth.Scopes.Bot = append(m.OAuth.Scopes.Bot, s.Name)
	}
	m.Settings.SocketMode = o.Socket
	address, err := o.address()
	if err != nil {
		return nil, nil, err
	}
	o.Prefix = strings.TrimSpace(o.Prefix)
	if err := checkPrefix(o.Prefix); err != nil {
		return nil, nil, err
	}
	all, warnings := o.commands(address)
	m.Settings.Interactivity.Enabled = true
	if address != "" {
		m.Settings.Interactivity.URL = address + "/slack/interactions"
		m.Settings.Events.URL = address + "/slack/events"
	}
	if err := checkCommands(all); err != nil {
		return nil, nil, err
	}
	m.Features.Commands = all
	switch o.Format {
	case "", "yaml":
		text, err = m.yaml()
	case "json":
		text, err = m.json()
	default:
		err = fmt.Errorf("the format %q is not known: json or yaml", o.Format)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make the manifest: %w", err)
	}
	return text, warnings, nil
}

// address is where Slack reaches the bot, "https://host"; empty with Socket Mode.
func (o ManifestOptions) address() (string, error) {
	if o.Socket && o.URL != "" {
		return "", errors.New("an app in Socket Mode has no URL: leave one of them out")
	}
	if o.Socket {
		return "", nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || strings.TrimSuffix(o.URL, "/") != "https://"+u.Host {
		return "", errors.New("say where Slack reaches the bot: --url https://your.host, without a path; or --socket where it has no public address")
	}
	return "https://" + u.Host, nil
}

// commands are the app's commands, and warnings about those left out.
func (o ManifestOptions) commands(address string) (all []slashCommand, warnings []string) {
	if address != "" {
		address += "/slack/commands"
	}
	all = append(all, slashCommand{
		Command: "/" + root, URL: address, ShouldEscape: true,
		Description: "Ask the bot: every command goes here, and help shows them",
		UsageHint:   "help, or a command such as: mute lobby lisi 5m",
	})
	for _, row := range commands.Table {
		if !row.Write {
			continue
		}
		name := o.Prefix + row.Name
		if slices.Contains(reserved, name) && !o.All {
			warnings = append(warnings, fmt.Sprintf("/%s is left out: Slack seems to keep this name for itself, and refuses a whole manifest for one such name. "+
				"/%s %s does the same. To have it all the same: --all; under another name: SLACK_COMMAND_PREFIX, such as nim-.", name, root, row.Name))
			continue
		}
		all = append(all, slashCommand{
			Command: "/" + name, URL: address, ShouldEscape: true,
			Description: row.Help.English,
			UsageHint:   strings.TrimSpace(strings.TrimPrefix(row.Usage(), row.Name)),
		})
	}
	return all, warnings
}

// reserved are the commands that Slack keeps for itself, as others have gathered them from its help pages:
// https://github.com/NousResearch/hermes-agent/issues/18456. Not verified: Slack publishes no list for apps.
var reserved = []string{
	"away", "collapse", "dnd", "expand", "feed", "join", "leave", "me", "msg", "mute", "open", "pro", "remind",
	"search", "shortcuts", "shrug", "status", "topic", "who",
}

var commandPrefix = regexp.MustCompile(`^[a-z0-9_-]{0,16}$`)

// checkPrefix finds what the bot does not start with either.
func checkPrefix(prefix string) error {
	if !commandPrefix.MatchString(prefix) {
		return fmt.Errorf("the prefix %q cannot begin a command: use at most 16 of a-z, 0-9, _ and -", prefix)
	}
	for _, row := range commands.Table {
		if prefix != "" && strings.HasPrefix(row.Name, prefix) {
			return fmt.Errorf("the prefix %q is how the command %s begins, so that the two could be mistaken: use another, such as nim-", prefix, row.Name)
		}
	}
	return nil
}

var commandName = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)

// checkCommands finds what Slack's schema does not: names that Slack takes from nobody.
func checkCommands(all []slashCommand) error {
	seen := map[string]bool{}
	for _, c := range all {
		if !commandName.MatchString(c.Command) {
			return fmt.Errorf("%s cannot be a command in Slack: it takes a-z, 0-9, _ and -, at most 32 with the slash", c.Command)
		}
		if seen[c.Command] {
			return fmt.Errorf("%s would be a command twice", c.Command)
		}
		seen[c.Command] = true
	}
	return nil
}

func (m manifest) json() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// yaml is the manifest in block style, each scope with what it is for. JSON is YAML, so there is one structure and one
// order for both.
func (m manifest) yaml() ([]byte, error) {
	text, err := m.json()
	if err != nil {
		return nil, err
	}
	var node yaml.Node
	if err := yaml.Load(text, &node); err != nil {
		return nil, err
	}
	asBlocks(&node)
	return yaml.Dump(&node, yaml.WithLineWidth(-1))
}

func asBlocks(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		if n.Kind == yaml.SequenceNode {
			child.LineComment = purpose(child.Value)
		}
		asBlocks(child)
	}
}
