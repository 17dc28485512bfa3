package dspool

import (
	"net/url"
	"strings"

	"github.com/dspool/dspool/lm"
)

// providerKeys returns the variables in which a provider's key is usually
// found, the first one that is set counting.
func providerKeys(provider string) []string {
	switch provider {
	case "openai", "text-completion-openai":
		return []string{"OPENAI_API_KEY"}
	case "anthropic":
		return []string{"ANTHROPIC_API_KEY"}
	case "gemini", "google":
		return []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"}
	case "azure":
		return []string{"AZURE_API_KEY", "AZURE_OPENAI_API_KEY"}
	case "fireworks_ai":
		return []string{"FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"}
	case "together_ai":
		return []string{"TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"}
	case "perplexity":
		return []string{"PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"}
	case "cohere", "cohere_chat":
		return []string{"COHERE_API_KEY", "CO_API_KEY"}
	case "huggingface":
		return []string{"HUGGINGFACE_API_KEY", "HF_TOKEN"}
	case "ollama", "ollama_chat", "hosted_vllm":
		return nil
	default: // groq, deepseek, openrouter, xai, mistral, cerebras, nvidia_nim, databricks, ...
		return []string{strings.ToUpper(strings.ReplaceAll(provider, "-", "_")) + "_API_KEY"}
	}
}

// knownProviders are those whose keys are kept out of worker environments even
// when no LM of the pool uses them.
func knownProviders() []string {
	return []string{
		"openai", "anthropic", "gemini", "azure", "groq", "deepseek", "openrouter", "xai", "mistral", "cerebras",
		"nvidia_nim", "databricks", "fireworks_ai", "together_ai", "perplexity", "cohere", "huggingface", "replicate",
		"watsonx", "ai21", "anyscale", "deepinfra", "voyage", "sambanova", "litellm", "ollama",
	}
}

func keyFromEnvironment(model string, env func(string) string) string {
	for _, name := range providerKeys(lm.Provider(model)) {
		if key := env(name); key != "" {
			return key
		}
	}
	return ""
}

// withoutCredentials returns a URL as it may be shown.
func withoutCredentials(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "an address that cannot be parsed"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
