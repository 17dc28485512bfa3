package otel

import (
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/lm"
)

func shown(list []attribute.KeyValue) string {
	parts := make([]string, len(list))
	for i, kv := range list {
		parts[i] = fmt.Sprintf("%s=%s", kv.Key, kv.Value.Emit())
	}
	return strings.Join(parts, " ")
}

func TestAQuestionToALanguageModelHasTheConventionsNames(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"openai/gpt-4o":          "openai gpt-4o",
		"gpt-4o":                 "openai gpt-4o",
		"claude-sonnet-4-5":      "anthropic claude-sonnet-4-5",
		"gemini/gemini-2.5-pro":  "gcp.gemini gemini-2.5-pro",
		"azure/deployment":       "azure.ai.openai deployment",
		"xai/grok":               "x_ai grok",
		"groq/llama":             "groq llama",
		"openrouter/meta/llama3": "openrouter meta/llama3",
		"bedrock/m":              "aws.bedrock m",
	} {
		provider, name, _ := strings.Cut(want, " ")
		wanted := fmt.Sprintf("gen_ai.operation.name=chat gen_ai.provider.name=%s gen_ai.request.model=%s", provider, name)
		if got := shown(generative(dspool.Span{Name: "lm", Attributes: map[string]string{"model": model}})); got != wanted {
			t.Errorf("%s: %s, want %s", model, got, wanted)
		}
	}
	for _, s := range []dspool.Span{{Name: "module", Attributes: map[string]string{"model": "m"}}, {Name: "lm"}} {
		if got := generative(s); got != nil {
			t.Errorf("%+v has %v", s, got)
		}
	}
}

func TestACallTellsWhatItUsed(t *testing.T) {
	t.Parallel()
	if got := used(&dspool.Response{Cost: lm.Cost{Known: true}}); got != nil {
		t.Errorf("a call that used nothing has %v", got)
	}
	resp := dspool.Response{
		Usage: dspool.Usage{"a": {Prompt: 1, Completion: 2}, "b": {Prompt: 3}}, Cost: lm.Cost{USD: 0.5}, CacheHits: 6, Failovers: 7,
	}
	want := "gen_ai.usage.input_tokens=4 gen_ai.usage.output_tokens=2 dspool.lm.cost_usd=0.5 dspool.lm.cost_known=false dspool.lm.cache_hits=6 dspool.lm.failovers=7"
	if got := shown(used(&resp)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
