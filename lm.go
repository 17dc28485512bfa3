package dspool

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/lm"
)

// An LM says which language model to ask, and how. It is read-only once it has
// been given to a Config. Neither its key nor the values in Extra are shown
// when it is printed, logged or encoded.
type LM struct {
	// Model is the provider and the model, as in "openai/gpt-4o-mini" or
	// "anthropic/claude-sonnet-4-5". Required.
	Model string
	// APIBase is the URL of the provider's API. Empty: the provider's own.
	APIBase string
	// APIKey is the key. Empty: taken from the provider's usual variable in
	// this process's environment, such as OPENAI_API_KEY. Workers are not told
	// it, unless the LM is Direct.
	APIKey Secret
	// ModelType is "chat", "responses" or "text". Empty: DSPy's choice.
	ModelType string
	// Temperature, if not nil, is sent with each request.
	Temperature *float64
	// MaxTokens limits the length of an answer. 0: the provider's choice.
	MaxTokens int
	// Timeout limits one request to the provider until its answer begins. 0: only
	// the call's own budget does.
	Timeout time.Duration
	// Retries is how often a request that failed and may go well is sent again, with
	// pauses, within the call's budget. Nil: 3 times.
	Retries *int
	// Cache answers a request that was seen before without asking again, from
	// Egress.Cache, and lets equal ones under way share an answer.
	Cache bool
	// Limits bound what the host sends to the provider. The zero value is
	// without limit.
	Limits lm.Limits
	// Price is what the model costs. Nil: what the embedded table says.
	Price *lm.Price
	// KeyFile names a file that holds the key; it is read again when it
	// changes. At most one of APIKey, KeyFile and KeyFunc may be set.
	KeyFile string
	// KeyFunc returns the key for each request.
	KeyFunc lm.KeyFunc
	// Extra are further arguments of dspy.LM. Values must be JSON; those that hold
	// secrets, such as extra_headers, need Direct.
	Extra map[string]any
	// Fallback are other language models that are asked, in turn, in place of
	// this one when it has failed for good: after its own Retries, and only as
	// long as the call's budget lasts; set Timeout, so that a provider that does
	// not answer leaves some of it. An answer that has begun to stream is not
	// asked for again. Response.Usage and Response.Failovers tell who answered.
	Fallback []Failover
	// Direct lets workers ask the provider themselves, over their own network
	// and with the key in their memory. It is needed for providers that only
	// LiteLLM reaches; all others are asked through the host. A Sandbox without
	// network excludes it.
	//
	// If the configuration has such an LM the fork server imports LiteLLM, which
	// takes it a few seconds. One that is added later, or spawned workers, have
	// each worker do that at its first call.
	Direct bool

	serial int // tells LMs with a KeyFunc apart
}

// lmDefinition is an LM as the worker reads it.
type lmDefinition struct {
	Model       string         `json:"model"`
	Host        bool           `json:"host,omitempty"`
	HostID      string         `json:"host_id,omitempty"`
	APIBase     string         `json:"api_base,omitempty"`
	APIKey      string         `json:"api_key,omitempty"`
	ModelType   string         `json:"model_type,omitempty"`
	Temperature *float64       `json:"temperature,omitempty"`
	MaxTokens   int            `json:"max_tokens,omitempty"`
	TimeoutS    float64        `json:"timeout_s,omitempty"`
	Retries     *int           `json:"num_retries,omitempty"`
	Cache       bool           `json:"cache"`
	Extra       map[string]any `json:"extra,omitempty"`
	Fallback    []lmFailover   `json:"fallback,omitempty"`
}

// withKey returns a copy with the key that the environment has, if none is set.
func (l LM) withKey(env func(string) string) LM {
	if l.APIKey == "" && l.KeyFile == "" && l.KeyFunc == nil {
		l.APIKey = Secret(keyFromEnvironment(l.Model, env))
	}
	return l
}

