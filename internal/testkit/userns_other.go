//go:build !linux

package testkit

import "testing"

// noNamespaces: there are none.
func noNamespaces(testing.TB) string { return "there are namespaces on Linux only" }
