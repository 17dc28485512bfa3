package adapter

import (
	"encoding/json"
	"strings"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// temperatureDefault is that of configure_lm.
const temperatureDefault = 0.7

// lmArgs are the arguments of configure_lm.
type lmArgs struct {
	Model       string         `json:"model"`
	APIKey      string         `json:"api_key"`
	APIBase     string         `json:"api_base"`
	Provider    string         `json:"provider"`
	Temperature *float64       `json:"temperature"`
	MaxTokens   int            `json:"max_tokens"`
	Cache       bool           `json:"cache"`
	Extra       map[string]any `json:"extra"`
}

// ParseLM reads the arguments of configure_lm:
//
//	{"model", "api_key", "api_base", "provider", "temperature": 0.7, "max_tokens", "cache", "extra": {...}}
//
// The provider "google" is "gemini". A model without a provider in its name gets
// the one that is given. Without a key, the provider's usual variable in this
// process's environment is used. The error is invalid_argument.
func ParseLM(raw json.RawMessage) (dspool.LM, error) {
	var args lmArgs
	if err := decode(raw, &args); err != nil {
		return dspool.LM{}, err
	}
	return args.lm()
}

func (a lmArgs) lm() (dspool.LM, error) {
	if a.Model == "" {
		return dspool.LM{}, fault.New(fault.InvalidArgument, "configure_lm: model is required").WithStarted(fault.StartedNo)
	}
	if a.Temperature == nil {
		t := temperatureDefault
		a.Temperature = &t
	}
	lm := dspool.LM{
		Model: qualified(a.Model, a.Provider), APIKey: dspool.Secret(a.APIKey), APIBase: a.APIBase,
		Temperature: a.Temperature, MaxTokens: a.MaxTokens, Cache: a.Cache, Extra: a.Extra,
	}
	return lm, lm.Validate() //nolint:wrapcheck // says it all
}

// qualified puts the provider before the model, as in "gemini/gemini-1.5-flash".
func qualified(model, provider string) string {
	switch {
	case strings.Contains(model, "/"):
		return model
	case provider == "google", provider == "" && strings.HasPrefix(model, "gemini"):
		return "gemini/" + model
	case provider == "":
		return model
	default:
		return provider + "/" + model
	}
}

// providerOf is the provider in a model's name, as configure_lm reports it.
func providerOf(model string) string {
	provider, _, ok := strings.Cut(model, "/")
	switch {
	case !ok:
		return ""
	case provider == "gemini":
		return "google"
	default:
		return provider
	}
}
