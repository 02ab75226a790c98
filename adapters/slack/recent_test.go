package slack

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recent
		assert.True(t, r.add("a"))
		assert.False(t, r.add("a"))
		time.Sleep(recentTime)
		assert.False(t, r.add("a"), "the last delivery may be late")
		time.Sleep(time.Second)
		assert.True(t, r.add("a"))
		for i := range maxRecent {
			r.add(fmt.Sprint(i))
		}
		assert.Len(t, r.met, maxRecent)
		assert.Len(t, r.order, maxRecent)
		assert.True(t, r.add("a"), "others have taken its place")
	})
}

// TestPosts: a response_url takes five posts.
func TestPosts(t *testing.T) {
	var p posts
	for range maxPosts {
		assert.True(t, p.add("a"))
	}
	assert.False(t, p.add("a"))
	assert.True(t, p.add("b"))
}

func TestHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h holds
		assert.LessOrEqual(t, h.left("chat.postMessage"), time.Duration(0))
		h.hold("chat.postMessage", 30*time.Second)
		assert.Equal(t, 30*time.Second, h.left("chat.postMessage"))
		assert.LessOrEqual(t, h.left("views.publish"), time.Duration(0), "each method by itself")
	})
}
