package sample

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
)

// textLimit bounds the texts that a lower limit can ask for.
const textLimit = 1 << 20

// text makes up a string.
func (b *build) text(path string, s *jsonschema.Schema) string {
	r := b.random(path)
	plain := fmt.Sprintf("%s_%s_%012x", b.Prefix, last(path), r>>16)
	switch {
	case s.ContentEncoding == "base64":
		return base64.StdEncoding.EncodeToString([]byte(plain))
	case s.Pattern != "":
		least, most := 0, -1
		if s.MinLength != nil {
			least = *s.MinLength
		}
		if s.MaxLength != nil {
			most = *s.MaxLength
		}
		return Matching(s.Pattern, least, most, r)
	}
	if form, known := formatted(s.Format, r); known {
		return form
	}
	return fit(plain, s.MinLength, s.MaxLength)
}

// formatted writes the formats of text that pydantic knows.
func formatted(format string, r uint64) (text string, known bool) {
	day := fmt.Sprintf("20%02d-%02d-%02d", 20+r%6, 1+r>>8%12, 1+r>>16%28)
	clock := fmt.Sprintf("%02d:%02d:%02d", r>>24%24, r>>32%60, r>>40%60)
	switch format {
	case "date":
		return day, true
	case "time":
		return clock, true
	case "date-time":
		return day + "T" + clock + "Z", true
	case "duration":
		return fmt.Sprintf("PT%dM", 1+r%59), true
	case "uuid", "uuid4":
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(r), uint16(r>>32), r>>48&0xfff, r&0xfff, Mix(r)>>16), true
	case "email":
		return fmt.Sprintf("mock-%06x@example.com", r>>40), true
	case "uri", "url":
		return fmt.Sprintf("https://example.com/%06x", r>>40), true
	case "ipv4":
		return fmt.Sprintf("192.0.2.%d", 1+r%254), true
	case "ipv6":
		return fmt.Sprintf("2001:db8::%x", 1+r%65534), true
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(day)), true
	default:
		return "", false
	}
}

// fit brings s to a length between the limits, in characters. Its end, which
// tells texts apart, is what stays.
func fit(s string, least, most *int) string {
	n := utf8.RuneCountInString(s)
	if most != nil && n > *most {
		s = string([]rune(s)[n-max(0, *most):])
	}
	if least != nil {
		s = strings.Repeat(".", max(0, min(*least, textLimit)-utf8.RuneCountInString(s))) + s
	}
	return s
}