// define returns what a worker needs to know, but for where it falls back to.
func (l LM) define() lmDefinition {
	d := lmDefinition{
		Model: l.Model, APIBase: l.APIBase, APIKey: string(l.APIKey), ModelType: l.ModelType,
		Temperature: l.Temperature, MaxTokens: l.MaxTokens, TimeoutS: l.Timeout.Seconds(),
		Retries: l.Retries, Cache: l.Cache, Extra: l.Extra,
	}
	if l.hosted() {
		d.Host, d.APIKey, d.HostID = true, "", l.hostID()
		d.TimeoutS, d.Retries, d.Cache = 0, nil, false // the host sees to these
	}
	return d
}

// encode returns a definition as it travels, and its hash.
func (d lmDefinition) encode() (body []byte, hash string, err error) {
	body, err = json.Marshal(d) //nolint:gosec // the worker of a direct LM needs the key
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(body)
	return body, hex.EncodeToString(sum[:])[:hashLen], nil
}

// keys counts the ways in which the key is given.
func (l LM) keys() (n int) {
	for _, given := range []bool{l.APIKey != "", l.KeyFile != "", l.KeyFunc != nil} {
		if given {
			n++
		}
	}
	return n
}

// hosted reports whether the host asks this language model for the workers.
func (l LM) hosted() bool { return !l.Direct }

// litellm reports whether only LiteLLM reaches the provider.
func (l LM) litellm() bool { return l.Direct && (l.ModelType == "text" || !lm.Native(l.Model)) }

// model is the LM as the egress treats it; name is what it is called in its
// pool.
func (l LM) model(name string) lm.Model {
	m := lm.Model{
		Name: l.Model, Base: l.APIBase, Timeout: l.Timeout, Retry: lm.Retry{Max: l.retries()}, Cache: l.Cache,
		CacheID: l.cacheID(name), Limits: l.Limits, Price: l.Price, Key: l.KeyFunc,
	}
	switch key := string(l.APIKey); {
	case l.KeyFile != "":
		m.Key = lm.KeyFile(l.KeyFile)
	case key != "":
		m.Key = func(context.Context) (string, error) { return key, nil }
	}
	return m
}

// retries is how often the egress sends a request again; -1 is never.
func (l LM) retries() int {
	switch {
	case l.Retries == nil:
		return 0 // its default
	case *l.Retries == 0:
		return -1
	default:
		return *l.Retries
	}
}

