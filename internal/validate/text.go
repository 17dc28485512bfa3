package validate

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"
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
			return w.broken("a string is never closed")
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
			return w.broken("a control character in a string has to be written as \\u%04x", c)
		default:
			w.character(&sound)
		}
	}
}

// unsound reports the first place where a string is not text.
func (w *walk) unsound(sound *bool, format string, args ...any) {
	if *sound {
		w.wrong(format, args...)
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
		w.unsound(sound, "not valid UTF-8 at byte %d", w.pos+1)
	}
	w.pos += size
}

// escape reads an escape sequence.
func (w *walk) escape(sound *bool) bool {
	rest := w.src[w.pos+1:]
	switch {
	case len(rest) == 0:
		return w.broken("a string is never closed")
	case rest[0] != 'u':
		if strings.IndexByte(`"\/bfnrt`, rest[0]) < 0 {
			return w.broken("there is no escape sequence \\%s", clip(rest, 1))
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
		return w.broken("\\u needs four hexadecimal digits")
	}
	w.pos += 6
	if high < 0xd800 || high > 0xdfff {
		return true
	}
	low, ok := hex4(w.src[w.pos:])
	if high > 0xdbff || !ok || low < 0xdc00 || low > 0xdfff {
		w.unsound(sound, "half of a surrogate pair, \\u%04x, is not text", high)
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
		w.wrong("expected text that matches %s, found %s", rule.pattern, w.shown(start))
	}
	if rule.base64 && !validBase64(inner) {
		w.wrong("expected bytes in standard base64 with padding, found %s", w.shown(start))
	}
	w.formatted(rule.format, string(inner), start, rule.format != "")
}

func validBase64(text []byte) bool {
	body := bytes.TrimRight(text, "=")
	if len(text)%4 != 0 || len(text)-len(body) > 2 {
		return false
	}
	for _, c := range body {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	last := text[max(0, len(text)-4):]
	_, err := base64.StdEncoding.Decode(make([]byte, 3), last)
	return err == nil
}

// formatted holds a string against a format. A date-time without a zone, which
// Python and language models like to write, is taken as UTC.
func (w *walk) formatted(format, text string, start int, any bool) {
	switch {
	case !any:
	case format == "date-time":
		zoned, ok := zonedTime(text)
		if !ok {
			w.wrong("expected a date and time such as 2025-01-31T12:00:00Z, found %s", w.shown(start))
		} else if zoned != text {
			w.edits = append(w.edits, edit{from: start, to: w.pos, text: `"` + zoned + `"`})
		}
	case format == "date" && !parses(text, time.DateOnly):
		w.wrong("expected a date such as 2025-01-31, found %s", w.shown(start))
	case format == "time" && !parses(text, "15:04:05.999999999Z07:00", "15:04:05.999999999", "15:04"):
		w.wrong("expected a time of day such as 12:30:00, found %s", w.shown(start))
	case format == "uuid" && !validUUID(text):
		w.wrong("expected a UUID such as 123e4567-e89b-12d3-a456-426614174000, found %s", w.shown(start))
	}
}

// zonedTime brings the usual ways of writing a time into the form of RFC 3339.
func zonedTime(text string) (string, bool) {
	if parses(text, time.RFC3339Nano) {
		return text, true
	}
	for _, layout := range []string{
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.RFC3339Nano), true
		}
	}
	return "", false
}

func parses(text string, layouts ...string) bool {
	for _, layout := range layouts {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

func validUUID(text string) bool {
	hex := strings.ReplaceAll(text, "-", "")
	return len(hex) == 32 && strings.Trim(strings.ToLower(hex), "0123456789abcdef") == ""
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
