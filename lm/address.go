package lm

import (
	"net/url"
	"strings"

	"github.com/dspool/dspool/fault"
)

// KeyMark stands in a request where the key belongs.
const KeyMark = "dspool-key"

// providerBases are the addresses of the providers that DSPy's own client
// knows, as DSPy 3.4.1 has them; a test compares.
func providerBases() map[string]string {
	return map[string]string{
		"openai":      "https://api.openai.com/v1",
		"anthropic":   "https://api.anthropic.com/v1",
		"gemini":      "https://generativelanguage.googleapis.com/v1beta",
		"groq":        "https://api.groq.com/openai/v1",
		"openrouter":  "https://openrouter.ai/api/v1",
		"deepseek":    "https://api.deepseek.com",
		"xai":         "https://api.x.ai/v1",
		"moonshot":    "https://api.moonshot.ai/v1",
		"ollama":      "http://localhost:11434/v1",
		"ollama_chat": "http://localhost:11434/v1",
		"hosted_vllm": "http://localhost:8000/v1",
		"azure":       "", // has no address of its own
	}
}

// Native reports whether DSPy's own client, and so the host, can reach the
// provider of a model. The others need LiteLLM and a worker's own network.
func Native(model string) bool {
	_, known := providerBases()[Provider(model)]
	return known
}

// Provider returns the provider that a model's name tells: what stands before
// the first slash, or what DSPy takes a bare name for.
func Provider(model string) string {
	if provider, _, ok := strings.Cut(model, "/"); ok {
		return provider
	}
	switch {
	case strings.HasPrefix(model, "claude-"):
		return "anthropic"
	case strings.HasPrefix(model, "gemini-"):
		return "gemini"
	default:
		return "openai"
	}
}

// An address is a model's base URL: the only place that its key is sent to.
type address struct {
	scheme, host, path string
}

// newAddress reads the base of a model, or takes its provider's own.
func newAddress(model, base string) (address, error) {
	if base == "" {
		base = providerBases()[Provider(model)]
	}
	if base == "" {
		return address{}, fault.Newf(fault.InvalidArgument, "the model %q has no address of its own: set its APIBase", model)
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return address{}, fault.Newf(fault.InvalidArgument, "the APIBase of the model %q is no http or https URL", model)
	}
	return address{scheme: u.Scheme, host: u.Host, path: strings.TrimSuffix(u.EscapedPath(), "/")}, nil
}

// admit reads the URL of a request and refuses any that is not below the base.
func (a address) admit(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, "a request to a language model has a URL that cannot be read")
	}
	path, below := strings.CutPrefix(u.EscapedPath(), a.path)
	if u.Scheme != a.scheme || u.Host != a.host || u.User != nil || !below || path != "" && path[0] != '/' || climbs(path) {
		return nil, fault.Newf(fault.InvalidArgument,
			"a request to %s://%s%s was refused: the language model is at %s://%s%s, and nothing is sent elsewhere",
			u.Scheme, u.Host, u.EscapedPath(), a.scheme, a.host, a.path)
	}
	return u, nil
}

// climbs reports whether a path leaves the folder that it begins in.
func climbs(path string) bool {
	for part := range strings.SplitSeq(strings.ToLower(path), "/") {
		switch strings.ReplaceAll(part, "%2e", ".") {
		case "..", ".":
			return true
		}
	}
	return strings.Contains(strings.ToLower(path), "%2f")
}
