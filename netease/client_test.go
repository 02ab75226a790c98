package netease_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

const appKey, appSecret = "app-key", "example-secret"

// nim is a sandbox with room 123: zhangsan made it, guanli manages it, lisi belongs to it.
func nim() *sandbox.Sandbox {
	s := sandbox.New(appKey, appSecret, nil)
	s.AddRoom(sandbox.Room{ID: 123, Name: "Room 123", Creator: "zhangsan", Managers: []netease.AccID{"guanli"}, Common: []netease.AccID{"lisi"}})
	return s
}

// client speaks to transport in process.
func client(transport http.RoundTripper) *netease.Client {
	return &netease.Client{AppKey: appKey, AppSecret: appSecret, HTTP: &http.Client{Transport: transport},
		Bases: []string{"https://main.example/nimserver", "https://backup.example/nimserver"}}
}

func mute() netease.TemporaryMute {
	return netease.TemporaryMute{RoomID: 123, Operator: "zhangsan", Target: "lisi", For: 5 * time.Minute}
}

// roundTrip is a transport in a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(body string) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// TestForms sends each call over a real socket and checks what arrives, field by field.
func TestForms(t *testing.T) {
	tests := []struct {
		name string
		call func(context.Context, *netease.Client) error
		path string
		form url.Values
	}{
		{"temporaryMute", func(ctx context.Context, c *netease.Client) error {
			return c.TemporaryMute(ctx, netease.TemporaryMute{RoomID: 9223372036854775807, Operator: "ZhangSan", Target: "li_si@x.y-z", For: netease.MaxMute, NotifyExt: `{"reason":"a&b=c 世界🙂"}`})
		}, "/nimserver/chatroom/temporaryMute.action",
			url.Values{"roomid": {"9223372036854775807"}, "operator": {"zhangsan"}, "target": {"li_si@x.y-z"}, "muteDuration": {"2592000"}, "needNotify": {"true"}, "notifyExt": {`{"reason":"a&b=c 世界🙂"}`}}},
		{"unmute, quiet", func(ctx context.Context, c *netease.Client) error {
			return c.TemporaryMute(ctx, netease.TemporaryMute{RoomID: 123, Operator: "zhangsan", Target: "lisi", Quiet: true})
		}, "/nimserver/chatroom/temporaryMute.action",
			url.Values{"roomid": {"123"}, "operator": {"zhangsan"}, "target": {"lisi"}, "muteDuration": {"0"}, "needNotify": {"false"}}},
		{"muteRoom", func(ctx context.Context, c *netease.Client) error {
			return c.MuteRoom(ctx, netease.MuteRoom{RoomID: 123, Operator: "zhangsan", Mute: true})
		}, "/nimserver/chatroom/muteRoom.action",
			url.Values{"roomid": {"123"}, "operator": {"zhangsan"}, "mute": {"true"}, "needNotify": {"true"}}},
		{"close when empty", func(ctx context.Context, c *netease.Client) error {
			_, err := c.UpdateDelayClosePolicy(ctx, netease.UpdateDelayClosePolicy{RoomID: 123, Policy: netease.CloseIdle, Delay: time.Hour})
			return err
		}, "/nimserver/chatroom/updateDelayClosePolicy.action",
			url.Values{"roomid": {"123"}, "delayClosePolicy": {"2"}, "delaySeconds": {"3600"}}},
		{"do not close", func(ctx context.Context, c *netease.Client) error {
			_, err := c.UpdateDelayClosePolicy(ctx, netease.UpdateDelayClosePolicy{RoomID: 123})
			return err
		}, "/nimserver/chatroom/updateDelayClosePolicy.action", url.Values{"roomid": {"123"}, "delayClosePolicy": {"0"}}},
		{"get", func(ctx context.Context, c *netease.Client) error {
			_, err := c.Room(ctx, 123)
			return err
		}, "/nimserver/chatroom/get.action", url.Values{"roomid": {"123"}, "needOnlineUserCount": {"true"}}},
		{"queryMembers", func(ctx context.Context, c *netease.Client) error {
			_, err := c.Members(ctx, 123, []netease.AccID{"Lisi", "wangwu"})
			return err
		}, "/nimserver/chatroom/queryMembers.action", url.Values{"roomid": {"123"}, "accids": {`["lisi","wangwu"]`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got *http.Request
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.NoError(t, r.ParseForm())
				got = r
				io.WriteString(w, `{"code":200,"chatroom":{"roomid":123},"desc":{"data":[]}}`)
			}))
			defer server.Close()
			c := &netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: []string{server.URL + "/nimserver/"}}
			require.NoError(t, tt.call(t.Context(), c))
			assert.Equal(t, http.MethodPost, got.Method)
			assert.Equal(t, tt.path, got.URL.String())
			assert.Equal(t, tt.form, got.PostForm)
			assert.Equal(t, "application/x-www-form-urlencoded;charset=utf-8", got.Header.Get("Content-Type"))
			assert.Equal(t, appKey, got.Header.Get("AppKey"))
			assert.Regexp(t, `^[0-9a-f]{32}$`, got.Header.Get("RequestId"))
			assert.Regexp(t, `^[0-9a-f]{40}$`, got.Header.Get("CheckSum"))
		})
	}
}

