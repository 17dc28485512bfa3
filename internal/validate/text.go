package validate

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// text reads a string. What is not text in it, broken UTF-8 or half a surrogate
// pair, is reported once and does not end the walk.
func (w *walk) text(n *node) bool {
	start := w.pos
	w.pos++
	escaped, sound := false, true
	for {
		w.pos += simple(w.src[w.pos:])
		if w.pos >= len(w.src) {
			return w.brokenf("a string is never closed")
		}
		switch c := w.src[w.pos]; {
		case c == '"':
			w.pos++
			if w.kind(n, isString, start) && n != nil && n.text != nil && sound {
				w.limited(n.text, start, escaped)
			}
			return true
		case c == '\\':
			escaped = true
			if !w.escape(&sound) {
				return false
			}
		case c < 0x20:
			return w.brokenf("a control character in a string has to be written as \\u%04x", c)
		default:
			w.character(&sound)
		}
	}
}

// unsoundf reports the first place where a string is not text.
func (w *walk) unsoundf(sound *bool, format string, args ...any) {
	if *sound {
		w.wrongf(format, args...)
	}
	*sound = false
}

// simple returns how many bytes at the start of s are printable ASCII other
// than quotes and backslashes. It looks at eight bytes at a time.
func simple(s []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		quotes, slashes := x^(ones*'"'), x^(ones*'\\')
		odd := x | (x - ones*0x20) | (quotes - ones) | (slashes - ones)
		if odd&highs != 0 {
			break
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// character reads one character beyond ASCII.
func (w *walk) character(sound *bool) {
	r, size := utf8.DecodeRune(w.src[w.pos:])
	if r == utf8.RuneError && size <= 1 {
		w.unsoundf(sound, "not valid UTF-8 at byte %d", w.pos+1)
	}
	w.pos += size
}

// escape reads an escape sequence.
func (w *walk) escape(sound *bool) bool {
	rest := w.src[w.pos+1:]
	switch {
	case len(rest) == 0:
		return w.brokenf("a string is never closed")
	case rest[0] != 'u':
		if strings.IndexByte(`"\/bfnrt`, rest[0]) < 0 {
			return w.brokenf("there is no escape sequence \\%s", clip(rest, 1))
		}
		w.pos += 2
		return true
	}
	return w.unicode(sound)
}

// unicode reads \uXXXX, or two of them that make one character. Half of such a
// pair is no text: Python could not write it as UTF-8.
func (w *walk) unicode(sound *bool) bool {
	high, ok := hex4(w.src[w.pos:])
	if !ok {
		return w.brokenf("\\u needs four hexadecimal digits")
	}
	w.pos += 6
	if high < 0xd800 || high > 0xdfff {
		return true
	}
	low, ok := hex4(w.src[w.pos:])
	if high > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
		w.unsoundf(sound, "half of a surrogate pair, \\u%04x, is not text", high)
		return true
	}
	w.pos += 6
	return true
}

// hex4 reads \uXXXX at the start of s.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// limited holds a string, which was read from start on, against its limits.
func (w *walk) limited(rule *textRule, start int, escaped bool) {
	inner := w.src[start+1 : w.pos-1]
	if escaped {
		inner = []byte(decoded(w.src[start:w.pos]))
	}
	if rule.min > 0 || rule.max >= 0 {
		w.count(utf8.RuneCount(inner), rule.min, rule.max, "character")
	}
	if rule.pattern != nil && !rule.pattern.Match(inner) {
		w.wrongf("expected text that matches %s, found %s", rule.pattern, w.shown(start))
	}
	if rule.shape != nil && !rule.shape.pattern.Match(inner) {
		w.wrongf("expected %s, found %s", rule.shape.like, w.shown(start))
	}
	if rule.base64 && !validBase64(inner) {
		w.wrongf("expected bytes in standard base64 with padding, found %s", w.shown(start))
	}
	if rule.format != "" {
		w.formatted(rule.format, string(inner), start)
	}
}

// canonical writes JSON so that equal values give equal text: members sorted,
// numbers by value.
func canonical(raw []byte) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	out, err := json.Marshal(byValue(v))
	if err != nil {
		return string(raw)
	}
	return string(out)
}

// byValue rewrites the numbers inside v.
func byValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		if rat, ok := exact([]byte(v)); ok {
			return map[string]string{"\x00": rat.RatString()}
		}
	case []any:
		for i := range v {
			v[i] = byValue(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = byValue(v[k])
		}
	}
	return v
}

// has reports whether the enumeration lists the value.
func (e *enumeration) has(raw []byte) bool {
	if raw[0] == '"' {
		return e.texts[decoded(raw)]
	}
	return e.others[canonical(raw)]
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
