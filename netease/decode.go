package netease

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A body is the JSON of an answer. What it carries stands in Desc or in Chatroom, by call; on failure Desc is NetEase's text.
type body struct {
	Code     Code
	Desc     json.RawMessage
	Chatroom json.RawMessage
}

// decode reads an answer as far as its code. An answer without one is no answer.
func decode(raw []byte) (body, error) {
	var wire struct {
		Code     *number         `json:"code"`
		Desc     json.RawMessage `json:"desc"`
		Chatroom json.RawMessage `json:"chatroom"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return body{}, fmt.Errorf("an answer of %d bytes is not the JSON expected", len(raw))
	}
	if wire.Code == nil {
		return body{}, errors.New("the answer has no code")
	}
	return body{Code: Code(*wire.Code), Desc: wire.Desc, Chatroom: wire.Chatroom}, nil
}

const maxDescLength = 200 // characters shown to people

// desc is NetEase's text, fit to be shown: one line, without control characters, shortened. Empty when there is none.
func (b body) desc() string {
	var text string
	if json.Unmarshal(b.Desc, &text) != nil {
		return ""
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }), " ")
	if runes := []rune(text); len(runes) > maxDescLength {
		text = string(runes[:maxDescLength-1]) + "…"
	}
	return text
}

// payload decodes what an answer carries: an object, or the same as JSON text inside a string.
func payload(raw json.RawMessage, into any) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return errors.New("the answer lacks what was asked for")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return errors.New("the answer is not of the form expected")
	}
	return nil
}

// A number is an integer that may come as a JSON number or as a string. null and "" are 0.
type number int64

func (n *number) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	if text == "null" || text == "" {
		*n = 0
		return nil
	}
	i, err := strconv.ParseInt(text, 10, 64)
	*n = number(i)
	return err
}

// A word is text that may be null or, in old answers, a number.
type word string

func (w *word) UnmarshalJSON(raw []byte) error {
	var text string
	if string(raw) == "null" || json.Unmarshal(raw, &text) == nil {
		*w = word(text)
		return nil
	}
	*w = word(raw)
	return nil
}

// A flag is a boolean that may be null, or the word for it in a string.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	*f = strings.Trim(string(raw), `"`) == "true"
	return nil
}

type wireRoom struct {
	RoomID    number          `json:"roomid"`
	Name      word            `json:"name"`
	Creator   word            `json:"creator"`
	Valid     *flag           `json:"valid"` // absent: the room was found, and nothing says that it is closed
	Muted     flag            `json:"muted"`
	Online    *number         `json:"onlineusercount"`
	DelayInfo json.RawMessage `json:"delayInfo"`
}

func (w wireRoom) room() Room {
	r := Room{ID: RoomID(w.RoomID), Name: string(w.Name), Creator: AccID(strings.ToLower(string(w.Creator))), Open: true, Muted: bool(w.Muted), Online: -1}
	if w.Valid != nil {
		r.Open = bool(*w.Valid)
	}
	if w.Online != nil {
		r.Online = int(*w.Online)
	}
	return r
}

type wireMember struct {
	AccID       word   `json:"accid"`
	Type        word   `json:"type"`
	TempMuted   flag   `json:"tempMuted"`
	TempMuteTTL number `json:"tempMuteTtl"` // seconds
}

func (w wireMember) member() Member {
	m := Member{AccID: AccID(strings.ToLower(string(w.AccID))), Type: string(w.Type)}
	if w.TempMuted || w.TempMuteTTL > 0 {
		m.TempMute = time.Duration(min(max(1, w.TempMuteTTL), number(MaxMute/time.Second))) * time.Second
	}
	return m
}
