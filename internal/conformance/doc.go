// Package conformance is one suite of promises that every Runner keeps: the
// mock, the pool on mock workers, on the fork server and on spawned Python, and
// the single process. The programs it runs have the same names and meaning
// in each: package wiremock has them in Go, as have the mock's handlers in the
// test that runs the suite, testdata/mock.py in Python.
//
// Only tests import it.
package conformance
