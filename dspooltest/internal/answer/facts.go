package answer

import (
	"encoding/json"
	"strings"
	"unicode"
)

// factsLimit is how many bytes of each input are read for their meaning. All of it
// counts for the seed.
const factsLimit = 4096

// facts is what an answer can refer to: the inputs' words, whether they sound
// glad or sad, and the result of a sum that stands in them.
type facts struct {
	text     string
	words    []string // lower case, in order
	keywords []string // as written, without stop words and repetitions
	polarity int      // above 0 glad, below 0 sad
	numbers  []string // as JSON, in order
	result   string   // of arithmetic, or ""
}

func readFacts(inputs []Input) *facts {
	f := &facts{}
	var b strings.Builder
	for _, in := range inputs {
		b.WriteString(clip(in.Text, factsLimit))
		b.WriteByte('\n')
	}
	f.text = b.String()
	seen := map[string]bool{}
	for word := range strings.FieldsFuncSeq(f.text, notWord) {
		lower := strings.ToLower(word)
		f.words = append(f.words, lower)
		f.polarity += polarity(lower)
		if json.Valid([]byte(word)) && digit(word[0]) {
			f.numbers = append(f.numbers, word)
		} else if !seen[lower] && len(word) > 2 && !stopWord(lower) {
			seen[lower] = true
			f.keywords = append(f.keywords, word)
		}
	}
	f.result, _ = arithmetic(f.text)
	return f
}

func notWord(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '\'' && r != '-' && r != '_'
}

// clip cuts s to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// has reports whether the inputs contain all words of phrase, one after
// another.
func (f *facts) has(phrase string) bool {
	want := strings.FieldsFunc(strings.ToLower(phrase), notWord)
	if len(want) == 0 {
		return false
	}
	for i := 0; i+len(want) <= len(f.words); i++ {
		if equal(f.words[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

func equal(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// topic names what the inputs are about in at most n words.
func (f *facts) topic(n int) string {
	if len(f.keywords) == 0 {
		return "the input"
	}
	return strings.Join(f.keywords[:min(n, len(f.keywords))], " ")
}

// list names the same as a list in a sentence.
func (f *facts) list(n int) string {
	words := f.keywords[:min(n, len(f.keywords))]
	if len(words) < 2 {
		return f.topic(n)
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
