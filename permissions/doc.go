/*
Package permissions decides who may ask for what. It knows people by the ids their platforms vouch for, rights and
rooms; it has no network, no clock and no idea what a right is good for.

# The policy file

A policy is one YAML file. This is a whole one:

	moderators:
	  - name: Zhang San               # for people; decides nothing
	    slack: [T0123/U0456]          # workspace/user, or organization/user in an Enterprise Grid: E0123/W0456
	    discord: ["80351110224678912"]
	    accid: zhangsan               # the NetEase account they act as
	    commands: ["*"]
	    rooms: ["*"]
	  - name: On-call
	    slack_groups: [T0123/S0789]   # a Slack user group: workspace/group
	    discord_roles: ["41771983423143936"]
	    commands: [mute, unmute, room]
	    rooms: [123, lobby]
	rooms:
	  lobby: 1600849147               # a name for a room id
	confirm: [delayclose]             # commands that the bot asks about before it carries them out

An entry under moderators has these keys:

	name           who this is. Required, at most 80 characters, used by no other entry whatever the case
	slack          Slack users. The person sees theirs with the command whoami
	discord        Discord user ids
	slack_groups   Slack user groups
	discord_roles  Discord role ids
	console        names played in the terminal demo
	accid          the NetEase account to act as; without it the bot's operator acts
	commands       what they may do: names of rights, or "*" for all there are. Required
	rooms          where: room ids, names from the bottom of the file, or "*" for all. Required
	skip_confirmation
	               true: with yes=yes in the line the bot does not ask before it acts

At least one of slack, discord, slack_groups, discord_roles and console names somebody. A room name is a lower-case
letter, then lower-case letters, digits, _ and -, 64 at most; a room has one name at most. The * is in
quotes, because YAML reads a bare one otherwise; ids may do without. Of YAML, plain lists and keys are enough: anchors,
aliases, merge keys, tags and a second document are refused.

# Who may

A command is allowed when one entry names the person and grants both the right and the room. Two entries never add up:
mute from one and room 123 from another is no right to mute in room 123. Of several such entries the first in the file
counts, and its accid is used, or its lack of one: a person's own entry belongs above that of their group.

Everything else is refused: [Policy.Allow] has no way to say yes but finding such an entry. Names decide nothing.

# When the file is wrong or changes

[Parse] reports everything that is wrong, line by line, and then there is no policy. [Open] wants a file that is right;
after that [File.Watch] puts each new version in force as a whole, or reports it and leaves the old one in force.
*/
package permissions
