package discord

import (
	"context"
	"sync"
	"time"

	"roomwarden/commands"
	"roomwarden/permissions"
)

// A guide is a Guide that says what it is told to say.
type guide struct {
	rooms   []commands.Place
	wrong   map[string]commands.Prose
	denied  commands.Prose // because of the room
	offers  []commands.Suggestion
	of41    []commands.Choice // of the answer to #41
	err     error
	takes   time.Duration
	panics  bool
	who     permissions.Subject // that asked last
	row     string
	filled  map[string]string
	focused string
	typed   string
}

func (g *guide) asked(ctx context.Context, who permissions.Subject, row commands.Command) {
	if g.panics {
		panic("boom")
	}
	g.who, g.row = who, row.Name
	if g.takes > 0 {
		select {
		case <-time.After(g.takes):
		case <-ctx.Done():
		}
	}
}

func (g *guide) Rooms(ctx context.Context, who permissions.Subject, row commands.Command) ([]commands.Place, error) {
	g.asked(ctx, who, row)
	return g.rooms, g.err
}

func (g *guide) Fill(who permissions.Subject, row commands.Command, filled map[string]string, _ string) (string, map[string]commands.Prose) {
	g.asked(context.Background(), who, row)
	g.filled = filled
	if len(g.wrong) > 0 {
		return "", g.wrong
	}
	if g.denied != nil {
		return row.Name + " room=" + filled["room"], map[string]commands.Prose{"room": g.denied}
	}
	return row.Name + " room=" + filled["room"], nil
}

func (g *guide) Suggest(ctx context.Context, who permissions.Subject, row commands.Command, focused, typed string, filled map[string]string, _ string) []commands.Suggestion {
	g.asked(ctx, who, row)
	g.focused, g.typed, g.filled = focused, typed, filled
	return g.offers
}

func (g *guide) Choices(_ context.Context, number int64) ([]commands.Choice, error) {
	if number != 41 {
		return nil, g.err
	}
	return g.of41, g.err
}

// A blocking Guide suggests nothing until it must, and counts how often it was asked at once.
type blocking struct {
	Guide
	mu        sync.Mutex
	now, most int
}

func (b *blocking) Suggest(ctx context.Context, _ permissions.Subject, _ commands.Command, _, _ string, _ map[string]string, _ string) []commands.Suggestion {
	b.mu.Lock()
	b.now++
	b.most = max(b.most, b.now)
	b.mu.Unlock()
	<-ctx.Done()
	b.mu.Lock()
	b.now--
	b.mu.Unlock()
	return nil
}
