package validate

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

const refPrefix = "#/$defs/"

// A compiler turns schemas into nodes. made lets recursive schemas refer to a
// node that is still being filled in.
type compiler struct {
	defs  map[string]*jsonschema.Schema
	made  map[*jsonschema.Schema]*node
	depth int
}

// node compiles s; nil stands for a schema that accepts everything.
func (c *compiler) node(s *jsonschema.Schema) (*node, error) {
	if s == nil {
		return nil, nil
	}
	if n, ok := c.made[s]; ok {
		return n, nil
	}
	if c.depth++; c.depth > depthMax {
		return nil, errors.New("schemas nest too deep")
	}
	defer func() { c.depth-- }()
	if err := unsupported(s); err != nil {
		return nil, err
	}
	if _, dspy := s.Extra["x-dspy"]; dspy || trivial(s) {
		return nil, nil
	}
	n := &node{}
	c.made[s] = n
	return n, c.fill(n, s)
}

func (c *compiler) fill(n *node, s *jsonschema.Schema) (err error) {
	if n.kinds, err = kindsOf(s); err != nil {
		return err
	}
	n.never = s.Not != nil
	parts := []func(*node, *jsonschema.Schema) error{
		c.ref, c.combined, enums, texts, numbers, c.array, c.object,
	}
	for _, part := range parts {
		if err := part(n, s); err != nil {
			return err
		}
	}
	combines := n.anyOf != nil || n.allOf != nil
	n.own = !combines || n.kinds != isAny || n.text != nil || n.number != nil || n.array != nil || n.object != nil
	return nil
}

// ref adds what s refers to as one more schema that the value has to fit.
func (c *compiler) ref(n *node, s *jsonschema.Schema) error {
	if s.Ref == "" {
		return nil
	}
	name, ok := strings.CutPrefix(s.Ref, refPrefix)
	if name == "" || !ok {
		return fmt.Errorf("the reference %q is not of the form %sNAME", s.Ref, refPrefix)
	}
	target := c.defs[name]
	if target == nil {
		return fmt.Errorf("the reference %q leads nowhere", s.Ref)
	}
	to, err := c.node(target)
	if to != nil {
		n.allOf = append(n.allOf, to)
	}
	return err
}

// combined compiles anyOf, oneOf and allOf. oneOf is read as anyOf: the first
// alternative that fits decides, as in Python.
func (c *compiler) combined(n *node, s *jsonschema.Schema) error {
	for _, sub := range s.AllOf {
		if err := c.add(&n.allOf, sub); err != nil {
			return err
		}
	}
	alternatives := s.AnyOf
	if alternatives == nil {
		alternatives = s.OneOf
	}
	for _, sub := range alternatives {
		if err := c.add(&n.anyOf, sub); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) add(list *[]*node, s *jsonschema.Schema) error {
	n, err := c.node(s)
	*list = append(*list, n)
	return err
}

func enums(n *node, s *jsonschema.Schema) error {
	values := s.Enum
	if s.Const != nil {
		values = []any{*s.Const}
	}
	if values == nil {
		return nil
	}
	e := &enumeration{texts: map[string]bool{}, others: map[string]bool{}}
	shown := make([]string, len(values))
	for i, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("a value of an enum: %w", err)
		}
		shown[i] = string(raw)
		if text, ok := v.(string); ok {
			e.texts[text] = true
		} else {
			e.others[canonical(raw)] = true
		}
	}
	e.shown = strings.Join(shown, ", ")
	n.enum = e
	return nil
}

func texts(n *node, s *jsonschema.Schema) error {
	r := textRule{min: value(s.MinLength, 0), max: value(s.MaxLength, -1), format: s.Format}
	switch s.ContentEncoding {
	case "", "base64":
		r.base64 = s.ContentEncoding != ""
	default:
		return fmt.Errorf("the content encoding %q is not supported, only base64 is", s.ContentEncoding)
	}
	if s.Pattern != "" {
		re, err := regexp.Compile(s.Pattern)
		if err != nil {
			return fmt.Errorf("the pattern %q: %w", s.Pattern, err)
		}
		r.pattern = re
	}
	r.shape = newShape(s.Format)
	if r != (textRule{max: -1}) {
		n.text = &r
	}
	return nil
}

func numbers(n *node, s *jsonschema.Schema) error {
	if s.MultipleOf != nil && *s.MultipleOf <= 0 {
		return fmt.Errorf("multipleOf is %v, it has to be above 0", *s.MultipleOf)
	}
	r := numberRule{
		min: newBound(s.Minimum), max: newBound(s.Maximum), over: newBound(s.ExclusiveMinimum),
		under: newBound(s.ExclusiveMaximum), multiple: newBound(s.MultipleOf),
	}
	if r != (numberRule{}) {
		n.number = &r
	}
	return nil
}

// newBound takes a limit as the decimal that a person wrote: 0.1 is one tenth.
func newBound(f *float64) *bound {
	if f == nil {
		return nil
	}
	text := strconv.FormatFloat(*f, 'f', -1, 64)
	rat, ok := new(big.Rat).SetString(text)
	if !ok { // infinite: no limit
		return nil
	}
	return &bound{rat: rat, float: *f, text: text}
}

func (c *compiler) array(n *node, s *jsonschema.Schema) (err error) {
	r := arrayRule{
		min: value(s.MinItems, 0), max: value(s.MaxItems, -1), unique: s.UniqueItems,
		closed: s.Items != nil && s.Items.Not != nil,
	}
	for _, sub := range s.PrefixItems {
		if err := c.add(&r.prefix, sub); err != nil {
			return err
		}
	}
	if !r.closed {
		r.items, err = c.node(s.Items)
	}
	if r.prefix != nil || r.items != nil || r.closed || r.min > 0 || r.max >= 0 || r.unique {
		n.array = &r
	}
	return err
}

func value(p *int, none int) int {
	if p == nil {
		return none
	}
	return *p
}
