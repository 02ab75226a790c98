package slack

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	slackapi "github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"

	"roomwarden/permissions"
)

var zhang = permissions.Subject{Platform: permissions.Slack, Space: "T0123", User: "U0456"}

// newPeople asks users.info, which meets what answer says.
func newPeople(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (*People, *logbook, *int) {
	log, asked := new(logbook), 0
	return &People{Token: testToken, Log: logTo(log), HTTP: &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		assert.Equal(t, "/api/users.info", r.URL.Path)
		answer(w, r)
	})}}}, log, &asked
}

func TestPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, asked := newPeople(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			assert.Equal(t, "U0456", r.Form.Get("user"))
			assert.Equal(t, "true", r.Form.Get("include_locale"))
			says(200, `{"ok":true,"user":{"id":"U0456","team_id":"T0123","locale":"zh-CN"}}`)(w, r)
		})
		for range 3 {
			person, known := p.Of(t.Context(), zhang)
			assert.Equal(t, Person{Locale: "zh-CN"}, person)
			assert.True(t, known)
		}
		assert.Equal(t, 1, *asked)
		time.Sleep(personKept)
		p.Of(t.Context(), zhang)
		assert.Equal(t, 2, *asked)
	})
}

// TestPeopleUnknown: what Slack does not tell is not known, for a while it is not asked again, and a locale stays.
func TestPeopleUnknown(t *testing.T) {
	for _, tt := range []struct {
		name    string
		meets   func(http.ResponseWriter, *http.Request)
		again   time.Duration // before it is asked again, about anybody
		trouble string
	}{
		{"no scope", says(200, `{"ok":false,"error":"missing_scope"}`), personHold, "missing_scope"},
		{"too many", status(429, "Retry-After", "40"), 40 * time.Second, "ratelimited"},
		{"nobody", says(200, `{"ok":false,"error":"user_not_found"}`), 0, ""},
		{"Slack's trouble", status(503), 0, ""},
		{"garbage", says(200, "<html>"), 0, ""},
		{"somebody else", says(200, `{"ok":true,"user":{"id":"U0999","team_id":"T0123","locale":"en-US"}}`), 0, ""},
		{"nobody at all", says(200, `{"ok":true}`), 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good := says(200, `{"ok":true,"user":{"id":"U0456","team_id":"T0123","locale":"zh-CN"}}`)
				meets := good
				p, _, asked := newPeople(t, func(w http.ResponseWriter, r *http.Request) { meets(w, r) })
				p.Of(t.Context(), zhang)
				time.Sleep(personKept)
				meets = tt.meets
				person, known := p.Of(t.Context(), zhang)
				assert.False(t, known)
				assert.Equal(t, "zh-CN", person.Locale)
				assert.Contains(t, p.Trouble(), tt.trouble)
				other := zhang
				other.User = "U0789"
				p.Of(t.Context(), other)
				assert.Equal(t, tt.again == 0, *asked == 3, "about another one")
				p.Of(t.Context(), zhang)
				meets = good
				time.Sleep(max(tt.again, personRetry))
				_, known = p.Of(t.Context(), zhang)
				assert.True(t, known)
				assert.Empty(t, p.Trouble())
			})
		})
	}
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, _, _ := newPeople(t, silent)
			began := time.Now()
			_, known := p.Of(t.Context(), zhang)
			assert.False(t, known)
			assert.Equal(t, personWait, time.Since(began))
			time.Sleep(callTime)
		})
	})
}

