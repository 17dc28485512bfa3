package worker

import (
	"regexp"
	"strings"
)

// secretMin is the shortest value that counts as a secret: replacing shorter
// ones would mangle ordinary text.
const secretMin = 8

const redacted = "[redacted]"

// redactor returns a function that takes secrets out of a line: what looks
// like a key by its shape, and the values of variables in env whose names say
// that they hold one. extra, which may be nil, has the first word.
func redactor(env []string, extra func(string) string) func(string) string {
	known := strings.NewReplacer(secretValues(env)...)
	shapes := []*regexp.Regexp{
		regexp.MustCompile(`\b(sk|pk|rk|gsk|xai|ghp|hf)[-_][A-Za-z0-9_\-]{12,}`),
		regexp.MustCompile(`\bAIza[A-Za-z0-9_\-]{30,}`),
		regexp.MustCompile(`(?i)\bbearer\s+[A-Za-z0-9._~+/=\-]{8,}`),
	}
	named := regexp.MustCompile(`(?i)((?:api[_-]?key|authorization|access[_-]?token|secret|password)["']?\s*[:=]\s*["']?)([^\s"',;}]{4,})`)
	return func(line string) string {
		if extra != nil {
			line = extra(line)
		}
		line = known.Replace(line)
		for _, shape := range shapes {
			line = shape.ReplaceAllString(line, redacted)
		}
		return named.ReplaceAllString(line, "${1}"+redacted)
	}
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
