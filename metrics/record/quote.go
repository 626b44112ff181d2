package record

import (
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// A record may come from anywhere, and its texts go to terminals, tables, web
// pages and logs of build servers, to which an escape sequence or a line of one's
// own is a command. They are made harmless here, where records are read, so that
// no output has to think of it: what is not printable is shown as Go would write
// it, like \x1b or \n.

// quoteTexts quotes every text of a value that can be changed.
func quoteTexts(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if text := v.String(); strings.ContainsFunc(text, unprintable) {
			v.SetString(quoted(text))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			quoteTexts(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				quoteTexts(v.Field(i))
			}
		}
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.String, reflect.Pointer:
			for i := range v.Len() {
				quoteTexts(v.Index(i))
			}
		}
	case reflect.Map:
		quoteMap(v)
	}
}

// quoteMap quotes a map from texts to texts, as all of a record's are.
func quoteMap(v reflect.Value) {
	texts, ok := v.Interface().(map[string]string)
	if !ok {
		return
	}
	for key, value := range texts {
		if strings.ContainsFunc(key, unprintable) {
			delete(texts, key)
		}
		texts[quoted(key)] = quoted(value)
	}
}

func quoted(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable are control characters, and those that turn or hide text.
func unprintable(r rune) bool { return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) }
