package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"roomwarden/adapters/discord"
	"roomwarden/commands"
	"roomwarden/journal/sqlstore"
	"roomwarden/netease"
	"roomwarden/permissions"
)

// settings is the table of environment variables. file marks those that may be given as NAME_FILE, the path of a file that holds the
// value; want is what a person is told a value must be.
type settings struct {
	ListenAddr      string `env:"LISTEN_ADDR" envDefault:":8080"`
	DatabaseURL     string `env:"DATABASE_URL" envDefault:"sqlite:roomwarden.db" file:"yes"`
	HistoryKeep     span   `env:"HISTORY_KEEP" want:"a number of days such as 400d, or unset it to keep the journal for ever"`
	PermissionsFile string `env:"PERMISSIONS_FILE" envDefault:"permissions.yaml"`

	NetEaseAppKey    string             `env:"NETEASE_APP_KEY" file:"yes"`
	NetEaseAppSecret string             `env:"NETEASE_APP_SECRET" file:"yes"`
	NetEaseOperator  string             `env:"NETEASE_OPERATOR"`
	NetEaseBaseURLs  []string           `env:"NETEASE_BASE_URLS" envDefault:"https://api.netease.im/nimserver"`
	NetEaseTimeout   time.Duration      `env:"NETEASE_TIMEOUT" envDefault:"5s" want:"a length of time such as 5s"`
	NetEaseRate      float64            `env:"NETEASE_RATE" envDefault:"20" want:"a number of calls per second such as 20"`
	NetEaseNotifyExt commands.NotifyExt `env:"NETEASE_NOTIFY_EXT" envDefault:"off"`

	SlackBotToken       string   `env:"SLACK_BOT_TOKEN" file:"yes"`
	SlackSigningSecrets []string `env:"SLACK_SIGNING_SECRET" file:"yes"`
	SlackAppToken       string   `env:"SLACK_APP_TOKEN" file:"yes"`
	SlackConnections    int      `env:"SLACK_CONNECTIONS" envDefault:"2" want:"a number from 1 to 10"`
	SlackAPIURL         string   `env:"SLACK_API_URL" envDefault:"https://slack.com/api/"`
	SlackCommandPrefix  string   `env:"SLACK_COMMAND_PREFIX"`

	DiscordBotToken      string   `env:"DISCORD_BOT_TOKEN" file:"yes"`
	DiscordApplicationID string   `env:"DISCORD_APPLICATION_ID"`
	DiscordPublicKey     string   `env:"DISCORD_PUBLIC_KEY"`
	DiscordGuildIDs      []string `env:"DISCORD_GUILD_IDS"`
	DiscordAPIURL        string   `env:"DISCORD_API_URL"`

	DefaultLanguage commands.Language `env:"DEFAULT_LANGUAGE" envDefault:"en"`
	LogLevel        slog.Level        `env:"LOG_LEVEL" envDefault:"info" want:"debug, info, warn or error"`
	LogFormat       string            `env:"LOG_FORMAT" envDefault:"text"`
}

// A span is a length of time in the grammar of commands: "400d", "52w", "400天".
type span time.Duration

// UnmarshalText reads what a person has written.
func (s *span) UnmarshalText(text []byte) error {
	length, err := commands.ParseLength(string(text))
	*s = span(length)
	return err
}

// A problem is a setting, or a file that one names, that cannot be used: what is wrong, and what to do.
type problem struct {
	setting string // its variable
	text    string
	fix     string
}

func (p problem) String() string {
	if strings.HasSuffix(p.text, "?") {
		return p.text + " " + p.fix
	}
	return p.text + ". " + p.fix
}

// readSettings reads the environment. All that is wrong is reported together, each with what to do; the settings are
// then what could be read, good for nothing but finding more that is wrong.
func readSettings(environ []string) (settings, []problem) {
	var s settings
	given := env.ToMap(environ)
	problems := fromFiles(given)
	// An empty variable is one that is not set: docker and systemd make them.
	for name, value := range given {
		if strings.TrimSpace(value) == "" {
			delete(given, name)
		}
	}
	problems = append(problems, unreadable(env.ParseWithOptions(&s, env.Options{Environment: given}), given)...)
	for _, list := range []*[]string{&s.NetEaseBaseURLs, &s.SlackSigningSecrets, &s.DiscordGuildIDs} {
		*list = trimmed(*list)
	}
	return s, append(problems, s.problems(given)...)
}

