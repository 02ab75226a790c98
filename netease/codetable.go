package netease

import "time"

// The status codes, in the order of NetEase's list, and what a moderator is told. Where an effect is Doubtful the code is a refusal
// whose meaning for chat-room calls is not documented; where it is Unclear nobody can tell without looking.
//
// https://doc.commsease.com/en/TM5MzM5Njk/docs/TM5NTk2Mzc
var codes = []row{
	{CodeOK, Applied,
		Text{"NetEase has done it.", "网易云信已执行。"},
		Text{"Nothing to do.", "无需处理。"}},
	{201, Unclear,
		Text{"NetEase says that the client's version is too old. That is not an answer meant for chat rooms.", "网易云信提示客户端版本过低，这不是聊天室接口应有的返回。"},
		askAdministrator},
	{301, Doubtful,
		Text{"NetEase says that the account is banned.", "网易云信提示账号已被封禁。"},
		Text{"Tell the bot's administrator: NetEase's console shows which account it is.", "请告知机器人管理员，在网易云信控制台查看是哪个账号。"}},
	{302, Doubtful,
		Text{"NetEase does not accept the bot's credentials.", "网易云信不接受机器人的凭证。"},
		Text{"Tell the bot's administrator: App Key and App Secret must be checked.", "请告知机器人管理员检查 App Key 和 App Secret。"}},
	{315, Doubtful,
		Text{"NetEase does not accept calls from the bot's address.", "网易云信不接受来自机器人服务器地址的请求。"},
		Text{"Tell the bot's administrator: the address must be on the IP allowlist in NetEase's console.", "请告知机器人管理员，在网易云信控制台把该地址加入 IP 白名单。"}},
	{CodeForbidden, NotDone,
		Text{"NetEase does not allow this.", "网易云信不允许此操作。"},
		Text{"Check who created and who manages the room. If that is in order, ask the bot's administrator.", "请确认聊天室的创建者和管理员是谁；如果没有问题，请联系机器人管理员。"}},
	{CodeNotFound, NotDone,
		Text{"NetEase knows no such room or account.", "网易云信找不到该聊天室或账号。"},
		Text{"Check the room number and the spelling of the account. A room that was closed may be gone.", "请核对聊天室 ID 和账号拼写；已关闭的聊天室可能已不存在。"}},
	{405, Doubtful,
		Text{"NetEase finds a value too long.", "网易云信提示参数过长。"},
		Text{"Shorten the reason or the name and try again.", "请缩短原因或名称后重试。"}},
	{408, Unclear,
		Text{"NetEase ran out of time.", "网易云信处理超时。"},
		lookFirst},
	{CodeInvalid, NotDone,
		Text{"NetEase did not accept a value.", "网易云信不接受某个参数。"},
		Text{"Check the spelling. If NetEase's own words speak of a clock, a key or a checksum, tell the bot's administrator.", "请先核对拼写。如果网易云信的原文提到时间、密钥或校验和，请告知机器人管理员。"}},
	{415, Unclear,
		Text{"NetEase has no server for this room at the moment.", "网易云信暂时没有可用的聊天室服务器。"},
		lookFirst},
	{CodeTooManyCalls, NotDone,
		Text{"There were too many calls of this kind to NetEase; it refuses them all for 10 seconds.", "此类请求过于频繁，网易云信将暂停受理 10 秒。"},
		Text{"Try again in 10 seconds. If it happens often, tell the bot's administrator: the customer's own servers share this limit.", "请 10 秒后再试。如果经常出现，请告知机器人管理员：该限额与贵公司自己的服务器共用。"}},
	{CodeAlready, Already,
		Text{"It was already so.", "当前已经是这个状态。"},
		Text{"Nothing to do.", "无需处理。"}},
	{419, NotDone,
		Text{"A limit of NetEase's is reached.", "已达到网易云信的数量上限。"},
		Text{"A room holds 1000 fixed members, muted and banned ones among them: remove old entries. If it is about the number of rooms, ask the administrator.", "一个聊天室最多有 1000 名固定成员（包括被禁言和拉黑的成员），请清理旧的名单；如果是聊天室数量超限，请联系管理员。"}},
	{422, Doubtful,
		Text{"NetEase says that an account is disabled.", "网易云信提示账号已被禁用。"},
		Text{"Check which one: the account named, or the one the bot acts as.", "请确认是目标账号还是机器人的操作账号被禁用。"}},
	{423, Doubtful,
		Text{"NetEase says that the account is muted in the whole app, not just in this room.", "网易云信提示该账号在整个应用内被禁言，不只是本聊天室。"},
		Text{"Tell the bot's administrator: such a mute is lifted elsewhere.", "请告知机器人管理员，这类禁言需要在别处解除。"}},
	{CodeRepeated, Unclear,
		Text{"NetEase has seen this very request before.", "网易云信已收到过同一个请求。"},
		lookFirst},
	{500, Unclear,
		Text{"NetEase had an internal error.", "网易云信内部出错。"},
		lookFirst},
	{501, Unclear,
		Text{"NetEase's database failed.", "网易云信的数据库操作失败。"},
		lookFirst},
	{503, Unclear,
		Text{"NetEase is overloaded.", "网易云信服务繁忙。"},
		lookFirst},
	{514, Unclear,
		Text{"NetEase's service is not available.", "网易云信服务不可用。"},
		lookFirst},
	{997, Unclear,
		Text{"NetEase says that the protocol is no longer valid.", "网易云信提示协议已失效。"},
		askAdministrator},
	{998, Unclear,
		Text{"NetEase could not read the request.", "网易云信解析请求失败。"},
		askAdministrator},
	{999, Unclear,
		Text{"NetEase could not write its answer.", "网易云信生成响应失败。"},
		askAdministrator},
	{13001, Unclear,
		Text{"NetEase's main connection is in an abnormal state.", "网易云信 IM 主连接状态异常。"},
		askAdministrator},
	{CodeRoomClosed, NotDone,
		Text{"The room is closed, or not in a state to be changed.", "聊天室已关闭或状态异常。"},
		Text{"Its creator must open it again, or make a new room.", "请由创建者重新开启聊天室，或新建一个。"}},
	{13003, Doubtful,
		Text{"NetEase says that the account is on the room's blocklist.", "网易云信提示该账号在聊天室黑名单中。"},
		Text{"The account cannot enter the room as it is. Look at the room's members before you go on.", "该账号目前无法进入聊天室，请先查看聊天室成员情况。"}},
	{13004, Doubtful,
		Text{"NetEase says that the account is on the room's mute list.", "网易云信提示该账号在聊天室禁言名单中。"},
		Text{"The account cannot speak in the room as it is.", "该账号目前无法在聊天室发言。"}},
	{13005, Doubtful,
		Text{"NetEase's spam filter stopped a nickname, a picture or another detail of a member.", "聊天室昵称、头像或扩展字段被反垃圾拦截。"},
		Text{"Ask the member to change it, or the bot's administrator about the filter.", "请让该成员修改，或联系机器人管理员查看反垃圾配置。"}},
	{13006, Doubtful,
		Text{"The whole room is muted; only its creator and managers may speak.", "聊天室处于整体禁言状态，只有创建者和管理员能发言。"},
		Text{"End that first: unmuteroom.", "请先解除整体禁言：unmuteroom。"}},
	{13007, Unclear,
		Text{"NetEase does not say publicly what this code means.", "网易云信没有公开说明该状态码的含义。"},
		askAdministrator},
	{13008, Unclear,
		Text{"NetEase does not say publicly what this code means.", "网易云信没有公开说明该状态码的含义。"},
		askAdministrator},
	{CodeNoTimedClose, NotDone,
		Text{"Closing by itself is not switched on for this room.", "该聊天室未开启定时关闭（聊天室自动销毁）功能。"},
		Text{"The administrator switches 聊天室自动销毁 on in NetEase's console. Only rooms made after that can use it.", "请管理员在网易云信控制台开通“聊天室自动销毁”；仅对开通之后创建的聊天室生效。"}},
}

