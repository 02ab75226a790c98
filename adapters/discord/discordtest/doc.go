// Package discordtest is Discord for tests: a server on 127.0.0.1 with the REST API v10, the gateway, and the people who use commands, press buttons
// and fill in modals. It knows nothing of the bot: it keeps Discord's rules, and what Discord would refuse it refuses, and tells the test.
//
// A test plays the people and reads what they see:
//
//	s := discordtest.New(t, discordtest.Options{})
//	startBot(s.APIURL(), s.BotToken, s.ApplicationID)
//	s.WaitReady(t, 1)
//	d := s.Command("zhangsan", "moderation", "mute", map[string]any{"room": "123", "target": "lisi"})
//	card := d.Answer(t)
//	s.Press("zhangsan", card, "Unmute").Answer(t)
//
// People, channels and guilds are named by id or by name; whoever does something for the first time is added. Commands are those that the bot has
// registered: what Discord's client would not let a person send fails the test.
//
// With Options.BotURL, or after SetBotURL, interactions go by signed POST to the bot; without, over the gateway, to the newest session. A verb
// returns at once with a Delivery; asking it for the first answer waits for that.
//
// Where Discord does not say what it does, the fake takes the reading that is worse for the bot, and complains: what an update of a message (type 7)
// leaves out is gone, and must be said.
//
// Bodies are also held against Discord's OpenAPI document (https://github.com/discord/discord-api-spec) where SPECS_DIR names the directory of
// discord-openapi.json.
//
// Not played: rate limits but those of On, permissions of commands (everybody may use all of them, as though administrators had allowed it),
// installation for a user, threads, shards, RESUME (it is answered as an invalid session).
package discordtest
