// Package dspooltest holds what programs that use dspool need in their own
// tests.
//
// [PracticeLM] is a language model for tests and measurements: an
// OpenAI-compatible server that reads DSPy's prompts and answers every output
// field with a value of its type, always the same for the same input. It can be
// slow, fail, send broken answers and limit its callers on demand, so that what
// a program does then can be tested without a provider and without luck.
package dspooltest
