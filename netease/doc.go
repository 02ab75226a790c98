// Package netease asks NetEase IM (网易云信) about chat rooms: it signs, limits, sends and repeats the calls
// of the server API, and tells in typed errors what came of them. It knows nobody of ours.
//
// # Signing
//
// Each attempt is a POST of a form to {base}/chatroom/{op}.action with the headers AppKey, Nonce, CurTime (UTC
// seconds), CheckSum (lower-case hex SHA1 of AppSecret + Nonce + CurTime) and RequestId. NetEase takes a CurTime
// within five minutes of its own clock, so every attempt is signed anew. The body is not signed: TLS protects it.
//
// # Answers
//
// Success is code 200 in the JSON body and nothing else. Any other code is an *Error, which unwraps to its Code:
// errors.Is(err, CodeNotFound). No usable answer is ErrNoAnswer when the request may have arrived, and ErrNotSent
// when it certainly did not. EffectOf puts the one question that matters to any of them: is the change in force? Its tables are that of
// the codes and Failures.
//
// # Repeating
//
// Connect errors, HTTP 502, 503 and 504, time-outs and hang-ups are repeated at most twice, on the next base,
// inside the caller's deadline and under the same RequestId, by which NetEase knows a repeated effect (answer 431). A code
// is an answer and is never repeated, but for 416 (too many calls), once, after the interface's ten seconds
// of rest. What a later attempt says holds for that attempt alone: Error.Earlier tells that an earlier one
// may have arrived.
//
// A process that takes over the work of another cannot know whether that one has sent anything. It calls again under the same RequestId and says
// Repeated. The call then is as one whose first attempt got no answer: whatever it ends with but success, it never is NotDone.
//
// # Limits
//
// NetEase allows 100 calls a second for each interface, shared with the customer's own servers, and blocks the
// interface for ten seconds for everybody when there are more. A Client stays at its Rate and rests after a 416. Processes
// that call for the same application at the same time share a Limiter: one queue for each interface, and one rest. Where the Limiter cannot be asked nothing is
// sent, reads included.
//
// The public pages: calling https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server,
// codes https://doc.commsease.com/en/TM5MzM5Njk/docs/TM5NTk2Mzc,
// limits https://doc.yunxin.163.com/messaging2/concept/TM3MTAxNzE?platform=client.
package netease
