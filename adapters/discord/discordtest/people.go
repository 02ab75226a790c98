package discordtest

import (
	"cmp"
	"slices"
)

// Command has a person use a command in a channel: "mute", "room list". It must be registered there, with these options: text as string, whole
// numbers as int, bool.
func (s *Server) Command(user, channel, name string, options map[string]any) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use(user, s.place(channel), name, options)
}

// Direct has a person use a command where the bot and the person speak alone.
func (s *Server) Direct(user, name string, options map[string]any) *Delivery {
	s.t.Helper()
	c := s.DirectChannel(user)
	return s.Command(user, c.ID, name, options)
}

func (s *Server) use(user string, c *Channel, name string, options map[string]any) *Delivery {
	s.t.Helper()
	data, leaf := s.invocation(c, name)
	given, err := fill(list(leaf["options"]), options, "")
	if err != nil {
		s.t.Fatalf("discord: /%s: %v", name, err)
	}
	i := s.begin(kindCommand, s.person(user), c, "/"+name)
	put(data, given)
	return s.send(i, data)
}

// Autocomplete has a person type into an option of a command; options are those that are filled in already. Delivery.Choices has what is offered.
func (s *Server) Autocomplete(user, channel, name string, options map[string]any, focused, typed string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.place(channel)
	data, leaf := s.invocation(c, name)
	all := list(leaf["options"])
	at := slices.IndexFunc(all, func(o any) bool { return word(object(o), "name") == focused })
	if at < 0 || !truth(object(all[at]), "autocomplete") {
		s.t.Fatalf("discord: /%s has no option %q with autocomplete", name, focused)
	}
	given, err := fill(all, options, focused)
	if err != nil {
		s.t.Fatalf("discord: /%s: %v", name, err)
	}
	option := object(all[at])
	i := s.begin(kindAutocomplete, s.person(user), c, "the autocompletion of /"+name)
	i.focused = option
	put(data, append(given, obj{"name": focused, "type": option["type"], "value": typed, "focused": true}))
	return s.send(i, data)
}

// Menu has a person choose a command from the menu of another person.
func (s *Server) Menu(user, channel, name, target string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c, whom := s.place(channel), s.person(target)
	command := s.available(c, name, ofUsers)
	if command == nil {
		s.t.Fatalf("discord: no command %q for users is registered for %s", name, c.Name)
	}
	i := s.begin(kindCommand, s.person(user), c, "the command "+name)
	i.command = command
	resolved := obj{"users": obj{whom.ID: whom.json()}}
	if c.Guild != "" {
		m := whom.member()
		delete(m, "user")
		delete(m, "deaf")
		delete(m, "mute")
		resolved["members"] = obj{whom.ID: m}
	}
	data := invoked(command)
	data["target_id"], data["resolved"] = whom.ID, resolved
	return s.send(i, data)
}

// Press has a person press a button of a message, which is found by its label or custom_id. The message may be an older state of one that was changed
// meanwhile: people are not always faster. What is sent then is the message as it is.
func (s *Server) Press(user string, on Message, label string) *Delivery {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.person(user)
	all := on.Buttons()
	at := slices.IndexFunc(all, func(b Button) bool { return b.Label == label || b.CustomID == label })
	if at < 0 {
		s.t.Fatalf("discord: no button %q, but %q, below %q", label, labels(all), on.Words())
	}
	b := all[at]
	switch {
	case on.For != "" && on.For != u.ID:
		s.t.Fatalf("discord: %s does not see the message %q", user, on.Words())
	case b.Disabled:
		s.t.Fatalf("discord: the button %q is disabled", label)
	case b.CustomID == "":
		s.t.Fatalf("discord: the button %q is a link: the bot hears nothing of it", label)
	}
	where := slices.IndexFunc(s.posts, func(p *post) bool { return p.id == on.ID })
	if where < 0 {
		s.t.Fatalf("discord: the message %q is none of this Discord", on.Words())
	}
	card := s.posts[where]
	i := s.begin(kindComponent, u, card.channel, "a click on "+b.Label)
	i.card = card
	if card.deleted {
		return s.unsent(i, map[string]string{b.Label: "This interaction failed"})
	}
	return s.send(i, obj{"component_type": componentButton, "custom_id": b.CustomID, "id": b.id})
}

// Interact sends any interaction, unchecked: for what no verb makes, such as a command that is registered no more, or a component of a type to come. A
// component (3) is one of the last message in the channel.
func (s *Server) Interact(user, channel string, kind int, data map[string]any) *Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.begin(kind, s.person(user), s.place(channel), "an interaction")
	i.focused = obj{"type": float64(optionString)}
	for _, p := range s.posts {
		if kind == kindComponent && p.channel == i.channel && !p.deleted {
			i.card = p
		}
	}
	return s.send(i, data)
}

// put puts the options of a command where they belong: below its sub-command, if it has one.
func put(data obj, given []any) {
	for inner := list(data["options"]); len(inner) > 0; inner = list(data["options"]) {
		data = object(inner[0])
	}
	if len(given) > 0 {
		data["options"] = given
	}
}

// send delivers an interaction for the first time. s.mu is held.
func (s *Server) send(i *interaction, data obj) *Delivery {
	i.payload = s.envelope(i, data)
	s.interactions = append(s.interactions, i)
	return s.deliver(i)
}

// unsent is a delivery of what Discord's client does not send. s.mu is held.
func (s *Server) unsent(i *interaction, why map[string]string) *Delivery {
	d := &Delivery{s: s, i: i, done: make(chan struct{}), errors: why, ack: Ack{Problem: Unsent}}
	i.void = true
	close(d.done)
	return d
}

// invocation is a slash command by its words, as payloads have it, and what its options are registered in: the command or the sub-command. s.mu is held.
func (s *Server) invocation(c *Channel, name string) (data, leaf obj) {
	s.t.Helper()
	words := wordsOf(name)
	command := s.available(c, words[0], slash)
	if command == nil {
		s.t.Fatalf("discord: /%s is not registered for %s, but %q", words[0], cmp.Or(c.Guild, "direct messages"), s.names(c))
	}
	data, leaf = invoked(command), command
	inner := data
	for _, w := range words[1:] {
		all := list(leaf["options"])
		at := slices.IndexFunc(all, func(o any) bool { return word(object(o), "name") == w && isGroup(object(o)) })
		if at < 0 {
			s.t.Fatalf("discord: /%s has no sub-command %q", name, w)
		}
		leaf = object(all[at])
		next := obj{"name": w, "type": leaf["type"]}
		inner["options"] = []any{next}
		inner = next
	}
	if slices.ContainsFunc(list(leaf["options"]), func(o any) bool { return isGroup(object(o)) }) {
		s.t.Fatalf("discord: /%s has sub-commands and cannot be used itself", name)
	}
	return data, leaf
}

func invoked(command obj) obj {
	data := obj{"id": command["id"], "name": command["name"], "type": command["type"]}
	if said(command, "guild_id") {
		data["guild_id"] = command["guild_id"]
	}
	return data
}
