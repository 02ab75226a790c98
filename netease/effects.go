package netease

import "errors"

// An Effect is what is known about the change a call was to make.
type Effect int

const (
	Applied  Effect = iota // it is in force
	Already                // it was so before
	NotDone                // nothing happened, for certain
	Doubtful               // refused, by a code that is not documented for these calls: look to be sure
	Unclear                // nobody knows: look
)

// EffectOf tells what err, the result of a call, says about its effect. An error that is not of this package is Unclear.
//
// With one attempt, and nothing before it, a code says what its row in the table of codes says, and a failure what its row in Failures
// says. Once an attempt went without an answer, in this call or, where the call is Repeated, in an earlier process, success
// still is Applied; everything else is Unclear: a refusal, "already so" (417), "seen before" (431) or a failure of the later attempt tells
// nothing about the first.
//
// 431 tells that NetEase has seen the RequestId, and not what it made of it, so it is Unclear always.
func EffectOf(err error) Effect {
	if err == nil {
		return Applied
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Earlier {
			return Unclear
		}
		return Explain(e.Code, e.Op).Effect
	}
	if errors.Is(err, ErrNoAnswer) {
		return Unclear
	}
	if errors.Is(err, ErrNotSent) {
		return NotDone
	}
	return Unclear
}

// A Failure is a way for an attempt to end without a code, or not to begin.
type Failure struct {
	What   string // "the connection is refused"
	Effect Effect // when nothing was sent before: NotDone or Unclear; see EffectOf
}

// Failures is the table of them. Whether anything was sent is the question: NetEase acts on a whole request, and a request is on its way
// once its head has gone to the connection. It makes no difference what then keeps the answer away.
func Failures() []Failure {
	return []Failure{
		// The attempt is not made.
		{"a value breaks a documented limit", NotDone},
		{"the base address is no URL", NotDone},
		{"the caller's time is over (ErrNoTime)", NotDone},
		{"the caller gives up before the attempt (ErrNoTime)", NotDone},
		{"too many calls wait already (BusyError)", NotDone},
		{"the interface rests after a 416 (BusyError)", NotDone},
		{"the shared rate limit cannot be asked (ErrNoLimit)", NotDone},
		{"the process may not act (ErrNotReady)", NotDone},

		// There is no connection.
		{"the host's name is not found", NotDone},
		{"the connection is refused", NotDone},
		{"the connection takes too long", NotDone},
		{"the certificate is not trusted", NotDone},
		{"the other side does not speak TLS", NotDone},

		// The request is out.
		{"no answer within the time-out", Unclear},
		{"the caller gives up while the answer is awaited", Unclear},
		{"the connection is reset", Unclear},
		{"the connection is closed before a byte of the answer", Unclear},
		{"the connection is closed within the head of the answer", Unclear},
		{"the connection is closed within the body of the answer", Unclear},
		{"the answer stops half-way", Unclear},
		{"the answer is too long", Unclear},
		{"the answer is no HTTP", Unclear},
		{"the answer is no JSON", Unclear},
		{"the answer is JSON without a code", Unclear},
		{"the answer is a redirect (HTTP 3xx)", Unclear},
		{"the answer is another success than 200 (HTTP 2xx)", Unclear},
		{"the answer is a refusal by HTTP (4xx)", Unclear},
		{"the answer is a failure by HTTP (5xx)", Unclear},
	}
}
