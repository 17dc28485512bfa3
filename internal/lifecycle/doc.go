// Package lifecycle holds the two pieces that make starting and stopping safe
// at any time, in any order, from any number of goroutines: a [Cycle], which
// runs a start and a stop exactly once each, and a [Gate], which counts what
// is going on and tells when the last one has left.
package lifecycle