// hostID names an LM between worker and host: a hash of all that the host has to
// know of it, the key included.
func (l LM) hostID() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %d %d %t %+v", l.Model, l.APIBase, string(l.APIKey), l.KeyFile, l.Timeout, l.retries(), l.Cache, l.Limits)
	if l.Price != nil {
		fmt.Fprintf(h, " %+v", *l.Price)
	}
	if l.KeyFunc != nil {
		fmt.Fprintf(h, " %d", l.serial) // functions cannot be compared
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// cacheID separates the answers of LMs with another address or another key. A
// KeyFunc is known by what the LM is called in its pool: the same after a
// restart, and when the key is exchanged.
func (l LM) cacheID(name string) string {
	if l.KeyFunc == nil {
		name = ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %t %q", l.Model, l.APIBase, string(l.APIKey), l.KeyFile, l.KeyFunc != nil, name)
	return hex.EncodeToString(h.Sum(nil))
}

// given reports whether any field is set.
func (l LM) given() bool {
	return l.Model != "" || l.APIBase != "" || l.APIKey != "" || l.ModelType != "" || l.Temperature != nil ||
		l.MaxTokens != 0 || l.Timeout != 0 || l.Retries != nil || l.Cache || len(l.Extra) > 0 || l.Direct ||
		l.Limits != lm.Limits{} || l.Price != nil || l.KeyFile != "" || l.KeyFunc != nil ||
		len(l.Fallback) > 0
}

// check returns what is wrong with an LM, each with the path of the field.
func (l LM) check(path string) []error {
	c := &checker{path: path}
	c.must(l.Model != "", "Model", `must name provider and model, as in "openai/gpt-4o-mini"`)
	c.must(strings.TrimSpace(l.Model) == l.Model, "Model", "must not begin or end with a space, got %q", l.Model)
	c.must(slices.Contains([]string{"", "chat", "responses", "text"}, l.ModelType), "ModelType",
		"must be chat, responses, text or empty, got %q", l.ModelType)
	c.must(l.APIBase == "" || strings.HasPrefix(l.APIBase, "http://") || strings.HasPrefix(l.APIBase, "https://"),
		"APIBase", "must begin with http:// or https://")
	c.must(l.MaxTokens >= 0, "MaxTokens", "must not be negative, got %d", l.MaxTokens)
	c.must(l.Timeout >= 0, "Timeout", "must not be negative, got %s", l.Timeout)
	c.must(l.Retries == nil || *l.Retries >= 0, "Retries", "must not be negative")
	c.must(l.Temperature == nil || *l.Temperature >= 0, "Temperature", "must not be negative")
	c.must(l.keys() <= 1, "APIKey", "at most one of APIKey, KeyFile and KeyFunc may be set")
	c.must(!l.Direct || l.KeyFile == "" && l.KeyFunc == nil, "Direct", "a worker that asks by itself needs its key in APIKey")
	c.must(!l.Direct || l.Limits == lm.Limits{}, "Limits", "only the host keeps limits: they have no effect with Direct")
	l.checkSecrets(c)
	c.must(!l.Direct || len(l.Fallback) == 0, "Fallback", "only an LM that the host asks can fall back to others: it has no effect with Direct")
	for i, to := range l.Fallback {
		to.check(c, i)
	}
	if err := l.Limits.Check(); err != nil {
		c.must(false, "Limits", "%s", err)
	}
	c.must(l.Direct || lm.Native(l.Model) || l.Model == "", "Model",
		"only LiteLLM reaches the provider of %q: set Direct, and workers ask it themselves, with the key and over their own network", l.Model)
	c.must(l.Direct || l.ModelType != "text", "ModelType",
		"only LiteLLM speaks the API of text completions: set Direct, and workers ask the provider themselves")
	if _, err := json.Marshal(l.Extra); err != nil {
		c.must(false, "Extra", "must hold JSON values only: %s", err)
	}
	return c.errs
}

// Validate returns everything that is wrong with the LM in one error, or nil.
func (l LM) Validate() error {
	errs := l.check("LM")
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.InvalidArgument, joined(errs))
}

// String shows what the LM is, without its key and without values of Extra.
func (l LM) String() string {
	var b strings.Builder
	b.WriteString(l.Model)
	if l.APIBase != "" {
		fmt.Fprintf(&b, " at %s", withoutCredentials(l.APIBase))
	}
	if len(l.Extra) > 0 {
		fmt.Fprintf(&b, " with %s", strings.Join(slices.Sorted(maps.Keys(l.Extra)), ", "))
	}
	return b.String()
}

// GoString is String, so that %#v shows no key either.
func (l LM) GoString() string { return "dspool.LM(" + l.String() + ")" }

// LogValue implements [slog.LogValuer].
func (l LM) LogValue() slog.Value { return slog.StringValue(l.String()) }

// MarshalJSON encodes what String shows.
func (l LM) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// LMFromEnv returns the language model that the environment names: the model
// in DSPOOL_LM, its address in DSPOOL_LM_BASE (any API that speaks OpenAI's
// chat completions), its key in DSPOOL_LM_KEY or in the provider's usual
// variable. It reports false if neither of the first two is set.
func LMFromEnv() (LM, bool) { return lmFrom(os.Getenv) }

func lmFrom(env func(string) string) (LM, bool) {
	l := LM{Model: env("DSPOOL_LM"), APIBase: env("DSPOOL_LM_BASE"), APIKey: Secret(env("DSPOOL_LM_KEY"))}
	if l.Model == "" && l.APIBase == "" {
		return LM{}, false
	}
	if l.Model == "" {
		l.Model = "openai/default"
	}
	l.Direct = !lm.Native(l.Model)
	return l, true
}
