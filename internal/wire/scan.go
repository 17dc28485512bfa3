package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// scanDepth is how deep an ignored member of a meta object may nest.
const scanDepth = 64

// scanner reads the small JSON objects that metas are. It exists because
// encoding/json matches member names without regard to case (so that an unknown
// "K" would be taken for "k") and costs a multiple on the path of every call.
type scanner struct {
	b []byte
	i int
}

// scanError says where a meta stopped being what it should be.
type scanError struct {
	at   int
	what string
}

func (e *scanError) Error() string { return fmt.Sprintf("byte %d: %s", e.at, e.what) }

func (s *scanner) fail(what string) error { return &scanError{at: s.i, what: what} }

// space skips white space and returns the next byte, or 0 at the end.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// end checks that nothing but white space is left.
func (s *scanner) end() error {
	if s.space() != 0 || s.i < len(s.b) {
		return s.fail("extra bytes after the value")
	}
	return nil
}

// expect takes the byte c.
func (s *scanner) expect(c byte) error {
	if s.space() != c {
		return s.fail("expected " + strconv.QuoteRune(rune(c)))
	}
	s.i++
	return nil
}

// object calls member for each member of an object; member has to take the
// value. The key is valid only until member returns.
func (s *scanner) object(member func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// array calls element for each element of an array.
func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

func (s *scanner) list(opening, closing byte, element func() error) error {
	if err := s.expect(opening); err != nil {
		return err
	}
	if s.space() == closing {
		s.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		switch s.space() {
		case ',':
			s.i++
		case closing:
			s.i++
			return nil
		default:
			return s.fail("expected ',' or " + strconv.QuoteRune(rune(closing)))
		}
	}
}

// str takes a string.
func (s *scanner) str() (string, error) {
	b, err := s.text()
	return string(b), err
}

// text takes a string and returns its bytes, which may be part of the input.
func (s *scanner) text() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.plain(start)
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, s.fail("control character in a string")
		}
		s.i++
	}
	return nil, s.fail("string without an end")
}

// plain checks the string without escapes that ends before s.i.
func (s *scanner) plain(start int) ([]byte, error) {
	b := s.b[start : s.i-1]
	if !utf8.Valid(b) {
		return nil, s.fail("string is not UTF-8")
	}
	return b, nil
}

// escaped takes the rest of a string that has escapes in it.
func (s *scanner) escaped(start int) ([]byte, error) {
	for s.i < len(s.b) && s.b[s.i] != '"' {
		if s.b[s.i] == '\\' {
			s.i++
		}
		s.i++
	}
	if s.i >= len(s.b) {
		s.i = len(s.b)
		return nil, s.fail("string without an end")
	}
	s.i++
	quoted := s.b[start-1 : s.i]
	if !utf8.Valid(quoted) {
		return nil, s.fail("string is not UTF-8")
	}
	var out string
	if json.Unmarshal(quoted, &out) != nil {
		return nil, s.fail("bad escape in a string")
	}
	return []byte(out), nil
}

// integer takes a whole number of at least low.
func (s *scanner) integer(low int64) (int64, error) {
	s.space()
	b := s.number()
	if !integral(b) {
		return 0, s.fail("expected a whole number")
	}
	// The string is not kept: no copy is needed.
	n, err := strconv.ParseInt(unsafe.String(unsafe.SliceData(b), len(b)), 10, 64)
	if err != nil || n < low {
		return 0, s.fail("number out of range")
	}
	return n, nil
}

// number takes the bytes that can stand in a number.
func (s *scanner) number() []byte {
	start := s.i
	for s.i < len(s.b) && inNumber(s.b[s.i]) {
		s.i++
	}
	return s.b[start:s.i]
}

func inNumber(c byte) bool {
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// integral reports whether b is a JSON number without fraction and exponent.
func integral(b []byte) bool {
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) == 0 || (b[0] == '0' && len(b) > 1) {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// boolean takes true or false.
func (s *scanner) boolean() (bool, error) {
	c := s.space()
	switch {
	case c == 't' && s.word("true"):
		return true, nil
	case c == 'f' && s.word("false"):
		return false, nil
	}
	return false, s.fail("expected true or false")
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// value takes a value of any kind and returns a copy of its bytes.
func (s *scanner) value() ([]byte, error) {
	s.space()
	start := s.i
	if err := s.skip(0); err != nil {
		return nil, err
	}
	return append([]byte(nil), s.b[start:s.i]...), nil
}

// skip takes a value of any kind.
func (s *scanner) skip(depth int) error {
	if depth > scanDepth {
		return s.fail("nested too deep")
	}
	switch c := s.space(); {
	case c == '{':
		return s.object(func([]byte) error { return s.skip(depth + 1) })
	case c == '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case c == '"':
		_, err := s.text()
		return err
	case c == 'n' && s.word("null"), c == 't' && s.word("true"), c == 'f' && s.word("false"):
		return nil
	case c == '-' || (c >= '0' && c <= '9'):
		if b := s.number(); !json.Valid(b) {
			return s.fail("bad number")
		}
		return nil
	}
	return s.fail("expected a value")
}
