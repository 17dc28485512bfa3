package validate

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A step leads from a value to one inside it: by key, or by index where key is
// nil.
type step struct {
	key   []byte // as it stands in the source, without quotes
	index int
}

// where writes the current path: root.key[2]["odd key"].
func (w *walk) where() string {
	out := []byte(w.options.Root)
	for _, s := range w.path {
		out = s.append(out)
	}
	return strings.ToValidUTF8(string(out), "\ufffd")
}

func (s step) append(out []byte) []byte {
	switch {
	case s.key == nil:
		return append(strconv.AppendInt(append(out, '['), int64(s.index), 10), ']')
	case plainKey(s.key):
		if len(out) > 0 {
			out = append(out, '.')
		}
		return append(out, s.key...)
	default:
		return append(append(append(out, `["`...), clip(s.key, 40)...), `"]`...)
	}
}

// plainKey reports whether a key can follow a dot.
func plainKey(key []byte) bool {
	for i, c := range key {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return len(key) > 0 && len(key) <= 64
}

// clip shortens text to about n bytes for a message.
func clip(text []byte, n int) string {
	if len(text) <= n {
		return string(text)
	}
	for n > 0 && text[n]&0xc0 == 0x80 { // not inside a character
		n--
	}
	return string(text[:n]) + "…"
}

// shown describes the value that starts at from, for a message.
func (w *walk) shown(from int) string {
	text := clip(w.src[from:w.pos], 40)
	switch w.src[from] {
	case '"':
		return "the string " + clip(w.src[from:w.pos], 40)
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "the boolean " + text
	case 'n':
		return "null"
	default:
		return "the number " + text
	}
}

// decoded returns what the JSON string in raw, quotes included, stands for.
func decoded(raw []byte) string {
	var s string
	// The walk has read the string already: it is valid.
	_ = json.Unmarshal(raw, &s)
	return s
}
