package dspooltest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// scriptedRule is a rule as a file holds it.
type scriptedRule struct {
	Contains string                     `json:"contains"`
	Model    string                     `json:"model"`
	Times    int                        `json:"times"`
	Options  string                     `json:"options"`
	Content  string                     `json:"content"`
	Fields   map[string]json.RawMessage `json:"fields"`
}

// ParseRules reads rules from a JSON list such as
//
//	[{"contains": "weather", "times": 1, "options": "latency=1s&fail=429"},
//	 {"contains": "weather", "fields": {"answer": "Rain."}}]
//
// where options are those of [ParseBehaviour] and change base.
func ParseRules(raw []byte, base Behaviour) ([]Rule, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var scripted []scriptedRule
	if err := d.Decode(&scripted); err != nil {
		return nil, fmt.Errorf("the rules are not a JSON list of rules: %w", err)
	}
	rules := make([]Rule, len(scripted))
	for i, s := range scripted {
		b, err := ParseBehaviour(base, s.Options)
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
		if s.Content != "" {
			b.Content = s.Content
		}
		if s.Fields != nil {
			b.Fields = s.Fields
		}
		rules[i] = Rule{Contains: s.Contains, Model: s.Model, Times: s.Times, Behaviour: b}
	}
	return rules, nil
}
