// Package conformance is one suite of promises that every Runner with workers
// keeps: the pool on mock workers, on the fork server and on spawned Python,
// and the single process. The programs it runs have the same names and meaning
// in each: package wiremock has them in Go, testdata/mock.py in Python.
//
// Only tests import it.
package conformance
