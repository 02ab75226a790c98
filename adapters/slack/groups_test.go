package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// userGroups is Slack, as far as user groups go: https://docs.slack.dev/reference/methods/usergroups.users.list
type userGroups struct {
	t      *testing.T
	mu     sync.Mutex
	groups map[string][]string      // members by "T0123/S0789"
	takes  map[string]time.Duration // to answer, by the same
	fails  http.HandlerFunc         // in the place of an answer; nil: it works
	calls  []string                 // what was asked, sorted
	now    int                      // calls that are being answered
	most   int                      // as many as that was at once
}

func (s *userGroups) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	assert.Equal(s.t, "https://slack.example/api/usergroups.users.list", r.URL.String())
	assert.Equal(s.t, http.MethodPost, r.Method)
	assert.Equal(s.t, testToken, r.FormValue("token"))
	assert.Empty(s.t, r.FormValue("include_disabled"), "who is in a disabled group is let in by it no more")
	pair := r.FormValue("team_id") + "/" + r.FormValue("usergroup")
	s.mu.Lock()
	s.calls = append(s.calls, pair)
	slices.Sort(s.calls)
	s.now++
	s.most = max(s.most, s.now)
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now--
	}()
	fails, users, takes := s.fails, s.groups[pair], s.takes[pair]
	s.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return
	}
	switch {
	case fails != nil:
		fails(w, r)
	case users == nil:
		says(200, `{"ok":false,"error":"no_such_subteam"}`)(w, r)
	default:
		assert.NoError(s.t, json.NewEncoder(w).Encode(map[string]any{"ok": true, "users": users}))
	}
}

// asked returns what was asked since it was called last.
func (s *userGroups) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *userGroups) becomes(fails http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = fails
}

// newGroups are three groups of two workspaces. When the test ends the log is searched for the token.
func newGroups(t *testing.T) (*Groups, *userGroups, *logbook) {
	log := new(logbook)
	t.Cleanup(func() { assert.NotContains(t, log.String(), testToken) })
	s := &userGroups{t: t, takes: map[string]time.Duration{}, groups: map[string][]string{
		"T0123/S0789": {"U0456", "U0457"}, "T0123/S0790": {"U0456"}, "T0999/S0001": {"U0456", "U0999"},
	}}
	g := &Groups{
		Token: testToken, APIURL: "https://slack.example/api/", HTTP: &http.Client{Transport: inProcess{s}}, Log: logTo(log),
		Named: func() []string { return []string{"T0123/S0789", "T0123/S0790", "T0999/S0001"} },
	}
	return g, s, log
}

// of is what Of returns: the groups, and "?" when there may be more.
func of(ctx context.Context, g *Groups, team, user string) []string {
	groups, known := g.Of(ctx, team, user)
	if !known {
		groups = append(groups, "?")
	}
	return groups
}

func TestGroupsOf(t *testing.T) {
	for _, test := range []struct {
		name, team, user string
		want, asked      []string
	}{
		{"in both", "T0123", "U0456", []string{"S0789", "S0790"}, []string{"T0123/S0789", "T0123/S0790"}},
		{"in one", "T0123", "U0457", []string{"S0789"}, []string{"T0123/S0789", "T0123/S0790"}},
		{"in none", "T0123", "U0999", nil, []string{"T0123/S0789", "T0123/S0790"}},
		{"another workspace", "T0999", "U0999", []string{"S0001"}, []string{"T0999/S0001"}},
		{"a workspace without groups", "T012", "U0456", nil, nil},
		{"no workspace", "", "U0456", nil, nil},
		{"nobody", "T0123", "", nil, []string{"T0123/S0789", "T0123/S0790"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, s, log := newGroups(t)
				groups, known := g.Of(t.Context(), test.team, test.user)
				assert.Equal(t, test.want, groups)
				assert.True(t, known)
				assert.Equal(t, test.asked, s.asked())
				assert.Empty(t, log.String())
			})
		})
	}
}

func TestGroupsAreBelievedForMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		g.Named = func() []string { return []string{"T0123/S0789"} }
		s.takes["T0123/S0789"] = 500 * time.Millisecond
		began := time.Now()
		assert.Equal(t, []string{"S0789"}, of(t.Context(), g, "T0123", "U0456"))
		assert.Equal(t, 500*time.Millisecond, time.Since(began))
		s.groups["T0123/S0789"] = []string{"U0457"} // Zhang San leaves
		s.asked()

		time.Sleep(time.Until(began.Add(groupsKept - 1)))
		assert.Equal(t, []string{"S0789"}, of(t.Context(), g, "T0123", "U0456"))
		assert.Empty(t, s.asked())
		time.Sleep(time.Nanosecond)
		assert.Nil(t, of(t.Context(), g, "T0123", "U0456"), "counted from the question")
		assert.Equal(t, []string{"T0123/S0789"}, s.asked())
	})
}

// A failed refresh lets nobody in, not even those who were in before.
func TestGroupsThatAreNotFetchedLetNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, log := newGroups(t)
		g.Named = func() []string { return []string{"T0123/S0789"} }
		for _, step := range []struct {
			name  string
			fails http.HandlerFunc
			later time.Duration
			want  []string
			asked int
			log   string
		}{
			{"well", nil, 0, []string{"S0789"}, 1, ""},
			{"it fails when it must be asked again", hangsUp, groupsKept, []string{"?"}, 1,
				`level=WARN msg="slack: user group not fetched, so it lets nobody in, at the latest in 5 minutes" group=T0123/S0789 error="usergroups.users.list: connection reset by peer"` + "\n"},
			{"soon after nobody asks", hangsUp, groupsRetry - 1, []string{"?"}, 0, ""},
			{"still failing: told once", status(502), 1, []string{"?"}, 1, ""},
			{"for another reason", says(200, `{"ok":false,"error":"missing_scope"}`), groupsRetry, []string{"?"}, 1,
				`level=WARN msg="slack: user group not fetched, so it lets nobody in, at the latest in 5 minutes" group=T0123/S0789 error="usergroups.users.list: missing_scope"` + "\n"},
			{"well again", nil, groupsRetry, []string{"S0789"}, 1,
				`level=INFO msg="slack: user group fetched again" group=T0123/S0789 members=2` + "\n"},
			{"too many calls", status(429, "Retry-After", "60"), groupsKept, []string{"?"}, 1,
				`level=WARN msg="slack: user group not fetched, so it lets nobody in, at the latest in 5 minutes" group=T0123/S0789 error="usergroups.users.list: slack rate limit exceeded, retry after 1m0s"` + "\n"},
			{"Slack's wait is kept", nil, time.Minute - 1, []string{"?"}, 0, ""},
			{"and no longer", nil, 1, []string{"S0789"}, 1,
				`level=INFO msg="slack: user group fetched again" group=T0123/S0789 members=2` + "\n"},
			{"a wait of a day", status(429, "Retry-After", "86400"), groupsKept, []string{"?"}, 1,
				`level=WARN msg="slack: user group not fetched, so it lets nobody in, at the latest in 5 minutes" group=T0123/S0789 error="usergroups.users.list: slack rate limit exceeded, retry after 24h0m0s"` + "\n"},
			{"is not waited for", nil, groupsKept, []string{"S0789"}, 1,
				`level=INFO msg="slack: user group fetched again" group=T0123/S0789 members=2` + "\n"},
		} {
			s.becomes(step.fails)
			before := log.String()
			time.Sleep(step.later)
			assert.Equal(t, step.want, of(t.Context(), g, "T0123", "U0456"), step.name)
			assert.Len(t, s.asked(), step.asked, step.name)
			assert.Equal(t, step.log, log.String()[len(before):], step.name)
		}
	})
}

// TestGroupsOfAnAnswerThatIsNone: an answer that does not say that it is one lets nobody in, whomever it names.
func TestGroupsOfAnAnswerThatIsNone(t *testing.T) {
	for _, body := range []string{`{"ok":false,"users":["U0456"]}`, `{"users":["U0456"]}`, `["U0456"]`, `{"ok":"true","users":["U0456"]}`} {
		synctest.Test(t, func(t *testing.T) {
			g, s, _ := newGroups(t)
			g.Named = func() []string { return []string{"T0123/S0789"} }
			s.becomes(says(200, body))
			assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0123", "U0456"), body)
		})
	}
}

func TestGroupsDoNotKeepACommandWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, log := newGroups(t)
		s.takes["T0123/S0789"] = 3 * time.Second
		began := time.Now()
		assert.Equal(t, []string{"S0790", "?"}, of(t.Context(), g, "T0123", "U0456"), "what is there in time counts")
		assert.Equal(t, time.Second, time.Since(began))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"S0789", "S0790"}, of(t.Context(), g, "T0123", "U0456"), "the answer that came late serves the next")
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.Len(t, s.asked(), 2)
		assert.Empty(t, log.String())
	})
	synctest.Test(t, func(t *testing.T) { // no answer at all
		g, s, log := newGroups(t)
		s.becomes(silent)
		assert.Equal(t, []string{"?"}, of(t.Context(), g, "T0999", "U0456"))
		time.Sleep(callTime)
		synctest.Wait()
		assert.Contains(t, log.String(), `error="usergroups.users.list: context deadline exceeded`)
	})
	synctest.Test(t, func(t *testing.T) { // the command ends first
		g, s, _ := newGroups(t)
		s.takes["T0999/S0001"] = 500 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		assert.Equal(t, []string{"?"}, of(ctx, g, "T0999", "U0456"))
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
		assert.Equal(t, []string{"S0001"}, of(t.Context(), g, "T0999", "U0456"), "the call goes on without it")
		assert.Len(t, s.asked(), 1)
	})
}

func TestGroupsManyCommandsShareOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s, _ := newGroups(t)
		s.takes["T0999/S0001"] = 500 * time.Millisecond
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { assert.Equal(t, []string{"S0001"}, of(t.Context(), g, "T0999", "U0456")) })
		}
		all.Wait()
		assert.Equal(t, []string{"T0999/S0001"}, s.asked())
	})
}

func TestGroupsMembers(t *testing.T) {
	g, _, _ := newGroups(t)
	users, err := g.Members(t.Context(), "T0123/S0789")
	require.NoError(t, err)
	assert.Equal(t, []string{"U0456", "U0457"}, users)
	_, err = g.Members(t.Context(), "T0123/S0001")
	assert.Equal(t, &Refusal{"usergroups.users.list", "no_such_subteam"}, err)
}

// The adapter asks for groups in the time of the work, and hands them on with the person.
func TestGroupsOfWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var who permissions.Subject
		a, _ := newAdapter(t, func(_ context.Context, r commands.Request) commands.Reply {
			who = r.Who
			return told("lisi is muted")
		})
		a.HTTP = newHooks(t).client()
		asked, known := time.Duration(0), true
		a.Groups = func(_ context.Context, team, user string) ([]string, bool) {
			time.Sleep(asked)
			return []string{team + "-" + user}, known
		}
		want := permissions.Subject{Platform: permissions.Slack, Org: "E0789", Space: "T0123", User: "U0456", Name: "zhangsan", Groups: []string{"T0123-U0456"}}
		assert.Equal(t, "lisi is muted\n#41", say(t, a, "/mute", "123 lisi 5m").Text)
		assert.Equal(t, want, who)

		known, want.Unsure = false, true
		say(t, a, "/mute", "123 lisi 5m")
		assert.Equal(t, want, who)

		asked = time.Minute // slower than promised: the first answer is in time all the same
		began := time.Now()
		assert.Equal(t, commands.Acknowledgement("", 0).Text.String(), say(t, a, "/mute", "123 lisi 5m").Text)
		assert.Equal(t, firstAnswer, time.Since(began))
		require.NoError(t, a.Stop(t.Context()))
	})
	t.Run("a panic becomes an answer", func(t *testing.T) {
		a, _ := newAdapter(t, after(0, told("")))
		a.Groups = func(context.Context, string, string) ([]string, bool) { panic("boom") }
		assert.Equal(t, commands.Broken(commands.English).Text.String(), say(t, a, "/mute", "123 lisi 5m").Text)
	})
}
