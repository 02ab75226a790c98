package discord

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// A GatewayPhase is what a Gateway is doing.
type GatewayPhase string

const (
	GatewayConnecting GatewayPhase = "connecting"
	GatewayLive       GatewayPhase = "live"
	GatewayWaiting    GatewayPhase = "waiting"     // before it connects again
	GatewayStandsBy   GatewayPhase = "standing by" // another process holds the gateway
	GatewayRefused    GatewayPhase = "refused"     // for good
	GatewayStopped    GatewayPhase = "stopped"
)

// manyIdentifies is how many sessions a day are worth a note. Discord allows 1000.
const manyIdentifies = 100

// A GatewayStatus is how the gateway is.
type GatewayStatus struct {
	State      GatewayPhase // empty: Run was not called
	Identifies int          // how many sessions were begun in the last 24 hours
	Reconnects int          // how often a session was made again, so far, for whatever reason
	Dropped    int          // how many interactions were dropped, so far, because too many waited for their first answers
	Refused    string       // why Discord takes no new session, for good, and what to do; empty: it does
	Missing    []string     // servers of Adapter.GuildIDs that the bot was not in when the session began, and of which nothing came since
	Alone      bool         // the bot was in no server at all when the session began, and nothing came since
	problem    string
}

// Failed tells that Discord will not be heard again before somebody mends something.
func (s GatewayStatus) Failed() bool { return s.Refused != "" }

// Trouble is what is wrong, in a sentence; empty: nothing. That another process holds the gateway is not.
func (s GatewayStatus) Trouble() string {
	switch {
	case s.Failed():
		return "The gateway has ended: " + s.Refused + "."
	case s.State == GatewayStandsBy || s.State == GatewayStopped:
		return ""
	case s.State != GatewayLive && s.problem != "":
		return "There is no session with Discord's gateway, and no command comes: " + s.problem + "."
	case s.State != GatewayLive:
		return "There is no session with Discord's gateway yet."
	case s.Alone:
		return "The bot is in no server, so no command comes: " + invite + "."
	case len(s.Missing) > 0:
		return fmt.Sprintf("The bot is not in the servers %s of DISCORD_GUILD_IDS, so no command comes from there: %s.", strings.Join(s.Missing, ", "), invite)
	}
	return ""
}

// Note is what is worth knowing, and not wrong; empty: nothing.
func (s GatewayStatus) Note() string {
	switch {
	case s.State == GatewayStandsBy:
		return "This process stands by: another one holds the gateway, or the journal is out of reach."
	case s.Identifies >= manyIdentifies:
		return fmt.Sprintf("%d sessions were begun in the last 24 hours; Discord allows 1000, and resets the bot's token then. "+
			"Something ends them: the log tells what.", s.Identifies)
	}
	return ""
}

// Status tells how the gateway is.
func (g *Gateway) Status() GatewayStatus { return g.state.status() }

// A gatewayState is what Status tells. The zero value is ready.
type gatewayState struct {
	mu         sync.Mutex
	now        GatewayStatus
	lived      bool        // there was a session
	identifies []time.Time // of the last 24 hours
	all        int         // of them that were ever sent
}

func (s *gatewayState) is(state GatewayPhase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.State = state
}

// down notes that there is no session, and why; empty: that is as it should be.
func (s *gatewayState) down(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.State, s.now.problem = GatewayWaiting, why
}

// live notes that there is a session, which leaves out some servers.
func (s *gatewayState) live(missing []string, alone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lived {
		s.now.Reconnects++
	}
	s.lived = true
	s.now.State, s.now.problem, s.now.Missing, s.now.Alone = GatewayLive, "", missing, alone
}

// identify notes that an IDENTIFY was sent.
func (s *gatewayState) identify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identifies = append(s.lastDay(), time.Now())
	s.all++
}

// begun is how many IDENTIFYs were sent so far.
func (s *gatewayState) begun() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// sinceIdentify is how long ago that was; a day, if it is longer or never was.
func (s *gatewayState) sinceIdentify() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.lastDay()); n > 0 {
		return time.Since(s.identifies[n-1])
	}
	return 24 * time.Hour
}

// lastDay forgets what is older.
func (s *gatewayState) lastDay() []time.Time {
	s.identifies = slices.DeleteFunc(s.identifies, func(at time.Time) bool { return time.Since(at) > 24*time.Hour })
	return s.identifies
}

// present notes that an interaction came from a server, so the bot is in it by now: Discord does not tell of invitations without intents.
func (s *gatewayState) present(raw json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Alone = false
	if len(s.now.Missing) == 0 {
		return
	}
	var i struct {
		GuildID string `json:"guild_id"`
	}
	if json.Unmarshal(raw, &i) == nil {
		s.now.Missing = slices.DeleteFunc(slices.Clone(s.now.Missing), func(id string) bool { return id == i.GuildID })
	}
}

// drop counts an interaction that was dropped, and returns how many were.
func (s *gatewayState) drop() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Dropped++
	return s.now.Dropped
}

func (s *gatewayState) refuse(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.State, s.now.Refused = GatewayRefused, why
}

// stop notes that Run has returned.
func (s *gatewayState) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Refused == "" {
		s.now.State = GatewayStopped
	}
}

func (s *gatewayState) status() GatewayStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	now.Identifies, now.Missing = len(s.lastDay()), slices.Clone(s.now.Missing)
	return now
}
