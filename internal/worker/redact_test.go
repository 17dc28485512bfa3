package worker

import (
	"strings"
	"testing"
)

func TestSecretsAreTakenOutOfLines(t *testing.T) {
	t.Parallel()
	redact := redactor([]string{"OPENAI_API_KEY=verysecretvalue", "PATH=/usr/bin:/bin", "SHORT_KEY=abc"}, nil)
	tests := []struct{ name, line, want string }{
		{"value of a variable", "got verysecretvalue!", "got [redacted]!"},
		{"openai key", "bad key sk-proj-abcdef0123456789abcdef", "bad key [redacted]"},
		{"google key", "AIzaSyA0123456789012345678901234567890 x", "[redacted] x"},
		{"bearer", "Authorization: Bearer abcdefgh12345678 ok", "Authorization: Bearer [redacted] ok"},
		{"bearer alone", "sent bearer abcdefgh12345678", "sent bearer [redacted]"},
		{"basic", "authorization: Basic dXNlcjpwYXNz", "authorization: Basic [redacted]"},
		{"twice", "api_key=first-one api-key: 'second-one'", "api_key=[redacted] api-key: '[redacted]'"},
		{"shape and name", "api_key=sk-abcdef0123456789abcdef,", "api_key=[redacted],"},
		{"not ASCII before it", "İİ PASSWORD=hunter2 İ", "İİ PASSWORD=[redacted] İ"},
		{"named in json", `{"api_key": "hunter2hunter2"}`, `{"api_key": "[redacted]"}`},
		{"named in text", "password=hunter2", "password=[redacted]"},
		{"ordinary text", "the key question is /usr/bin:/bin abc", "the key question is /usr/bin:/bin abc"},
		{"a name without a value", "the password is wrong; secret: no", "the password is wrong; secret: no"},
		{"a word that only ends like a key", "task-abcdef0123456789abcdef", "task-abcdef0123456789abcdef"},
		{"empty", "", ""},
		{"a token count", "total_tokens: 1234567", "total_tokens: 1234567"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := redact(tt.line); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheOwnersRedactionComesFirst(t *testing.T) {
	t.Parallel()
	redact := redactor(nil, func(s string) string { return strings.ReplaceAll(s, "tenant-7", "***") })
	if got := redact("for tenant-7"); got != "for ***" {
		t.Errorf("got %q", got)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("api_key = 'x' bearer sk-0123456789012345")
	f.Add("authorization:")
	redact := redactor(nil, nil)
	f.Fuzz(func(t *testing.T, line string) {
		once := redact(line)
		if !strings.Contains(once, redacted) && once != line {
			t.Errorf("%q became %q", line, once)
		}
	})
}