// TestLimits: what breaks a documented limit is not sent, and the error names the field.
func TestLimits(t *testing.T) {
	long := netease.AccID(strings.Repeat("a", 33))
	tests := []struct {
		name, field string
		call        func(*netease.Client) error
	}{
		{"room 0", "roomid", func(c *netease.Client) error { _, err := c.Room(t.Context(), 0); return err }},
		{"negative room", "roomid", func(c *netease.Client) error { _, err := c.Room(t.Context(), -1); return err }},
		{"no operator", "operator", func(c *netease.Client) error { m := mute(); m.Operator = ""; return c.TemporaryMute(t.Context(), m) }},
		{"long target", "target", func(c *netease.Client) error { m := mute(); m.Target = long; return c.TemporaryMute(t.Context(), m) }},
		{"target with a space", "target", func(c *netease.Client) error { m := mute(); m.Target = "li si"; return c.TemporaryMute(t.Context(), m) }},
		{"Chinese target", "target", func(c *netease.Client) error {
			m := mute()
			m.Target = "李四"
			return c.TemporaryMute(t.Context(), m)
		}},
		{"31 days", "muteDuration", func(c *netease.Client) error {
			m := mute()
			m.For = netease.MaxMute + time.Second
			return c.TemporaryMute(t.Context(), m)
		}},
		{"negative mute", "muteDuration", func(c *netease.Client) error { m := mute(); m.For = -1; return c.TemporaryMute(t.Context(), m) }},
		{"half a second", "muteDuration", func(c *netease.Client) error {
			m := mute()
			m.For = 1500 * time.Millisecond
			return c.TemporaryMute(t.Context(), m)
		}},
		{"long notifyExt", "notifyExt", func(c *netease.Client) error {
			m := mute()
			m.NotifyExt = strings.Repeat("世", netease.MaxNotifyExtLength+1)
			return c.TemporaryMute(t.Context(), m)
		}},
		{"policy 3", "delayClosePolicy", func(c *netease.Client) error { return delay(c, 3, time.Hour) }},
		{"no delay", "delaySeconds", func(c *netease.Client) error { return delay(c, netease.CloseFixed, 0) }},
		{"8 days", "delaySeconds", func(c *netease.Client) error {
			return delay(c, netease.CloseIdle, netease.MaxDelay+time.Second)
		}},
		{"off with a delay", "delaySeconds", func(c *netease.Client) error { return delay(c, netease.CloseOff, time.Hour) }},
		{"no accounts", "accids", func(c *netease.Client) error { _, err := c.Members(t.Context(), 123, nil); return err }},
		{"201 accounts", "accids", func(c *netease.Client) error {
			_, err := c.Members(t.Context(), 123, make([]netease.AccID, 201))
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(client(roundTrip(func(*http.Request) (*http.Response, error) {
				t.Error("something was sent")
				return nil, io.EOF
			})))
			invalid, ok := errors.AsType[*netease.InvalidError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tt.field, invalid.Field)
			assert.ErrorIs(t, err, netease.ErrNotSent)
			assert.Equal(t, netease.NotDone, netease.EffectOf(err))
		})
	}
}

