package wiremock

import (
	"encoding/json"
	"testing"
)

func TestSamplesFitTheirSchema(t *testing.T) {
	t.Parallel()
	defs := `{"Tree":{"type":"object","required":["name","next","leaves"],"properties":{
		"name":{"type":"string"},
		"next":{"anyOf":[{"$ref":"#/$defs/Tree"},{"type":"null"}]},
		"leaves":{"type":"array","maxItems":0,"items":{"$ref":"#/$defs/Tree"}}}}}`
	var s samples
	if err := json.Unmarshal([]byte(defs), &s.defs); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ schema, want string }{
		"text":                 {`{"type":"string"}`, `"mock f"`},
		"long text":            {`{"type":"string","minLength":8}`, `"mock fxx"`},
		"short text":           {`{"type":"string","maxLength":2}`, `"mo"`},
		"date":                 {`{"type":"string","format":"date"}`, `"2024-02-29"`},
		"bytes":                {`{"type":"string","contentEncoding":"base64"}`, `"AAEC"`},
		"integer":              {`{"type":"integer"}`, `1`},
		"integer above":        {`{"type":"integer","exclusiveMinimum":3}`, `4`},
		"number within":        {`{"type":"number","minimum":2,"maximum":3}`, `2.5`},
		"number below":         {`{"type":"number","maximum":-1}`, `-1`},
		"probability":          {`{"type":"number","minimum":0,"maximum":1}`, `0.5`},
		"boolean":              {`{"type":"boolean"}`, `true`},
		"choice":               {`{"enum":["b","a"]}`, `"b"`},
		"constant":             {`{"const":7}`, `7`},
		"optional":             {`{"anyOf":[{"type":"null"},{"type":"integer"}]}`, `1`},
		"several types":        {`{"type":["null","boolean"]}`, `true`},
		"list":                 {`{"type":"array","items":{"type":"integer"},"minItems":2}`, `[1,1]`},
		"object":               {`{"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"b":{}}}`, `{"a":1}`},
		"reference to list":    {`{"type":"array","items":{"$ref":"#/$defs/Tree"},"maxItems":0}`, `[]`},
		"reference to nowhere": {`{"$ref":"#/$defs/Nowhere"}`, `"mock f"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var schema map[string]any
			if err := json.Unmarshal([]byte(c.schema), &schema); err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(s.of("f", schema))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestSamplesOfRecursiveSchemasEnd(t *testing.T) {
	t.Parallel()
	var s samples
	err := json.Unmarshal([]byte(`{"Tree":{"type":"object","required":["next"],"properties":{
		"next":{"anyOf":[{"$ref":"#/$defs/Tree"},{"type":"null"}]}}}}`), &s.defs)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s.of("f", map[string]any{"$ref": "#/$defs/Tree"}))
	if err != nil || len(got) == 0 || len(got) > 200 {
		t.Errorf("got %s, %v", got, err)
	}
}
