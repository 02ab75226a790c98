package netease_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/netease"
	"roomwarden/netease/sandbox"
)

// TestProbe: each domain for itself; the key is good wherever a signed read was understood, room or no room.
func TestProbe(t *testing.T) {
	good := httptest.NewServer(nim())
	defer good.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	off := httptest.NewServer(sandbox.New(appKey, appSecret, func() time.Time { return time.Now().Add(time.Hour) }))
	defer off.Close()

	probe := func(secret, base string, room netease.RoomID) netease.Probe {
		c := &netease.Client{AppKey: appKey, AppSecret: secret, Bases: []string{base + "/nimserver/"}}
		probes := c.Probe(t.Context(), room)
		require.Len(t, probes, 1)
		assert.Equal(t, base+"/nimserver", probes[0].Base)
		return probes[0]
	}
	for _, room := range []netease.RoomID{123, 999} {
		p := probe(appSecret, good.URL, room)
		assert.NoError(t, p.Health)
		assert.NoError(t, p.Key)
		assert.Positive(t, p.Latency)
		assert.True(t, p.Dated)
		assert.LessOrEqual(t, p.Skew.Abs(), time.Second)
	}
	p := probe("another", good.URL, 123)
	assert.NoError(t, p.Health)
	assert.ErrorIs(t, p.Key, netease.CodeInvalid)

	p = probe(appSecret, closed.URL, 123)
	assert.Error(t, p.Health)
	assert.ErrorIs(t, p.Key, netease.ErrNotSent)
	assert.False(t, p.Dated)

	p = probe(appSecret, page.URL, 123)
	assert.ErrorContains(t, p.Health, "404")
	assert.ErrorIs(t, p.Key, netease.ErrNoAnswer)

	p = probe(appSecret, off.URL, 123)
	assert.NoError(t, p.Health)
	assert.InDelta(t, time.Hour, p.Skew, float64(2*time.Second))
	assert.ErrorIs(t, p.Key, netease.CodeInvalid)
}

// TestObserve: every attempt is told, with where it went and what came of it.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := []func() (*http.Response, error){
			func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
			func() (*http.Response, error) { r := answer(""); r.StatusCode = 502; return r, nil },
			func() (*http.Response, error) { time.Sleep(time.Second); return answer(`{"code":403}`), nil },
			func() (*http.Response, error) { return answer(`{"code":200}`), nil },
			func() (*http.Response, error) { return answer(`garbage`), nil },
		}
		n := 0
		c := client(roundTrip(func(*http.Request) (*http.Response, error) { n++; return steps[n-1]() }))
		var got []string
		c.Observe = func(a netease.Attempt) {
			got = append(got, strings.Join([]string{string(a.Op), a.Domain, a.Result, a.Took.String()}, " "))
		}
		for range 3 {
			c.TemporaryMute(context.Background(), mute())
		}
		assert.Equal(t, []string{"temporaryMute main.example no_answer 0s", "temporaryMute backup.example http_502 0s", "temporaryMute main.example 403 1s",
			"temporaryMute main.example 200 0s", "temporaryMute main.example no_answer 0s"}, got)
	})
}