func TestOutside(t *testing.T) {
	grid := zhang
	grid.Org = "E0789"
	for name, tt := range map[string]struct {
		who  permissions.Subject
		user slackapi.User
		want bool
	}{
		"a member":                            {zhang, slackapi.User{TeamID: "T0123"}, false},
		"a member, of whom no team is told":   {zhang, slackapi.User{}, false},
		"a guest":                             {zhang, slackapi.User{TeamID: "T0123", IsRestricted: true}, true},
		"a guest of one channel":              {zhang, slackapi.User{TeamID: "T0123", IsUltraRestricted: true}, true},
		"a stranger":                          {zhang, slackapi.User{TeamID: "T0999", IsStranger: true}, true},
		"of another organization":             {zhang, slackapi.User{TeamID: "T0999"}, true},
		"who has left":                        {zhang, slackapi.User{TeamID: "T0123", Deleted: true}, true},
		"a bot":                               {zhang, slackapi.User{TeamID: "T0123", IsBot: true}, true},
		"another workspace of the grid":       {grid, slackapi.User{TeamID: "T0777", Enterprise: slackapi.EnterpriseUser{EnterpriseID: "E0789"}}, false},
		"the grid itself":                     {grid, slackapi.User{TeamID: "E0789"}, false},
		"another grid":                        {grid, slackapi.User{TeamID: "T0777", Enterprise: slackapi.EnterpriseUser{EnterpriseID: "E0555"}}, true},
		"another workspace of the grid alone": {grid, slackapi.User{TeamID: "T0777", Enterprise: slackapi.EnterpriseUser{EnterpriseID: "E0789", Teams: []string{"T0777"}}}, true},
		"of both workspaces":                  {zhang, slackapi.User{TeamID: "T0777", Enterprise: slackapi.EnterpriseUser{Teams: []string{"T0123"}}}, false},
	} {
		assert.Equal(t, tt.want, outside(&tt.user, tt.who), name)
	}
}

// TestIdentify: a group lets in members alone, and nobody of whom that is not known.
func TestWhoAsks(t *testing.T) {
	for name, tt := range map[string]struct {
		person  Person
		known   bool
		members bool // of the group
		groups  []string
		unsure  bool
	}{
		"a member":                    {Person{Locale: "zh-CN"}, true, true, []string{"S1"}, false},
		"a guest":                     {Person{Locale: "zh-CN", Outside: true}, true, true, nil, false},
		"not known":                   {Person{}, false, true, nil, true},
		"not known, and in no group":  {Person{}, false, false, nil, false},
		"a guest who is in no group":  {Person{Outside: true}, true, false, nil, false},
		"a member who is in no group": {Person{}, true, false, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := newAdapter(t, nil)
			a.People = func(context.Context, permissions.Subject) (Person, bool) { return tt.person, tt.known }
			a.Groups = func(context.Context, string, string) ([]string, bool) {
				if tt.members {
					return []string{"S1"}, true
				}
				return nil, true
			}
			who, locale := a.identify(t.Context(), zhang)
			assert.Equal(t, tt.groups, who.Groups)
			assert.Equal(t, tt.unsure, who.Unsure)
			assert.Equal(t, tt.person.Locale, locale)
			assert.Equal(t, tt.groups, a.Renew(t.Context(), zhang).Groups)
		})
	}
	a, _ := newAdapter(t, nil)
	a.People = func(context.Context, permissions.Subject) (Person, bool) { panic("x") }
	a.Groups = func(context.Context, string, string) ([]string, bool) { return []string{"S1"}, true }
	who, _ := a.identify(t.Context(), zhang)
	assert.Empty(t, who.Groups, "a panic lets nobody in")
}

