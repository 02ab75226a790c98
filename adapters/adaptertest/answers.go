package adaptertest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/commands"
)

// A Mishap is a Platform on which answers can get lost.
type Mishap interface {
	Platform
	// HangUp has somebody type a line and hangs up before the first response: nobody reads that one.
	HangUp(t *testing.T, line string)
	// Fail says what messages after the first responses meet from now on.
	Fail(f Failure)
	// Deliver is the adapter's.
	Deliver(ctx context.Context, l commands.Late) error
}

// A Failure is what a late message meets.
type Failure int

const (
	None    Failure = iota
	Broken          // nothing gets through at the moment: HTTP 500, whatever is asked
	Gone            // the platform knows the address no more; people, and channels, may be reached otherwise
	Nowhere         // nor can they be reached otherwise
)

// enough is longer than any adapter tries to give a late answer by itself.
const enough = time.Minute

// A telling is one call of Answered.
type telling struct {
	number    int64
	delivered bool
}

// A journal is what the adapter's surroundings have heard.
type journal struct {
	mu       sync.Mutex
	tellings []telling
	request  commands.Request // the last one
}

func (j *journal) told() []telling {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.tellings
}

func (j *journal) last() commands.Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.request
}

// answering is with for an adapter that is told Answered.
func (s Suite) answering(t *testing.T, handle commands.Handler, test func(t *testing.T, p Platform, j *journal)) {
	t.Helper()
	j := new(journal)
	asked := func(ctx context.Context, req commands.Request) commands.Reply {
		j.mu.Lock()
		j.request = req
		j.mu.Unlock()
		return handle(ctx, req)
	}
	answered := func(number int64, delivered bool) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.tellings = append(j.tellings, telling{number, delivered})
	}
	s.Start = func(t *testing.T, handle commands.Handler, log *slog.Logger) Platform {
		return s.Answers(t, handle, answered, log)
	}
	s.with(t, asked, func(t *testing.T, p Platform) { test(t, p, j) })
}

func outcome() commands.Reply {
	return commands.Reply{Tone: commands.Failed, Language: commands.English, Number: 41, Text: commands.Prose{{Text: "the outcome"}}}
}

// after answers when took is over, having written the request down as number at once.
func after(took time.Duration, number int64, r commands.Reply) commands.Handler {
	return func(_ context.Context, req commands.Request) commands.Reply {
		if req.Accepted != nil && number != 0 {
			req.Accepted(number)
		}
		if req.Allowed != nil {
			req.Allowed(r.Public)
		}
		time.Sleep(took)
		return r
	}
}

func (s Suite) acknowledged(t *testing.T) {
	for _, number := range []int64{0, 41} {
		s.with(t, after(10*time.Second, number, outcome()), func(t *testing.T, p Platform) {
			m := p.Type(t, "mute 123 lisi 5m")
			if s.Terminal { // all there is to read in one
				assert.Contains(t, m.Text, commands.Acknowledgement(commands.English, number).Text.String())
				assert.Contains(t, m.Text, "the outcome")
				return
			}
			if m.Raw != nil {
				s.Check(t, m.Raw)
				assert.True(t, m.Private)
				assert.Contains(t, m.Text, commands.Acknowledgement(commands.English, number).Text.String())
				assert.Equal(t, number == 41, strings.Contains(m.Text, "#41"))
			}
		})
	}
}

func (s Suite) answered(t *testing.T) {
	repeat, unnumbered := outcome(), outcome()
	repeat.Repeat, unnumbered.Number = true, 0
	const slow = 10 * time.Second
	for _, test := range []struct {
		name   string
		reply  commands.Reply
		took   time.Duration
		hangUp bool
		fail   Failure
		late   int // messages after the first response that hold the outcome
		want   []telling
	}{
		{"in the first response", outcome(), 0, false, None, 0, []telling{{41, true}}},
		{"in the first response, while nothing else gets through", outcome(), 0, false, Broken, 0, []telling{{41, true}}},
		{"without a number", unnumbered, 0, false, None, 0, nil},
		{"by another delivery", repeat, 0, false, None, 0, nil},
		{"late", outcome(), slow, false, None, 1, []telling{{41, true}}},
		{"late, without a number", unnumbered, slow, false, None, 1, nil},
		{"late, by another delivery", repeat, slow, false, None, 0, nil},
		{"late, and not delivered", outcome(), slow, false, Broken, 0, []telling{{41, false}}},
		{"late, and the address is gone", outcome(), slow, false, Nowhere, 0, []telling{{41, false}}},
		{"after a hang-up", outcome(), time.Second, true, None, 1, []telling{{41, true}}},
		{"at once, to nobody", outcome(), 0, true, None, 1, []telling{{41, true}}},
		{"after a hang-up, and not delivered", outcome(), time.Second, true, Broken, 0, []telling{{41, false}}},
		{"at once, to nobody, and not delivered", outcome(), 0, true, Broken, 0, []telling{{41, false}}},
	} {
		if s.Terminal && (test.hangUp || test.took != 0 || test.fail != None) {
			continue
		}
		if s.Fixed && test.hangUp {
			test.late, test.want = 0, []telling{{41, false}}
		}
		t.Run(test.name, func(t *testing.T) {
			s.answering(t, after(test.took, test.reply.Number, test.reply), func(t *testing.T, p Platform, j *journal) {
				if !s.Terminal {
					p.(Mishap).Fail(test.fail)
				}
				if test.hangUp {
					p.(Mishap).HangUp(t, "mute 123 lisi 5m")
				} else {
					p.Type(t, "mute 123 lisi 5m")
				}
				time.Sleep(slow + enough)
				synctest.Wait()
				assert.Equal(t, test.want, j.told())
				assert.Len(t, saying(p.Late(t), "the outcome"), test.late)
			})
		})
	}
}

