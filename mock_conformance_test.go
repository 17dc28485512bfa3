package dspool_test

import (
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/conformance"
)

func TestConformanceOfTheMock(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Tier{InProcess: true, Open: tier(
		func(testing.TB) dspool.Config { return dspool.Config{} },
		func(c dspool.Config) (*dspool.Mock, error) {
			return dspool.NewMock(dspool.MockConfig{
				Handlers: conformance.Handlers(), LMs: []string{}, Concurrency: c.WorkerConcurrency,
				Affinity: c.Affinity.Mode, QueueSize: c.QueueSize, QueueTimeout: c.QueueTimeout, CallTimeout: c.CallTimeout,
			})
		},
	)})
}
