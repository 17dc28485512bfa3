package answer

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dspool/dspool/internal/sample"
)

// text makes up a string. Formats come first, then patterns, then words.
func (g *generator) text(path string, s *schema) value {
	switch {
	case s.ContentEncoding == "base64" || s.Format == "base64":
		return text(base64.StdEncoding.EncodeToString([]byte(g.sentence(path))))
	case s.Format == unknownLeaf:
		return text(g.leaf(path))
	case s.Format != "":
		return text(g.formatted(path, s.Format))
	case s.Pattern != "":
		return text(sample.Matching(s.Pattern, least(s.MinLength), -1, g.random(path)))
	default:
		return text(fit(g.words(path), s))
	}
}

// formatted writes the string formats that pydantic uses.
func (g *generator) formatted(path, format string) string {
	r := g.random(path)
	day := fmt.Sprintf("20%02d-%02d-%02d", 20+r%6, 1+r>>8%12, 1+r>>16%28)
	clock := fmt.Sprintf("%02d:%02d:%02d", r>>24%24, r>>32%60, r>>40%60)
	switch format {
	case "date":
		return day
	case "time":
		return clock
	case "date-time":
		return day + "T" + clock + "Z"
	case "duration":
		return fmt.Sprintf("PT%dM", 1+r%59)
	case "uuid", "uuid4":
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(r), uint16(r>>32), r>>48&0xfff, r&0xfff, sample.Mix(r)>>16)
	case "email":
		return strings.ToLower(ascii(g.facts.topic(1))) + "@example.com"
	case "uri", "url":
		return "https://example.com/" + strings.ToLower(ascii(g.facts.topic(1)))
	case "ipv4":
		return fmt.Sprintf("192.0.2.%d", 1+r%254)
	case "ipv6":
		return fmt.Sprintf("2001:db8::%x", 1+r%65534)
	case "binary":
		return g.sentence(path)
	case "complex":
		return fmt.Sprintf("%d+%dj", r%10, 1+r>>8%9)
	default:
		return g.words(path)
	}
}

// ascii keeps the letters and digits that any address may hold.
func ascii(s string) string {
	keep := func(r rune) rune {
		if r < utf8.RuneSelf && wordByte(byte(r)) && r != '.' && r != '_' {
			return r
		}
		return -1
	}
	if s = strings.Map(keep, s); s == "" {
		return "practice"
	}
	return s
}

// words answers a field of free text by its name.
func (g *generator) words(path string) string {
	name, f := hint(path), g.facts
	switch {
	case name == "reasoning" || name == "rationale" || strings.HasSuffix(name, "thought"):
		return g.reasoning()
	case f.result != "" && asksResult(path):
		return f.result
	case strings.HasPrefix(name, "summar"):
		return "In short: " + strings.TrimSpace(clip(strings.Join(strings.Fields(f.text), " "), 80))
	case name == "language":
		return "English"
	case short(name):
		return title(f.topic(3))
	case long(name):
		return g.paragraph(path)
	case name == "translation":
		return f.topic(12)
	default:
		return g.sentence(path)
	}
}

// asksResult reports whether a field of this name is where the result of a sum
// in the inputs belongs. Members of objects and lists never are.
func asksResult(path string) bool {
	switch path {
	case "answer", "result", "value", "total", "sum", "output", "response", "solution", "number", "n":
		return true
	default:
		return false
	}
}

func short(name string) bool {
	switch name {
	case "title", "name", "subject", "topic", "label", "category", "entity", "heading":
		return true
	default:
		return false
	}
}

// long reports whether a field of this name holds more than a sentence.
func long(name string) bool {
	switch name {
	case "text", "story", "poem", "essay", "article", "report", "draft", "body", "reply", "letter":
		return true
	default:
		return false
	}
}

func (g *generator) paragraph(path string) string {
	words := g.facts.keywords
	text := g.sentence(path)
	for i := range min(len(words), 3) {
		text += " Then there is " + strings.ToLower(words[i]) + ", of which more could be said."
	}
	return text
}

func title(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		_, n := utf8.DecodeRuneInString(w)
		words[i] = strings.ToUpper(w[:n]) + w[n:]
	}
	return strings.Join(words, " ")
}

func (g *generator) reasoning() string {
	if g.facts.result != "" {
		return "The input asks for a calculation. Working it out gives " + g.facts.result + "."
	}
	return "The input is about " + g.facts.list(5) + ". The answer follows from that."
}

// sentence repeats the key words in one of a few frames.
func (g *generator) sentence(path string) string {
	for i, w := range g.facts.words {
		if w == "capital" && i+2 < len(g.facts.words) {
			if c := capital(g.facts.words[i+2]); c != "" {
				return c
			}
		}
	}
	topic := g.facts.list(6)
	switch g.random(path) % 4 {
	case 0:
		return "This is about " + topic + "."
	case 1:
		return "A practice answer about " + topic + "."
	case 2:
		return "It concerns " + topic + "."
	default:
		return "Here is what there is to say about " + topic + "."
	}
}

// leaf answers a member of which only the name is known. The figure 1 is a
// text, a whole number, a fraction and a truth value all at once.
func (g *generator) leaf(path string) string {
	name := hint(path)
	switch {
	case name == "date" || name == "when" || name == "day" || strings.HasSuffix(name, "_date") || strings.HasSuffix(name, "_on"):
		return g.formatted(path, "date")
	case strings.HasSuffix(name, "_at"):
		return g.formatted(path, "date-time")
	case fraction(name):
		return "0.5"
	case short(name) || name == "text" || name == "description" || name == "answer" || name == "note" || name == "reason":
		return g.words(path)
	default:
		return "1"
	}
}

// fit brings s to a length between the limits, counted in characters.
func fit(s string, limits *schema) string {
	n := utf8.RuneCountInString(s)
	if limits.MinLength != nil {
		if missing := min(*limits.MinLength, textLimit) - n; missing > 0 {
			s, n = s+strings.Repeat(".", missing), n+missing
		}
	}
	if limits.MaxLength != nil && n > *limits.MaxLength {
		s = strings.TrimRight(string([]rune(s)[:max(0, *limits.MaxLength)]), " ")
	}
	if limits.MinLength != nil && utf8.RuneCountInString(s) < *limits.MinLength {
		s += strings.Repeat(".", min(*limits.MinLength, textLimit)-utf8.RuneCountInString(s))
	}
	return s
}

func least(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// textLimit bounds the texts that a lower limit can ask for.
const textLimit = 1 << 20
