package commands

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"roomwarden/netease"
)

// A Value is one argument. Which field counts follows from the argument's kind.
type Value struct {
	Word   string // Account, OneOf, Words, Topic; and a room's name
	Room   netease.RoomID
	Length time.Duration
	Yes    bool
	Number int64
}

// text writes a value as the grammar reads it.
func (v Value) text(k Kind) string {
	switch {
	case k == Room && v.Room > 0:
		return formatRoom(v.Room)
	case k == Duration:
		return compact(v.Length)
	case k == YesNo && v.Yes:
		return "yes"
	case k == YesNo:
		return "no"
	case k == Number:
		return strconv.FormatInt(v.Number, 10)
	}
	return Quote(v.Word)
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// tidy is how ids, choices and lengths of time are read: folded, in lower case, without the marks of a chat program or the stop at the
// end of a sentence. An account may end in a full stop, so that one stays there.
func tidy(value string) string {
	return strings.TrimRight(strings.Trim(strings.TrimSpace(strings.ToLower(fold(value))), "`*"), "。;；!?")
}

var roomName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// read reads a word as the argument's kind asks.
func (a Arg) read(row Command, w word) (Value, *Mistake) {
	value := strings.TrimRight(tidy(w.value), ".")
	switch a.Kind {
	case Room:
		return readRoom(value)
	case Account:
		return a.readAccount(row, w)
	case Duration:
		return a.readDuration(row, value)
	case OneOf:
		if !slices.Contains(a.Choices, value) {
			return Value{}, &Mistake{Near: nearest(value, a.Choices), say: sayChoice, values: values{"choices": ids(a.Choices)}}
		}
		return Value{Word: value}, nil
	case Topic:
		value = strings.TrimPrefix(value, "/")
		if _, ok := find(Table, value); !ok {
			return Value{}, &Mistake{Near: nearest(value, names(Table)), say: sayUnknownCommand}
		}
		return Value{Word: value}, nil
	case YesNo:
		switch value {
		case "yes", "y", "true", "on", "1", "是":
			return Value{Yes: true}, nil
		case "no", "n", "false", "off", "0", "否":
			return Value{}, nil
		}
		return Value{}, &Mistake{say: sayYesNo}
	case Number:
		n, err := strconv.ParseInt(strings.TrimPrefix(value, "#"), 10, 64) // #41 is how answers write it
		if err != nil {
			return Value{}, &Mistake{say: sayNumber, values: values{"help": a.Help}}
		}
		return Value{Number: n}, nil
	default: // Words: as typed
		text := plain(w.value)
		if n := utf8.RuneCountInString(text); n > maxWordsLength {
			return Value{}, &Mistake{say: sayWordsLong, values: values{"name": id(a.Name), "most": maxWordsLength, "count": n}}
		}
		return Value{Word: text}, nil
	}
}

func readRoom(value string) (Value, *Mistake) {
	number := strings.TrimPrefix(value, "#")
	if digits(strings.TrimPrefix(number, "-")) {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 1 {
			return Value{}, &Mistake{say: sayRoomRange}
		}
		return Value{Room: netease.RoomID(n)}, nil
	}
	switch {
	case strings.HasPrefix(value, "<#"), strings.HasPrefix(value, "#"):
		return Value{}, &Mistake{say: sayRoomMention}
	case roomName.MatchString(value):
		return Value{Word: value}, nil
	}
	return Value{}, &Mistake{say: sayRoom}
}

func (a Arg) readAccount(row Command, w word) (Value, *Mistake) {
	value := tidy(w.value)
	switch {
	case strings.HasPrefix(value, "<@"), strings.HasPrefix(value, "<#"), strings.HasPrefix(value, "<!"):
		return Value{}, &Mistake{say: sayAccountMention}
	case strings.HasPrefix(value, "@") && !w.quoted:
		return Value{}, &Mistake{say: sayAccountAt, values: values{"example": id(a.Name + "=" + Quote(shorten(value)))}}
	case w.name == "" && !w.quoted && looksMeasured(value):
		return Value{}, &Mistake{say: sayAccountTime, values: values{"command": id(row.Name), "example": id(a.Name + "=" + shorten(value))}}
	}
	account, err := netease.ParseAccID(value)
	if err != nil {
		return Value{}, &Mistake{say: sayAccount, values: values{"signs": id("_ @ . -")}}
	}
	return Value{Word: string(account)}, nil
}

func (a Arg) readDuration(row Command, value string) (Value, *Mistake) {
	m, ok := measure(value)
	if !ok {
		return Value{}, &Mistake{say: sayDuration, values: values{"help": a.Help}}
	}
	switch {
	case m.fault != sound:
		say := map[fault]Text{negative: sayNegative, fractional: sayFractional, unknownUnit: sayUnknownUnit, bareTail: sayBareTail, disordered: sayDisordered}[m.fault]
		return Value{}, &Mistake{Near: m.better, say: say}
	case m.length == 0 && a.Zero != "":
		return Value{}, &Mistake{Near: a.Zero, say: sayZeroMeans, values: values{"command": id(row.Name)}}
	case m.length == 0:
		return Value{}, &Mistake{say: sayZero}
	case m.length > a.Most:
		return Value{}, &Mistake{Near: compact(a.Most), say: sayLonger, values: values{"name": id(a.Name), "most": a.Most}}
	}
	return Value{Length: m.length}, nil
}
