// Package health judges workers. A [Monitor] checks each one again and again,
// all of them at the same time, and says what is to be done: take it out of use,
// take it back, replace it, give it up. It does no I/O: a [Subject] is asked,
// and told.
//
// There are two questions. Is it alive: does its event loop answer a ping? Is it
// ready: does a call, on the way of every call, come back? A check passes if both
// are answered in time.
//
// A worker that does not answer need not be frozen: user code that holds the
// interpreter keeps it from answering, and killing it would destroy work that is
// going well. See [Config.BusyMax] for how the two are told apart.
package health
