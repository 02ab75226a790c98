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

// readSettings reads the environment. All that is wrong is reported together, each with what to do; the settings are
// then what could be read, good for nothing but finding more that is wrong.
func readSettings(environ []string) (settings, []string) {
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
func fromFiles(given map[string]string) (problems []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		name := field.Tag.Get("env")
		path := given[name+"_FILE"]
		if field.Tag.Get("file") == "" || path == "" {
			continue
		}
		if given[name] != "" {
			problems = append(problems, fmt.Sprintf("%s and %s_FILE are both set. Keep one of them.", name, name))
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s_FILE: %v. Name a file that the bot can read.", name, err))
			continue
		}
		if given[name] = strings.TrimSpace(string(content)); given[name] == "" {
			problems = append(problems, fmt.Sprintf("%s_FILE: %s is empty. Put the value into it.", name, path))
		}
	}
	return problems
}

// unreadable makes sentences of what the env package could not parse, and takes those variables out: nothing else is said of them.
func unreadable(err error, given map[string]string) (problems []string) {
	if err == nil {
		return nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	for _, e := range all.Errors {
		parse, ok := errors.AsType[env.ParseError](e)
		if !ok {
			problems = append(problems, e.Error())
			continue
		}
		field, _ := reflect.TypeFor[settings]().FieldByName(parse.Name)
		delete(given, field.Tag.Get("env"))
		problems = append(problems, fmt.Sprintf("%s cannot be read. Set it to %s.", field.Tag.Get("env"), cmp.Or(field.Tag.Get("want"), field.Type.String())))
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

// mostRate is far above what NetEase allows anybody.
const mostRate = 1_000_000

var commandPrefix = regexp.MustCompile(`^[a-z0-9_-]{0,16}$`)

// problems is what is wrong with values that could be read.
func (s *settings) problems(given map[string]string) (problems []string) {
	wrong := func(format string, a ...any) { problems = append(problems, fmt.Sprintf(format, a...)) }
	for _, name := range []string{"NETEASE_APP_KEY", "NETEASE_APP_SECRET"} {
		if given[name] == "" {
			wrong("%s is not set. Take it from NetEase's console (应用管理, App Key).", name)
		}
	}
	if err := sqlstore.CheckAddress(s.DatabaseURL); err != nil {
		wrong("DATABASE_URL: %v.", err)
	}
	if _, err := net.ResolveTCPAddr("tcp", s.ListenAddr); err != nil {
		wrong("LISTEN_ADDR=%s is not an address. Set it to host:port, or :8080 for all interfaces.", s.ListenAddr)
	}
	if s.NetEaseOperator != "" {
		operator, err := netease.ParseAccID(s.NetEaseOperator)
		if err != nil {
			wrong("NETEASE_OPERATOR=%s: %v. Set it to the account that acts where a moderator has none.", s.NetEaseOperator, err)
		}
		s.NetEaseOperator = string(operator)
	}
	for _, base := range s.NetEaseBaseURLs {
		if err := checkURL(base); err != nil {
			wrong("NETEASE_BASE_URLS: %s %v.", shown(base), err)
		} else if !strings.HasSuffix(strings.TrimRight(base, "/"), "/nimserver") {
			wrong("NETEASE_BASE_URLS: %s does not end in /nimserver. NetEase's own addresses do.", shown(base))
		}
	}
	const shortest, longest = 100 * time.Millisecond, 20 * time.Second
	if given["NETEASE_TIMEOUT"] != "" && (s.NetEaseTimeout < shortest || s.NetEaseTimeout > longest) {
		wrong("NETEASE_TIMEOUT=%v is not within %v and %v. Set it to a length of time such as 5s.", s.NetEaseTimeout, shortest, longest)
	}
	if given["NETEASE_RATE"] != "" && !(s.NetEaseRate > 0 && s.NetEaseRate <= mostRate) {
		wrong("NETEASE_RATE=%v is not within 0 and %d. Set it to a number of calls per second such as 20.", s.NetEaseRate, mostRate)
	}
	if !slices.Contains([]commands.NotifyExt{commands.NotifyOff, commands.NotifyReason, commands.NotifyFull}, s.NetEaseNotifyExt) {
		wrong("NETEASE_NOTIFY_EXT=%s is not known. Set it to off, reason or full.", s.NetEaseNotifyExt)
	}
	if s.SlackBotToken == "" && len(s.SlackSigningSecrets) == 0 && s.DiscordBotToken == "" {
		wrong("No chat platform is set up. For Slack set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET, for Discord DISCORD_BOT_TOKEN, DISCORD_APPLICATION_ID and DISCORD_PUBLIC_KEY; to try the bot without any, run: bot demo.")
	}
	s.slackProblems(wrong)
	s.discordProblems(wrong)
	if !slices.Contains([]commands.Language{commands.English, commands.Chinese}, s.DefaultLanguage) {
		wrong("DEFAULT_LANGUAGE=%s is not spoken here. Set it to en or zh-CN.", s.DefaultLanguage)
	}
	if !slices.Contains([]string{"text", "json"}, s.LogFormat) {
		wrong("LOG_FORMAT=%s is not known. Set it to text or json.", s.LogFormat)
	}
	return problems
}

func (s *settings) slackProblems(wrong func(string, ...any)) {
	switch {
	case s.SlackBotToken == "" && len(s.SlackSigningSecrets) == 0: // Slack is off
	case s.SlackBotToken == "":
		wrong("SLACK_SIGNING_SECRET is set, but SLACK_BOT_TOKEN is not. Take it from the app's page, OAuth & Permissions (xoxb-…).")
	case len(s.SlackSigningSecrets) == 0:
		wrong("SLACK_BOT_TOKEN is set, but SLACK_SIGNING_SECRET is not. Take it from the app's page, Basic Information.")
	case strings.HasPrefix(s.SlackBotToken, "xapp-"):
		wrong("SLACK_BOT_TOKEN holds an app-level token (xapp-…). Take the bot token from the app's page, OAuth & Permissions (xoxb-…).")
	case len(s.SlackSigningSecrets) > 2:
		wrong("SLACK_SIGNING_SECRET has %d values. One is enough; two, separated by a comma, while one replaces the other.", len(s.SlackSigningSecrets))
	}
	if err := checkURL(s.SlackAPIURL); err != nil {
		wrong("SLACK_API_URL: %s %v.", shown(s.SlackAPIURL), err)
	}
	if !commandPrefix.MatchString(s.SlackCommandPrefix) {
		wrong("SLACK_COMMAND_PREFIX=%s is no beginning of a command. Use at most 16 of a-z, 0-9, _ and -.", s.SlackCommandPrefix)
	}
	for _, c := range commands.Table {
		if s.SlackCommandPrefix != "" && strings.HasPrefix(c.Name, s.SlackCommandPrefix) {
			wrong("SLACK_COMMAND_PREFIX=%s is how the command %s begins, so nobody could tell them apart. Choose another, such as nim-.", s.SlackCommandPrefix, c.Name)
		}
	}
}

var snowflake = regexp.MustCompile(`^[0-9]{15,20}$`)

func (s *settings) discordProblems(wrong func(string, ...any)) {
	if s.DiscordBotToken == "" {
		if s.DiscordApplicationID != "" || s.DiscordPublicKey != "" || len(s.DiscordGuildIDs) > 0 {
			wrong("DISCORD_BOT_TOKEN is not set, but other settings of Discord are. Take it from the application's page, Bot.")
		}
		return
	}
	if !snowflake.MatchString(s.DiscordApplicationID) {
		wrong("DISCORD_APPLICATION_ID is not an id. Take it from the application's page, General Information: digits alone.")
	}
	if s.DiscordPublicKey == "" {
		wrong("DISCORD_PUBLIC_KEY is not set. Take it from the application's page, General Information; this version hears Discord over HTTP only.")
	} else if _, err := discord.ParsePublicKey(s.DiscordPublicKey); err != nil {
		wrong("DISCORD_PUBLIC_KEY: %v. Take it from the application's page, General Information.", err)
	}
	for _, id := range s.DiscordGuildIDs {
		if !snowflake.MatchString(id) {
			wrong("DISCORD_GUILD_IDS: %s is not a guild's id. In Discord switch Developer Mode on, then Copy Server ID.", id)
		}
	}
	if s.DiscordAPIURL != "" {
		if err := checkURL(s.DiscordAPIURL); err != nil {
			wrong("DISCORD_API_URL: %s %v.", shown(s.DiscordAPIURL), err)
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
