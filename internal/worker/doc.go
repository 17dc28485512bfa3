// Package worker makes usable workers: a process, a connection and a state.
//
// A [Source] starts workers. [Spawner] starts one program per worker;
// [ForkServer] starts a Python process that has imported everything once and
// forks a worker per order, which takes milliseconds. Where forking is not
// safe or not possible the ForkServer becomes a Spawner and says so.
//
// A [Worker] takes calls while it is [Ready] or [Busy]. The moment its
// connection ends it is given up, so that a replacement can be ordered at once
// ([Worker.Leaving]); what its calls get to hear waits, for at most a quarter
// of a second, for the report of how the process ended. Which of them had
// started is read from a ledger that the worker's death does not wipe out.
//
// A worker ends by a ladder: DRAIN, SIGTERM to its process group, SIGKILL. One
// goroutine per worker, the keeper, takes all of these decisions.
package worker