// Codes 20000 to 20099 are set by the customer's own callback.
const firstCallback, lastCallback Code = 20000, 20099

var (
	callback = row{effect: Doubtful,
		what: Text{"Your own company's check, which NetEase asks first, refused this.", "贵公司自己的第三方回调拒绝了此操作。"},
		next: Text{"Ask the team that runs it, with this number.", "请带上这个数字联系负责该回调的团队。"}}

	otherProduct = row{effect: Unclear,
		what: Text{"This code belongs to another product of NetEase's (messages, teams, calls, sign-up), not to chat rooms.", "该状态码属于网易云信的其他产品（消息、群组、通话、注册等），不是聊天室的状态码。"},
		next: askAdministrator}

	unlisted = row{effect: Unclear,
		what: Text{"This code is not on NetEase's list.", "该状态码不在网易云信公布的列表中。"},
		next: askAdministrator}

	askAdministrator = Text{"Look at the room before you try again, and give the bot's administrator the reference number.", "重试之前请先查看聊天室状态，并把编号告知机器人管理员。"}
	lookFirst        = Text{"Do not repeat it before it is clear whether it happened.", "在确认是否生效之前，请不要重复操作。"}
)

// elsewhere are the codes of NetEase's other products: messages and SMS, teams, calls, signalling, sign-up.
var elsewhere = []Code{
	406, 413, 418, 508, 509, 1000, 7101,
	801, 802, 803, 804, 805, 806, 807, 808, 809, 810, 811, 812, 813, 814, 815, 816,
	9102, 9103, 11001,
	10201, 10202, 10404, 10405, 10406, 10407, 10408, 10409, 10410, 10417, 10419, 10420,
	10431, 10432, 10433, 10434, 10435, 10436, 10437, 10438, 10441,
}

