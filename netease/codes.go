package netease

import (
	"fmt"
	"slices"
)

// A Code is the "code" of an answer. It is itself an error: errors.Is(err, netease.CodeNotFound).
type Code int

func (c Code) Error() string { return fmt.Sprintf("code %d", int(c)) }

// The codes that the bot treats by name. All that NetEase lists are in the table below.
const (
	CodeOK           Code = 200
	CodeForbidden    Code = 403
	CodeNotFound     Code = 404
	CodeInvalid      Code = 414
	CodeTooManyCalls Code = 416
	CodeAlready      Code = 417
	CodeRepeated     Code = 431
	CodeRoomClosed   Code = 13002
	CodeNoTimedClose Code = 13009
)

// An Explanation is what people are told of a code. Causes are the likely ones of the call at hand, most likely first.
type Explanation struct {
	Code   Code
	Effect Effect
	What   Text
	Causes []Text
	Next   Text
}

// Explain tells what an answer with this code to this call means; with op "" for all calls together. It explains every number.
func Explain(code Code, op Op) Explanation {
	e := Explanation{Code: code, Effect: Unclear}
	row, ok := find(code)
	if !ok {
		row = unlisted
	}
	e.Effect, e.What, e.Next = row.effect, row.what, row.next
	for _, c := range causes {
		if c.code == code && (op == "" || c.calls == nil || slices.Contains(c.calls, op)) {
			e.Causes = append(e.Causes, c.text)
		}
	}
	return e
}

// Explain tells what the answer means; a clock that NetEase cannot accept comes first among the causes of a 414.
func (e *Error) Explain() Explanation {
	x := Explain(e.Code, e.Op)
	if e.Code == CodeInvalid && e.Skew.Abs() >= maxSkew {
		minutes := int(e.Skew.Abs().Minutes())
		x.Causes = append([]Text{{
			fmt.Sprintf("The clock of the bot's machine differs from NetEase's by %d minutes; 5 are allowed. The administrator must set it (NTP).", minutes),
			fmt.Sprintf("机器人所在机器的时钟与网易云信相差 %d 分钟，最多允许 5 分钟。请管理员校准时间（NTP）。", minutes),
		}}, x.Causes...)
	}
	return x
}

// Codes are all that are listed, in the order of the table.
func Codes() []Code {
	list := make([]Code, 0, len(codes)+len(elsewhere))
	for _, row := range codes {
		list = append(list, row.code)
	}
	return append(list, elsewhere...)
}

type row struct {
	code       Code
	effect     Effect // what the code says about the change
	what, next Text
}

func find(code Code) (row, bool) {
	for _, r := range codes {
		if r.code == code {
			return r, true
		}
	}
	if slices.Contains(elsewhere, code) {
		return otherProduct, true
	}
	if code >= firstCallback && code <= lastCallback {
		return callback, true
	}
	return row{}, false
}
