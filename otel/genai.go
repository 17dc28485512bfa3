package otel

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/lm"
)

// The names follow OpenTelemetry's semantic conventions for generative AI, as
// of version 1.39; they are in development there, and not in the API yet.
const (
	genAIOperation    = "gen_ai.operation.name"
	genAIProvider     = "gen_ai.provider.name"
	genAIRequestModel = "gen_ai.request.model"
	genAIInputTokens  = "gen_ai.usage.input_tokens"  //nolint:gosec // no credential
	genAIOutputTokens = "gen_ai.usage.output_tokens" //nolint:gosec // no credential
)

// languageSpan is the worker's span of one question to a language model.
const languageSpan = "lm"

// generative describes a question to a language model as other tools know it.
func generative(s dspool.Span) []attribute.KeyValue {
	model := s.Attributes["model"]
	if s.Name != languageSpan || model == "" {
		return nil
	}
	name := model
	if _, rest, ok := strings.Cut(model, "/"); ok {
		name = rest
	}
	return []attribute.KeyValue{
		attribute.String(genAIOperation, "chat"),
		attribute.String(genAIProvider, providerName(lm.Provider(model))),
		attribute.String(genAIRequestModel, name),
	}
}

// providerName is the well-known name of a provider, or the one it has here.
func providerName(provider string) string {
	switch provider {
	case "gemini":
		return "gcp.gemini"
	case "vertex_ai":
		return "gcp.vertex_ai"
	case "azure":
		return "azure.ai.openai"
	case "azure_ai":
		return "azure.ai.inference"
	case "bedrock":
		return "aws.bedrock"
	case "xai":
		return "x_ai"
	case "mistral":
		return "mistral_ai"
	case "watsonx":
		return "ibm.watsonx.ai"
	default: // openai, anthropic, groq, deepseek, cohere, perplexity are called so; others are not known
		return provider
	}
}

// used is what a call has used, as other tools know it.
func used(resp *dspool.Response) []attribute.KeyValue {
	var list []attribute.KeyValue
	if len(resp.Usage) > 0 {
		total := resp.Usage.Total()
		list = append(list, attribute.Int64(genAIInputTokens, total.Prompt), attribute.Int64(genAIOutputTokens, total.Completion))
	}
	if resp.Cost.USD > 0 {
		list = append(list, attribute.Float64("dspool.lm.cost_usd", resp.Cost.USD), attribute.Bool("dspool.lm.cost_known", resp.Cost.Known))
	}
	if resp.CacheHits > 0 {
		list = append(list, attribute.Int("dspool.lm.cache_hits", resp.CacheHits))
	}
	if resp.Failovers > 0 {
		list = append(list, attribute.Int("dspool.lm.failovers", resp.Failovers))
	}
	return list
}
