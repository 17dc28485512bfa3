package dspool

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
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

// secretExtra reports whether an argument of dspy.LM by that name holds a
// secret, or may.
func secretExtra(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"header", "secret", "password", "credential", "authorization"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.HasSuffix(name, "api_key") || strings.HasSuffix(name, "_token")
}

// checkSecrets refuses what would carry a secret into the memory of workers that
// need none.
func (l LM) checkSecrets(c *checker) {
	if l.Direct {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(l.Extra)) {
		c.must(!secretExtra(name), "Extra["+strconv.Quote(name)+"]",
			"workers would know it: give the key as APIKey, KeyFile or KeyFunc, or set Direct")
	}
	u, err := url.Parse(l.APIBase)
	c.must(err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == "", "APIBase",
		"must be a URL without credentials and without a query: workers would know them")
}

// secrets returns what a definition holds that must not be shown, if workers ask
// the provider by themselves.
func (l LM) secrets() []string {
	list := []string{string(l.APIKey)}
	if !l.Direct {
		return list
	}
	for name, value := range l.Extra {
		if secretExtra(name) {
			list = texts(list, value)
		}
	}
	if u, err := url.Parse(l.APIBase); err == nil && u.User != nil {
		password, _ := u.User.Password()
		list = append(list, password)
	}
	return list
}

// texts adds all strings in a JSON value to a list.
func texts(list []string, value any) []string {
	switch v := value.(type) {
	case string:
		list = append(list, v)
	case map[string]string:
		list = slices.AppendSeq(list, maps.Values(v))
	case map[string]any:
		for _, one := range v {
			list = texts(list, one)
		}
	case []any:
		for _, one := range v {
			list = texts(list, one)
		}
	}
	return list
}
