package sandbox_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

func TestState(t *testing.T) {
	w := newWorld(t)
	w.nim.AddRoom(sandbox.Room{ID: 1600849147, Name: "lobby", Creator: "ZhangSan", Managers: []netease.AccID{"WangWu"}, Muted: true})
	w.enter(1600849147, "WANGWU", "lisi", "test101")
	w.post("temporaryMute", "roomid=1600849147&operator=zhangsan&target=zhaoliu&muteDuration=60")
	state := w.state(1600849147)

	w.leave(1600849147, "lisi", "zhaoliu")
	w.pass(time.Hour)
	assert.Equal(t, sandbox.State{
		ID: 1600849147, Name: "lobby", Creator: "zhangsan", Open: true, Muted: true,
		Online: []netease.AccID{"lisi", "test101", "wangwu"},
		Members: []sandbox.Member{
			{AccID: "lisi", Type: sandbox.Guest, Online: true},
			{AccID: "test101", Type: sandbox.Guest, Online: true},
			{AccID: "wangwu", Type: sandbox.Manager, Online: true},
			{AccID: "zhangsan", Type: sandbox.Creator},
			{AccID: "zhaoliu", Type: sandbox.Guest, TempMute: time.Minute},
		},
	}, state, "as it was then")
	assert.Equal(t, []netease.AccID{"test101", "wangwu"}, w.state(1600849147).Online)

	_, ok := w.nim.State(404)
	assert.False(t, ok)
}

func TestEnterAndLeave(t *testing.T) {
	w := newWorld(t)
	assert.EqualError(t, w.nim.Enter(404, "lisi"), "enter room 404: no such room")
	assert.EqualError(t, w.nim.Enter(456, "lisi"), "enter room 456: it is closed")
	assert.EqualError(t, w.nim.Enter(123, "lisi", "nobody"), "enter room 123: nobody is not registered")
	assert.Empty(t, w.state(123).Online, "all or nobody")
	assert.EqualError(t, w.nim.Leave(404, "lisi"), "leave room 404: no such room")

	w.enter(123, "lisi", "LISI")
	assert.Equal(t, []netease.AccID{"lisi"}, w.state(123).Online)
	w.leave(123, "Lisi", "wangwu")
	assert.Empty(t, w.state(123).Online)
}