func delay(c *netease.Client, p netease.ClosePolicy, d time.Duration) error {
	_, err := c.UpdateDelayClosePolicy(context.Background(), netease.UpdateDelayClosePolicy{RoomID: 123, Policy: p, Delay: d})
	return err
}

// TestAnswers: the shapes that answers come in, and what becomes of them.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		code       netease.Code // of an *Error; 0: none
		desc       string
		is         error // nil: none
		effect     netease.Effect
	}{
		{"done", `{"desc":{"muteDuration":300},"code":200}`, 200, 0, "", nil, netease.Applied},
		{"done, JSON in a string", `{"desc":"{\"muteDuration\":300}","code":200}`, 200, 0, "", nil, netease.Applied},
		{"done, nothing but a code", `{"code":200}`, 200, 0, "", nil, netease.Applied},
		{"code in a string", `{"code":"200"}`, 200, 0, "", nil, netease.Applied},
		{"doubled and unknown fields", `{"code":200,"desc":null,"code":200,"x":[{}],"muteDuration":1}`, 200, 0, "", nil, netease.Applied},
		{"refused", `{"code":403,"desc":"forbidden"}`, 200, 403, "forbidden", nil, netease.NotDone},
		{"refused without words", `{"code":404}`, 200, 404, "", nil, netease.NotDone},
		{"refused with an object", `{"code":414,"desc":{"a":1}}`, 200, 414, "", nil, netease.NotDone},
		{"words with control characters", `{"code":414,"desc":" a\u0007\nb\u202e "}`, 200, 414, "a b", nil, netease.NotDone},
		{"long words", `{"code":414,"desc":"` + strings.Repeat("世", 300) + `"}`, 200, 414, strings.Repeat("世", 199) + "…", nil, netease.NotDone},
		{"already so", `{"code":417}`, 200, 417, "", nil, netease.Already},
		{"undocumented refusal", `{"code":302}`, 200, 302, "", nil, netease.Doubtful},
		{"inner failure", `{"code":500}`, 200, 500, "", nil, netease.Unclear},
		{"unlisted", `{"code":60606}`, 200, 60606, "", nil, netease.Unclear},
		{"no code", `{"desc":"ok"}`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"code is an object", `{"code":{}}`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"code with a fraction", `{"code":200.5}`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"null", `null`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"an array", `[{"code":200}]`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"empty", ``, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"truncated", `{"code":200,"desc":{"muteDur`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"a page of a gateway", `<html>ok</html>`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"two megabytes", `{"code":200,"desc":"` + strings.Repeat("a", 2<<20) + `"}`, 200, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"a code under another status", `{"code":200}`, 404, 0, "", netease.ErrNoAnswer, netease.Unclear},
		{"a redirect", ``, 302, 0, "", netease.ErrNoAnswer, netease.Unclear},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			attempts := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				attempts++
				w.Header().Set("Location", "/nimserver/elsewhere")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			err := (&netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: []string{server.URL + "/nimserver"}}).TemporaryMute(t.Context(), mute())
			assert.Equal(t, tt.effect, netease.EffectOf(err), "%v", err)
			assert.Equal(t, 1, attempts, "none of these is repeated")
			if tt.code != 0 {
				e, ok := errors.AsType[*netease.Error](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, netease.Error{Op: netease.OpTemporaryMute, Code: tt.code, Desc: tt.desc, Skew: e.Skew}, *e)
				assert.ErrorIs(t, err, tt.code)
			} else if tt.is != nil {
				assert.ErrorIs(t, err, tt.is)
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

func TestReads(t *testing.T) {
	rooms := []struct {
		name, body string
		want       netease.Room
	}{
		{"sample", `{"chatroom":{"roomid":66,"valid":true,"muted":false,"announcement":null,"name":"room","broadcasturl":"x","onlineusercount":1,"ext":"","creator":"zhangsan","queuelevel":0,"ionotify":true},"code":200}`,
			netease.Room{ID: 66, Name: "room", Creator: "zhangsan", Open: true, Online: 1}},
		{"large id in a string, nulls, count not told", `{"code":200,"chatroom":{"roomid":"9536803314","valid":false,"muted":true,"name":null,"creator":null}}`,
			netease.Room{ID: 9536803314, Muted: true, Online: -1}},
		{"JSON in a string", `{"code":200,"chatroom":"{\"roomid\":9007199254740993}"}`, netease.Room{ID: 9007199254740993, Open: true, Online: -1}},
	}
	for _, tt := range rooms {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client(roundTrip(func(*http.Request) (*http.Response, error) { return answer(tt.body), nil })).Room(t.Context(), 66)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	members := []struct {
		name, body string
		want       []netease.Member
	}{
		{"sample", `{"desc":{"data":[{"roomid":123,"level":0,"nick":"","accid":"zhangsan","type":"CREATOR","onlineStat":false,"ext":null,"avator":null}]},"code":200}`,
			[]netease.Member{{AccID: "zhangsan", Type: "CREATOR"}}},
		{"nobody", `{"code":200,"desc":{"data":[]}}`, []netease.Member{}},
		{"muted for a time, type as a number, capitals", `{"code":200,"desc":{"data":[{"accid":"LiSi","type":1,"onlineStat":true,"tempMuted":true,"tempMuteTtl":299,"muted":true}]}}`,
			[]netease.Member{{AccID: "lisi", Type: "1", TempMute: 299 * time.Second}}},
		{"muted, time not told", `{"code":200,"desc":{"data":[{"accid":"lisi","tempMuted":true}]}}`, []netease.Member{{AccID: "lisi", TempMute: time.Second}}},
		{"JSON in a string", `{"code":200,"desc":"{\"data\":[{\"accid\":\"lisi\"}]}"}`, []netease.Member{{AccID: "lisi"}}},
	}
	for _, tt := range members {
		t.Run(tt.name, func(t *testing.T) {
			got, err := client(roundTrip(func(*http.Request) (*http.Response, error) { return answer(tt.body), nil })).Members(t.Context(), 123, []netease.AccID{"lisi"})
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	for _, body := range []string{`{"code":200}`, `{"code":200,"chatroom":null,"desc":null}`, `{"code":200,"chatroom":"x","desc":"y"}`, `{"code":200,"chatroom":[],"desc":[]}`} {
		t.Run("without what was asked for: "+body, func(t *testing.T) {
			c := client(roundTrip(func(*http.Request) (*http.Response, error) { return answer(body), nil }))
			_, err := c.Room(t.Context(), 123)
			assert.ErrorIs(t, err, netease.ErrNoAnswer)
			_, err = c.Members(t.Context(), 123, []netease.AccID{"lisi"})
			assert.ErrorIs(t, err, netease.ErrNoAnswer)
		})
	}
}

// TestRepeats: what is repeated, how often, where, under which id, and what is known in the end.
func TestRepeats(t *testing.T) {
	type step = func() (*http.Response, error)
	status := func(n int) step {
		return func() (*http.Response, error) { r := answer(""); r.StatusCode = n; return r, nil }
	}
	code := func(n int) step {
		return func() (*http.Response, error) { return answer(fmt.Sprintf(`{"code":%d}`, n)), nil }
	}
	hangUp := func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
	cutOff := func() (*http.Response, error) {
		r := answer("")
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"code`), readError{}))
		return r, nil
	}
	tests := []struct {
		name    string
		steps   []step
		hosts   string
		effect  netease.Effect
		earlier bool
		code    netease.Code
	}{
		{"done at once", []step{code(200)}, "main", netease.Applied, false, 0},
		{"hang-up, then done", []step{hangUp, code(200)}, "main backup", netease.Applied, false, 0},
		{"cut off, then done", []step{cutOff, code(200)}, "main backup", netease.Applied, false, 0},
		{"502 503, then done", []step{status(502), status(503), code(200)}, "main backup main", netease.Applied, false, 0},
		{"504 three times", []step{status(504), status(504), status(504)}, "main backup main", netease.Unclear, false, 0},
		{"hang-up three times", []step{hangUp, hangUp, hangUp}, "main backup main", netease.Unclear, false, 0},
		{"429 is not repeated", []step{status(429)}, "main", netease.Unclear, false, 0},
		{"500 is not repeated", []step{status(500)}, "main", netease.Unclear, false, 0},
		{"code 500 is not repeated", []step{code(500)}, "main", netease.Unclear, false, 500},
		{"code 503 is not repeated", []step{code(503)}, "main", netease.Unclear, false, 503},
		{"a refusal", []step{code(403)}, "main", netease.NotDone, false, 403},
		{"a refusal after a hang-up tells nothing of the first", []step{hangUp, code(403)}, "main backup", netease.Unclear, true, 403},
		{"already so after a hang-up", []step{hangUp, code(417)}, "main backup", netease.Unclear, true, 417},
		{"known after a hang-up", []step{hangUp, code(431)}, "main backup", netease.Unclear, true, 431},
		{"416, then done", []step{code(416), code(200)}, "main main", netease.Applied, false, 0},
		{"416 twice", []step{code(416), code(416)}, "main main", netease.NotDone, false, 416},
		{"hang-up, 416 twice", []step{hangUp, code(416), code(416)}, "main backup backup", netease.Unclear, true, 416},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var hosts, ids, sums []string
				c := client(roundTrip(func(r *http.Request) (*http.Response, error) {
					step := tt.steps[len(hosts)]
					hosts = append(hosts, strings.TrimSuffix(r.URL.Host, ".example"))
					ids, sums = append(ids, r.Header.Get("RequestId")), append(sums, r.Header.Get("CheckSum"))
					return step()
				}))
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				m := mute()
				m.RequestID = "0123456789abcdef0123456789abcdef"
				err := c.TemporaryMute(ctx, m)
				assert.Equal(t, tt.hosts, strings.Join(hosts, " "))
				assert.Equal(t, tt.effect, netease.EffectOf(err), "%v", err)
				for i := range ids {
					assert.Equal(t, m.RequestID, ids[i], "one id for one effect")
					assert.NotContains(t, sums[:i], sums[i], "each attempt is signed anew")
				}
				if tt.code != 0 {
					e, ok := errors.AsType[*netease.Error](err)
					require.True(t, ok, "%v", err)
					assert.Equal(t, tt.earlier, e.Earlier)
					assert.Equal(t, tt.code, e.Code)
				}
			})
		})
	}
}

type readError struct{}

func (readError) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestReadsHaveAnIDEach: a repeated read under one id would be refused as known (431).
func TestReadsHaveAnIDEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nim()
		s.Inject(netease.OpGet, sandbox.Fault{Hangup: sandbox.AfterApplying})
		room, err := client(s).Room(t.Context(), 123)
		require.NoError(t, err)
		assert.Equal(t, netease.Room{ID: 123, Name: "Room 123", Creator: "zhangsan", Open: true}, room)
		assert.Len(t, s.Calls(), 2)
	})
}

