package worker

import (
	"slices"
	"strings"
)

const redacted = "[redacted]"

const (
	// secretMin is the shortest value of a variable that counts as a secret:
	// replacing shorter ones would mangle ordinary text.
	secretMin = 8
	// shapeMin is the shortest run of characters that can be a key by its shape.
	shapeMin = 16
	// namedMin is the shortest value that is taken out because of its name.
	namedMin = 4
)

// redactor returns a function that takes secrets out of a line: what looks
// like a key by its shape or by the name in front of it, and the values of
// variables in env whose names say that they hold one. extra, which may be
// nil, has the first word. It costs about a microsecond a line: it stands in
// the way of every line that user code writes, so it uses no regular
// expressions.
func redactor(env []string, extra func(string) string) func(string) string {
	known := strings.NewReplacer(secretValues(env)...)
	named, shapes := secretNames(), keyShapes()
	return func(line string) string {
		if extra != nil {
			line = extra(line)
		}
		line = known.Replace(line)
		var spans []span
		lower := asciiLower(line)
		for _, name := range named {
			spans = appendNamed(spans, lower, name)
		}
		for _, shape := range shapes {
			spans = appendShaped(spans, line, shape)
		}
		return cut(line, spans)
	}
}

// secretNames are what stands in front of a secret, in lower case.
func secretNames() []string {
	return []string{"api_key", "api-key", "apikey", "authorization", "access_token", "access-token", "secret", "password", "bearer"}
}

// keyShapes are how the keys of the usual providers begin.
func keyShapes() []string {
	return []string{"sk-", "sk_", "pk-", "pk_", "rk_", "gsk_", "xai-", "ghp_", "hf_", "AIza"}
}

// A span is a part of a line.
type span struct{ from, to int }

// appendNamed finds values like those in `api_key=VALUE`, `"api_key": "VALUE"`
// and `Bearer VALUE`.
func appendNamed(spans []span, line, name string) []span {
	for at := 0; ; {
		i := strings.Index(line[at:], name)
		if i < 0 {
			return spans
		}
		at += i + len(name)
		from, ok := valueAfter(line, at, name == "bearer")
		if !ok {
			continue
		}
		if to := from + prefix(line[from:], inValue); to-from >= namedMin {
			spans = append(spans, span{from, to})
			at = to
		}
	}
}

// valueAfter finds where a value begins: after a quote, a colon or an equals
// sign, and blanks; after blanks alone if bare.
func valueAfter(line string, at int, bare bool) (int, bool) {
	rest := strings.TrimLeft(line[at:], "\"' \t")
	trimmed := strings.TrimLeft(rest, ":=")
	if len(trimmed) == len(rest) && (!bare || len(rest) == len(line)-at) {
		return 0, false
	}
	trimmed = strings.TrimLeft(trimmed, "\"' \t")
	if !bare {
		// "Authorization: Bearer VALUE": the scheme is no secret.
		trimmed = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(trimmed, "bearer"), "basic"), " \t")
	}
	return len(line) - len(trimmed), true
}

// appendShaped finds words that begin like a provider's key.
func appendShaped(spans []span, line, shape string) []span {
	for at := 0; ; {
		i := strings.Index(line[at:], shape)
		if i < 0 {
			return spans
		}
		from := at + i
		to := from + prefix(line[from:], inWord)
		if to-from >= shapeMin && (from == 0 || !inWord(line[from-1])) {
			spans = append(spans, span{from, to})
		}
		at = to
	}
}

// cut replaces the spans, which may overlap.
func cut(line string, spans []span) string {
	if len(spans) == 0 {
		return line
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	end := 0
	for _, s := range spans {
		if s.from >= end {
			out.WriteString(line[end:s.from])
			out.WriteString(redacted)
		}
		end = max(end, s.to)
	}
	out.WriteString(line[end:])
	return out.String()
}

// prefix is how many bytes from the start belong.
func prefix(s string, belongs func(byte) bool) int {
	for i := range len(s) {
		if !belongs(s[i]) {
			return i
		}
	}
	return len(s)
}

func inWord(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func inValue(c byte) bool { return !strings.ContainsRune(" \t\"',;}", rune(c)) }

// asciiLower keeps every byte in its place, which strings.ToLower does not.
func asciiLower(s string) string {
	if prefix(s, func(c byte) bool { return c < 'A' || c > 'Z' }) == len(s) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func secretValues(env []string) []string {
	var pairs []string
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if len(value) >= secretMin && namesSecret(name) {
			pairs = append(pairs, value, redacted)
		}
	}
	return pairs
}

func namesSecret(name string) bool {
	name = strings.ToUpper(name)
	for _, end := range []string{"KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
