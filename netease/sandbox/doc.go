// Package sandbox is an in-memory NetEase: the five interfaces of its chat-room API that the bot calls, behaving as
// NetEase documents them. `bot demo` and the tests stand on it, so it is strict: what it accepts, NetEase should
// accept too; where the pages are silent it takes the less convenient answer. Nothing here was compared with the live
// service.
//
//	nim := sandbox.New("app-key", "example-secret", nil)
//	nim.AddRoom(sandbox.Room{ID: 123, Name: "lobby", Creator: "zhangsan", Common: []netease.AccID{"lisi"}})
//	server := httptest.NewServer(nim)             // over a socket: server.URL + "/nimserver"
//	client := &http.Client{Transport: nim}        // in process: any URL with a path as NetEase's
//
// A call goes through these checks, in this order, and the first that fails is its answer:
//
//  1. path and method: HTTP 404 and 405 (transport.go)
//  2. a fault that a test has asked for (faults.go)
//  3. AppKey, Nonce, CurTime, CheckSum: 414 (request.go)
//  4. the rate limit of the interface: 416 (limits.go)
//  5. a RequestId seen before: 431 (limits.go)
//  6. the form and its parameters, accounts that are not registered: 414 (request.go)
//  7. no such room: 404; room closed: 13002; not the operator's right: 403; already so: 417 (chatroom.go)
//
// Time has no goroutine here: mutes that end and rooms that close by themselves are computed from the clock whenever
// somebody looks.
//
// # Documented by NetEase
//
//   - How to sign, the 5 minutes either side for CurTime, 414 in the body for what is wrong there, the form as content
//     type, HTTP 200 for business errors, "xxxx is empty" for a parameter left out:
//     https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server
//   - The codes: https://doc.commsease.com/en/TM5MzM5Njk/docs/TM5NTk2Mzc
//   - 100 calls a second for each interface, then 416 and 10 s of rest:
//     https://doc.yunxin.163.com/messaging2/concept/TM3MTAxNzE?platform=client
//   - Who may act on whom, fixed members and guests: https://doc.yunxin.163.com/messaging2/guide/Dc4NTY1ODQ?platform=client
//   - Parameters, limits and answers of temporaryMute and muteRoom (the page 聊天室禁言), of updateDelayClosePolicy
//     (设置聊天室定时关闭), of queryMembers (https://doc.commsease.com/messaging/server-apis/zAzMjUxMzc?platform=server);
//     that a second temporary mute replaces the first, that 417 answers a room mute that is so already, that each
//     success of updateDelayClosePolicy starts the count anew, its four states, 13002 and 13009.
//   - Accounts are lower-cased by the server; queryMembers leaves out who is neither online nor fixed.
//
// # Observed by others, in NetEase's demos and in support cases
//
//   - The texts "appkey", "CurTime is illegal", "CurTime is expired", "checksum", "query too fast" and
//     "<accid> not register"; 414 and not 404 for an account that is not registered; the exact form of get's answer,
//     valid:false for a closed room.
//
// # Assumed
//
//   - The order of the checks. That calls with a bad signature do not count for the rate limit, that the second
//     slides, that calls during the 10 s do not prolong them.
//   - 431 as the answer to a RequestId seen before; that ids are kept for 10 minutes, for the whole app, also where the
//     call was refused after check 5; that a call answered 416 has not used its id up. RequestId is optional, at most
//     128 characters. A nonce may be used twice.
//   - The words "<name> is illegal" and "<name> is unknown". No desc at all for 403, 404, 417, 431, 13002 and 13009,
//     whose texts are not known.
//   - HTTP 404 for other paths and 405 for other methods. The content type has to name utf-8. Unknown and repeated
//     parameters, a query string, bodies over 64 KiB and broken encoding are 414. notifyExt may be any text.
//   - delaySeconds is at least 1, and is refused with policy 0. The delayInfo of policy 0 has delaySeconds 0 and the
//     time of the call.
//   - startTime is when the count began; until it has begun for the first time, when the timer was set.
//   - 13009 is for a room made before the app had timed closing; a closed room of that kind is 13002.
//   - 403 for acting on oneself. A temporary mute of somebody absent is accepted, and lasts while they leave and come
//     back; muteDuration 0 for somebody not muted is a success. tempMuteTtl is rounded up.
//   - Rooms that are closed can still be read with get and queryMembers. Closing lifts no mute.
package sandbox
