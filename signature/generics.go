package signature

import (
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// An arityRule says how many types a type is made of.
type arityRule struct {
	known    bool
	min, max int    // of the types in brackets; max -1: any number
	form     string // how to write it
}

// arity returns the rule for a type's name without its module.
func arity(base string) arityRule {
	switch base {
	case "list", "List", "Sequence", "Iterable", "Collection", "set", "Set", "frozenset", "FrozenSet":
		return arityRule{known: true, max: 1, form: base + "[T]"}
	case "dict", "Dict", "Mapping", "MutableMapping":
		return arityRule{known: true, max: 2, form: base + "[K, V]"}
	case "tuple", "Tuple":
		return arityRule{known: true, max: -1, form: base + "[T, U] or " + base + "[T, ...]"}
	case "Optional":
		return arityRule{known: true, min: 1, max: 1, form: "Optional[T]"}
	case "Union", "union":
		return arityRule{known: true, min: 1, max: -1, form: base + "[T, U]"}
	case "Literal":
		return arityRule{known: true, min: 1, max: -1, form: "Literal['a', 'b']"}
	case "str", "string", "atom", "Text", "int", "integer", "float", "number", "bool", "boolean",
		"None", "NoneType", "bytes", "bytearray", "datetime", "date", "time", "UUID", "Decimal",
		"probability", "confidence_score", "embedding", "reasoning_chain",
		"map", "any", "Any", "object":
		return arityRule{known: true}
	}
	return arityRule{}
}

// generic reads the bracketed part of a type and builds the whole.
func (p *parser) generic(at token, full, base string) parsedType {
	rule := arity(base)
	if strings.HasPrefix(full, "dspy.") || rule.max == 0 {
		p.failAt(p.tok, fmt.Sprintf("%s takes no types in brackets", full))
	}
	p.inside = append(p.inside, base)
	args, open := p.arguments()
	p.inside = p.inside[:len(p.inside)-1]
	switch n := len(args); {
	case p.err != nil:
	case n == 0 && rule.max < 0 && rule.min > 0:
		p.failAt(at, "Union type cannot be empty: name at least one type, as in "+rule.form)
	case n < max(rule.min, 1), rule.max >= 0 && n > rule.max, rule.max == 2 && n != 2:
		p.failAt(at, fmt.Sprintf("%s is written %s, found %d types in brackets", base, rule.form, n))
	case open && (n != 1 || base != "tuple" && base != "Tuple"):
		p.failAt(at, `"..." belongs into tuple[T, ...] only`)
	}
	if p.err != nil {
		return parsedType{schema: &jsonschema.Schema{}}
	}
	return p.build(at, full, base, args, open)
}

// arguments reads [T, U], (T, U), ([T, U]) or the rest of {:list, T} from its
// comma on. open is true for [T, ...].
func (p *parser) arguments() (args []parsedType, open bool) {
	closing := "]"
	switch {
	case p.tok.is("("):
		closing = ")"
	case p.tok.is(","):
		closing = "}"
	}
	p.advance()
	if p.tok.is("[") { // union([T, U]): the inner brackets are the list
		args, open = p.arguments()
		p.close(closing)
		return args, open
	}
	for p.err == nil && !p.tok.is(closing) {
		if len(args) > 0 && p.accept("...") {
			open = true
			break
		}
		args = append(args, p.union())
		if !p.accept(",") {
			break
		}
	}
	p.close(closing)
	return args, open
}

func (p *parser) close(mark string) {
	if !p.accept(mark) {
		p.fail(fmt.Sprintf(`"," or "%s"`, mark))
	}
}

// build makes a type of its parts.
func (p *parser) build(at token, full, base string, args []parsedType, open bool) parsedType {
	out := parsedType{text: full + "[" + texts(args, open) + "]", schema: plainSchema(base)}
	out.words, out.python = described(base, args, open)
	switch base {
	case "Optional":
		out = alternatives(append(args, parsedType{schema: typed("null"), optional: true}), "", "", "")
		out.text = full + "[" + args[0].text + "]"
		out.words, out.python = "optional "+args[0].words, "Optional["+args[0].python+"]"
	case "Union", "union":
		out = alternatives(args, ", ", full+"[", "]")
	case "tuple", "Tuple":
		tuple(out.schema, args, open)
	case "dict", "Dict", "Mapping", "MutableMapping":
		p.keys(at, out.schema, args[0])
		out.schema.AdditionalProperties = args[1].schema
	default:
		out.schema.Items = args[0].schema
	}
	return out
}

// described returns a type that is made of others in English and in Python.
func described(base string, args []parsedType, open bool) (words, python string) {
	parts := make([]string, len(args), len(args)+1)
	for i, a := range args {
		parts[i] = a.python
	}
	if open {
		parts = append(parts, "...")
	}
	inner := strings.Join(parts, ", ")
	switch base {
	case "dict", "Dict", "Mapping", "MutableMapping":
		return "dict with " + args[0].words + " keys and " + args[1].words + " values", "Dict[" + inner + "]"
	case "tuple", "Tuple":
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = a.words
		}
		return "tuple of " + strings.Join(words, ", "), "Tuple[" + inner + "]"
	case "set", "Set", "frozenset", "FrozenSet":
		return "set of " + args[0].words, "Set[" + inner + "]"
	}
	return "list of " + args[0].words, "List[" + inner + "]"
}

// annotation returns a type without parts as an annotation of Python.
func annotation(full, base string) string {
	switch base {
	case "str", "string", "atom", "AnyStr", "Text":
		return "str"
	case "int", "integer":
		return "int"
	case "float", "number", "probability", "confidence_score":
		return "float"
	case "bool", "boolean":
		return "bool"
	case "None", "NoneType":
		return "None"
	case "embedding":
		return "List[float]"
	case "reasoning_chain":
		return "List[str]"
	case "dict", "Dict", "map", "Mapping", "MutableMapping":
		return "Dict"
	case "list", "List", "Sequence", "Iterable", "Collection":
		return "List"
	case "tuple", "Tuple":
		return "Tuple"
	case "set", "Set", "frozenset", "FrozenSet":
		return "Set"
	case "any", "Any", "object":
		return "Any"
	}
	return full // bytes, Decimal, and the modules' own datetime, UUID
}

func texts(args []parsedType, open bool) string {
	parts := make([]string, 0, len(args)+1)
	for _, a := range args {
		parts = append(parts, a.text)
	}
	if open {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}

// tuple fills in an array of fixed places, or of one type for tuple[T, ...].
func tuple(s *jsonschema.Schema, args []parsedType, open bool) {
	if open {
		s.Items = args[0].schema
		return
	}
	for _, a := range args {
		s.PrefixItems = append(s.PrefixItems, a.schema)
	}
	s.MinItems, s.MaxItems = jsonschema.Ptr(len(args)), jsonschema.Ptr(len(args))
}

// keys restricts the keys of a dict. JSON's keys are text, so K is a string, a
// Literal of strings, or an integer.
func (p *parser) keys(at token, s *jsonschema.Schema, key parsedType) {
	switch k := key.schema; {
	case k.Type == "string" && k.Enum == nil && k.ContentEncoding == "" && k.Format == "":
	case k.Type == "string" && k.ContentEncoding == "":
		s.PropertyNames = k
	case k.Type == "integer":
		s.PropertyNames = &jsonschema.Schema{Pattern: "^-?(0|[1-9][0-9]*)$"}
	default:
		p.failAt(at, fmt.Sprintf("%s cannot be the key of a dict; keys are str, int or Literal['a', 'b']", key.text))
	}
}
