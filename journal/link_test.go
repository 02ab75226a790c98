package journal_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"roomwarden/journal"
)

// notInTheChain are the fields of an entry that its hash leaves out.
var notInTheChain = map[string]string{
	"Deliveries": "counts on when the entry is closed",
	"Resume":     "forgotten when the entry is closed",
	"ReplyTo":    "forgotten when the entry is closed",
	"ReplyBy":    "says how long ReplyTo is good for, which is forgotten",
	"Open":       "an entry in the chain is closed",
	"Seal":       "the link has its own, which is in the hash",
}

func TestVerifyFindsEveryAlteredField(t *testing.T) {
	for i := range reflect.TypeFor[journal.Entry]().NumField() {
		name := reflect.TypeFor[journal.Entry]().Field(i).Name
		t.Run(name, func(t *testing.T) {
			links := chained(journal.Link{}, keptMany(4)...)
			alter(t, reflect.ValueOf(&links[1].Entry).Elem().Field(i))
			c := tampered{links: links}
			if notInTheChain[name] != "" {
				_, _, err := journal.Verify(t.Context(), c, links[3])
				assert.NoError(t, err)
				return
			}
			broken(t, 2, c, journal.Link{})
		})
	}
	for name := range notInTheChain {
		_, is := reflect.TypeFor[journal.Entry]().FieldByName(name)
		assert.True(t, is, "%s is no field", name)
	}
}

// alter makes the smallest change that the journal would keep.
func alter(t *testing.T, field reflect.Value) {
	switch v := field.Interface().(type) {
	case time.Time:
		field.Set(reflect.ValueOf(v.Add(time.Microsecond)))
	case time.Duration:
		field.Set(reflect.ValueOf(v + time.Microsecond))
	case []byte:
		field.SetBytes(append(v, 0))
	default:
		switch field.Kind() {
		case reflect.String:
			field.SetString(field.String() + "\x00")
		case reflect.Int, reflect.Int64:
			field.SetInt(field.Int() + 1)
		case reflect.Bool:
			field.SetBool(!field.Bool())
		default:
			require.Fail(t, "no such kind of field is known here", "%s", field.Kind())
		}
	}
}

func TestVerifyFindsWhatMovedFromFieldToField(t *testing.T) {
	for _, c := range []struct {
		name string
		move func(e *journal.Entry)
	}{
		{"one letter", func(e *journal.Entry) { e.Space, e.Channel = "T0123C", "0789" }},
		{"the whole of it", func(e *journal.Entry) { e.Target, e.Reason = "", "lisispam" }},
		{"numbers", func(e *journal.Entry) { e.Room, e.Code = 200, 123 }},
		{"times", func(e *journal.Entry) { e.Until, e.Duration = e.At.Add(4*time.Minute), e.Duration+time.Minute }},
	} {
		links := chained(journal.Link{}, keptMany(2)...)
		c.move(&links[0].Entry)
		t.Run(c.name, func(t *testing.T) { broken(t, 1, tampered{links: links}, journal.Link{}) })
	}
}

// What is noted today must hold in years: the hash of an entry never changes.
func TestTheHashStaysAsItIs(t *testing.T) {
	links := chained(journal.Link{}, kept(41), journal.Entry{})
	assert.Equal(t, "1:b18e3c82364ff4e601a357b29b3a5220f1c9c62384b6249d62514fc4f68831c0", links[0].String())
	assert.Equal(t, "2:82251d3fb0a4652b885b63dbb37e83bf0d19dbb7b07c1a02dc4e4ce06afd1f59", links[1].String())
}

func TestParseLink(t *testing.T) {
	sum := strings.Repeat("0f", 32)
	for _, c := range []struct {
		in   string
		want string // empty: an error
	}{
		{"812:" + sum, "812:" + sum},
		{" 812:" + sum + "\n", "812:" + sum},
		{"812:" + strings.ToUpper(sum), "812:" + sum},
		{"0:" + sum, "0:" + sum},
		{"9223372036854775807:" + sum, "9223372036854775807:" + sum},
		{"9223372036854775808:" + sum, ""},
		{"-1:" + sum, ""},
		{"", ""},
		{":", ""},
		{"812", ""},
		{"812:", ""},
		{":" + sum, ""},
		{sum, ""},
		{"812:" + sum[2:], ""},
		{"812:" + sum[1:], ""},
		{"812:" + sum + "00", ""},
		{"812:" + sum[2:] + "0g", ""},
		{"812: " + sum, ""},
		{"812:" + sum + ":1", ""},
		{"八一二:" + sum, ""},
	} {
		l, err := journal.ParseLink(c.in)
		if c.want == "" {
			assert.Error(t, err, "%q", c.in)
			assert.Equal(t, journal.Link{}, l, "%q", c.in)
			continue
		}
		require.NoError(t, err, "%q", c.in)
		assert.Equal(t, c.want, l.String(), "%q", c.in)
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add("812:" + strings.Repeat("5f", 32))
	f.Add(" +1:" + strings.Repeat("FF", 32) + "\r\n")
	f.Add("-1:00")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := journal.ParseLink(s)
		if err != nil {
			assert.Equal(t, journal.Link{}, l)
			return
		}
		assert.GreaterOrEqual(t, l.Seal, int64(0))
		again, err := journal.ParseLink(l.String())
		require.NoError(t, err)
		assert.Equal(t, l, again)
	})
}
