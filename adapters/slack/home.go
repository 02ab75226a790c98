package slack

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"roomwarden/commands"
	"roomwarden/permissions"
)

const (
	homeTime  = 10 * time.Second // for what a Home tab shows to be gathered
	homeTries = 3                // to publish one that somebody has opened
	homeUntil = 20 * time.Second // for all of them
)

// homes lets one Home tab of a person be drawn at a time, so that the newest is what they see. The zero value is ready.
type homes struct {
	mu    sync.Mutex
	turns map[string]*drawing // by person, of those whose Home tab is being drawn or waits for it
}

type drawing struct {
	taken chan struct{} // has room for one
	wait  int           // how many have it or wait for it
}

// enter waits for the person's turn; leave must be called after a nil error, which is ctx's.
func (h *homes) enter(ctx context.Context, person string) (leave func(), err error) {
	h.mu.Lock()
	if h.turns == nil {
		h.turns = make(map[string]*drawing)
	}
	t := h.turns[person]
	if t == nil {
		t = &drawing{taken: make(chan struct{}, 1)}
		h.turns[person] = t
	}
	t.wait++
	h.mu.Unlock()
	gone := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if t.wait--; t.wait == 0 {
			delete(h.turns, person)
		}
	}
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; gone() }, nil
	case <-ctx.Done():
		gone()
		return nil, ctx.Err()
	}
}

// busy tells whether a Home tab of the person is being drawn.
func (h *homes) busy(person string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.turns[person] != nil
}

// openHome draws the Home tab of somebody who has opened it, in the background.
func (a *Adapter) openHome(who permissions.Subject) {
	if a.Guide == nil || a.homes.busy(who.ID()) {
		return
	}
	life, _, end, err := a.running.begin("home:"+who.ID(), who.ID())
	if err != nil {
		a.logTurned(a.Log.With("team", who.Space, "user", who.User), err)
		return
	}
	go func() {
		defer end()
		a.guarded(func() {
			ctx, cancel := context.WithTimeout(life, homeUntil)
			defer cancel()
			_, err := backoff.Retry(ctx, func() (struct{}, error) {
				err := a.showHome(ctx, who, nil)
				if isOver(err) {
					err = backoff.Permanent(err)
				}
				return struct{}{}, err
			}, backoff.WithMaxTries(homeTries), backoff.WithMaxElapsedTime(homeUntil))
			if err != nil {
				a.Log.Warn("slack: a Home tab could not be shown", "user", who.User, "error", err)
			}
		})
	}()
}

// showHome draws the Home tab of somebody as it is now, with an answer at its top when there is one.
//
// https://docs.slack.dev/reference/methods/views.publish
func (a *Adapter) showHome(ctx context.Context, who permissions.Subject, news *commands.Reply) error {
	if a.Guide == nil {
		return commands.ErrNowhere
	}
	leave, err := a.homes.enter(ctx, who.ID())
	if err != nil {
		return err
	}
	defer leave()
	gathering, cancel := context.WithTimeout(ctx, homeTime)
	defer cancel()
	who, locale := a.identify(gathering, who)
	h, err := a.Guide.Home(gathering, who, locale)
	if err != nil {
		a.Log.Error("slack: a Home tab without the journal", "error", err)
	}
	_, err = a.showView(ctx, "views.publish", struct {
		User string `json:"user_id"`
		View view   `json:"view"`
	}{who.User, drawHome(h, news, err != nil, time.Now())})
	return err
}

// What a Home tab says by itself.
var (
	homeActive  = commands.Text{English: "In force now", Chinese: "当前生效"}
	homeMine    = commands.Text{English: "Your last commands", Chinese: "你最近的操作"}
	homeHelp    = commands.Text{English: "What you may do", Chinese: "你可以使用的命令"}
	homeNone    = commands.Text{English: "None yet.", Chinese: "暂无。"}
	homeAsOf    = commands.Text{English: "As of", Chinese: "更新于"}
	homeTrouble = commands.Text{
		English: "The journal cannot be read at the moment, so something is missing here.",
		Chinese: "暂时无法读取操作记录，因此此处内容不完整。"}
)

// drawHome makes a Home tab. It keeps Slack's limits: of the longest it has half the blocks that there may be.
func drawHome(h commands.Home, news *commands.Reply, trouble bool, at time.Time) view {
	v := view{Type: "home"}
	add := func(blocks ...any) { v.Blocks = append(v.Blocks, blocks...) }
	say := func(s string) {
		pages, _ := pack([]string{s}, maxAllBlocks)
		for _, page := range pages {
			add(section(page))
		}
	}
	if news != nil {
		for _, b := range draw(*news).Blocks {
			add(b)
		}
		add(block{Type: "divider"})
	}
	who := []string{marked(h.Who.Text)}
	for _, f := range h.Who.Fields {
		who = append(who, fieldLine(h.Language, f))
	}
	say(strings.Join(who, "\n"))
	if b, _ := buttons(h.Forms, false); len(b.Elements) > 0 {
		b.ID = "forms"
		add(b)
	}
	if !h.Stranger {
		add(headline(homeActive.In(h.Language)))
		for i, item := range h.Active {
			say(marked(item.Text))
			if b, _ := buttons(item.Choices, false); len(b.Elements) > 0 {
				b.ID = fmt.Sprint("active-", i)
				add(b)
			}
		}
		if len(h.More) > 0 {
			add(note(marked(h.More)))
		}
		if trouble {
			add(note(homeTrouble.In(h.Language)))
		}
		add(headline(homeMine.In(h.Language)))
		var mine []string
		for _, p := range h.Mine {
			mine = append(mine, marked(p))
		}
		if len(mine) == 0 && !trouble {
			mine = []string{homeNone.In(h.Language)}
		}
		say(strings.Join(mine, "\n"))
	}
	if len(h.Commands) > 0 {
		add(headline(homeHelp.In(h.Language)))
		var lines []string
		for _, f := range h.Commands {
			lines = append(lines, fieldLine(h.Language, f))
		}
		say(strings.Join(lines, "\n"))
	}
	add(note(homeAsOf.In(h.Language) + " " + marked(commands.Prose{{Time: at}})))
	return v
}
