package signature

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a token is.
type kind int

const (
	end kind = iota
	name
	text   // a string in quotes; value is what stands between them
	number // an integer or a decimal number
	punct
	bad // a character that no signature holds, or an open string
)

// A token is one word of a signature. at counts characters from 1.
type token struct {
	kind  kind
	value string
	at    int
}

// is reports whether the token is that punctuation mark.
func (t token) is(mark string) bool { return t.kind == punct && t.value == mark }

// String names the token in an error message.
func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case text:
		return "the string '" + t.value + "'"
	case bad:
		if strings.HasPrefix(t.value, "'") || strings.HasPrefix(t.value, `"`) {
			return "a string that is never closed"
		}
		return "the character " + strings.TrimSpace(quote(t.value))
	default:
		return quote(t.value)
	}
}

// A lexer cuts a signature into tokens. It never fails: what it does not know
// becomes a token of the kind bad.
type lexer struct {
	rest string
	at   int // of the first character of rest
}

func (l *lexer) next() token {
	l.take(len(l.rest) - len(strings.TrimLeftFunc(l.rest, unicode.IsSpace)))
	if l.rest == "" {
		return token{kind: end, at: l.at}
	}
	c := l.rest[0]
	switch {
	case letter(c):
		return l.cut(name, l.run(func(c byte) bool { return letter(c) || digit(c) }))
	case digit(c), c == '-' && len(l.rest) > 1 && digit(l.rest[1]):
		return l.cut(number, 1+run(l.rest[1:], func(c byte) bool { return digit(c) || c == '.' || letter(c) }))
	case c == '\'', c == '"':
		return l.quoted(c)
	case strings.HasPrefix(l.rest, "..."):
		return l.cut(punct, 3)
	case strings.HasPrefix(l.rest, "->"):
		return l.cut(punct, 2)
	case strings.IndexByte(":,[](){}|.=*/", c) >= 0:
		return l.cut(punct, 1)
	}
	_, size := utf8.DecodeRuneInString(l.rest)
	return l.cut(bad, size)
}

// quoted cuts a string. Quotes inside are escaped as in Python: \' \" \\.
func (l *lexer) quoted(q byte) token {
	var value strings.Builder
	for i := 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case c == q:
			t := l.cut(text, i+1)
			t.value = value.String()
			return t
		case c == '\\' && i+1 < len(l.rest) && strings.IndexByte(`'"\`, l.rest[i+1]) >= 0:
			i++
			value.WriteByte(l.rest[i])
		default:
			value.WriteByte(c)
		}
	}
	return l.cut(bad, len(l.rest))
}

// cut takes n bytes as one token.
func (l *lexer) cut(k kind, n int) token {
	t := token{kind: k, value: l.rest[:n], at: l.at}
	l.take(n)
	return t
}

func (l *lexer) take(n int) {
	l.at += utf8.RuneCountInString(l.rest[:n])
	l.rest = l.rest[n:]
}

func (l *lexer) run(in func(byte) bool) int { return run(l.rest, in) }

// run returns how many bytes at the start of s belong to a set.
func run(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
