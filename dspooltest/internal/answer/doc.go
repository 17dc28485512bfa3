// Package answer reads the prompts that DSPy's adapters write and makes up an
// answer with a value of the right type for every output field.
//
// [Read] understands the system messages of ChatAdapter, JSONAdapter and
// XMLAdapter of DSPy 3.4; any other text is a plain prompt, answered with a
// sentence. A [Prompt] is immutable and may be shared between goroutines.
// Everything here is a pure function of its arguments: the same prompt, input
// and seed give the same bytes, in every process.
package answer
