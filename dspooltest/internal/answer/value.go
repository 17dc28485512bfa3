package answer

import (
	"encoding/json"
	"strconv"
)

type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	textKind
	listKind
	objectKind
)

// A value is a JSON value that keeps the order of its members and the digits
// of its numbers.
type value struct {
	kind  kind
	text  string // of a text, a number, or "true" and "false"
	items []value
	keys  []string // of an object, one for each item
}

func null() value           { return value{} }
func text(s string) value   { return value{kind: textKind, text: s} }
func number(s string) value { return value{kind: numberKind, text: s} }
func boolean(b bool) value  { return value{kind: boolKind, text: strconv.FormatBool(b)} }

// fromJSON reads one JSON value. What is not JSON becomes text.
func fromJSON(raw []byte) value {
	var v value
	if json.Unmarshal(raw, &v) != nil {
		return text(string(raw))
	}
	return v
}

// UnmarshalJSON keeps the order of members.
func (v *value) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case 'n':
		*v = null()
	case 't', 'f':
		*v = value{kind: boolKind, text: string(raw)}
	case '"':
		v.kind = textKind
		return json.Unmarshal(raw, &v.text)
	case '[':
		v.kind = listKind
		return json.Unmarshal(raw, &v.items)
	case '{':
		v.kind = objectKind
		return members(raw, func(key string, member json.RawMessage) error {
			var item value
			if err := json.Unmarshal(member, &item); err != nil {
				return err
			}
			v.keys, v.items = append(v.keys, key), append(v.items, item)
			return nil
		})
	default:
		*v = number(string(raw))
	}
	return nil
}

// append writes v as compact JSON.
func (v value) append(b []byte) []byte {
	switch v.kind {
	case nullKind:
		return append(b, "null"...)
	case textKind:
		return AppendString(b, v.text)
	case listKind:
		return v.appendItems(b, '[', ']')
	case objectKind:
		return v.appendItems(b, '{', '}')
	default:
		return append(b, v.text...)
	}
}

func (v value) appendItems(b []byte, open, end byte) []byte {
	b = append(b, open)
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ", "...)
		}
		if v.kind == objectKind {
			b = append(AppendString(b, v.keys[i]), ": "...)
		}
		b = item.append(b)
	}
	return append(b, end)
}

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become
// the replacement character.
func AppendString(b []byte, s string) []byte {
	if plain(s) {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, quoted...)
}

// plain reports whether s needs no escape.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
