package dspooltest

import (
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/conformance"
)

// A Subject is a started Runner that tells what it is doing. One with processes
// also has ReleaseSession(session string) and ReleaseTenantSession(tenant,
// session string), as a Pool has.
type Subject interface {
	dspool.Runner
	// Status tells of the calls and, where there are any, the workers.
	Status() dspool.Status
}

// A Tier is one way to run programs, for [Conformance].
type Tier struct {
	// Open starts a subject that ends with the test. change may change the
	// configuration that the subject is made by; it is nil for none. A subject
	// that is not a pool heeds what it has of it: WorkerConcurrency, QueueSize,
	// QueueTimeout, CallTimeout, FrameLimit and Affinity.
	Open func(t testing.TB, change func(*dspool.Config)) Subject
	// Python means that programs run in Python, with the suite's module, see
	// ConformancePath. Otherwise they are those of [Worker] and of
	// [ConformanceHandlers].
	Python bool
	// InProcess means that there are no processes: nothing that could be killed
	// or replaced, and no frames.
	InProcess bool
}

// Conformance runs the suite of what every Runner promises: values arrive
// unchanged, errors have the right code and tell the truth about the start,
// limits and deadlines hold, streams can be left, thousands of calls at once
// are kept apart, sessions stay with their worker, and the loss of a worker is
// nobody's problem. The Runners of dspool pass it; so should one that wraps
// them, or replaces them.
func Conformance(t *testing.T, tier Tier) {
	t.Helper()
	conformance.Run(t, conformance.Tier{
		Python: tier.Python, InProcess: tier.InProcess,
		Open: func(t testing.TB, change func(*dspool.Config)) conformance.Subject {
			t.Helper()
			return tier.Open(t, change)
		},
	})
}

// ConformanceHandlers are the suite's programs for Runners in this process, by
// reference: give them to a [dspool.Mock], or call them.
func ConformanceHandlers() map[string]dspool.MockHandler { return conformance.Handlers() }

// ConformancePath is a folder with the suite's programs in Python, for
// dspool.Config.Path. It is removed with the end of the test.
func ConformancePath(t testing.TB) string {
	t.Helper()
	return conformance.Path(t)
}
