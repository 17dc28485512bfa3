// Package dispatch decides which call runs on which worker, and when.
//
// A [Dispatcher] knows targets (workers) by their capacity. [Dispatcher.Acquire]
// hands out a [Slot] on the least loaded one, or lets the call wait in a queue
// that is bounded by length and by age and is served first come, first served.
// An exclusive call gets a whole target: the first one in the queue reserves a
// target, which then takes no other calls, so that it cannot starve.
//
// The package does no I/O and starts no goroutine. A call that need not wait
// costs one lock and no allocation; a call that waits costs one timer.
package dispatch
