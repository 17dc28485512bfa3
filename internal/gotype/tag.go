package gotype

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

const tagKeys = "desc, min, max, gt, lt, multiple, minlen, maxlen, pattern, enum, format, unique, default, type"

// A tag holds what the tags dspool and jsonschema say about a field.
type tag struct {
	desc  string
	rules []rule
}

// A rule is one key=value of the tag dspool.
type rule struct{ key, value string }

// limits reports whether any rule restricts the values of the Go type.
func (t tag) limits() bool {
	return slices.ContainsFunc(t.rules, func(r rule) bool { return r.key != "default" })
}

// parseTag reads the tags of a field. Rules are separated by commas; a part
// that does not begin with "word=" belongs to the value before it, and a value
// in single quotes may hold anything.
func parseTag(st reflect.StructTag) (tag, error) {
	out := tag{desc: st.Get("jsonschema")}
	text, ok := st.Lookup("dspool")
	if !ok {
		return out, nil
	}
	rules, err := splitRules(text)
	if err != nil {
		return tag{}, err
	}
	for _, r := range rules {
		if r.key == "desc" {
			out.desc = r.value
		} else {
			out.rules = append(out.rules, r)
		}
	}
	return out, nil
}

func splitRules(text string) ([]rule, error) {
	var out []rule
	seen := map[string]bool{}
	for text != "" {
		key, rest, ok := cutKey(text)
		switch {
		case !ok:
			return nil, fmt.Errorf("the tag dspool:%q: expected key=value at %q; keys are %s", text, text, tagKeys)
		case !slices.Contains(strings.Split(tagKeys, ", "), key):
			return nil, fmt.Errorf("the tag dspool has no key %q; keys are %s", key, tagKeys)
		case seen[key]:
			return nil, fmt.Errorf("the tag dspool has the key %q twice", key)
		}
		seen[key] = true
		var value string
		if value, text, ok = cutValue(rest); !ok {
			return nil, fmt.Errorf("the tag dspool: the quote of %s is never closed", key)
		}
		out = append(out, rule{key, value})
	}
	return out, nil
}

// cutKey takes "word=" from the start of text; "unique" stands alone.
func cutKey(text string) (key, rest string, ok bool) {
	text = strings.TrimLeft(text, " ")
	n := 0
	for n < len(text) && (text[n] >= 'a' && text[n] <= 'z' || text[n] == '_') {
		n++
	}
	switch key = text[:n]; {
	case n > 0 && n < len(text) && text[n] == '=':
		return key, text[n+1:], true
	case key == "unique" && (n == len(text) || text[n] == ','):
		return key, text[n:], true
	}
	return "", text, false
}

// cutValue takes a value up to the comma before the next key.
func cutValue(text string) (value, rest string, ok bool) {
	if inner, quoted := strings.CutPrefix(text, "'"); quoted {
		value, rest, ok = strings.Cut(inner, "'")
		return value, strings.TrimPrefix(rest, ","), ok
	}
	for from := 0; ; {
		i := strings.IndexByte(text[from:], ',')
		if i < 0 {
			return text, "", true
		}
		if _, _, key := cutKey(text[from+i+1:]); key {
			return text[:from+i], text[from+i+1:], true
		}
		from += i + 1
	}
}

// apply puts the rules into the schema of a field whose type, without pointers,
// is t.
func (t tag) apply(s *jsonschema.Schema, typ reflect.Type) error {
	var errs []error
	for _, r := range t.rules {
		if err := r.apply(s, typ); err != nil {
			errs = append(errs, fmt.Errorf("the tag dspool: %s=%s: %w", r.key, r.value, err))
		}
	}
	return errors.Join(errs...)
}

func (r rule) apply(s *jsonschema.Schema, typ reflect.Type) error {
	switch r.key {
	case "default":
		return r.fallback(s)
	case "type":
		return r.dspyType(s)
	case "minlen", "maxlen":
		return r.length(s)
	case "unique":
		if s.Type != "array" {
			return errors.New("applies to slices")
		}
		s.UniqueItems = true
		return nil
	}
	// The other rules mean each value inside a slice or map.
	for s.Type == "array" && s.Items != nil || s.Type == "object" && s.AdditionalProperties != nil && s.Properties == nil {
		if s.Items != nil {
			s = s.Items
		} else {
			s = s.AdditionalProperties
		}
	}
	switch r.key {
	case "enum":
		return r.enum(s)
	case "pattern", "format":
		return r.text(s)
	default:
		return r.bound(s)
	}
}

