package commands

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// units are how people write lengths of time, the largest first. The first name of each is how the bot writes it.
var units = []struct {
	size    time.Duration
	chinese string
	names   []string
}{
	{7 * 24 * time.Hour, "周", []string{"w", "week", "weeks", "wk", "wks", "周", "星期", "个星期", "礼拜"}},
	{24 * time.Hour, "天", []string{"d", "day", "days", "天", "日"}},
	{time.Hour, "小时", []string{"h", "hr", "hrs", "hour", "hours", "小时", "个小时", "时", "钟头", "个钟头"}},
	{time.Minute, "分钟", []string{"m", "min", "mins", "minute", "minutes", "分钟", "分"}},
	{time.Second, "秒", []string{"s", "sec", "secs", "second", "seconds", "秒", "秒钟"}},
}

// A measured is a word read as a length of time.
type measured struct {
	length time.Duration // at most tooLong
	units  bool          // it has a unit: "300s", not "300"
	fault  fault
	better string // how to write what was probably meant; may be empty
}

// tooLong is what lengths beyond every limit are read as.
const tooLong = 100 * 365 * 24 * time.Hour

type fault int

const (
	sound       fault = iota
	negative          // "-5m"
	fractional        // "1.5h"
	unknownUnit       // "5x", "3 months"
	bareTail          // "1h30": 30 what?
	disordered        // "30m1h", "1h1h"
)

// measure reads a folded, lower-case word as a length of time: digits, for seconds, or numbers with units, the largest
// unit first. ok is false when the word does not begin like one.
func measure(word string) (m measured, ok bool) {
	rest := strings.TrimPrefix(joined(arabic(word)), "+")
	if minus := strings.TrimPrefix(rest, "-"); minus != rest {
		m.fault, rest = negative, minus
	}
	if rest == "" || !isDigit(rune(rest[0])) {
		return m, false
	}
	next := 0 // the next unit must be this one or a smaller one
	for rest != "" {
		number := rest[:span(rest, func(r rune) bool { return isDigit(r) || r == '.' || r == ',' })]
		rest = rest[len(number):]
		unit := rest[:span(rest, func(r rune) bool { return !isDigit(r) && r != '.' && r != ',' })]
		rest = rest[len(unit):]

		place := len(units) - 1 // seconds, when no unit is given
		switch {
		case unit != "":
			m.units = true
			if place = unitOf(unit); place < 0 {
				m.flaw(unknownUnit)
				return m, true
			}
			if place < next {
				m.flaw(disordered)
			}
			next = place + 1
		case m.units: // "1h30" most likely means the next smaller unit
			m.flaw(bareTail)
			place = min(next, place)
		}
		if strings.ContainsAny(number, ".,") {
			m.flaw(fractional)
		}
		n, err := strconv.ParseFloat(strings.Replace(number, ",", ".", 1), 64)
		if errors.Is(err, strconv.ErrSyntax) {
			return m, true
		}
		// Seconds up to tooLong are whole numbers that a float64 holds exactly.
		seconds := min(n*units[place].size.Seconds(), tooLong.Seconds())
		if seconds != math.Trunc(seconds) {
			return m, true
		}
		m.length = min(tooLong, m.length+time.Duration(seconds)*time.Second)
	}
	if m.fault != sound && 0 < m.length && m.length < tooLong {
		m.better = compact(m.length)
	}
	return m, true
}

// joined takes the spaces out of "3 days" and "1 h 30 m" that were given as one word. Two numbers in a row stay two.
func joined(word string) string {
	pieces := strings.Fields(word)
	for i, piece := range pieces[min(len(pieces), 1):] {
		if before := pieces[i]; isDigit(rune(before[len(before)-1])) && isDigit(rune(piece[0])) {
			return word
		}
	}
	return strings.Join(pieces, "")
}

// arabic writes Chinese numbers and halves in digits: 五分钟 is 5分钟, 半小时 30分钟, 1个半小时 and 1小时半 are 1小时30分钟.
func arabic(word string) string {
	word = chineseNumber.ReplaceAllStringFunc(word, func(s string) string { return strconv.Itoa(readChinese(s)) })
	for unit, half := range map[string]string{"天": "12小时", "小时": "30分钟", "分钟": "30秒"} {
		for _, form := range []string{"个半" + unit, "个" + unit + "半", unit + "半"} {
			if before, ok := strings.CutSuffix(word, form); ok {
				return before + unit + half
			}
		}
		for _, form := range []string{"半个" + unit, "半" + unit} {
			if word == form {
				return half
			}
		}
	}
	return word
}

var chineseNumber = regexp.MustCompile(`[一二两三四五六七八九十]+`)

// readChinese reads 一 to 九十九; what is none of these is 0, which no length of time may be.
func readChinese(s string) int {
	digit := map[rune]int{'一': 1, '二': 2, '两': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9}
	tens, ones, found := strings.Cut(s, "十")
	if !found {
		tens, ones = "", s
	}
	value := func(s string, empty int) (int, bool) {
		r := []rune(s)
		if len(r) == 0 {
			return empty, true
		}
		return digit[r[0]], len(r) == 1 && digit[r[0]] > 0
	}
	t, ok1 := value(tens, map[bool]int{true: 1}[found])
	o, ok2 := value(ones, 0)
	if !ok1 || !ok2 {
		return 0
	}
	return 10*t + o
}

// flaw notes what is wrong; the first finding stays.
func (m *measured) flaw(f fault) {
	if m.fault == sound {
		m.fault = f
	}
}

func unitOf(name string) int {
	for i, u := range units {
		for _, n := range u.names {
			if n == name {
				return i
			}
		}
	}
	return -1
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// span is the length in bytes of the longest beginning of s whose runes all match.
func span(s string, match func(rune) bool) int {
	for i, r := range s {
		if !match(r) {
			return i
		}
	}
	return len(s)
}

// looksMeasured tells of a bare word that nobody would take for anything but a length of time: a number with units.
func looksMeasured(word string) bool {
	m, ok := measure(word)
	return ok && m.units && m.fault != unknownUnit
}

// compact writes a length as the grammar reads it: "1d12h", "29m50s", "0s".
func compact(d time.Duration) string {
	return written(d, 1, func(i int) string { return units[i].names[0] })
}

// length writes a length for people: "29m50s" or "29分钟50秒", to the second.
func length(l Language, d time.Duration) string {
	if l == Chinese {
		return written(d, 1, func(i int) string { return units[i].chinese })
	}
	return compact(d)
}

// written writes a length from its units, of those from the first one on. Weeks are written as days.
func written(d time.Duration, first int, name func(int) string) string {
	d = d.Round(time.Second)
	if d <= 0 {
		return "0" + name(len(units)-1)
	}
	var b strings.Builder
	for i := first; i < len(units); i++ {
		if n := d / units[i].size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, name(i))
			d -= n * units[i].size
		}
	}
	return b.String()
}

// digits tells whether s is digits alone.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// ParseLength reads a length of time as the grammar does: "300", "24h", "7d", "2天". The error is for people, in English.
func ParseLength(s string) (time.Duration, error) {
	value, mistake := Arg{Name: "length", Kind: Duration, Most: tooLong, Help: Text{English: "24h, 7d, …"}}.readDuration(Command{}, tidy(s))
	if mistake != nil {
		mistake.Word = s
		return 0, errors.New(mistake.problem(English).String())
	}
	return value.Length, nil
}
