// Package zygotemock is a fork server in Go: it keeps the promises of
// docs/PROTOCOL.md, section 7, but forks nothing. For each order it starts this
// very binary as a worker (package wiremock). Tests of everything above the
// fork server use it, because it is up in milliseconds and needs no Python.
//
// The environment variable [Variable] makes it break one promise.
package zygotemock

// Variable names the promise to break, one of the constants below.
const Variable = "DSPOOL_ZYGOTE_MOCK"

// The ways to misbehave.
const (
	// Dies ends before hello, like a Python without dspy.
	Dies = "dies"
	// Silent never says hello.
	Silent = "silent"
	// WrongNonce says the hello of another start.
	WrongNonce = "wrong_nonce"
	// WrongVersion speaks a version that nobody knows.
	WrongVersion = "wrong_version"
	// Unsafe says that it must not fork.
	Unsafe = "unsafe"
	// Failed says that a preload module could not be imported.
	Failed = "failed"
	// Refuses refuses every order.
	Refuses = "refuses"
	// DiesOnOrder ends when the first order comes.
	DiesOnOrder = "dies_on_order"
	// Deaf takes no orders.
	Deaf = "deaf"
)

// Exit codes.
const (
	exitUsage  = 64
	exitBroken = 70
)
