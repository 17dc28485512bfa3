package dspool

import (
	"maps"
	"slices"
	"time"
)

// MockLogDefault is how many calls a Mock remembers by default.
const MockLogDefault = 1024

// MockConfig says how a [Mock] answers. The zero value works: every program
// with a signature is answered at once, with values made up from its inputs.
//
// Answers and Handlers are found by the content hash of a program, by its name,
// by its reference, or by its kind where it has neither, in this order.
type MockConfig struct {
	// Answers are results to give. A value is what encoding/json makes of it.
	// An object for a program with a signature may leave outputs out: they are
	// made up.
	Answers map[string]any
	// Handlers compute results in Go. They come before Answers.
	Handlers map[string]MockHandler
	// Vary makes the same inputs give other values each time. Otherwise values
	// are a function of Seed and of the inputs.
	Vary bool
	// Seed changes the values that are made up, and which calls ErrorRate hits.
	Seed uint64

	// Delay is how long each call takes before it is answered. Defaults to none.
	Delay time.Duration
	// ErrorRate is the share of calls, between 0 and 1, that fail with
	// unavailable and have not started. Defaults to 0.
	ErrorRate float64

	// LMs are the names of language models that requests may ask for; others
	// are refused. Nil: any name will do.
	LMs []string
	// RequireLM lets programs that need a language model fail with
	// lm_not_configured until [Mock.ConfigureLM] has been called.
	RequireLM bool

	// Concurrency is how many calls run at once. Defaults to 256. It stays as it
	// is made, as do QueueSize and QueueTimeout.
	Concurrency int
	// QueueSize is how many calls may wait, as [Config.QueueSize] is.
	QueueSize int
	// QueueTimeout is how long a call may wait, as [Config.QueueTimeout] is.
	QueueTimeout time.Duration
	// CallTimeout is the time budget of a call, as [Config.CallTimeout] is.
	CallTimeout time.Duration

	// Affinity is what a call with a session key does when no place is free for
	// it, as Affinity.Mode of [Config] is. Defaults to AffinityHint.
	Affinity AffinityMode

	// Log is how many calls [Mock.Calls] remembers. Defaults to 1024, -1 is
	// none.
	Log int
}

// WithDefaults returns a copy in which every field that was left out has its
// default.
func (c MockConfig) WithDefaults() MockConfig {
	c.Concurrency = or(c.Concurrency, WorkerConcurrencyDefault)
	c.QueueSize = or(c.QueueSize, QueueSizeDefault)
	c.QueueTimeout = or(c.QueueTimeout, QueueTimeoutDefault)
	c.CallTimeout = or(c.CallTimeout, CallTimeoutDefault)
	c.Affinity = or(c.Affinity, AffinityHint)
	c.Log = or(c.Log, MockLogDefault)
	return c
}

// Validate returns everything that is wrong with the configuration in one
// error, each part with the path of its field, or nil.
func (c MockConfig) Validate() error {
	c = c.WithDefaults()
	k := &checker{path: "MockConfig"}
	k.must(c.Delay >= 0, "Delay", "must not be negative, got %s", c.Delay)
	k.must(c.ErrorRate >= 0 && c.ErrorRate <= 1, "ErrorRate", "must be between 0 and 1, got %v", c.ErrorRate)
	k.must(c.Concurrency >= 1, "Concurrency", "must be at least 1, got %d", c.Concurrency)
	k.must(c.QueueSize >= -1, "QueueSize", "must be -1 (none) or more, got %d", c.QueueSize)
	k.must(c.QueueTimeout > 0 || c.QueueTimeout == -1, "QueueTimeout", "must be -1 (off) or positive, got %s", c.QueueTimeout)
	k.must(c.CallTimeout > 0 || c.CallTimeout == -1, "CallTimeout", "must be -1 (off) or positive, got %s", c.CallTimeout)
	_, known := c.Affinity.dispatched()
	k.must(known, "Affinity", "must be %q, %q or %q, got %q", AffinityHint, AffinityStrictQueue, AffinityStrictFailFast, c.Affinity)
	k.must(c.Log >= -1, "Log", "must be -1 (none) or more, got %d", c.Log)
	c.checkAnswers(k)
	return k.verdict()
}

func (c MockConfig) checkAnswers(k *checker) {
	for _, name := range slices.Sorted(maps.Keys(c.Answers)) {
		if _, err := encodeAnswer(c.Answers[name]); err != nil {
			k.must(false, "Answers["+name+"]", "must be JSON: %s", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Handlers)) {
		k.must(c.Handlers[name] != nil, "Handlers["+name+"]", "must not be nil")
	}
}

// clone returns a copy that may be changed.
func (c MockConfig) clone() MockConfig {
	c.Answers, c.Handlers, c.LMs = maps.Clone(c.Answers), maps.Clone(c.Handlers), slices.Clone(c.LMs)
	if c.Answers == nil {
		c.Answers = map[string]any{}
	}
	if c.Handlers == nil {
		c.Handlers = map[string]MockHandler{}
	}
	return c
}