// NetEase takes a CurTime this far from its own clock, either way.
//
// https://doc.commsease.com/messaging/server-apis/jk3MzY2MTI?platform=server
const maxSkew = 5 * time.Minute

// causes are the likely reasons of the codes that have many, most likely first; calls is nil for all.
var causes = []struct {
	code  Code
	calls []Op
	text  Text
}{
	{CodeForbidden, []Op{OpTemporaryMute, OpMuteRoom},
		Text{"The account the bot acts as is neither the room's creator nor one of its managers.", "机器人的操作账号不是该聊天室的创建者或管理员。"}},
	{CodeForbidden, []Op{OpTemporaryMute},
		Text{"The target is the room's creator, or a manager: only the creator acts on managers.", "目标是聊天室的创建者或管理员：只有创建者能操作管理员。"}},
	{CodeForbidden, []Op{OpUpdateDelayClosePolicy},
		Text{"Closing by itself is not enabled for the app.", "应用未开通聊天室定时关闭功能。"}},
	{CodeForbidden, nil,
		Text{"For the administrator: the chat-room feature is off, the key belongs to another region, or the company's own callback refused.", "请管理员检查：聊天室功能未开通、密钥属于其他区域，或公司自己的回调拒绝了请求。"}},
	{CodeInvalid, []Op{OpTemporaryMute, OpQueryMembers},
		Text{"No account has this name (a misspelt account is 414, not 404).", "没有这个账号（账号拼错时返回 414，而不是 404）。"}},
	{CodeInvalid, []Op{OpTemporaryMute, OpMuteRoom},
		Text{"The account the bot acts as is not registered.", "机器人的操作账号未注册。"}},
	{CodeInvalid, []Op{OpUpdateDelayClosePolicy},
		Text{"The room's owner is not a registered account.", "聊天室的所有者账号未注册。"}},
	{CodeInvalid, nil,
		Text{"For the administrator: App Key, App Secret or the clock of the bot's machine is wrong.", "请管理员检查：App Key、App Secret 或机器人所在机器的时钟有误。"}},
}
