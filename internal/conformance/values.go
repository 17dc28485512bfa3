package conformance

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/dspool/dspool"
)

// values: what goes in comes out, digit by digit.
func (s *suite) values(t *testing.T) {
	inputs := map[string]string{
		"text":                  `{"text":"hello"}`,
		"an empty text":         `{"text":""}`,
		"unicode":               `{"text":"žluťoučký 北京 \ud83e\udd80 \u200f مرحبا \u0000 \" \\ \n"}`,
		"a big integer":         `{"text":123456789012345678901234567890}`,
		"beyond 2^53":           `{"text":9007199254740993}`,
		"beyond 2^64":           `{"text":-18446744073709551617}`,
		"a fraction":            `{"text":0.1}`,
		"null":                  `{"text":null}`,
		"booleans":              `{"text":[true,false]}`,
		"nothing":               `{}`,
		"empty containers":      `{"text":{"a":[],"b":{},"c":[[]]}}`,
		"nested":                `{"text":{"a":[{"b":{"c":[1,"two",3.5,null,{"d":"e"}]}}]}}`,
		"deep":                  `{"text":` + strings.Repeat("[", 100) + "1" + strings.Repeat("]", 100) + `}`,
		"several inputs":        `{"a":1,"b":[2],"c":{"d":"3"}}`,
		"keys with odd letters": `{"text":{"":1,"ž b":2,"\u0001":3}}`,
		"1 MB of escapes":       `{"text":"` + strings.Repeat(`\n\u00e9`, 125_000) + `"}`,
		"10 MB of text":         `{"text":"` + strings.Repeat("0123456789", 1<<20) + `"}`,
	}
	for name, input := range inputs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, s.shared, "echo", input).Output
			if !same(t, got, echoed(t, input)) {
				t.Errorf("%.200s came back as %.200s", input, got)
			}
		})
	}
	t.Run("no input at all", func(t *testing.T) {
		t.Parallel()
		if got := call(t, s.shared, "echo", "").Output; !same(t, got, []byte("{}")) {
			t.Errorf("came back as %s", got)
		}
	})
	t.Run("attachments", s.attachments)
	t.Run("a response says where it comes from", s.provenance)
}

func (s *suite) attachments(t *testing.T) {
	t.Parallel()
	blobs := map[string][]byte{"no bytes": {}, "every byte": allBytes(), "3 MB": bytes.Repeat(allBytes(), 3<<12)}
	for name, blob := range blobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, err := s.shared.Call(bounded(t), dspool.Request{
				Program: program(t, "bytes"), Attachments: map[string][]byte{"data": blob},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, named := resp.Attachments["data"]
			if !named {
				got = resp.Attachments[""] // the whole result is those bytes
			}
			if !bytes.Equal(got, blob) {
				t.Errorf("%d bytes came back as %d others (%d attachments)", len(blob), len(got), len(resp.Attachments))
			}
		})
	}
}

func (s *suite) provenance(t *testing.T) {
	t.Parallel()
	resp := call(t, s.shared, "sleep", `{"ms":20}`)
	if resp.Worker == "" || resp.Attempts != 1 {
		t.Errorf("worker %q after %d attempts", resp.Worker, resp.Attempts)
	}
	if ms := resp.Run.Milliseconds(); ms < 15 || ms > 10_000 {
		t.Errorf("Run = %s for 20 ms of work", resp.Run)
	}
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

// echoed is what echo answers.
func echoed(t testing.TB, input string) []byte {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(input), &members); err != nil {
		t.Fatal(err)
	}
	if text, ok := members["text"]; ok {
		return text
	}
	return []byte(input)
}

// same compares JSON, numbers by their digits.
func same(t testing.TB, a, b []byte) bool {
	t.Helper()
	return reflect.DeepEqual(exact(t, a), exact(t, b))
}

func exact(t testing.TB, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v: %.100s", err, raw)
	}
	return v
}
