// Package slacktest is Slack for tests: a server on 127.0.0.1 with the Web API, response_urls, Socket Mode and the people who type, press and fill
// in. It knows nothing of the bot: it keeps Slack's rules, and what Slack would refuse it refuses, and tells the test.
//
// A test plays the people and reads what they see:
//
//	s := slacktest.New(t, slacktest.Options{})
//	startBot(s.APIURL(), s.BotToken, s.AppToken)
//	s.WaitConnections(t, 2)
//	d := s.Command("U1", "C1", "/mute", "room=123 target=lisi 300s")
//	card := d.Answer(t)
//	s.Press("U1", card, "Unmute").Answer(t)
//
// With Options.BotURL, or after SetBotURL, payloads go by signed POST to the bot; without, over Socket Mode, to any one connection. A verb returns
// at once with a Delivery; asking it for the acknowledgement waits for that.
//
// Where Slack does not say what it does, the fake takes the reading that is worse for the bot: a replace_original left out of an answer to a click
// replaces (and is complained of), an option's value has 75 characters.
package slacktest
