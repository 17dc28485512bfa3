package dspooltest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/dspooltest"
)

func TestParseRulesReadsAFile(t *testing.T) {
	t.Parallel()
	rules, err := dspooltest.ParseRules([]byte(`[
		{"contains": "weather", "times": 2, "options": "latency=1s&fail=429"},
		{"model": "m", "content": "x", "fields": {"answer": "Rain."}}]`), dspooltest.Behaviour{ChunkDelay: time.Second})
	if err != nil || len(rules) != 2 {
		t.Fatalf("%v, %v", rules, err)
	}
	one, two := rules[0], rules[1]
	if one.Contains != "weather" || one.Times != 2 || one.Behaviour.Latency != time.Second || one.Behaviour.Fail != dspooltest.FailRateLimit {
		t.Errorf("first rule %+v", one)
	}
	if two.Model != "m" || two.Behaviour.Content != "x" || string(two.Behaviour.Fields["answer"]) != `"Rain."` || two.Behaviour.ChunkDelay != time.Second {
		t.Errorf("second rule %+v", two)
	}
}

func TestParseRulesSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{}`:                          "not a JSON list",
		`[{"contain": "x"}]`:          "contain",
		`[{}, {"options": "fail=x"}]`: "rule 1: option fail=x",
	} {
		if _, err := dspooltest.ParseRules([]byte(raw), dspooltest.Behaviour{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
