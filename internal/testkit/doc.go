// Package testkit is what the project's own tests share: the main function
// that checks for leaks and turns the test binary into a mock worker, guards
// for tests that need Python, and bounded contexts. Only tests import it.
package testkit