// TestEvents: what Slack tells is taken note of once, however often it is delivered, and what it has not signed is nothing.
func TestEvents(t *testing.T) {
	a, log := newAdapter(t, nil)
	var changed []string
	a.GroupChanged = func(team, group string) { changed = append(changed, team+"/"+group) }
	send := func(body string, spoil ...func(*http.Request)) (int, string) {
		r := signed(body)
		r.Header.Set("Content-Type", "application/json")
		for _, f := range spoil {
			f(r)
		}
		return serve(a.Events(), r)
	}
	code, body := send(`{"type":"url_verification","challenge":"<3eZbrw1aB>","token":"x"}`)
	assert.Equal(t, 200, code)
	assert.Equal(t, "<3eZbrw1aB>", body)
	code, body = send(`{"type":"url_verification","challenge":"x"}`, func(r *http.Request) { r.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64)) })
	assert.Equal(t, 401, code)
	assert.Empty(t, body)
	code, _ = send(`{}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	assert.Equal(t, 415, code)

	event := func(id, inner string) string {
		return fmt.Sprintf(`{"type":"event_callback","team_id":"T0123","event_id":%q,"event":%s}`, id, inner)
	}
	for range 2 {
		code, body = send(event("Ev1", `{"type":"subteam_members_changed","subteam_id":"S1","team_id":"T0123"}`))
		assert.Equal(t, 200, code)
		assert.Empty(t, body)
	}
	send(event("Ev2", `{"type":"subteam_updated","subteam":{"id":"S2"}}`))
	assert.Equal(t, []string{"T0123/S1", "T0123/S2"}, changed)
	for i, inner := range []string{`{"type":"app_home_opened","user":"U1","tab":"home"}`, `{"type":"message"}`, `{"type":"tokens_revoked"}`, `{}`, `{"type":"subteam_members_changed"}`} {
		code, _ = send(event(fmt.Sprint("Ev1", i), inner))
		assert.Equal(t, 200, code, inner)
	}
	assert.Contains(t, log.String(), "tokens were revoked")
	for _, broken := range []string{"", "{", "7", `{"event":7}`} {
		code, _ = send(broken)
		assert.Equal(t, 400, code, broken)
	}
	code, _ = send(`{"type":"app_rate_limited"}`)
	assert.Equal(t, 200, code)
	assert.Len(t, changed, 2)
}

// TestGroupChanged: who was taken out of a group is let in no longer, also by an answer that was under way.
func TestGroupChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, members := 0, `["U0456"]`
		become := func(now string) {
			mu.Lock()
			defer mu.Unlock()
			members = now
		}
		g := &Groups{Token: testToken, Log: logTo(new(logbook)), Named: func() []string { return []string{"T0123/S1"} }}
		g.HTTP = &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked++
			now := members
			mu.Unlock()
			time.Sleep(500 * time.Millisecond)
			says(200, `{"ok":true,"users":`+now+`}`)(w, r)
		})}}
		of := func() []string { groups, _ := g.Of(t.Context(), "T0123", "U0456"); return groups }
		assert.Equal(t, []string{"S1"}, of())
		become(`[]`)
		assert.Equal(t, []string{"S1"}, of(), "nobody has told")
		g.Changed("T0123", "S1")
		assert.Empty(t, of())
		assert.Equal(t, 2, asked)

		become(`["U0456"]`)
		g.Changed("T0123", "S1")
		var asking sync.WaitGroup
		asking.Go(func() { of() })
		time.Sleep(100 * time.Millisecond)
		become(`[]`)
		g.Changed("T0123", "S1")
		groups, known := g.Of(t.Context(), "T0123", "U0456")
		assert.Empty(t, groups, "what was asked before the change is not believed")
		assert.True(t, known, "and it is asked anew")
		asking.Wait()
		time.Sleep(time.Second)
		assert.Empty(t, of())
		assert.Equal(t, 4, asked)
		g.Changed("T0123", "S9")
		assert.Len(t, g.known, 1, "a group that nobody names")

		keeping, stop := context.WithCancel(t.Context())
		asking.Go(func() { g.Keep(keeping) })
		time.Sleep(keepPace)
		become(`["U0456"]`)
		for range 30 { // an administrator adds people, one by one
			g.Changed("T0123", "S1")
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(keepPace + time.Second)
		stop()
		asking.Wait()
		assert.LessOrEqual(t, asked, 9, "Slack answers 20 a minute")
		before := asked
		assert.Equal(t, []string{"S1"}, of())
		assert.Equal(t, before, asked, "it is known again")
	})
}

// TestLookupsPanic: a panic where nobody could recover it lets nobody in, and ends nothing.
func TestLookupsPanic(t *testing.T) {
	log := new(logbook)
	p := &People{Token: testToken, Log: logTo(log), HTTP: &http.Client{Transport: panics{}}}
	_, known := p.Of(t.Context(), zhang)
	assert.False(t, known)
	g := &Groups{Token: testToken, Log: logTo(log), Named: func() []string { return []string{"T0123/S1"} }, HTTP: &http.Client{Transport: panics{}}}
	groups, known := g.Of(t.Context(), "T0123", "U0456")
	assert.Empty(t, groups)
	assert.False(t, known)
	assert.Equal(t, 2, strings.Count(log.String(), "slack: panic"))
}
