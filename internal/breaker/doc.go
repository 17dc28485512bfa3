// Package breaker holds the state machine of a circuit breaker: closed, open,
// half-open. It decides and counts, runs nothing, and knows neither calls nor
// errors: whoever asks [Circuit.Allow] says through the [Pass] how it went.
//
// A result counts only in the period in which its pass was given, so what was
// begun before a circuit opened does not decide about the probes after.
package breaker
