package validate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/internal/validate"
)

// A verdict is a value and what both this side and the worker say about it. See
// testdata/README.md.
type verdict struct {
	Name    string            `json:"name"`
	Schema  jsonschema.Schema `json:"schema"`
	Value   json.RawMessage   `json:"value"`
	Paths   []string          `json:"paths"`
	Result  json.RawMessage   `json:"result"`
	Coerced json.RawMessage   `json:"coerced"`
}

// CHK-111, CHK-112. pyworker/tests/test_limits.py reads the same file.
func TestVerdictsThatTheWorkerShares(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/verdicts.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []verdict
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			c, err := validate.Compile(&v.Schema, nil)
			if err != nil {
				t.Fatal(err)
			}
			v.strictly(t, c)
			v.coerced(t, c)
		})
	}
}

// strictly holds the verdict on the value as it is.
func (v verdict) strictly(t *testing.T, c *validate.Checker) {
	t.Helper()
	out, report := c.Check(v.Value, validate.Options{Root: "v"})
	var paths []string
	for _, one := range report.Violations {
		paths = append(paths, strings.TrimPrefix(one.Path, "v"))
	}
	if strings.Join(paths, " ") != strings.Join(v.Paths, " ") || len(paths) != len(v.Paths) {
		t.Errorf("%s: %v", v.Value, report.Violations)
	}
	want := v.Value
	if v.Result != nil {
		want = v.Result
	}
	if v.Paths == nil && !bytes.Equal(out, want) {
		t.Errorf("%s became %s, want %s", v.Value, out, want)
	}
}

// coerced holds the verdict on what the value is taken for.
func (v verdict) coerced(t *testing.T, c *validate.Checker) {
	t.Helper()
	out, report := c.Check(v.Value, validate.Options{Root: "v", Coerce: true})
	switch refused := len(report.Violations) > 0; {
	case v.Coerced != nil && (refused || !bytes.Equal(out, v.Coerced)):
		t.Errorf("%s was coerced to %s, want %s: %v", v.Value, out, v.Coerced, report.Violations)
	case v.Coerced == nil && refused != (v.Paths != nil):
		t.Errorf("coerced, %s: %v", v.Value, report.Violations)
	}
}
