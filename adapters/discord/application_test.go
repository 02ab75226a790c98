package discord

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMismatches(t *testing.T) {
	const key, here = "aabb", "https://bot.example.com/discord/interactions"
	for _, test := range []struct {
		name string
		app  Application
		key  string // DISCORD_PUBLIC_KEY
		want []string
	}{
		{"gateway", Application{ID: testApp, VerifyKey: key}, "", nil},
		{"gateway, and an endpoint", Application{ID: testApp, VerifyKey: key, InteractionsEndpointURL: here}, "",
			[]string{"the application has an Interactions Endpoint URL (" + here + "), so nothing comes through the gateway"}},
		{"HTTP", Application{ID: testApp, VerifyKey: key, InteractionsEndpointURL: here}, strings.ToUpper(key), nil},
		{"HTTP without an endpoint", Application{ID: testApp, VerifyKey: key}, key, []string{"the application has no Interactions Endpoint URL, so commands do not come here"}},
		{"HTTP, another path", Application{ID: testApp, VerifyKey: key, InteractionsEndpointURL: "https://bot.example.com/"}, key,
			[]string{"commands are sent to https://bot.example.com/, which is no address of the bot's"}},
		{"HTTP, no URL at all", Application{ID: testApp, VerifyKey: key, InteractionsEndpointURL: "://"}, key, []string{"commands are sent to ://, which is no address of the bot's"}},
		{"HTTP, another key", Application{ID: testApp, VerifyKey: "cc", InteractionsEndpointURL: here}, key, []string{"DISCORD_PUBLIC_KEY is not this application's"}},
		{"another application", Application{ID: "7", VerifyKey: key, InteractionsEndpointURL: here}, "", []string{"DISCORD_APPLICATION_ID is another application's",
			"the application has an Interactions Endpoint URL (" + here + "), so nothing comes through the gateway"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, m := range test.app.Mismatches(testApp, test.key) {
				got = append(got, m.What)
				assert.NotEmpty(t, m.Fix)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestAbsent(t *testing.T) {
	fake := newDiscord(t)
	fake.guilds = []string{testGuild}
	absent, none, err := fake.client().Absent(t.Context(), []string{testGuild, "12"})
	require.NoError(t, err)
	assert.False(t, none)
	assert.Equal(t, []string{"12"}, absent)
	for n := range 200 {
		fake.guilds = append(fake.guilds, fmt.Sprint(n))
	}
	absent, _, err = fake.client().Absent(t.Context(), []string{"12345"})
	require.NoError(t, err)
	assert.Empty(t, absent, "of so many only a part was seen")
	fake.guilds = nil
	_, none, err = fake.client().Absent(t.Context(), nil)
	require.NoError(t, err)
	assert.True(t, none)
}