// TestDeadlines: an attempt ends after Timeout, a call with its caller's deadline, and never begins an attempt without time for it.
func TestDeadlines(t *testing.T) {
	tests := []struct {
		name     string
		within   time.Duration
		attempts int
		took     time.Duration
	}{
		{"all three attempts", 30 * time.Second, 3, 15*time.Second + 550*time.Millisecond},
		{"two and a part of the third", 12 * time.Second, 3, 12 * time.Second},
		{"a part of the first", time.Second, 1, time.Second},
		{"no time for a second", 5*time.Second + 100*time.Millisecond, 1, 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				c := client(roundTrip(func(r *http.Request) (*http.Response, error) {
					attempts++
					<-r.Context().Done()
					return nil, r.Context().Err()
				}))
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				begun := time.Now()
				err := c.TemporaryMute(ctx, mute())
				assert.ErrorIs(t, err, netease.ErrNoAnswer)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, tt.attempts, attempts)
				assert.Equal(t, tt.took, time.Since(begun))
			})
		})
	}
}

// TestNotSent: what could not be connected was not sent; with one attempt that may have arrived, nobody knows.
func TestNotSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	refusing := "http://" + closed.Addr().String() + "/nimserver"
	require.NoError(t, closed.Close())

	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }))
	defer plain.Close()
	hangingUp := plain.URL + "/nimserver"

	tests := []struct {
		name  string
		bases []string
		is    error
	}{
		{"refused", []string{refusing}, netease.ErrNotSent},
		{"no such host", []string{"http://nowhere.invalid/nimserver"}, netease.ErrNotSent},
		{"a certificate nobody vouches for", []string{untrusted(t)}, netease.ErrNotSent},
		{"hung up", []string{hangingUp}, netease.ErrNoAnswer},
		{"hung up, then refused", []string{hangingUp, refusing, refusing}, netease.ErrNoAnswer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := (&netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: tt.bases}).TemporaryMute(ctx, mute())
			assert.ErrorIs(t, err, tt.is)
			assert.NotContains(t, err.Error(), "http://", "an address may hold a secret")
		})
	}
}

