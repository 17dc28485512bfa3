package wire

import (
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// object appends the members of a JSON object; empty stays empty bytes.
type object struct {
	b     []byte
	start int
}

func newObject(dst []byte) object { return object{b: dst, start: len(dst)} }

// comma appends what has to stand before the next member.
func (o *object) comma() {
	if len(o.b) == o.start {
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
}

func (o *object) key(name string) {
	o.comma()
	o.b = append(o.b, '"')
	o.b = append(o.b, name...)
	o.b = append(o.b, '"', ':')
}

// str adds a member unless its value is empty.
func (o *object) str(name, value string) {
	if value != "" {
		o.key(name)
		o.b = appendString(o.b, value)
	}
}

// integer adds a member unless its value is zero.
func (o *object) integer(name string, value int64) {
	if value != 0 {
		o.key(name)
		o.b = strconv.AppendInt(o.b, value, 10)
	}
}

// raw adds a member whose value is JSON already, unless it is empty.
func (o *object) raw(name string, value []byte) {
	if len(value) > 0 {
		o.key(name)
		o.b = append(o.b, value...)
	}
}

func (o *object) attachments(list []Attachment) {
	if len(list) == 0 {
		return
	}
	o.key("a")
	opening := byte('[')
	for _, a := range list {
		o.b = append(o.b, opening, '[')
		o.b = appendString(o.b, a.Name)
		o.b = append(o.b, ',')
		o.b = strconv.AppendInt(o.b, int64(a.Size), 10)
		o.b = append(o.b, ']')
		opening = ','
	}
	o.b = append(o.b, ']')
}

func (o *object) done() []byte {
	if len(o.b) > o.start {
		o.b = append(o.b, '}')
	}
	return o.b
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
			i++
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return append(dst, '"')
}

// Append appends the meta's JSON to dst: nothing if every member is absent.
func (m *CallMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.key("p")
	o.b = appendString(o.b, m.Program)
	o.str("l", m.LM)
	o.integer("b", m.Budget)
	o.str("t", m.Trace)
	o.integer("s", int64(m.Stream))
	o.str("w", m.Tenant)
	o.str("k", m.Session)
	o.str("o", m.Object)
	o.integer("d", int64(m.State))
	o.attachments(m.Attachments)
	return o.done()
}

// Append appends the meta's JSON to dst: nothing if every member is absent.
func (m *ResultMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	if len(m.Usage) > 0 {
		o.key("u")
		o.b = appendUsage(o.b, m.Usage)
	}
	o.integer("q", m.Queue)
	o.integer("r", m.Run)
	o.raw("t", m.Spans)
	o.integer("d", int64(m.State))
	o.attachments(m.Attachments)
	return o.done()
}

func appendUsage(dst []byte, usage map[string]Usage) []byte {
	o := newObject(dst)
	for _, model := range slices.Sorted(maps.Keys(usage)) {
		u := usage[model]
		o.comma()
		o.b = appendString(o.b, model)
		o.b = append(o.b, ':', '{')
		o.b = append(o.b, `"prompt_tokens":`...)
		o.b = strconv.AppendInt(o.b, u.PromptTokens, 10)
		o.b = append(o.b, `,"completion_tokens":`...)
		o.b = strconv.AppendInt(o.b, u.CompletionTokens, 10)
		o.b = append(o.b, `,"total_tokens":`...)
		o.b = strconv.AppendInt(o.b, u.TotalTokens, 10)
		o.b = append(o.b, '}')
	}
	return o.done()
}

// Append appends the meta's JSON to dst: nothing if every member is absent.
func (m ErrorMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.raw("t", m.Spans)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m EventMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("k", m.Kind)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m CreditMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.integer("n", int64(m.N))
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m CancelMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("why", m.Why)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m NeedMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("k", m.Kind)
	o.str("h", m.Hash)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m DefineMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("k", m.Kind)
	o.str("h", m.Hash)
	if m.Missing {
		o.key("missing")
		o.b = append(o.b, "true"...)
	}
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m PongMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.key("lag")
	o.b = strconv.AppendInt(o.b, m.Lag, 10)
	o.key("running")
	o.b = strconv.AppendInt(o.b, int64(m.Running), 10)
	o.integer("rss", m.RSS)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m GoodbyeMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("why", m.Why)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m HostCallMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("m", m.Method)
	o.integer("c", int64(m.Call))
	o.integer("s", int64(m.Stream))
	o.raw("x", m.Extra)
	return o.done()
}

// Append appends the meta's JSON to dst; nothing if it is empty.
func (m HostAnswerMeta) Append(dst []byte) []byte {
	if len(m.Extra) == 0 {
		return dst
	}
	o := newObject(dst)
	o.raw("x", m.Extra)
	return o.done()
}

// Append appends the meta's JSON to dst.
func (m ReleaseMeta) Append(dst []byte) []byte {
	o := newObject(dst)
	o.str("w", m.Tenant)
	o.str("k", m.Session)
	return o.done()
}
