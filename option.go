package dspool

import "maps"

// An Option changes a program of any kind.
type Option interface {
	PredictOption
	CodeOption
}

// A PredictOption changes a program that DSPy builds from its signature:
// [Predict] and [ChainOfThought].
type PredictOption interface{ applyPredict(*Spec) }

// A CodeOption changes a program that is the user's own Python: [Func],
// [Module] and [Method].
type CodeOption interface {
	ObjectOption
	applyCode(*Spec)
}

// anyOption is an Option made of a function.
type anyOption func(*Spec)

func (f anyOption) applyPredict(s *Spec) { f(s) }
func (f anyOption) applyCode(s *Spec)    { f(s) }
func (f anyOption) applyObject(s *Spec)  { f(s) }

// predictOption is a PredictOption made of a function.
type predictOption func(*Spec)

func (f predictOption) applyPredict(s *Spec) { f(s) }

// codeOption is a CodeOption made of a function.
type codeOption func(*Spec)

func (f codeOption) applyCode(s *Spec)   { f(s) }
func (f codeOption) applyObject(s *Spec) { f(s) }

// Named gives the program a name for logs, events and the language model. It
// is an identifier.
func Named(name string) Option { return anyOption(func(s *Spec) { s.Name = name }) }

// WithLM chooses one of the Runner's language models by its name.
func WithLM(name string) Option { return anyOption(func(s *Spec) { s.LM = name }) }

// Idempotent declares that running a call twice does no harm. Only then is a
// call repeated whose worker was lost while it ran.
func Idempotent() Option { return anyOption(func(s *Spec) { s.Idempotent = true }) }

// WithAdapter says how the prompt is written: "chat", "json" or "xml".
func WithAdapter(name string) Option { return anyOption(func(s *Spec) { s.Adapter = name }) }

// Exclusive gives the program a worker of its own while it runs: for code that
// is not safe to run beside other calls, or that keeps a whole core busy.
func Exclusive() CodeOption { return codeOption(func(s *Spec) { s.Exclusive = true }) }

// WithDemos adds examples that the language model is shown.
func WithDemos(demos ...Demo) PredictOption {
	return predictOption(func(s *Spec) { s.Demos = append(s.Demos, demos...) })
}

// WithTemperature sets the sampling temperature.
func WithTemperature(t float64) PredictOption { return WithOption("temperature", t) }

// WithMaxTokens bounds the language model's answer, in tokens.
func WithMaxTokens(n int) PredictOption { return WithOption("max_tokens", n) }

// WithOption sends an option to the language model with every call. Keys and
// addresses are refused: they belong into the Runner's configuration.
func WithOption(name string, value any) PredictOption {
	return predictOption(func(s *Spec) {
		s.Options = maps.Clone(s.Options)
		if s.Options == nil {
			s.Options = map[string]any{}
		}
		s.Options[name] = value
	})
}
