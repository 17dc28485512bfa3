package signature

import (
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

const supported = "supported are str, int, float, bool, bytes, list[T], dict[K, V], set[T], tuple[T, ...], Optional[T], " +
	"Union[T, U], T | U, Literal['a', 'b'], Any, datetime, date, time, UUID, dspy.Image, dspy.History, " +
	"string, integer, boolean, map, atom, embedding, probability, confidence_score, reasoning_chain, union([T, U])"

// A parsedType is a type in both its forms.
type parsedType struct {
	text     string
	words    string // in English
	python   string // as an annotation of module typing
	schema   *jsonschema.Schema
	optional bool // null is one of its values
}

func typed(name string) *jsonschema.Schema { return &jsonschema.Schema{Type: name} }

// union reads T or T | U | ...
func (p *parser) union() parsedType {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > depthMax {
		p.failAt(p.tok, fmt.Sprintf("types nest deeper than %d levels", depthMax))
	}
	all := []parsedType{p.single()}
	for p.accept("|") {
		all = append(all, p.single())
	}
	if len(all) == 1 {
		return all[0]
	}
	return alternatives(all, " | ", "", "")
}

// alternatives makes one type that admits any of several.
func alternatives(all []parsedType, sep, before, after string) parsedType {
	var out parsedType
	texts, words, python := make([]string, len(all)), make([]string, len(all)), make([]string, len(all))
	for i, t := range all {
		texts[i], words[i], python[i] = t.text, t.words, t.python
		out.optional = out.optional || t.optional
	}
	out.text = before + strings.Join(texts, sep) + after
	out.words = "union of " + strings.Join(words, " | ")
	out.python = "Union[" + strings.Join(python, ", ") + "]"
	out.schema = anyOf(all)
	return out
}

// anyOf puts plain types into one list and everything else into an anyOf.
func anyOf(all []parsedType) *jsonschema.Schema {
	var flat []*jsonschema.Schema
	for _, t := range all {
		if t.schema.AnyOf != nil && len(t.schema.Extra) == 0 {
			flat = append(flat, t.schema.AnyOf...)
		} else {
			flat = append(flat, t.schema)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &jsonschema.Schema{AnyOf: flat}
}

// single reads one type without "|".
func (p *parser) single() parsedType {
	if p.tok.is("{") {
		return p.tuple()
	}
	p.accept(":") // a symbol, such as :string
	at := p.tok
	if at.kind == text {
		p.failAt(at, "a type is written without quotes; fixed values are Literal['a', 'b']")
	}
	if at.kind != name {
		p.fail("a type")
		return parsedType{schema: &jsonschema.Schema{}}
	}
	full := p.dotted()
	switch base := full[strings.LastIndexByte(full, '.')+1:]; {
	case !known(full) && p.lenient:
		return p.unknown()
	case !known(full):
		p.failAt(at, fmt.Sprintf("unsupported type %q%s; %s", full, p.within(), supported))
	case base == "Literal":
		return p.literal(full)
	case full == "dspy.Code" && p.tok.is("["):
		return p.code()
	case p.tok.is("[") || p.tok.is("("):
		return p.generic(at, full, base)
	default:
		return p.plain(at, full, base)
	}
	return parsedType{schema: &jsonschema.Schema{}}
}

// dotted reads a name with its module.
func (p *parser) dotted() string {
	parts := []string{p.tok.value}
	p.advance()
	for p.accept(".") {
		if p.tok.kind != name {
			p.fail(`a name after "."`)
			break
		}
		parts = append(parts, p.tok.value)
		p.advance()
	}
	return strings.Join(parts, ".")
}

// known reports whether the module in front of a type's name is one that has
// it: "typing.List", "datetime.date", "dspy.Image". Names are only compared,
// never looked up.
func known(full string) bool {
	module, base := "", full
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		module, base = full[:i], full[i+1:]
	}
	switch module {
	case "":
		return arity(base).known
	case "typing", "t":
		return arity(base).known && base[0] >= 'A' && base[0] <= 'Z'
	case "dspy":
		return dspyType(base)
	case "datetime":
		return base == "datetime" || base == "date" || base == "time"
	case "uuid":
		return base == "UUID"
	case "decimal":
		return base == "Decimal"
	}
	return false
}

// dspyType lists the types of DSPy that a field may have.
func dspyType(base string) bool {
	switch base {
	case "Image", "Audio", "File", "Code", "History", "Reasoning":
		return true
	}
	return false
}

// plain returns a type that stands without brackets.
func (p *parser) plain(at token, full, base string) parsedType {
	p.leaves = append(p.leaves, full)
	if strings.HasPrefix(full, "dspy.") {
		return dspyField(full)
	}
	if need := arity(base); need.min > 0 {
		p.failAt(at, fmt.Sprintf("%s needs the types it is made of: %s", base, need.form))
	}
	return parsedType{
		text: full, words: full, python: annotation(full, base), schema: plainSchema(base),
		optional: base == "None" || base == "NoneType",
	}
}

// code reads the language of dspy.Code[python]; quotes around it are allowed.
func (p *parser) code() parsedType {
	p.advance()
	language := p.tok
	if language.kind != name && language.kind != text || !identifier(language.value) || len(language.value) > 20 {
		p.fail("a language, as in dspy.Code[python]")
	}
	p.advance()
	p.close("]")
	full := "dspy.Code[" + language.value + "]"
	p.leaves = append(p.leaves, full)
	return dspyField(full)
}

// dspyField returns a type that only Python checks.
func dspyField(full string) parsedType {
	return parsedType{text: full, words: full, python: full, schema: &jsonschema.Schema{Extra: map[string]any{"x-dspy": full}}}
}

// plainSchema returns the schema of a type that stands without brackets.
func plainSchema(base string) *jsonschema.Schema {
	switch base {
	case "str", "string", "atom", "AnyStr", "Text":
		return typed("string")
	case "int", "integer":
		return typed("integer")
	case "float", "number", "Decimal":
		return typed("number")
	case "bool", "boolean":
		return typed("boolean")
	case "None", "NoneType":
		return typed("null")
	case "bytes", "bytearray":
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}
	case "datetime":
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case "date", "time":
		return &jsonschema.Schema{Type: "string", Format: base}
	case "UUID":
		return &jsonschema.Schema{Type: "string", Format: "uuid"}
	case "probability", "confidence_score":
		return &jsonschema.Schema{Type: "number", Minimum: jsonschema.Ptr(0.0), Maximum: jsonschema.Ptr(1.0)}
	case "embedding":
		return &jsonschema.Schema{Type: "array", Items: typed("number")}
	case "reasoning_chain":
		return &jsonschema.Schema{Type: "array", Items: typed("string")}
	case "dict", "Dict", "map", "Mapping", "MutableMapping":
		return typed("object")
	case "set", "Set", "frozenset", "FrozenSet":
		return &jsonschema.Schema{Type: "array", UniqueItems: true}
	case "list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection":
		return typed("array")
	}
	return &jsonschema.Schema{} // any, Any, object
}
