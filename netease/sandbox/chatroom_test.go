package sandbox_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// Every interface with every code it can answer by itself. A refusal changes nothing.
func TestAnswers(t *testing.T) {
	long := strings.Repeat("言", 2049)
	for _, tt := range []struct {
		name, op, form, want string
	}{
		{"mute", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=300", `{"desc":{"muteDuration":300},"code":200}`},
		{"mute by a manager", "temporaryMute", "roomid=123&operator=wangwu&target=lisi&muteDuration=300", `{"desc":{"muteDuration":300},"code":200}`},
		{"mute a manager, by the creator", "temporaryMute", "roomid=123&operator=zhangsan&target=wangwu&muteDuration=1", `{"desc":{"muteDuration":1},"code":200}`},
		{"mute somebody absent", "temporaryMute", "roomid=123&operator=zhangsan&target=test100&muteDuration=1", `{"desc":{"muteDuration":1},"code":200}`},
		{"mute for 30 days", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=2592000", `{"desc":{"muteDuration":2592000},"code":200}`},
		{"mute with notice", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=9&needNotify=false&notifyExt=" + long[:2048*3], `{"desc":{"muteDuration":9},"code":200}`},
		{"unmute", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=0", `{"desc":{"muteDuration":0},"code":200}`},
		{"capitals", "temporaryMute", "roomid=123&operator=ZhangSan&target=LISI&muteDuration=300", `{"desc":{"muteDuration":300},"code":200}`},
		{"mute: too long", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=2592001", `{"code":414,"desc":"muteDuration is illegal"}`},
		{"mute: negative", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=-1", `{"code":414,"desc":"muteDuration is illegal"}`},
		{"mute: no number", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=5m", `{"code":414,"desc":"muteDuration is illegal"}`},
		{"mute: fraction", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=1.5", `{"code":414,"desc":"muteDuration is illegal"}`},
		{"mute: signed number", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=%2B5", `{"code":414,"desc":"muteDuration is illegal"}`},
		{"mute: beyond 64 bits", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=18446744073709551617", `{"code":414,"desc":"muteDuration is illegal"}`},
		{"mute: no duration", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi", `{"code":414,"desc":"muteDuration is empty"}`},
		{"mute: no room", "temporaryMute", "operator=zhangsan&target=lisi&muteDuration=300", `{"code":414,"desc":"roomid is empty"}`},
		{"mute: room 0", "temporaryMute", "roomid=0&operator=zhangsan&target=lisi&muteDuration=300", `{"code":414,"desc":"roomid is illegal"}`},
		{"mute: room beyond 63 bits", "temporaryMute", "roomid=9223372036854775808&operator=zhangsan&target=lisi&muteDuration=300", `{"code":414,"desc":"roomid is illegal"}`},
		{"mute: operator unknown", "temporaryMute", "roomid=123&operator=nobody&target=lisi&muteDuration=300", `{"code":414,"desc":"nobody not register"}`},
		{"mute: target unknown", "temporaryMute", "roomid=123&operator=zhangsan&target=nobody&muteDuration=300", `{"code":414,"desc":"nobody not register"}`},
		{"mute: target is no account", "temporaryMute", "roomid=123&operator=zhangsan&target=li+si&muteDuration=300", `{"code":414,"desc":"target is illegal"}`},
		{"mute: target too long", "temporaryMute", "roomid=123&operator=zhangsan&target=" + strings.Repeat("x", 33) + "&muteDuration=300", `{"code":414,"desc":"target is illegal"}`},
		{"mute: target empty", "temporaryMute", "roomid=123&operator=zhangsan&target=&muteDuration=300", `{"code":414,"desc":"target is empty"}`},
		{"mute: needNotify", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=300&needNotify=1", `{"code":414,"desc":"needNotify is illegal"}`},
		{"mute: needNotify empty", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=300&needNotify=", `{"code":414,"desc":"needNotify is illegal"}`},
		{"mute: notifyExt too long", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=300&notifyExt=" + long, `{"code":414,"desc":"notifyExt is illegal"}`},
		{"mute: a parameter of another call", "temporaryMute", "roomid=123&operator=zhangsan&target=lisi&muteDuration=300&targetAccid=lisi", `{"code":414,"desc":"targetAccid is unknown"}`},
		{"mute: no such room", "temporaryMute", "roomid=404&operator=zhangsan&target=lisi&muteDuration=300", `{"code":404}`},
		{"mute: closed", "temporaryMute", "roomid=456&operator=zhangsan&target=lisi&muteDuration=300", `{"code":13002}`},
		{"mute: closed comes before rights", "temporaryMute", "roomid=456&operator=lisi&target=zhangsan&muteDuration=300", `{"code":13002}`},
		{"mute: by a member", "temporaryMute", "roomid=123&operator=lisi&target=test100&muteDuration=300", `{"code":403}`},
		{"mute: by a stranger", "temporaryMute", "roomid=123&operator=test100&target=lisi&muteDuration=300", `{"code":403}`},
		{"mute: a manager on the creator", "temporaryMute", "roomid=123&operator=wangwu&target=zhangsan&muteDuration=300", `{"code":403}`},
		{"mute: a manager on another", "temporaryMute", "roomid=123&operator=wangwu&target=zhaoliu&muteDuration=0", `{"code":403}`},
		{"mute: oneself", "temporaryMute", "roomid=123&operator=zhangsan&target=zhangsan&muteDuration=300", `{"code":403}`},

		{"mute room", "muteRoom", "roomid=123&operator=zhangsan&mute=true", `{"desc":{"success":true},"code":200}`},
		{"mute room by a manager", "muteRoom", "roomid=123&operator=wangwu&mute=true&needNotify=true&notifyExt={}", `{"desc":{"success":true},"code":200}`},
		{"mute room: so already", "muteRoom", "roomid=123&operator=zhangsan&mute=false", `{"code":417}`},
		{"mute room: neither true nor false", "muteRoom", "roomid=123&operator=zhangsan&mute=True", `{"code":414,"desc":"mute is illegal"}`},
		{"mute room: no mute", "muteRoom", "roomid=123&operator=zhangsan", `{"code":414,"desc":"mute is empty"}`},
		{"mute room: no operator", "muteRoom", "roomid=123&mute=true", `{"code":414,"desc":"operator is empty"}`},
		{"mute room: operator unknown", "muteRoom", "roomid=123&operator=nobody&mute=true", `{"code":414,"desc":"nobody not register"}`},
		{"mute room: unknown parameter", "muteRoom", "roomid=123&operator=zhangsan&mute=true&target=lisi", `{"code":414,"desc":"target is unknown"}`},
		{"mute room: no such room", "muteRoom", "roomid=404&operator=zhangsan&mute=true", `{"code":404}`},
		{"mute room: closed", "muteRoom", "roomid=456&operator=zhangsan&mute=true", `{"code":13002}`},
		{"mute room: by a member", "muteRoom", "roomid=123&operator=lisi&mute=true", `{"code":403}`},
		{"mute room: rights come before 417", "muteRoom", "roomid=123&operator=lisi&mute=false", `{"code":403}`},

		{"close when idle", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=2&delaySeconds=60",
			delayClose(`{"delaySeconds":60,"delayCloseEnable":true,"startTime":1795348800000,"delayClosePolicy":2,"status":1}`)},
		{"close, shortest", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1&delaySeconds=1",
			delayClose(`{"delaySeconds":1,"delayCloseEnable":true,"startTime":1795348800000,"delayClosePolicy":1,"status":1}`)},
		{"close, longest", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1&delaySeconds=604800",
			delayClose(`{"delaySeconds":604800,"delayCloseEnable":true,"startTime":1795348800000,"delayClosePolicy":1,"status":1}`)},
		{"close, no delay given", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1",
			delayClose(`{"delaySeconds":604800,"delayCloseEnable":true,"startTime":1795348800000,"delayClosePolicy":1,"status":1}`)},
		{"close off", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=0",
			delayClose(`{"delaySeconds":0,"delayCloseEnable":false,"startTime":1795348800000,"delayClosePolicy":0,"status":4}`)},
		{"close off with a delay", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=0&delaySeconds=60", `{"code":414,"desc":"delaySeconds is illegal"}`},
		{"close: no delay at all", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1&delaySeconds=0", `{"code":414,"desc":"delaySeconds is illegal"}`},
		{"close: delay too long", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1&delaySeconds=604801", `{"code":414,"desc":"delaySeconds is illegal"}`},
		{"close: delay empty", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1&delaySeconds=", `{"code":414,"desc":"delaySeconds is illegal"}`},
		{"close: policy 3", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=3", `{"code":414,"desc":"delayClosePolicy is illegal"}`},
		{"close: no policy", "updateDelayClosePolicy", "roomid=123", `{"code":414,"desc":"delayClosePolicy is empty"}`},
		{"close: has no operator", "updateDelayClosePolicy", "roomid=123&delayClosePolicy=1&operator=zhangsan", `{"code":414,"desc":"operator is unknown"}`},
		{"close: no such room", "updateDelayClosePolicy", "roomid=404&delayClosePolicy=1", `{"code":404}`},
		{"close: closed", "updateDelayClosePolicy", "roomid=456&delayClosePolicy=1", `{"code":13002}`},
		{"close: room made before the feature", "updateDelayClosePolicy", "roomid=789&delayClosePolicy=1", `{"code":13009}`},

		{"get", "get", "roomid=123",
			`{"chatroom":{"roomid":123,"valid":true,"muted":false,"announcement":null,"name":"room","broadcasturl":"","ext":"","creator":"zhangsan","queuelevel":0,"ionotify":true},"code":200}`},
		{"get with the count", "get", "roomid=123&needOnlineUserCount=true",
			`{"chatroom":{"roomid":123,"valid":true,"muted":false,"announcement":null,"name":"room","broadcasturl":"","onlineusercount":0,"ext":"","creator":"zhangsan","queuelevel":0,"ionotify":true},"code":200}`},
		{"get, the count not wanted, closed", "get", "roomid=456&needOnlineUserCount=false",
			`{"chatroom":{"roomid":456,"valid":false,"muted":false,"announcement":null,"name":"room","broadcasturl":"","ext":"","creator":"zhangsan","queuelevel":0,"ionotify":true},"code":200}`},
		{"get: count neither true nor false", "get", "roomid=123&needOnlineUserCount=yes", `{"code":414,"desc":"needOnlineUserCount is illegal"}`},
		{"get: no room", "get", "", `{"code":414,"desc":"roomid is empty"}`},
		{"get: room is no number", "get", "roomid=lobby", `{"code":414,"desc":"roomid is illegal"}`},
		{"get: unknown parameter", "get", "roomid=123&operator=zhangsan", `{"code":414,"desc":"operator is unknown"}`},
		{"get: no such room", "get", "roomid=404", `{"code":404}`},

		{"members", "queryMembers", `roomid=123&accids=["zhangsan","WangWu","lisi","test100","nobody","lisi"]`,
			`{"desc":{"data":[` +
				`{"roomid":123,"level":0,"nick":"","accid":"zhangsan","type":"CREATOR","onlineStat":false,"ext":null,"avator":null},` +
				`{"roomid":123,"level":0,"nick":"","accid":"wangwu","type":"MANAGER","onlineStat":false,"ext":null,"avator":null},` +
				`{"roomid":123,"level":0,"nick":"","accid":"lisi","type":"COMMON","onlineStat":false,"ext":null,"avator":null}]},"code":200}`},
		{"members of a closed room", "queryMembers", `roomid=456&accids=["lisi"]`,
			`{"desc":{"data":[{"roomid":456,"level":0,"nick":"","accid":"lisi","type":"COMMON","onlineStat":false,"ext":null,"avator":null}]},"code":200}`},
		{"members: none there", "queryMembers", `roomid=123&accids=["test100"]`, `{"desc":{"data":[]},"code":200}`},
		{"members: 200", "queryMembers", "roomid=123&accids=" + names(200), `{"desc":{"data":[]},"code":200}`},
		{"members: 201", "queryMembers", "roomid=123&accids=" + names(201), `{"code":414,"desc":"accids is illegal"}`},
		{"members: nobody", "queryMembers", "roomid=123&accids=[]", `{"code":414,"desc":"accids is illegal"}`},
		{"members: null", "queryMembers", "roomid=123&accids=null", `{"code":414,"desc":"accids is illegal"}`},
		{"members: no array", "queryMembers", "roomid=123&accids=lisi", `{"code":414,"desc":"accids is illegal"}`},
		{"members: trailing comma", "queryMembers", `roomid=123&accids=["lisi",]`, `{"code":414,"desc":"accids is illegal"}`},
		{"members: numbers", "queryMembers", "roomid=123&accids=[1]", `{"code":414,"desc":"accids is illegal"}`},
		{"members: no account", "queryMembers", `roomid=123&accids=["lisi","李四"]`, `{"code":414,"desc":"accids is illegal"}`},
		{"members: no accids", "queryMembers", "roomid=123", `{"code":414,"desc":"accids is empty"}`},
		{"members: unknown parameter", "queryMembers", `roomid=123&accids=["lisi"]&accid=lisi`, `{"code":414,"desc":"accid is unknown"}`},
		{"members: no such room", "queryMembers", `roomid=404&accids=["lisi"]`, `{"code":404}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			before := []sandbox.State{w.state(123), w.state(456), w.state(789)}

			assert.Equal(t, tt.want, w.post(tt.op, tt.form))

			done := strings.Contains(tt.want, `"code":200`)
			assert.Equal(t, sandbox.Call{Op: netease.Op(tt.op), Code: codeOf(t, tt.want), Applied: done}, w.lastCall())
			if !done {
				assert.Equal(t, before, []sandbox.State{w.state(123), w.state(456), w.state(789)})
			}
		})
	}
}

// delayClose is the answer of updateDelayClosePolicy for room 123.
func delayClose(info string) string {
	return `{"code":200,"chatroom":{"valid":true,"ext":"","creator":"zhangsan","name":"room","muted":false,` +
		`"announcement":null,"broadcasturl":"","roomid":123,"queuelevel":0,"delayInfo":` + info + `}}`
}

// names is a JSON array of n accounts that are not there.
func names(n int) string {
	return `["x` + strings.Join(strings.Fields(strings.Repeat("x ", n)), `","x`) + `"]`
}

// codeOf reads the code out of an answer as its text has it.
func codeOf(t *testing.T, answer string) (code int) {
	t.Helper()
	_, after, ok := strings.Cut(answer, `"code":`)
	require.True(t, ok, answer)
	_, err := fmt.Sscanf(after, "%d", &code)
	require.NoError(t, err, answer)
	return code
}

// A mute is one expiry for each account: a second one replaces it, also by a shorter one.
func TestTemporaryMute(t *testing.T) {
	w := newWorld(t)
	w.enter(123, "lisi")
	mute := func(seconds string) {
		t.Helper()
		want := `{"desc":{"muteDuration":` + seconds + `},"code":200}`
		assert.Equal(t, want, w.post("temporaryMute", "roomid=123&operator=zhangsan&target=Lisi&muteDuration="+seconds))
	}
	row := func(mute string) string {
		return `{"desc":{"data":[{"roomid":123,"level":0,"nick":"","accid":"lisi","enterTime":1795348800000,"type":"COMMON",` +
			`"onlineStat":true,"ext":null,"avator":null` + mute + `}]},"code":200}`
	}
	lisi := func() string { return w.post("queryMembers", `roomid=123&accids=["lisi"]`) }

	assert.Equal(t, row(""), lisi())
	mute("300")
	assert.Equal(t, row(`,"tempMuted":true,"tempMuteTtl":300`), lisi())
	w.pass(100*time.Second + time.Millisecond)
	assert.Equal(t, row(`,"tempMuted":true,"tempMuteTtl":200`), lisi(), "rounded up")
	mute("60")
	assert.Equal(t, row(`,"tempMuted":true,"tempMuteTtl":60`), lisi())
	w.pass(60*time.Second - time.Nanosecond)
	assert.Equal(t, row(`,"tempMuted":true,"tempMuteTtl":1`), lisi())
	w.pass(time.Nanosecond)
	assert.Equal(t, row(""), lisi())
	mute("60")
	mute("0")
	assert.Equal(t, row(""), lisi())
}

// A guest under a mute is not listed once they have left, and is still muted when they come back.
func TestGuestLeavesWithAMute(t *testing.T) {
	w := newWorld(t)
	w.enter(123, "test100")
	w.post("temporaryMute", "roomid=123&operator=zhangsan&target=test100&muteDuration=300")
	guest := sandbox.Member{AccID: "test100", Type: sandbox.Guest, Online: true, TempMute: 5 * time.Minute}
	assert.Contains(t, w.state(123).Members, guest)

	w.leave(123, "test100")
	w.pass(time.Minute)
	assert.Equal(t, `{"desc":{"data":[]},"code":200}`, w.post("queryMembers", `roomid=123&accids=["test100"]`))
	guest.Online, guest.TempMute = false, 4*time.Minute
	assert.Contains(t, w.state(123).Members, guest)

	w.enter(123, "test100")
	assert.Equal(t, `{"desc":{"data":[{"roomid":123,"level":0,"nick":"","accid":"test100","enterTime":1795348860000,"type":"TEMPORARY",`+
		`"onlineStat":true,"ext":null,"avator":null,"tempMuted":true,"tempMuteTtl":240}]},"code":200}`,
		w.post("queryMembers", `roomid=123&accids=["test100"]`))

	w.leave(123, "test100")
	w.pass(4 * time.Minute)
	assert.Len(t, w.state(123).Members, 4, "no tie is left")
}

func TestMuteRoom(t *testing.T) {
	w := newWorld(t)
	w.enter(123, "lisi", "test100")
	mute := func(mute string) string { return w.post("muteRoom", "roomid=123&operator=wangwu&mute="+mute) }

	assert.Equal(t, `{"desc":{"success":true},"code":200}`, mute("true"))
	assert.True(t, w.state(123).Muted)
	assert.Equal(t, `{"code":417}`, mute("true"))
	assert.Equal(t, `{"chatroom":{"roomid":123,"valid":true,"muted":true,"announcement":null,"name":"room","broadcasturl":"",`+
		`"onlineusercount":2,"ext":"","creator":"zhangsan","queuelevel":0,"ionotify":true},"code":200}`,
		w.post("get", "roomid=123&needOnlineUserCount=true"))
	assert.Equal(t, `{"desc":{"success":true},"code":200}`, mute("false"))
	assert.False(t, w.state(123).Muted)
	assert.Equal(t, `{"code":417}`, mute("false"))
}

// Who is in a room already came when they came first.
func TestEnterTwice(t *testing.T) {
	w := newWorld(t)
	w.enter(123, "test100")
	w.pass(time.Minute)
	w.enter(123, "test100")
	assert.Equal(t, `{"desc":{"data":[{"roomid":123,"level":0,"nick":"","accid":"test100","enterTime":1795348800000,"type":"TEMPORARY",`+
		`"onlineStat":true,"ext":null,"avator":null}]},"code":200}`, w.post("queryMembers", `roomid=123&accids=["test100"]`))
}

func TestCalls(t *testing.T) {
	w := newWorld(t)
	w.postAs("id-1", "muteRoom", "roomid=123&operator=zhangsan&mute=true")
	w.pass(time.Second)
	w.post("get", "roomid=404")
	assert.Equal(t, []sandbox.Call{
		{Op: netease.OpMuteRoom, RequestID: "id-1", At: noon, Code: 200, Applied: true,
			Form: url.Values{"roomid": {"123"}, "operator": {"zhangsan"}, "mute": {"true"}}},
		{Op: netease.OpGet, At: noon.Add(time.Second), Code: 404, Form: url.Values{"roomid": {"404"}}},
	}, w.nim.Calls())
}

// Those who call for days do not fill the memory: the oldest calls are forgotten.
func TestCallsAreBounded(t *testing.T) {
	w := newWorld(t)
	for range 10_001 {
		w.pass(10 * time.Millisecond)
		w.post("get", "roomid=123")
	}
	calls := w.nim.Calls()
	assert.Len(t, calls, 5_001)
	assert.Equal(t, noon.Add(100_010*time.Millisecond), calls[5_000].At)
	assert.Equal(t, noon.Add(50_010*time.Millisecond), calls[0].At)
}