// TestRefusedThenDone: a domain that is down costs nothing but a pause.
func TestRefusedThenDone(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	s := nim()
	server := httptest.NewServer(s)
	defer server.Close()
	c := &netease.Client{AppKey: appKey, AppSecret: appSecret, Bases: []string{"http://" + closed.Addr().String() + "/nimserver", server.URL + "/nimserver"}}
	require.NoError(t, c.TemporaryMute(t.Context(), mute()))
	state, _ := s.State(123)
	for _, m := range state.Members {
		assert.Equal(t, m.AccID == "lisi", m.TempMute > 0, m.AccID)
	}
}

// TestRest: after a 416 nobody calls the interface for ten seconds, others do, and who cannot wait is told.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nim()
		c := client(s)
		s.Inject(netease.OpTemporaryMute, sandbox.Fault{Code: 416})
		short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begun := time.Now()
		err := c.TemporaryMute(short, mute())
		assert.ErrorIs(t, err, netease.CodeTooManyCalls)
		assert.Zero(t, time.Since(begun), "who has no ten seconds is told at once")

		err = c.TemporaryMute(short, mute())
		busy, ok := errors.AsType[*netease.BusyError](err)
		require.True(t, ok, "%v", err)
		assert.ErrorIs(t, err, netease.ErrNotSent)
		assert.Equal(t, netease.NotDone, netease.EffectOf(err))
		assert.Greater(t, busy.Wait, 9*time.Second)

		require.NoError(t, c.MuteRoom(short, netease.MuteRoom{RoomID: 123, Operator: "zhangsan", Mute: true}))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { assert.NoError(t, c.TemporaryMute(t.Context(), mute())) })
		}
		wg.Wait()
		var times []time.Duration
		for _, call := range s.Calls() {
			if call.Op == netease.OpTemporaryMute {
				times = append(times, call.At.Sub(begun))
			}
		}
		require.Len(t, times, 6)
		for _, at := range times[1:] {
			assert.GreaterOrEqual(t, at, 10*time.Second)
		}
	})
}

