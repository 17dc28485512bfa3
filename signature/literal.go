package signature

import (
	"encoding/json"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// literal reads Literal['a', 1, True, None].
func (p *parser) literal(full string) parsedType {
	if !p.accept("[") {
		p.fail(`"[" and the values, as in Literal['a', 'b']`)
	}
	out := parsedType{schema: &jsonschema.Schema{}}
	var texts []string
	strs := 0
	for p.err == nil && !p.tok.is("]") {
		v, src := p.value()
		out.schema.Enum = append(out.schema.Enum, v)
		texts = append(texts, src)
		out.optional = out.optional || v == nil
		if _, ok := v.(string); ok {
			strs++
		}
		if !p.accept(",") && !p.tok.is("]") {
			p.fail(`"," or "]"`)
		}
	}
	if len(texts) == 0 {
		p.failAt(p.tok, "a Literal needs at least one value, as in Literal['a', 'b']")
	}
	p.accept("]")
	if strs == len(texts) {
		out.schema.Type = "string"
	}
	out.text = full + "[" + strings.Join(texts, ", ") + "]"
	out.python, out.words = "Literal["+strings.Join(texts, ", ")+"]", "one of "+strings.Join(texts, ", ")
	p.leaves = append(p.leaves, out.python)
	return out
}

// value reads one value of a Literal.
func (p *parser) value() (value any, source string) {
	t := p.tok
	switch {
	case t.kind == text:
		value, source = t.value, pythonString(t.value)
	case t.kind == number && json.Valid([]byte(t.value)) && !strings.ContainsAny(t.value, ".eE"):
		value, source = json.Number(t.value), t.value
	case t.kind == name && (t.value == "True" || t.value == "False"):
		value, source = t.value == "True", t.value
	case t.kind == name && t.value == "None":
		value, source = nil, t.value
	default:
		p.fail("a string in quotes, an integer, True, False or None")
	}
	p.advance()
	return value, source
}

func pythonString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
