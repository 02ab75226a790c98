package commands

import "strings"

// A Language is one the bot speaks.
type Language string

const (
	English Language = "en"
	Chinese Language = "zh-CN"
)

// LanguageOf is the language for a platform's locale: Chinese for every zh ("zh-CN", "zh-TW", "zh_Hans"), English
// for every other one; otherwise is the answer for an empty locale, and English when that is empty too.
func LanguageOf(locale string, otherwise Language) Language {
	switch {
	case locale == "" && otherwise != "":
		return otherwise
	case strings.HasPrefix(strings.ToLower(locale), "zh"):
		return Chinese
	default:
		return English
	}
}

// A Text is one sentence in every language the bot speaks. Words in braces, {room}, are places for values; both
// languages have the same ones.
type Text struct{ English, Chinese string }

// In is the sentence in one language.
func (t Text) In(l Language) string {
	if l == Chinese {
		return t.Chinese
	}
	return t.English
}
