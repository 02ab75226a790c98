package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// catch answers everything, and remembers the last request.
func catch(into *commands.Request) commands.Handler {
	return func(_ context.Context, req commands.Request) commands.Reply {
		req.Accepted, req.Allowed = nil, nil
		*into = req
		return told("ok")
	}
}

func TestRequest(t *testing.T) {
	var got commands.Request
	a, fake, _ := newAdapter(t, catch(&got))
	before := time.Now()
	use(t, a, fake, payload("mute", text("room", "123"), text("target", "lisi"), text("duration", "5m")))
	assert.WithinRange(t, got.At, before, time.Now())
	assert.Equal(t, 14*time.Minute, got.ReplyBy.Sub(got.At), "Discord's 15 minutes, less one")
	got.At, got.ReplyBy = time.Time{}, time.Time{}
	assert.Equal(t, commands.Request{
		Key: "discord:1200000000000000007",
		Who: permissions.Subject{
			Platform: permissions.Discord, Space: testGuild, User: "80351110224678912", Name: "Zhang San",
			Groups: []string{"41771983423143936", "539082325061836999"},
		},
		Where: "645027906669510667", Line: "mute room=123 target=lisi duration=5m", Locale: "en-US",
		ReplyTo: testApp + "/" + testToken,
	}, got)
}

func TestNameIsTheGlobalOneOrTheUsername(t *testing.T) {
	for _, test := range []struct {
		global any
		want   string
	}{{"Zhang San", "Zhang San"}, {nil, "zhangsan"}, {"", "zhangsan"}} {
		var got commands.Request
		a, fake, _ := newAdapter(t, catch(&got))
		p := payload("whoami")
		p["member"].(map[string]any)["user"].(map[string]any)["global_name"] = test.global
		use(t, a, fake, p)
		assert.Equal(t, test.want, got.Who.Name)
	}
}

