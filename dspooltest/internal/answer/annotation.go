package answer

import (
	"strconv"
	"strings"
)

// parseAnnotation reads a Python type as DSPy prints it, for example
// "Union[list[Literal['a', 'b']], NoneType]". A name that it does not know
// allows anything.
func parseAnnotation(s string) *schema {
	p := annotation{rest: s}
	return p.parse(0)
}

// An annotation is a cursor over the text of a Python type.
type annotation struct {
	rest string
}

const annotationDepth = 32

func (a *annotation) parse(depth int) *schema {
	if depth > annotationDepth {
		return &schema{}
	}
	name := a.name()
	if name == "Literal" {
		return &schema{Enum: a.literals()}
	}
	var args []*schema
	for more := a.take('['); more; more = a.next() {
		args = append(args, a.parse(depth+1))
	}
	return typeOf(name, args)
}

// name takes a dotted name and returns its last part.
func (a *annotation) name() string {
	a.rest = strings.TrimLeft(a.rest, " ")
	end := strings.IndexAny(a.rest, "[], ")
	if end < 0 {
		end = len(a.rest)
	}
	name := a.rest[:end]
	a.rest = a.rest[end:]
	return name[strings.LastIndexByte(name, '.')+1:]
}

// take takes c if it comes next, and reports whether it did.
func (a *annotation) take(c byte) bool {
	a.rest = strings.TrimLeft(a.rest, " ")
	if a.rest == "" || a.rest[0] != c {
		return false
	}
	a.rest = a.rest[1:]
	return true
}

// next reports whether one more argument follows, and moves to it. At the end
// of the arguments it takes the bracket.
func (a *annotation) next() bool {
	if a.take(',') {
		return true
	}
	a.take(']')
	return false
}

func (a *annotation) literals() []value {
	var out []value
	for more := a.take('['); more; more = a.next() {
		a.rest = strings.TrimLeft(a.rest, " ")
		if a.rest != "" && (a.rest[0] == '\'' || a.rest[0] == '"') {
			out = append(out, text(a.quoted()))
			continue
		}
		end := strings.IndexAny(a.rest, ",]")
		if end < 0 {
			end = len(a.rest)
		}
		out = append(out, bareLiteral(strings.TrimSpace(a.rest[:end])))
		a.rest = a.rest[end:]
	}
	return out
}

// quoted takes a quoted string. DSPy escapes single quotes and nothing else.
func (a *annotation) quoted() string {
	quote, b := a.rest[0], strings.Builder{}
	for i := 1; i < len(a.rest); i++ {
		c := a.rest[i]
		if c == quote {
			a.rest = a.rest[i+1:]
			return b.String()
		}
		if c == '\\' && i+1 < len(a.rest) && a.rest[i+1] == '\'' {
			i++
			c = '\''
		}
		b.WriteByte(c)
	}
	a.rest = ""
	return b.String()
}

func bareLiteral(s string) value {
	switch s {
	case "True", "False":
		return boolean(s == "True")
	case "None", "NoneType":
		return null()
	}
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number(s)
	}
	return text(s)
}

func typeOf(name string, args []*schema) *schema {
	switch name {
	case "Union", "Optional":
		return &schema{AnyOf: args}
	case "list", "List", "set", "frozenset", "Sequence":
		return &schema{Types: typeNames{"array"}, Items: first(args)}
	case "tuple":
		return &schema{Types: typeNames{"array"}, PrefixItems: args, Items: &schema{never: true}}
	case "dict", "Dict", "Mapping":
		s := &schema{Types: typeNames{"object"}}
		if len(args) == 2 {
			s.AdditionalProperties = args[1]
		}
		return s
	default:
		return scalar(name)
	}
}

func first(args []*schema) *schema {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

func scalar(name string) *schema {
	switch name {
	case "str", "Reasoning", "Code":
		return &schema{Types: typeNames{"string"}}
	case "int":
		return &schema{Types: typeNames{"integer"}}
	case "float", "Decimal":
		return &schema{Types: typeNames{"number"}}
	case "bool":
		return &schema{Types: typeNames{"boolean"}}
	case "NoneType", "None":
		return &schema{Types: typeNames{"null"}}
	case "date", "time":
		return &schema{Types: typeNames{"string"}, Format: name}
	case "datetime":
		return &schema{Types: typeNames{"string"}, Format: "date-time"}
	case "UUID":
		return &schema{Types: typeNames{"string"}, Format: "uuid"}
	case "bytes", "bytearray":
		return &schema{Types: typeNames{"string"}, Format: "binary"}
	case "complex":
		return &schema{Types: typeNames{"string"}, Format: "complex"}
	default:
		return &schema{}
	}
}
