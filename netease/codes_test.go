package netease

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEffects says code by code what is known about the change. NetEase documents as refusals 403, 404, 414, 416, 419, 13002 and
// 13009; other refusals are Doubtful, and all else is Unclear.
func TestEffects(t *testing.T) {
	want := map[Effect][]Code{
		Applied:  {200},
		Already:  {417},
		NotDone:  {403, 404, 414, 416, 419, 13002, 13009},
		Doubtful: {301, 302, 315, 405, 422, 423, 13003, 13004, 13005, 13006, 20000, 20042, 20099},
		Unclear: {201, 408, 415, 431, 500, 501, 503, 514, 997, 998, 999, 13001, 13007, 13008,
			406, 413, 418, 508, 509, 1000, 7101, 801, 816, 9102, 9103, 11001, 10201, 10404, 10420, 10431, 10441,
			0, -1, 202, 19999, 20100, 60606},
	}
	tested := map[Code]bool{}
	for effect, codes := range want {
		for _, code := range codes {
			tested[code] = true
			assert.Equal(t, effect, Explain(code, "").Effect, "code %d", code)
			if code != CodeOK {
				err := fmt.Errorf("wrapped: %w", &Error{Op: OpMuteRoom, Code: code})
				assert.Equal(t, effect, EffectOf(err), "code %d", code)
				assert.Equal(t, Unclear, EffectOf(&Error{Op: OpMuteRoom, Code: code, Earlier: true}), "code %d after an attempt without an answer", code)
				assert.ErrorIs(t, err, code)
			}
		}
	}
	for _, row := range codes {
		assert.True(t, tested[row.code], "code %d is in the table and not tested", row.code)
	}
	seen := map[Code]bool{}
	for _, code := range Codes() {
		assert.False(t, seen[code], "code %d is listed twice", code)
		seen[code] = true
	}
}

func TestEffectOfOtherErrors(t *testing.T) {
	tests := []struct {
		err  error
		want Effect
	}{
		{nil, Applied},
		{&CallError{Sent: true, Last: io.EOF}, Unclear},
		{&CallError{Sent: false, Last: io.EOF}, NotDone},
		{&CallError{Sent: false, Last: &BusyError{}}, NotDone},
		{&CallError{Sent: false, Last: ErrNoTime}, NotDone},
		{&CallError{Sent: true, Last: &BusyError{}}, Unclear},
		{&InvalidError{}, NotDone},
		{context.Canceled, Unclear},
		{io.EOF, Unclear},
		{errors.New("something else"), Unclear},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, EffectOf(tt.err), "%v", tt.err)
	}
}

// TestExplanations: every number is explained in both languages, with what to do next.
func TestExplanations(t *testing.T) {
	han := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	}
	for _, code := range append(Codes(), 20000, 60606, 0, -7) {
		x := Explain(code, "")
		assert.Equal(t, code, x.Code)
		for _, text := range append(x.Causes, x.What, x.Next) {
			assert.NotEmpty(t, text.English, "code %d", code)
			assert.True(t, han(text.Chinese), "code %d: %s", code, text.Chinese)
			assert.True(t, strings.HasSuffix(text.English, "."), "code %d: %s", code, text.English)
			assert.True(t, strings.HasSuffix(text.Chinese, "。"), "code %d: %s", code, text.Chinese)
		}
	}
	assert.Equal(t, Explain(10404, "").What, Explain(801, "").What, "other products share one text")
	assert.NotEqual(t, Explain(60606, "").What, Explain(801, "").What)
}

// TestCauses: 403 and 414 name the likely causes of the call at hand, and of no other.
func TestCauses(t *testing.T) {
	tests := []struct {
		code Code
		op   Op
		want []string // what the causes speak of, in order
	}{
		{403, OpTemporaryMute, []string{"neither the room's creator nor", "target is the room's creator", "administrator"}},
		{403, OpMuteRoom, []string{"neither the room's creator nor", "administrator"}},
		{403, OpUpdateDelayClosePolicy, []string{"not enabled", "administrator"}},
		{403, OpGet, []string{"administrator"}},
		{414, OpTemporaryMute, []string{"No account has this name", "acts as is not registered", "clock"}},
		{414, OpMuteRoom, []string{"acts as is not registered", "clock"}},
		{414, OpUpdateDelayClosePolicy, []string{"room's owner", "clock"}},
		{414, OpQueryMembers, []string{"No account has this name", "clock"}},
		{404, OpTemporaryMute, nil},
	}
	for _, tt := range tests {
		causes := Explain(tt.code, tt.op).Causes
		require.Len(t, causes, len(tt.want), "%d %s", tt.code, tt.op)
		for i, want := range tt.want {
			assert.Contains(t, causes[i].English, want, "%d %s", tt.code, tt.op)
		}
	}
}

// FuzzAnswer: whatever NetEase, or somebody in its place, sends, reading it ends in a value or an error.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"code":200}`, `{"code":"200","desc":{"data":[{"accid":"lisi","tempMuteTtl":"5"}]}}`, `{"code":414,"desc":"lisi not register"}`,
		`{"code":200,"chatroom":{"roomid":"1","valid":null,"onlineusercount":1e3,"delayInfo":"{\"startTime\":1}"}}`, `{"code":1e400}`, `<html>`, `{"code":null}`, `[`, `{"code":200,"desc":{"data":[{"accid":"lisi","tempMuteTtl":9223372036854775807}]}}`, `{"code":200,"desc":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := decode(raw)
		if err != nil {
			return
		}
		if desc := b.desc(); len([]rune(desc)) > maxDescLength || strings.ContainsFunc(desc, unicode.IsControl) {
			t.Errorf("a desc that is not fit to be shown: %q", desc)
		}
		var room wireRoom
		if payload(b.Chatroom, &room) == nil {
			room.room()
		}
		answer{body: b}.started()
		var list struct {
			Data []wireMember `json:"data"`
		}
		if payload(b.Desc, &list) == nil {
			for _, m := range list.Data {
				if m.member().TempMute < 0 {
					t.Error("a mute with less than nothing left")
				}
			}
		}
	})
}
