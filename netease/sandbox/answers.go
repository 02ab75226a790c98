package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"roomwarden/netease"
)

// The codes used here.
//
// https://doc.commsease.com/en/TM5MzM5Njk/docs/TM5NTk2Mzc
const (
	codeOK           = 200
	codeForbidden    = 403
	codeNotFound     = 404
	codeParameter    = 414
	codeTooFast      = 416
	codeAlready      = 417
	codeRepeated     = 431
	codeClosed       = 13002
	codeNoTimedClose = 13009
)

// A refusal is an answer other than 200.
type refusal struct {
	Code int    `json:"code"`
	Desc string `json:"desc,omitempty"` // left out where nobody knows NetEase's words
}

// A described answer has its payload in desc.
type described struct {
	Desc any `json:"desc"`
	Code int `json:"code"`
}

func muteDurationAnswer(seconds int64) described {
	return described{struct {
		MuteDuration int64 `json:"muteDuration"`
	}{seconds}, codeOK}
}

func successAnswer() described {
	return described{struct {
		Success bool `json:"success"`
	}{true}, codeOK}
}

// delayCloseAnswer has its fields in the order of the page's sample, which is not that of get.
func delayCloseAnswer(r *room) any {
	type delayInfo struct {
		DelaySeconds     int64               `json:"delaySeconds"`
		DelayCloseEnable bool                `json:"delayCloseEnable"`
		StartTime        int64               `json:"startTime"` // ms
		DelayClosePolicy netease.ClosePolicy `json:"delayClosePolicy"`
		Status           Status              `json:"status"`
	}
	type chatroom struct {
		Valid        bool           `json:"valid"`
		Ext          string         `json:"ext"`
		Creator      netease.AccID  `json:"creator"`
		Name         string         `json:"name"`
		Muted        bool           `json:"muted"`
		Announcement *string        `json:"announcement"`
		BroadcastURL string         `json:"broadcasturl"`
		RoomID       netease.RoomID `json:"roomid"`
		QueueLevel   int            `json:"queuelevel"`
		DelayInfo    delayInfo      `json:"delayInfo"`
	}
	return struct {
		Code     int      `json:"code"`
		Chatroom chatroom `json:"chatroom"`
	}{codeOK, chatroom{
		Valid: r.open, Creator: r.creator, Name: r.name, Muted: r.muted, RoomID: r.id,
		DelayInfo: delayInfo{
			DelaySeconds:     int64(r.timer.Delay / time.Second),
			DelayCloseEnable: r.timer.Policy != netease.CloseOff,
			StartTime:        r.timer.Start.UnixMilli(),
			DelayClosePolicy: r.timer.Policy,
			Status:           r.timer.Status,
		},
	}}
}

// roomAnswer tells of a room, with the number of people in it if that was asked for.
func roomAnswer(r *room, count bool) any {
	type chatroom struct {
		RoomID          netease.RoomID `json:"roomid"`
		Valid           bool           `json:"valid"`
		Muted           bool           `json:"muted"`
		Announcement    *string        `json:"announcement"`
		Name            string         `json:"name"`
		BroadcastURL    string         `json:"broadcasturl"`
		OnlineUserCount *int           `json:"onlineusercount,omitempty"`
		Ext             string         `json:"ext"`
		Creator         netease.AccID  `json:"creator"`
		QueueLevel      int            `json:"queuelevel"`
		IONotify        bool           `json:"ionotify"`
	}
	c := chatroom{RoomID: r.id, Valid: r.open, Muted: r.muted, Name: r.name, Creator: r.creator, IONotify: true}
	if count {
		online := len(r.online)
		c.OnlineUserCount = &online
	}
	return struct {
		Chatroom chatroom `json:"chatroom"`
		Code     int      `json:"code"`
	}{c, codeOK}
}

// membersAnswer has a row for each of ids that is online or fixed, in the order asked, each once.
func membersAnswer(r *room, ids []netease.AccID, now time.Time) described {
	type row struct {
		RoomID      netease.RoomID `json:"roomid"`
		Level       int            `json:"level"`
		Nick        string         `json:"nick"`
		AccID       netease.AccID  `json:"accid"`
		EnterTime   int64          `json:"enterTime,omitempty"` // ms
		Type        string         `json:"type"`
		OnlineStat  bool           `json:"onlineStat"`
		Ext         *string        `json:"ext"`
		Avator      *string        `json:"avator"`
		TempMuted   bool           `json:"tempMuted,omitempty"`
		TempMuteTTL int64          `json:"tempMuteTtl,omitempty"` // s
	}
	rows := []row{} // never null
	told := make(map[netease.AccID]bool)
	for _, id := range ids {
		since, online := r.online[id]
		_, fixed := r.fixed[id]
		if told[id] || !online && !fixed {
			continue
		}
		told[id] = true
		m := row{RoomID: r.id, AccID: id, Type: r.typeOf(id), OnlineStat: online}
		if online {
			m.EnterTime = since.UnixMilli()
		}
		if until, muted := r.mutes[id]; muted {
			m.TempMuted = true
			m.TempMuteTTL = int64((until.Sub(now) + time.Second - 1) / time.Second)
		}
		rows = append(rows, m)
	}
	return described{struct {
		Data []row `json:"data"`
	}{rows}, codeOK}
}

// A page is an HTTP answer.
type page struct {
	status      int
	contentType string // empty: none
	allow       string // the method that would have been right; empty: does not matter
	body        []byte
}

// jsonPage is an answer of NetEase's own.
func jsonPage(answer any) page {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // the shapes above are strings, numbers and booleans
	}
	return page{status: http.StatusOK, contentType: typeJSON, body: body}
}

// htmlPage is what the servers in front of NetEase say.
func htmlPage(status int) page {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return page{status: status, contentType: typeHTML, body: fmt.Appendf(nil,
		"<html><head><title>%s</title></head><body><h1>%[1]s</h1></body></html>", title)}
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeHTML = "text/html; charset=utf-8"
)