// fromFiles puts the contents of the files that NAME_FILE variables name in the place of NAME.
func fromFiles(given map[string]string) (problems []problem) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		name := field.Tag.Get("env")
		path := given[name+"_FILE"]
		if field.Tag.Get("file") == "" || path == "" {
			continue
		}
		if given[name] != "" {
			problems = append(problems, problem{name, fmt.Sprintf("%s and %s_FILE are both set", name, name), "Keep one of them."})
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, problem{name, fmt.Sprintf("%s_FILE: %v", name, err), "Name a file that the bot can read."})
			continue
		}
		if given[name] = strings.TrimSpace(string(content)); given[name] == "" {
			problems = append(problems, problem{name, fmt.Sprintf("%s_FILE: %s is empty", name, path), "Put the value into it."})
		}
	}
	return problems
}

// unreadable makes sentences of what the env package could not parse, and takes those variables out: nothing else is said of them.
func unreadable(err error, given map[string]string) (problems []problem) {
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []problem{{"", err.Error(), ""}}
	}
	for _, e := range all.Errors {
		parse, ok := errors.AsType[env.ParseError](e)
		if !ok {
			problems = append(problems, problem{"", e.Error(), ""})
			continue
		}
		field, _ := reflect.TypeFor[settings]().FieldByName(parse.Name)
		name := field.Tag.Get("env")
		delete(given, name)
		problems = append(problems, problem{name, name + " cannot be read", fmt.Sprintf("Set it to %s.", cmp.Or(field.Tag.Get("want"), field.Type.String()))})
	}
	return problems
}

