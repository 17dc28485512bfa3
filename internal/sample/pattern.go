package sample

import (
	"regexp/syntax"
	"strings"
)

// Matching makes up a short text that matches a regular expression and has at
// least and at most so many bytes; most below 0 is no limit. It does not look at
// what comes before or after a part, so assertions other than the ends of the
// text are passed over.
func Matching(pattern string, least, most int, random uint64) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "a"
	}
	m := matcher{random: random, short: most >= 0}
	m.add(re)
	s := m.b.String()
	for i := 0; len(s) < least && i < 8; i++ {
		m.b.Reset()
		m.extra += least - len(s)
		m.add(re)
		s = m.b.String()
	}
	return s
}

// A matcher walks a regular expression and writes what it wants.
type matcher struct {
	b      strings.Builder
	random uint64
	extra  int  // repetitions beyond the least
	short  bool // nothing that may be left out is put in
}

func (m *matcher) add(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		m.b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		m.b.WriteRune(m.member(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		m.b.WriteByte('a')
	case syntax.OpStar:
		m.repeat(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		m.repeat(re.Sub[0], 1, -1)
	case syntax.OpRepeat:
		m.repeat(re.Sub[0], re.Min, re.Max)
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			m.add(sub)
		}
	case syntax.OpAlternate:
		m.random = Mix(m.random)
		m.add(re.Sub[m.random%uint64(len(re.Sub))])
	}
}

// member takes a character of a class, a letter or digit if there is one.
func (m *matcher) member(ranges []rune) rune {
	m.random = Mix(m.random)
	for _, want := range []rune{'a', 'A', '0'} {
		want += rune(m.random % 6)
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= want && want <= ranges[i+1] {
				return want
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[0]
}

func (m *matcher) repeat(sub *syntax.Regexp, least, most int) {
	n := least
	if m.extra > 0 && (most < 0 || most > least) {
		n += m.extra
		if most >= 0 {
			n = min(n, most)
		}
		m.extra -= n - least
	} else if least == 0 && most != 0 && !m.short {
		n = 1
	}
	for range min(n, textLimit) {
		m.add(sub)
	}
}
