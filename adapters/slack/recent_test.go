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
		assert.Len(t, r.known, maxRecent)
		assert.Len(t, r.order, maxRecent)
		assert.True(t, r.add("a"), "others have taken its place")
	})
}

// TestTally: a response_url takes five posts, and nothing is kept of it for longer than it is good.
func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var y tally
		for range maxPosts {
			assert.True(t, y.add("a"))
		}
		assert.False(t, y.add("a"))
		assert.True(t, y.add("b"))
		time.Sleep(replyTime + time.Second)
		assert.True(t, y.add("c"))
		assert.Len(t, y.posts, 1)
		assert.Len(t, y.order, 1)
	})
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
