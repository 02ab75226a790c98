package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// A service is what compose.yaml says of a container.
type service struct {
	Image         string
	Environment   map[string]string
	EnvFile       string `yaml:"env_file"`
	Secrets       []string
	Volumes       []string
	Networks      []string
	Ports         []string
	DependsOn     any `yaml:"depends_on"`
	Healthcheck   struct{ Test []string }
	ReadOnly      bool          `yaml:"read_only"`
	CapDrop       []string      `yaml:"cap_drop"`
	StopGraceTime time.Duration `yaml:"stop_grace_period"`
}

// readCompose is deploy/compose.yaml as far as we look at it.
func readCompose(t *testing.T) (file struct {
	Services map[string]service
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(readPage(t, "deploy/compose.yaml")), &file))
	return file
}

// Every setting and secret of the containers is one that the bot reads, and is there.
func TestComposeSettings(t *testing.T) {
	file, known := readCompose(t), variables()
	for name, secret := range file.Secrets {
		assert.Equal(t, "secrets/"+name, secret.File)
		assert.Contains(t, readPage(t, "deploy/README.md"), name, "who makes this file?")
	}
	one, two := file.Services["bot-1"], file.Services["bot-2"]
	require.NotEmpty(t, one.Environment)
	assert.Equal(t, one, two, "two replicas of one bot")
	var used []string
	for name, value := range one.Environment {
		setting, asFile := strings.CutSuffix(name, "_FILE")
		if _, ok := known[name]; ok { // PERMISSIONS_FILE, too
			continue
		}
		assert.True(t, asFile && known[setting].File, "%s is nothing the bot reads", name)
		secret := strings.ToLower(setting)
		assert.Equal(t, "/run/secrets/"+secret, value, name)
		used = append(used, secret)
	}
	assert.ElementsMatch(t, one.Secrets, used)
	assert.Equal(t, "", one.Environment["DATABASE_URL"], "or the image's would stand beside DATABASE_URL_FILE")
	var environ []string
	for name, value := range one.Environment {
		if !strings.HasSuffix(name, "_FILE") {
			environ = append(environ, name+"="+value)
		}
	}
	set, _ := readSettings(environ)
	assert.Equal(t, ":8080", set.ListenAddr, "where Caddyfile looks for it")
	for _, s := range file.Services {
		for _, secret := range s.Secrets {
			assert.Contains(t, file.Secrets, secret)
		}
		for _, network := range s.Networks {
			assert.Contains(t, file.Networks, network)
		}
		for _, volume := range s.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(from, "./") {
				assert.Contains(t, file.Volumes, from)
			}
		}
	}
}

// Only the proxy can be reached from outside, only the bots reach the database, and a bot may end in peace.
func TestComposeWalls(t *testing.T) {
	file := readCompose(t)
	bot, postgres, proxy := file.Services["bot-1"], file.Services["postgres"], file.Services["proxy"]
	assert.Len(t, file.Services, 4)
	assert.True(t, file.Networks["inside"].Internal)
	assert.Equal(t, []string{"inside"}, postgres.Networks)
	assert.Equal(t, []string{"outside"}, proxy.Networks)
	assert.Equal(t, []string{"80:80", "443:443"}, proxy.Ports)
	assert.Empty(t, bot.Ports)
	assert.Empty(t, postgres.Ports)
	assert.True(t, bot.ReadOnly)
	assert.Equal(t, []string{"ALL"}, bot.CapDrop)
	assert.Greater(t, bot.StopGraceTime, stopTime+2*time.Second)
	assert.Equal(t, []string{"postgres:/var/lib/postgresql/data"}, postgres.Volumes)
	assert.Contains(t, postgres.Healthcheck.Test, "pg_isready")
	assert.Equal(t, map[string]any{"postgres": map[string]any{"condition": "service_healthy"}}, bot.DependsOn)
}

// The proxies forward what the bot serves to Slack and Discord, and nothing else of it.
func TestProxyPaths(t *testing.T) {
	caddyfile := readPage(t, "deploy/Caddyfile")
	m := regexp.MustCompile(`(?m)^\s+method POST\n\s+path (.*)$`).FindStringSubmatch(caddyfile)
	require.NotNil(t, m)
	forwarded := strings.Fields(m[1])
	var served []string
	api := httptest.NewServer(&discordAPI{})
	defer api.Close()
	p := start(t, "DISCORD_BOT_TOKEN="+testDiscordBot, "DISCORD_APPLICATION_ID="+testApplication, "DISCORD_PUBLIC_KEY="+strings.Repeat("0a", 32), "DISCORD_API_URL="+api.URL)
	for _, path := range []string{"/slack/commands", "/slack/interactions", "/slack/events", "/discord/interactions"} {
		resp, err := http.Post(p.url+path, "application/x-www-form-urlencoded", strings.NewReader(""))
		require.NoError(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, path)
			served = append(served, path)
		}
	}
	assert.Equal(t, served, forwarded)

	file := readCompose(t)
	for _, name := range []string{"bot-1", "bot-2"} {
		assert.Contains(t, file.Services, name)
		assert.Contains(t, caddyfile, name+":8080")
	}
	health := regexp.MustCompile(`health_uri (\S+)`).FindStringSubmatch(caddyfile)
	require.NotNil(t, health)
	status, _ := p.get(t, health[1])
	assert.Equal(t, http.StatusOK, status)
}