func is(s *jsonschema.Schema, names ...string) bool {
	return slices.Contains(names, s.Type) || len(s.Types) > 0 && slices.Contains(names, s.Types[0])
}

func (r rule) bound(s *jsonschema.Schema) error {
	if !is(s, "integer", "number") {
		return errors.New("applies to numbers; the length of text or lists is minlen and maxlen")
	}
	f, err := strconv.ParseFloat(r.value, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return errors.New("expected a number")
	}
	switch r.key {
	case "min":
		s.Minimum = &f
	case "max":
		s.Maximum = &f
	case "gt":
		s.ExclusiveMinimum = &f
	case "lt":
		s.ExclusiveMaximum = &f
	case "multiple":
		if f <= 0 {
			return errors.New("expected a number above 0")
		}
		s.MultipleOf = &f
	}
	return crossed(s)
}

// crossed refuses limits that no number meets.
func crossed(s *jsonschema.Schema) error {
	low, high := math.Inf(-1), math.Inf(1)
	for _, p := range []*float64{s.Minimum, s.ExclusiveMinimum} {
		if p != nil {
			low = max(low, *p)
		}
	}
	for _, p := range []*float64{s.Maximum, s.ExclusiveMaximum} {
		if p != nil {
			high = min(high, *p)
		}
	}
	if low > high {
		return fmt.Errorf("no number is at least %v and at most %v", low, high)
	}
	return nil
}

func (r rule) length(s *jsonschema.Schema) error {
	n, err := strconv.Atoi(r.value)
	if err != nil || n < 0 {
		return errors.New("expected a length, 0 or more")
	}
	low, high := &s.MinLength, &s.MaxLength
	switch {
	case is(s, "string") && s.ContentEncoding == "" && s.Format == "":
	case is(s, "array"):
		low, high = &s.MinItems, &s.MaxItems
	case is(s, "object") && s.Properties == nil:
		low, high = &s.MinProperties, &s.MaxProperties
	default:
		return errors.New("applies to text, slices and maps")
	}
	if r.key == "minlen" {
		*low = &n
	} else {
		*high = &n
	}
	if *low != nil && *high != nil && **low > **high {
		return fmt.Errorf("no length is at least %d and at most %d", **low, **high)
	}
	return nil
}

func (r rule) text(s *jsonschema.Schema) error {
	if !is(s, "string") || s.ContentEncoding != "" {
		return errors.New("applies to text")
	}
	if r.key == "pattern" {
		_, err := regexp.Compile(r.value)
		s.Pattern = r.value
		return err
	}
	if !slices.Contains([]string{"date-time", "date", "time", "uuid"}, r.value) {
		return errors.New("formats are date-time, date, time and uuid")
	}
	s.Format = r.value
	return nil
}

func (r rule) enum(s *jsonschema.Schema) error {
	s.Enum = nil
	for value := range strings.SplitSeq(r.value, "|") {
		switch {
		case is(s, "string") && s.ContentEncoding == "":
			s.Enum = append(s.Enum, value)
		case is(s, "integer", "number") && validNumber(value, is(s, "integer")):
			s.Enum = append(s.Enum, json.Number(value))
		case is(s, "integer", "number"):
			return fmt.Errorf("%q is not of the field's type", value)
		default:
			return errors.New("applies to text and numbers")
		}
	}
	return nil
}

// validNumber reports whether text is a JSON number.
func validNumber(text string, integer bool) bool {
	first := text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9')
	fits := !integer || !strings.ContainsAny(text, ".eE")
	return first && fits && json.Valid([]byte(text))
}

// fallback sets the value of a member that is missing. Text needs no quotes.
func (r rule) fallback(s *jsonschema.Schema) error {
	raw := []byte(r.value)
	if is(s, "string") {
		quoted, err := json.Marshal(r.value)
		if err != nil {
			return err
		}
		raw = quoted
	}
	if !json.Valid(raw) {
		return errors.New("expected JSON")
	}
	s.Default = raw
	return nil
}

// dspyType makes the field one of DSPy's own types in Python.
func (r rule) dspyType(s *jsonschema.Schema) error {
	if regexp.MustCompile(`^dspy\.(Image|Audio|File|Code(\[\w{1,20}\])?|History|Reasoning)$`).MatchString(r.value) {
		*s = jsonschema.Schema{Extra: map[string]any{"x-dspy": r.value}}
		return nil
	}
	return errors.New("expected one of DSPy's types, such as dspy.Image or dspy.History")
}
