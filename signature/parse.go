package signature

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/dspool/dspool/fault"
)

const (
	// textMax bounds the text that [Parse] reads, in bytes.
	textMax = 64 << 10
	// depthMax bounds how deep types nest in one another.
	depthMax = 32
)

const examples = `for example "question: str -> answer: str" or "text: str, k: int -> tags: list[str], score: float"`

const typeExamples = `for example "str", "list[int]", "dict[str, float]" or "Optional[str]"`

// Parse reads a signature such as
//
//	question: str, n: int -> answer: str, tags: list[str], mood: Literal['good', 'bad']
//
// A field without a type is a str. Types are Python's: str, int, float, bool,
// bytes, Any, None, list[T], set[T], tuple[T, ...], dict[K, V], Optional[T],
// Union[T, U], T | U, Literal['a', 'b'], datetime, date, time, UUID, Decimal;
// DSPy's, such as dspy.Image and dspy.History; and the names string, integer,
// boolean, any, map, atom, embedding, probability, confidence_score,
// reasoning_chain, list(T), dict(K, V), union([T, U]). Types may also be written
// as symbols and tuples: :string, {:list, :string}, {:union, [:string, :integer]}.
//
// An error is a *fault.Error with the code invalid_argument. It says at which
// character the text went wrong and what was expected there; the detail
// "position" holds that number.
func Parse(source string) (*Signature, error) {
	p, err := newParser("signature", examples, source)
	if err != nil {
		return nil, err
	}
	sig := p.signature()
	if p.err != nil {
		return nil, p.err
	}
	if err := sig.Validate(); err != nil {
		return nil, err
	}
	return sig, nil
}

// parseType reads the text of one type, and lists the types without parts in
// it. A lenient parser takes a type that it does not know for Any.
func parseType(source string, lenient bool) (t parsedType, leaves []string, err error) {
	p, err := newParser("type", typeExamples, source)
	if err != nil {
		return parsedType{}, nil, err
	}
	p.lenient = lenient
	t = p.union()
	if p.tok.kind != end {
		p.fail("the end of the type")
	}
	if p.err != nil {
		return parsedType{}, nil, p.err
	}
	return t, p.leaves, nil
}

func newParser(subject, examples, source string) (*parser, error) {
	p := &parser{lexer: lexer{rest: source, at: 1}, subject: subject, examples: examples}
	if len(source) > textMax {
		return nil, p.failed(fmt.Sprintf("the text is at most %d bytes long", textMax))
	}
	if !utf8.ValidString(source) {
		return nil, p.failed("the text is not valid UTF-8")
	}
	p.advance()
	return p, nil
}

// A parser reads one signature, or one type, by recursive descent. After the first error it
// stands still: the current token is the end and err is set.
type parser struct {
	lexer
	tok     token
	depth   int
	inside  []string // the types that are being read, from the outside in
	leaves  []string // the types without parts that were read
	lenient bool     // types that are not known are Any
	seen    map[string]side
	err     *fault.Error

	subject, examples string // for messages
}

func (p *parser) advance() {
	if p.err == nil {
		p.tok = p.next()
	}
}

// fail records the first error, at the current token.
func (p *parser) fail(expected string) {
	p.failAt(p.tok, "expected "+expected+", found "+p.tok.String())
}

func (p *parser) failAt(at token, what string) {
	if p.err != nil {
		return
	}
	p.err = p.failed(fmt.Sprintf("at character %d: %s", at.at, what))
	p.err.Details = map[string]string{"position": strconv.Itoa(at.at)}
	p.tok = token{kind: end, at: at.at}
}

func (p *parser) failed(what string) *fault.Error {
	return fault.Newf(fault.InvalidArgument, "%s: %s; %s", p.subject, what, p.examples)
}

// accept takes the mark if it is next.
func (p *parser) accept(mark string) bool {
	if !p.tok.is(mark) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) signature() *Signature {
	p.seen = map[string]side{}
	sig := &Signature{Name: NameDefault}
	sig.Inputs = p.side(inputs)
	if !p.accept("->") {
		p.fail(`"," or "->"`)
	}
	sig.Outputs = p.side(outputs)
	switch {
	case p.tok.is("->"):
		p.failAt(p.tok, `a signature has one "->", this is the second`)
	case p.tok.kind != end:
		p.fail(`"," or the end`)
	}
	return sig
}

// side reads the fields up to "->" or the end.
func (p *parser) side(on side) []Field {
	var fields []Field
	for p.err == nil {
		if len(fields) == 0 && (p.tok.kind == end || p.tok.is("->")) {
			p.failAt(p.tok, "expected at least one "+string(on)+" field, found "+p.tok.String())
		}
		fields = append(fields, p.field(on))
		if !p.accept(",") {
			break
		}
	}
	return fields
}

func (p *parser) field(on side) Field {
	at := p.tok
	f := Field{Name: at.value, Type: "str", Schema: typed("string"), Required: true}
	p.fieldName(on)
	expected := `":", "," or "->"`
	if p.accept(":") {
		t := p.union()
		f.Type, f.Schema, f.Required = t.text, t.schema, !t.optional
		expected = `"," or "->"`
	}
	switch {
	case p.tok.is("="):
		p.failAt(p.tok, "a signature holds no default values")
	case p.tok.kind != end && !p.tok.is(",") && !p.tok.is("->"):
		p.fail(fmt.Sprintf("%s after the field %q", expected, f.Name))
	}
	return f
}

// fieldName checks and takes the name of a field.
func (p *parser) fieldName(on side) {
	at := p.tok
	switch {
	case at.is("*"), at.is("/"):
		p.failAt(at, `"*" and "/" mean nothing in a signature: name every field`)
	case at.kind != name:
		p.fail("the name of an " + string(on) + " field")
	default:
		if why := badName(at.value); why != "" {
			p.failAt(at, fmt.Sprintf("%s %q: %s", on, at.value, why))
		} else if first, twice := p.seen[at.value]; twice {
			p.failAt(at, repeated(at.value, first, on))
		} else if why := reservedReason(at.value, on); why != "" {
			p.failAt(at, fmt.Sprintf("%s %q: %s", on, at.value, why))
		}
		p.seen[at.value] = on
	}
	p.advance()
}
