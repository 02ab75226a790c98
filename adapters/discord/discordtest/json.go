package discordtest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// obj is a JSON object.
type obj = map[string]any

// word is a string of an object, or empty.
func word(o obj, key string) string { v, _ := o[key].(string); return v }

// truth is a boolean of an object, or false.
func truth(o obj, key string) bool { v, _ := o[key].(bool); return v }

// number is a number of an object, or 0.
func number(o obj, key string) int { v, _ := o[key].(float64); return int(v) }

// object and list are never nil's children: reading a missing one reads nothing.
func object(v any) obj { o, _ := v.(obj); return o }

func list(v any) []any { l, _ := v.([]any); return l }

// said tells that an object has a key, and something else than null under it.
func said(o obj, key string) bool { return o[key] != nil }

// compact is JSON as short as it can be, < and > as they are.
func compact(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // it came out of JSON, or is written here
	}
	return bytes.TrimSpace(b.Bytes())
}

// raw is v as JSON; nil: nothing.
func raw(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	return compact(v)
}

// clone is v as it comes out of JSON, sharing nothing with v.
func clone[T any](v T) T {
	var c T
	if err := json.Unmarshal(compact(v), &c); err != nil {
		panic(err)
	}
	return c
}

func size(s string) int { return utf8.RuneCountInString(s) }

func itoa(n int) string { return strconv.Itoa(n) }

// orNull is s, or null where it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