// TestRestHoldsThoseInLine: who waits for their turn when a 416 comes does not call either.
func TestRestHoldsThoseInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := nim()
		c := client(s)
		c.Rate = 2
		s.Inject(netease.OpGet, sandbox.Fault{Code: 416, Delay: 300 * time.Millisecond})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := c.Room(t.Context(), 123)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		calls := s.Calls()
		for i := range calls[1:] {
			gap := calls[i+1].At.Sub(calls[0].At)
			assert.False(t, gap > 400*time.Millisecond && gap < 10*time.Second, "a call %v after the one that was refused", gap)
		}
	})
}

// TestRate: however many call at once, NetEase meets no more than the rate and a small burst.
func TestRate(t *testing.T) {
	for _, rate := range []float64{0, 5, 90, 95} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := nim()
				c := client(s)
				c.Rate = rate
				var wg sync.WaitGroup
				for range 200 {
					wg.Go(func() {
						_, err := c.Room(t.Context(), 123)
						assert.NoError(t, err, "no 416")
					})
				}
				wg.Wait()
				calls := s.Calls()
				most := 0
				for i := range calls {
					n := 0
					for _, later := range calls[i:] {
						if later.At.Sub(calls[i].At) < time.Second {
							n++
						}
					}
					most = max(most, n)
				}
				if rate == 0 {
					rate = 20
				}
				assert.LessOrEqual(t, most, int(min(rate+5, 96)))
				assert.GreaterOrEqual(t, most, int(rate))
			})
		})
	}
}

