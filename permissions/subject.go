package permissions

// A Platform is where a person speaks from.
type Platform string

const (
	Slack   Platform = "slack"
	Discord Platform = "discord"
	Console Platform = "console" // the terminal of `bot demo`
)

// A Subject is who asks, as the platform vouches for them. Everything is an id but Name.
type Subject struct {
	Platform Platform
	Org      string   // Slack: the Enterprise Grid organization (E…), else empty
	Space    string   // Slack: the workspace (T…); Discord: the guild; console: empty
	User     string   // Slack: U… or W…; Discord: the user id; console: the name played
	Name     string   // for people to read; decides nothing
	Groups   []string // Slack: user group ids (S…) of Space; Discord: role ids
	Unsure   bool     // some groups of the person could not be read: Groups may lack one
}

// ID is the person's id as the policy file wants it: "T0123/U0456" for Slack,
// "80351110224678912" for Discord, the name for the console.
func (s Subject) ID() string {
	if s.Platform == Slack {
		return s.Space + "/" + s.User
	}
	return s.User
}
