package dspool

import (
	"fmt"
	"log/slog"
)

// redacted stands where a secret would be.
const redacted = "[redacted]"

// A Secret is a string that no formatter, logger or encoder shows. Convert it
// to string where its value is needed, and nowhere else.
type Secret string

// String returns "[redacted]", or "" for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler], and so JSON, with what
// String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
