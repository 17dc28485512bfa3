// Package dspooltest holds what programs that use dspool need in their own
// tests.
//
//   - [New] gives a test a started Runner of its own: the mock, a pool on mock
//     workers, or a pool on real Python with a practice language model, as the
//     test, the variable TEST_MODE or a configuration says.
//   - [NewWire] scripts mock workers, which are real processes that speak the
//     real protocol without Python: what they answer, how they fail, when they
//     die.
//   - [Faults], [Lines] and [Kit.Pressure] do harm to the workers of a running
//     pool: they are killed, frozen, made to eat memory, their connections
//     corrupted or cut.
//   - [Record] and its waits replace sleeps: they end with the event.
//   - [PracticeLM] is an OpenAI-compatible language model that reads DSPy's
//     prompts and answers every output field with a value of its type, always
//     the same for the same input. It is slow, fails, sends broken answers and
//     limits its callers on demand.
//   - [RunConcurrent], [VerifyConcurrent], [Workload] and [Signatures] make load.
//   - [Conformance] is the suite of what every Runner promises, and
//     [SessionStoreConformance] that of session stores.
//   - [Require] skips a test for want of something, and fails it instead where
//     that must not happen.
//
// A package whose tests start mock workers calls [Main] in its TestMain.
package dspooltest
