package answer

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A declaration is one numbered line of a field list:
//
//  2. `count` (int): how many
//     Constraints: greater than or equal to: 3
type declaration struct {
	name, annotation, constraints string
}

// declarations reads a field list. Descriptions may run over several lines,
// so a line belongs to the field before it unless it carries the next number.
func declarations(list string) []declaration {
	var out []declaration
	for line := range strings.Lines(list) {
		line = strings.TrimRight(line, "\n")
		prefix := strconv.Itoa(len(out)+1) + ". `"
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			out = append(out, declare(rest))
			continue
		}
		if c, ok := strings.CutPrefix(line, "Constraints: "); ok && len(out) > 0 {
			out[len(out)-1].constraints = c
		}
	}
	return out
}

func declare(line string) declaration {
	name, rest, _ := strings.Cut(line, "`")
	rest = strings.TrimPrefix(rest, " (")
	return declaration{name: name, annotation: rest[:closing(rest)]}
}

// closing returns where the parenthesis that was opened before s is closed,
// passing over brackets and quoted strings, or len(s).
func closing(s string) int {
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' && depth == 0:
			return i
		case c == ')' || c == ']':
			depth--
		}
	}
	return len(s)
}

// field joins what the declaration and the note say about the type. The
// note's JSON Schema knows most, then the annotation, then a list of choices.
func (d declaration) field(note string) Field {
	s := parseAnnotation(d.annotation)
	f := Field{Name: d.name, nested: strings.HasPrefix(note, skeletonStart)}
	if f.nested && !s.complete() {
		s = skeleton(note)
	} else if raw, ok := strings.CutPrefix(note, schemaNote); ok {
		var parsed schema
		if json.Unmarshal([]byte(raw), &parsed) == nil {
			s = &parsed
		}
	} else if list, ok := strings.CutPrefix(note, choiceNote); ok && len(s.Enum) == 0 {
		s = choices(strings.Split(list, "; "))
	}
	f.schema = constrain(s, d.constraints)
	f.text = f.schema.isText()
	return f
}

func choices(words []string) *schema {
	s := &schema{}
	for _, w := range words {
		s.Enum = append(s.Enum, enumValue(w))
	}
	return s
}

// enumValue reads a member of an Enum, which the prompt shows without quotes:
// what looks like a number is taken for one.
func enumValue(w string) value {
	if _, err := strconv.ParseFloat(w, 64); err == nil && json.Valid([]byte(w)) {
		return number(w)
	}
	return text(w)
}

// constrain adds the limits of a constraints line, "key: value, key: value".
func constrain(s *schema, line string) *schema {
	if line == "" {
		return s
	}
	c := *s
	for part := range strings.SplitSeq(line, ", ") {
		if key, v, ok := strings.Cut(part, ": "); ok {
			c.limit(key, v)
		}
	}
	return &c
}

// limit sets the limit that DSPy words as key.
func (s *schema) limit(key, v string) {
	n := json.Number(v)
	switch key {
	case "greater than or equal to":
		s.Minimum = n
	case "less than or equal to":
		s.Maximum = n
	case "greater than":
		s.ExclusiveMinimum = n
	case "less than":
		s.ExclusiveMaximum = n
	case "a multiple of the given number":
		s.MultipleOf = n
	case "minimum length":
		s.MinLength, s.MinItems = count(v), count(v)
	case "maximum length":
		s.MaxLength, s.MaxItems = count(v), count(v)
	}
}

func count(v string) *int {
	n, err := strconv.Atoi(v)
	if err != nil {
		return nil
	}
	return &n
}
