// Package dispatch decides which call runs on which worker, and when.
//
// A [Dispatcher] knows targets (workers) by their capacity. [Dispatcher.Acquire]
// hands out a [Slot] on the least loaded one, or lets the call wait in a queue
// that is bounded by length and by age and is served first come, first served.
// Calls may name a [Share]: the shares then take turns by their weights, so that
// one that floods the queue delays each call of another by no more than a turn,
// and a full queue takes from the one that has most in it.
// An exclusive call gets a whole target: the first one in the queue reserves a
// target, which then takes no other calls, so that it cannot starve.
//
// A call with a key goes to the target that served the key before. A binding
// ends some time after its last use, when its target leaves, and when there are
// too many; each costs a constant amount of work, a target that leaves included.
//
// The package does no I/O and starts no goroutine. A call that need not wait
// costs one lock and no allocation; a call that waits costs one timer.
package dispatch
