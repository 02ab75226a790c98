package slack

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
	"roomwarden/permissions"
)

func TestRequest(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC)
	a := &Adapter{CommandPrefix: "nim-"}
	whole := commands.Request{
		Key: "slack:" + testTrigger,
		Who: permissions.Subject{
			Platform: permissions.Slack, Org: "E0789", Space: "T0123", User: "U0456", Name: "zhangsan",
		},
		Where: "C2147483705", Line: "mute room=123 target=lisi 300s", At: at, ReplyTo: testHook, ReplyBy: at.Add(29*time.Minute + 30*time.Second),
	}
	change := func(f func(*commands.Request)) commands.Request {
		r := whole
		f(&r)
		return r
	}
	for _, test := range []struct {
		name string
		in   func(url.Values)
		want commands.Request
		err  error
	}{
		{"whole", func(url.Values) {}, whole, nil},
		{"no organization", func(f url.Values) { f.Del("enterprise_id") }, change(func(r *commands.Request) { r.Who.Org = "" }), nil},
		{"no trigger: a hash of the signature", func(f url.Values) { f.Del("trigger_id") },
			change(func(r *commands.Request) {
				r.Key = "slack:8e6f3b97b9a324cb3911e57cce4cbc54dfdc81b4f2ef3dcee5d39ee6a63a71fa"
			}), nil},
		{"no response_url", func(f url.Values) { f.Del("response_url") }, change(func(r *commands.Request) { r.ReplyTo, r.ReplyBy = "", time.Time{} }), nil},
		{"a response_url that is not Slack's", func(f url.Values) { f.Set("response_url", "https://evil.example/x") },
			change(func(r *commands.Request) { r.ReplyTo, r.ReplyBy = "", time.Time{} }), nil},
		{"broken characters", func(f url.Values) { f.Set("text", "a\xffb"); f.Set("user_name", "z\xff") },
			change(func(r *commands.Request) { r.Line, r.Who.Name = "mute a\uFFFDb", "z\uFFFD" }), nil},
		{"no team", func(f url.Values) { f.Del("team_id") }, commands.Request{}, errIncomplete},
		{"no user", func(f url.Values) { f.Set("user_id", "") }, commands.Request{}, errIncomplete},
		{"no command", func(f url.Values) { f.Del("command") }, commands.Request{}, errIncomplete},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := form("/mute", "room=123 target=lisi 300s")
			test.in(f)
			got, err := a.request(f, fingerprint(http.Header{"X-Slack-Signature": {publishedSignature}}), at)
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.err, err)
		})
	}
}

func TestFingerprintStandsForOneSignature(t *testing.T) {
	of := func(s string) string { return fingerprint(http.Header{"X-Slack-Signature": {s}}) }
	assert.Equal(t, of(publishedSignature), of("v0="+strings.ToUpper(publishedSignature[3:])), "slack-go takes both")
	assert.NotEqual(t, of(publishedSignature), of(publishedSignature[:len(publishedSignature)-1]+"4"))
	assert.NotContains(t, of(publishedSignature), publishedSignature[3:])
}

func TestLine(t *testing.T) {
	for _, test := range []struct{ name, command, prefix, text, want string }{
		{"direct", "/mute", "", "123 lisi 5m", "mute 123 lisi 5m"},
		{"alone", "/mute", "", "", "mute"},
		{"spaces around", "/mute", "", "  123 lisi 5m ", "mute 123 lisi 5m"},
		{"with the prefix", "/nim-mute", "nim-", "123 lisi 5m", "mute 123 lisi 5m"},
		{"without the prefix", "/mute", "nim-", "123 lisi 5m", "mute 123 lisi 5m"},
		{"a prefix nobody set", "/nim-mute", "", "123", "nim-mute 123"},
		{"the prefix alone", "/nim-", "nim-", "123", "nim- 123"},
		{"root", "/nim", "nim-", "mute 123 lisi 5m", "mute 123 lisi 5m"},
		{"root under the prefix", "/ops-nim", "ops-", "mute 123", "mute 123"},
		{"root that looks like the prefix", "/nim", "nim", "mute 123", "mute 123"},
		{"root alone", "/nim", "nim-", "", "help"},
		{"root and nothing to see", "/nim", "", " \u00a0\u3000", "help"},
		{"root asked for help", "/nim", "", "help mute", "help mute"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, line(test.command, test.prefix, test.text))
		})
	}
}

