// Package adapter is the contract by which programs are created, run, listed
// and deleted by id, whatever runs them: a pool, a single process, a mock worker
// on the wire, or a mock without processes.
//
//   - [Adapter] is the contract, [Over] implements it over any Runner of package
//     dspool that can be started and stopped.
//   - [Registry] knows adapters by name and decides which one is meant:
//     an explicit name, else the test mode, else the configuration, else the
//     default, looked at anew each time.
//   - [Factory] creates, checks and runs them, with a time limit and repetitions
//     per test layer.
//   - [Commands] is the same contract as JSON commands: ping, create_program,
//     execute_program and so on, and [Commands.Handle] the request and response
//     objects around them.
//
// Programs that an adapter keeps are definitions on this side: they outlive
// every worker, and any worker can run them. Errors are *[Error] from a Factory
// and *fault.Error everywhere else.
package adapter