// saying are the messages that say something.
func saying(all []Message, what string) (some []Message) {
	for _, m := range all {
		if strings.Contains(m.Text, what) {
			some = append(some, m)
		}
	}
	return some
}

func (s Suite) address(t *testing.T) {
	s.answering(t, after(0, 41, outcome()), func(t *testing.T, p Platform, j *journal) {
		p.Type(t, "mute 123 lisi 5m")
		req := j.last()
		assert.NotEmpty(t, string(req.ReplyTo))
		left := req.ReplyBy.Sub(req.At)
		assert.Less(t, left, s.ReplyFor, "a little before the platform says no")
		assert.Greater(t, left, s.ReplyFor-2*time.Minute)
	})
}

func (s Suite) delivered(t *testing.T) {
	public := outcome()
	public.Tone, public.Public = commands.Done, true
	over := func(l *commands.Late) { l.By = time.Now() }
	report := func(l *commands.Late) { l.Report = true }
	reportOver := func(l *commands.Late) { report(l); over(l) }
	for _, test := range []struct {
		name    string
		reply   commands.Reply
		change  func(*commands.Late)
		fail    Failure
		want    error // nil; ErrNowhere; errAgain: any other
		private bool  // of what arrives
	}{
		{"what was done", public, func(*commands.Late) {}, None, nil, false},
		{"what failed", outcome(), func(*commands.Late) {}, None, nil, true},
		{"besides another one", outcome(), func(l *commands.Late) { l.More = true }, None, nil, true},
		{"besides another one, to everyone", public, func(l *commands.Late) { l.More = true }, None, nil, false},
		{"when the address is over", public, over, None, s.otherwise(), true},
		{"when the address is forgotten", public, func(l *commands.Late) { l.To, l.By = "", time.Time{} }, None, s.otherwise(), true},
		{"when the platform knows the address no more", public, func(*commands.Late) {}, Gone, s.otherwise(), true},
		{"when there is nowhere left", public, func(*commands.Late) {}, Nowhere, commands.ErrNowhere, false},
		{"when the address is over and there is nowhere left", public, over, Nowhere, commands.ErrNowhere, false},
		{"what the bot did by itself", public, report, None, nil, false},
		{"what the bot did by itself, when the address is over", public, reportOver, None, nil, false},
		{"what the bot did by itself, when the platform knows the address no more", public, report, Gone, nil, false},
		{"what the bot did by itself, when it may not speak in the channel", public, reportOver, Nowhere, commands.ErrNowhere, false},
		{"what the bot did by itself, when nothing gets through", public, report, Broken, errAgain, false},
		{"when nothing gets through", public, func(*commands.Late) {}, Broken, errAgain, false},
	} {
		first := outcome()
		first.Public = s.Fixed && test.reply.Public
		t.Run(test.name, func(t *testing.T) {
			s.answering(t, after(0, 41, first), func(t *testing.T, p Platform, j *journal) {
				p.Type(t, "mute 123 lisi 5m")
				synctest.Wait()
				asked := j.last()
				late := commands.Late{To: asked.ReplyTo, By: asked.ReplyBy, Who: asked.Who, Where: asked.Where, Reply: test.reply}
				late.Reply.Text = commands.Prose{{Text: "found out later"}}
				test.change(&late)
				p.(Mishap).Fail(test.fail)
				err := p.(Mishap).Deliver(t.Context(), late)
				switch test.want {
				case errAgain:
					require.Error(t, err)
					assert.NotErrorIs(t, err, commands.ErrNowhere)
				default:
					require.ErrorIs(t, err, test.want)
				}
				if err != nil {
					assert.NotContains(t, err.Error(), string(asked.ReplyTo))
					for _, secret := range p.Secrets() {
						assert.NotContains(t, err.Error(), secret)
					}
				}
				arrived := saying(p.Late(t), "found out later")
				assert.Len(t, j.told(), 1, "of the first answer; who calls Deliver knows of this one")
				if test.want != nil {
					assert.Empty(t, arrived)
					return
				}
				require.Len(t, arrived, 1)
				s.Check(t, arrived[0].Raw)
				assert.Contains(t, arrived[0].Text, "#41")
				assert.Equal(t, test.private, arrived[0].Private)
				if late.More || late.Report {
					assert.False(t, arrived[0].Replaces)
				}
			})
		})
	}
}

// errAgain stands for an error that is not ErrNowhere.
var errAgain = errors.New("another error")

// otherwise is what comes of an answer whose address is over.
func (s Suite) otherwise() error {
	if s.Otherwise {
		return nil
	}
	return commands.ErrNowhere
}
