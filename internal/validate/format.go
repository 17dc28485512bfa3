package validate

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"time"
)

func validBase64(text []byte) bool {
	body := bytes.TrimRight(text, "=")
	if len(text)%4 != 0 || len(text)-len(body) > 2 {
		return false
	}
	for _, c := range body {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	last := text[max(0, len(text)-4):]
	_, err := base64.StdEncoding.Decode(make([]byte, 3), last)
	return err == nil
}

// formatted holds a string against a format. A date-time without a zone, which
// Python and language models like to write, is taken as UTC.
func (w *walk) formatted(format, text string, start int) {
	switch {
	case format == "date-time":
		zoned, ok := zonedTime(text)
		if !ok {
			w.wrongf("expected a date and time such as 2025-01-31T12:00:00Z, found %s", w.shown(start))
		} else if zoned != text {
			w.edits = append(w.edits, edit{from: start, to: w.pos, text: `"` + zoned + `"`})
		}
	case format == "date" && !parses(text, time.DateOnly):
		w.wrongf("expected a date such as 2025-01-31, found %s", w.shown(start))
	case format == "time" && !parses(text, "15:04:05.999999999Z07:00", "15:04:05.999999999", "15:04"):
		w.wrongf("expected a time of day such as 12:30:00, found %s", w.shown(start))
	case format == "uuid" && !validUUID(text):
		w.wrongf("expected a UUID such as 123e4567-e89b-12d3-a456-426614174000, found %s", w.shown(start))
	}
}

// A shape is a format whose texts a regular expression tells apart. The worker
// has the same expressions; they are meant to catch what is no address at all,
// not to know every rule of the standards.
type shape struct {
	pattern *regexp.Regexp
	like    string
}

// newShape returns the shape of a format, or nil if it has none.
func newShape(format string) *shape {
	switch format {
	case "email":
		return &shape{regexp.MustCompile(`^[^@\t\n\r ]+@[^@\t\n\r .]+(\.[^@\t\n\r .]+)+$`), "an e-mail address such as name@example.org"}
	case "uri":
		return &shape{regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:[^\t\n\r ]+$`), "a URI such as https://example.org/path"}
	case "hostname":
		return &shape{regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`), "a host's name such as www.example.org"}
	case "ipv4":
		return &shape{regexp.MustCompile(`^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$`), "an address such as 192.0.2.1"}
	}
	return nil
}

// zonedTime brings the usual ways of writing a time into the form of RFC 3339.
func zonedTime(text string) (string, bool) {
	if parses(text, time.RFC3339Nano) {
		return text, true
	}
	for _, layout := range []string{
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.RFC3339Nano), true
		}
	}
	return "", false
}

func parses(text string, layouts ...string) bool {
	for _, layout := range layouts {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

func validUUID(text string) bool {
	hex := strings.ReplaceAll(text, "-", "")
	return len(hex) == 32 && strings.Trim(strings.ToLower(hex), "0123456789abcdef") == ""
}