func TestLine(t *testing.T) {
	option := func(name string, value any) map[string]any { return map[string]any{"name": name, "value": value} }
	for _, test := range []struct {
		name, command string
		options       []map[string]any
		want          string
	}{
		{"no options", "whoami", nil, "whoami"},
		{"the row's order", "mute", []map[string]any{option("notify", false), option("duration", "5m"), option("target", "lisi"), option("room", "lobby")},
			"mute room=lobby target=lisi duration=5m notify=no"},
		{"yes", "unmuteroom", []map[string]any{option("room", "1"), option("notify", true)}, "unmuteroom room=1 notify=yes"},
		{"number", "explain", []map[string]any{option("code", 13002)}, "explain code=13002"},
		{"large number", "explain", []map[string]any{option("code", json.Number("9007199254740991"))}, "explain code=9007199254740991"},
		{"quotes", "muteroom", []map[string]any{option("room", "1"), option("reason", `say "hi", \o/`)}, `muteroom room=1 reason="say \"hi\", \\o/"`},
		{"empty text", "muteroom", []map[string]any{option("room", ""), option("reason", "")}, `muteroom room="" reason=""`},
		{"looks like another option", "mute", []map[string]any{option("room", "1 target=zhaoliu")}, `mute room="1 target=zhaoliu"`},
		{"option the row does not have", "mute", []map[string]any{option("colour", "red"), option("room", "1")}, "mute room=1 colour=red"},
		{"command that is not in the table", "ban", []map[string]any{option("who", "lisi")}, "ban who=lisi"},
		{"Chinese", "禁言", []map[string]any{option("房间", "大厅")}, `禁言 房间="大厅"`},
		{"sub-command", "mute", []map[string]any{{"name": "now", "type": 1, "options": []any{}}}, `mute now=""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got commands.Request
			a, fake, _ := newAdapter(t, catch(&got))
			use(t, a, fake, payload(test.command, test.options...))
			assert.Equal(t, test.want, got.Line)
		})
	}
}

func TestUnreadable(t *testing.T) {
	for _, test := range []struct {
		name, why string
		in        map[string]any
	}{
		{"no id", "is missing", without(payload("whoami"), "id")},
		{"no application", "is missing", without(payload("whoami"), "application_id")},
		{"no token", "is missing", without(payload("whoami"), "token")},
		{"no user", "is missing", with(payload("whoami"), "member", map[string]any{"roles": []any{}})},
		{"no data", "that of a command", without(payload("whoami"), "data")},
		{"no name", "a name of a command", payload("")},
		{"command of two lines", "a name of a command", payload("who\nami")},
		{"option with a space", "a name of a command", payload("mute", text("room x", "1"))},
		{"option with an equals sign", "a name of a command", payload("mute", text("room=1", "1"))},
		{"value is a list", "neither text nor number", payload("mute", map[string]any{"name": "room", "value": []any{"1"}})},
		{"id is a number", "not the JSON", with(payload("whoami"), "id", 12)},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, _, log := newAdapter(t, func(context.Context, commands.Request) commands.Reply {
				t.Error("must not be handled")
				return told("")
			})
			w := httptest.NewRecorder()
			a.Interactions().ServeHTTP(w, signed(test.in))
			assert.Equal(t, http.StatusBadRequest, w.Code)
			assert.Empty(t, w.Body.String())
			assert.Contains(t, log.String(), test.why)
		})
	}
}

// plainly is what the grammar makes of any text: line breaks and tabs become spaces, other spaces stay as typed; control and invisible characters go.
func plainly(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == 0x00AD, r == 0x061C, r == 0x180E, r == 0x200B, r == 0x200E, r == 0x200F, r == 0xFEFF, 0x2028 <= r && r <= 0x202E,
			0x2060 <= r && r <= 0x206F, 0xFFF9 <= r && r <= 0xFFFB, 0xE0000 <= r && r <= 0xE007F:
			return -1
		case unicode.IsSpace(r) && unicode.IsControl(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s))
}

// Whatever stands in an option arrives as that option's text, and nowhere else.
func FuzzOptions(f *testing.F) {
	for _, s := range []string{"", "spam", `"`, `\`, `\"`, `" target=zhaoliu "`, "a\nb", "“smart”", "，、", "`x`", "a\u00a0b\u2000c\u3000d", "/unmute", "x\u200b\"", "禁言 5分钟", "room=1", "'", "=", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reason string) {
		if reason = strings.ToValidUTF8(reason, "\uFFFD"); len([]rune(reason)) > 500 {
			return
		}
		body, err := json.Marshal(payload("mute", text("reason", reason), text("duration", "5m"), text("target", "lisi"), text("room", "123")))
		require.NoError(t, err)
		var i interaction
		require.NoError(t, json.Unmarshal(body, &i))
		var c invoked
		require.NoError(t, json.Unmarshal(i.Data, &c))
		line, err := c.line()
		require.NoError(t, err)
		req, err := i.request(line)
		require.NoError(t, err)
		call, err := commands.Parse(req.Line)
		require.NoError(t, err, req.Line)
		assert.Equal(t, "mute room=123 target=lisi duration=5m reason="+commands.Quote(plainly(reason)), call.String())
	})
}

// Whatever a verified body holds is answered without a panic.
func FuzzInteraction(f *testing.F) {
	for _, p := range []map[string]any{
		payload("mute", text("room", "123")), {"type": 1}, {"type": 3, "data": map[string]any{"custom_id": "x"}}, {"type": 4}, {"type": 5}, {"type": 99},
		with(payload("whoami"), "member", nil), with(payload("whoami"), "data", []any{1}), with(payload("whoami"), "data", nil),
	} {
		body, _ := json.Marshal(p)
		f.Add(string(body))
	}
	f.Fuzz(func(t *testing.T, body string) {
		a, _, log := newAdapter(t, func(context.Context, commands.Request) commands.Reply { return told("ok") })
		w := httptest.NewRecorder()
		a.Interactions().ServeHTTP(w, signedAt(time.Now(), body))
		assert.Contains(t, []int{200, 400}, w.Code)
		if w.Code == 200 {
			assert.True(t, json.Valid(w.Body.Bytes()))
		}
		assert.NotContains(t, log.String(), "panic")
	})
}
