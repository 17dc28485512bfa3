package signature

import (
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// within says which types surround the current one, for a message.
func (p *parser) within() string {
	if len(p.inside) == 0 {
		return ""
	}
	return " inside " + strings.Join(p.inside, " of ")
}

// unknown passes over the brackets of a type that is not known.
func (p *parser) unknown() parsedType {
	for open := 0; p.tok.kind != end; p.advance() {
		switch {
		case p.tok.is("["), p.tok.is("("):
			open++
		case p.tok.is("]"), p.tok.is(")"):
			open--
		}
		if open < 0 || open == 0 && !p.tok.is("]") && !p.tok.is(")") {
			break
		}
	}
	p.leaves = append(p.leaves, "Any")
	return parsedType{text: "Any", words: "Any", python: "Any", schema: &jsonschema.Schema{}}
}

// tuple reads a type in the form {:list, T}, {:dict, K, V} or {:union, [T, U]}.
func (p *parser) tuple() parsedType {
	p.advance()
	p.accept(":")
	at := p.tok
	full := p.dotted()
	if at.kind != name || !known(full) || !p.tok.is(",") {
		p.failAt(at, "a type in braces is written {:list, T}, {:dict, K, V} or {:union, [T, U]}; "+supported)
		return parsedType{schema: &jsonschema.Schema{}}
	}
	return p.generic(at, full, full[strings.LastIndexByte(full, '.')+1:])
}