func TestTyped(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"nothing special", "123 lisi 5m", "123 lisi 5m"},
		{"entities", "reason=&quot;a &amp; b &lt; c&gt;&quot;", "reason=&quot;a & b < c>&quot;"},
		{"entities once", "&amp;amp; &amp;lt;", "&amp; &lt;"},
		{"mail address", "123 <mailto:li.si@example.com|li.si@example.com> 5m", "123 li.si@example.com 5m"},
		{"mail address without a text", "<mailto:a@b.example>", "a@b.example"},
		{"link", "reason=<https://example.com/a?b=1&amp;c=2>", "reason=https://example.com/a?b=1&c=2"},
		{"link made of a bare name", "target=<http://lisi.cn|lisi.cn>", "target=lisi.cn"},
		{"link with an empty text", "<https://example.com|>", "https://example.com"},
		{"link in capitals", "<HTTPS://EXAMPLE.COM|HTTPS://EXAMPLE.COM>", "HTTPS://EXAMPLE.COM"},
		{"telephone", "<tel:+8613800000000|+86 138 0000 0000>", "+86 138 0000 0000"},
		{"two", "<https://x.example|x.example>,<mailto:a@b.example|a@b.example>", "x.example,a@b.example"},
		{"user", "123 <@U0456|lisi> 5m", "123 <@U0456|lisi> 5m"},
		{"user without a name", "<@U0456>", "<@U0456>"},
		{"channel", "<#C012|lobby> <#C987|>", "<#C012|lobby> <#C987|>"},
		{"group", "<!subteam^S1|@team> <!here>", "<!subteam^S1|@team> <!here>"},
		{"typed angle brackets are no markup", "&lt;https://x.example|y&gt;", "<https://x.example|y>"},
		{"typed mention stays what was typed", "&lt;@U1&gt;", "<@U1>"},
		{"entities in a link's text are typed", "<https://x.example|&lt;https://y.example|z&gt;>", "<https://x.example|<https://y.example|z>>"},
		{"unwrapping does not begin anew", "&lt;<https://x.example|https://y.example>|z&gt;", "<https://y.example|z>"},
		{"bare angle brackets", "a < b > c <", "a < b > c <"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, typed(test.in))
		})
	}
}

// Whatever a person types, Slack escapes it, and it comes back as it was.
func FuzzTyped(f *testing.F) {
	for _, s := range []string{"123 lisi 5m", "<@U1|lisi>", "<https://x|y>", "&lt;a&amp;", "世界🙂<", "<mailto:a@b|a@b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		assert.Equal(t, s, typed(escaped.Replace(s)))
		assert.LessOrEqual(t, len(typed(s)), len(s), "nothing is added")
		assert.Equal(t, "<@U1|lisi> ", typed("<@U1|lisi> " + escaped.Replace(s))[:11])
	})
}

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Anything may come from the network: unsigned it is refused, signed it is a command or not, and nothing panics.
func FuzzCommand(f *testing.F) {
	f.Add(form("/mute", "123 lisi 5m").Encode(), "nim-")
	f.Add(form("/nim", "&lt;<mailto:a@b|a@b> <@U1|x>").Encode(), "")
	f.Add("team_id=T&user_id=U&command=%2F", "nim-")
	f.Add("ssl_check=1", "")
	f.Add("team_id=%ff;&%zz", "x")
	f.Fuzz(func(t *testing.T, body, prefix string) {
		var got []commands.Request
		a, log := newAdapter(t, func(_ context.Context, r commands.Request) commands.Reply {
			got = append(got, r)
			return told(r.Line)
		})
		a.CommandPrefix = prefix
		w := httptest.NewRecorder()
		stranger := signed(body)
		stranger.Header.Set("X-Slack-Signature", signature("not the secret", stranger.Header.Get("X-Slack-Request-Timestamp"), body))
		a.Commands().ServeHTTP(w, stranger)
		if len(body) <= maxBody {
			require.Equal(t, http.StatusUnauthorized, w.Code)
		}
		require.Empty(t, got)

		w = httptest.NewRecorder()
		a.Commands().ServeHTTP(w, signed(body))
		require.NoError(t, a.Stop(t.Context()))
		require.NotContains(t, log.String(), "panic")
		if len(got) == 0 {
			require.Empty(t, w.Body.String())
			return
		}
		require.Equal(t, http.StatusOK, w.Code)
		require.Len(t, got, 1)
		r := got[0]
		require.True(t, strings.HasPrefix(r.Key, "slack:") && len(r.Key) > len("slack:"))
		require.NotEmpty(t, r.Who.Space)
		require.NotEmpty(t, r.Who.User)
		require.True(t, utf8.ValidString(r.Line+r.Key+r.Where+r.Who.Name))
	})
}