func trimmed(list []string) []string {
	var out []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// A wrongFunc notes what is wrong with a setting, and what to do.
type wrongFunc func(setting, fix, format string, a ...any)

// mostRate is far above what NetEase allows anybody.
const mostRate = 1_000_000

var commandPrefix = regexp.MustCompile(`^[a-z0-9_-]{0,16}$`)

// problems is what is wrong with values that could be read.
func (s *settings) problems(given map[string]string) (problems []problem) {
	wrong := func(setting, fix, format string, a ...any) {
		problems = append(problems, problem{setting, fmt.Sprintf(format, a...), fix})
	}
	for _, needed := range [][2]string{{"NETEASE_APP_KEY", "App Key"}, {"NETEASE_APP_SECRET", "App Secret"}} {
		if name := needed[0]; given[name] == "" {
			wrong(name, "Take it from NetEase's console (应用管理, "+needed[1]+").", "%s is not set", name)
		}
	}
	if err := sqlstore.CheckAddress(s.DatabaseURL); err != nil {
		wrong("DATABASE_URL", "Set it to sqlite:PATH, or for several replicas to postgres://user@host/database.", "DATABASE_URL: %v", err)
	}
	const leastKept = 31 * 24 * time.Hour
	if given["HISTORY_KEEP"] != "" && s.HistoryKeep < span(leastKept) {
		wrong("HISTORY_KEEP", "Set it to 31d or more, such as 400d, or unset it to keep the journal for ever.",
			"HISTORY_KEEP=%s is too short: a mute lasts up to 30 days, and what set it must not be forgotten before it ends", given["HISTORY_KEEP"])
	}
	if _, err := net.ResolveTCPAddr("tcp", s.ListenAddr); err != nil {
		wrong("LISTEN_ADDR", "Set it to host:port, or :8080 for all interfaces.", "LISTEN_ADDR=%s is not an address", s.ListenAddr)
	}
	if s.NetEaseOperator != "" {
		operator, err := netease.ParseAccID(s.NetEaseOperator)
		if err != nil {
			wrong("NETEASE_OPERATOR", "Set it to the account that acts where a moderator has none.", "NETEASE_OPERATOR=%s: %v", s.NetEaseOperator, err)
		}
		s.NetEaseOperator = string(operator)
	}
	for _, base := range s.NetEaseBaseURLs {
		if err := checkURL(base); err != nil {
			wrong("NETEASE_BASE_URLS", "Use https addresses that end in /nimserver.", "NETEASE_BASE_URLS: %s %v", shown(base), err)
		} else if !strings.HasSuffix(strings.TrimRight(base, "/"), "/nimserver") {
			wrong("NETEASE_BASE_URLS", "Add it; NetEase's own addresses have it.", "NETEASE_BASE_URLS: %s does not end in /nimserver", shown(base))
		}
	}
	const shortest, longest = 100 * time.Millisecond, 20 * time.Second
	if given["NETEASE_TIMEOUT"] != "" && (s.NetEaseTimeout < shortest || s.NetEaseTimeout > longest) {
		wrong("NETEASE_TIMEOUT", "Set it to a length of time such as 5s.", "NETEASE_TIMEOUT=%v is not within %v and %v", s.NetEaseTimeout, shortest, longest)
	}
	if given["NETEASE_RATE"] != "" && !(s.NetEaseRate > 0 && s.NetEaseRate <= mostRate) {
		wrong("NETEASE_RATE", "Set it to a number of calls per second such as 20.", "NETEASE_RATE=%v is not within 0 and %d", s.NetEaseRate, mostRate)
	}
	if !slices.Contains([]commands.NotifyExt{commands.NotifyOff, commands.NotifyReason, commands.NotifyFull}, s.NetEaseNotifyExt) {
		wrong("NETEASE_NOTIFY_EXT", "Set it to off, reason or full.", "NETEASE_NOTIFY_EXT=%s is not known", s.NetEaseNotifyExt)
	}
	if s.SlackBotToken == "" && len(s.SlackSigningSecrets) == 0 && s.SlackAppToken == "" && s.DiscordBotToken == "" && s.DiscordApplicationID == "" {
		wrong("", "For Slack set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN), for Discord DISCORD_BOT_TOKEN and DISCORD_APPLICATION_ID (and DISCORD_PUBLIC_KEY where Discord can reach the bot); to try the bot without any, run: bot demo.", "No chat platform is set up")
	}
	s.slackProblems(given, wrong)
	s.discordProblems(wrong)
	if !slices.Contains([]commands.Language{commands.English, commands.Chinese}, s.DefaultLanguage) {
		wrong("DEFAULT_LANGUAGE", "Set it to en or zh-CN.", "DEFAULT_LANGUAGE=%s is not spoken here", s.DefaultLanguage)
	}
	if !slices.Contains([]string{"text", "json"}, s.LogFormat) {
		wrong("LOG_FORMAT", "Set it to text or json.", "LOG_FORMAT=%s is not known", s.LogFormat)
	}
	return problems
}

func (s *settings) slackProblems(given map[string]string, wrong wrongFunc) {
	const byHTTP, bySocket = "Take it from the app's page, Basic Information.", "Take it from the app's page, Basic Information, App-Level Tokens (xapp-…)."
	signed, socket := len(s.SlackSigningSecrets) > 0, s.SlackAppToken != ""
	switch {
	case s.SlackBotToken == "" && !signed && !socket: // Slack is off
	case s.SlackBotToken == "" && socket:
		wrong("SLACK_BOT_TOKEN", "Take it from the app's page, OAuth & Permissions (xoxb-…).", "SLACK_APP_TOKEN is set, but SLACK_BOT_TOKEN is not")
	case s.SlackBotToken == "":
		wrong("SLACK_BOT_TOKEN", "Take it from the app's page, OAuth & Permissions (xoxb-…).", "SLACK_SIGNING_SECRET is set, but SLACK_BOT_TOKEN is not")
	case strings.HasPrefix(s.SlackBotToken, "xapp-"):
		wrong("SLACK_BOT_TOKEN", "Take the bot token from the app's page, OAuth & Permissions (xoxb-…).", "SLACK_BOT_TOKEN holds an app-level token (xapp-…)")
	case !signed && !socket:
		wrong("SLACK_SIGNING_SECRET", byHTTP+" Without a public address set SLACK_APP_TOKEN instead.", "SLACK_BOT_TOKEN is set, but SLACK_SIGNING_SECRET is not")
	}
	if signed && socket {
		wrong("SLACK_APP_TOKEN", "Keep SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP.", "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set, and Slack uses one way only")
	}
	if socket && !strings.HasPrefix(s.SlackAppToken, "xapp-") {
		wrong("SLACK_APP_TOKEN", bySocket, "SLACK_APP_TOKEN is not an app-level token (xapp-…)")
	}
	if len(s.SlackSigningSecrets) > 2 {
		wrong("SLACK_SIGNING_SECRET", "One is enough; two, separated by a comma, while one replaces the other.", "SLACK_SIGNING_SECRET has %d values", len(s.SlackSigningSecrets))
	}
	if given["SLACK_CONNECTIONS"] != "" && (s.SlackConnections < 1 || s.SlackConnections > 10) {
		wrong("SLACK_CONNECTIONS", "Set it to a number from 1 to 10, which Slack allows for an app with all its replicas.", "SLACK_CONNECTIONS=%d is not within 1 and 10", s.SlackConnections)
	}
	if err := checkURL(s.SlackAPIURL); err != nil {
		wrong("SLACK_API_URL", "Use an https URL such as https://slack.com/api/, or unset it.", "SLACK_API_URL: %s %v", shown(s.SlackAPIURL), err)
	}
	if !commandPrefix.MatchString(s.SlackCommandPrefix) {
		wrong("SLACK_COMMAND_PREFIX", "Use at most 16 of a-z, 0-9, _ and -.", "SLACK_COMMAND_PREFIX=%s is no beginning of a command", s.SlackCommandPrefix)
	}
	for _, c := range commands.Table {
		if s.SlackCommandPrefix != "" && strings.HasPrefix(c.Name, s.SlackCommandPrefix) {
			wrong("SLACK_COMMAND_PREFIX", "Choose another, such as nim-.", "SLACK_COMMAND_PREFIX=%s is how the command %s begins, so nobody could tell them apart", s.SlackCommandPrefix, c.Name)
		}
	}
}

var snowflake = regexp.MustCompile(`^[0-9]{15,20}$`)

func (s *settings) discordProblems(wrong wrongFunc) {
	if s.DiscordBotToken == "" {
		if s.DiscordApplicationID != "" || s.DiscordPublicKey != "" || len(s.DiscordGuildIDs) > 0 {
			wrong("DISCORD_BOT_TOKEN", "Take it from the application's page, Bot.", "DISCORD_BOT_TOKEN is not set, but other settings of Discord are")
		}
		return
	}
	if s.DiscordApplicationID == "" {
		wrong("DISCORD_APPLICATION_ID", "Take it from the application's page, General Information: digits alone.", "DISCORD_APPLICATION_ID is not set")
	} else if !snowflake.MatchString(s.DiscordApplicationID) {
		wrong("DISCORD_APPLICATION_ID", "Take it from the application's page, General Information: digits alone.", "DISCORD_APPLICATION_ID is not an id")
	}
	if _, err := discord.ParsePublicKey(s.DiscordPublicKey); s.DiscordPublicKey != "" && err != nil {
		wrong("DISCORD_PUBLIC_KEY", "Take it from the application's page, General Information; or unset it to use the gateway.", "DISCORD_PUBLIC_KEY: %v", err)
	}
	for _, id := range s.DiscordGuildIDs {
		if !snowflake.MatchString(id) {
			wrong("DISCORD_GUILD_IDS", "In Discord switch Developer Mode on, then Copy Server ID.", "DISCORD_GUILD_IDS: %s is not a guild's id", id)
		}
	}
	if s.DiscordAPIURL != "" {
		if err := checkURL(s.DiscordAPIURL); err != nil {
			wrong("DISCORD_API_URL", "Use an https URL, or unset it.", "DISCORD_API_URL: %s %v", shown(s.DiscordAPIURL), err)
		}
	}
}

// platforms are those that are set up.
func (s *settings) platforms() []permissions.Platform {
	var on []permissions.Platform
	if s.SlackBotToken != "" {
		on = append(on, permissions.Slack)
	}
	if s.DiscordBotToken != "" {
		on = append(on, permissions.Discord)
	}
	return on
}

// checkURL allows https everywhere, and http to this machine.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("is not a plain URL, such as https://host/path")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return errors.New("is not encrypted: use https (http is for loopback addresses only)")
	}
	return errors.New("is not an https URL")
}

// shown is a URL as far as it may be shown: who writes a password into one means it to stay secret.
func shown(text string) string {
	if strings.ContainsAny(text, "@?#") {
		return "(a value with a user, a query or a fragment)"
	}
	return text
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
