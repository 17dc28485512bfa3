package dspooltest

import "github.com/dspool/dspool/internal/wiremock"

// ServeWorker makes this process a mock worker, which speaks the real protocol
// and runs no Python, until its host is gone. args are the program's arguments
// from "worker" on; it returns the exit code.
func ServeWorker(args []string) int { return wiremock.Main(args) }