// TestStarted: the count of a timer is NetEase's, unless that is missing or absurd; after a repeat it is the repeat's.
func TestStarted(t *testing.T) {
	tests := []struct {
		name  string
		start func(sent time.Time) string
		late  time.Duration
	}{
		{"NetEase tells", func(sent time.Time) string { return fmt.Sprint(sent.Add(2 * time.Second).UnixMilli()) }, 2 * time.Second},
		{"nothing told", func(time.Time) string { return "null" }, 0},
		{"absurd", func(time.Time) string { return "1666597250262" }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent []time.Time
				c := client(roundTrip(func(*http.Request) (*http.Response, error) {
					sent = append(sent, time.Now())
					if len(sent) == 1 {
						return nil, io.EOF
					}
					return answer(`{"code":200,"chatroom":{"roomid":123,"delayInfo":{"delaySeconds":60,"startTime":` + tt.start(time.Now()) + `}}}`), nil
				}))
				got, err := c.UpdateDelayClosePolicy(t.Context(), netease.UpdateDelayClosePolicy{RoomID: 123, Policy: netease.CloseIdle, Delay: time.Minute})
				require.NoError(t, err)
				require.Len(t, sent, 2)
				assert.True(t, got.Equal(sent[1].Add(tt.late)), "%v", got)
			})
		})
	}
}

// TestRestartTooLate: a timer is not set again when the first try is more than two minutes ago.
func TestRestartTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts atomic.Int32
		c := client(roundTrip(func(r *http.Request) (*http.Response, error) {
			attempts.Add(1)
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		c.Timeout = 90 * time.Second
		_, err := c.UpdateDelayClosePolicy(t.Context(), netease.UpdateDelayClosePolicy{RoomID: 123, Policy: netease.CloseIdle, Delay: time.Minute})
		assert.ErrorIs(t, err, netease.ErrNoAnswer)
		assert.EqualValues(t, 2, attempts.Load())
	})
}

// TestSkew: a 414 under a clock that is off says so first.
func TestSkew(t *testing.T) {
	for _, tt := range []struct {
		off  time.Duration
		says bool
	}{{0, false}, {4 * time.Minute, false}, {7 * time.Minute, true}, {-7 * time.Minute, true}} {
		t.Run(tt.off.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sandbox.New(appKey, appSecret, func() time.Time { return time.Now().Add(tt.off) })
				err := client(s).TemporaryMute(t.Context(), mute())
				e, ok := errors.AsType[*netease.Error](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, tt.off, e.Skew)
				if e.Code == netease.CodeInvalid && tt.says {
					assert.Contains(t, e.Explain().Causes[0].English, "7 minutes")
					assert.Contains(t, e.Explain().Causes[0].Chinese, "7 分钟")
				} else {
					assert.False(t, tt.says)
				}
			})
		})
	}
}

// TestNoTime: a caller whose time is over is told so, and nothing is sent.
func TestNoTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := client(roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("something was sent")
		return nil, io.EOF
	})).TemporaryMute(ctx, mute())
	assert.ErrorIs(t, err, netease.ErrNoTime)
	assert.Equal(t, netease.NotDone, netease.EffectOf(err))
}

func TestSecretsDoNotPrint(t *testing.T) {
	c := &netease.Client{AppKey: appKey, AppSecret: appSecret}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, c), appSecret, verb)
	}
}