// Each row is what happens after a timer of 60 s was set at noon, and how it stands in the end.
func TestDelayClose(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	pass := func(s int) func(*world) {
		return func(w *world) { w.pass(time.Duration(s) * time.Second) }
	}
	enter := func(who netease.AccID) func(*world) { return func(w *world) { w.enter(123, who) } }
	leave := func(who netease.AccID) func(*world) { return func(w *world) { w.leave(123, who) } }
	set := func(form string) func(*world) {
		return func(w *world) { w.post("updateDelayClosePolicy", "roomid=123&delayClosePolicy="+form) }
	}
	const fixed, idle = netease.CloseFixed, netease.CloseIdle
	timer := func(policy netease.ClosePolicy, start time.Time, status sandbox.Status, closes time.Time) sandbox.Timer {
		return sandbox.Timer{Policy: policy, Delay: time.Minute, Start: start, Status: status, ClosesAt: closes}
	}
	type steps []func(*world)

	for _, tt := range []struct {
		name  string
		steps steps
		open  bool
		want  sandbox.Timer
	}{
		{"never set", steps{pass(1e6)}, true, sandbox.Timer{}},
		{"fixed, just set", steps{set("1&delaySeconds=60")}, true, timer(fixed, at(0), sandbox.Started, at(60))},
		{"fixed, counts with people inside", steps{enter("lisi"), set("1&delaySeconds=60"), pass(59)}, true, timer(fixed, at(0), sandbox.Started, at(60))},
		{"fixed, closes on them", steps{enter("lisi"), set("1&delaySeconds=60"), pass(60)}, false, timer(fixed, at(0), sandbox.Done, at(60))},
		{"fixed, they come and go", steps{set("1&delaySeconds=60"), pass(20), enter("lisi"), pass(20), leave("lisi"), pass(20)}, false,
			timer(fixed, at(0), sandbox.Done, at(60))},
		{"fixed, set again", steps{set("1&delaySeconds=60"), pass(40), set("1&delaySeconds=60"), pass(40)}, true, timer(fixed, at(40), sandbox.Started, at(100))},
		{"fixed, a bad call does not start it anew", steps{set("1&delaySeconds=60"), pass(40), set("1&delaySeconds=x"), pass(40)}, false,
			timer(fixed, at(0), sandbox.Done, at(60))},
		{"too late to set again", steps{set("1&delaySeconds=60"), pass(60), set("1&delaySeconds=60")}, false, timer(fixed, at(0), sandbox.Done, at(60))},
		{"off", steps{set("1&delaySeconds=60"), pass(40), set("0"), pass(40)}, true,
			sandbox.Timer{Policy: netease.CloseOff, Start: at(40), Status: sandbox.Cancelled}},
		{"idle in an empty room", steps{set("2&delaySeconds=60"), pass(59)}, true, timer(idle, at(0), sandbox.Started, at(60))},
		{"idle in an empty room, due", steps{set("2&delaySeconds=60"), pass(60)}, false, timer(idle, at(0), sandbox.Done, at(60))},
		{"idle with people inside", steps{enter("lisi"), set("2&delaySeconds=60"), pass(1e6)}, true, timer(idle, at(0), sandbox.Waiting, time.Time{})},
		{"idle, one of two leaves", steps{enter("lisi"), enter("wangwu"), set("2&delaySeconds=60"), pass(30), leave("lisi"), pass(1e6)}, true,
			timer(idle, at(0), sandbox.Waiting, time.Time{})},
		{"idle, the last one leaves", steps{enter("lisi"), set("2&delaySeconds=60"), pass(30), leave("lisi"), pass(59)}, true,
			timer(idle, at(30), sandbox.Started, at(90))},
		{"idle, nobody comes back", steps{enter("lisi"), set("2&delaySeconds=60"), pass(30), leave("lisi"), pass(60)}, false,
			timer(idle, at(30), sandbox.Done, at(90))},
		{"idle, somebody comes back", steps{set("2&delaySeconds=60"), pass(30), enter("lisi"), pass(60)}, true, timer(idle, at(0), sandbox.Waiting, time.Time{})},
		{"idle, back and gone: from the beginning", steps{set("2&delaySeconds=60"), pass(30), enter("lisi"), pass(5), leave("lisi"), pass(59)}, true,
			timer(idle, at(35), sandbox.Started, at(95))},
		{"idle, leaving twice does not start it anew", steps{set("2&delaySeconds=60"), pass(30), leave("lisi"), pass(29)}, true,
			timer(idle, at(0), sandbox.Started, at(60))},
		{"idle becomes fixed", steps{enter("lisi"), set("2&delaySeconds=60"), pass(30), set("1&delaySeconds=60"), pass(59)}, true,
			timer(fixed, at(30), sandbox.Started, at(90))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			for _, step := range tt.steps {
				step(w)
			}
			state := w.state(123)
			assert.Equal(t, tt.want, state.Timer)
			assert.Equal(t, tt.open, state.Open)
			if !tt.open {
				assert.Empty(t, state.Online, "everyone is out")
			}
		})
	}
}

// What the wire says of a timer that waits, and of a room that has closed by itself.
func TestDelayCloseAnswers(t *testing.T) {
	w := newWorld(t)
	w.enter(123, "lisi")
	assert.Equal(t, delayClose(`{"delaySeconds":60,"delayCloseEnable":true,"startTime":1795348800000,"delayClosePolicy":2,"status":2}`),
		w.post("updateDelayClosePolicy", "roomid=123&delayClosePolicy=2&delaySeconds=60"))
	w.leave(123, "lisi")
	w.pass(time.Minute)
	assert.Equal(t, `{"chatroom":{"roomid":123,"valid":false,"muted":false,"announcement":null,"name":"room","broadcasturl":"",`+
		`"onlineusercount":0,"ext":"","creator":"zhangsan","queuelevel":0,"ionotify":true},"code":200}`,
		w.post("get", "roomid=123&needOnlineUserCount=true"))
	assert.Equal(t, `{"code":13002}`, w.post("muteRoom", "roomid=123&operator=zhangsan&mute=true"))
	assert.EqualError(t, w.nim.Enter(123, "lisi"), "enter room 123: it is closed")
}

// Many at once: each change is seen once. The race detector watches the rest.
func TestManyGoroutines(t *testing.T) {
	w := newWorld(t)
	var mutes, others sync.WaitGroup
	for range 50 {
		mutes.Go(func() { w.post("muteRoom", "roomid=123&operator=zhangsan&mute=true") })
		others.Go(func() {
			_ = w.nim.Enter(123, "lisi")
			w.nim.Calls()
			w.nim.State(123)
			w.pass(time.Millisecond)
			_ = w.nim.Leave(123, "lisi")
		})
	}
	mutes.Wait()
	others.Wait()
	applied := 0
	for _, c := range w.nim.Calls() {
		if c.Applied {
			applied++
		}
	}
	assert.Equal(t, 1, applied)
	assert.Len(t, w.nim.Calls(), 50)
}
